"""Open the file of before, or find that it is not the one: missing, another store's, or older.

Whoever goes on with an older copy does not know of charges that were made since, and would make
them again. So such a start is refused, or accepted by somebody who says so: then `Outdated` tells
since when Stripe must be asked, and the marker stays as it is until that is done.
"""

import os
import sqlite3
import stat
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from payment_service.adapters.sqlite import schema
from payment_service.adapters.sqlite.connecting import connect
from payment_service.adapters.sqlite.errors import StoreHasTwoNames
from payment_service.adapters.sqlite.health import Health
from payment_service.adapters.sqlite.identity import (
    Identity,
    folded_identity,
    make_identity,
    read_identity,
)
from payment_service.adapters.sqlite.marker import Mark, Unreadable, marker_path, read_mark
from payment_service.adapters.sqlite.open_file import OpenFile
from payment_service.ports import StoreOutdated


@dataclass(frozen=True, slots=True)
class Outdated:
    """The file lacks what was written after this time; None: nothing is known of before either."""

    since: datetime | None


@dataclass(frozen=True, slots=True)
class Opened:
    """The file, and what it lacks, if anything."""

    file: OpenFile
    outdated: Outdated | None


def open_checked(path: str, given_path: str, *, accept_outdated: bool) -> Opened:
    """Open the file, which nobody else has.

    Raises StoreOutdated unless that is accepted, StoreHasTwoNames, NotOurStore, StoreTooNew,
    StoreUnavailable, OSError, sqlite3.Error.
    """
    _check_names(path)
    mark, why = _mark_of(path)
    gone = _not_there(path, mark)
    why = why or gone
    if why:
        _refuse(path, why, accepted=accept_outdated)
    if gone:
        _put_log_aside(path)
    # Nobody else may read payments.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    found = _identity_in(path)
    why = why or _difference(found, mark)
    if not why:
        file = OpenFile(path, given_path, found or _sign(path, None, lacks_since_ms=None), Health())
        file.marker.begin(file.identity.writes)
        if not file.identity.writes:
            file.show_use()
        return Opened(file, None)
    _refuse(path, why, accepted=accept_outdated)
    signed = _sign(path, found, lacks_since_ms=_lacks_since_ms(found))
    since_ms = signed.lacks_since_ms
    since = datetime.fromtimestamp(since_ms / 1000, UTC) if since_ms else None
    return Opened(OpenFile(path, given_path, signed, Health()), Outdated(since))


def _check_names(path: str) -> None:
    """Refuse a file that has hard links: by another name it has another lock, log and marker."""
    with suppress(FileNotFoundError):
        found = Path(path).stat()
        if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
            raise StoreHasTwoNames(
                f"{path} has another name as well (a hard link), by which a second process could "
                "use it unnoticed. Remove the other one: what `ls -i` shows the same number for."
            )


def _lacks_since_ms(found: Identity | None) -> int:
    if found is None:
        return 0
    return found.written_at_ms if found.lacks_since_ms is None else found.lacks_since_ms


def _mark_of(path: str) -> tuple[Mark | None, str]:
    """Return what the marker says, or why it says nothing."""
    try:
        return read_mark(path), ""
    except Unreadable as error:
        return None, f"its marker cannot be read ({error})"


def _not_there(path: str, mark: Mark | None) -> str:
    """Return why the file surely is not the one of before, without opening it, else nothing."""
    if mark is None:
        return ""
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        return "it is missing, and was here before"
    if not _log_of(path):
        return ""
    if found.st_ino != mark.inode:
        return "it was replaced, and the write-ahead log beside it is of the file that was here"
    with suppress(sqlite3.Error):  # a checkpoint that was broken off: the log makes it whole
        folded = folded_identity(path)
        if folded is None or folded.store_id != mark.store_id or folded.writes < mark.folded:
            return "it was written over, and the write-ahead log beside it is of what was there"
    return ""


def _log_of(path: str) -> Path | None:
    """Return the write-ahead log that SQLite would take for this file's, None when it is empty."""
    log = Path(f"{path}-wal")
    return log if log.exists() and log.stat().st_size else None


def _put_log_aside(path: str) -> None:
    """Keep SQLite from writing one file's log into another, which would spoil it unnoticed."""
    log = _log_of(path)
    if log is not None:
        log.rename(f"{log}.left-behind")


def _identity_in(path: str) -> Identity | None:
    """Return what the file says of itself. It is looked at before anything is written to it."""
    with closing(connect(path, writes=False)) as connection:
        schema.check_owner(connection, path)
        return read_identity(connection)


def _sign(path: str, found: Identity | None, *, lacks_since_ms: int | None) -> Identity:
    """Give an identity to a file that has none, or that goes on from an older state."""
    with closing(connect(path, writes=True)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        schema.sign(connection)
        made = make_identity(connection, found, lacks_since_ms=lacks_since_ms)
        connection.execute("COMMIT")
        return made


def _difference(found: Identity | None, mark: Mark | None) -> str:
    """Return in what the file is not the one that the marker tells of, empty when it is."""
    if found is not None and found.lacks_since_ms is not None:
        return "what it lacks has not been read from Stripe to the end"
    if mark is None:
        # Whoever dies between signing a new file and marking it has written nothing yet.
        was_used = found is not None and found.writes > 0
        return "it was used before, and its marker is not beside it" if was_used else ""
    if found is None or found.store_id != mark.store_id:
        return "it is not the database that was here before"
    if found.writes < mark.writes:
        return (
            f"it is an older copy: it has seen {found.writes} writes, and {mark.writes} were made"
        )
    return ""


def _refuse(path: str, why: str, *, accepted: bool) -> None:
    if not accepted:
        raise StoreOutdated(
            f"{path}: {why}. Payments may be missing in it that were charged, and would be charged "
            "again. Put the right file back. If it is lost, start once with "
            "SQLITE_ACCEPT_OUTDATED=true: what is missing is then read from Stripe before any "
            f"request is let in. ({marker_path(path)} says what was here.)"
        )
