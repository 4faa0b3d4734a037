"""A store on a real event loop, for a test that lives in virtual time: each call is an instant.

The loop of virtual time has no sockets. Whoever asks there stands still until the database has
answered, so that to the test nothing happens in between, as with a store in memory.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from threading import Thread
from typing import Any, TypeVar

from payment_service.ports import Collection, ColumnValue, Document, Page, Store

D = TypeVar("D", bound=Document)
T = TypeVar("T")

# No database on this machine takes longer, however busy it is.
ANSWER_S_MAX = 60.0


class RealLoop:
    """A thread with an ordinary event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="real-loop", daemon=True)
        self._thread.start()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the work there; return when it is done."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWER_S_MAX)

    def stop(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class ThreadedStore:
    """The Store port around a store that lives on another loop.

    open_it: opens the store; called there.
    """

    def __init__(self, real: RealLoop, open_it: Callable[[], Store]) -> None:
        async def opened() -> Store:
            return open_it()

        self._real = real
        self._store = real.wait(opened())

    @property
    def real_store(self) -> Store:
        """The store itself, for the loop that it lives on."""
        return self._store

    @property
    def exclusive(self) -> bool:
        return self._store.exclusive

    async def get(self, collection: Collection[D], id: str) -> D | None:
        return self._real.wait(self._store.get(collection, id))

    async def insert(self, collection: Collection[D], doc: D) -> None:
        self._real.wait(self._store.insert(collection, doc))

    async def replace(self, collection: Collection[D], doc: D, *, expected_version: int) -> None:
        self._real.wait(self._store.replace(collection, doc, expected_version=expected_version))

    async def remove(self, collection: Collection[D], id: str, *, expected_version: int) -> None:
        self._real.wait(self._store.remove(collection, id, expected_version=expected_version))

    async def find_one(self, collection: Collection[D], column: str, value: str) -> D | None:
        return self._real.wait(self._store.find_one(collection, column, value))

    async def due(
        self,
        collection: Collection[D],
        now: datetime,
        limit: int,
        *,
        later_than: datetime | None = None,
    ) -> Sequence[D]:
        return self._real.wait(self._store.due(collection, now, limit, later_than=later_than))

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
        asked = self._store.page(
            collection,
            equal=equal,
            created_from=created_from,
            created_to=created_to,
            cursor=cursor,
            limit=limit,
        )
        return self._real.wait(asked)

    async def walk(self, collection: Collection[D], *, after: str, limit: int) -> Sequence[D]:
        return self._real.wait(self._store.walk(collection, after=after, limit=limit))

    async def drop_expired(self, collection: Collection[D], now: datetime) -> None:
        self._real.wait(self._store.drop_expired(collection, now))

    async def ping(self) -> None:
        self._real.wait(self._store.ping())

    async def ensure_schema(self) -> None:
        self._real.wait(self._store.ensure_schema())

    async def check_schema(self) -> None:
        self._real.wait(self._store.check_schema())

    async def close(self) -> None:
        self._real.wait(self._store.close())
