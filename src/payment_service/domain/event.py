"""An event of Stripe's: kept until it is applied. It is a nudge, not the truth.

What it names is fetched and walked through the corridor, so order and repetition do not matter.
What it says itself is not kept: the object in it may hold a client secret.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from payment_service.domain.call import spread
from payment_service.domain.customer import CardState, Customer
from payment_service.domain.moment import Door, Moment
from payment_service.domain.news import SeenEvent
from payment_service.domain.payment import FINAL, Payment
from payment_service.domain.schema import SCHEMA, Schema

# Applying looks at Stripe, which may take as long as its slowest read and wait for its turn.
LEASE_S = 60.0
RETRY_FIRST_S = 2.0
RETRY_MAX_S = 1800.0
# As long as Stripe itself would go on sending it; then a person must look.
DEAD_AFTER = timedelta(days=3)
# It must also have failed this often: we may have been away ourselves for these days.
DEAD_AFTER_TRIES = 20
# Stripe sends an event again for three days, and lists it for thirty.
KEPT_FOR = timedelta(days=30)


class EventState(StrEnum):
    """Kept until applied. Foreign: not about anything of ours. Dead: a person must look."""

    KEPT = "kept"
    APPLIED = "applied"
    FOREIGN = "foreign"
    IGNORED = "ignored"
    DEAD = "dead"


class Topic(StrEnum):
    """What an event makes us look at."""

    INTENT = "intent"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    CUSTOMER = "customer"


# By the beginning of the type; the first that fits counts.
_TOPICS = (
    ("charge.dispute.", Topic.DISPUTES),
    ("charge.refund", Topic.REFUNDS),
    ("radar.early_fraud_warning.", Topic.DISPUTES),
    ("refund.", Topic.REFUNDS),
    ("payment_intent.", Topic.INTENT),
    ("charge.", Topic.INTENT),
    ("payment_method.", Topic.CUSTOMER),
    ("customer.updated", Topic.CUSTOMER),
    ("customer.deleted", Topic.CUSTOMER),
    ("setup_intent.", Topic.CUSTOMER),
)
# What a thin event may name for us to look at, in Stripe's words for kinds of objects.
NAMED_KINDS = frozenset(
    {
        "payment_intent",
        "charge",
        "refund",
        "dispute",
        "radar.early_fraud_warning",
        "customer",
        "payment_method",
        "setup_intent",
    }
)
# Thin events about objects of API v1 say so before the type that a snapshot event has.
THIN_PREFIX = "v1."
# Objects that carry our mark when they are ours; of the others only what they belong to tells.
_MARKED = ("payment_intent.", "charge.", "setup_intent.")


@dataclass(frozen=True, slots=True)
class Event:
    """The document of one event, under Stripe's id for it.

    door: how it came. due_at: when somebody must apply it, None once it has ended; the end of the
    lease while somebody does. failure: why it could not be applied the last time.
    """

    id: str
    version: int
    created_at: datetime
    seen: SeenEvent
    door: Door
    state: EventState
    due_at: datetime | None
    tries: int = 0
    ended_at: datetime | None = None
    failure: str | None = None
    schema: Schema = SCHEMA

    @property
    def wake_at(self) -> datetime | None:
        """When somebody must work on it next."""
        return self.due_at

    @property
    def expires_at(self) -> datetime | None:
        """When it may be dropped: never while it is unapplied or dead."""
        done = self.ended_at is not None and self.state is not EventState.DEAD
        return self.ended_at + KEPT_FOR if done and self.ended_at else None


def topic_of(event_type: str) -> Topic | None:
    """Return what events of this type make us look at, None for nothing."""
    bare = event_type.removeprefix(THIN_PREFIX)
    return next((topic for start, topic in _TOPICS if bare.startswith(start)), None)


def is_ignored(seen: SeenEvent) -> bool:
    """Whether an event means nothing to us: of another topic, or one that names nothing we know."""
    is_blank = seen.object_type is not None and (
        seen.object_type not in NAMED_KINDS or not seen.object_id
    )
    return is_blank or topic_of(seen.type) is None


def is_foreign(seen: SeenEvent, *, service: str, livemode: bool) -> bool:
    """Whether an event is surely about another system on the same account, or another mode of it.

    So is one of a connected account, whatever mark it bears: our key does not see what it names.
    service: our mark in Stripe's metadata. livemode: whether our key is a live one.
    """
    if seen.livemode is not livemode or seen.account is not None:
        return True
    if seen.object_type is not None:  # a thin event says nothing of marks
        return False
    if seen.service is not None:
        return seen.service != service
    unmarked = seen.type.startswith(("charge.dispute.", "charge.refund."))
    return seen.type.startswith(_MARKED) and not unmarked


def taken(seen: SeenEvent, moment: Moment) -> Event:
    """Return the document of an event that just came in, claimed by whoever took it in."""
    ignored = is_ignored(seen)
    return Event(
        id=seen.id,
        version=0,
        created_at=moment.now,
        seen=seen,
        door=moment.door,
        state=EventState.IGNORED if ignored else EventState.KEPT,
        due_at=None if ignored else moment.now + timedelta(seconds=LEASE_S),
        ended_at=moment.now if ignored else None,
    )


def claimed(event: Event, moment: Moment) -> Event:
    """Return the event claimed by a worker that found it due."""
    return replace(event, due_at=moment.now + timedelta(seconds=LEASE_S))


def ended(event: Event, state: EventState, moment: Moment) -> Event:
    """Return the event applied, or found to be foreign."""
    return replace(
        event,
        state=state,
        due_at=None,
        ended_at=moment.now,
        tries=event.tries + 1,
        failure=None,
    )


def next_version(event: Event) -> Event:
    """Return the event as the next write of it."""
    return replace(event, version=event.version + 1)


def put_off(event: Event, why: str, moment: Moment) -> Event:
    """Return the event after a try to apply it that failed: later again, or dead."""
    tries = event.tries + 1
    if moment.now - event.created_at >= DEAD_AFTER and tries >= DEAD_AFTER_TRIES:
        return replace(
            event,
            state=EventState.DEAD,
            due_at=None,
            ended_at=moment.now,
            tries=tries,
            failure=why,
        )
    full = min(RETRY_FIRST_S * 2 ** min(tries - 1, 12), RETRY_MAX_S)
    wait_s = full * (0.5 + 0.5 * spread(f"{event.id}:{tries}"))
    due_at = moment.now + timedelta(seconds=wait_s)
    return replace(event, due_at=due_at, tries=tries, failure=why)


def revived(event: Event, moment: Moment) -> Event:
    """Return a dead event, or any other, to be applied anew at once, with as many tries as ever."""
    return replace(
        event,
        state=EventState.KEPT,
        created_at=moment.now,
        due_at=moment.now,
        ended_at=None,
        tries=0,
        failure=None,
    )


def is_old_news(payment: Payment, seen: SeenEvent) -> bool:
    """Whether an event can say nothing that the payment does not know.

    Most events of a payment come after its answer; looking at Stripe for each would cost more than
    the payment did.
    """
    if topic_of(seen.type) is not Topic.INTENT:
        return False
    if payment.attempt is not None or payment.status not in FINAL:
        return False
    if seen.intent_id != payment.intent_id:
        return False
    # A final state may only be contradicted by another one.
    claims_an_end = seen.object_id == seen.intent_id and seen.status in FINAL
    return not claims_an_end or seen.status == payment.status


def shows_nothing_new(payment: Payment, seen: SeenEvent) -> bool:
    """Whether an object that a sweep came by stands as we show it, or is being settled."""
    match topic_of(seen.type):
        case Topic.INTENT:
            known = payment.intent_id == seen.object_id
            return known and (payment.attempt is not None or payment.status == seen.status)
        case Topic.REFUNDS:
            stands = {r.stripe_refund_id: str(r.status) for r in payment.refunds}
            under_way = any(refund.call for refund in payment.refunds)
            return under_way or stands.get(seen.object_id) == seen.status
        case Topic.DISPUTES:
            known_ids = {d.id for d in payment.disputes} | {w.id for w in payment.warnings}
            return seen.object_id in known_ids
        case _:
            return False


def is_our_doing(customer: Customer, seen: SeenEvent) -> bool:
    """Whether an event only says of a card what the customer shows already."""
    card = customer.card(seen.payment_method_id) if seen.payment_method_id else None
    match seen.type:
        case "payment_method.attached":
            return card is not None and card.state is CardState.KEPT
        case "payment_method.detached":
            return card is None
        case _:
            return False
