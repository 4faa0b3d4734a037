"""How long the store tries: each try has its time, all of them together have theirs."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import TypeVar

import anyio
import pymongo
from pymongo.errors import InvalidOperation, PyMongoError, WaitQueueTimeoutError

from payment_service.adapters.mongo.errors import (
    ENCODING_ERRORS,
    is_passing,
    may_be_applied,
    unavailable,
)
from payment_service.adapters.mongo.sent_commands import attempt
from payment_service.ports import StoreUnavailable

T = TypeVar("T")

# One connection that is silent must not use up the time of all tries: a third is left for a second
# try on another one, and a third for a look at what became of the first.
TRIES_IN_TIME = 3
# A write that is sent with less time left than this part of a try's would hardly be answered, and
# be doubt for nothing.
SHORTEST_TRY = 0.25
# A planned change of primary takes a second or two. The first try after it should come soon, and
# those of many replicas not at once.
PAUSE_S, PAUSE_MAX_S = 0.05, 0.5
# After so long without an answer the event loop is given turns before a write: a connection that
# waits for use is not read, so that only the driver's monitor hears when a server goes, and that
# needs eight turns to close the others. What goes into a dead connection is doubt.
IDLE_S = 0.1
TURNS = 16
# A write under way takes milliseconds. Whoever closes is about to stop, and has waited before.
CLOSE_S_MAX = 1.0
_CLOSED = "The store is closed."
_LATE = "Timed out while waiting for a connection"


class Patience:
    """Runs calls of the driver until they are answered or their time is over.

    timeout_s: how long one call may take with all its tries. turns: tries at once, as many as
    there are connections. Whoever waits longest has the next turn: the driver's own queue lets
    those who give a connection back take it again at once, past those who wait.
    """

    def __init__(self, timeout_s: float, *, turns: int) -> None:
        self._timeout_s = timeout_s
        self._turns = anyio.Semaphore(turns, fast_acquire=True)
        self._closed = False
        self._answered_at = 0.0
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """Run `call` as often as it takes: what may be repeated without a thought.

        Raises StoreUnavailable: when the time is over, or for what no time mends.
        """
        return await self._run(lambda _doubt: call(), writes=False)

    async def settle(self, call: Callable[[bool], Awaitable[T]]) -> T:
        """Run `call(doubt)`, a write, as often as it takes; doubt: an earlier try may be applied.

        Raises as `ask` does; StoreInDoubt when some try may be applied and nobody can tell.
        """
        return await self._run(call, writes=True)

    async def _run(self, call: Callable[[bool], Awaitable[T]], *, writes: bool) -> T:
        if self._closed:
            raise StoreUnavailable(_CLOSED)
        self._running += 1
        self._idle.clear()
        try:
            return await self._tries(call, writes=writes)
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def close(self) -> None:
        """Begin nothing new, and wait for what is under way, but not for a server that hangs."""
        self._closed = True
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), CLOSE_S_MAX)

    async def _tries(self, call: Callable[[bool], Awaitable[T]], *, writes: bool) -> T:
        over_at = monotonic() + self._timeout_s
        try_s = self._timeout_s / TRIES_IN_TIME
        last_at = over_at - try_s * SHORTEST_TRY
        pause_s = PAUSE_S
        doubt = False
        while True:
            with attempt() as tried:
                try:
                    async with self._turn(last_at):
                        if writes:
                            await self._hear_of_closed_connections()
                        if monotonic() > last_at:
                            raise WaitQueueTimeoutError(_LATE)
                        with pymongo.timeout(min(try_s, over_at - monotonic())):
                            answer = await call(doubt)
                except ENCODING_ERRORS as error:
                    raise unavailable(error, in_doubt=doubt) from None
                except PyMongoError as error:
                    doubt = doubt or (writes and may_be_applied(error, sent=tried.sent))
                    pause_s = min(pause_s * 2, PAUSE_MAX_S)
                    # In doubt nothing is final, unless we were closed meanwhile: the next try finds
                    # our mark, or another's.
                    closed = isinstance(error, InvalidOperation)
                    again = (doubt or is_passing(error)) and not closed
                    if not again or monotonic() + pause_s >= last_at:
                        raise unavailable(error, in_doubt=doubt) from None
                else:
                    self._answered_at = monotonic()
                    return answer
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 - not a secret

    @asynccontextmanager
    async def _turn(self, last_at: float) -> AsyncIterator[None]:
        """Wait for a turn. Raises WaitQueueTimeoutError when none comes by then."""
        try:
            async with asyncio.timeout(last_at - monotonic()):
                await self._turns.acquire()
        except TimeoutError:
            raise WaitQueueTimeoutError(_LATE) from None
        try:
            yield
        finally:
            self._turns.release()

    async def _hear_of_closed_connections(self) -> None:
        if monotonic() - self._answered_at > IDLE_S:
            for _ in range(TURNS):
                await asyncio.sleep(0)
