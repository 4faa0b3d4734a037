"""A process that can be killed or stopped for a while, and the gates at which that happens.

Every call of the service to the outside passes a gate before and after it. Between two awaits
asyncio lets nobody else run, so killing at the gates reaches every state that can be told apart.
A kill is `kill -9`: what is killed waits for ever, and no `except` or `finally` of it runs. A pause
is SIGSTOP and SIGCONT: all of it stands still for longer than its claims hold, and then goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NoReturn, TypeVar

from tests.parts.virtual_time import VirtualClock

T = TypeVar("T")

# Ten times what the busiest life needs: past it something asks in a circle.
CALLS_MAX = 20_000
# Longer than the lease of 30 s, so that others take what it had claimed for abandoned.
PAUSE_S = 45.0

BEFORE, AFTER = "b", "a"
# A gate of its own: the request is on its way, and whoever sent it dies.
SENT = " sent"
# How calls that update an order begin.
TELLING = "orders tell"
# A gate by the number of its call and its side: 7b is before the seventh call.
Gate = tuple[int, str]
# Somewhere that something can go wrong: a field of a life, its number there, and a gate's side.
Point = tuple[str, int, str]
# Asking what is due changes nothing: whoever is killed there asks again.
ASKING_WHAT_IS_DUE = "store due"


@dataclass
class Trace:
    """What happened, line by line; two runs of one life have the same lines."""

    lines: list[str] = field(default_factory=list)

    def note(self, *words: object) -> None:
        """Add a line, with the virtual time it stands for."""
        now = asyncio.get_running_loop().time()
        self.lines.append(f"{now:.4f} {' '.join(map(str, words))}")

    def digest(self) -> str:
        """Return one hash of all of it."""
        return sha256("\n".join(self.lines).encode()).hexdigest()


@dataclass
class Gates:
    """Numbers the calls of all processes of one life. crash_at, pause_at: what the plan wants.

    anywhere: whether a process may stand still even where that is too much.
    """

    trace: Trace
    crash_at: frozenset[Gate] = frozenset()
    pause_at: frozenset[Gate] = frozenset()
    anywhere: bool = False
    calls: list[str] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    crashes: int = 0
    pauses: int = 0

    def number(self, what: str) -> int:
        """Count one more call."""
        self.calls.append(what)
        if len(self.calls) > CALLS_MAX:
            self.trace.note("nobody backs off")
            asyncio.get_running_loop().stop()
        return len(self.calls)

    def kills(self, gate: Gate, what: str) -> bool:
        """Note that somebody came to this gate, and say whether it is the end of it."""
        self.trace.note("".join(map(str, gate)), what)
        if not what.startswith(ASKING_WHAT_IS_DUE):
            self.points.append(("crash", *gate))
        if gate not in self.crash_at:
            return False
        self.crashes += 1
        self.trace.note("crash")
        return True

    def stops(self, gate: Gate, what: str) -> bool:
        """Say whether whoever came to this gate stands still here.

        Not between the last look at the clock and the update of an order: it would arrive after
        what was told meanwhile, and nothing on our side can hold it back (see the tests).
        """
        is_last_yard = gate[1] == BEFORE and what.startswith(TELLING) and not self.anywhere
        if gate not in self.pause_at or is_last_yard:
            return False
        self.pauses += 1
        self.trace.note("pause")
        return True


class Process:
    """One run of the service, from its start to its death."""

    def __init__(self, epoch: int, gates: Gates) -> None:
        self.epoch = epoch
        self.dead: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.stood_s = 0.0
        self._stands_until = 0.0
        self._gates = gates
        # Held on to, so that nothing collects what is frozen and lets its `finally` run.
        self._frozen: list[asyncio.Future[None]] = []

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return not self.dead.done()

    @property
    def stands(self) -> bool:
        """Whether it stands still."""
        return asyncio.get_running_loop().time() < self._stands_until

    async def call(self, what: str, act: Callable[[], Awaitable[T]]) -> T:
        """Do one call to the outside, between its two gates."""
        number = self._gates.number(what)
        await self._pass((number, BEFORE), what)
        try:
            result = await act()
        except GeneratorExit:  # the life is over, and what was frozen in it is thrown away
            raise
        except BaseException as error:
            await self._pass((number, AFTER), f"{what} {type(error).__name__}")
            raise
        await self._pass((number, AFTER), what)
        return result

    async def sent(self, what: str) -> None:
        """Pass the gate between sending a request and what the other side does about it."""
        await self._pass((self._gates.number(f"{what}{SENT}"), BEFORE), f"{what}{SENT}")

    async def sleep(self, seconds: float) -> None:
        """Let time pass, unless it is over before."""
        await asyncio.sleep(seconds)
        await self.wake_up()

    async def wake_up(self) -> None:
        """Go on when the process does, which is never if it is dead."""
        loop = asyncio.get_running_loop()
        while (left_s := self._stands_until - loop.time()) > 0:  # noqa: ASYNC110 - time jumps here
            await asyncio.sleep(left_s)
        if not self.alive:
            await self._freeze()

    async def _pass(self, gate: Gate, what: str) -> None:
        if self._stands_until:
            await self.wake_up()
        if not self.alive or self._gates.kills(gate, what):
            self.die()
            await self._freeze()
        if self._gates.stops(gate, what):
            self._stands_until = asyncio.get_running_loop().time() + PAUSE_S
            self.stood_s += PAUSE_S
            await self.wake_up()

    def die(self) -> None:
        """End it here and now."""
        if self.alive:
            self.dead.set_result(None)

    async def _freeze(self) -> NoReturn:
        while True:
            never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._frozen.append(never)
            with suppress(asyncio.CancelledError):  # a time-out of the dead disturbs nobody
                await never


class ProcessClock(VirtualClock):
    """The clock of one process: it stops with it, and may be wrong.

    stands: whether it stands still while the process does, which none of ours may.
    """

    def __init__(self, process: Process, skew: timedelta, *, stands: bool = False) -> None:
        super().__init__(skew)
        self._process = process
        self._stands = stands

    def now(self) -> datetime:
        """Virtual UTC as this process sees it."""
        stood_s = self._process.stood_s if self._stands else 0.0
        return super().now() - timedelta(seconds=stood_s)

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        await self._process.sleep(seconds)
