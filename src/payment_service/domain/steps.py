"""What can be asked of the outside (steps) and heard from it (news), as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class ConfirmIntent:
    """Confirm an existing PaymentIntent with a card; Stripe lets it succeed once at the most."""

    key: str
    order_id: str
    intent_id: str
    payment_method_id: str
    return_url: str | None
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
    """Look: list the PaymentIntents made between the first and the last try; match our key."""

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
    """Look: list all refunds of a PaymentIntent. `keys`: those in doubt that it looks for."""

    order_id: str
    intent_id: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TellOrders:
    """Tell the OrderService a status of the order."""

    key: str
    order_id: str
    status: str


@dataclass(frozen=True, slots=True)
class CreateCustomer:
    """Create the one customer of an e-mail."""

    key: str
    email: str
    name: str | None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class FindCustomer:
    """Look: find the customer of an e-mail, with its cards and default."""

    email: str


@dataclass(frozen=True, slots=True)
class ReadCustomer:
    """Look: fetch a customer by Stripe's id, with its cards and default."""

    customer_id: str


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


PaymentStep = (
    CreateIntent
    | ConfirmIntent
    | CancelIntent
    | ReadIntent
    | FindIntent
    | CreateRefund
    | FindRefunds
    | TellOrders
)
CustomerStep = (
    CreateCustomer
    | FindCustomer
    | ReadCustomer
    | ReadCard
    | AttachCard
    | NameCard
    | DetachCard
    | SetDefaultCard
)
GatewayStep = (
    CreateIntent
    | ConfirmIntent
    | CancelIntent
    | ReadIntent
    | FindIntent
    | CreateRefund
    | FindRefunds
    | CustomerStep
)
Step = PaymentStep | CustomerStep


@dataclass(frozen=True, slots=True)
class Denial:
    """Why something was refused, in the words of Stripe. A card error may be shown to the payer."""

    code: str
    message: str
    decline_code: str | None = None
    param: str | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """A PaymentIntent as Stripe showed it. The client secret is passed on and never stored."""

    id: str
    status: str
    amount_minor: int
    amount_received_minor: int
    charge_id: str | None = None
    payment_method_id: str | None = None
    last_error: Denial | None = None
    cancellation_reason: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    next_action: Mapping[str, object] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SeenRefund:
    """A refund as Stripe showed it. `key` is our idempotency key from its metadata, if ours."""

    id: str
    status: str
    amount_minor: int
    key: str | None
    created_at: datetime
    reason: str | None = None
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True)
class SeenCard:
    """A card as Stripe showed it."""

    payment_method_id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str | None
    cardholder_name: str | None
    customer_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SeenCustomer:
    """A customer as Stripe showed it, with its cards, oldest first."""

    id: str
    email: str | None
    name: str | None
    default_payment_method_id: str | None
    cards: tuple[SeenCard, ...] = ()


@dataclass(frozen=True, slots=True)
class IntentSeen:
    """Definite: the PaymentIntent stands like this.

    replayed: the answer is a stored copy of an earlier one, so it may be older than the truth.
    """

    intent: Intent
    replayed: bool = False
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Declined:
    """Definite: the card was refused. The PaymentIntent is there when Stripe kept one."""

    error: Denial
    intent: Intent | None = None
    replayed: bool = False
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Definite for this try: Stripe would not do it. Says nothing of earlier tries in doubt."""

    error: Denial
    intent: Intent | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class NotExecuted:
    """Definite for this try: it did nothing, and the same may be asked again later.

    retryable: False when trying again soon is pointless (our API key is refused).
    """

    reason: str
    retryable: bool = True
    retry_after_s: float | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class NoNews:
    """Doubt: the try may or may not have had its effect.

    dead_end: why the same try will never bring another answer (an error saved under the key).
    """

    reason: str
    dead_end: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class NothingFound:
    """A look showed that nothing of ours is there."""

    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class RefundSeen:
    """Definite: the refund stands like this."""

    refund: SeenRefund
    replayed: bool = False
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class RefundsSeen:
    """All refunds of a PaymentIntent, as Stripe shows them."""

    refunds: tuple[SeenRefund, ...]
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrderTold:
    """The OrderService accepted the update."""


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """The OrderService will not have the update.

    final: no later try can change that.
    """

    reason: str
    final: bool


@dataclass(frozen=True, slots=True)
class CustomerSeen:
    """Definite: the customer stands like this."""

    customer: SeenCustomer
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class CardSeen:
    """Definite: the card stands like this."""

    card: SeenCard
    request_id: str | None = None


News = (
    IntentSeen
    | Declined
    | Rejected
    | NotExecuted
    | NoNews
    | NothingFound
    | RefundSeen
    | RefundsSeen
    | OrderTold
    | OrderRefused
    | CustomerSeen
    | CardSeen
)
