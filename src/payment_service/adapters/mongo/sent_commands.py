"""Whether a write left this process: what the driver's errors alone do not tell.

An error may mean that no connection could be had, that the pool is paused, that a queue was too
long, or that the answer was lost. Only the last leaves doubt, and only the driver's own report that
it sends a command tells them apart, whatever the errors are called.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

_WRITES = frozenset({"insert", "update", "delete"})


@dataclass(slots=True)
class Attempt:
    """One try of a call. sent: a write left us, and no answer said that it changed nothing."""

    sent: bool = False


_current: ContextVar[Attempt | None] = ContextVar("mongo_attempt", default=None)


@contextmanager
def attempt() -> Iterator[Attempt]:
    """Watch what is sent from here on, in this task and those that it starts."""
    begun = Attempt()
    token = _current.set(begun)
    try:
        yield begun
    finally:
        _current.reset(token)


class SentCommands(CommandListener):
    """Notes for the attempt under way that its write is sent, and that it changed nothing."""

    def started(self, event: CommandStartedEvent) -> None:
        """Take note: from here on the server may hear of it."""
        current = _current.get()
        if current is not None and event.command_name in _WRITES:
            current.sent = True

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Take note of an answer that says: none inserted, matched or deleted."""
        current = _current.get()
        if current is not None and event.command_name in _WRITES and event.reply.get("n") == 0:
            current.sent = False

    def failed(self, event: CommandFailedEvent) -> None:
        """Leave it open: what the failure means is told by the exception."""
