"""The store port over SQLite: one file and one process, or memory for tests and simulations."""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import structlog

from payment_service.adapters.sqlite import schema
from payment_service.adapters.sqlite.lanes import Inline, Lane, ThreadLane, changed, rows
from payment_service.adapters.sqlite.lock import take_lock
from payment_service.adapters.sqlite.tables import DROP_MAX, Table
from payment_service.page_cursor import cursor_of
from payment_service.ports import (
    AlreadyExists,
    Collection,
    ColumnValue,
    Document,
    Page,
    StoreUnavailable,
    VersionConflict,
    epoch_ms,
)
from payment_service.records import from_json

D = TypeVar("D", bound=Document)

_log = structlog.get_logger("sqlite")

IN_MEMORY = ":memory:"
# Before every time that a document can hold.
EARLIEST_MS = -(2**62)
# So many documents that this version cannot read (a newer one wrote them, say) may be due without
# keeping it from those that it can.
UNREADABLE_MAX = 100
# How long SQLite waits for somebody else's lock (a backup, a person with a shell) before we say
# that the store is unavailable: shorter than any caller's patience.
BUSY_TIMEOUT_S = 5.0


def open_store(path: str, collections: Iterable[Collection[Any]]) -> "SqliteStore":
    """Open the file, made with its folder when missing, or `:memory:`; then `ensure_schema`.

    Raises StoreInUse when another process has the file, NotOurStore, StoreTooNew, and
    StoreUnavailable when the path cannot be opened and written as a database.
    """
    tables = {c.name: Table(c) for c in collections}
    if path == IN_MEMORY:
        lane = Inline(_connect(IN_MEMORY))
        return SqliteStore(tables, writer=lane, reader=lane, lister=lane, lock=None)
    path = os.path.realpath(path)  # one file, one lock, whatever it is called by
    try:
        _make_file(path)
        lock = take_lock(path)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be opened for writing: {error.strerror}") from error
    try:
        return SqliteStore(tables, **_lanes(path), lock=lock)
    except sqlite3.Error as error:
        os.close(lock)
        raise StoreUnavailable(f"{path} cannot be used as a database: {error}") from error
    except StoreUnavailable:
        os.close(lock)
        raise


def _make_file(path: str) -> None:
    """Make the folder and the file, or find them writable; nobody else may read payments."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _connect(path: str) -> sqlite3.Connection:
    return sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )


def _lanes(path: str) -> dict[str, ThreadLane]:
    with contextlib.ExitStack() as opened:
        connections = [opened.enter_context(contextlib.closing(_connect(path))) for _ in range(3)]
        writer, reader, lister = connections
        schema.check_owner(writer, path)
        (mode,) = writer.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreUnavailable(f"{path} lies where SQLite cannot keep a write-ahead log.")
        writer.execute("PRAGMA synchronous = FULL")
        for connection in (reader, lister):
            connection.execute("PRAGMA query_only = ON")
        opened.pop_all()  # from here on the lanes close them
    return {
        "writer": ThreadLane("writer", writer, writes=True),
        "reader": ThreadLane("reader", reader, writes=False),
        "lister": ThreadLane("lister", lister, writes=False),
    }


class SqliteStore:
    """Keeps the promises of ports.Store.

    writer, reader: for one document at a time. lister: for pages, which may take long and must not
    hold up the others. lock: the descriptor that keeps other processes out.
    Reading on the loop's own thread would save the hand-over (0.008 ms of CPU instead of 0.013
    among 16, 0.07 alone), and stop every request whenever the disk is slow.
    """

    def __init__(
        self,
        tables: Mapping[str, Table[Any]],
        *,
        writer: Lane,
        reader: Lane,
        lister: Lane,
        lock: int | None,
    ) -> None:
        self._tables = tables
        self._writer = writer
        self._reader = reader
        self._lister = lister
        self._lock = lock

    @property
    def exclusive(self) -> bool:
        """One file serves one process; the lock on it says so."""
        return True

    async def get(self, collection: Collection[D], id: str) -> D | None:
        """Return the document as last committed."""
        found = await self._reader.ask(rows, self._tables[collection.name].get, (id,))
        return from_json(found[0][0], collection.kind) if found else None

    async def insert(self, collection: Collection[D], doc: D) -> None:
        """Write a new document. Raises AlreadyExists for its id or a unique value."""
        table: Table[D] = self._tables[collection.name]
        if not await self._writer.ask(changed, table.insert, table.inserted(doc)):
            raise AlreadyExists(f"{collection.name} has this document already.")

    async def replace(self, collection: Collection[D], doc: D, *, expected_version: int) -> None:
        """Write the next version. Raises VersionConflict; AlreadyExists for a unique value."""
        assert doc.version == expected_version + 1, "a replacement is the next version"
        table: Table[D] = self._tables[collection.name]
        values = table.replaced(doc, expected_version)
        try:
            count = await self._writer.ask(changed, table.replace, values)
        except sqlite3.IntegrityError as error:
            raise AlreadyExists(f"{collection.name} has a value of this document.") from error
        if not count:
            raise VersionConflict(f"{collection.name}: not version {expected_version} any more.")

    async def remove(
        self,
        collection: Collection[D],
        id: str,
        *,
        expected_version: int,
    ) -> None:
        """Remove the document. Raises VersionConflict."""
        sql = self._tables[collection.name].remove
        if not await self._writer.ask(changed, sql, (id, expected_version)):
            raise VersionConflict(f"{collection.name}: not version {expected_version} any more.")

    async def find_one(self, collection: Collection[D], column: str, value: str) -> D | None:
        """Return a document with this value in a declared column."""
        sql = self._tables[collection.name].find[column]
        found = await self._reader.ask(rows, sql, (value,))
        return from_json(found[0][0], collection.kind) if found else None

    async def due(
        self,
        collection: Collection[D],
        now: datetime,
        limit: int,
        *,
        later_than: datetime | None = None,
    ) -> Sequence[D]:
        """Return documents that are due, the longest first, and of those the oldest."""
        sql = self._tables[collection.name].due
        after = EARLIEST_MS if later_than is None else epoch_ms(later_than)
        found = await self._reader.ask(rows, sql, (epoch_ms(now), after, limit + UNREADABLE_MAX))
        return list(_readable(collection, found))[:limit]

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
        """Return one page; both ends of the time span belong to it."""
        table: Table[D] = self._tables[collection.name]
        # One more than asked for tells whether there is another page.
        question = table.page(equal, (created_from, created_to), cursor, limit + 1)
        found = await self._lister.ask(rows, question.sql, question.values)
        items = [from_json(body, collection.kind) for (body,) in found[:limit]]
        if len(found) <= limit:
            return Page(items, None)
        created_at = collection.columns["created_at"](items[-1])
        assert isinstance(created_at, int), "created_at is epoch milliseconds"
        return Page(items, cursor_of(created_at, items[-1].id))

    async def walk(self, collection: Collection[D], *, after: str, limit: int) -> Sequence[D]:
        """Return documents in the order of their ids, those behind `after`."""
        sql = self._tables[collection.name].walk
        found = await self._lister.ask(rows, sql, (after, limit))
        return [from_json(body, collection.kind) for (body,) in found]

    async def drop_expired(self, collection: Collection[D], now: datetime) -> int:
        """Drop what is over, some at a time so that other writes pass in between."""
        if collection.expires_at is None:
            return 0
        sql = self._tables[collection.name].drop
        dropped = 0
        while count := await self._writer.ask(changed, sql, (epoch_ms(now),)):
            dropped += count
            if count < DROP_MAX:
                break
        return dropped

    async def ping(self) -> None:
        """Return when the writer's and the reader's thread both answer from the file."""
        await self._writer.ask(rows, "PRAGMA user_version", ())
        await self._reader.ask(rows, "PRAGMA user_version", ())

    async def ensure_schema(self) -> None:
        """Make tables, columns and indexes as declared, filling new columns from the documents."""
        try:
            await self._writer.ask(schema.ensure_schema, list(self._tables.values()))
        except sqlite3.IntegrityError as error:  # a column became unique and its values are not
            raise StoreUnavailable(f"The schema cannot be brought up to date: {error}") from error

    async def check_schema(self) -> None:
        """Make them: nobody else has the file open."""
        await self.ensure_schema()

    async def close(self) -> None:
        """Finish what is queued, fold the log into the file, let another process have it."""
        await self._lister.close()
        await self._reader.close()
        await self._writer.close()  # last, since only without readers the log can be folded away
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _readable(collection: Collection[D], found: Iterable[tuple[Any, ...]]) -> Iterator[D]:
    """Yield the documents that can be read, and say which cannot: one must not stop the others."""
    for (body,) in found:
        try:
            yield from_json(body, collection.kind)
        except ValueError:
            id_ = json.loads(body).get("id")
            _log.error("document.unreadable", collection=collection.name, id=id_)
