"""A disk that fails, under a store of its own process: what it says of a write stays true.

The shim stands between SQLite and the kernel; `kill` is the death after which the log is read anew.
"""

import errno
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.contract.sqlite_file import THINGS, Thing, opened
from tests.parts.preload import Shim, build_shim
from tests.parts.store_in_a_process import StoreProcess

# Far longer than a disk that healed may stay unused.
SOON_S = 20.0
DISK_ERRORS = [errno.EIO, errno.ENOSPC]
IDS = ["eio", "enospc"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def shim(tmp_path: Path) -> Shim:
    (tmp_path / "shim").mkdir()
    return build_shim(tmp_path / "shim")


@pytest.fixture
def store(path: Path, shim: Shim) -> Iterator[StoreProcess]:
    opened_store = StoreProcess(path, shim.environment(match="store.db"))
    yield opened_store
    opened_store.kill()


async def found_in(path: Path, *names: str) -> list[Thing | None]:
    async with opened(path) as store:
        return [await store.get(THINGS, name) for name in names]


def until(said: str, ask: Callable[[], str]) -> None:
    deadline = time.monotonic() + SOON_S
    while (heard := ask()) != said:
        assert time.monotonic() < deadline, f"still {heard}"
        time.sleep(0.05)


@pytest.mark.parametrize("error", DISK_ERRORS, ids=IDS)
async def test_a_batch_whose_sync_fails_once_is_known_and_survives_as_told(
    path: Path, shim: Shim, store: StoreProcess, error: int
) -> None:
    assert store.insert("before") == "done"

    shim.fail_sync(error, times=1)
    told = store.insert("a", "b", "c")
    store.kill()

    there = await found_in(path, "before", "a", "b", "c")
    assert there[0] == Thing("before")
    assert (told, there[1:]) in (
        ("StoreUnavailable", [None] * 3),
        ("done", [Thing("a"), Thing("b"), Thing("c")]),
    )


@pytest.mark.parametrize("error", DISK_ERRORS, ids=IDS)
async def test_a_batch_whose_sync_fails_for_good_is_in_doubt_and_not_told_as_nothing_done(
    path: Path, shim: Shim, store: StoreProcess, error: int
) -> None:
    assert store.insert("before") == "done"

    shim.fail_sync(error)

    assert store.insert("a", "b", "c") == "StoreInDoubt"
    # Nothing more is written, and nobody is told anything of these that may turn out otherwise.
    assert store.insert("d") == "StoreUnavailable"
    assert store.insert("a") == "StoreInDoubt"
    assert store.get("a") == "StoreInDoubt"
    assert store.ask("ping", "") == "StoreUnavailable"
    assert store.get("before") == "version 0"
    store.kill()

    before, *doubtful, d = await found_in(path, "before", "a", "b", "c", "d")
    assert (before, d) == (Thing("before"), None)
    assert doubtful in ([None] * 3, [Thing("a"), Thing("b"), Thing("c")])


@pytest.mark.parametrize("error", DISK_ERRORS, ids=IDS)
async def test_a_disk_that_heals_is_written_again_and_what_was_in_doubt_is_known(
    path: Path, shim: Shim, store: StoreProcess, error: int
) -> None:
    assert store.insert("before") == "done"
    shim.fail_sync(error)
    assert store.insert("a", "b") == "StoreInDoubt"

    shim.heal()
    until("done", lambda: store.ask("ping", ""))

    shown = [store.get("a"), store.get("b")]
    assert store.insert("after") == "done"
    store.kill()
    a, b, after = await found_in(path, "a", "b", "after")
    assert shown in (["none"] * 2, ["version 0"] * 2)
    assert (a, b) == ((None, None) if shown[0] == "none" else (Thing("a"), Thing("b")))
    assert after == Thing("after")


async def test_a_replacement_in_doubt_leaves_the_old_version_or_the_new_one(
    path: Path, shim: Shim, store: StoreProcess
) -> None:
    assert store.insert("a") == "done"
    shim.fail_sync(errno.EIO)

    assert store.ask("replace", "a") == "StoreInDoubt"
    store.kill()

    assert (await found_in(path, "a"))[0] in {Thing("a"), Thing("a", 1)}


@pytest.mark.parametrize("error", DISK_ERRORS, ids=IDS)
async def test_what_cannot_be_written_at_all_is_not_there_after_a_restart_either(
    path: Path, shim: Shim, store: StoreProcess, error: int
) -> None:
    assert store.insert("before") == "done"
    shim.fail_write(error)

    told = {store.insert("a", "b"), store.insert("c")}
    assert told <= {"StoreUnavailable", "StoreInDoubt"}
    assert error != errno.ENOSPC or told == {"StoreUnavailable"}
    assert store.ask("ping", "") != "done"
    assert store.get("before") == "version 0"
    store.kill()

    assert await found_in(path, "before", "a", "b", "c") == [Thing("before"), None, None, None]


def pause() -> None:
    time.sleep(0.05)  # so that the tries to settle fall between the writes


async def test_after_a_failed_sync_nothing_is_told_over_the_same_connection(
    shim: Shim, store: StoreProcess, path: Path
) -> None:
    """Each acknowledged write survives, whichever of them the disk failed at in between."""
    told = {}
    for number in range(12):
        if number % 3 == 1:
            shim.fail_sync(errno.EIO, times=1 + number % 2)
        told[str(number)] = store.insert(str(number))
        pause()
    store.kill()

    there = await found_in(path, *told)
    for (name, said), found in zip(told.items(), there, strict=True):
        assert said != "done" or found == Thing(name)
        assert said != "StoreUnavailable" or found is None


def test_readiness_finds_by_itself_that_nothing_can_be_written(
    shim: Shim, store: StoreProcess
) -> None:
    assert store.insert("before") == "done"
    assert store.ask("ping", "") == "done"
    shim.fail_write(errno.EIO)

    until("StoreUnavailable", lambda: store.ask("ping", ""))

    assert store.get("before") == "version 0"


def test_the_disk_is_synced_before_every_answer(shim: Shim, store: StoreProcess) -> None:
    for number in range(5):
        before = shim.syncs
        assert store.insert(f"thing-{number}") == "done"
        assert shim.syncs > before


def test_the_cause_is_said_once_when_it_begins_and_once_when_it_is_over(
    shim: Shim, store: StoreProcess
) -> None:
    assert store.insert("before") == "done"
    shim.fail_sync(errno.EIO)
    for number in range(5):
        assert store.insert(str(number)) in {"StoreInDoubt", "StoreUnavailable"}
    assert store.ask("ping", "") == "StoreUnavailable"
    shim.heal()
    until("done", lambda: store.ask("ping", ""))

    logged = store.close()

    # The write that failed, and what is in the way of knowing about it.
    assert logged.count("database.failed") <= 2
    assert "cause=sync_failed" in logged
    assert logged.count("database.recovered") == 1


async def test_what_had_no_room_in_the_log_is_not_in_the_marker_either(
    path: Path, shim: Shim
) -> None:
    store = StoreProcess(path, shim.environment(match="store.db-wal"))
    assert store.insert("before") == "done"
    shim.fail_write(errno.ENOSPC)
    assert store.insert("a") == "StoreUnavailable"
    store.kill()

    assert await found_in(path, "before", "a") == [Thing("before"), None]


async def test_a_marker_that_cannot_be_written_stops_nobody(
    path: Path, shim: Shim, tmp_path: Path
) -> None:
    store = StoreProcess(path, shim.environment(match="store.db.marker"))
    shim.fail_write(errno.EIO)
    shim.fail_sync(errno.EIO)

    assert store.insert("a") == "done"
    store.kill()

    assert await found_in(path, "a") == [Thing("a")]


def test_the_shim_is_seen(path: Path, shim: Shim, store: StoreProcess) -> None:
    """The faults are not for nothing: the log of the store is a file that they strike."""
    assert Path(f"{path}-wal").exists()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    shim.fail_sync(errno.EIO, times=1)
    store.insert("a")
    assert shim.faults_left[0] == 0
