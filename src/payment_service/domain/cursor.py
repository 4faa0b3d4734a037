"""How far we have read one of Stripe's lists, as a document that is due like any other."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from payment_service.domain.call import spread
from payment_service.domain.schema import SCHEMA, Schema

# Stripe lists events for thirty days; an hour early covers clocks and slow pages.
LISTED_FOR = timedelta(days=30) - timedelta(hours=1)
# A window is read whole or not at all; one that is too long is halved.
SPAN_MAX_S = 86_400.0
SPAN_MIN_S = 1.0
LEASE_S = 300.0
# Our clock may be so far ahead of Stripe's. What we take for past may not have happened there yet.
CLOCK_AHEAD_MAX_S = 600.0
RETRY_MAX_S = 900.0


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything before `read_until` has been read. id: which list.

    span_s: how long a time is read at once. failed: how often in a row that did not work. gaps: how
    often something may have been missed for ever.
    """

    id: str
    version: int
    read_until: datetime
    due_at: datetime
    span_s: float = SPAN_MAX_S
    failed: int = 0
    gaps: int = 0
    schema: Schema = SCHEMA

    @property
    def wake_at(self) -> datetime | None:
        """When to read on."""
        return self.due_at


def opened(id: str, now: datetime) -> Cursor:
    """Return the cursor of a list of which nothing before now matters."""
    return Cursor(id=id, version=0, read_until=now, due_at=now)


def claimed(cursor: Cursor, now: datetime) -> Cursor:
    """Return the cursor claimed for one window."""
    return replace(cursor, due_at=now + timedelta(seconds=LEASE_S))


def window(cursor: Cursor, now: datetime, *, lag_s: float) -> tuple[datetime, datetime] | None:
    """Return the next time to read, or None when all is read.

    lag_s: how old something must be to be surely in the list.
    """
    until = min(
        cursor.read_until + timedelta(seconds=cursor.span_s), now - timedelta(seconds=lag_s)
    ).replace(microsecond=0)
    return (cursor.read_until, until) if until > cursor.read_until else None


def skipped_gap(cursor: Cursor, now: datetime) -> Cursor:
    """Return the cursor moved to where Stripe's list of events begins, if it was left behind it."""
    oldest = (now - LISTED_FOR).replace(microsecond=0)
    if cursor.read_until >= oldest:
        return cursor
    return replace(cursor, read_until=oldest, gaps=cursor.gaps + 1)


def read(cursor: Cursor, until: datetime, now: datetime, *, lag_s: float, every_s: float) -> Cursor:
    """Return the cursor after a window was read: due at once while it is more than a round behind.

    lag_s: as for the window; what is younger could not be read yet.
    """
    lags = until < now - timedelta(seconds=lag_s + every_s)
    wait_s = 0.0 if lags else every_s * (0.75 + 0.5 * spread(f"{cursor.id}:{cursor.version}"))
    return replace(
        cursor,
        read_until=until,
        due_at=now + timedelta(seconds=wait_s),
        span_s=min(cursor.span_s * 2, SPAN_MAX_S),
        failed=0,
    )


def held_back(
    cursor: Cursor, since: datetime, newest: datetime | None, now: datetime, *, lag_s: float
) -> Cursor:
    """Return a cursor that has read on from `since`, no further than has surely happened.

    newest: when the last of what was read happened, by Stripe's clock: up to then its list is
    complete, give or take. Beyond it only what even a clock that is far ahead calls past is.
    """
    surely = (now - timedelta(seconds=lag_s + CLOCK_AHEAD_MAX_S)).replace(microsecond=0)
    if newest is not None:
        surely = max(surely, newest - timedelta(seconds=lag_s))
    return replace(cursor, read_until=min(cursor.read_until, max(since, surely)))


def not_read(cursor: Cursor, now: datetime) -> Cursor:
    """Return the cursor after a window that could not be read: a shorter one, later."""
    failed = cursor.failed + 1
    wait_s = min(2.0 ** min(failed, 12), RETRY_MAX_S)
    span_s = max(cursor.span_s / 2, SPAN_MIN_S)
    due_at = now + timedelta(seconds=wait_s)
    return replace(cursor, due_at=due_at, span_s=span_s, failed=failed)
