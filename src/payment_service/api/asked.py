"""What callers may send: the fields of every request by their names on the wire, and their limits.

Amounts, currencies and e-mails are checked by the domain; here they are whatever was sent.
"""

import re
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from payment_service.api.validation import NAMED_MAX, OWN_WORDS

# Stripe allows 50 metadata keys; four are ours.
METADATA_KEYS_MAX: Final = 46
METADATA_KEY_MAX: Final = 40
METADATA_VALUE_MAX: Final = 500
OUR_METADATA: Final = frozenset({"service", "order_id", "idempotency_key", "request_id"})
ORDER_ID_MAX: Final = 200
NAME_MAX: Final = 250
DESCRIPTION_MAX: Final = 1000
URL_MAX: Final = 2048
# Descriptions of a card that we take from Stripe anyway.
CARD_TEXT_MAX: Final = 50

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")


def _wrong(words: str) -> PydanticCustomError:
    # The words are a template to pydantic, and ours have no braces.
    return PydanticCustomError(OWN_WORDS, words)


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise _wrong("must be an id: 1 to 255 letters, digits, _ and -")
    return value


def _order_id(value: str) -> str:
    if not (0 < len(value) <= ORDER_ID_MAX and value.isprintable() and value == value.strip()):
        raise _wrong(
            f"must have 1 to {ORDER_ID_MAX} printable characters and no space at either end"
        )
    return value


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise _wrong("must be one line of printable characters")
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        good = False
    if not good or len(value) > URL_MAX or not value.isprintable() or " " in value:
        raise _wrong(f"must be an http or https URL of at most {URL_MAX} characters")
    return value


def _few(value: Any) -> Any:
    """Refuse more entries than could be named if they were all bad, before each is looked at."""
    if isinstance(value, dict) and len(value) > NAMED_MAX:
        raise _too_many_entries()
    return value


def _too_many_entries() -> PydanticCustomError:
    return _wrong(f"must have at most {METADATA_KEYS_MAX} entries")


def _metadata(value: dict[str, str]) -> dict[str, str]:
    if len(value) > METADATA_KEYS_MAX:
        raise _too_many_entries()
    for name, text in value.items():
        if not 0 < len(name) <= METADATA_KEY_MAX or "[" in name or "]" in name:
            raise _wrong(
                f"must have names of 1 to {METADATA_KEY_MAX} characters without square brackets"
            )
        if name in OUR_METADATA:
            raise _wrong(f"must not use the names {', '.join(sorted(OUR_METADATA))}: they are ours")
        if len(text) > METADATA_VALUE_MAX:
            raise _wrong(f"must have values of at most {METADATA_VALUE_MAX} characters")
    return value


Id = Annotated[
    str,
    AfterValidator(_id),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,255}$"}),
]
OrderId = Annotated[
    str,
    AfterValidator(_order_id),
    WithJsonSchema(  # a whole number is taken for its digits
        {
            "type": ["string", "integer"],
            "minLength": 1,
            "maxLength": ORDER_ID_MAX,
            "minimum": 0,
            "exclusiveMaximum": 10**18,
        }
    ),
]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=NAME_MAX), AfterValidator(_one_line)
]
CardText = Annotated[str, StringConstraints(max_length=CARD_TEXT_MAX)]
# Stripe's limit on a metadata value, where a reason that Stripe does not know goes.
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=METADATA_VALUE_MAX),
    AfterValidator(_one_line),
]
Description = Annotated[str, StringConstraints(max_length=DESCRIPTION_MAX)]
Url = Annotated[
    str,
    AfterValidator(_url),
    WithJsonSchema({"type": "string", "format": "uri", "maxLength": URL_MAX}),
]
Metadata = Annotated[
    dict[str, str],
    BeforeValidator(_few),
    AfterValidator(_metadata),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": METADATA_KEYS_MAX,
            "additionalProperties": {"type": "string", "maxLength": METADATA_VALUE_MAX},
        }
    ),
]


# Checked by the domain and by the list itself.
CurrencyText = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[A-Za-z]{3}$"})]
Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]


class Asked(BaseModel):
    """Nothing is converted: 1 is not true and 7 is not "7". Null is the same as absent."""

    model_config = ConfigDict(
        strict=True, extra="ignore", alias_generator=to_camel, hide_input_in_errors=True
    )


class AskedCustomer(Asked):
    email: str = Field(
        description="Trimmed and lower-cased; it is the customer's identity.",
        json_schema_extra={"format": "email"},
    )
    name: Name | None = None


class AskedCustomerUpdate(Asked):
    email: str | None = Field(
        default=None,
        description="The new identity of the customer; it must have no other one.",
        json_schema_extra={"format": "email"},
    )
    name: Name | None = None


class AskedCustomerId(Asked):
    customer_id: Id


class AskedCard(AskedCustomerId):
    payment_method_id: Id


class AskedCardDetails(AskedCard):
    cardholder_name: Name = Field(description="Kept, and written to Stripe's billing details.")
    last4: CardText = Field(description="Read, but Stripe's is shown.")
    card_type: CardText = Field(description="Read, but Stripe's brand is shown.")
    expiry_date: CardText = Field(description="Read, but Stripe's is shown.")
    is_default: bool | None = None


class AskedDefaultCard(AskedCard):
    is_default: Literal[True] = Field(description="To undo it make another card the default.")


class AskedPayment(Asked):
    amount: Any = Field(description="")
    order_id: OrderId
    customer_id: Id | None = Field(
        default=None, description="Required when a card is to be charged at once."
    )
    payment_method_id: Id | None = Field(
        default=None,
        description=(
            "The card to charge. Without it the payment is only created, unless `confirm` or "
            "`offSession` says that the customer's default card is to be charged."
        ),
    )
    currency: Any = Field(default=None, description="Three letters; the operator's default.")
    return_url: Url | None = Field(
        default=None, description="Allows methods that redirect the payer, and brings them back."
    )
    capture_method: Literal["automatic", "automatic_async", "manual"] | None = Field(
        default=None, description="`manual` only holds the money; capture it before it lapses."
    )
    off_session: bool | None = Field(
        default=None,
        description=(
            "True charges a saved card while its holder is away; if the bank wants to see them, it "
            "is refused with `authentication_required`. Of services only."
        ),
    )
    confirm: bool | None = Field(
        default=None,
        description=(
            "True charges the card that is named, or the customer's default card; false only "
            "creates the payment, for Stripe.js to confirm. True by default when a card is named "
            "or `offSession` is true."
        ),
    )
    description: Description | None = None
    metadata: Metadata | None = Field(default=None, description="Of services only.")
    order_proof: str | None = Field(
        default=None,
        description=(
            "What the shop's back end has signed for this order, for an end user: the order, its "
            "amount and currency, and whose it is. Those count, and may be left out beside it."
        ),
    )


class AskedConfirmation(Asked):
    payment_method_id: Id | None = Field(
        default=None, description="Another card to confirm with; left out after a client's action."
    )
    return_url: Url | None = Field(
        default=None, description="Where the payer comes back to from an authentication page."
    )


class AskedCapture(Asked):
    amount: Any = Field(default=None, description="")
    currency: Any = Field(default=None, description="Must be the payment's, if it is sent.")


class AskedCancellation(Asked):
    reason: Literal["duplicate", "fraudulent", "requested_by_customer", "abandoned"] | None = None


class AskedRetry(Asked):
    again: bool = Field(
        default=False,
        description="Also a notification that was delivered, or that a later one followed.",
    )


class AskedRefund(Asked):
    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["paymentIntentId"]}, {"required": ["orderId"]}]}
    )

    payment_intent_id: Id | None = None
    order_id: OrderId | None = None
    amount: Any = Field(default=None, description="")
    currency: Any = Field(default=None, description="Must be the payment's, if it is sent.")
    expected_refundable: Any = Field(
        default=None,
        description=(
            "What you believe to be left to refund. When another amount is left, nothing is "
            "refunded (409 `refundable_differs`), so that a double click refunds once."
        ),
    )
    reason: Reason | None = Field(
        default=None,
        description=(
            "`duplicate`, `fraudulent` or `requested_by_customer` as Stripe knows them, or words "
            "of your own, which go into the refund's metadata."
        ),
    )


class AskedLook(BaseModel):
    """The query of one payment."""

    model_config = ConfigDict(alias_generator=to_camel, hide_input_in_errors=True)

    refresh: Literal["true", "false"] = Field(
        default="false", description="Whether to look at Stripe first, which changes nothing there."
    )


class AskedEvents(BaseModel):
    """The query of the list of events."""

    model_config = ConfigDict(alias_generator=to_camel, hide_input_in_errors=True)

    state: Literal["kept", "applied", "foreign", "ignored", "dead"] | None = None
    type: str | None = Field(default=None, description="Stripe's name, in full.")
    cursor: str | None = Field(default=None, description="`nextCursor` of the page before.")
    limit: int = Field(default=20, ge=1, le=100)


class AskedPage(BaseModel):
    """The query of a list; everything in a query is text."""

    model_config = ConfigDict(alias_generator=to_camel, hide_input_in_errors=True)

    order_id: OrderId | None = None
    customer_id: Id | None = None
    status: (
        Literal[
            "requires_payment_method",
            "requires_confirmation",
            "requires_action",
            "processing",
            "requires_capture",
            "succeeded",
            "canceled",
        ]
        | None
    ) = None
    currency: CurrencyText | None = None
    notification: Literal["pending", "delivered", "dead"] | None = Field(
        default=None,
        description="How the OrderService stands with it; `dead` goes before `pending`.",
    )
    created_from: Moment | None = Field(default=None, description="This moment or later.")
    created_to: Moment | None = Field(default=None, description="This moment or earlier.")
    cursor: str | None = Field(default=None, description="`nextCursor` of the page before.")
    limit: int = Field(default=20, ge=1, le=100)
