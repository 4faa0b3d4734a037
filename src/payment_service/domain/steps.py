"""What can be asked of the outside, as plain values. What is heard is in `news.py`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

# `key` is the idempotency key, the same for every try; `attempt` counts the tries, for the log.


@dataclass(frozen=True, slots=True)
class CreateIntent:
    """Create a PaymentIntent, and confirm it in the same call unless the payer's client will."""

    key: str
    order_id: str
    amount_minor: int
    currency: str
    confirm: bool
    customer_id: str | None
    payment_method_id: str | None
    capture_method: str
    return_url: str | None
    description: str | None
    metadata: Mapping[str, str]
    request_id: str
    attempt: int = 1
    off_session: bool = False


@dataclass(frozen=True, slots=True)
class ConfirmIntent:
    """Confirm an existing PaymentIntent with a card; Stripe lets it succeed once at the most."""

    key: str
    order_id: str
    intent_id: str
    payment_method_id: str
    return_url: str | None
    attempt: int = 1
    off_session: bool = False


@dataclass(frozen=True, slots=True)
class CaptureIntent:
    """Take the money that a PaymentIntent holds; the rest of the hold is released.

    amount_minor: None takes all of it. Stripe lets one PaymentIntent be captured once.
    """

    key: str
    order_id: str
    intent_id: str
    amount_minor: int | None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class CancelIntent:
    """Cancel a PaymentIntent so that it can never be paid."""

    key: str
    order_id: str
    intent_id: str
    reason: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class ReadIntent:
    """Look: fetch one PaymentIntent by id. `key`: the attempt in doubt that it is for, if any."""

    order_id: str
    intent_id: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FindIntent:
    """Look: list the customer's PaymentIntents, or all of that time without one; match our key.

    since, until: the first and the last try, in Stripe's time.
    """

    key: str
    order_id: str
    customer_id: str | None
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class CreateRefund:
    """Refund part of a PaymentIntent's money."""

    key: str
    order_id: str
    refund_id: str
    intent_id: str
    amount_minor: int
    reason: str | None
    attempt: int = 1
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class FindRefunds:
    """Look: list all refunds of a PaymentIntent. `keys`: those in doubt that it looks for.

    was_due: whether this is the look that the payment has in its calendar.
    """

    order_id: str
    intent_id: str
    keys: tuple[str, ...] = ()
    was_due: bool = False


@dataclass(frozen=True, slots=True)
class ReadRefund:
    """Look: fetch a refund by Stripe's id, for whose it is."""

    refund_id: str


@dataclass(frozen=True, slots=True)
class ReadNamed:
    """Look: fetch the object that a thin event names by kind and id, for whose it is.

    event_type: what is then heard is an event of this type about it.
    """

    kind: str
    id: str
    event_type: str


@dataclass(frozen=True, slots=True)
class FindDisputes:
    """Look: list all disputes and early fraud warnings of a PaymentIntent."""

    order_id: str
    intent_id: str


@dataclass(frozen=True, slots=True)
class TellOrders:
    """Tell the OrderService a status of the order.

    read_back: whether an earlier try may have arrived, so that the order is read first where that
    can be. opens_order: whether this is the first thing that becomes of an order, so that any
    status but those before it comes later. before: what the order may show when it was not told.
    """

    key: str
    order_id: str
    status: str
    read_back: bool = False
    opens_order: bool = True
    before: frozenset[str] = frozenset()

    def is_shown_by(self, shown: str) -> bool:
        """Whether an order that shows this status was told this update, or what follows it."""
        if shown.casefold() == self.status.casefold():
            return True
        before = {status.casefold() for status in self.before}
        return self.opens_order and shown.casefold() not in before


@dataclass(frozen=True, slots=True)
class CreateCustomer:
    """Create the one customer of an e-mail."""

    key: str
    email: str
    name: str | None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateCustomer:
    """Write another e-mail or name to a customer; None leaves it. Twice changes nothing."""

    key: str
    customer_id: str
    email: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class ClaimEmail:
    """Have an e-mail lead to a customer, in our own store, unless it leads to another one.

    number: which claim of that customer's it is. is_founding: without it there is no customer.
    """

    email: str
    uid: str
    number: int
    is_founding: bool


@dataclass(frozen=True, slots=True)
class ReleaseEmail:
    """Have an e-mail lead to a customer no more, in our own store."""

    email: str
    uid: str


@dataclass(frozen=True, slots=True)
class DeleteCustomer:
    """Delete a customer for good; what was charged to it stays. Deleting twice changes nothing."""

    key: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class FindCustomer:
    """Look: find the customer of an e-mail, with its cards and default.

    spelling: how a caller wrote it: Stripe finds only what is spelled the same.
    """

    email: str
    spelling: str | None = None


@dataclass(frozen=True, slots=True)
class ReadCustomer:
    """Look: fetch a customer by Stripe's id, with its cards and default, and one SetupIntent."""

    customer_id: str
    setup_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReadCard:
    """Look: fetch a card by its PaymentMethod id. An alias of test mode answers a real id."""

    payment_method_id: str


@dataclass(frozen=True, slots=True)
class AttachCard:
    """Attach a card to a customer. Attaching twice changes nothing."""

    key: str
    customer_id: str
    payment_method_id: str


@dataclass(frozen=True, slots=True)
class NameCard:
    """Write the cardholder's name into the card's billing details."""

    key: str
    payment_method_id: str
    cardholder_name: str


@dataclass(frozen=True, slots=True)
class DetachCard:
    """Detach a card from its customer, for ever."""

    key: str
    payment_method_id: str


@dataclass(frozen=True, slots=True)
class SetDefaultCard:
    """Make a card the customer's default at Stripe; None clears it."""

    key: str
    customer_id: str
    payment_method_id: str | None


@dataclass(frozen=True, slots=True)
class CreateSetup:
    """Create a SetupIntent, with which the payer's client saves a card for later."""

    key: str
    customer_id: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReadSetup:
    """Look: fetch a SetupIntent by id."""

    setup_id: str


@dataclass(frozen=True, slots=True)
class ReadTime:
    """Look: ask Stripe anything, since every answer of its says what time it is there."""


@dataclass(frozen=True, slots=True)
class ListEvents:
    """Look: list the events of a time, since inclusive, until exclusive."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class ListMade:
    """Look: list PaymentIntents, refunds, disputes and fraud warnings made in a time, as events."""

    since: datetime
    until: datetime


PaymentStep = (
    CreateIntent
    | ConfirmIntent
    | CaptureIntent
    | CancelIntent
    | ReadIntent
    | FindIntent
    | CreateRefund
    | FindRefunds
    | FindDisputes
    | TellOrders
)
EmailStep = ClaimEmail | ReleaseEmail
CustomerStep = (
    CreateCustomer
    | UpdateCustomer
    | DeleteCustomer
    | FindCustomer
    | ReadCustomer
    | ReadCard
    | AttachCard
    | NameCard
    | DetachCard
    | SetDefaultCard
    | CreateSetup
    | ReadSetup
)
GatewayStep = (
    CreateIntent
    | ConfirmIntent
    | CaptureIntent
    | CancelIntent
    | ReadIntent
    | FindIntent
    | CreateRefund
    | FindRefunds
    | FindDisputes
    | ReadRefund
    | ReadNamed
    | ListEvents
    | ListMade
    | ReadTime
    | CustomerStep
)
Step = PaymentStep | CustomerStep | EmailStep
