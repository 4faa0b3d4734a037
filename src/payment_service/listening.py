"""Opens ports and serves applications on them; when to stop is ours to say, not a server's."""

import asyncio
import contextlib
import errno
import socket
import sys
from collections.abc import Iterator
from typing import Any

import uvicorn

from payment_service.logs import SERVER_NAME

# As many connections as the kernel may hold while one event loop turn accepts.
BACKLOG = 2048
# Above the 60 s for which balancers keep idle connections: the server must not close first.
KEEP_ALIVE_S = 75
# New clients that one turn takes. Under overload a turn takes 30 ms: that is a thousand a second.
ACCEPTS_A_TURN = 32
# For Stripe, the OrderService, the database, the listening sockets and the log.
OTHER_FILES = 500


class StartError(Exception):
    """The process cannot start, for a reason that the operator can mend."""


class PlainServer(uvicorn.Server):
    """uvicorn without its signal handlers.

    name: what the lines of the log call it, to tell several in one process apart.
    """

    def __init__(self, config: uvicorn.Config, name: str) -> None:
        super().__init__(config)
        self._name = name

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `should_exit`. Its connections inherit its name."""
        before = SERVER_NAME.set(self._name)
        try:
            await super().serve(sockets)
        finally:
            SERVER_NAME.reset(before)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def plain_config(
    app: Any,
    *,
    grace_s: float,
    connections: type[asyncio.Protocol] | None = None,
) -> uvicorn.Config:
    """Return how an application is served: nothing logged but by us, and nothing said of us.

    connections: the protocol that each one speaks, uvicorn's own without it.
    """
    return uvicorn.Config(
        app,
        http=connections or "httptools",
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_S,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        backlog=BACKLOG,
        timeout_graceful_shutdown=int(grace_s) or 1,
    )


def listen(host: str, port: int, *, setting: str) -> socket.socket:
    """Return a socket that is bound to the port. Raises StartError that names the setting."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        why = "is in use" if taken else f"cannot be used: {error.strerror}"
        raise StartError(f"port {port} on {host} {why}; set {setting} to another one") from error
    return listener


def allow_files(wanted: int) -> int:
    """Raise the system's limit on open files of this process as far as needed; return it.

    Systems begin with a thousand and let a process have more for the asking.
    """
    if sys.platform == "win32":
        return wanted  # has no such limit
    import resource  # noqa: PLC0415 - not there on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def shared(listener: socket.socket) -> list[socket.socket]:
    """Return the socket so often that one turn of the loop accepts as many connections.

    The loop accepts one of each socket in a turn. When turns are long new clients would wait for
    seconds, and those that are to be refused as well.
    """
    return [listener, *(listener.dup() for _ in range(ACCEPTS_A_TURN - 1))]
