"""The store port over MongoDB: every write on the majority's disks, and known by its own mark."""

import warnings
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import pymongo
from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from payment_service.adapters.mongo import schema
from payment_service.adapters.mongo.errors import NotSettled, unavailable
from payment_service.adapters.mongo.layout import (
    DUE_ORDER,
    ID_ORDER,
    PAGE_ORDER,
    WHOSE,
    Filter,
    Layout,
    cursor_behind,
    document_in,
    having,
)
from payment_service.adapters.mongo.patience import CLOSE_S_MAX, Patience
from payment_service.adapters.mongo.self_test import check_compare_and_set
from payment_service.adapters.mongo.sent_commands import SentCommands
from payment_service.adapters.mongo.verdict import Verdict, verdict
from payment_service.ports import (
    LINEARIZABLE,
    AlreadyExists,
    Collection,
    ColumnValue,
    Document,
    Page,
    StoreInDoubt,
    StoreUnavailable,
    VersionConflict,
)
from payment_service.records import Unreadable

D = TypeVar("D", bound=Document)
T = TypeVar("T")
Stored = dict[str, Any]

# When the address names none.
DATABASE = "payments"
# The driver looks at each server this often, and trusts none that has said "not primary" before it
# has looked again: its own 10 s are longer than a call may take.
HEARTBEAT_MS = 1000
# Known to be the primary's last word: it asks the others before it answers.
_LATEST = ReadConcern("linearizable")
_NOT_A_REPLICA_SET = 123
# So many documents that this version cannot read (a newer one wrote them, say) may be due without
# keeping it from those that it can.
UNREADABLE_MAX = 100


def open_store(
    uri: str,
    collections: Iterable[Collection[Any]],
    *,
    pool_max: int,
    timeout_s: float,
    self_test: bool = False,
) -> "MongoStore":
    """Return the store at this address; nothing is connected yet.

    pool_max: connections at once. timeout_s: how long one call may take with all its tries.
    self_test: whether `ensure_schema` also finds out if the server can be relied on.
    What we promise is not for the address to weaken: what it says of concerns is overridden.
    Raises StoreUnavailable when it is no address.
    """
    try:
        with warnings.catch_warnings():
            # The driver passes over an option that it cannot read: one about TLS, it may be.
            warnings.simplefilter("error")
            client = _client(uri, pool_max=pool_max, timeout_ms=int(timeout_s * 1000))
    except (PyMongoError, ValueError, Warning):
        # The driver repeats the part that it cannot read, which may be the password.
        raise StoreUnavailable("MONGODB_URI cannot be read as an address of MongoDB") from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise StoreUnavailable(f"MONGODB_URI names a file that cannot be used: {why}") from None
    return MongoStore(
        client, collections, pool_max=pool_max, timeout_s=timeout_s, self_test=self_test
    )


def _client(uri: str, *, pool_max: int, timeout_ms: int) -> AsyncMongoClient[Stored]:
    return AsyncMongoClient(
        uri,
        w="majority",
        journal=True,
        readConcernLevel="majority",
        readPreference="primary",
        # The driver's own second try hides that the first may be applied. Ours bear marks.
        retryWrites=False,
        retryReads=True,
        maxPoolSize=pool_max,
        serverSelectionTimeoutMS=timeout_ms,
        connectTimeoutMS=timeout_ms,
        socketTimeoutMS=timeout_ms,
        waitQueueTimeoutMS=timeout_ms,
        heartbeatFrequencyMS=HEARTBEAT_MS,
        appname="payment-service",
        event_listeners=[SentCommands()],
    )


class MongoStore:
    """Keeps the promises of ports.Store.

    A write that seems to have found no place may have been kept out by itself: an earlier try whose
    answer was lost. So each one bears a mark, is tried again as it is, and only when it finds no
    place is it asked whose mark stands there. Nothing is read back on the way of a write that wins.
    """

    def __init__(
        self,
        client: AsyncMongoClient[Stored],
        collections: Iterable[Collection[Any]],
        *,
        pool_max: int,
        timeout_s: float,
        self_test: bool,
    ) -> None:
        options: CodecOptions[Stored] = CodecOptions(tz_aware=True, tzinfo=UTC)
        self._client = client
        self._database = client.get_default_database(DATABASE).with_options(options)
        self._layouts = {c.name: Layout(c) for c in collections}
        self._collections = {name: self._database[name] for name in self._layouts}
        self._unreadable = Unreadable()
        self._patience = Patience(timeout_s, turns=pool_max)
        self._is_alone = False
        self._self_test = self_test

    @property
    def exclusive(self) -> bool:
        """Any number of processes may use the database."""
        return False

    async def get(self, collection: Collection[D], id: str) -> D | None:
        """Return the document as last committed by the majority."""
        return await self._one(collection, {"_id": id})

    async def insert(self, collection: Collection[D], doc: D) -> None:
        """Write a new document. Raises AlreadyExists for its id or a unique value."""
        layout: Layout[D] = self._layouts[collection.name]
        stored = layout.stored(doc)

        async def write(doubt: bool) -> None:  # noqa: FBT001 - as Patience calls it
            try:
                await self._in(collection).insert_one(stored)
            except DuplicateKeyError:
                if await self._is_kept_out(collection, stored, doubt=doubt):
                    raise AlreadyExists(f"{collection.name} has this document already.") from None

        await self._patience.settle(write)

    async def replace(self, collection: Collection[D], doc: D, *, expected_version: int) -> None:
        """Write the next version. Raises VersionConflict; AlreadyExists for a unique value."""
        assert doc.version == expected_version + 1, "a replacement is the next version"
        layout: Layout[D] = self._layouts[collection.name]
        stored = layout.stored(doc)
        place = {"_id": doc.id, "version": expected_version}

        async def write(doubt: bool) -> None:  # noqa: FBT001 - as Patience calls it
            try:
                result = await self._in(collection).replace_one(place, stored)
            except DuplicateKeyError:
                raise AlreadyExists(f"{collection.name} has a value of this document.") from None
            if not result.matched_count and await self._is_lost(
                collection, stored, expected_version, doubt=doubt
            ):
                raise _conflict(collection, expected_version)

        await self._patience.settle(write)

    async def remove(self, collection: Collection[D], id: str, *, expected_version: int) -> None:
        """Remove the document. Raises VersionConflict.

        Nothing is left that could bear a mark: in doubt, whoever removed this version, it is gone.
        """
        place = {"_id": id, "version": expected_version}

        async def write(doubt: bool) -> None:  # noqa: FBT001 - as Patience calls it
            if (await self._in(collection).delete_one(place)).deleted_count:
                return
            found = await self._in(collection).find_one({"_id": id}, WHOSE)
            if found is not None and found["version"] == expected_version:
                raise NotSettled
            if found is not None or not doubt:
                raise _conflict(collection, expected_version)

        await self._patience.settle(write)

    async def find_one(self, collection: Collection[D], column: str, value: str) -> D | None:
        """Return a document with this value in a declared column."""
        assert column in collection.columns, f"{column} is not declared"
        return await self._one(collection, having(column, value))

    async def due(
        self,
        collection: Collection[D],
        now: datetime,
        limit: int,
        *,
        later_than: datetime | None = None,
    ) -> Sequence[D]:
        """Return documents that are due, the longest first, and of those the lowest id."""
        span = {"$lte": now} if later_than is None else {"$lte": now, "$gt": later_than}

        async def read() -> list[D]:
            found = self._from(collection).find(
                {"columns.wake_at": span},
                sort=DUE_ORDER,
                limit=limit + UNREADABLE_MAX,
                batch_size=limit,
            )
            docs: list[D] = []
            async with found:
                async for one in found:
                    docs += self._readable(collection, one)
                    if len(docs) == limit:
                        break
            return docs

        return await self._read(read)

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
        """Return one page; both ends of the time span belong to it.

        A document that cannot be read is passed over, and the page is one shorter.
        """
        layout: Layout[D] = self._layouts[collection.name]
        question = layout.page(equal, (created_from, created_to), cursor)

        async def read() -> list[Stored]:
            # One more than asked for tells whether there is another page.
            found = self._from(collection).find(question, sort=PAGE_ORDER, limit=limit + 1)
            return await found.to_list()

        found = await self._read(read)
        items = [doc for one in found[:limit] for doc in self._readable(collection, one)]
        return Page(items, cursor_behind(found[limit - 1]) if len(found) > limit else None)

    async def walk(self, collection: Collection[D], *, after: str, limit: int) -> Sequence[D]:
        """Return documents in the order of their ids, those behind `after`."""

        async def read() -> list[Stored]:
            found = self._from(collection).find({"_id": {"$gt": after}}, sort=ID_ORDER, limit=limit)
            return await found.to_list()

        return [document_in(one, collection.kind) for one in await self._read(read)]

    async def drop_expired(self, collection: Collection[D], now: datetime) -> None:
        """Drop what the database, which by itself looks once a minute, has not dropped yet."""
        if collection.expires_at is None:
            return

        async def write() -> None:
            await self._in(collection).delete_many({"columns.expires_at": {"$lte": now}})

        await self._patience.ask(write)

    async def ping(self) -> None:
        """Return when the primary answers."""
        await self._patience.ask(lambda: self._client.admin.command("ping"))

    async def ensure_schema(self) -> None:
        """Make indexes as declared, however long that takes.

        Raises StoreTooNew; ServerNotSupported, and then nothing was made.
        """
        await self.ping()  # a database that is away is not waited for as long as that
        try:
            if self._self_test:
                await check_compare_and_set(self._database)
            await schema.ensure_schema(self._database, self._layouts.values())
        except PyMongoError as error:
            raise unavailable(error) from None

    async def check_schema(self) -> None:
        """Look whether the indexes are there. Raises SchemaNotReady, StoreTooNew."""
        layouts = self._layouts.values()
        await self._patience.ask(lambda: schema.check_schema(self._database, layouts))

    async def close(self) -> None:
        """Finish what is under way, unless the server hangs, and close every connection."""
        await self._patience.close()
        with pymongo.timeout(CLOSE_S_MAX):  # it says good-bye to the server
            await self._client.close()

    def _in(self, collection: Collection[Any]) -> AsyncCollection[Stored]:
        return self._collections[collection.name]

    def _from(self, collection: Collection[Any]) -> AsyncCollection[Stored]:
        """Return the collection to read, as new as LINEARIZABLE asks for.

        A majority's picture on a server that has just become the primary may lack what the one
        before it was told by a majority.
        """
        here = self._in(collection)
        latest = LINEARIZABLE.get() and not self._is_alone
        return here.with_options(read_concern=_LATEST) if latest else here

    async def _read(self, read: Callable[[], Awaitable[T]]) -> T:
        async def newest() -> T:
            try:
                return await read()
            except OperationFailure as error:
                if error.code != _NOT_A_REPLICA_SET or self._is_alone:
                    raise
                self._is_alone = True  # no other can have been the primary
                return await read()

        return await self._patience.ask(newest)

    async def _one(self, collection: Collection[D], place: Filter) -> D | None:
        found = await self._read(lambda: self._from(collection).find_one(place))
        return None if found is None else document_in(found, collection.kind)

    async def _is_lost(
        self,
        collection: Collection[Any],
        stored: Stored,
        expected_version: int | None,
        *,
        doubt: bool,
    ) -> bool:
        """Tell whether somebody else was there first, or what stands there is our own write.

        Raises NotSettled to be asked again, StoreInDoubt when nobody can tell any more.
        """
        found = await self._in(collection).find_one({"_id": stored["_id"]}, WHOSE)
        match verdict(found, stored, expected_version=expected_version, doubt=doubt):
            case Verdict.OURS:
                return False
            case Verdict.LOST:
                return True
            case Verdict.NOT_YET:
                raise NotSettled
            case Verdict.UNKNOWN:
                raise StoreInDoubt(
                    f"MongoDB: the answer to a write in {collection.name} was lost, and others "
                    "have written since"
                )

    async def _is_kept_out(
        self, collection: Collection[Any], stored: Stored, *, doubt: bool
    ) -> bool:
        """Tell the same of an insert that an `_id` or a unique value kept out.

        Not every server says which of them it was. Whoever has it must show: what no majority has
        may be gone tomorrow.
        """
        layout: Layout[Any] = self._layouts[collection.name]
        values = layout.unique_values(stored)
        if values and not doubt:
            place = {"_id": {"$ne": stored["_id"]}, "$or": values}
            if await self._in(collection).find_one(place, WHOSE) is not None:
                return True
        return await self._is_lost(collection, stored, None, doubt=doubt)

    def _readable(self, collection: Collection[D], found: Stored) -> list[D]:
        """Return the document, or say that it cannot be read: one must not stop the others."""
        try:
            return [document_in(found, collection.kind)]
        except ValueError:
            self._unreadable.met(collection.name, found["_id"])
            return []


def _conflict(collection: Collection[Any], expected_version: int) -> VersionConflict:
    return VersionConflict(f"{collection.name}: not version {expected_version} any more.")
