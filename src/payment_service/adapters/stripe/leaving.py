"""The last moment before a request leaves, at which it must still be ours to send.

A request may wait for its turn and for a connection, and a process may stand still in between. The
SDK has no parameter for it, so the question travels with the task that asks.
"""

from contextvars import ContextVar
from types import SimpleNamespace

import aiohttp

from payment_service.ports import LeaveWhile

_LEAVE_WHILE: ContextVar[LeaveWhile | None] = ContextVar("leave_while", default=None)


class NotLeft(Exception):
    """The request was not sent: what gave the right to send it is over."""


def let_leave(leave_while: LeaveWhile | None) -> None:
    """Let what this task sends from now on leave only while this says so; None: whatever it is.

    It is not taken back afterwards: every request begins by saying it anew.
    """
    _LEAVE_WHILE.set(leave_while)


def check_leaving() -> None:
    """Return when a request may leave now. Raises NotLeft. For whoever sends, as its last step."""
    leave_while = _LEAVE_WHILE.get()
    if leave_while is not None and not leave_while():
        raise NotLeft


def last_check() -> aiohttp.TraceConfig:
    """Return what makes a session check when it has a connection, before it writes to it."""
    trace = aiohttp.TraceConfig()

    async def check(
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        _sent: aiohttp.TraceRequestHeadersSentParams,
    ) -> None:
        check_leaving()

    trace.on_request_headers_sent.append(check)
    return trace
