"""Erase what was removed: SQLite leaves the bytes of dropped rows in the file for a while."""

import contextlib
import os
import sqlite3

from payment_service.adapters.sqlite.connecting import connect
from payment_service.adapters.sqlite.lock import take_lock
from payment_service.ports import StoreUnavailable


def erase(path: str) -> None:
    """Write the file anew without what was removed or replaced. Takes as much room again meanwhile.

    Raises StoreInUse when another process has the file, StoreUnavailable when it cannot be written.
    """
    path = os.path.realpath(path)
    try:
        lock = take_lock(path)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be opened for writing: {error.strerror}") from error
    try:
        with contextlib.closing(connect(path, writes=True)) as connection:
            connection.execute("VACUUM")
            # The write-ahead log holds pages of before; emptied, the file alone is what there is.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path} cannot be written anew: {error}") from error
    finally:
        os.close(lock)
