"""Whether the process takes one request more: admission by what it suffers from, not by numbers.

Two hundred payers who wait for Stripe are no load, and a slow database is not helped by refusing
payers who could wait for it. What counts first is the queue before the processor: how long a turn
of the event loop takes tells how much was ready to go on, and beside how many requests were inside
it tells what one costs. So each request can be judged by how many are inside just then. When that
is too long for a while, a share of what comes is refused early, which is cheap, instead of late,
which is not. Pure, in seconds.
"""

from dataclasses import dataclass, field

# A burst is over sooner, and one long pause (a stopped process, say) is felt once or twice.
LATE_FOR_S = 0.15
FELT_MIN = 3
# All is admitted up to this part of the target and nothing from that part on; in between a share,
# so that the queue settles where as much is admitted as is done. It never runs dry by refusing.
ALL_BELOW, NONE_ABOVE = 0.5, 1.5
# A burst may go so far beyond the target, and has so many requests whatever they cost.
BURST_ABOVE = 3.0
BURST_MIN = 64
# A process that has just begun is slow (nothing was connected or run before): for two seconds of
# work only a burst that is too large is refused.
WARM_AFTER = 40
# Without a long delay for so long it is over.
CALM_S = 1.0
# How many turns a payment takes from its first byte to its last, measured (bench/README.md); other
# requests take fewer.
TURNS = 14
# One pause (of garbage collection, of a neighbour on the machine) is not what requests cost: at
# once they can only be found to cost twice as much.
DEARER_MAX = 2.0
# With less inside there is no queue, however slow each is.
INSIDE_MIN = 8
# What a request is taken to cost before the process has been seen at work: twice what it does.
COST_AT_FIRST_S = 0.0025
# Requests that wait for something else than the processor (a database, a disk) may take so many
# times as long: who is late there can still be paid, and refusing them makes nothing faster.
PATIENCE = 10
# The newest twentieth of a second counts so much: the mean of half a second; of five seconds for
# how many are done, since a database that stands still for a second is not full.
NEWEST, NEWEST_DONE = 0.1, 0.01
DONE_AT_FIRST = 400.0


@dataclass(slots=True)
class Admission:
    """Decides about each request.

    in_flight_max: bounds memory whatever the delay. target_s: how long requests may queue for the
    processor; 0 is never too long. done: how many requests a second are done when there are some.
    """

    in_flight_max: int
    target_s: float
    is_late: bool = False
    done: float = DONE_AT_FIRST
    _turn_s: float = COST_AT_FIRST_S * INSIDE_MIN / TURNS
    _inside: float = INSIDE_MIN
    _credit: float = 0.0
    _felt_at: float = 0.0
    _late_since: float | None = None
    _felt: int = 0
    _seen: int = 0
    _late_at: float = field(default=float("-inf"))

    @property
    def cost_s(self) -> float:
        """How long the processor is busy with one request, that of refusals included."""
        return self._turn_s * TURNS / self._inside

    def admits(self, in_flight: int, inside: int, *, may_be_shed: bool = True) -> bool:
        """Say whether one more is taken, with so many under way and so many of them inside.

        may_be_shed: False asks for memory's sake only.
        """
        if in_flight >= self.in_flight_max:
            return False
        if not may_be_shed:
            return True
        long = self._long(inside)
        if not self.is_late:
            return long < BURST_ABOVE or inside < BURST_MIN
        self._credit += min(max((NONE_ABOVE - long) / (NONE_ABOVE - ALL_BELOW), 0.0), 1.0)
        if self._credit < 1.0:
            return False
        self._credit -= 1.0
        return True

    def felt(self, inside: int, done: int, turn_s: float, now: float) -> None:
        """Hear what is inside, how many were done since the last time, how long a turn took.

        A turn is how long whoever is ready waits to go on.
        """
        passed_s, self._felt_at = now - self._felt_at, now
        if inside >= INSIDE_MIN and passed_s > 0:  # else one learns nothing of a queue
            self._seen += 1
            self.done += (done / passed_s - self.done) * NEWEST_DONE
            turn_s = min(turn_s, inside * self.cost_s / TURNS * DEARER_MAX)
            self._turn_s += (turn_s - self._turn_s) * NEWEST
            self._inside += (inside - self._inside) * NEWEST
        if self._long(inside) <= 1.0:
            self._late_since, self._felt = None, 0
            self.is_late = self.is_late and now - self._late_at < CALM_S
            return
        self._late_since = now if self._late_since is None else self._late_since
        self._felt += 1
        self._late_at = now
        if self._seen >= WARM_AFTER and self._felt >= FELT_MIN:
            self.is_late = self.is_late or now - self._late_since >= LATE_FOR_S

    def _long(self, inside: int) -> float:
        """Return how long requests take with so many inside, in targets."""
        if not self.target_s or inside < INSIDE_MIN:
            return 0.0
        processor_s = inside * self.cost_s
        # By Little's law; some slow ones are no queue.
        whole_s = inside / max(self.done, 1.0) if inside >= BURST_MIN else 0.0
        return max(processor_s, whole_s / PATIENCE) / self.target_s
