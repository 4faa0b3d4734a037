"""Stripe's time, as `ports.Clock` promises it, whatever the machine's own clock says.

It runs on a clock that nobody sets and is brought in line with the date of each of Stripe's
answers. The machine's clock only says where to begin, and that time passed which the other one did
not count.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from prometheus_client import Gauge

from payment_service.domain.moment import CLOCK_WRONG_BEYOND_S

# A date in a header is cut to whole seconds.
DATE_RESOLUTION_S = 1.0
# The machine's two clocks go at one speed, so that a larger difference is a step of one of them,
# or a sleep that one of them slept through.
APART_MAX_S = 3.0
# An answer says Stripe's time as exactly as the request was short; one that took longer than a
# read may take corrects what is surely wrong, and is not enough to be relied on.
ROUND_TRIP_MAX_S = 10.0
# CLOCK_MONOTONIC does not count the time in which a machine sleeps, where there is this one.
_BOOT_TIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_log = structlog.get_logger("clock")

AHEAD = Gauge(
    "payment_service_clock_ahead_seconds",
    "How far the machine's clock is ahead of Stripe's; below zero it is behind.",
)


def boot_time_s() -> float:
    """Return the seconds since the machine was started, its sleep included."""
    return time.clock_gettime(_BOOT_TIME)


@dataclass(frozen=True, slots=True)
class Reading:
    """Both clocks of the machine at one moment."""

    wall_s: float
    monotonic_s: float

    @property
    def apart_s(self) -> float:
        """How far they are apart, which changes only when one of them is set or stands still."""
        return self.wall_s - self.monotonic_s


class DisciplinedClock:
    """Keeps the promise of `ports.Clock`. Before Stripe's first answer its time is the machine's.

    wall: the machine's clock, as seconds since 1970. monotonic: seconds that nobody sets.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = boot_time_s,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._sleep = sleep
        self._told_s = 0.0
        self._is_confirmed = False
        begun = self.mark()
        # Stripe's time is the monotonic one plus this.
        self._offset_s = begun.apart_s
        # Both clocks when Stripe's time was heard last, and how far the wall clock was ahead of it.
        self._apart_s = begun.apart_s
        self._ahead_s = 0.0

    def now(self) -> datetime:
        """Return Stripe's time in UTC, cut to whole milliseconds."""
        return _moment(self._monotonic() + self._offset_s)

    def latest(self) -> datetime:
        """Return the latest that it can be by either clock of the machine."""
        at = self.mark()
        return _moment(max(at.monotonic_s + self._offset_s, at.wall_s - self._ahead_s))

    def is_known(self) -> bool:
        """Whether `now` is surely Stripe's time, and not only what the machine's clock said."""
        return self._is_confirmed and abs(self.mark().apart_s - self._apart_s) <= APART_MAX_S

    async def sleep(self, seconds: float) -> None:
        """Return after this long."""
        await self._sleep(seconds)

    def ahead_s(self) -> float:
        """Return how far the machine's clock is ahead of Stripe's now, as far as that is known."""
        at = self.mark()
        return at.wall_s - (at.monotonic_s + self._offset_s)

    def mark(self) -> Reading:
        """Return both clocks, the wall clock first.

        Whoever stands still between the two takes its time for less known than it is, never for
        better known.
        """
        wall_s = self._wall()
        return Reading(wall_s, self._monotonic())

    def heard(self, date: datetime, sent: Reading) -> None:
        """Hear that an answer with this date came to a request that was sent at that moment."""
        received = self.mark()
        if abs(received.apart_s - sent.apart_s) > APART_MAX_S:
            return  # one of the clocks was set meanwhile: this says nothing about either
        date_s = date.timestamp()
        earliest = date_s - received.monotonic_s
        latest = date_s + DATE_RESOLUTION_S - sent.monotonic_s
        self._offset_s = min(max(self._offset_s, earliest), latest)
        if received.monotonic_s - sent.monotonic_s <= ROUND_TRIP_MAX_S:
            self._is_confirmed = True
            self._apart_s = received.apart_s
            self._ahead_s = received.wall_s - (received.monotonic_s + self._offset_s)
        self._tell()

    def _tell(self) -> None:
        """Say it once when the machine's clock is found to be wrong, or right again."""
        ahead_s = self.ahead_s()
        AHEAD.set(ahead_s)
        wrong = abs(ahead_s) > CLOCK_WRONG_BEYOND_S
        if abs(ahead_s - self._told_s) <= CLOCK_WRONG_BEYOND_S and wrong == bool(self._told_s):
            return
        self._told_s = ahead_s if wrong else 0.0
        if wrong:
            _log.error("clock.wrong", ahead_s=round(ahead_s, 1))
        else:
            _log.info("clock.right", ahead_s=round(ahead_s, 1))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds * 1000) / 1000, UTC)
