"""An event loop whose clock jumps to the next timer instead of waiting: hours pass at once.

Order is what asyncio promises (first in, first out), nothing is random, nothing touches a socket.
It stands on two private names of asyncio's base loop (`_ready`, `_scheduled`), kept by a test.
"""

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

# Where virtual time begins: an arbitrary Monday, in the life of the wire version we speak.
EPOCH = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Deadlock(Exception):
    """Everything waits and no timer will wake anything."""


class VirtualLoop(asyncio.BaseEventLoop):
    """asyncio's own loop without a selector, on a clock of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.virtual_s = 0.0

    def time(self) -> float:
        """Seconds since this loop was made."""
        return self.virtual_s

    def call_soon_threadsafe(  # type: ignore[override]  # the loop's own types are generic
        self, callback: Any, *args: Any, context: Any = None
    ) -> Any:
        """There are no threads here."""
        return self.call_soon(callback, *args, context=context)

    def _process_events(self, event_list: object) -> None:
        """There are no events but timers."""

    def _write_to_self(self) -> None:
        """There is no selector to wake."""

    def _run_once(self) -> None:
        scheduled: list[Any] = self._scheduled  # type: ignore[attr-defined]
        ready: Any = self._ready  # type: ignore[attr-defined]
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not ready:
            if not scheduled:
                raise Deadlock("everything waits and nothing will happen")
            self.virtual_s = max(self.virtual_s, scheduled[0]._when)
        while scheduled and scheduled[0]._when <= self.virtual_s:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            if not handle._cancelled:
                ready.append(handle)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()


class VirtualClock:
    """The Clock port on the running virtual loop. `skew` makes it wrong by that much."""

    def __init__(self, skew: timedelta = timedelta()) -> None:
        self.skew = skew

    def now(self) -> datetime:
        """Virtual UTC, whole milliseconds."""
        passed = timedelta(milliseconds=int(asyncio.get_running_loop().time() * 1000))
        return EPOCH + passed + self.skew

    def latest(self) -> datetime:
        """As `now`: it is right by definition."""
        return self.now()

    def is_known(self) -> bool:
        """It is Stripe's own."""
        return True

    def ahead_s(self) -> float:
        """It is Stripe's own."""
        return 0.0

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        await asyncio.sleep(seconds)


def epoch_s() -> float:
    """Return virtual UTC as epoch seconds, for the sandbox's engine."""
    return EPOCH.timestamp() + asyncio.get_running_loop().time()


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end in virtual time. What still waits then is dropped, as a crash drops it."""
    loop = VirtualLoop()
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(main())
    finally:
        for task in asyncio.all_tasks(loop):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        asyncio.set_event_loop(None)
        loop.close()
