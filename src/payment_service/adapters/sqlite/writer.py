"""The writer's thread: what waits is one transaction, and nothing of it is told before it stands.

Until COMMIT is asked for, a failure has changed nothing. From then on it may have: see `settle`.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic, sleep
from typing import Any, TypeVar

from payment_service.adapters.sqlite.health import cause_of, is_of_one_place
from payment_service.adapters.sqlite.identity import count_write, lacks_nothing
from payment_service.adapters.sqlite.lanes import (
    CLOSED,
    Answers,
    Job,
    outcomes_of,
    send,
    unavailable,
)
from payment_service.adapters.sqlite.open_file import OpenFile
from payment_service.ports import StoreInDoubt, StoreUnavailable

T = TypeVar("T")

# What one commit takes along. A write alone costs 0.2 ms of CPU, among 16 a fifth of that, among
# 128 an eighth (bench/store.py); the bound keeps a commit to a few ms, so that the first of a batch
# does not wait for a crowd behind it.
BATCH_MAX = 128
# While writes come quickly, wait this long for company before a commit: at 400 payments a second it
# saves a sixth of all CPU, and so makes waits shorter, not longer. A lone write does not wait.
LINGER_AFTER_S = 0.01
LINGER_S = 0.002
# How often it is looked whether the file is still the one that we opened, writes or not.
LOOK_EVERY_S = 1.0
# Between two tries to find out what became of a failed commit: a disk may heal in a moment, and one
# that does not must not be asked all the time.
SETTLE_MIN_S = 0.2
SETTLE_MAX_S = 5.0
# How far the marker may lag behind after a power cut. After a kill it does not lag at all.
MARK_EVERY_S = 30.0


class Writer:
    """A thread and the file that it writes."""

    def __init__(self, file: OpenFile) -> None:
        self._file = file
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._closed = False
        self._begun_at = 0.0
        self._looked_at = monotonic()
        self._marked_at = monotonic()
        self._settle_at = 0.0
        self._settle_rest_s = SETTLE_MIN_S
        self._why_lost = ""
        self._succeeded_at = 0.0
        # A daemon, because a program that dies without closing must not hang on us.
        self._thread = Thread(target=self._work, name="sqlite-writer", daemon=True)
        self._thread.start()

    @property
    def is_settled(self) -> bool:
        """Whether nothing is in doubt that was told to be."""
        return self._file.settled and not self._why_lost

    def wrote_within(self, seconds: float) -> bool:
        """Whether a write has succeeded so lately, and none failed since."""
        is_recent = monotonic() - self._succeeded_at < seconds
        return is_recent and not self._file.health.is_failing

    def ask(self, run: Callable[..., T], *values: Any) -> "asyncio.Future[T]":
        """Queue it. Cancelling the waiting task does not take it back: it happens all the same.

        Raises StoreUnavailable: nothing of it was done. StoreInDoubt: it may have been.
        """
        if self._closed:
            raise StoreUnavailable(CLOSED)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put(Job(future, run, values))
        return future

    async def caught_up(self) -> None:
        """Mark the file as the one that was used last. Raises StoreUnavailable."""
        await self.ask(lacks_nothing)

        def mark(_: sqlite3.Connection) -> None:
            try:
                self._file.marker.begin(self._file.identity.writes)
            except OSError as error:
                why = f"the marker cannot be written: {error.strerror}"
                raise StoreUnavailable(why) from error

        await self.ask(mark)

    async def close(self) -> None:
        """Let the thread do what is queued and end; it closes the file itself."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        is_open = True
        while is_open:
            batch, is_open = self._next_batch()
            if batch:
                self._begun_at = monotonic()
                send(self._written(batch))
            self._look()
        self._file.close()

    def _next_batch(self) -> tuple[list[Job], bool]:
        """Wait for work, then take what else is there. False: nothing comes after it."""
        batch: list[Job] = []
        try:
            job = self._queue.get(timeout=self._until_look_s())
        except Empty:
            return batch, True
        if monotonic() - self._begun_at < LINGER_AFTER_S:
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

    def _until_look_s(self) -> float:
        at = self._looked_at + LOOK_EVERY_S
        if not self._file.settled:
            at = min(at, self._settle_at)
        return max(at - monotonic(), 0.0)

    def _look(self) -> None:
        """Do what is done from time to time, writes or not."""
        now = monotonic()
        if not self._file.settled and now >= self._settle_at:
            self._settle()
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            self._is_ours()
            self._file.marker.keep(self._file.identity.writes)
        if now - self._marked_at >= MARK_EVERY_S:
            self._marked_at = now
            self._file.marker.sync()

    def _is_ours(self) -> bool:
        """Look whether the file is in its place, and say so when that has changed."""
        why = self._file.lost()
        if why and not self._why_lost:
            self._file.health.failed("file_replaced", why)
        self._why_lost = why
        return not why

    def _written(self, batch: list[Job]) -> Answers:
        """Run the batch as one transaction: all of it is durable before any of it is answered."""
        if self._file.settled and self._file.was_touched():
            self._is_ours()  # else a checkpoint of this batch would mix two files
        if not self._file.settled or self._why_lost:
            why = self._why_lost or "whether the last commit is in the file is not known yet"
            return [(job.future, StoreUnavailable(f"SQLite: {why}")) for job in batch]
        connection = self._file.writer
        assert connection is not None, "a file that is settled is open"
        try:
            connection.execute("BEGIN IMMEDIATE")
            answers = outcomes_of(connection, batch, stop=True)
            if not count_write(connection, self._file.identity):
                connection.execute("ROLLBACK")
                self._file.was_written_over()
                self._is_ours()
                return self._written(batch)  # which is refused now
        except sqlite3.Error as error:
            return self._rolled_back(connection, batch, error)
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if cause_of(error) == "disk_full":
                # A write that had no room: the frame that makes a transaction valid is the last
                # one written, so it is not there. No room at the sync is another error.
                return self._rolled_back(connection, batch, error)
            self._file.health.failed(cause_of(error), error)
            return self._after_failed_commit(answers, error)
        self._file.counted()
        self._file.marker.note(self._file.identity.writes)
        if not self._is_ours():
            return _doubt(answers, self._why_lost)
        self._succeeded_at = monotonic()
        self._file.health.succeeded()
        return answers

    def _rolled_back(
        self, connection: sqlite3.Connection, batch: list[Job], error: sqlite3.Error
    ) -> Answers:
        """Undo what was not committed; try one by one what a damaged page may have failed."""
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:  # nothing was committed, but who knows what this connection holds
            self._settle()
        if len(batch) > 1 and self._file.settled and is_of_one_place(error):
            return [answer for job in batch for answer in self._written([job])]
        if cause_of(error) != "malformed":  # of that the store says which document it was
            self._file.health.failed(cause_of(error), error)
        return [(job.future, unavailable(error)) for job in batch]

    def _after_failed_commit(self, answers: Answers, error: sqlite3.Error) -> Answers:
        is_in = self._settle()
        if is_in is None:
            return _doubt(answers, str(error))
        if is_in:
            return answers
        return [(future, unavailable(error)) for future, _ in answers]

    def _settle(self) -> bool | None:
        """Find out whether the last commit is in the file; when that fails, try again later."""
        is_in = self._file.settle()
        if is_in is None:
            self._settle_at = monotonic() + self._settle_rest_s
            self._settle_rest_s = min(self._settle_rest_s * 2, SETTLE_MAX_S)
        else:
            self._settle_rest_s = SETTLE_MIN_S
        return is_in


def _doubt(answers: Answers, why: str) -> Answers:
    """Return that of none of it is known whether it will stand."""
    return [(future, StoreInDoubt(f"SQLite: {why}")) for future, _ in answers]
