"""Whether the process takes one request more: admission by what it suffers from, not by numbers.

Two hundred payers who wait for Stripe are no load; a dozen whose work is queued before the event
loop and the database are. So what counts is the work inside: requests that are there whole, less
those that wait for Stripe, over how many are done in a second, is how long one more would take
(Little's law). When that is too long for a while, a share of what comes is refused early, which is
cheap, instead of late, which is not. Pure, in seconds.
"""

from dataclasses import dataclass, field

# A burst is over sooner, and one long pause (a garbage collection, a stopped process) is felt once.
LATE_FOR_S = 0.1
FELT_MIN = 3
# All is admitted up to this part of the target and nothing from that part on; in between a share,
# so that the queue settles where as much is admitted as is done. It never runs dry by refusing.
ALL_BELOW, NONE_ABOVE = 0.5, 1.5
# Without a long delay for so long it is over.
CALM_S = 1.0
# A turn may take a fifth of the target: a payment takes several, and a refusal should take none.
TURNS = 5
# With less inside there is no queue, however slow each is.
INSIDE_MIN = 8
# What a process does before it has been seen at work, requests a second: half of what one can.
CAPACITY_AT_FIRST = 200.0
# The newest twentieth of a second counts so much: the mean of half a second.
NEWEST = 0.1


@dataclass(slots=True)
class Admission:
    """Decides about each request.

    in_flight_max: bounds memory whatever the delay. delay_target_s: how long requests may take
    inside; 0 is never too long. share: of what comes, how much is admitted.
    """

    in_flight_max: int
    delay_target_s: float
    share: float = 1.0
    is_late: bool = False
    capacity: float = CAPACITY_AT_FIRST
    _inside: int = 0
    _credit: float = 0.0
    _felt_at: float = 0.0
    _late_since: float | None = None
    _felt: int = 0
    _late_at: float = field(default=float("-inf"))

    def admits(self, in_flight: int, *, may_be_shed: bool = True) -> bool:
        """Say whether one more is taken. may_be_shed: False asks for memory's sake only."""
        if in_flight >= self.in_flight_max:
            return False
        if not self.is_late or not may_be_shed or self._inside < INSIDE_MIN:
            return True
        self._credit += self.share
        if self._credit < 1.0:
            return False
        self._credit -= 1.0
        return True

    def felt(self, inside: int, done: int, turn_s: float, now: float) -> None:
        """Hear what is inside, how many were done since the last time, how long a turn took.

        A turn is how long a request waits before it is read, be it only to be refused.
        """
        passed_s, self._felt_at = now - self._felt_at, now
        self._inside = inside
        if inside >= INSIDE_MIN and passed_s > 0:  # else it does not do what it can
            self.capacity += (done / passed_s - self.capacity) * NEWEST
        if not self.delay_target_s:
            return
        delay_s = max(inside / max(self.capacity, 1.0), turn_s * TURNS)
        long = delay_s / self.delay_target_s
        self.share = min(max((NONE_ABOVE - long) / (NONE_ABOVE - ALL_BELOW), 0.0), 1.0)
        if long <= 1.0 or inside < INSIDE_MIN:
            self._late_since, self._felt = None, 0
            self.is_late = self.is_late and now - self._late_at < CALM_S
            return
        self._late_since = now if self._late_since is None else self._late_since
        self._felt += 1
        self._late_at = now
        if now - self._late_since >= LATE_FOR_S and self._felt >= FELT_MIN:
            self.is_late = True
