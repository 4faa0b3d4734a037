"""How often Stripe may be asked, and whose turn it is: pure, its time is handed in.

Stripe counts requests for an account and for each endpoint. Whoever asks more is refused, and a
refusal costs what an answer costs. So requests stand in line here: payers before background work,
which still has its share. Among payers each caller has a share: whoever has had less of the window
goes first, and none may fill it, while there are others.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from payment_service.adapters.stripe.rate import WINDOW_S, Rate
from payment_service.domain.fair_share import Lately

__all__ = ["WINDOW_S", "Budget", "Rate", "Waiter", "Whose", "endpoint_of"]

# While both wait, every fifth turn is background work's: payers hardly notice, and it is never
# starved (a fifth of 25 a second settles 300 payments in doubt a minute).
PAYERS_IN_A_ROW_MAX = 4
# Beyond the longest wait at the highest rate; a bound on memory whatever the settings.
WAITING_MAX = 10_000
# In Stripe's paths an id follows the resource, which may stand in one of these.
NAMESPACES = frozenset({"radar"})
# What background work is counted as; no caller is called so.
_BACKGROUND = "\0background"


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


class Waiter:
    """A request in line. caller: whose it is, "" cannot be told. left: it gave up."""

    __slots__ = ("caller", "endpoint", "left", "number", "whose")

    def __init__(self, endpoint: str, whose: Whose, number: int, caller: str) -> None:
        self.endpoint = endpoint
        self.whose = whose
        self.number = number
        self.caller = caller
        self.left = False


@dataclass(slots=True)
class _Lane:
    """Who waits for one endpoint: payers by caller, and background work."""

    rate: Rate
    payers: dict[str, deque[Waiter]] = field(default_factory=dict)
    background: deque[Waiter] = field(default_factory=deque)
    waiting: Counter[str] = field(default_factory=Counter)  # of payers, by caller
    waiting_behind: int = 0
    payers_in_a_row: int = 0

    def heads(self) -> list[Waiter]:
        """Return who is first of each caller's payers."""
        for caller in [caller for caller, line in self.payers.items() if not _head(line)]:
            del self.payers[caller]
        return [line[0] for line in self.payers.values()]

    def is_due(self) -> bool:
        """Whether background work has waited for its share."""
        return self.payers_in_a_row >= PAYERS_IN_A_ROW_MAX

    def count(self, waiter: Waiter, by: int) -> None:
        """Count who waits."""
        if waiter.whose is Whose.BACKGROUND:
            self.waiting_behind += by
        else:
            _add(self.waiting, waiter.caller, by)


class Budget:
    """The limits of an account and of its endpoints, and the line before them."""

    def __init__(self, *, per_s: int, per_endpoint_s: int) -> None:
        self._per_endpoint_s = per_endpoint_s
        self._all = Rate(per_s)
        self._lanes: dict[str, _Lane] = {}
        self._payers_in_a_row = 0
        self._numbers = 0
        self._lately = Lately()
        self._waiting_of: Counter[str] = Counter()  # payers at any endpoint
        self.waiting = [0, 0]

    def takes_at_once(self, endpoint: str, whose: Whose, now: float, caller: str = "") -> bool:
        """Take a turn if there is one for this caller; say whether it was taken.

        Give those who wait theirs before.
        """
        lane = self._lane(endpoint)
        if whose is Whose.BACKGROUND:
            if _head(lane.background) or lane.waiting or self._background_at(lane, now) > now:
                return False
        else:
            self._lately.asks(caller, now)
            if lane.waiting[caller] or self._payer_at(lane, caller, now, waits=False) > now:
                return False
        self._take(lane, whose, now, caller)
        return True

    def wait_s(self, endpoint: str, whose: Whose, now: float, caller: str = "") -> float:
        """Return how long a request that stands in line now would wait, as far as can be seen."""
        lane = self._lane(endpoint)
        shares = whose is Whose.PAYER and self._lately.shares(caller, now)

        def kept(rate: Rate, waiting: Mapping[str, int]) -> int:
            is_heavy = shares and rate.used(caller) + waiting.get(caller, 0) >= max(
                rate.fair(caller, now), 1
            )
            return rate.reserve(now) if is_heavy else 0

        here = kept(lane.rate, lane.waiting)
        at = lane.rate.turn_at(_ahead_in(lane, whose, caller), now, kept=here)
        of_all = kept(self._all, self._waiting_of)
        ahead = self._ahead_of_all(whose, caller, now, of_all)
        return max(at, self._all.turn_at(ahead, now, kept=of_all)) - now

    def enter(self, endpoint: str, whose: Whose, caller: str = "") -> Waiter:
        """Stand in line.

        Raises OverflowError: the line is as long as it may be; a caller never has the last half of
        what is left of it.
        """
        own = self._waiting_of[caller] if caller and whose is Whose.PAYER else 0
        if sum(self.waiting) + own >= WAITING_MAX:
            raise OverflowError("the line is full")
        self._numbers += 1
        waiter = Waiter(endpoint, whose, self._numbers, caller)
        lane = self._lane(endpoint)
        if whose is Whose.BACKGROUND:
            lane.background.append(waiter)
        else:
            lane.payers.setdefault(caller, deque()).append(waiter)
        self._count(lane, waiter, 1)
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Give up."""
        if not waiter.left:
            waiter.left = True
            self._count(self._lanes[waiter.endpoint], waiter, -1)

    def turns(self, now: float) -> Iterator[Waiter]:
        """Give those whose turn it is now, each of them counted as sent."""
        while self._all.free_at(now) <= now and (waiter := self._next(now)) is not None:
            lane = self._lanes[waiter.endpoint]
            is_payer = waiter.whose is Whose.PAYER
            (lane.payers[waiter.caller] if is_payer else lane.background).popleft()
            self._count(lane, waiter, -1)
            self._take(lane, waiter.whose, now, waiter.caller)
            yield waiter

    def next_at(self, now: float) -> float | None:
        """Return when there may be a turn again for somebody who waits; None: nobody does."""
        times = []
        for lane in self._lanes.values():
            times += [self._payer_at(lane, head.caller, now) for head in lane.heads()]
            if _head(lane.background):
                times.append(self._background_at(lane, now))
        return min(times) if times else None

    def rate_of(self, endpoint: str | None) -> Rate:
        """Return the limit of an endpoint, or, with None, of the account."""
        return self._all if endpoint is None else self._lane(endpoint).rate

    def accepted(self, endpoint: str, *, sent_at: float) -> None:
        """Hear that a request was let in."""
        self._all.accepted(sent_at=sent_at)
        self._lane(endpoint).rate.accepted(sent_at=sent_at)

    def _next(self, now: float) -> Waiter | None:
        """Choose among the endpoints that may be asked: the class first, then who had least."""
        payer: tuple[int, int, Waiter] | None = None
        background: Waiter | None = None
        due: Waiter | None = None
        for lane in self._lanes.values():
            if lane.rate.free_at(now) > now:
                continue
            for head in lane.heads():
                if self._payer_at(lane, head.caller, now) <= now:
                    one = (self._had(lane, head.caller, now), head.number, head)
                    payer = one if payer is None else min(payer, one, key=lambda o: o[:2])
            other = _head(lane.background)
            if other is not None and self._background_at(lane, now) <= now:
                background = _first(background, other)
                if lane.is_due():
                    due = _first(due, other)
        if due is None and self._payers_in_a_row >= PAYERS_IN_A_ROW_MAX:
            due = background
        return due or (payer[2] if payer else None) or background

    def _had(self, lane: _Lane, caller: str, now: float) -> int:
        """Return how much of the windows a caller had, where that matters."""
        shares = self._lately.shares(caller, now)
        return self._all.used(caller) + lane.rate.used(caller) if shares else 0

    def _payer_at(self, lane: _Lane, caller: str, now: float, *, waits: bool = True) -> float:
        """Return when a caller may send its next request for a payer."""
        if not self._lately.shares(caller, now):
            return max(lane.rate.free_at(now), self._all.free_at(now))
        return max(rate.share_at(caller, now, waits=waits) for rate in (lane.rate, self._all))

    def _background_at(self, lane: _Lane, now: float) -> float:
        """Return when background work may be sent; what is more than its fifth leaves a reserve."""
        is_due = lane.is_due() or self._payers_in_a_row >= PAYERS_IN_A_ROW_MAX
        leaves = not is_due and self._lately.shares(_BACKGROUND, now)
        rates = (lane.rate, self._all)
        return max(rate.free_at(now, kept=rate.reserve(now) if leaves else 0) for rate in rates)

    def _ahead_of_all(self, whose: Whose, caller: str, now: float, kept: int) -> int:
        """Return how many will have been sent, at any endpoint, before one more of this class.

        Whoever waits for an endpoint longer than for the account takes nobody's turn meanwhile.
        """
        limit = self._all.limit(now)
        if not limit:
            return 0
        limit = max(limit - kept, 1)
        here = [(_ahead_in(lane, whose, caller), lane) for lane in self._lanes.values()]
        total = sum(ahead for ahead, _ in here)
        rounds = 1
        while True:
            ahead = sum(min(n, lane.rate.limit(now) * rounds or n) for n, lane in here)
            if ahead < limit * rounds or ahead >= total:
                return ahead
            rounds += 1

    def _take(self, lane: _Lane, whose: Whose, now: float, caller: str) -> None:
        is_payer = whose is Whose.PAYER
        for rate in (lane.rate, self._all):
            rate.take(now, caller if is_payer else _BACKGROUND)
        lane.payers_in_a_row = lane.payers_in_a_row + 1 if is_payer else 0
        self._payers_in_a_row = self._payers_in_a_row + 1 if is_payer else 0

    def _count(self, lane: _Lane, waiter: Waiter, by: int) -> None:
        lane.count(waiter, by)
        self.waiting[waiter.whose] += by
        if waiter.whose is Whose.PAYER:
            _add(self._waiting_of, waiter.caller, by)

    def _lane(self, endpoint: str) -> _Lane:
        lane = self._lanes.get(endpoint)
        if lane is None:
            lane = self._lanes[endpoint] = _Lane(Rate(self._per_endpoint_s))
        return lane


def _head(line: deque[Waiter]) -> Waiter | None:
    """Return who is first and has not left."""
    while line and line[0].left:
        line.popleft()
    return line[0] if line else None


def _first(one: Waiter | None, other: Waiter) -> Waiter:
    return other if one is None or other.number < one.number else one


def _add(counts: Counter[str], name: str, by: int) -> None:
    """Count, and keep no name that has nothing."""
    counts[name] += by
    if not counts[name]:
        del counts[name]


def _ahead_in(lane: _Lane, whose: Whose, caller: str) -> int:
    """Return how many will have been sent to an endpoint before one more of this class.

    Of each other caller only so many as leave it no more of the window than this one has.
    """
    if whose is Whose.BACKGROUND:
        payers = sum(lane.waiting.values())
        return lane.waiting_behind + min(payers, (lane.waiting_behind + 1) * PAYERS_IN_A_ROW_MAX)
    own = lane.waiting[caller]
    level = lane.rate.used(caller) + own + 1
    ahead = own + sum(
        min(waiting, max(level - lane.rate.used(other), 0))
        for other, waiting in lane.waiting.items()
        if other != caller
    )
    return ahead + min(lane.waiting_behind, (ahead + 1) // PAYERS_IN_A_ROW_MAX)
