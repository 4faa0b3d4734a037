"""What callers get, for the OpenAPI document and for the tests that compare every answer with it.

Answers are rendered by `presenting.py` without these models; a test keeps the two the same.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Amount = Any  # an integer or a decimal, by the operator's unit; the document says which

Status = Literal[
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "succeeded",
    "canceled",
]


class Told(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LastError(Told):
    code: str
    declineCode: str | None = None  # noqa: N815 - the name on the wire
    message: str


class PaymentData(Told):
    payment_intent_id: str | None
    paymentIntentId: str | None = Field(  # noqa: N815
        deprecated=True, description="Second name of `payment_intent_id`."
    )
    status: Status
    amount: Amount
    currency: str
    orderId: str  # noqa: N815
    customerId: str | None  # noqa: N815
    payment_method: str | None
    amount_received: Amount
    amount_refunded: Amount
    amount_refundable: Amount
    capture_method: str
    created: str
    client_secret: str | None = Field(
        default=None, description="For the payer's client only; present while it has to act."
    )
    clientSecret: str | None = Field(  # noqa: N815
        default=None, deprecated=True, description="Second name of `client_secret`."
    )
    next_action: dict[str, Any] | None = Field(
        default=None, description="What the payer's client has to do, in Stripe's words."
    )
    last_error: LastError | None = None


class UnderWay(Told):
    operation: Literal["create", "confirm", "cancel"]
    since: str
    tries: int
    next_look_at: str


class Attempts(Told):
    made: int
    under_way: UnderWay | None


class RefundData(Told):
    refund_id: str = Field(description="Stripe's id; until it is known, our `reference`.")
    reference: str = Field(description="Our own id of the refund, known from the start.")
    status: Literal["processing", "pending", "requires_action", "succeeded", "failed", "canceled"]
    amount: Amount
    currency: str
    payment_intent: str | None
    orderId: str  # noqa: N815
    amount_refunded: Amount
    amount_refundable: Amount
    reason: str | None
    created: str
    failure: str | None = None


class OrderNotification(Told):
    status: str
    state: Literal["owed", "told", "dead"]
    tries: int
    told_at: str | None
    next_try_at: str | None
    failure: str | None


class TimelineEntry(Told):
    at: str
    what: str
    by: str
    stripe_request_id: str | None


class FullPaymentData(PaymentData):
    description: str | None
    metadata: dict[str, str]
    cancellation_reason: str | None
    attempts: Attempts
    refunds: list[RefundData]
    order_notification: OrderNotification | None
    timeline: list[TimelineEntry]


class CustomerData(Told):
    customerId: str  # noqa: N815
    email: str
    name: str | None
    defaultPaymentMethodId: str | None  # noqa: N815


class CustomerId(Told):
    customerId: str  # noqa: N815


class CardData(Told):
    payment_method_id: str
    card_brand: str
    card_last4: str
    cardholder_name: str | None
    expiry_date: str = Field(description="MM/YY")
    exp_month: int
    exp_year: int
    is_default: bool
    fingerprint: str | None = None


class Succeeded(Told):
    success: Literal[True]


class PaymentAnswer(Succeeded):
    data: PaymentData


class FullPaymentAnswer(Succeeded):
    data: FullPaymentData


class PaymentsAnswer(Succeeded):
    data: list[PaymentData]
    nextCursor: str | None  # noqa: N815


class RefundAnswer(Succeeded):
    data: RefundData


class NewCustomerAnswer(Succeeded):
    data: CustomerId
    customerId: str = Field(  # noqa: N815
        deprecated=True, description="Second place of `data.customerId`."
    )


class CustomerAnswer(Succeeded):
    data: CustomerData
    customerId: str = Field(  # noqa: N815
        deprecated=True, description="Second place of `data.customerId`."
    )


class CardAnswer(Succeeded):
    data: CardData


class CardsAnswer(Succeeded):
    data: list[CardData]


class DoneAnswer(Succeeded):
    message: str


class PendingData(BaseModel):
    """What is known so far; the fields depend on what was asked."""

    model_config = ConfigDict(extra="allow")

    status: Literal["processing"]


class PendingAnswer(Succeeded):
    pending: Literal[True]
    message: str
    data: PendingData


class BadField(Told):
    field: str
    message: str


class ProblemAnswer(Told):
    success: Literal[False]
    message: str = Field(description="For a person; may change.")
    code: str = Field(description="For a program; never changes.")
    requestId: str  # noqa: N815
    errors: list[BadField] | None = Field(
        default=None, description="Every bad field, when the request was invalid."
    )
    declineCode: str | None = Field(  # noqa: N815
        default=None, description="Why the card was refused, in Stripe's words, with 402."
    )
    data: PaymentData | None = Field(default=None, description="The payment as it is, with 409.")


class HealthAnswer(Told):
    message: str
    status: Literal["ok"]
    version: str
    mode: str


class LiveAnswer(Told):
    status: Literal["ok"]
