"""A store with a lid: it counts the writes, and what a test puts there happens before one."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from payment_service.ports import Collection, ColumnValue, D, Page, Store


class WatchedStore:
    """The Store port around another.

    writes: the version of every document that was written, in order. before_writes: what happens
    before the next writes, one each; to raise is to fail. before_removals: the same before the next
    removals, and before_reads before the next reads of one document. others_use_it: whether to say
    that the store is shared. asked: every operation and the collection that it is on, in order.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.writes: list[tuple[str, int]] = []
        self.asked: list[tuple[str, str]] = []
        self.before_writes: deque[Callable[[], Awaitable[None]] | None] = deque()
        self.before_removals: deque[Callable[[], Awaitable[None]] | None] = deque()
        self.before_reads: deque[Callable[[], Awaitable[None]] | None] = deque()
        self.others_use_it = False

    @property
    def exclusive(self) -> bool:
        return self._store.exclusive and not self.others_use_it

    async def get(self, collection: Collection[D], id: str) -> D | None:
        self.asked.append(("get", collection.name))
        await _next(self.before_reads)
        return await self._store.get(collection, id)

    async def insert(self, collection: Collection[D], doc: D) -> None:
        self.asked.append(("insert", collection.name))
        await _next(self.before_writes)
        await self._store.insert(collection, doc)
        self.writes.append((collection.name, doc.version))

    async def replace(self, collection: Collection[D], doc: D, *, expected_version: int) -> None:
        self.asked.append(("replace", collection.name))
        await _next(self.before_writes)
        await self._store.replace(collection, doc, expected_version=expected_version)
        self.writes.append((collection.name, doc.version))

    async def remove(self, collection: Collection[D], id: str, *, expected_version: int) -> None:
        self.asked.append(("remove", collection.name))
        await _next(self.before_removals)
        await self._store.remove(collection, id, expected_version=expected_version)

    async def find_one(self, collection: Collection[D], column: str, value: str) -> D | None:
        self.asked.append(("find_one", collection.name))
        return await self._store.find_one(collection, column, value)

    async def walk(self, collection: Collection[D], *, after: str, limit: int) -> Sequence[D]:
        self.asked.append(("walk", collection.name))
        return await self._store.walk(collection, after=after, limit=limit)

    async def due(
        self,
        collection: Collection[D],
        now: datetime,
        limit: int,
        *,
        later_than: datetime | None = None,
    ) -> Sequence[D]:
        self.asked.append(("due", collection.name))
        return await self._store.due(collection, now, limit, later_than=later_than)

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
        self.asked.append(("page", collection.name))
        return await self._store.page(
            collection,
            equal=equal,
            created_from=created_from,
            created_to=created_to,
            cursor=cursor,
            limit=limit,
        )

    async def drop_expired(self, collection: Collection[D], now: datetime) -> None:
        await self._store.drop_expired(collection, now)

    async def ping(self) -> None:
        await self._store.ping()

    async def ensure_schema(self) -> None:
        await self._store.ensure_schema()

    async def check_schema(self) -> None:
        await self._store.check_schema()

    async def close(self) -> None:
        await self._store.close()


async def _next(happens: deque[Callable[[], Awaitable[None]] | None]) -> None:
    first = happens.popleft() if happens else None
    if first is not None:
        await first()
