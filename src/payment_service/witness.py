"""What is told of every written change: one log line and one count. Never waits, never raises."""

from functools import cache

import structlog
from prometheus_client import Counter

from payment_service.domain.customer import Customer
from payment_service.domain.moment import Door
from payment_service.domain.payment import Entry, Payment

_log = structlog.get_logger("payments")

CHANGES = Counter(
    "payment_service_changes", "Lines written to the time lines of payments.", ["what", "door"]
)
STUMBLES = Counter(
    "payment_service_stumbles", "Work on a document that ended in an unexpected exception."
)


@cache
def _changes(what: str, door: str) -> Counter:
    return CHANGES.labels(what, door)


class LogWitness:
    """The Witness port over structlog and Prometheus."""

    def saw(self, before: Payment | Customer | None, after: Payment | Customer, door: Door) -> None:
        """Log what is new in a payment's time line, or that a customer changed."""
        if isinstance(after, Customer):
            _log.debug("customer.written", customer_id=after.customer_id, uid=after.uid, door=door)
            return
        known = before.history if isinstance(before, Payment) else ()
        for entry in _new(known, after.history):
            _tell(after, entry)

    def stumbled(self, id: str, error: BaseException) -> None:
        """Log the exception with its traceback; the claim lapses and somebody tries again."""
        STUMBLES.inc()
        _log.error("document.stumbled", id=id, exc_info=error)


def _new(known: tuple[Entry, ...], now: tuple[Entry, ...]) -> tuple[Entry, ...]:
    if not known or len(now) > len(known):
        return now[len(known) :]
    return now[-1:] if now[-1] != known[-1] else ()  # a full time line drops an old one for a new


def _tell(payment: Payment, entry: Entry) -> None:
    _changes(entry.what, entry.door).inc()
    write = _log.debug if entry.what.endswith(".begun") else _log.info
    write(
        entry.what,
        order_id=payment.id,
        intent_id=payment.intent_id,
        generation=payment.generation,
        attempt=payment.attempts_made,
        code=payment.failure.code if payment.failure else None,
        door=entry.door,
        stripe_request_id=entry.stripe_request_id,
    )
