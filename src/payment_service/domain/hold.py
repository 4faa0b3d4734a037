"""A hold: money that a bank keeps ready for us until it lapses, and its clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from payment_service.domain.moment import Policy

# A hold lapses at Stripe some moments after its time; looking then shows what became of it.
LAPSED_LOOK_S = 60


@dataclass(frozen=True, slots=True)
class Hold:
    """The clock of an authorised payment. capture_before: when Stripe lets the hold lapse.

    warned: whether the operator was told that it lapses soon.
    """

    capture_before: datetime
    warned: bool = False


def warn_at(hold: Hold, policy: Policy) -> datetime | None:
    """Return when to say that the hold lapses soon, None when that was said."""
    if hold.warned:
        return None
    return hold.capture_before - timedelta(seconds=policy.hold_warning_s)


def capture_at(hold: Hold, policy: Policy) -> datetime | None:
    """Return when to capture it by ourselves rather than let it lapse, None never."""
    if not policy.hold_auto_capture_s:
        return None
    return hold.capture_before - timedelta(seconds=policy.hold_auto_capture_s)


def next_tick(hold: Hold, now: datetime, policy: Policy) -> datetime | None:
    """Return when the clock of the hold next has something to say, None never again."""
    lapsed = hold.capture_before + timedelta(seconds=LAPSED_LOOK_S)
    ticks = (warn_at(hold, policy), capture_at(hold, policy), lapsed)
    return min((tick for tick in ticks if tick and tick > now), default=None)
