"""What can be heard from the outside, as plain values: what Stripe shows, and news of a step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ChargeOutcome:
    """How a charge ended, in Stripe's words: who refused it, and what Radar thought of its risk.

    rule: the id of the Radar rule that decided, if one did. All of it is for the shop, none for the
    payer.
    """

    type: str | None = None
    risk_level: str | None = None
    reason: str | None = None
    seller_message: str | None = None
    network_status: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Denial:
    """Why something was refused, in the words of Stripe.

    advice_code: what Stripe advises to do next (`try_again_later`, `do_not_try_again`,
    `confirm_card_data`). network_…: the card network's own codes, `43` for a stolen card, say.
    charge_id: the charge that failed, if one was made; charge_outcome: how, when Stripe showed it.
    What of it a payer may see is decided in `domain/decline.py`.
    """

    code: str
    message: str
    decline_code: str | None = None
    param: str | None = None
    advice_code: str | None = None
    network_advice_code: str | None = None
    network_decline_code: str | None = None
    charge_outcome: ChargeOutcome | None = None
    charge_id: str | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """A PaymentIntent as Stripe showed it. The client secret is passed on and never stored.

    service, order_id, key: the marks in its metadata, None when it was made by somebody else.
    capture_before: when a hold lapses, when Stripe was asked for it. refused_card_id: the card that
    `last_error` is about. charge_outcome: how the latest charge ended, when Stripe was asked for
    it.
    """

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
    amount_capturable_minor: int = 0
    capture_before: datetime | None = None
    service: str | None = None
    order_id: str | None = None
    key: str | None = None
    refused_card_id: str | None = None
    currency: str = ""
    customer_id: str | None = None
    capture_method: str = "automatic"
    charge_outcome: ChargeOutcome | None = None


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
class SeenDispute:
    """A dispute or inquiry as Stripe showed it."""

    id: str
    amount_minor: int
    currency: str
    reason: str
    status: str
    created_at: datetime
    evidence_due_at: datetime | None = None
    refundable: bool = False


@dataclass(frozen=True, slots=True)
class SeenFraudWarning:
    """An early fraud warning as Stripe showed it."""

    id: str
    fraud_type: str
    actionable: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SeenSetup:
    """A SetupIntent as Stripe showed it. The client secret is passed on and never stored."""

    id: str
    status: str
    payment_method_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """An event of Stripe's, or an object that a sweep came by: what it names, and whose that is.

    object_id, status: what it is about, and how that stood then. service, order_id, key: marks in
    the metadata of what it is about, which only PaymentIntents, charges, refunds and SetupIntents
    have. intent_id, customer_id, payment_method_id: what else it names. account: the connected
    account that it is of, None for our own. object_type: set of a thin event only, which names its
    object by kind and id and says nothing else of it.
    """

    id: str
    type: str
    happened_at: datetime
    livemode: bool
    object_id: str
    status: str | None = None
    service: str | None = None
    order_id: str | None = None
    intent_id: str | None = None
    customer_id: str | None = None
    payment_method_id: str | None = None
    account: str | None = None
    object_type: str | None = None


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
    display_brand: str | None = None


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
    retry_after_s: how long whoever gave up waiting wants us to leave the other side alone.
    """

    reason: str
    dead_end: str | None = None
    request_id: str | None = None
    retry_after_s: float | None = None


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
class DisputesSeen:
    """All disputes and early fraud warnings of a PaymentIntent, as Stripe shows them."""

    disputes: tuple[SeenDispute, ...]
    warnings: tuple[SeenFraudWarning, ...]
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class SetupSeen:
    """Definite: the SetupIntent stands like this."""

    setup: SeenSetup
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class EventsSeen:
    """What happened in a time, or was made in it, oldest first."""

    events: tuple[SeenEvent, ...]
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrderTold:
    """The OrderService accepted the update.

    was_shown: nothing was sent, since the order was read back and shows it, or what follows it.
    """

    was_shown: bool = False


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """The OrderService answered, and did not accept the update.

    lasting: it may take a person to change that, so there is no hurry to try again.
    retry_after_s: how long it wants to be left alone. may_have_arrived: whether a lasting one may
    have taken it all the same; one that passes always may.
    """

    reason: str
    lasting: bool = False
    retry_after_s: float | None = None
    may_have_arrived: bool = False


@dataclass(frozen=True, slots=True)
class CustomerSeen:
    """Definite: the customer stands like this, and the SetupIntent that was asked about."""

    customer: SeenCustomer
    request_id: str | None = None
    setup: SeenSetup | None = None


@dataclass(frozen=True, slots=True)
class CardSeen:
    """Definite: the card stands like this."""

    card: SeenCard
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class EmailClaimed:
    """Definite: the e-mail leads to the customer that claimed it."""


@dataclass(frozen=True, slots=True)
class EmailTaken:
    """Definite: the e-mail leads to another customer."""


@dataclass(frozen=True, slots=True)
class EmailReleased:
    """Definite: the e-mail does not lead to this customer."""


News = (
    IntentSeen
    | Declined
    | Rejected
    | NotExecuted
    | NoNews
    | NothingFound
    | RefundSeen
    | RefundsSeen
    | DisputesSeen
    | SetupSeen
    | EventsSeen
    | OrderTold
    | OrderRefused
    | CustomerSeen
    | CardSeen
    | EmailClaimed
    | EmailTaken
    | EmailReleased
)
