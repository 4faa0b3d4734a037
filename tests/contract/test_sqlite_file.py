"""What only the file has: death and resurrection, full disks, and commits that writes share."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from structlog.testing import capture_logs

from payment_service.adapters.sqlite import open_store
from payment_service.adapters.sqlite.writer import BATCH_MAX
from payment_service.ports import Collection, StoreInDoubt, StoreUnavailable
from tests.contract.sqlite_file import THINGS, Thing, opened

PAGED: Collection[Thing] = replace(THINGS, columns={"created_at": lambda t: t.version})
ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


# Eight writers, each with one document that it writes again and again; a line for every write that
# was acknowledged, printed after it.
WRITES_UNTIL_KILLED = """
import asyncio, sys
from dataclasses import replace
from tests.contract.sqlite_file import THINGS, Thing
from payment_service.adapters.sqlite import open_store

async def write(store, name):
    thing = Thing(f"{name}-0")
    await store.insert(THINGS, thing)
    while True:
        print(thing.id, thing.version, flush=True)
        following = replace(thing, version=thing.version + 1, text=f"{name} " * 300)
        await store.replace(THINGS, following, expected_version=thing.version)
        thing = following
        if thing.version == 5:
            print(thing.id, thing.version, flush=True)
            thing = Thing(f"{name}-{int(thing.id.split('-')[1]) + 1}")
            await store.insert(THINGS, thing)

async def main():
    store = open_store(sys.argv[1], [THINGS])
    await store.ensure_schema()
    await asyncio.gather(*(write(store, name) for name in "abcdefgh"))

asyncio.run(main())
"""


def killed_after(path: Path, lines: int) -> dict[str, int]:
    """Run the writers, kill them in the midst of it; return the acknowledged versions by id."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITES_UNTIL_KILLED, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as child:
        assert child.stdout is not None
        heard = [child.stdout.readline() for _ in range(lines)]
        child.kill()
        heard += child.stdout.readlines()
    acknowledged: dict[str, int] = {}
    for line in heard:
        if line.endswith("\n"):  # the last one may be torn
            name, version = line.split()
            acknowledged[name] = int(version)
    return acknowledged


@pytest.mark.parametrize("lines", [20, 500])
async def test_whatever_was_acknowledged_survives_a_kill(path: Path, lines: int) -> None:
    acknowledged = killed_after(path, lines)

    async with opened(path) as store:
        found = {name: await store.get(THINGS, name) for name in acknowledged}

    assert len(acknowledged) >= 8
    for name, version in acknowledged.items():
        thing = found[name]
        # One write further than was acknowledged may have been under way.
        assert thing in {
            Thing(name, v, text=f"{name[0]} " * 300 if v else "") for v in (version, version + 1)
        }
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def hold(_: sqlite3.Connection, begun: Event, gate: Event) -> None:
    begun.set()
    gate.wait(60)


async def test_a_full_disk_writes_nothing_of_a_batch_and_heals(path: Path) -> None:
    big = "x" * 20_000
    async with opened(path) as store:
        await store.insert(THINGS, Thing("before"))
        await store._writer.ask(lambda c: c.execute("PRAGMA max_page_count = 20").fetchone())

        begun, gate = Event(), Event()
        held = store._writer.ask(hold, begun, gate)
        await asyncio.to_thread(begun.wait, 60)  # so that what follows is one batch
        writing = asyncio.gather(
            store.insert(THINGS, Thing("small")),
            store.replace(THINGS, Thing("before", 1), expected_version=0),
            *(store.insert(THINGS, Thing(str(n), text=big)) for n in range(5)),
            return_exceptions=True,
        )
        await asyncio.sleep(0)
        gate.set()
        await held
        heard = await writing

        assert [repr(h) for h in heard] == [
            "StoreUnavailable('SQLite: database or disk is full')"
        ] * 7
        assert await store.get(THINGS, "before") == Thing("before")
        assert [await store.get(THINGS, n) for n in ("small", *"01234")] == [None] * 6
        await store.insert(THINGS, Thing("small"))

        await store._writer.ask(lambda c: c.execute("PRAGMA max_page_count = 9999").fetchone())
        await store.insert(THINGS, Thing("0", text=big))
        assert await store.get(THINGS, "0") == Thing("0", text=big)
        assert await store.get(THINGS, "small") == Thing("small")


async def test_why_the_disk_takes_no_writes_is_said_once_and_not_with_every_write(
    path: Path,
) -> None:
    big = "x" * 200_000
    async with opened(path) as store:
        await store._writer.ask(lambda c: c.execute("PRAGMA max_page_count = 20").fetchone())
        with capture_logs() as logged:
            for number in range(3):
                with pytest.raises(StoreUnavailable):
                    await store.insert(THINGS, Thing(str(number), text=big))

    assert [(line["event"], line["cause"]) for line in logged] == [("database.failed", "disk_full")]


async def test_a_commit_that_fails_leaves_nothing_behind(path: Path) -> None:
    def authorize(action: int, operation: str | None, *_: str | None) -> int:
        is_commit = action == sqlite3.SQLITE_TRANSACTION and operation == "COMMIT"
        return sqlite3.SQLITE_DENY if is_commit else sqlite3.SQLITE_OK

    def write(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO things (id, version, body) VALUES ('t', 0, x'7b7d')")
        connection.set_authorizer(authorize)

    async with opened(path) as store:
        with pytest.raises(StoreUnavailable, match="SQLite: not authorized") as told:
            await store._writer.ask(write)
        assert not isinstance(told.value, StoreInDoubt)
        assert await store.get(THINGS, "t") is None

        await store.insert(THINGS, Thing("t"))  # over a connection that was opened anew
        assert await store.get(THINGS, "t") == Thing("t")


async def test_a_file_that_somebody_else_locks_is_unavailable_and_heals(path: Path) -> None:
    async with opened(path) as store:
        await store._writer.ask(lambda c: c.execute("PRAGMA busy_timeout = 10").fetchone())
        with closing(sqlite3.connect(path, isolation_level=None)) as shell:
            shell.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="SQLite: database is locked"):
                await store.insert(THINGS, Thing("t"))
            assert await store.get(THINGS, "t") is None
            shell.execute("ROLLBACK")

        await store.insert(THINGS, Thing("t"))


async def test_writes_that_wait_share_commits(path: Path) -> None:
    statements: list[str] = []
    gate = Event()
    async with opened(path) as store:
        await store._writer.ask(lambda c: c.set_trace_callback(statements.append))
        statements.clear()  # the commit of that
        held = store._writer.ask(lambda _: gate.wait(60))
        writing = [
            asyncio.ensure_future(store.insert(THINGS, Thing(str(n)))) for n in range(2 * BATCH_MAX)
        ]
        await asyncio.sleep(0)

        gate.set()
        await asyncio.gather(held, *writing)

    begun = [s for s in statements if s == "BEGIN IMMEDIATE"]
    committed = [s for s in statements if s == "COMMIT"]
    assert len([s for s in statements if s.startswith("INSERT")]) == 2 * BATCH_MAX
    # One for whatever came with the gate, two for the rest.
    assert (len(begun), len(committed)) == (3, 3)


async def test_a_document_that_sqlite_cannot_take_fails_alone(path: Path) -> None:
    async with opened(path) as store:
        heard = await asyncio.gather(
            store.insert(THINGS, Thing("1")),
            store.insert(THINGS, Thing("huge", version=2**63)),
            store.insert(THINGS, Thing("2")),
            return_exceptions=True,
        )

        assert [type(h) for h in heard] == [type(None), OverflowError, type(None)]
        assert await store.get(THINGS, "2") == Thing("2")


async def test_closing_finishes_what_is_queued(path: Path) -> None:
    store = open_store(str(path), [THINGS])
    await store.ensure_schema()
    writing = [asyncio.ensure_future(store.insert(THINGS, Thing(str(n)))) for n in range(300)]
    await asyncio.sleep(0)

    await store.close()

    assert await asyncio.gather(*writing) == [None] * 300
    async with opened(path) as again:
        assert [await again.get(THINGS, str(n)) for n in range(300)] == [
            Thing(str(n)) for n in range(300)
        ]


async def test_a_page_that_takes_long_holds_up_nobody(path: Path) -> None:
    gate = Event()
    async with opened(path, PAGED) as store:
        held = store._lister.ask(lambda _: gate.wait(60))
        listing = asyncio.ensure_future(
            store.page(PAGED, equal={}, created_from=None, created_to=None, cursor=None, limit=1)
        )

        await store.insert(PAGED, Thing("t"))
        assert await store.get(PAGED, "t") == Thing("t")
        assert not listing.done()

        gate.set()
        await held
        assert (await listing).items == [Thing("t")]
