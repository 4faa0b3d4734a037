"""A process that can be killed or stopped for a while, and the gates at which that happens.

Every call of the service to the outside passes a gate before and after it. Between two awaits
asyncio lets nobody else run, so killing at the gates reaches every state that can be told apart.
A kill is `kill -9`: what is killed waits for ever, and no `except` or `finally` of it runs. A pause
is SIGSTOP and SIGCONT: all of it stands still for longer than its claims hold, and then goes on;
a freeze lasts for longer than Stripe holds a key, and a suspension is one of the whole machine,
whose monotonic clock stands still with it. At a gate the machine's clock may also be set.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NoReturn, TypeVar

from tests.parts.virtual_time import epoch_s

T = TypeVar("T")

# Ten times what the busiest life needs: past it something asks in a circle.
CALLS_MAX = 20_000
# Longer than the lease of 30 s, so that others take what it had claimed for abandoned.
PAUSE_S = 45.0
# Longer than Stripe holds a key.
DAY_S = 25 * 3600.0
# How a process may stand still, and for how long.
STANDING = {"pause": PAUSE_S, "freeze": DAY_S, "suspend": DAY_S}

BEFORE, AFTER = "b", "a"
# A gate of its own: the request is on its way, and whoever sent it dies.
SENT = " sent"
# How calls that update an order begin.
TELLING = "orders tell"
# A gate by the number of its call and its side: 7b is before the seventh call.
Gate = tuple[int, str]
# Gates at which a wall clock is set, and by how many seconds.
Jumps = tuple[tuple[Gate, int], ...]
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
    """Numbers the calls of all processes of one life.

    crash_at, stand_at, jump_at: what the plan wants, and how.
    """

    trace: Trace
    crash_at: frozenset[Gate] = frozenset()
    stand_at: Mapping[Gate, str] = field(default_factory=dict)
    jump_at: Mapping[Gate, int] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    hits: list[str] = field(default_factory=list)

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
        self.hits.append("crash")
        self.trace.note("crash")
        return True

    def stops(self, gate: Gate) -> str | None:
        """Say how whoever came to this gate stands still here."""
        kind = self.stand_at.get(gate)
        if kind is not None:
            self.hits.append(kind)
            self.trace.note(kind)
        return kind

    def sets_clock(self, gate: Gate) -> int:
        """Return by how many seconds the clock of whoever came to this gate is set here."""
        by_s = self.jump_at.get(gate, 0)
        if by_s:
            self.hits.append("jump")
            self.trace.note("jump", by_s)
        return by_s


class Process:
    """One run of the service, from its start to its death."""

    def __init__(self, epoch: int, gates: Gates) -> None:
        self.epoch = epoch
        self.dead: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # For how long it stood still, for how long of that its machine did, and by how much its
        # machine's clock was set.
        self.stood_s = 0.0
        self.slept_s = 0.0
        self.jumped_s = 0.0
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
        return self.stands_still_s > 0

    @property
    def stands_still_s(self) -> float:
        """For how long it will still stand still."""
        return max(self._stands_until - asyncio.get_running_loop().time(), 0.0)

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
        self.jumped_s += self._gates.sets_clock(gate)
        kind = self._gates.stops(gate)
        if kind is not None:
            stands_s = STANDING[kind]
            self._stands_until = asyncio.get_running_loop().time() + stands_s
            self.stood_s += stands_s
            self.slept_s += stands_s if kind == "suspend" else 0.0
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


class ProcessClock:
    """The two clocks of a process's machine, of which the wall clock may be wrong.

    stands: whether both stand still while the process does, which those of no machine do.
    """

    def __init__(self, process: Process, skew_s: float, *, stands: bool = False) -> None:
        self._process = process
        self._skew_s = skew_s
        self._stands = stands

    def wall_s(self) -> float:
        """What the machine takes for the time, as seconds since 1970."""
        process = self._process
        stood_s = process.stood_s if self._stands else 0.0
        return epoch_s() + self._skew_s + process.jumped_s - stood_s

    def monotonic_s(self) -> float:
        """What the machine counted since it was started, which nobody sets."""
        process = self._process
        stood_s = process.stood_s if self._stands else process.slept_s
        return asyncio.get_running_loop().time() - stood_s

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        await self._process.sleep(seconds)
