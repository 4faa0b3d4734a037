"""Which file this is: a random id and a write counter inside it, device and inode outside.

The counter goes up in every write transaction. So it says whether a transaction is in the file
whose commit failed, and whether a file is older than the one that was used last.
"""

import secrets
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

# The adapter's own table: no collection may bear its name. Made when it is missing, and ignored by
# a release that does not know it.
TABLE = "store_identity"
_CREATE = (
    f"CREATE TABLE IF NOT EXISTS {TABLE} (id TEXT NOT NULL, writes INTEGER NOT NULL, "
    "written_at INTEGER NOT NULL, lacks_since INTEGER)"
)
_COUNT = f"UPDATE {TABLE} SET writes = writes + 1, written_at = ? WHERE id = ? AND writes = ?"  # noqa: S608


class Identity(NamedTuple):
    """What the file says of itself.

    written_at_ms: the last write, by the clock of the writer. lacks_since_ms: since when writes are
    missing in it, None when none are, 0 when nobody knows.
    """

    store_id: str
    writes: int
    written_at_ms: int
    lacks_since_ms: int | None


def read_identity(connection: sqlite3.Connection) -> Identity | None:
    """Return what the file says, None for one that has never said. Raises sqlite3.Error."""
    known = connection.execute(
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", (TABLE,)
    ).fetchone()
    if known is None:
        return None
    row = connection.execute(f"SELECT id, writes, written_at, lacks_since FROM {TABLE}").fetchone()  # noqa: S608
    return None if row is None else Identity(*row)


def folded_identity(path: str) -> Identity | None:
    """Return what the database says without its write-ahead log. Raises sqlite3.Error."""
    uri = f"{Path(path).absolute().as_uri()}?immutable=1"  # SQLite then looks at this file alone
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        return read_identity(connection)


def make_identity(
    connection: sqlite3.Connection, found: Identity | None, *, lacks_since_ms: int | None
) -> Identity:
    """Give the file an id of its own, in the transaction that is open. Raises sqlite3.Error.

    A file that goes on from another state than the last one is another store: its counter must not
    be compared with the marker of the one before.
    """
    writes = found.writes if found else 0
    made = Identity(secrets.token_hex(16), writes, _now_ms(), lacks_since_ms)
    connection.execute(_CREATE)
    connection.execute(f"DELETE FROM {TABLE}")  # noqa: S608
    connection.execute(f"INSERT INTO {TABLE} VALUES (?, ?, ?, ?)", made)  # noqa: S608
    return made


def lacks_nothing(connection: sqlite3.Connection) -> None:
    """Note in the transaction that is open that what was missing is there. Raises sqlite3.Error."""
    connection.execute(f"UPDATE {TABLE} SET lacks_since = NULL")  # noqa: S608


def count_write(connection: sqlite3.Connection, before: Identity) -> bool:
    """Count the transaction that is open, if it is the one after `before`. Raises sqlite3.Error.

    False: somebody has put another state into the same file.
    """
    values = (_now_ms(), before.store_id, before.writes)
    return connection.execute(_COUNT, values).rowcount == 1


def _now_ms() -> int:
    return int(time.time() * 1000)


class Inodes(NamedTuple):
    """Device and inode of the database and of its write-ahead log, and what changes with them.

    stamp: changes when anything is written to the database, which only a checkpoint does.
    """

    database: tuple[int, int]
    log: tuple[int, int]
    log_bytes: int
    stamp: tuple[int, int]

    def same_files(self, other: "Inodes") -> bool:
        """Whether both are the same two files, whatever stands in them."""
        return self.database == other.database and self.log == other.log


def inodes_at(path: str, real_path: str) -> Inodes:
    """Return what lies at the path now. Raises OSError.

    path: as it was given; it may lead through links, which somebody may turn elsewhere.
    """
    database, log = Path(path).stat(), Path(f"{real_path}-wal").stat()
    return Inodes(
        (database.st_dev, database.st_ino),
        (log.st_dev, log.st_ino),
        log_bytes=log.st_size,
        stamp=(database.st_mtime_ns, database.st_size),
    )
