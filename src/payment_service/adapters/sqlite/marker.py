"""A small file beside the database that says which store was here last, and how far it had got.

A start compares: a file that is missing, another store's, or an older copy is then found. What
stands here may lag behind the database, never lead it: it is written after the commit it tells of.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import NamedTuple

# One record of fixed length, written over in place: less than a disk writes at once.
RECORD_BYTES = 128


class Mark(NamedTuple):
    """Which store was here, how many of its transactions are surely in it, and in which file.

    folded: how many are in the database without its write-ahead log.
    """

    store_id: str
    writes: int
    inode: int
    folded: int = 0


class Unreadable(Exception):
    """The marker is there, and says nothing that we understand."""


def marker_path(path: str) -> str:
    """Return where the marker of a database lies."""
    return f"{path}.marker"


def read_mark(path: str) -> Mark | None:
    """Return what the marker of this database says, None without one. Raises Unreadable."""
    try:
        with open(marker_path(path), "rb") as file:  # noqa: PTH123 - as everything here
            said = json.loads(file.read(RECORD_BYTES))
        figures = (int(said["writes"]), int(said["inode"]), int(said.get("folded", 0)))
        return Mark(str(said["store_id"]), *figures)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable(str(error)) from error


def sync_folder(path: str) -> None:
    """Make durable which names are in the folder of this file. Raises OSError."""
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_CLOEXEC)  # noqa: PTH120
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Marker:
    """The marker of an open database, as its writer keeps it. Trouble with it stops nobody."""

    def __init__(self, path: str, store_id: str, inode: int) -> None:
        self._path = path
        self._store_id = store_id
        self._inode = inode
        self.folded = 0
        self._file: int | None = None
        self._is_synced = True

    def begin(self, writes: int) -> None:
        """Put a marker of this store in the place of whatever is there. Raises OSError."""
        new = f"{marker_path(self._path)}.new"
        file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(file, self._record(writes), 0)
            os.fsync(file)
            os.rename(new, marker_path(self._path))  # noqa: PTH104
            sync_folder(self._path)
        except OSError:
            os.close(file)
            raise
        self.close()
        self._file, self._is_synced = file, True

    def note(self, writes: int) -> None:
        """Say how far the store is. That outlives this process, and a power cut once synced."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # it lags behind, which it may
                os.pwrite(self._file, self._record(writes), 0)
                self._is_synced = False

    def disown(self, writes: int) -> None:
        """Say that what lies here is not the store that was: no start may go on with it."""
        self._store_id = ""
        self.note(writes)
        self.sync()

    def keep(self, writes: int) -> None:
        """Put it back in its place if somebody took it away, or put another one there."""
        if self._file is not None and not self._is_in_its_place():
            with contextlib.suppress(OSError):
                self.begin(writes)

    def sync(self) -> None:
        """Make it durable."""
        if self._file is not None and not self._is_synced:
            with contextlib.suppress(OSError):
                os.fsync(self._file)
                self._is_synced = True

    def close(self) -> None:
        """Let go of it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _is_in_its_place(self) -> bool:
        assert self._file is not None
        try:
            there, ours = Path(marker_path(self._path)).stat(), os.fstat(self._file)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _record(self, writes: int) -> bytes:
        mark = Mark(self._store_id, writes, self._inode, self.folded)
        text = json.dumps(mark._asdict())
        return text.ljust(RECORD_BYTES - 1).encode() + b"\n"
