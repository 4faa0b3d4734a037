"""A damaged page of the file: it fails the documents that lie on it, loudly, and no other."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from payment_service.adapters.sqlite import SqliteStore, open_store
from payment_service.domain.schema import SCHEMA, Schema
from payment_service.ports import Collection, StoreInDoubt, StoreUnavailable, epoch_ms

BEGUN = datetime(2026, 11, 26, tzinfo=UTC)
PAGE_BYTES = 4096
COUNT = 60
DAMAGED = 30


@dataclass(frozen=True, slots=True)
class Note:
    id: str
    version: int
    created_at: datetime
    text: str
    wake_at: datetime | None = None
    schema: Schema = SCHEMA


NOTES: Collection[Note] = Collection(
    name="notes",
    kind=Note,
    columns={"created_at": lambda n: epoch_ms(n.created_at), "text": lambda n: n.text[:4]},
)


def note(number: int) -> Note:
    at = BEGUN + timedelta(seconds=number)
    return Note(f"note-{number:02}", 0, at, f"{number:04}" + "x" * 2500, wake_at=at)


@asynccontextmanager
async def damaged(path: Path) -> AsyncIterator[SqliteStore]:
    """Open a store in which the page of one document is spoilt."""
    store = open_store(str(path), [NOTES])
    await store.ensure_schema()
    for number in range(COUNT):
        await store.insert(NOTES, note(number))
    await store.close()
    spoil(path)
    store = open_store(str(path), [NOTES])
    await store.ensure_schema()
    try:
        yield store
    finally:
        await store.close()


def spoil(path: Path) -> None:
    """Write over the head of the leaf page on which the document's row begins."""
    content = bytearray(path.read_bytes())
    at = content.index(f"note-{DAMAGED:02}".encode() + b"{")
    begin = at // PAGE_BYTES * PAGE_BYTES
    content[begin : begin + 64] = b"\xff" * 64
    path.write_bytes(bytes(content))


def lost_with(store_path: Path) -> set[str]:
    """Return the documents that cannot be read any more, by SQLite's own word."""
    lost = set()
    with closing(sqlite3.connect(store_path)) as connection:
        for number in range(COUNT):
            name = f"note-{number:02}"
            try:
                connection.execute("SELECT body FROM notes WHERE id = ?", (name,)).fetchall()
            except sqlite3.DatabaseError:
                lost.add(name)
    return lost


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


async def test_the_documents_on_it_fail_and_the_others_are_read_and_written(path: Path) -> None:
    with capture_logs() as logs:
        async with damaged(path) as store:
            lost = lost_with(path)
            assert f"note-{DAMAGED}" in lost
            assert len(lost) <= 3  # what fits on one page

            for number in range(COUNT):
                before = note(number)
                after = replace(before, version=1)
                if before.id in lost:
                    for _ in range(2):
                        with pytest.raises(StoreUnavailable, match="malformed"):
                            await store.get(NOTES, before.id)
                    with pytest.raises(StoreUnavailable, match="malformed") as told:
                        await store.replace(NOTES, after, expected_version=0)
                    assert not isinstance(told.value, StoreInDoubt)
                else:
                    assert await store.get(NOTES, before.id) == before
                    await store.replace(NOTES, after, expected_version=0)
            await store.ping()

    said = [line for line in logs if line["event"] == "database.unreadable"]
    assert {line["id"] for line in said} == lost
    assert len(said) == len(lost)  # once for each, however often it is asked for
    assert {(line["log_level"], line["cause"]) for line in said} == {("error", "malformed")}
    assert [line for line in logs if line["event"] == "database.failed"] == []


async def test_lists_leave_them_out_and_go_on_to_the_last_page(path: Path) -> None:
    async with damaged(path) as store:
        lost = lost_with(path)
        expected = [n for n in map(note, range(COUNT)) if n.id not in lost]

        due = await store.due(NOTES, BEGUN + timedelta(days=1), COUNT)
        listed: list[Note] = []
        cursor = None
        while True:
            page = await store.page(
                NOTES, equal={}, created_from=None, created_to=None, cursor=cursor, limit=7
            )
            listed += page.items
            cursor = page.next_cursor
            if cursor is None:
                break

    assert list(due) == expected
    assert listed == expected[::-1]


async def test_a_batch_with_such_a_document_in_it_is_written_but_for_that_one(path: Path) -> None:
    async with damaged(path) as store:
        lost = lost_with(path)
        heard = await asyncio.gather(
            *(
                store.replace(NOTES, replace(note(number), version=1), expected_version=0)
                for number in range(COUNT)
            ),
            return_exceptions=True,
        )

    failed = {f"note-{n:02}" for n, outcome in enumerate(heard) if outcome is not None}
    assert failed == lost
    assert {type(outcome) for outcome in heard if outcome} == {StoreUnavailable}
