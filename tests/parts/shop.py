"""A whole service in one process, with everything outside in reach of the test."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from payment_service.adapters.sqlite import open_store
from payment_service.domain.cursor import Cursor
from payment_service.domain.customer import Customer
from payment_service.domain.moment import Door, Policy
from payment_service.domain.news import SeenEvent
from payment_service.domain.payment import Payment
from payment_service.flows.recover import recover
from payment_service.flows.world import Background, World
from payment_service.ports import Document
from payment_service.storage.collections import COLLECTIONS
from stripe_sandbox.engine import Engine
from tests.parts.orders_in_process import InProcessOrders
from tests.parts.stripe_in_process import InProcessStripe, open_in_process
from tests.parts.virtual_time import VirtualClock, epoch_s


class CountingIds:
    """The Ids port, counting: the same life has the same ids."""

    def __init__(self, mark: str = "") -> None:
        self._mark = mark
        self._numbers = count(1)

    def new(self, prefix: str) -> str:
        """Return the next id."""
        return f"{prefix}_{self._mark}{next(self._numbers):04d}"


@dataclass
class Sightings:
    """The Witness port: remembers what was seen."""

    seen: list[tuple[str, Door]] = field(default_factory=list)
    stumbles: list[BaseException] = field(default_factory=list)
    events: list[tuple[str, SeenEvent, Door]] = field(default_factory=list)
    gaps: list[Cursor] = field(default_factory=list)
    unknown: list[SeenEvent] = field(default_factory=list)
    pauses: list[tuple[str, str, datetime]] = field(default_factory=list)

    def saw(self, before: Payment | Customer | None, after: Payment | Customer, door: Door) -> None:
        """Remember the newest line of a payment's time line."""
        if isinstance(after, Payment) and after.history:
            self.seen.append((after.history[-1].what, door))

    def heard(self, outcome: str, seen: SeenEvent, door: Door) -> None:
        """Remember what became of an event."""
        self.events.append((outcome, seen, door))

    def missed(self, cursor: Cursor) -> None:
        """Remember that events may be gone."""
        self.gaps.append(cursor)

    def unknown_at_stripe(self, seen: SeenEvent) -> None:
        """Remember what nobody knows."""
        self.unknown.append(seen)

    def took_up(self, doc: Document) -> None:
        """Remember nothing: it is told for the log's sake."""

    def paused_cards(self, kind: str, tally_id: str, until: datetime) -> None:
        """Remember who may try no more cards."""
        self.pauses.append((kind, tally_id, until))

    def stumbled(self, id: str, error: BaseException) -> None:
        """Remember the exception."""
        self.stumbles.append(error)


@dataclass
class Shop:
    """The world and its outside, each in reach. Made by `open_shop` in a running loop."""

    world: World
    engine: Engine
    stripe: InProcessStripe
    orders: InProcessOrders
    witness: Sightings
    busy: set[str] = field(default_factory=set)

    async def work(self, seconds: float, *, every_s: float = 1.0) -> None:
        """Let the worker run this long."""
        end = self.world.clock.now().timestamp() + seconds
        while self.world.clock.now().timestamp() < end:
            await recover(self.world, self.busy, concurrency=16)
            await self.world.clock.sleep(every_s)


async def open_shop(
    policy: Policy | None = None,
    engine: Engine | None = None,
    orders: InProcessOrders | None = None,
) -> Shop:
    """Return a shop that is open for business."""
    engine = engine or Engine()
    orders = orders or InProcessOrders()
    witness = Sightings()
    http = InProcessStripe(engine, epoch_s)
    store = open_store(":memory:", COLLECTIONS)
    await store.ensure_schema()
    world = World(
        store=store,
        gateway=open_in_process(http),
        orders=orders,
        clock=VirtualClock(),
        ids=CountingIds(),
        witness=witness,
        policy=policy or Policy(),
        background=Background(),
    )
    return Shop(world, engine, http, orders, witness)
