"""What was removed from a file is not in it any more, nor beside it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from payment_service.adapters.sqlite import StoreInUse, erase
from payment_service.ports import StoreUnavailable
from tests.contract.sqlite_file import THINGS, Thing, opened

# Longer than a page, so that some of it lies where only a list of free pages remembers it.
SECRET = "to be forgotten " * 600


def bytes_beside(path: Path) -> bytes:
    return b"".join(found.read_bytes() for found in path.parent.glob(f"{path.name}*"))


async def test_what_was_removed_leaves_no_byte(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with opened(path) as store:
        for number in range(20):
            await store.insert(THINGS, Thing(f"thing-{number}", text=SECRET))
        await store.insert(THINGS, Thing("kept", text="is kept"))
    # Some builds of SQLite write over what they drop; not all do.
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("DELETE FROM things WHERE id <> 'kept'")
    assert b"to be forgotten" in bytes_beside(path), "else this test shows nothing"

    erase(str(path))

    assert b"to be forgotten" not in bytes_beside(path)
    async with opened(path) as store:
        assert await store.get(THINGS, "kept") == Thing("kept", text="is kept")


async def test_a_file_in_use_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with opened(path):
        with pytest.raises(StoreInUse):
            erase(str(path))


def test_what_is_no_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database, and long enough to be taken for one\n" * 100)

    with pytest.raises(StoreUnavailable, match="cannot be written anew"):
        erase(str(tmp_path / "text"))
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        erase(os.devnull + "/below")
