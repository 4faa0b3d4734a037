"""The store port over SQLite: one file and one process, or memory for tests and simulations."""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from payment_service.adapters.sqlite import schema
from payment_service.adapters.sqlite.connecting import connect
from payment_service.adapters.sqlite.health import Health, is_of_one_place
from payment_service.adapters.sqlite.lanes import (
    Inline,
    Lane,
    ReaderLane,
    WriterLane,
    changed,
    rows,
)
from payment_service.adapters.sqlite.lock import take_lock
from payment_service.adapters.sqlite.starting import Outdated, open_checked
from payment_service.adapters.sqlite.tables import DROP_MAX, Question, Table
from payment_service.adapters.sqlite.writer import Writer
from payment_service.page_cursor import cursor_of
from payment_service.ports import (
    AlreadyExists,
    Collection,
    ColumnValue,
    Document,
    Page,
    StoreInDoubt,
    StoreUnavailable,
    VersionConflict,
    epoch_ms,
)
from payment_service.records import Unreadable, from_json

D = TypeVar("D", bound=Document)

IN_MEMORY = ":memory:"
# Before every time that a document can hold.
EARLIEST_MS = -(2**62)
# So many documents that this version cannot read (a newer one wrote them, say) may be due without
# keeping it from those that it can.
UNREADABLE_MAX = 100
# A write that succeeded so lately proves to whoever asks that the next one can: readiness is asked
# often, and each proof costs a sync.
PROOF_LASTS_S = 1.0


def open_store(
    path: str, collections: Iterable[Collection[Any]], *, accept_outdated: bool = False
) -> "SqliteStore":
    """Open the file, made with its folder when missing, or `:memory:`; then `ensure_schema`.

    Raises StoreInUse when another process has the file, StoreHasTwoNames, NotOurStore, StoreTooNew,
    StoreOutdated unless that is accepted, and StoreUnavailable when the path cannot be opened and
    written as a database.
    """
    tables = {c.name: Table(c) for c in collections}
    if path == IN_MEMORY:
        lane = Inline(connect(IN_MEMORY, writes=True))
        return SqliteStore(tables, writer=lane, reader=lane, lister=lane, health=Health())
    given_path, path = os.path.abspath(path), os.path.realpath(path)  # noqa: PTH100 - links stay
    lock = None
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        lock = take_lock(path)  # one file, one lock, whatever it is called by
        opened = open_checked(path, given_path, accept_outdated=accept_outdated)
    except OSError as error:
        _let_go(lock)
        raise StoreUnavailable(f"{path} cannot be opened for writing: {error.strerror}") from error
    except sqlite3.Error as error:
        _let_go(lock)
        raise StoreUnavailable(f"{path} cannot be used as a database: {error}") from error
    except StoreUnavailable:
        _let_go(lock)
        raise
    reader, lister = opened.file.reader, opened.file.lister
    return SqliteStore(
        tables,
        writer=Writer(opened.file),
        reader=ReaderLane("reader", reader.borrowed, reader.close),
        lister=ReaderLane("lister", lister.borrowed, lister.close),
        health=opened.file.health,
        lock=lock,
        outdated=opened.outdated,
    )


def _let_go(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)


class SqliteStore:
    """Keeps the promises of ports.Store.

    writer, reader: for one document at a time. lister: for pages, which may take long and must not
    hold up the others. lock: the descriptor that keeps other processes out. outdated: what the file
    lacks, None for the one that was used last.
    Reading on the loop's own thread would save the hand-over (0.008 ms of CPU instead of 0.013
    among 16, 0.07 alone), and stop every request whenever the disk is slow.
    """

    def __init__(
        self,
        tables: Mapping[str, Table[Any]],
        *,
        writer: WriterLane,
        reader: Lane,
        lister: Lane,
        health: Health,
        lock: int | None = None,
        outdated: Outdated | None = None,
    ) -> None:
        self.outdated = outdated
        self._tables = tables
        self._writer = writer
        self._reader = reader
        self._lister = lister
        self._health = health
        self._lock = lock
        # Documents with a write of which nobody knows yet if it stands.
        self._in_doubt: set[tuple[str, str]] = set()
        self._unreadable = Unreadable()

    @property
    def exclusive(self) -> bool:
        """One file serves one process; the lock on it says so."""
        return True

    async def get(self, collection: Collection[D], id: str) -> D | None:
        """Return the document as last committed. StoreInDoubt while nobody knows what that is."""
        if self._is_in_doubt(collection, id):
            raise StoreInDoubt(f"{collection.name}: whether the last write stands is not known.")
        with self._noting_damage(collection, id):
            found = await self._reader.ask(rows, self._tables[collection.name].get, (id,))
        return from_json(found[0][0], collection.kind) if found else None

    async def insert(self, collection: Collection[D], doc: D) -> None:
        """Write a new document. Raises AlreadyExists for its id or a unique value."""
        table: Table[D] = self._tables[collection.name]
        if not await self._write(collection, doc.id, table.insert, table.inserted(doc)):
            raise AlreadyExists(f"{collection.name} has this document already.")

    async def replace(self, collection: Collection[D], doc: D, *, expected_version: int) -> None:
        """Write the next version. Raises VersionConflict; AlreadyExists for a unique value."""
        assert doc.version == expected_version + 1, "a replacement is the next version"
        table: Table[D] = self._tables[collection.name]
        values = table.replaced(doc, expected_version)
        try:
            count = await self._write(collection, doc.id, table.replace, values)
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
        if not await self._write(collection, id, sql, (id, expected_version)):
            raise VersionConflict(f"{collection.name}: not version {expected_version} any more.")

    async def _write(
        self, collection: Collection[Any], id: str, sql: str, values: tuple[Any, ...]
    ) -> int:
        """Write, and return how many rows it touched.

        Raises StoreInDoubt also for the next write of a document of which that was said: to be
        told that nothing was done would contradict what may turn out to stand.
        """
        try:
            with self._noting_damage(collection, id):
                return await self._writer.ask(changed, sql, values)
        except StoreInDoubt:
            self._in_doubt.add((collection.name, id))
            raise
        except StoreUnavailable as error:
            if self._is_in_doubt(collection, id):
                raise StoreInDoubt(str(error)) from error
            raise

    def _is_in_doubt(self, collection: Collection[Any], id: str) -> bool:
        if self._in_doubt and self._writer.is_settled:
            self._in_doubt.clear()
        return (collection.name, id) in self._in_doubt

    @contextlib.contextmanager
    def _noting_damage(self, collection: Collection[Any], name: str) -> Iterator[None]:
        """Say of which document it is that a part of the file cannot be read."""
        try:
            yield
        except StoreUnavailable as error:
            if isinstance(error.__cause__, sqlite3.Error) and is_of_one_place(error.__cause__):
                self._health.unreadable(collection.name, name, error.__cause__)
            raise

    async def find_one(self, collection: Collection[D], column: str, value: str) -> D | None:
        """Return a document with this value in a declared column."""
        sql = self._tables[collection.name].find[column]
        with self._noting_damage(collection, f"{column} {value}"):
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
        question = Question(sql, (epoch_ms(now), after, limit + UNREADABLE_MAX))
        found = await self._bodies(self._reader, collection, question)
        return list(self._readable(collection, found))[:limit]

    async def _bodies(
        self, lane: Lane, collection: Collection[Any], question: Question
    ) -> list[bytes | None]:
        """Return the documents of a list, None for each that lies where the file is damaged.

        Then the rows are read one by one: one of them must not stop the others.
        """
        try:
            found = await lane.ask(rows, question.sql, question.values)
        except StoreUnavailable as error:
            if not is_of_one_place(error.__cause__):
                raise
        else:
            return [body for (body,) in found]
        body_sql = self._tables[collection.name].body
        bodies: list[bytes | None] = []
        for (row_id,) in await lane.ask(rows, question.ids_sql, question.values):
            try:
                with self._noting_damage(collection, f"row {row_id}"):
                    found = await lane.ask(rows, body_sql, (row_id,))
            except StoreUnavailable as error:
                if not is_of_one_place(error.__cause__):
                    raise
                bodies.append(None)
            else:
                bodies += [body for (body,) in found]
        return bodies

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
        table: Table[D] = self._tables[collection.name]
        # One more than asked for tells whether there is another page.
        question = table.page(equal, (created_from, created_to), cursor, limit + 1)
        found = await self._bodies(self._lister, collection, question)
        items = list(self._readable(collection, found[:limit]))
        if len(found) <= limit:
            return Page(items, None)
        behind = [body for body in found[:limit] if body is not None][-1:]
        return Page(items, _cursor_behind(behind[0]) if behind else None)

    async def walk(self, collection: Collection[D], *, after: str, limit: int) -> Sequence[D]:
        """Return documents in the order of their ids, those behind `after`."""
        sql = self._tables[collection.name].walk
        found = await self._lister.ask(rows, sql, (after, limit))
        return [from_json(body, collection.kind) for (body,) in found]

    async def drop_expired(self, collection: Collection[D], now: datetime) -> None:
        """Drop what is over, some at a time so that other writes pass in between."""
        if collection.expires_at is None:
            return
        sql = self._tables[collection.name].drop
        while await self._writer.ask(changed, sql, (epoch_ms(now),)) == DROP_MAX:
            pass

    async def ping(self) -> None:
        """Return when the file takes writes and answers the reader."""
        if not self._writer.wrote_within(PROOF_LASTS_S):
            await self._writer.ask(rows, "PRAGMA user_version", ())  # counted, so it is a write
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

    async def caught_up(self) -> None:
        """Take the file for the one that was used last: what it lacked has been put into it."""
        self.outdated = None
        await self._writer.caught_up()

    async def close(self) -> None:
        """Finish what is queued, fold the log into the file, let another process have it."""
        await self._lister.close()
        await self._reader.close()
        await self._writer.close()  # last, since only without readers the log can be folded away
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _readable(self, collection: Collection[D], found: Iterable[bytes | None]) -> Iterator[D]:
        """Yield the documents that can be read, and say which cannot: none must stop the others."""
        for body in found:
            if body is None:
                continue
            try:
                yield from_json(body, collection.kind)
            except ValueError:
                self._unreadable.met(collection.name, json.loads(body).get("id"))


def _cursor_behind(body: bytes) -> str | None:
    """Return the cursor behind a document, which need not be one that can be read."""
    plain = json.loads(body)
    try:
        created_at = datetime.fromisoformat(plain["created_at"])
    except (TypeError, ValueError):
        return None
    return cursor_of(epoch_ms(created_at), str(plain["id"]))
