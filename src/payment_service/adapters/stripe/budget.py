"""How often Stripe may be asked, and whose turn it is: pure, its time is handed in.

Stripe counts requests for an account and for each endpoint. Whoever asks more is refused, and a
refusal costs what an answer costs. So requests stand in line here: payers before background work,
which still has its share; within a class first come, first served.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

# Requests that leave a second apart may arrive closer together; more than a way to Stripe wavers.
WINDOW_S = 1.05
# While both wait, every fifth turn is background work's: payers hardly notice, and it is never
# starved (a fifth of 25 a second settles 300 payments in doubt a minute).
PAYERS_IN_A_ROW_MAX = 4
# Beyond the longest wait at the highest rate; a bound on memory whatever the settings.
WAITING_MAX = 10_000
# After a refusal without Retry-After: the first pause, doubled with each in a row up to the last.
PAUSE_FIRST_S, PAUSE_MAX_S = 0.25, 4.0
# A refused rate is halved, but not below a tenth, and grows back to the whole in half a minute.
LOWERED_TO, SHARE_MIN, RECOVERY_PER_S = 0.5, 0.1, 1 / 30
# In Stripe's paths an id follows the resource, which may stand in one of these.
NAMESPACES = frozenset({"radar"})


class Whose(IntEnum):
    """For whom a request is."""

    PAYER = 0
    BACKGROUND = 1


def endpoint_of(method: str, path: str) -> str:
    """Return what Stripe counts as one endpoint: the method and the path without ids."""
    parts = path.split("/")  # "", "v1", resource, id, verb
    at = 4 if parts[2] in NAMESPACES else 3
    if len(parts) > at:
        parts[at] = "{id}"
    return f"{method} {'/'.join(parts)}"


class Rate:
    """One limit of Stripe's: at most so many requests in any window. per_s: 0 is no limit."""

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._sent: deque[float] = deque(maxlen=per_s or 1)
        self._paused_until = 0.0
        self._share = 1.0
        self._lowered_at = float("-inf")
        self._refusals = 0

    def limit(self, now: float) -> int:
        """Return how many requests a window may have now, lowered after a refusal; 0: any."""
        if self._share < 1.0:
            recovered = self._share + (now - self._lowered_at) * RECOVERY_PER_S
            if recovered < 1.0:
                return max(int(self._per_s * recovered), 1) if self._per_s else 0
            self._share = 1.0
        return self._per_s

    def free_at(self, now: float) -> float:
        """Return when the next request may be sent; not after `now` is at once."""
        limit = self.limit(now)
        if not limit or len(self._sent) < limit:
            return self._paused_until
        return max(self._sent[-limit] + WINDOW_S, self._paused_until)

    def turn_at(self, ahead: int, now: float) -> float:
        """Return when a request may be sent before which so many others are sent."""
        limit = self.limit(now)
        if not limit:
            return max(self._paused_until, now)
        rounds, place = divmod(ahead, limit)
        used = min(len(self._sent), limit)
        place -= limit - used  # the places never used come first, then the oldest of the others
        free_at = now if place < 0 else max(self._sent[place - used] + WINDOW_S, now)
        return max(free_at, self._paused_until) + rounds * WINDOW_S

    def take(self, now: float) -> None:
        """Count a request that is sent now."""
        self._sent.append(now)

    def refused(
        self, now: float, *, sent_at: float, retry_after_s: float | None, spread: float
    ) -> bool:
        """Pause, and go slower for a while; say whether that is slower than before.

        Requests under way together are refused together: that is one refusal. spread: chance in
        [0, 1), so that replicas part.
        """
        slower = sent_at > self._lowered_at
        if slower:
            recovered = self._share + (now - self._lowered_at) * RECOVERY_PER_S
            share = min(recovered, 1.0) if self._share < 1.0 else 1.0
            self._share = max(share * LOWERED_TO, SHARE_MIN)
            self._lowered_at = now
            self._refusals += 1
        if retry_after_s is None:
            full = min(PAUSE_FIRST_S * 2 ** min(self._refusals - 1, 8), PAUSE_MAX_S)
            retry_after_s = full * (0.5 + 0.5 * spread)
        self._paused_until = max(self._paused_until, now + retry_after_s)
        return slower

    def accepted(self, *, sent_at: float) -> None:
        """Hear that a request was let in: the next refusal is the first in a row again."""
        if self._refusals and sent_at > self._lowered_at:
            self._refusals = 0


class Waiter:
    """A request in line. left: it gave up."""

    __slots__ = ("endpoint", "left", "number", "whose")

    def __init__(self, endpoint: str, whose: Whose, number: int) -> None:
        self.endpoint = endpoint
        self.whose = whose
        self.number = number
        self.left = False


@dataclass(slots=True)
class _Lane:
    """Who waits for one endpoint, by class."""

    rate: Rate
    lines: tuple[deque[Waiter], deque[Waiter]] = field(default_factory=lambda: (deque(), deque()))
    waiting: list[int] = field(default_factory=lambda: [0, 0])
    payers_in_a_row: int = 0

    def head(self, whose: Whose) -> Waiter | None:
        """Return who is first of a class."""
        line = self.lines[whose]
        while line and line[0].left:
            line.popleft()
        return line[0] if line else None

    def is_due(self) -> bool:
        """Whether background work has waited for its share."""
        return self.payers_in_a_row >= PAYERS_IN_A_ROW_MAX


class Budget:
    """The limits of an account and of its endpoints, and the line before them."""

    def __init__(self, *, per_s: int, per_endpoint_s: int) -> None:
        self._per_endpoint_s = per_endpoint_s
        self._all = Rate(per_s)
        self._lanes: dict[str, _Lane] = {}
        self._payers_in_a_row = 0
        self._numbers = 0
        self.waiting = [0, 0]

    def takes_at_once(self, endpoint: str, whose: Whose, now: float) -> bool:
        """Take a turn if there is one and nobody waits for it; say whether it was taken."""
        lane = self._lane(endpoint)
        if lane.lines[0] or lane.lines[1]:
            return False
        if lane.rate.free_at(now) > now or self._all.free_at(now) > now:
            return False
        self._take(lane, whose, now)
        return True

    def wait_s(self, endpoint: str, whose: Whose, now: float) -> float:
        """Return how long a request that stands in line now would wait, as far as can be seen."""
        lane = self._lane(endpoint)
        at = lane.rate.turn_at(_ahead(whose, lane.waiting), now)
        return max(at, self._all.turn_at(self._ahead_of_all(whose, now), now)) - now

    def enter(self, endpoint: str, whose: Whose) -> Waiter:
        """Stand in line. Raises OverflowError: the line is as long as it may be."""
        if sum(self.waiting) >= WAITING_MAX:
            raise OverflowError("the line is full")
        self._numbers += 1
        waiter = Waiter(endpoint, whose, self._numbers)
        lane = self._lane(endpoint)
        lane.lines[whose].append(waiter)
        lane.waiting[whose] += 1
        self.waiting[whose] += 1
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Give up."""
        if not waiter.left:
            waiter.left = True
            self._lanes[waiter.endpoint].waiting[waiter.whose] -= 1
            self.waiting[waiter.whose] -= 1

    def turns(self, now: float) -> Iterator[Waiter]:
        """Give those whose turn it is now, each of them counted as sent."""
        while self._all.free_at(now) <= now and (waiter := self._next(now)) is not None:
            lane = self._lanes[waiter.endpoint]
            lane.lines[waiter.whose].popleft()
            lane.waiting[waiter.whose] -= 1
            self.waiting[waiter.whose] -= 1
            self._take(lane, waiter.whose, now)
            yield waiter

    def next_at(self, now: float) -> float | None:
        """Return when there may be a turn again for somebody who waits; None: nobody does."""
        times = [
            lane.rate.free_at(now)
            for lane in self._lanes.values()
            if lane.head(Whose.PAYER) or lane.head(Whose.BACKGROUND)
        ]
        return max(min(times), self._all.free_at(now)) if times else None

    def rate_of(self, endpoint: str | None) -> Rate:
        """Return the limit of an endpoint, or, with None, of the account."""
        return self._all if endpoint is None else self._lane(endpoint).rate

    def accepted(self, endpoint: str, *, sent_at: float) -> None:
        """Hear that a request was let in."""
        self._all.accepted(sent_at=sent_at)
        self._lane(endpoint).rate.accepted(sent_at=sent_at)

    def _next(self, now: float) -> Waiter | None:
        """Choose among the endpoints that may be asked: the class first, then who came first."""
        payer: Waiter | None = None
        background: Waiter | None = None
        due: Waiter | None = None
        for lane in self._lanes.values():
            one, other = lane.head(Whose.PAYER), lane.head(Whose.BACKGROUND)
            if (one is None and other is None) or lane.rate.free_at(now) > now:
                continue
            payer = _first(payer, one)
            background = _first(background, other)
            if lane.is_due():
                due = _first(due, other)
        if due is None and self._payers_in_a_row >= PAYERS_IN_A_ROW_MAX:
            due = background
        return due or payer or background

    def _ahead_of_all(self, whose: Whose, now: float) -> int:
        """Return how many will have been sent, at any endpoint, before one more of this class.

        Whoever waits for an endpoint longer than for the account takes nobody's turn meanwhile.
        """
        limit = self._all.limit(now)
        total = _ahead(whose, self.waiting)
        rounds = 1
        while True:
            ahead = 0
            for lane in self._lanes.values():
                here = _ahead(whose, lane.waiting)
                ahead += min(here, lane.rate.limit(now) * rounds or here)
            if ahead < limit * rounds or ahead >= total or not limit:
                return min(ahead, total)
            rounds += 1

    def _take(self, lane: _Lane, whose: Whose, now: float) -> None:
        lane.rate.take(now)
        self._all.take(now)
        is_payer = whose is Whose.PAYER
        lane.payers_in_a_row = lane.payers_in_a_row + 1 if is_payer else 0
        self._payers_in_a_row = self._payers_in_a_row + 1 if is_payer else 0

    def _lane(self, endpoint: str) -> _Lane:
        lane = self._lanes.get(endpoint)
        if lane is None:
            lane = self._lanes[endpoint] = _Lane(Rate(self._per_endpoint_s))
        return lane


def _first(one: Waiter | None, other: Waiter | None) -> Waiter | None:
    if one is None or other is None:
        return one or other
    return one if one.number < other.number else other


def _ahead(whose: Whose, waiting: Sequence[int]) -> int:
    """Return how many will have been sent before one more of this class."""
    mine, others = waiting[whose], waiting[1 - whose]
    if whose is Whose.PAYER:
        return mine + min(others, (mine + 1) // PAYERS_IN_A_ROW_MAX)
    return mine + min(others, (mine + 1) * PAYERS_IN_A_ROW_MAX)
