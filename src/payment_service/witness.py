"""What is told of every written change: one log line and one count. Never waits, never raises."""

from datetime import datetime
from functools import cache

import structlog
from prometheus_client import Counter, disable_created_metrics

from payment_service.domain.cursor import Cursor
from payment_service.domain.customer import Customer
from payment_service.domain.event import Event
from payment_service.domain.history import Entry
from payment_service.domain.moment import Door
from payment_service.domain.news import SeenEvent
from payment_service.domain.payment import Payment
from payment_service.ports import Document, Unavailable

_log = structlog.get_logger("payments")

# When a series was made is of no use to anybody, and would be every fourth line of /metrics.
disable_created_metrics()  # type: ignore[no-untyped-call]

CHANGES = Counter(
    "payment_service_changes", "Lines written to the time lines of payments.", ["what", "door"]
)
STUMBLES = Counter(
    "payment_service_stumbles", "Work on a document that ended in an unexpected exception."
)
EVENTS_HEARD = Counter(
    "payment_service_events", "Events of Stripe's, by what became of them.", ["outcome", "door"]
)
GAPS = Counter(
    "payment_service_event_gaps", "Times without a look that were longer than Stripe keeps events."
)
UNKNOWN_AT_STRIPE = Counter(
    "payment_service_unknown_at_stripe", "Things at Stripe with our mark and no document of ours."
)
CARD_PAUSES = Counter(
    "payment_service_card_pauses",
    "Pauses after too many refused cards, by what was known.",
    ["kind"],
)
# Outcomes of events that are worth a line each.
# Nobody finds this customer by an e-mail any more: the operator must look at it at Stripe.
WITHOUT_EMAIL = frozenset({"customer.email_taken", "customer.email_unusable"})
RARE = frozenset({"put_off", "swept"})
# Lines that somebody should act on, soon.
ALARMING = frozenset({"hold.lapses_soon", "order.dead"})
# Lines that somebody must act on: money was taken that no payment shows.
CONTRADICTING = frozenset({"payment.contradicted"})
ALARMING_KINDS = ("dispute.", "fraud_warning.", "refund.failed", "payment.given_up_wrongly")


@cache
def _changes(what: str, door: str) -> Counter:
    return CHANGES.labels(what, door)


@cache
def _heard(outcome: str, door: str) -> Counter:
    return EVENTS_HEARD.labels(outcome, door)


class LogWitness:
    """The Witness port over structlog and Prometheus."""

    def saw(self, before: Payment | Customer | None, after: Payment | Customer, door: Door) -> None:
        """Log what is new in a payment's time line, or that a customer changed."""
        if isinstance(after, Customer):
            _log.debug("customer.written", customer_id=after.customer_id, uid=after.uid, door=door)
            before_it = before.history if isinstance(before, Customer) else ()
            for entry in _new(before_it, after.history):
                _tell_of_customer(after, entry)
            return
        known = before.history if isinstance(before, Payment) else ()
        for entry in _new(known, after.history):
            _tell(after, entry)

    def heard(self, outcome: str, seen: SeenEvent, door: Door) -> None:
        """Log what became of an event; the usual is told in a debug line."""
        _heard(outcome, door).inc()
        write = _log.error if outcome == "dead" else _log.warning if outcome in RARE else _log.debug
        write(
            f"event.{outcome}",
            event_id=seen.id,
            event_type=seen.type,
            object_id=seen.object_id,
            order_id=seen.order_id,
            intent_id=seen.intent_id,
            door=door,
        )

    def missed(self, cursor: Cursor) -> None:
        """Log since when events may be gone for ever; the sweep of objects makes up for most."""
        GAPS.inc()
        _log.error("events.gap", since=cursor.read_until.isoformat())

    def unknown_at_stripe(self, seen: SeenEvent) -> None:
        """Log what was found; only a lost or another database explains it."""
        UNKNOWN_AT_STRIPE.inc()
        _log.error(
            "payment.unknown",
            order_id=seen.order_id,
            intent_id=seen.intent_id,
            object_id=seen.object_id,
        )

    def took_up(self, doc: Document) -> None:
        """Let every line of this task name the document, and the request that began it."""
        structlog.contextvars.bind_contextvars(**_names_of(doc))

    def paused_cards(self, kind: str, tally_id: str, until: datetime) -> None:
        """Log by what somebody is known who tries cards; the id is a hash."""
        CARD_PAUSES.labels(kind).inc()
        _log.warning("cards.paused", kind=kind, tally_id=tally_id, until=until.isoformat())

    def stumbled(self, id: str, error: BaseException) -> None:
        """Log the exception with its traceback; the claim lapses and somebody tries again.

        That the database or Stripe is away is no bug, and why is told once where it is noticed.
        """
        if isinstance(error, Unavailable):
            _log.warning("document.waits", id=id, reason=str(error))
            return
        STUMBLES.inc()
        _log.error("document.stumbled", id=id, exc_info=error)


def _names_of(doc: Document) -> dict[str, str]:
    match doc:
        case Payment():
            begun_by = doc.attempt or (doc.past_attempts[-1] if doc.past_attempts else None)
            request_id = begun_by.request_id if begun_by else None
            names = {"order_id": doc.id, "request_id": request_id}
        case Customer():  # its id is an address
            names = {"uid": doc.uid, "request_id": doc.request_id if doc.call else None}
        case Event():
            names = {"event_id": doc.id, "order_id": doc.seen.order_id}
        case _:
            names = {"document_id": doc.id}
    return {name: value for name, value in names.items() if value}


def _new(known: tuple[Entry, ...], now: tuple[Entry, ...]) -> tuple[Entry, ...]:
    if len(now) > len(known):
        return now[len(known) :]
    return now[-1:] if now[-1:] != known[-1:] else ()  # a full time line drops an old one for a new


def _tell(payment: Payment, entry: Entry) -> None:
    _changes(entry.what, entry.door).inc()
    write = _log.debug if entry.what.endswith(".begun") else _log.info
    if entry.what in ALARMING or entry.what.startswith(ALARMING_KINDS):
        write = _log.warning
    if entry.what in CONTRADICTING:
        write = _log.error
    write(
        entry.what,
        order_id=payment.id,
        intent_id=payment.intent_id,
        late_intent_id=payment.late_intent_id,
        generation=payment.generation,
        attempt=payment.attempts_made,
        code=payment.failure.code if payment.failure else None,
        door=entry.door,
        stripe_request_id=entry.stripe_request_id,
    )


def _tell_of_customer(customer: Customer, entry: Entry) -> None:
    _changes(entry.what, entry.door).inc()
    write = _log.error if entry.what in WITHOUT_EMAIL else _log.info
    write(
        entry.what,
        customer_id=customer.customer_id,
        former_customer_id=customer.former_customer_id,
        uid=customer.uid,
        door=entry.door,
    )
