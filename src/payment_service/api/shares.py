"""How much of this process one caller may have at a time, so that the others need not wait for it.

Whoever has little under way begins at once. Whoever has more begins it, while others ask, as the
processor has time left, and else stands in a line of its own, which costs nothing. A caller alone
has all of the processor, and of places so many that a newcomer finds one.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import process_time

from prometheus_client import Gauge

from payment_service.api.problems import TooManyRequests
from payment_service.domain.fair_share import Lately
from payment_service.domain.processor_share import ProcessorShare
from payment_service.ports import Asker

# So many begin at once, however busy the processor is: with as many under way, and so often in this
# time.
AT_ONCE = 2
OFTEN_S = 0.01
# So many may need processor or database at a time: more makes neither of them faster.
ACTIVE_MAX = 64
# A caller is not alone for so long after another has asked. To leave the processor idle costs a
# busy caller half of what it could do, so it is short: who comes after a pause stands once behind
# what is active then.
OTHERS_S = 10.0
# How soon it is seen whether the processor has time for those in line.
TICK_S = 0.004
# Whoever waits longer for requests of its own is better told to ask less at once.
WAIT_MAX_S = 10.0

WAITING = Gauge(
    "payment_service_requests_waiting", "Requests that wait for others of their own caller."
)


@dataclass(slots=True)
class _Share:
    """What one caller has under way, how much of it may need the processor, and who waits."""

    under_way: int = 0
    active: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Place(Asker):
    """A request's place, from `Shares.enter` until it leaves."""

    def __init__(self, shares: "Shares", name: str) -> None:
        self.name = name
        self._shares = shares
        self._waits = 0
        self._has_left = False

    def waits(self) -> None:
        """Need neither processor nor database for a while."""
        self._waits += 1
        if self._waits == 1 and not self._has_left:
            self._shares.rests(self.name, 1)

    def goes_on(self) -> None:
        """Need them again; nobody waits for that, for it is begun."""
        self._waits -= 1
        if not self._waits and not self._has_left:
            self._shares.rests(self.name, -1)

    def leave(self) -> None:
        """Leave for good; what goes on in the background has no place."""
        if self._waits:
            self._shares.rests(self.name, -1)
        self._has_left = True
        self._shares.left(self.name)


class Shares:
    """The shares of one process.

    under_way_max: how many requests of one caller may be under way beside others, those that wait
    for Stripe included. alone_max: how many of one that is alone. waiting_max: how many more may
    wait. used_s: the processor's time that this process
    has used. resting: how many of all that are under way need no processor.
    """

    def __init__(
        self,
        *,
        under_way_max: int,
        alone_max: int,
        waiting_max: int,
        used_s: Callable[[], float] = process_time,
    ) -> None:
        self._under_way_max = under_way_max
        self._alone_max = alone_max
        self._waiting_max = waiting_max
        self._used_s = used_s
        self._lately = Lately(OTHERS_S, expects_others=False)
        self._processor = ProcessorShare()
        self._of: dict[str, _Share] = {}
        self._begun: Counter[str] = Counter()  # since `_counted_at`
        self._counted_at = 0.0
        self._lines: deque[str] = deque()  # whose requests wait; who was served last is last
        self._timer: asyncio.TimerHandle | None = None
        self.resting = 0

    @property
    def callers(self) -> int:
        """How many callers have something under way or in line."""
        return len(self._of)

    async def enter(self, name: str) -> Place:
        """Return a place for a request of this caller when there is one. Raises TooManyRequests.

        name: "" for who cannot be told apart.
        """
        now = asyncio.get_running_loop().time()
        self._lately.asks(name, now)
        share = self._of.setdefault(name, _Share())
        if (
            (not name and not self._lately.shares(name, now))  # whoever they are, nobody is slowed
            or (
                not share.waiting
                and (self._has_little(share, name, now) or self._may_begin(share, name, now))
            )
        ):
            self._begin(share)
            self._begun[name] += 1
        else:
            await self._wait(share, name)
        return Place(self, name)

    def rests(self, name: str, by: int) -> None:
        """Count one that waits for something else than the processor, or does no more."""
        self.resting += by
        self._of[name].active -= by

    def left(self, name: str) -> None:
        """Count one less."""
        share = self._of[name]
        share.active -= 1
        share.under_way -= 1
        self._drop(name, share)

    def _begin(self, share: _Share) -> None:
        share.active += 1
        share.under_way += 1

    def _has_little(self, share: _Share, name: str, now: float) -> bool:
        """Say whether a caller has little under way and begins little."""
        if now - self._counted_at >= OFTEN_S:
            self._begun.clear()
            self._counted_at = now
        return share.active < AT_ONCE and self._begun[name] < AT_ONCE

    def _may_begin(self, share: _Share, name: str, now: float) -> bool:
        is_alone = not self._lately.shares(name, now)
        under_way_max = self._alone_max if is_alone else self._under_way_max
        if share.under_way >= under_way_max or share.active >= ACTIVE_MAX:
            return False
        return is_alone or self._processor.begins(now, self._used_s())

    async def _wait(self, share: _Share, name: str) -> None:
        if len(share.waiting) >= self._waiting_max:
            raise _too_many()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        if not share.waiting:
            self._lines.append(name)
        share.waiting.append(future)
        if self._timer is None:
            self._timer = loop.call_later(TICK_S, self._serve, loop)
        WAITING.inc()
        try:
            async with asyncio.timeout(WAIT_MAX_S):
                await future
        except BaseException as error:
            if future.done() and not future.cancelled():  # it could begin, and is gone
                self.left(name)
            if isinstance(error, TimeoutError):
                raise _too_many() from None
            raise
        finally:
            WAITING.dec()

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let begin who may, one of each caller in turn."""
        self._timer = None
        now, skipped = loop.time(), 0
        while skipped < len(self._lines):
            name = self._lines.popleft()
            share = self._of[name]
            while share.waiting and share.waiting[0].done():  # it gave up
                share.waiting.popleft()
            if share.waiting and self._may_begin(share, name, now):
                self._begin(share)
                share.waiting.popleft().set_result(None)
                skipped = 0
            elif share.waiting:
                skipped += 1
            if share.waiting:
                self._lines.append(name)
            else:
                self._drop(name, share)
        if self._lines:
            self._timer = loop.call_later(TICK_S, self._serve, loop)

    def _drop(self, name: str, share: _Share) -> None:
        if not share.under_way and not share.waiting:
            del self._of[name]


def _too_many() -> TooManyRequests:
    return TooManyRequests("Too many requests of this caller at once.", retry_after_s=1)
