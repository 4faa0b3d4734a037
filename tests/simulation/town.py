"""The town of one life: what outlives a process, and the processes that follow each other in it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Protocol

from payment_service.adapters.disciplined_clock import DisciplinedClock
from payment_service.adapters.sqlite import open_store
from payment_service.adapters.stripe.webhooks import SignedEvents
from payment_service.domain.cursor import opened
from payment_service.domain.errors import Refusal
from payment_service.domain.moment import Door, Policy
from payment_service.domain.news import SeenEvent
from payment_service.domain.payment import Order, Payment
from payment_service.flows.pay_order import pay_order
from payment_service.flows.read_lists import BACK_FILL, SWEEP
from payment_service.flows.recover import recover, take_over
from payment_service.flows.stripe_time import know_time
from payment_service.flows.take_event import take_event
from payment_service.flows.world import Background, World
from payment_service.ports import Clock, Gateway, GatewayUnavailable, Orders, Store, Unavailable
from payment_service.storage.collections import COLLECTIONS, CURSORS
from stripe_sandbox.engine import Config, Engine, Request
from tests.parts.shop import CountingIds, Sightings
from tests.parts.stripe_in_process import open_in_process
from tests.parts.virtual_time import EPOCH, VirtualClock, epoch_s
from tests.simulation.coverage import HeardGateway, HeardOrders
from tests.simulation.inbox import GatedOrders, Inbox
from tests.simulation.plan import EVERY, LISTS, WEBHOOKS, FaultCounter, Latency, Life
from tests.simulation.post import SECRET, TOLD, MadeFaults, Post, arrivals_of
from tests.simulation.process import PAUSE_S, STANDING, Gates, Process, ProcessClock, Trace
from tests.simulation.shelf import GatedStore, Shelf
from tests.simulation.store_faults import StoreTrouble
from tests.simulation.stripe_line import SimulatedStripe, StripeLine
from tests.simulation.watch import Watch

# What is left alone is given up sooner than in production: fewer looks, the same rules.
POLICY = Policy(
    action_expires_s=900,
    payment_expires_s=1800,
    hold_warning_s=3600,
    back_fill_every_s=200,
    sweep_every_s=1800,
    refund_looks_s=(300.0, 7200.0),
)
# Holds lapse within the day in which everything must come to rest.
STRIPE = Config(hold_expires_after_s=4 * 3600.0)
# As the service has it by default.
SIGNATURE_TOLERANCE_S = 300.0
URL = "https://shop.invalid/payment/webhook"
POLL_S = 1.0
POLL_AWAY_S = 5.0
NAP_MAX_S = 3600.0
# Later than any clock of ours is wrong.
OVERDUE_S = 600.0


class Pay(Protocol):
    """The flow `pay_order`."""

    async def __call__(
        self, world: World, order: Order, *, deadline: Any, bearer_token: str | None
    ) -> Payment: ...


@dataclass(frozen=True, slots=True)
class Variant:
    """Which service lives: the honest one, or one with a mistake put in on purpose.

    sent: what becomes of a request on its way to Stripe. take: what is done with an event.
    recovers: whether there is a worker; blind_to: the collections in which it never finds anything
    due. keeps_apart: whether walkers know of each other. clock_stands: whether a process that
    stands still takes its clocks with it. clock: how the time is told. shelf: opens the store, an
    empty one for each life. orders: what is between a process and the OrderService. app: what is
    between HTTP callers and the application. over: called when its life is over. happened: the
    kinds of lives that this service is one of.
    """

    name: str = "honest"
    pay: Pay = pay_order
    gateway: Callable[[Gateway], Gateway] = lambda gateway: gateway
    sent: Callable[[Request], Request] = lambda request: request
    store: Callable[[Store], Store] = lambda store: store
    orders: Callable[[Orders], Orders] = lambda orders: orders
    take: Callable[[World, SeenEvent, Door], Awaitable[Any]] = take_event
    policy: Policy = POLICY
    recovers: bool = True
    blind_to: frozenset[str] = frozenset()
    keeps_apart: bool = True
    clock_stands: bool = False
    clock: Callable[[DisciplinedClock], Clock] = lambda clock: clock
    shelf: Callable[[], Store] = lambda: open_store(":memory:", COLLECTIONS)
    app: Callable[[Any], Any] = lambda app: app
    over: Callable[[], None] = lambda: None
    happened: set[str] = field(default_factory=set)


HONEST = Variant()


class Forgetful(Counter[str]):
    """A count of walkers that forgets: as if each were a process of its own."""

    def __setitem__(self, key: str, value: int) -> None:
        """Forget it."""

    def __delitem__(self, elem: object) -> None:
        """There is nothing."""


class KeptBackground(Background):
    """Background work that can be asked afterwards how it ended."""

    def __init__(self, kept: "list[asyncio.Future[Any]]") -> None:
        super().__init__()
        self._kept = kept

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start the work, and remember it."""
        task = super().spawn(work)
        self._kept.append(task)
        return task


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
    made: MadeFaults
    policy: Policy
    busy_clients: bool = True
    # Held while no process may be started.
    closed: asyncio.Lock = field(default_factory=asyncio.Lock)
    processes: list[Process] = field(default_factory=list)
    witnesses: list[Sightings] = field(default_factory=list)
    # The kinds of lives that this is one of, as callers see it.
    happened: set[str] = field(default_factory=set)
    post: Post = field(init=False)
    _doors: dict[int, tuple[Process, World]] = field(default_factory=dict)
    _running: dict[int, Process] = field(default_factory=dict)
    _opened: asyncio.Event = field(default_factory=asyncio.Event)
    _visits: int = 0
    # When the last of the processes that died is, or was, started again.
    down_until: float = 0.0
    _epochs: int = 0
    _broken: list[BaseException] = field(default_factory=list)
    _work_kept: "list[asyncio.Future[Any]]" = field(default_factory=list)
    _tasks: list["asyncio.Future[Any]"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.post = Post(
            engine=self.engine,
            faults=self.made,
            arrivals=arrivals_of(dict(self.life.webhook), self.gates.points),
            latency=self.line.latency,
            open_doors=self.open_doors,
            take=self.variant.take,
            forget=self.forget,
        )

    async def open_door(self) -> tuple[Process, World]:
        """Return a process that runs, as soon as one does; the replicas take turns."""
        while not (alive := self.open_doors()):
            self._opened.clear()
            await self._opened.wait()
        self._visits += 1
        return alive[self._visits % len(alive)]

    def open_doors(self) -> list[tuple[Process, World]]:
        """Return the processes that run."""
        return [door for door in self._doors.values() if door[0].alive]

    def forget(self, task: "asyncio.Future[Any]") -> None:
        """Keep what is frozen from being collected, which would let its `finally` run."""
        self._tasks.append(task)

    def begin(self) -> None:
        """Start the post, and every replica."""
        self.forget(asyncio.ensure_future(self.post.run()))
        for replica in range(self.life.replicas):
            self.forget(asyncio.ensure_future(self._run(replica)))

    async def _run(self, replica: int) -> None:
        """Start the processes of one replica one after the other, for ever."""
        while True:
            async with self.closed:
                self._epochs += 1
                process = self._running[replica] = Process(self._epochs, self.gates)
                self.processes.append(process)
            self.forget(asyncio.ensure_future(self._serve(replica, process)))
            await process.dead
            started = replica in self._doors and self._doors[replica][0] is process
            down_s = self.life.down_s if started else POLL_AWAY_S
            self.down_until = asyncio.get_running_loop().time() + down_s
            await asyncio.sleep(down_s)

    async def _serve(self, replica: int, process: Process) -> None:
        """Start as the real one does: take over, open the door, work. Without a store it dies."""
        world = self._world(process)
        try:
            with suppress(GatewayUnavailable):
                await know_time(world)
                await take_over(world)
        except Unavailable:
            return process.die()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told at the end
            self._broken.append(error)
            return process.die()
        self._doors[replica] = process, world
        self._opened.set()
        await self._work(process, world)
        return None

    def at_rest(self) -> bool:
        """Whether nothing is owed, under way or down."""
        return self._all_up() and self.shelf.is_settled() and not self._is_busy()

    def _is_busy(self) -> bool:
        """Whether something is under way."""
        if self.line.under_way or self.post.under_way:
            return True
        return any(world.background._tasks for _, world in self._doors.values())

    def _is_day_lost(self) -> bool:
        """Whether a process stands still for so long that nobody polls through all of it."""
        return self._lost_s() > PAUSE_S

    def _lost_s(self) -> float:
        return max((process.stands_still_s for process in self._running.values()), default=0.0)

    def _all_up(self) -> bool:
        doors = self._doors.values()
        return len(doors) == self.life.replicas and all(process.alive for process, _ in doors)

    def next_s(self) -> float:
        """How long nothing new can happen, at the least."""
        # While a process stands still for a day, nobody looks every second what it does.
        poll_s = max(POLL_S, self._lost_s() / 50)
        if not self._all_up():
            return max(self.life.down_s / 10, poll_s)
        wake = self.shelf.next_wake()
        if wake is None:
            return poll_s if self._is_busy() else NAP_MAX_S
        left_s = (wake - EPOCH).total_seconds() - asyncio.get_running_loop().time()
        if left_s < -OVERDUE_S:  # nobody recovers, which is a mistake put in on purpose
            return OVERDUE_S
        return min(max(left_s, poll_s if left_s <= 0 else POLL_S), NAP_MAX_S)

    def errors(self) -> list[BaseException]:
        """Return the mistakes that ended work nobody waited for."""
        ended = [*self._tasks, *self._work_kept]
        told = [task.exception() for task in ended if task.done() and not task.cancelled()]
        stumbles = [error for witness in self.witnesses for error in witness.stumbles]
        return [
            e
            for e in (*self._broken, *told, *stumbles)
            if e is not None and not isinstance(e, Unavailable | Refusal)
        ]

    def _world(self, process: Process) -> World:
        skew_s = self.life.skew_s if process.epoch % 2 else -self.life.skew_s
        alone = self.life.replicas == 1 and not self.life.leases
        store = GatedStore(process, self.shelf, exclusive=alone)
        witness = Sightings()
        self.witnesses.append(witness)
        machine = ProcessClock(process, skew_s, stands=self.variant.clock_stands)
        clock = DisciplinedClock(machine.wall_s, machine.monotonic_s, machine.sleep)
        stripe = open_in_process(SimulatedStripe(process, self.line, self.variant.sent), clock)
        return World(
            store=self.variant.store(store),
            gateway=HeardGateway(
                self.variant.gateway(stripe),
                self.watch.coverage,
                self.shelf.newest,
            ),
            orders=HeardOrders(
                self.variant.orders(GatedOrders(process, self.inbox)),
                self.watch.coverage,
                self.shelf.newest,
            ),
            clock=self.variant.clock(clock),
            ids=CountingIds(f"{process.epoch}."),
            witness=witness,
            policy=self.policy,
            background=KeptBackground(self._work_kept),
            event_reader=SignedEvents([SECRET], SIGNATURE_TOLERANCE_S),
            under_way=Counter() if self.variant.keeps_apart else Forgetful(),
        )

    async def _work(self, process: Process, world: World) -> None:
        """The worker's loop. It sleeps through polls that would find nothing."""
        under_work: set[str] = set()
        while True:
            wake = self.shelf.next_wake()
            awaits = self.busy_clients and not self._is_day_lost()
            wait_s = POLL_S if awaits else self.next_s()
            knows = world.clock.is_known()
            is_due = wake is not None and (not knows or wake <= world.clock.now())
            if is_due and self.variant.recovers:
                try:
                    await recover(world, under_work, concurrency=16)
                    wait_s = POLL_S
                except Unavailable:
                    wait_s = POLL_AWAY_S
            if awaits or is_due:
                await process.sleep(wait_s)
            else:
                await self.shelf.nap(wait_s)
                await process.wake_up()


async def open_town(
    life: Life,
    variant: Variant,
    *,
    watching: bool,
    policy: Mapping[str, Any],
    stripe: Mapping[str, Any] = MappingProxyType({}),
) -> Town:
    """Return a town in which nothing has happened yet.

    policy, stripe: what is otherwise than usual, with us and at Stripe.
    """
    trace, latency = Trace(), Latency(life.seed)
    engine = Engine(replace(STRIPE, **stripe))
    if life.news in {WEBHOOKS, EVERY}:
        engine.webhooks.listen(URL, now=epoch_s(), secret=SECRET, types=TOLD)
    standing = {gate: kind for kind in STANDING for gate in getattr(life, kind)}
    gates = Gates(trace, frozenset(life.crash), standing, dict(life.jump))
    points = gates.points
    made = engine.webhooks.faults = MadeFaults(dict(life.webhook), points)
    watch = Watch(engine, awake=watching)
    shelf = Shelf(
        watch,
        StoreTrouble(FaultCounter(dict(life.store), "store", points)),
        latency,
        variant.shelf(),
        listed_at=lambda: made.newest_at,
        blind_to=variant.blind_to,
    )
    await shelf.raw.ensure_schema()
    if life.news in {LISTS, EVERY}:
        await _begin_to_read(shelf)
    faults = FaultCounter(dict(life.fault), "fault", points)
    return Town(
        life=life,
        variant=variant,
        trace=trace,
        gates=gates,
        engine=engine,
        watch=watch,
        shelf=shelf,
        line=StripeLine(engine, faults, latency, watch, shelf.newest),
        inbox=Inbox(engine, FaultCounter(dict(life.orders), "orders", points), latency),
        made=made,
        policy=replace(variant.policy, **policy),
    )


async def _begin_to_read(shelf: Shelf) -> None:
    """The service has run for a while: its cursors are there."""
    now = VirtualClock().now()
    for name in (BACK_FILL, SWEEP):
        cursor = opened(name, now)
        await shelf.raw.insert(CURSORS, cursor)
        shelf.committed(CURSORS, cursor)
