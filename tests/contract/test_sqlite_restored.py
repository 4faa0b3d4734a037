"""An older state that somebody restores into the file in use, by SQLite's own means, is noticed."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from payment_service.adapters.sqlite import open_store
from payment_service.ports import StoreInDoubt, StoreOutdated, StoreUnavailable
from tests.contract.sqlite_file import THINGS, Thing, opened


def copy_into(path: Path, to: Path) -> None:
    """As the shell's `.backup` and `.restore` do it: the file stays, and its log is used."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


async def test_a_copy_that_is_restored_into_the_file_in_use_is_not_written_to(
    tmp_path: Path,
) -> None:
    path, copy = tmp_path / "store.db", tmp_path / "copy"
    with capture_logs() as logs:
        async with opened(path) as store:
            await store.insert(THINGS, Thing("before"))
            copy_into(path, copy)
            await store.insert(THINGS, Thing("paid"))
            copy_into(copy, path)

            for doing in (store.insert(THINGS, Thing("paid")), store.get(THINGS, "before")):
                with pytest.raises(StoreUnavailable, match="was written over") as told:
                    await doing
                assert not isinstance(told.value, StoreInDoubt)

    causes = [line["cause"] for line in logs if line["event"] == "database.failed"]
    assert causes == ["file_replaced"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT id FROM things").fetchall() == [("before",)]
    with pytest.raises(StoreOutdated):
        open_store(str(path), [THINGS])


async def test_what_a_person_writes_by_hand_is_no_other_state(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with opened(path) as store:
        await store.insert(THINGS, Thing("a"))
        with closing(sqlite3.connect(path)) as shell:
            shell.execute("DELETE FROM things WHERE id = 'a'")
            shell.commit()
            shell.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

        await store.insert(THINGS, Thing("a"))

        assert await store.get(THINGS, "a") == Thing("a")
