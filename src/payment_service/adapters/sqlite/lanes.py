"""Where SQL runs: on a thread that owns its connection, or at once for a store in memory.

A lane knows nothing of documents. It takes a function and its values, and gives back what came of
it. The lane that writes to a file is in `writer.py`.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, Protocol, TypeVar

from payment_service.ports import StoreUnavailable

T = TypeVar("T")

# Faults of one statement, found before it changed anything: the rest of the batch goes on.
OWN_FAULTS = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
)
CLOSED = "The store is closed."


class Lane(Protocol):
    """Somewhere to run a function on a connection."""

    def ask(self, run: Callable[..., T], *values: Any) -> Awaitable[T]:
        """Run `run(connection, *values)`. Raises StoreUnavailable when the database cannot."""
        ...

    async def close(self) -> None:
        """Do what was asked before, then close the connection."""
        ...


class WriterLane(Lane, Protocol):
    """The lane that writes."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing is in doubt that was told to be."""
        ...

    def wrote_within(self, seconds: float) -> bool:
        """Whether a write has succeeded so lately, and none failed since."""
        ...

    async def caught_up(self) -> None:
        """Mark the file as the one that was used last."""
        ...


def rows(connection: sqlite3.Connection, sql: str, values: tuple[Any, ...]) -> list[Any]:
    """Read."""
    return connection.execute(sql, values).fetchall()


def changed(connection: sqlite3.Connection, sql: str, values: tuple[Any, ...]) -> int:
    """Write; return how many rows it touched."""
    return connection.execute(sql, values).rowcount


class Inline:
    """Everything at once, on the caller's thread: for a store in memory."""

    is_settled = True

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection: sqlite3.Connection | None = connection

    async def ask(self, run: Callable[..., T], *values: Any) -> T:
        """Run it now, without giving way to any other task."""
        if self._connection is None:
            raise StoreUnavailable(CLOSED)
        try:
            return run(self._connection, *values)
        except OWN_FAULTS:
            raise
        except sqlite3.Error as error:
            raise unavailable(error) from error

    def wrote_within(self, seconds: float) -> bool:  # noqa: ARG002 - as the lane says
        """There is no disk that could fail: writing proves nothing."""
        return self._connection is not None

    async def caught_up(self) -> None:
        """Nothing of it was ever used before."""

    async def close(self) -> None:
        """Close the connection, and with it everything in it is gone."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Job(NamedTuple):
    """What is to be run, and who waits for it."""

    future: "asyncio.Future[Any]"
    run: Callable[..., Any]
    values: tuple[Any, ...]


# Whoever waits and the result, or the exception that is the result.
Answers = list[tuple["asyncio.Future[Any]", Any]]
Borrow = Callable[[], contextlib.AbstractContextManager[sqlite3.Connection]]


class ReaderLane:
    """A thread that reads. It borrows the connection for each job, for that may be exchanged."""

    def __init__(self, name: str, borrow: Borrow, close: Callable[[], None]) -> None:
        self._borrow = borrow
        self._close_connection = close
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._closed = False
        # A daemon, because a program that dies without closing must not hang on us.
        self._thread = Thread(target=self._work, name=f"sqlite-{name}", daemon=True)
        self._thread.start()

    def ask(self, run: Callable[..., T], *values: Any) -> "asyncio.Future[T]":
        """Queue it."""
        if self._closed:
            raise StoreUnavailable(CLOSED)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put(Job(future, run, values))
        return future

    async def close(self) -> None:
        """Let the thread do what is queued and end."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while job := self._queue.get():
            try:
                with self._borrow() as connection:
                    answers = outcomes_of(connection, [job])
            except StoreUnavailable as error:
                answers = [(job.future, error)]
            send(answers)
        self._close_connection()


def outcomes_of(
    connection: sqlite3.Connection, batch: Iterable[Job], *, stop: bool = False
) -> Answers:
    """Run the jobs one by one. stop: let through what the database cannot do for any."""
    answers: Answers = []
    for future, run, values in batch:
        outcome: Any
        try:
            outcome = run(connection, *values)
        except OWN_FAULTS as error:
            outcome = error
        except sqlite3.Error as error:
            if stop:
                raise
            outcome = unavailable(error)
        # The thread must outlive whatever it was given; the fault goes to whoever gave it.
        except Exception as error:  # noqa: BLE001
            outcome = error
        answers.append((future, outcome))
    return answers


def unavailable(error: sqlite3.Error) -> StoreUnavailable:
    """Return that the database could not, and why; nothing was done."""
    told = StoreUnavailable(f"SQLite: {error}")
    told.__cause__ = error
    return told


def send(answers: Answers) -> None:
    """Hand the answers to their loops, with one call for each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, Answers] = {}
    for answer in answers:
        by_loop.setdefault(answer[0].get_loop(), []).append(answer)
    for loop, its_answers in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, its_answers)


def _resolve(answers: Answers) -> None:
    for future, outcome in answers:
        if future.done():  # its task was cancelled
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
