"""Whether the database does its work: said once when it begins to fail and once when that is over.

The numbers are the process's; a process has one database.
"""

import sqlite3
from functools import cache

import structlog
from prometheus_client import Counter, Gauge

_log = structlog.get_logger("sqlite")

FAILURES = Counter(
    "payment_service_database_failures",
    "Times that the SQLite file began to fail, or a document could not be read, by cause.",
    ["cause"],
)
# A log of this length is no crowd: somebody else holds a read transaction open.
LOG_BYTES_MAX = 64 * 2**20
# Documents that cannot be read and are named in the log; of more the count is enough.
UNREADABLE_NAMED_MAX = 1000


@cache
def _up() -> Gauge:
    """Made with the first file: a process on MongoDB has none, and must not show it as down."""
    return Gauge(
        "payment_service_database_up",
        "1 while the SQLite file takes writes, 0 from a failed one to the next that succeeds.",
    )


@cache
def _log_bytes() -> Gauge:
    return Gauge(
        "payment_service_database_wal_bytes", "Length of the SQLite file's write-ahead log."
    )


_CAUSES = {
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_IOERR: "io_error",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_CANTOPEN: "cannot_open",
    sqlite3.SQLITE_CORRUPT: "malformed",
    sqlite3.SQLITE_NOTADB: "malformed",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
}
# What concerns one place of the file and not all of it.
_OF_ONE_PLACE = frozenset({"io_error", "malformed"})


def cause_of(error: sqlite3.Error) -> str:
    """Return in one word why SQLite could not."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_IOERR_FSYNC:
        return "sync_failed"
    return _CAUSES.get((code or 0) & 0xFF, "other")  # the low byte is the kind


def is_of_one_place(error: BaseException | None) -> bool:
    """Whether a part of the file cannot be read, and the rest perhaps can."""
    return isinstance(error, sqlite3.Error) and cause_of(error) in _OF_ONE_PLACE


class Health:
    """What is known of one open file."""

    def __init__(self) -> None:
        self._causes: set[str] = set()
        self._named: set[tuple[str, str]] = set()
        self._log_is_long = False
        _up().set(1)

    @property
    def is_failing(self) -> bool:
        """Whether the last write failed."""
        return bool(self._causes)

    def failed(self, cause: str, why: object) -> None:
        """Note that writes fail. Each cause is told once until writes succeed again."""
        if cause not in self._causes:
            self._causes.add(cause)
            _up().set(0)
            FAILURES.labels(cause).inc()
            _log.error("database.failed", cause=cause, error=str(why))

    def succeeded(self) -> None:
        """Note that a write is durable."""
        if self._causes:
            _log.info("database.recovered", causes=sorted(self._causes))
            self._causes.clear()
            _up().set(1)

    def unreadable(self, collection: str, name: str, error: sqlite3.Error) -> None:
        """Note that a document, or what is found by this, cannot be read though others can."""
        cause = cause_of(error)
        FAILURES.labels(cause).inc()
        place = (collection, name)
        if place not in self._named and len(self._named) < UNREADABLE_NAMED_MAX:
            self._named.add(place)
            _log.error(
                "database.unreadable", collection=collection, id=name, cause=cause, error=str(error)
            )

    def log_has(self, length: int) -> None:
        """Note how long the write-ahead log is; say it once when that is too long."""
        _log_bytes().set(length)
        is_long = length > LOG_BYTES_MAX
        if is_long and not self._log_is_long:
            _log.warning("database.wal_too_long", bytes=length)
        self._log_is_long = is_long
