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


Operation = Literal["create", "confirm", "capture", "cancel"]


class Told(BaseModel):
    model_config = ConfigDict(extra="forbid")


AdviceCode: Any = Field(
    default=None,
    description="Stripe's advice: `try_again_later`, `do_not_try_again` or `confirm_card_data`.",
)
NetworkDeclineCode: Any = Field(
    default=None, description="The card network's code of the decline; for services only."
)
NetworkAdviceCode: Any = Field(
    default=None, description="The card network's code of its advice; for services only."
)


class OutcomeData(Told):
    """How the charge ended and what Radar thought of it, as far as Stripe said; services only."""

    type: str | None = None
    risk_level: str | None = None
    reason: str | None = None
    seller_message: str | None = None
    network_status: str | None = None
    rule: str | None = None


class LastError(Told):
    code: str
    declineCode: str | None = None  # noqa: N815 - the name on the wire
    message: str
    adviceCode: str | None = AdviceCode  # noqa: N815
    networkDeclineCode: str | None = NetworkDeclineCode  # noqa: N815
    networkAdviceCode: str | None = NetworkAdviceCode  # noqa: N815
    outcome: OutcomeData | None = None


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
    amount_capturable: Amount
    capture_method: str
    capture_before: str | None = Field(description="When a hold lapses, while there is one.")
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
    late_payment_intent_id: str | None = Field(
        default=None,
        description=(
            "Another PaymentIntent of this order that took money (a copy made by hand, an attempt "
            "that was given up); a person must look. Nothing more is charged for the order."
        ),
    )
    last_error: LastError | None = None


class UnderWay(Told):
    operation: Operation
    since: str
    tries: int
    next_look_at: str


class PastAttempt(Told):
    number: int
    operation: Operation
    payment_method: str | None
    begun_at: str
    ended_at: str
    tries: int
    outcome: str = Field(description="The status it led to, or the kind of its failure.")
    code: str | None
    decline_code: str | None
    advice_code: str | None = AdviceCode
    network_decline_code: str | None = NetworkDeclineCode
    network_advice_code: str | None = NetworkAdviceCode
    charge_outcome: OutcomeData | None = None
    request_id: str | None
    stripe_request_id: str | None


class Attempts(Told):
    made: int
    under_way: UnderWay | None
    past: list[PastAttempt]


class DisputeData(Told):
    dispute_id: str
    status: str = Field(description="Stripe's word.")
    reason: str
    amount: Amount
    currency: str
    evidence_due_by: str | None
    blocks_refunds: bool
    created: str


class FraudWarningData(Told):
    fraud_warning_id: str
    fraud_type: str
    actionable: bool = Field(description="Whether a refund would still prevent a dispute.")
    created: str


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
    key: str = Field(description="Its `Idempotency-Key` at the OrderService, and its name here.")
    status: str
    state: Literal["pending", "delivered", "dead", "superseded"]
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
    generation: int = Field(description="How many PaymentIntents this order has had.")
    attempts: Attempts
    refunds: list[RefundData]
    amount_disputed: Amount
    disputes: list[DisputeData]
    fraud_warnings: list[FraudWarningData]
    order_notification: OrderNotification | None
    order_notifications: list[OrderNotification]
    timeline: list[TimelineEntry]


class CustomerData(Told):
    customerId: str  # noqa: N815
    email: str | None = Field(
        description="None when Stripe's e-mail of it is another customer's here, or is not usable."
    )
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
    expired: bool = Field(
        description="Whether its month is over, or the same card is there with a later expiry."
    )
    display_brand: str | None = Field(
        default=None,
        description="The brand to show, by the payer's choice on a co-branded card; Stripe's word.",
    )
    fingerprint: str | None = None


class SetupData(Told):
    setup_intent_id: str
    status: str = Field(description="Stripe's word.")
    customerId: str | None  # noqa: N815
    client_secret: str | None = Field(description="For the payer's client only.")


class EventData(Told):
    event_id: str
    type: str
    state: Literal["kept", "applied", "foreign", "ignored", "dead"]
    by: str
    happened_at: str
    received_at: str
    ended_at: str | None
    next_try_at: str | None
    tries: int
    failure: str | None
    object_id: str
    payment_intent: str | None
    orderId: str | None  # noqa: N815


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


class SetupAnswer(Succeeded):
    data: SetupData


class EventAnswer(Succeeded):
    data: EventData


class EventsAnswer(Succeeded):
    data: list[EventData]
    nextCursor: str | None  # noqa: N815


class TakenAnswer(Succeeded):
    received: Literal["kept", "known", "foreign", "ignored"]


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


class NotificationData(OrderNotification):
    orderId: str  # noqa: N815


class NotificationAnswer(Succeeded):
    pending: Literal[True]
    message: str
    data: NotificationData


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
        default=None,
        description=(
            "Why the card was refused, in Stripe's words, with 402. End users get "
            "`generic_decline` where Stripe wants the reason kept from the payer."
        ),
    )
    adviceCode: str | None = AdviceCode  # noqa: N815
    networkDeclineCode: str | None = NetworkDeclineCode  # noqa: N815
    networkAdviceCode: str | None = NetworkAdviceCode  # noqa: N815
    outcome: OutcomeData | None = None
    data: PaymentData | None = Field(
        default=None,
        description="The payment as it is, with 409, and with 402 when the payer must return.",
    )


class HealthAnswer(Told):
    message: str
    status: Literal["ok"]
    version: str
    mode: str


class LiveAnswer(Told):
    status: Literal["ok"]


class ClockAnswer(Told):
    status: Literal["ok", "wrong", "unknown"]
    ahead_s: int = Field(description="How far it is ahead of Stripe's; below zero, behind.")


class ReadyAnswer(LiveAnswer):
    clock: ClockAnswer
