"""The open file: its connections, which file it is, and what is done after a commit that failed.

Used by the writer's thread alone; the readers' threads borrow their connections from it.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

from payment_service.adapters.sqlite.connecting import connect_all
from payment_service.adapters.sqlite.health import Health, cause_of
from payment_service.adapters.sqlite.identity import (
    Identity,
    Inodes,
    count_write,
    folded_identity,
    inodes_at,
    read_identity,
)
from payment_service.adapters.sqlite.marker import Marker, sync_folder
from payment_service.ports import StoreUnavailable

# What is copied of the write-ahead log at once.
_CHUNK_BYTES = 2**20


class Slot:
    """A reader's connection, lent to its thread for one job at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection: sqlite3.Connection | None = connection
        self._lock = Lock()
        self.why = ""

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[sqlite3.Connection]:
        """Lend it. Raises StoreUnavailable while there is none."""
        with self._lock:
            if self.why or self._connection is None:
                raise StoreUnavailable(self.why or "SQLite: the file is not open.")
            yield self._connection

    def put(self, connection: sqlite3.Connection) -> None:
        """Let it be lent from now on."""
        with self._lock:
            self._connection = connection

    def close(self) -> None:
        """Close it once it is not in use; what is being read is broken off."""
        connection = self._connection
        if connection is None:
            return
        connection.interrupt()
        with self._lock:
            self._connection = None
            connection.close()


class OpenFile:
    """One database file of ours, opened for writing.

    identity: what it said of itself when last read or written. settled: whether it is known of
    every batch if it is in the file.
    """

    def __init__(self, path: str, given_path: str, identity: Identity, health: Health) -> None:
        writer, reader, lister = connect_all(path)
        self.path = path
        self.health = health
        self.identity = identity
        self.settled = True
        self.writer: sqlite3.Connection | None = writer
        self.reader, self.lister = Slot(reader), Slot(lister)
        self._given_path = given_path
        self._inodes = inodes_at(given_path, path)
        _, inode = self._inodes.database
        self.marker = Marker(path, identity.store_id, inode)
        self._stamp: tuple[int, int] | None = None
        # How long the log was when it was looked at, and how many writes had been made by then.
        self._log_seen = (0, 0)
        self._overwritten = ""
        self.lost()

    def show_use(self) -> None:
        """Count a write and fold it: a new file then says without its log that it was used.

        Its marker is written before. Raises sqlite3.Error.
        """
        assert self.writer is not None, "it was opened just now"
        self.writer.execute("BEGIN IMMEDIATE")
        count_write(self.writer, self.identity)
        self.writer.execute("COMMIT")
        self.writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        self.counted()
        self.marker.note(self.identity.writes)
        self.lost()

    def counted(self) -> None:
        """Note that one more transaction is durably in the file."""
        self.identity = self.identity._replace(writes=self.identity.writes + 1)

    def lost(self) -> str:
        """Return why the file that lies at the path is not the one we opened, empty when it is.

        Nobody reads a file that has lost its place: what it shows would be gone after a restart.
        """
        why = ""
        try:
            there = inodes_at(self._given_path, self.path)
        except OSError as error:
            why = f"{self.path} is gone ({error.strerror})"
        else:
            self.health.log_has(there.log_bytes)
            if not there.same_files(self._inodes):
                why = f"{self.path} is not the file any more that was opened"
            elif there.stamp != self._stamp or there.log_bytes < self._log_seen[0]:
                self._look_into(there)
            else:
                self._log_seen = (there.log_bytes, self.identity.writes)
            why = why or self._overwritten
        self.reader.why = self.lister.why = why
        return why

    def was_touched(self) -> bool:
        """Whether the database itself was written to, or its log cut, since it was looked at."""
        try:
            there = inodes_at(self._given_path, self.path)
        except OSError:  # that is said of what is written next
            return False
        is_changed = there.stamp != self._stamp or there.log_bytes < self._log_seen[0]
        return is_changed and there.same_files(self._inodes)

    def _look_into(self, there: Inodes) -> None:
        """After anything was written to the database itself: find out if that was a checkpoint.

        Else somebody has copied another file over it, in place. A checkpoint would then mix both.
        And a log gets shorter only after all of it was folded into the database: else somebody has
        cut it, and no start reads what is written behind the gap.
        """
        try:
            found = folded_identity(self.path)
        except sqlite3.Error:  # half written: look again
            return
        is_ours = found is None or found.store_id == self.identity.store_id
        writes = found.writes if found else 0
        log_bytes, writes_seen = self._log_seen
        is_cut = there.log_bytes < log_bytes and writes < writes_seen
        if self._overwritten or not is_ours or is_cut or writes < self.marker.folded:
            self.was_written_over()
            return
        self._stamp = there.stamp
        self._log_seen = (there.log_bytes, self.identity.writes)
        self.marker.folded = writes

    def was_written_over(self) -> None:
        """Note that this is not what we have written. It is not used again before a restart."""
        self._overwritten = f"{self.path} was written over by somebody else"
        # SQLite folds the log into whatever lies here when the last connection is closed.
        self.marker.disown(self.identity.writes)

    def settle(self) -> bool | None:
        """After a commit that failed: is it in the file? None as long as that cannot be known.

        The kernel tells a failed sync once and then takes the pages for written. So a second sync
        that succeeds proves nothing, unless the bytes were written again before it.
        """
        self.settled = False
        expected = self.identity.writes + 1
        try:
            if self.writer is not None:
                self._make_log_durable(self.writer)
                self._close_all()
            else:
                _write_anew(f"{self.path}-wal")
            found = self._open_anew()
        except (OSError, sqlite3.Error, StoreUnavailable) as error:
            if not self.health.is_failing:  # else the cause is said already
                cause = cause_of(error) if isinstance(error, sqlite3.Error) else "io_error"
                self.health.failed(cause, error)
            return None
        if found is None:
            return None
        self.settled = True
        self.identity = found
        self.marker.note(found.writes)
        return found.writes == expected

    def close(self) -> None:
        """Fold the log into the file and let go of it. Readers were closed before."""
        self.marker.keep(self.identity.writes)
        self.marker.sync()
        self.marker.close()
        if self.writer is not None:
            with contextlib.suppress(sqlite3.Error):  # what is not checkpointed now is when opened
                if self.settled and not self.lost():
                    self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.writer.close()
            self.writer = None

    def _make_log_durable(self, writer: sqlite3.Connection) -> None:
        """Write the log over with what is in it and sync that, with every other writer kept out."""
        if writer.in_transaction:
            writer.execute("ROLLBACK")
        writer.execute("BEGIN IMMEDIATE")
        try:
            _write_anew(f"{self.path}-wal")
        finally:
            writer.execute("ROLLBACK")

    def _close_all(self) -> None:
        """Close every connection: the last one takes what SQLite knows of the log with it."""
        self.reader.close()
        self.lister.close()
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    def _open_anew(self) -> Identity | None:
        """Open the same file again and return what it says; None when it is another one."""
        before = Path(self._given_path).stat()
        self._check(is_ours=(before.st_dev, before.st_ino) == self._inodes.database)
        # SQLite has removed the log if it could; should that come to naught, the log must not
        # come back with what was in it.
        sync_folder(self.path)
        writer, reader, lister = connect_all(self.path)
        try:
            found = read_identity(writer)
            inodes = inodes_at(self._given_path, self.path)
            is_same = inodes.database == self._inodes.database
            self._check(is_ours=is_same and self._goes_on(found))
        except BaseException:
            for connection in (writer, reader, lister):
                connection.close()
            raise
        self._inodes = inodes
        self._log_seen = (0, 0)  # closing has folded it
        self.writer = writer
        self.reader.put(reader)
        self.lister.put(lister)
        return found

    def _check(self, *, is_ours: bool) -> None:
        if not is_ours:
            raise StoreUnavailable(f"{self.path} is not the file any more that was opened")

    def _goes_on(self, found: Identity | None) -> bool:
        """Whether this is what our file may say: with the transaction in doubt, or without it."""
        ours = self.identity
        return (
            found is not None
            and found.store_id == ours.store_id
            and found.writes in {ours.writes, ours.writes + 1}
        )


def _write_anew(path: str) -> None:
    """Write a file over with its own bytes, in place, and sync it. Raises OSError."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:  # removed at the last close: all of it is in the database
        return
    try:
        at = 0
        while chunk := os.pread(file, _CHUNK_BYTES, at):
            if os.pwrite(file, chunk, at) != len(chunk):
                raise OSError(0, "short write")
            at += len(chunk)
        os.fsync(file)
    finally:
        os.close(file)
