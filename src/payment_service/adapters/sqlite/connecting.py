"""Open a connection to the file, and have SQLite keep on it what we promise of every write."""

import contextlib
import sqlite3

from payment_service.adapters.sqlite import schema
from payment_service.ports import StoreUnavailable

# How long SQLite waits for somebody else's lock (a backup, a person with a shell) before we say
# that the store is unavailable: shorter than any caller's patience.
BUSY_TIMEOUT_S = 5.0
# What the write-ahead log is cut back to after a checkpoint. SQLite begins one at 4 MB, so more is
# left only by a crowd, or by somebody else who held a read transaction for long.
WAL_KEPT_BYTES = 16 * 2**20
# Held by tests, which read them from the store's own connections.
# synchronous 2 is FULL: a commit returns after the log is synced. The two fullfsync make macOS
# flush the drive's own cache as well and do nothing elsewhere. cell_size_check finds a damaged page
# when it is read, before what is on it is believed.
PRAGMAS = {
    "synchronous": 2,
    "fullfsync": 1,
    "checkpoint_fullfsync": 1,
    "journal_size_limit": WAL_KEPT_BYTES,
    "cell_size_check": 1,
}


def connect(path: str, *, writes: bool) -> sqlite3.Connection:
    """Return a connection that may be used by one thread at a time. Raises sqlite3.Error."""
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        for name, value in PRAGMAS.items():
            connection.execute(f"PRAGMA {name} = {value}")
        if not writes:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_all(path: str) -> tuple[sqlite3.Connection, sqlite3.Connection, sqlite3.Connection]:
    """Return the writer's, the reader's and the lister's connection to a file of ours.

    Raises NotOurStore, StoreTooNew, StoreUnavailable, sqlite3.Error.
    """
    with contextlib.ExitStack() as opened:

        def one(*, writes: bool) -> sqlite3.Connection:
            return opened.enter_context(contextlib.closing(connect(path, writes=writes)))

        writer = one(writes=True)
        schema.check_owner(writer, path)
        (mode,) = writer.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreUnavailable(f"{path} lies where SQLite cannot keep a write-ahead log.")
        # Opens the log, so that it is there to be recognised from now on.
        writer.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        connections = (writer, one(writes=False), one(writes=False))
        opened.pop_all()
        return connections
