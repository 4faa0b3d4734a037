"""A file as it is found: strangers, newer and older shapes, and whoever else has it open."""

import asyncio
import os
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from payment_service.adapters.sqlite import NotOurStore, StoreInUse, StoreTooNew, open_store
from payment_service.ports import Collection, StoreUnavailable
from payment_service.storage.collections import PAYMENTS
from tests.contract.sqlite_file import THINGS, Thing, opened
from tests.domain import papers

COLOURED: Collection[Thing] = replace(THINGS, columns={"colour": lambda t: t.colour})
UNIQUE: Collection[Thing] = replace(COLOURED, unique=frozenset({"colour"}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


async def test_a_second_process_is_refused_and_the_first_goes_on(path: Path) -> None:
    script = (
        "import sys\n"
        "from payment_service.adapters.sqlite import StoreInUse, open_store\n"
        "try:\n    open_store(sys.argv[1], [])\n"
        "except StoreInUse as error:\n    print(error)\n"
    )

    async with opened(path) as store:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, str(path), stdout=asyncio.subprocess.PIPE
        )
        said, _ = await child.communicate()
        await store.insert(THINGS, Thing("t"))

    assert said.decode() == (
        f"{path} is in use by another process. A SQLite store belongs to one process; "
        "run one replica, or use MongoDB.\n"
    )


async def test_another_name_of_the_file_is_the_same_file(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(path)

    async with opened(path):
        with pytest.raises(StoreInUse):
            open_store(str(tmp_path / "link.db"), [THINGS])


async def test_a_file_with_a_hard_link_is_refused_by_either_name(
    path: Path, tmp_path: Path
) -> None:
    async with opened(path) as store:
        link = tmp_path / "link.db"
        link.hardlink_to(path)
        with pytest.raises(StoreUnavailable, match="has another name as well"):
            open_store(str(link), [THINGS])
        await store.insert(THINGS, Thing("t"))
    with pytest.raises(StoreUnavailable, match="has another name as well"):
        open_store(str(path), [THINGS], accept_outdated=True)

    link.unlink()
    async with opened(path) as store:
        assert await store.get(THINGS, "t") == Thing("t")


async def test_a_closed_file_can_be_opened_again_and_is_one_file(path: Path) -> None:
    async with opened(path) as store:
        await store.insert(THINGS, Thing("t"))

    assert sorted(p.name for p in path.parent.iterdir()) == [
        "store.db",
        "store.db.lock",
        "store.db.marker",
    ]
    async with opened(path) as store:
        assert await store.get(THINGS, "t") == Thing("t")


async def test_missing_folders_are_made_and_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet" / "store.db"

    async with opened(path) as store:
        await store.insert(THINGS, Thing("t"))
        modes = {p.name: p.stat().st_mode & 0o777 for p in path.parent.iterdir()}

    assert modes == {
        "store.db": 0o600,
        "store.db-shm": 0o600,
        "store.db-wal": 0o600,
        "store.db.lock": 0o600,
        "store.db.marker": 0o600,
    }


def test_what_is_not_a_database_is_refused_and_left_alone(path: Path) -> None:
    path.write_text("Dear diary, " * 1000)

    with pytest.raises(StoreUnavailable, match="cannot be used as a database: file is not a data"):
        open_store(str(path), [THINGS])

    assert path.read_text() == "Dear diary, " * 1000


def test_a_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    before = path.read_bytes()

    with pytest.raises(NotOurStore, match="is a SQLite database of another program"):
        open_store(str(path), [THINGS])

    assert path.read_bytes() == before


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be opened for writing: Is a directory"):
        open_store(str(tmp_path), [THINGS])


def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreUnavailable, match="cannot be opened for writing: Not a directory"):
        open_store(str(tmp_path / "file" / "folder" / "store.db"), [THINGS])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(StoreUnavailable, match="cannot be opened for writing: Permission denied"):
        open_store(str(tmp_path / "store.db"), [THINGS])


def test_a_refused_file_is_not_kept_locked(path: Path) -> None:
    path.write_text("Dear diary, " * 1000)
    with pytest.raises(StoreUnavailable):
        open_store(str(path), [THINGS])
    path.unlink()

    store = open_store(str(path), [THINGS])

    asyncio.run(store.close())


async def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    async with opened(path) as store:
        await store.insert(THINGS, Thing("t"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")

    with pytest.raises(StoreTooNew, match=r"newer version of this program \(schema 99, this one"):
        open_store(str(path), [THINGS])


async def test_a_new_column_is_filled_from_the_documents(path: Path) -> None:
    things = [Thing(f"{n:04}", colour=f"colour {n}" if n % 2 else None) for n in range(1100)]
    async with opened(path) as store:
        await asyncio.gather(*(store.insert(THINGS, t) for t in things))

    async with opened(path, COLOURED) as store:
        assert await store.find_one(COLOURED, "colour", "colour 1") == things[1]
        assert await store.find_one(COLOURED, "colour", "colour 1099") == things[1099]


async def test_a_column_that_was_given_up_for_a_while_is_filled_again(path: Path) -> None:
    async with opened(path, COLOURED) as store:
        await store.insert(COLOURED, Thing("t", colour="red"))
    async with opened(path) as store:
        await store.replace(THINGS, Thing("t", 1, colour="blue"), expected_version=0)

    async with opened(path, COLOURED) as store:
        assert await store.find_one(COLOURED, "colour", "blue") == Thing("t", 1, colour="blue")
        assert await store.find_one(COLOURED, "colour", "red") is None


async def test_a_change_of_shape_that_cannot_be_made_leaves_the_old_one(path: Path) -> None:
    async with opened(path) as store:
        await store.insert(THINGS, Thing("a", colour="red"))
        await store.insert(THINGS, Thing("b", colour="red"))

    store = open_store(str(path), [UNIQUE])
    with pytest.raises(StoreUnavailable, match=r"UNIQUE constraint failed: things\.colour"):
        await store.ensure_schema()
    await store.close()

    async with opened(path) as store:
        await store.insert(THINGS, Thing("c"))
        assert await store.get(THINGS, "a") == Thing("a", colour="red")


async def test_due_find_and_page_use_their_indexes(path: Path) -> None:
    store = open_store(str(path), [PAYMENTS])
    await store.ensure_schema()
    table = store._tables["payments"]
    both = table.page({"currency": "eur", "customer_id": "c"}, (None, None), "MTphYg", 1)
    questions = [
        (table.due, (-1, 0, 1)),
        (table.find["intent_id"], ("pi_1",)),
        (table.page({}, (None, None), None, 1).sql, (1,)),
        (both.sql, both.values),
    ]

    behind = "(created_at,id)<(?,?)"
    plans = [
        await store._reader.ask(
            lambda c, q, v: [r[3] for r in c.execute(f"EXPLAIN QUERY PLAN {q}", v)], sql, values
        )
        for sql, values in questions
    ]
    await store.close()

    assert plans == [
        ["SEARCH payments USING INDEX payments_wake_at (wake_at>? AND wake_at<?)"],
        ["SEARCH payments USING INDEX payments_intent_id (intent_id=?)"],
        ["SCAN payments USING INDEX payments_created_at"],
        [f"SEARCH payments USING INDEX payments_customer_id (customer_id=? AND {behind})"],
    ]


async def test_a_due_document_that_cannot_be_read_stops_none_of_the_others(path: Path) -> None:
    store = open_store(str(path), [PAYMENTS])
    await store.ensure_schema()
    for number in range(3):
        await store.insert(PAYMENTS, replace(papers.opened(), id=f"order-{number}"))
    await store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        ((body,),) = connection.execute("SELECT body FROM payments WHERE id = 'order-0'")
        later = bytes(body).replace(b'"operation":"create"', b'"operation":"invented later"')
        connection.execute("UPDATE payments SET body = ? WHERE id = 'order-0'", (later,))
    store = open_store(str(path), [PAYMENTS])

    with capture_logs() as lines:
        due = await store.due(PAYMENTS, papers.at(60), 2)

    await store.close()
    assert [payment.id for payment in due] == ["order-1", "order-2"]
    assert [(line["event"], line["id"]) for line in lines] == [("document.unreadable", "order-0")]
