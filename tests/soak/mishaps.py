"""What goes wrong in a soak, each kind in its own rhythm and by its own dice, and how often it did.

Every kind comes from a deck of cards: none waits longer than it takes to deal all of them.
"""

import asyncio
import errno
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from stripe_sandbox.faults import FAULT_KINDS
from stripe_sandbox.webhook_faults import WEBHOOK_FAULT_KINDS
from tests.parts.http import Caller
from tests.parts.preload import Shim
from tests.soak.keeper import Keeper

T = TypeVar("T")
Span = tuple[float, float]
FORGETS_KEY = "error_503_after_key_forgotten"
ANYWHERE = "/v1/*"
STRIPE_PATHS = (ANYWHERE, ANYWHERE, "/v1/payment_intents*", "/v1/refunds*", "/v1/payment_methods*")
# Shorter and longer than the service waits for Stripe (3 s in the fleet's settings).
STRIPE_DELAYS_S = (1.0, 5.0)
# What is planned faster than it strikes would pile up, and in the end nothing would work at all.
WAITING_MAX = 4
# Now and then Stripe fails so many requests in a row, all of the same kind.
OUTAGE_SHARE = 0.06
OUTAGE_REQUESTS = 20
# What something before Stripe answers, in words that are not Stripe's.
BAD_GATEWAY = {"status": 502, "body": {"message": "bad gateway"}}
# What strikes for a while strikes so often; what is left is counted from it.
FOR_A_WHILE = 1_000_000
# So often the power is cut while the disk is still failing.
POWER_CUT_SHARE = 0.5
KILLED_WITHIN_S = 0.5
HOUR_S = 3_600.0
CLOCK_JUMPS_S = {"+1 h": HOUR_S, "-1 h": -HOUR_S, "+25 h": 25 * HOUR_S, "-25 h": -25 * HOUR_S}
DISK_FAULTS = (
    ("fsync EIO once", "sync", errno.EIO, 1),
    ("fsync ENOSPC once", "sync", errno.ENOSPC, 1),
    ("fsync EIO for seconds", "sync", errno.EIO, FOR_A_WHILE),
    ("write ENOSPC once", "write", errno.ENOSPC, 1),
    ("write ENOSPC for seconds", "write", errno.ENOSPC, FOR_A_WHILE),
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often what goes wrong, and for how long."""

    stripe_every_s: Span = (0.3, 1.2)
    webhook_every_s: Span = (0.5, 2.0)
    kill_every_s: Span = (8.0, 25.0)
    down_s: Span = (0.0, 2.0)
    pause_every_s: Span = (15.0, 45.0)
    paused_s: Sequence[Span] = ((1.0, 8.0), (1.0, 8.0), (8.0, 15.0), (20.0, 30.0))
    disk_every_s: Span = (8.0, 25.0)
    disk_s: Span = (1.0, 5.0)
    clock_every_s: Span = (15.0, 40.0)
    clock_s: Span = (5.0, 15.0)


SHORT = Pace(
    stripe_every_s=(0.2, 0.6),
    webhook_every_s=(0.2, 0.6),
    kill_every_s=(3.0, 6.0),
    down_s=(0.0, 0.5),
    pause_every_s=(4.0, 8.0),
    paused_s=((1.0, 4.0),),
    disk_every_s=(2.0, 5.0),
    disk_s=(0.5, 1.5),
    clock_every_s=(3.0, 6.0),
    clock_s=(1.0, 3.0),
)


@dataclass
class Mishaps:
    """All that goes wrong until `end` (seconds of the running loop).

    hits: of disk and clock; the others are counted where they strike.
    """

    keeper: Keeper
    sandbox: Caller
    shims: Sequence[Shim]
    pace: Pace
    seed: int
    disk: bool
    clock: bool
    forgets_keys: bool
    hits: Counter[str] = field(default_factory=Counter)

    async def happen(self, end: float) -> None:
        """Let it all go wrong. In the end Stripe, disks and clocks are right and everybody runs."""
        pace = self.pace
        async with asyncio.TaskGroup() as tasks:
            for every_s, mishap, name in (
                (pace.stripe_every_s, self._stripe(), "stripe"),
                (pace.webhook_every_s, self._webhook(), "webhook"),
                (pace.kill_every_s, self._kill(), "kill"),
                (pace.pause_every_s, self._pause(), "pause"),
                *([(pace.disk_every_s, self._disk(), "disk")] if self.disk else []),
                *([(pace.clock_every_s, self._clock(), "clock")] if self.clock else []),
            ):
                tasks.create_task(self._again(every_s, mishap, name, end))
        await self.sandbox.ask("DELETE", "/_sandbox/faults")
        await self.sandbox.ask("DELETE", "/_sandbox/webhooks")

    def kinds(self) -> dict[str, tuple[str, ...]]:
        """Return every kind of fault that is to strike, by where it does."""
        stripe = tuple(k for k in FAULT_KINDS if k != FORGETS_KEY or self.forgets_keys)
        return {
            "stripe": stripe,
            "webhook": WEBHOOK_FAULT_KINDS,
            "disk": tuple(name for name, *_ in DISK_FAULTS) if self.disk else (),
            "clock": tuple(CLOCK_JUMPS_S) if self.clock else (),
        }

    async def _again(
        self, every_s: Span, mishap: Callable[[], Awaitable[None]], name: str, end: float
    ) -> None:
        loop, rhythm = asyncio.get_running_loop(), self._dice(f"{name} rhythm")
        while True:
            wait_s = rhythm.uniform(*every_s)
            if loop.time() + wait_s >= end:
                return
            await asyncio.sleep(wait_s)
            await mishap()

    def _stripe(self) -> Callable[[], Awaitable[None]]:
        dice = self._dice("stripe")
        kinds = deck(self.kinds()["stripe"], dice)

        async def plan() -> None:
            waiting = (await self.sandbox.ask("GET", "/_sandbox/faults")).body["faults"]
            if sum(rule["path"] == ANYWHERE for rule in waiting) >= WAITING_MAX:
                return
            crowded = len(waiting) >= WAITING_MAX
            outage = dice.random() < OUTAGE_SHARE
            rule: dict[str, Any] = {
                "method": "*" if outage else dice.choice(("POST", "POST", "GET")),
                "path": ANYWHERE if outage or crowded else dice.choice(STRIPE_PATHS),
                "fault": next(kinds),
                "times": OUTAGE_REQUESTS if outage else 1,
                "skip": dice.randrange(4),
                "delay_s": dice.choice(STRIPE_DELAYS_S),
            }
            if rule["fault"] == "answer":
                rule |= BAD_GATEWAY
            planned = await self.sandbox.ask("POST", "/_sandbox/faults", rule)
            assert planned.status == 200, planned.body

        return plan

    def _webhook(self) -> Callable[[], Awaitable[None]]:
        dice = self._dice("webhook")
        kinds = deck(WEBHOOK_FAULT_KINDS, dice)

        async def plan() -> None:
            rule = {"type": "*", "fault": next(kinds), "times": 1, "skip": dice.randrange(3)}
            assert (await self.sandbox.ask("POST", "/_sandbox/webhooks", rule)).status == 200

        return plan

    def _kill(self) -> Callable[[], Awaitable[None]]:
        dice = self._dice("kill")

        async def kill() -> None:
            victim = dice.randrange(len(self.keeper.replicas))
            await self.keeper.kill(victim, dice.uniform(*self.pace.down_s))

        return kill

    def _pause(self) -> Callable[[], Awaitable[None]]:
        dice = self._dice("pause")

        async def pause() -> None:
            victim = dice.randrange(len(self.keeper.replicas))
            await self.keeper.pause(victim, dice.uniform(*dice.choice(self.pace.paused_s)))

        return pause

    def _disk(self) -> Callable[[], Awaitable[None]]:
        dice, (shim, *_) = self._dice("disk"), self.shims
        faults = deck(DISK_FAULTS, dice)

        async def fail() -> None:
            name, call, error, times = next(faults)
            self.keeper.sick_disk = True
            self.keeper.disk_faults += 1
            (shim.fail_sync if call == "sync" else shim.fail_write)(error, times=times)
            await asyncio.sleep(dice.uniform(*self.pace.disk_s))
            async with asyncio.TaskGroup() as tasks:
                if dice.random() < POWER_CUT_SHARE:
                    # What was written and not synced comes back with the start, or does not.
                    tasks.create_task(self.keeper.kill(0, dice.uniform(*self.pace.down_s)))
                    await asyncio.sleep(KILLED_WITHIN_S)
                self.hits[name] += times - shim.faults_left[call == "write"]
                shim.heal()
                self.keeper.sick_disk = False

        return fail

    def _clock(self) -> Callable[[], Awaitable[None]]:
        dice = self._dice("clock")
        jumps = deck(tuple(CLOCK_JUMPS_S), dice)

        async def jump() -> None:
            name, shim = next(jumps), dice.choice(self.shims)
            self.hits[name] += 1
            shim.clock_offset_s = CLOCK_JUMPS_S[name]
            await asyncio.sleep(dice.uniform(*self.pace.clock_s))
            shim.clock_offset_s = 0.0

        return jump

    def _dice(self, name: str) -> random.Random:
        return random.Random(f"{self.seed} {name}")


def deck(cards: Sequence[T], dice: random.Random) -> Iterator[T]:
    """Deal all cards in a random order, again and again."""
    while True:
        yield from dice.sample(cards, len(cards))
