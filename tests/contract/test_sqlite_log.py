"""The write-ahead log under a foreign read transaction: it grows, is said, and is cut back."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from payment_service.adapters.sqlite import open_store
from payment_service.adapters.sqlite.connecting import WAL_KEPT_BYTES
from payment_service.adapters.sqlite.health import LOG_BYTES_MAX, Health
from payment_service.adapters.sqlite.marker import read_mark
from payment_service.ports import StoreInDoubt, StoreUnavailable
from tests.contract.sqlite_file import THINGS, Thing, opened

MEGABYTE = 2**20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


async def test_a_log_that_a_foreign_reader_made_grow_is_cut_back_when_it_leaves(
    path: Path,
) -> None:
    log = path.with_name("store.db-wal")
    async with opened(path) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as shell:
            shell.execute("BEGIN")
            shell.execute("SELECT count(*) FROM things").fetchone()
            for number in range(20):
                await store.insert(THINGS, Thing(str(number), text="x" * MEGABYTE))
            assert length_of(log) > WAL_KEPT_BYTES

        for number in range(3):  # one to checkpoint all of it, one to begin anew
            await store.insert(THINGS, Thing(f"after-{number}"))

        assert length_of(log) <= WAL_KEPT_BYTES


def length_of(log: Path) -> int:
    return log.stat().st_size


def test_a_log_that_is_too_long_is_said_once_until_it_is_short_again() -> None:
    health = Health()
    with capture_logs() as logs:
        for length in (0, LOG_BYTES_MAX, LOG_BYTES_MAX + 1, LOG_BYTES_MAX + 2, 0):
            health.log_has(length)
        health.log_has(LOG_BYTES_MAX + 3)

    assert [(line["event"], line["log_level"], line["bytes"]) for line in logs] == [
        ("database.wal_too_long", "warning", LOG_BYTES_MAX + 1),
        ("database.wal_too_long", "warning", LOG_BYTES_MAX + 3),
    ]


async def test_checkpoints_of_our_own_are_not_taken_for_a_copy_written_over_the_file(
    path: Path,
) -> None:
    async with opened(path) as store:
        begun = marked_folded(path)
        for number in range(20):  # a checkpoint comes after 4 MB
            await store.insert(THINGS, Thing(f"long {number}", text="x" * 500_000))
        await store.ping()

        assert marked_folded(path) > begun


@pytest.mark.parametrize("left", [0, 5000], ids=["all of it", "its end"])
async def test_a_log_that_somebody_cuts_is_noticed_and_nothing_more_is_acknowledged(
    path: Path, left: int
) -> None:
    with capture_logs() as logs:
        async with opened(path) as store:
            await store.insert(THINGS, Thing("before"))
            os.truncate(path.with_name("store.db-wal"), left)

            for _ in range(2):
                with pytest.raises(StoreUnavailable, match="was written over") as told:
                    await store.insert(THINGS, Thing("after"))
                assert not isinstance(told.value, StoreInDoubt)
            with pytest.raises(StoreUnavailable):
                await store.ping()

    assert [line["cause"] for line in logs if line["event"] == "database.failed"] == [
        "file_replaced"
    ]
    # Closing has folded what was left, which may have spoiled the file: it is refused either way.
    with pytest.raises(StoreUnavailable):
        open_store(str(path), [THINGS])


async def test_a_log_that_a_person_folds_is_not_taken_for_cut(path: Path) -> None:
    async with opened(path) as store:
        for number in range(20):
            await store.insert(THINGS, Thing(f"before {number}"))
            with closing(sqlite3.connect(path)) as shell:
                assert shell.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
            assert length_of(path.with_name("store.db-wal")) == 0
            await store.insert(THINGS, Thing(f"after {number}"))
        await store.ping()


def marked_folded(path: Path) -> int:
    mark = read_mark(str(path))
    assert mark is not None
    return mark.folded
