"""The time line of a document: what became of it, when, and through which door."""

from dataclasses import dataclass
from datetime import datetime

from payment_service.domain.moment import Door, Moment

# The time line keeps how it began and what came last; what lies between is in the logs.
HISTORY_MAX = 200
HISTORY_HEAD = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the time line."""

    at: datetime
    what: str
    door: Door
    stripe_request_id: str | None = None


def with_entry(
    history: tuple[Entry, ...], what: str, moment: Moment, stripe_request_id: str | None = None
) -> tuple[Entry, ...]:
    """Return the time line with one more line."""
    entry = Entry(moment.now, what, moment.door, stripe_request_id)
    longer = (*history, entry)
    if len(longer) > HISTORY_MAX:
        longer = (*longer[:HISTORY_HEAD], *longer[HISTORY_HEAD + 1 :])
    return longer
