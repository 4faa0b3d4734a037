"""The file is the one we opened, and the one that was used last; else nothing is acknowledged."""

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from payment_service.adapters.sqlite import SqliteStore, open_store
from payment_service.adapters.sqlite.connecting import PRAGMAS
from payment_service.adapters.sqlite.identity import folded_identity
from payment_service.adapters.sqlite.marker import Mark, read_mark
from payment_service.adapters.sqlite.writer import LOOK_EVERY_S
from payment_service.ports import StoreInDoubt, StoreOutdated, StoreUnavailable
from tests.contract.sqlite_file import THINGS, Thing, opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder" / "store.db"


def remove(path: Path) -> None:
    path.unlink()


def remove_log(path: Path) -> None:
    Path(f"{path}-wal").unlink()


def replace_log(path: Path) -> None:
    remove_log(path)
    Path(f"{path}-wal").touch()


def replace_by_copy(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    copy.rename(path)


def rename_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


def replace_folder(path: Path) -> None:
    rename_folder(path)
    path.parent.mkdir()
    shutil.copy(path.parent.with_name("elsewhere") / path.name, path)


LOSSES = [remove, remove_log, replace_log, replace_by_copy, rename_folder, replace_folder]


@pytest.mark.parametrize("lose", LOSSES)
async def test_what_goes_into_a_file_that_nobody_will_see_again_is_not_acknowledged(
    path: Path, lose: Callable[[Path], None]
) -> None:
    async with opened(path) as store:
        await store.insert(THINGS, Thing("before"))
        lose(path)

        with pytest.raises(StoreInDoubt):
            await store.insert(THINGS, Thing("a"))
        # From then on it is known, and nothing more is written.
        with pytest.raises(StoreUnavailable, match=r"SQLite: .*store\.db is") as told:
            await store.insert(THINGS, Thing("b"))
        assert not isinstance(told.value, StoreInDoubt)
        for doubtful in (store.get(THINGS, "a"), store.insert(THINGS, Thing("a"))):
            with pytest.raises(StoreInDoubt):
                await doubtful
        for reading in (store.get(THINGS, "before"), store.ping()):
            with pytest.raises(StoreUnavailable, match=r"store\.db is"):
                await reading


@pytest.mark.parametrize("lose", LOSSES)
async def test_the_loss_of_the_file_is_seen_and_said_without_any_write(
    path: Path, lose: Callable[[Path], None]
) -> None:
    with capture_logs() as logs:
        async with opened(path) as store:
            await store.insert(THINGS, Thing("before"))
            lose(path)
            await asyncio.sleep(2 * LOOK_EVERY_S)

            with pytest.raises(StoreUnavailable, match=r"store\.db is"):
                await store.get(THINGS, "before")

    (said,) = [line for line in logs if line["event"] == "database.failed"]
    assert (said["log_level"], said["cause"]) == ("error", "file_replaced")
    assert str(path) in said["error"]


async def test_a_folder_that_is_put_back_is_used_again_and_what_was_in_doubt_is_there(
    path: Path,
) -> None:
    async with opened(path) as store:
        rename_folder(path)
        with pytest.raises(StoreInDoubt):
            await store.insert(THINGS, Thing("a"))
        move(path.parent.with_name("elsewhere"), path.parent)
        await until_it_pings(store)

        assert await store.get(THINGS, "a") == Thing("a")
        await store.insert(THINGS, Thing("b"))

    async with opened(path) as store:
        assert [await store.get(THINGS, name) for name in "ab"] == [Thing("a"), Thing("b")]


async def until_it_pings(store: SqliteStore) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            return await store.ping()
        except StoreUnavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


def marked(path: Path) -> Mark:
    mark, folded = read_mark(str(path)), folded_identity(str(path))
    assert mark is not None
    assert mark.folded <= (folded.writes if folded else 0)
    return mark._replace(folded=0)


def mark_of(path: Path) -> tuple[str, int, int]:
    with closing(sqlite3.connect(path)) as connection:
        store_id, writes = connection.execute("SELECT id, writes FROM store_identity").fetchone()
        return store_id, writes, path.stat().st_ino


async def test_every_transaction_is_counted_and_the_marker_never_leads(path: Path) -> None:
    seen = []
    async with opened(path) as store:
        for number in range(5):
            await store.insert(THINGS, Thing(str(number)))
            seen.append((marked(path), mark_of(path)))
    end = marked(path)

    assert end == Mark(*mark_of(path))
    for mark, found in seen:
        assert mark == Mark(*found)
    counts = [mark.writes for mark, _ in seen]
    assert counts == list(range(counts[0], counts[0] + 5))


async def older_copy(path: Path) -> Path:
    """Return a copy of the file from before its last write."""
    async with opened(path) as store:
        await store.insert(THINGS, Thing("before"))
    copy = path.with_name("older")
    shutil.copy(path, copy)
    async with opened(path) as store:
        await store.insert(THINGS, Thing("after"))
    return copy


def copy_over(path: Path, to: Path) -> None:
    """As `cp` does it: into the same inode."""
    to.write_bytes(path.read_bytes())


def move(path: Path, to: Path) -> None:
    path.rename(to)


async def put_older(path: Path) -> None:
    move(await older_copy(path), path)


async def put_nothing(path: Path) -> None:
    remove(await older_copy(path))
    remove(path)


async def put_another(path: Path) -> None:
    remove(await older_copy(path))
    async with opened(path.with_name("another")):
        pass
    move(path.with_name("another"), path)


async def put_one_without_identity(path: Path) -> None:
    await put_older(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE store_identity")
        connection.commit()


async def put_older_beside_the_newer_log(path: Path) -> None:
    """What a kill and a hasty restore leave: SQLite would write the log into the older file."""
    copy = await older_copy(path)
    async with opened(path) as store:
        await store.insert(THINGS, Thing("in the log"))
        shutil.copy(f"{path}-wal", path.with_name("log"))
    move(copy, path)
    move(path.with_name("log"), path.with_name("store.db-wal"))


async def write_older_over_the_file_of_a_log(path: Path) -> None:
    """The same by `cp`, which keeps the inode. What is counted in the log would hide it."""
    copy = await older_copy(path)
    async with opened(path) as store:
        await store.insert(THINGS, Thing("in the log"))
        copy_over(path.with_name("store.db-wal"), path.with_name("log"))
        copy_over(path.with_name("store.db.marker"), path.with_name("mark"))
    copy_over(copy, path)
    copy_over(path.with_name("log"), path.with_name("store.db-wal"))
    copy_over(path.with_name("mark"), path.with_name("store.db.marker"))


async def restore_elsewhere(path: Path) -> None:
    """A backup is put on a new machine, where no marker is."""
    copy = await older_copy(path)
    for name in ("", ".marker"):
        remove(path.with_name(f"store.db{name}"))
    move(copy, path)


async def restore_its_first_day_elsewhere(path: Path) -> None:
    """Only the file was copied, while all that was written yet lay in its log."""
    copy = path.with_name("copy")
    async with opened(path) as store:
        await store.insert(THINGS, Thing("in the log"))
        shutil.copy(path, copy)
    for name in ("", ".marker"):
        remove(path.with_name(f"store.db{name}"))
    move(copy, path)


def spoil(path: Path) -> None:
    path.write_text("not a marker")


async def spoil_the_marker(path: Path) -> None:
    await older_copy(path)
    spoil(path.with_name("store.db.marker"))


@pytest.mark.parametrize(
    ("put", "why"),
    [
        (put_older, "it is an older copy: it has seen [0-9]+ writes, and [0-9]+ were made"),
        (put_older_beside_the_newer_log, "it was replaced, and the write-ahead log"),
        (write_older_over_the_file_of_a_log, "it was written over, and the write-ahead log"),
        (restore_elsewhere, "it was used before, and its marker is not beside it"),
        (restore_its_first_day_elsewhere, "it was used before, and its marker is not beside it"),
        (put_nothing, "it is missing, and was here before"),
        (put_another, "it is not the database that was here before"),
        (put_one_without_identity, "it is not the database that was here before"),
        (spoil_the_marker, "its marker cannot be read"),
    ],
)
async def test_a_start_on_a_file_that_was_not_used_last_is_refused_until_it_has_caught_up(
    path: Path, put: Callable[[Path], object], why: str
) -> None:
    await put(path)  # type: ignore[misc]  # all of them are coroutines

    for _ in range(2):  # refusing changes nothing
        with pytest.raises(StoreOutdated, match=f"store.db: {why}.*SQLITE_ACCEPT_OUTDATED"):
            open_store(str(path), [THINGS])
    for _ in range(2):  # whoever dies before it has caught up has not
        accepted = open_store(str(path), [THINGS], accept_outdated=True)
        assert accepted.outdated is not None
        await accepted.ensure_schema()
        await accepted.insert(THINGS, Thing(f"caught up {time.monotonic()}"))
        await accepted.close()
    with pytest.raises(StoreOutdated):
        open_store(str(path), [THINGS])

    accepted = open_store(str(path), [THINGS], accept_outdated=True)
    await accepted.ensure_schema()
    await accepted.caught_up()
    await accepted.close()

    async with opened(path) as store:
        assert store.outdated is None
        assert marked(path) == Mark(*mark_of(path))


async def test_how_old_a_copy_is_is_known(path: Path) -> None:
    begun_at = time.time()
    await put_older(path)

    store = open_store(str(path), [THINGS], accept_outdated=True)
    await store.close()

    assert store.outdated is not None
    assert store.outdated.since is not None
    assert begun_at - 1 <= store.outdated.since.timestamp() <= time.time()


async def test_a_copy_that_is_put_in_place_beside_a_running_process_is_found_at_the_next_start(
    path: Path,
) -> None:
    async with opened(path) as store:
        await store.insert(THINGS, Thing("before"))
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(f"{path}2")) as to:
            source.backup(to)
        await store.insert(THINGS, Thing("after"))
        move(path.with_name("store.db2"), path)
        for name in ("-wal", "-shm"):
            remove(path.with_name(f"store.db{name}"))

    with pytest.raises(StoreOutdated, match="older copy"):
        open_store(str(path), [THINGS])


async def test_a_copy_that_is_written_over_the_file_in_use_is_never_mixed_with_it(
    path: Path,
) -> None:
    copy = await older_copy(path)
    with capture_logs() as logs:
        async with opened(path) as store:
            await store.insert(THINGS, Thing("in the log"))
            copy_over(copy, path)

            for doing in (store.insert(THINGS, Thing("b")), store.get(THINGS, "in the log")):
                with pytest.raises(StoreUnavailable, match="was written over") as told:
                    await doing
                assert not isinstance(told.value, StoreInDoubt)

    causes = [line["cause"] for line in logs if line["event"] == "database.failed"]
    assert causes == ["file_replaced"]
    with pytest.raises(StoreOutdated, match="it is not the database that was here before"):
        open_store(str(path), [THINGS])


async def test_a_whole_folder_of_before_with_its_own_marker_is_found_too(path: Path) -> None:
    backup = path.parent.with_name("backup")
    async with opened(path) as store:
        await store.insert(THINGS, Thing("before"))
    shutil.copytree(path.parent, backup)
    async with opened(path) as store:
        await store.insert(THINGS, Thing("after"))
        rename_folder(path)
        move(backup, path.parent)
        await asyncio.sleep(2 * LOOK_EVERY_S)

    with pytest.raises(StoreOutdated, match="older copy"):
        open_store(str(path), [THINGS])


async def test_a_file_of_a_release_without_identity_gets_one_and_keeps_its_documents(
    path: Path,
) -> None:
    async with opened(path) as store:
        await store.insert(THINGS, Thing("old"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE store_identity")
        connection.commit()
    remove(path.with_name("store.db.marker"))

    async with opened(path) as store:
        assert await store.get(THINGS, "old") == Thing("old")
        assert store.outdated is None

    assert marked(path) == Mark(*mark_of(path))


async def test_a_new_file_whose_maker_died_before_it_was_marked_is_started_on(path: Path) -> None:
    async with opened(path):
        pass
    remove(path.with_name("store.db.marker"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE store_identity SET writes = 0")
        connection.commit()

    async with opened(path) as store:
        assert store.outdated is None


async def test_every_connection_of_the_store_is_as_careful_as_promised(path: Path) -> None:
    def read(connection: sqlite3.Connection) -> dict[str, int]:
        return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS}

    def mode(connection: sqlite3.Connection) -> str:
        (found,) = connection.execute("PRAGMA journal_mode").fetchone()
        return str(found)

    async with opened(path) as store:
        for lane in (store._writer, store._reader, store._lister):
            assert await lane.ask(read) == {
                "synchronous": 2,
                "fullfsync": 1,
                "checkpoint_fullfsync": 1,
                "journal_size_limit": 16 * 2**20,
                "cell_size_check": 1,
            }
            assert await lane.ask(mode) == "wal"
