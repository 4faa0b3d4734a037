"""Stands in front of another server's protocol and counts: what is too much never reaches it.

For aiohttp's server, which bounds single headers but neither heads that never end, nor how long
anything takes, nor how many clients there are. A parser of our own reads along and keeps nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httptools
from aiohttp import web

from bounded_connections.room import (
    CHUNKS_MAX,
    FRAMING_MAX,
    FRAMING_PER_BODY_BYTE,
    HEAD_MAX,
    HEADERS_MAX,
    LINGER_S,
    PIPELINED_MAX,
    WRITE_BUFFER_MAX,
    Line,
    Room,
)

# Clients of a development server are few; each idle connection to it costs some 10 KB.
CONNECTIONS_MAX = 1000
# The service keeps idle connections to Stripe for less.
IDLE_S = 75.0
SWEEP_EVERY_S = 0.25
# As many as the system may hold until they are accepted, which is one in a turn of the loop.
BACKLOG = 2048
# As aiohttp's own limit for what a handler reads; what is beyond does not even reach it.
BODY_MAX = 1024 * 1024
# A client that goes on asking with so much unread will never read it.
UNREAD_BY_ONE_MAX = 256 * 1024

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _TooMuch(Exception):
    """Ends the parsing of what came, from within it."""


async def counted(request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
    """Let the connection know that a request is under way while the handler works on it."""
    transport = request.transport
    front = transport.get_protocol() if transport is not None else None
    if not isinstance(front, InFront):
        return await handler(request)
    front.begun()
    try:
        return await handler(request)
    finally:
        front.ended()


@web.middleware
async def counting(request: web.Request, handler: Any) -> web.StreamResponse:
    """Do the same as the middleware of an application. It must be its first."""
    return await counted(request, handler)


class _Bounded(web.BaseRunner):
    """A runner whose sites put `InFront` before each connection."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.room = Room(CONNECTIONS_MAX, lambda _why: None, idle_s=IDLE_S)
        self._sweeping: asyncio.Task[None] | None = None

    @property
    def server(self) -> Any:
        """What makes the protocol of a new connection."""
        behind = super().server
        return None if behind is None else lambda: InFront(behind, self.room)

    async def setup(self) -> None:
        """Begin to end what has waited too long."""
        await super().setup()
        self._sweeping = asyncio.create_task(self._sweep())

    async def cleanup(self) -> None:
        """Stop."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        await super().cleanup()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            self.room.sweep()


class BoundedAppRunner(_Bounded, web.AppRunner):
    """Runs an application whose first middleware is `counting`."""


class BoundedServerRunner(_Bounded, web.ServerRunner):
    """Runs a bare server whose handler is called through `counted`."""

    def __init__(self, handler: Handler, **more: Any) -> None:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return await counted(request, handler)

        super().__init__(web.Server(answer, access_log=None, lingering_time=LINGER_S), **more)


class InFront(asyncio.Protocol):
    """One connection. The server behind it is there from the end of the first head on."""

    def __init__(self, behind: Callable[[], asyncio.Protocol], room: Room) -> None:
        self.line: Line | None = None
        self.held = self.unread = 0
        self.counted = False
        self._make = behind
        self._behind: asyncio.Protocol | None = None
        self._room = room
        self._parser: Any = httptools.HttpRequestParser(self)
        self._early = b""
        self._around = self._body = self._chunks = self._headers = 0
        self._asked = self._answered = self._working = 0
        self._in_body = False
        self._is_over = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a client, if there is room."""
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_BUFFER_MAX)
        if self._room.enter(self):
            self._room.wait(self, self._room.head)
        else:
            self._refuse(b"503 Service Unavailable")

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go."""
        self._is_over = True
        self._room.leave(self)
        if self._behind is not None:
            self._behind.connection_lost(exc)
        self._parser = self._behind = None

    def data_received(self, data: bytes) -> None:
        """Count what came, and hand it on if it is within bounds."""
        if self._is_over:
            return
        if self.unread and self._transport.get_write_buffer_size() > UNREAD_BY_ONE_MAX:
            self._abort()
            return
        self._around += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._is_over = True
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _TooMuch) or self._behind is None:
                self._refuse(b"400 Bad Request")
                return
            self._is_over = True  # the server behind says so in its own words, after its answers
        if not self._keeps_bounds():
            self._refuse(b"431 Request Header Fields Too Large")
            return
        if self._body > BODY_MAX and self._in_body:
            self._refuse(b"413 Content Too Large")
            return
        self._hand_on(data)
        self._settle()

    def eof_received(self) -> bool | None:
        """Tell the server behind."""
        return self._behind.eof_received() if self._behind is not None else None

    def pause_writing(self) -> None:
        """Take nothing more from a client that does not read, and give it some time."""
        self._room.unread_of(self, self._transport.get_write_buffer_size())
        if not self._transport.is_closing():
            self._transport.pause_reading()
        if self._behind is not None:
            self._behind.pause_writing()

    def resume_writing(self) -> None:
        """Go on."""
        self._room.unread_of(self, 0)
        if not self._transport.is_closing():
            self._transport.resume_reading()
        if self._behind is not None:
            self._behind.resume_writing()

    def begun(self) -> None:
        """Hear that the server behind works on a request."""
        self._working += 1
        self._settle()

    def ended(self) -> None:
        """Hear that it has an answer."""
        self._working -= 1
        self._answered += 1
        self._settle()

    def on_message_begin(self) -> None:
        """Count a message more; only so many may wait for their answers."""
        self._headers = 0
        if self._asked - self._answered > PIPELINED_MAX:
            raise _TooMuch

    def on_header(self, _name: bytes, _value: bytes) -> None:
        """Count a header or a trailer."""
        self._headers += 1
        if self._headers > HEADERS_MAX:
            raise _TooMuch

    def on_headers_complete(self) -> None:
        """Begin the body."""
        self._in_body = True
        self._asked += 1
        self._body = self._chunks = self._headers = 0
        self._room.wait(self, None)

    def on_body(self, body: bytes) -> None:
        """Count a part of the body."""
        self._body += len(body)
        self._around -= len(body)
        self._chunks += 1
        if self._chunks > CHUNKS_MAX and self._around > FRAMING_MAX:
            raise _TooMuch

    def on_message_complete(self) -> None:
        """Begin the next."""
        self._in_body = False
        self._around = 0

    def time_is_up(self, line: Line) -> None:
        """End the connection: it has waited there for too long."""
        if line is self._room.head and not self._is_over and self._is_idle():
            self._refuse(b"408 Request Timeout")
        else:
            self._abort()

    def make_room(self, _why: str) -> None:
        """End the connection at once."""
        self._abort()

    def _hand_on(self, data: bytes) -> None:
        if self._behind is None:
            self._early += data
            if not self._asked:
                return
            data, self._early = self._early, b""
            self._behind = self._make()
            self._behind.connection_made(self._transport)
        self._behind.data_received(data)

    def _keeps_bounds(self) -> bool:
        limit = HEAD_MAX
        if self._in_body:
            limit += FRAMING_MAX + FRAMING_PER_BODY_BYTE * self._body
            self._chunks -= bool(self._chunks)  # one for each read is the network's doing
        return self._around <= limit

    def _is_idle(self) -> bool:
        return self._asked == self._answered

    def _settle(self) -> None:
        room = self._room
        if not self.counted:
            return
        if self._is_over:
            room.hold(self, 0)
            room.wait(self, None if self._working else room.linger)
        elif self._is_idle():
            room.hold(self, 0 if self._in_body else self._around)
            if self._in_body:
                room.wait(self, room.linger)
            else:
                waits_for_head = self._around or self.line is room.head
                room.wait(self, room.head if waits_for_head else room.idle)
        else:
            room.wait(self, room.body if self._in_body else None)
            room.hold(self, self._around + self._body if self._in_body else 0)

    def _refuse(self, status: bytes) -> None:
        """Refuse what comes and whatever follows it."""
        self._is_over = True
        if self._asked - self._answered > int(self._in_body):
            self._settle()
            return  # what is under way is answered first, and is the last
        if not (self._in_body and self._is_idle()):  # else it has its answer
            self._transport.write(
                b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status
            )
        self._room.hold(self, 0)
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._room.wait(self, self._room.linger)

    def _abort(self) -> None:
        self._is_over = True
        self._transport.abort()
