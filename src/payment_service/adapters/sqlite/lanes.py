"""Where SQL runs: on a thread that owns its connection, or at once for a store in memory.

A lane knows nothing of documents. It takes a function and its values, and gives back what came of
it; what waits while it is busy is done together. For the writer that is group commit.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic, sleep
from typing import Any, NamedTuple, Protocol, TypeVar

from payment_service.ports import StoreUnavailable

T = TypeVar("T")

# What one commit takes along. A write alone costs 0.2 ms of CPU, among 16 a fifth of that, among
# 128 an eighth (bench/store.py); the bound keeps a commit to a few ms, so that the first of a batch
# does not wait for a crowd behind it.
BATCH_MAX = 128

# Faults of one statement, found before it changed anything: the rest of the batch goes on.
_OWN_FAULTS = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
)
_CLOSED = "The store is closed."


class Lane(Protocol):
    """Somewhere to run a function on a connection."""

    def ask(self, run: Callable[..., T], *values: Any) -> Awaitable[T]:
        """Run `run(connection, *values)`. Raises StoreUnavailable when the database cannot."""
        ...

    async def close(self) -> None:
        """Do what was asked before, then close the connection."""
        ...


def rows(connection: sqlite3.Connection, sql: str, values: tuple[Any, ...]) -> list[Any]:
    """Read."""
    return connection.execute(sql, values).fetchall()


def changed(connection: sqlite3.Connection, sql: str, values: tuple[Any, ...]) -> int:
    """Write; return how many rows it touched."""
    return connection.execute(sql, values).rowcount


class Inline:
    """Everything at once, on the caller's thread: for a store in memory."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection: sqlite3.Connection | None = connection

    async def ask(self, run: Callable[..., T], *values: Any) -> T:
        """Run it now, without giving way to any other task."""
        if self._connection is None:
            raise StoreUnavailable(_CLOSED)
        try:
            return run(self._connection, *values)
        except _OWN_FAULTS:
            raise
        except sqlite3.Error as error:
            raise _unavailable(error) from error

    async def close(self) -> None:
        """Close the connection, and with it everything in it is gone."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


# While writes come quickly, wait this long for company before a commit: at 400 payments a second it
# saves a sixth of all CPU, and so makes waits shorter, not longer. A lone write does not wait.
LINGER_AFTER_S = 0.01
LINGER_S = 0.002


class _Job(NamedTuple):
    future: "asyncio.Future[Any]"
    run: Callable[..., Any]
    values: tuple[Any, ...]


# A job and its result, or the exception that is its result.
_Answer = tuple["asyncio.Future[Any]", Any]


class ThreadLane:
    """A thread and its connection. `writes`: each batch is one transaction."""

    def __init__(self, name: str, connection: sqlite3.Connection, *, writes: bool) -> None:
        self._connection = connection
        self._writes = writes
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._closed = False
        self._committed_at = 0.0
        # A daemon, because a program that dies without closing must not hang on us.
        self._thread = Thread(target=self._work, name=f"sqlite-{name}", daemon=True)
        self._thread.start()

    def ask(self, run: Callable[..., T], *values: Any) -> "asyncio.Future[T]":
        """Queue it. Cancelling the waiting task does not take it back: it happens all the same."""
        if self._closed:
            raise StoreUnavailable(_CLOSED)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put(_Job(future, run, values))
        return future

    async def close(self) -> None:
        """Let the thread do what is queued and end; it closes its connection itself."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        is_open = True
        while is_open:
            batch, is_open = self._next_batch()
            if batch:
                self._committed_at = monotonic()
                _send(self._together(batch) if self._writes else self._each(batch))
        with contextlib.suppress(sqlite3.Error):  # what is not checkpointed now is when opened
            if self._writes:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    def _next_batch(self) -> tuple[list[_Job], bool]:
        """Wait for work, then take what else is there. False: nothing comes after it."""
        batch: list[_Job] = []
        job = self._queue.get()
        if self._writes and monotonic() - self._committed_at < LINGER_AFTER_S:
            sleep(LINGER_S)
        while job is not None:
            batch.append(job)
            if len(batch) == BATCH_MAX:
                return batch, True
            try:
                job = self._queue.get_nowait()
            except Empty:
                return batch, True
        return batch, False

    def _together(self, batch: list[_Job]) -> list[_Answer]:
        """Run the batch as one transaction: all of it is durable before any of it is answered."""
        try:
            if self._connection.in_transaction:  # left over from a failure that would not roll back
                self._connection.execute("ROLLBACK")
            self._connection.execute("BEGIN IMMEDIATE")
            answers = self._each(batch, stop=True)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            return [(job.future, _unavailable(error)) for job in batch]
        return answers

    def _each(self, batch: list[_Job], *, stop: bool = False) -> list[_Answer]:
        """Run the jobs one by one. stop: let through what the database cannot do for any."""
        answers: list[_Answer] = []
        for future, run, values in batch:
            outcome: Any
            try:
                outcome = run(self._connection, *values)
            except _OWN_FAULTS as error:
                outcome = error
            except sqlite3.Error as error:
                if stop:
                    raise
                outcome = _unavailable(error)
            # The thread must outlive whatever it was given; the fault goes to whoever gave it.
            except Exception as error:  # noqa: BLE001
                outcome = error
            answers.append((future, outcome))
        return answers

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):  # tried again before the next batch
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _unavailable(error: sqlite3.Error) -> StoreUnavailable:
    return StoreUnavailable(f"SQLite: {error}")


def _send(answers: list[_Answer]) -> None:
    """Hand the answers to their loops, with one call for each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Answer]] = {}
    for answer in answers:
        by_loop.setdefault(answer[0].get_loop(), []).append(answer)
    for loop, its_answers in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, its_answers)


def _resolve(answers: list[_Answer]) -> None:
    for future, outcome in answers:
        if future.done():  # its task was cancelled
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
