"""The town of one life: what outlives a process, and the processes that follow each other in it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from payment_service.domain.moment import Policy
from payment_service.domain.payment import Order, Payment
from payment_service.flows.pay_order import pay_order
from payment_service.flows.recover import recover
from payment_service.flows.world import Background, World
from payment_service.ports import Gateway, Store, Unavailable
from stripe_sandbox.engine import Engine
from tests.parts.shop import CountingIds, Sightings
from tests.parts.stripe_in_process import open_in_process
from tests.parts.virtual_time import EPOCH
from tests.simulation.inbox import GatedOrders, Inbox
from tests.simulation.plan import FaultCounter, Latency, Life
from tests.simulation.process import Gates, Process, ProcessClock, Trace
from tests.simulation.shelf import GatedStore, Shelf
from tests.simulation.stripe_line import SimulatedStripe, StripeLine
from tests.simulation.watch import Watch

# What is left alone is given up sooner than in production: fewer looks, the same rules.
POLICY = Policy(action_expires_s=900, payment_expires_s=1800)
POLL_S = 1.0
POLL_AWAY_S = 5.0
NAP_MAX_S = 3600.0


class Pay(Protocol):
    """The flow `pay_order`."""

    async def __call__(
        self, world: World, order: Order, *, deadline: Any, bearer_token: str | None
    ) -> Payment: ...


@dataclass(frozen=True, slots=True)
class Variant:
    """Which service lives: the honest one, or one with a mistake put in on purpose."""

    name: str = "honest"
    pay: Pay = pay_order
    gateway: Callable[[Gateway], Gateway] = lambda gateway: gateway
    store: Callable[[Store], Store] = lambda store: store
    policy: Policy = POLICY


HONEST = Variant()


@dataclass
class Town:
    """Made by `open_town` in a running loop."""

    life: Life
    variant: Variant
    trace: Trace
    gates: Gates
    engine: Engine
    watch: Watch
    shelf: Shelf
    line: StripeLine
    inbox: Inbox
    busy_clients: bool = True
    witnesses: list[Sightings] = field(default_factory=list)
    _worlds: list[World] = field(default_factory=list)
    _tasks: list["asyncio.Future[Any]"] = field(default_factory=list)
    _process: Process | None = None
    _opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def open_door(self) -> tuple[Process, World]:
        """Return the process that runs, as soon as one does."""
        while self._process is None or not self._process.alive:
            self._opened.clear()
            await self._opened.wait()
        return self._process, self._worlds[-1]

    def forget(self, task: "asyncio.Future[Any]") -> None:
        """Keep what is frozen from being collected, which would let its `finally` run."""
        self._tasks.append(task)

    async def run(self) -> None:
        """Start processes one after the other, for ever."""
        epoch = 0
        while True:
            epoch += 1
            process = Process(epoch, self.gates)
            world = self._world(process)
            self._worlds.append(world)
            self._process = process
            self._opened.set()
            self.forget(asyncio.ensure_future(self._work(process, world)))
            await process.dead
            await asyncio.sleep(self.life.down_s)

    def at_rest(self) -> bool:
        """Whether nothing is due, under way or down."""
        running = self._process is not None and self._process.alive
        idle = running and not self._worlds[-1].background._tasks
        return idle and self.line.under_way == 0 and self.shelf.next_wake() is None

    def next_s(self) -> float:
        """How long nothing new can happen, at the least."""
        if self.at_rest():
            return NAP_MAX_S
        wake = self.shelf.next_wake()
        if wake is None:
            return POLL_S
        now = asyncio.get_running_loop().time()
        return min(max((wake - EPOCH).total_seconds() - now, POLL_S), NAP_MAX_S)

    def _world(self, process: Process) -> World:
        skew = timedelta(seconds=self.life.skew_s if process.epoch % 2 == 0 else 0)
        witness = Sightings()
        self.witnesses.append(witness)
        return World(
            store=self.variant.store(GatedStore(process, self.shelf)),
            gateway=self.variant.gateway(open_in_process(SimulatedStripe(process, self.line))),
            orders=GatedOrders(process, self.inbox),
            clock=ProcessClock(process, skew),
            ids=CountingIds(f"{process.epoch}."),
            witness=witness,
            policy=self.variant.policy,
            background=Background(),
        )

    async def _work(self, process: Process, world: World) -> None:
        """The worker's loop. It sleeps through polls that would find nothing."""
        under_work: set[str] = set()
        while True:
            wake = self.shelf.next_wake()
            wait_s = POLL_S if self.busy_clients else self.next_s()
            if wake is not None and wake <= world.clock.now():
                try:
                    await recover(world, under_work, concurrency=16)
                    wait_s = POLL_S
                except Unavailable:
                    wait_s = POLL_AWAY_S
            await process.sleep(wait_s)


async def open_town(life: Life, variant: Variant, *, watching: bool) -> Town:
    """Return a town in which nothing has happened yet."""
    trace, latency = Trace(), Latency(life.seed)
    engine = Engine()
    watch = Watch(engine, awake=watching)
    shelf = Shelf(watch, FaultCounter(dict(life.store)), latency)
    await shelf.raw.ensure_schema()
    faults = FaultCounter(dict(life.fault))
    return Town(
        life=life,
        variant=variant,
        trace=trace,
        gates=Gates(trace, frozenset(life.crash)),
        engine=engine,
        watch=watch,
        shelf=shelf,
        line=StripeLine(engine, faults, latency, watch, shelf.newest),
        inbox=Inbox(engine, FaultCounter(dict(life.orders)), latency),
    )
