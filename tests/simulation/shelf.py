"""The store as a process sees it: the one in memory that outlives it, between gates."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from payment_service.domain.cursor import Cursor
from payment_service.flows.read_lists import BACK_FILL, SWEEP
from payment_service.ports import (
    LINEARIZABLE,
    Collection,
    ColumnValue,
    Document,
    Page,
    Store,
    StoreInDoubt,
)
from payment_service.storage.collections import CURSORS
from tests.simulation.plan import Latency
from tests.simulation.process import Process
from tests.simulation.rest import owed_at
from tests.simulation.store_faults import SLOW_S, Effect, Place, StoreTrouble
from tests.simulation.watch import Watch

# Before all time.
NEVER = -1.0e9
D = TypeVar("D", bound=Document)
T = TypeVar("T")


@dataclass
class Shelf:
    """What lasts: the documents. `newest`: each as last committed, by collection and id.

    listed_at: when Stripe last put something into its lists. A cursor that has read beyond it would
    find nothing, so it is not due. blind_to: collections in which nothing is ever due.
    """

    watch: Watch
    trouble: StoreTrouble
    latency: Latency
    raw: Store
    listed_at: Callable[[], float]
    blind_to: frozenset[str] = frozenset()
    newest: dict[tuple[str, str], Any] = field(default_factory=dict)
    # What each was before its last write, None for nothing, and when that was.
    before: dict[tuple[str, str], tuple[Any, float]] = field(default_factory=dict)
    # How often an older picture was shown.
    shown_older: int = 0
    _wakes: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _owed: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _sleepers: "list[asyncio.Future[None]]" = field(default_factory=list)

    def next_wake(self) -> datetime | None:
        """When somebody wakes up next for any document, be it only to watch."""
        unseen = {CURSORS.name, *self.blind_to}
        times = [at for (name, _), at in self._wakes.items() if name not in unseen]
        times += [cursor.due_at for cursor in self._cursors() if self.reads_on(cursor)]
        return min(times, default=None)

    def has_due(self, name: str, now: datetime) -> bool:
        """Whether anything is due in a collection, for whoever sees it."""
        is_due = any(kind == name and at <= now for (kind, _), at in self._wakes.items())
        return is_due and name not in self.blind_to

    def is_settled(self) -> bool:
        """Whether nothing is owed to any document."""
        return not self._owed and not any(map(self.reads_on, self._cursors()))

    def reads_on(self, cursor: Cursor) -> bool:
        """Whether there is something in its list that this cursor has not read."""
        return cursor.read_until.timestamp() <= self.listed_at()

    def _cursors(self) -> list[Cursor]:
        found = (self.newest.get((CURSORS.name, name)) for name in (BACK_FILL, SWEEP))
        return [cursor for cursor in found if cursor is not None]

    def committed(self, collection: Collection[Any], doc: Any) -> None:
        """Take note of a write that won."""
        place = (collection.name, doc.id)
        self.watch.committed(self.newest.get(place), doc)
        self.before[place] = self.newest.get(place), asyncio.get_running_loop().time()
        self.newest[place] = doc
        _put(self._wakes, place, doc.wake_at)
        _put(self._owed, place, owed_at(doc))
        self.rouse()

    def removed(self, collection: Collection[Any], id: str) -> None:
        """Take note of a document that is gone."""
        for places in (self.newest, self.before, self._wakes, self._owed):
            places.pop((collection.name, id), None)

    def rouse(self) -> None:
        """Wake up the workers that sleep for long: there may be something new for them."""
        for sleeper in self._sleepers:
            _wake(sleeper)
        self._sleepers.clear()

    def shown(self, collection: Collection[D], found: D | None, *, as_new: bool) -> D | None:
        """Return what a read shows that has found this: on a primary of a moment ago, what was."""
        if found is None or as_new:
            return found
        older: D | None
        older, written_at = self.before.get((collection.name, found.id), (found, NEVER))
        if not self.trouble.is_older(written_at):
            return found
        self.shown_older += 1
        return older

    def can_be_read(self, place: Place) -> bool:
        """Whether this document lies where the disk is whole."""
        return not self.trouble.cannot_be_read(place)

    async def nap(self, seconds: float) -> None:
        """Let time pass until then, or until something is written."""
        loop = asyncio.get_running_loop()
        sleeper: asyncio.Future[None] = loop.create_future()
        self._sleepers.append(sleeper)
        alarm = loop.call_later(seconds, _wake, sleeper)
        await sleeper
        alarm.cancel()


def _wake(sleeper: "asyncio.Future[None]") -> None:
    if not sleeper.done():
        sleeper.set_result(None)


def _put(
    times: dict[tuple[str, str], datetime], place: tuple[str, str], at: datetime | None
) -> None:
    if at is None:
        times.pop(place, None)
    else:
        times[place] = at


class GatedStore:
    """The Store port of one process."""

    def __init__(self, process: Process, shelf: Shelf, *, exclusive: bool) -> None:
        self._process = process
        self._shelf = shelf
        self._exclusive = exclusive

    @property
    def exclusive(self) -> bool:
        """Whether the plan says so: one process at a time it is in any case."""
        return self._exclusive

    async def get(self, collection: Collection[D], id: str) -> D | None:
        """Read one document."""
        as_new = LINEARIZABLE.get()

        async def act() -> D | None:
            found = await self._shelf.raw.get(collection, id)
            return self._shelf.shown(collection, found, as_new=as_new)

        return await self._call(f"get {collection.name}", (collection.name, id), act)

    async def insert(self, collection: Collection[D], doc: D) -> None:
        """Write a new document."""

        async def act() -> None:
            await self._shelf.raw.insert(collection, doc)
            # The store says that there was none; a removal whose answer was lost had removed it.
            self._shelf.removed(collection, doc.id)
            self._shelf.committed(collection, doc)

        place = (collection.name, doc.id)
        await self._call(f"insert {collection.name}", place, act, writes=True)

    async def replace(self, collection: Collection[D], doc: D, *, expected_version: int) -> None:
        """Write the next version."""

        async def act() -> None:
            await self._shelf.raw.replace(collection, doc, expected_version=expected_version)
            self._shelf.committed(collection, doc)

        place = (collection.name, doc.id)
        await self._call(f"replace {collection.name}", place, act, writes=True)

    async def remove(
        self,
        collection: Collection[D],
        id: str,
        *,
        expected_version: int,
    ) -> None:
        """Remove a document."""

        async def act() -> None:
            await self._shelf.raw.remove(collection, id, expected_version=expected_version)
            self._shelf.removed(collection, id)

        place = (collection.name, id)
        await self._call(f"remove {collection.name}", place, act, writes=True)

    async def find_one(self, collection: Collection[D], column: str, value: str) -> D | None:
        """Find by a column."""
        as_new = LINEARIZABLE.get()

        async def act() -> D | None:
            found = await self._shelf.raw.find_one(collection, column, value)
            shown = self._shelf.shown(collection, found, as_new=as_new)
            is_it = shown is not None and collection.columns[column](shown) == value
            return shown if is_it else None

        return await self._call(f"find {collection.name}", (collection.name, value), act)

    async def walk(self, collection: Collection[D], *, after: str, limit: int) -> Sequence[D]:
        """Read on through all documents, as they were written last."""

        async def act() -> Sequence[D]:
            return await self._shelf.raw.walk(collection, after=after, limit=limit)

        return await self._call(f"walk {collection.name}", (collection.name, after), act)

    async def due(
        self,
        collection: Collection[D],
        now: datetime,
        limit: int,
        *,
        later_than: datetime | None = None,
    ) -> Sequence[D]:
        """Find what is due. Planned faults pass by: whoever asks here just asks again."""

        async def act() -> Sequence[D]:
            if not self._shelf.has_due(collection.name, now):
                return ()
            due: Sequence[Any] = await self._shelf.raw.due(
                collection, now, limit, later_than=later_than
            )
            if collection.name == CURSORS.name:
                due = [cursor for cursor in due if self._shelf.reads_on(cursor)]
            can_be_read = self._shelf.can_be_read
            return [doc for doc in due if can_be_read((collection.name, doc.id))]

        return await self._process.call(f"store due {collection.name}", act)

    async def page(
        self,
        collection: Collection[D],
        *,
        equal: Mapping[str, ColumnValue],
        created_from: datetime | None,
        created_to: datetime | None,
        cursor: str | None,
        limit: int,
    ) -> Page[D]:
        """Read a page."""
        return await self._shelf.raw.page(
            collection,
            equal=equal,
            created_from=created_from,
            created_to=created_to,
            cursor=cursor,
            limit=limit,
        )

    async def drop_expired(self, collection: Collection[D], now: datetime) -> None:
        """Drop what is over."""
        await self._shelf.raw.drop_expired(collection, now)

    async def ping(self) -> None:
        """Answer."""
        await self._shelf.raw.ping()

    async def ensure_schema(self) -> None:
        """Make the tables."""
        await self._shelf.raw.ensure_schema()

    async def check_schema(self) -> None:
        """Look at the tables."""
        await self._shelf.raw.check_schema()

    async def close(self) -> None:
        """The documents outlive the process: nothing is closed."""

    async def _call(
        self, what: str, place: Place, act: Callable[[], Awaitable[T]], *, writes: bool = False
    ) -> T:
        async def under_faults() -> T:
            # A store of one process dies with it; another one takes what was sent all the same.
            wait = self._process.sleep if self._exclusive else asyncio.sleep
            await wait(self._shelf.latency.store_s())
            effect = self._shelf.trouble.strike(place, writes=writes)
            if effect is Effect.DONE_LATE:
                await wait(SLOW_S)
            done = await act()
            if effect is Effect.ANSWER_LOST:
                raise StoreInDoubt("the plan says so")
            return done

        return await self._process.call(f"store {what}", under_faults)
