"""One connection of a client, within bounds: the server's protocol, with what it lacks.

uvicorn's own has no limit on headers, trailers and chunk extensions, none on the time they take,
and waits for ever for a client that does not read. What is refused here never becomes a request: it
costs a parse and a write. What it relies on inside uvicorn is in `tests/house/test_server.py`.
"""

import asyncio
from collections import deque
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bounded_connections.room import (
    CHUNKS_MAX,
    FRAMING_MAX,
    FRAMING_PER_BODY_BYTE,
    HEAD_MAX,
    HEADERS_MAX,
    PIPELINED_MAX,
    URL_MAX,
    WRITE_BUFFER_MAX,
    Line,
)
from payment_service.api.connection_cuts import Cut, too_large, too_many, too_much_around
from payment_service.api.gatehouse import CUT, Gatehouse
from payment_service.api.problems import (
    HeadersTooSlow,
    MalformedRequest,
    Overloaded,
    problem,
)
from payment_service.api.raw_answers import SHOW, last_answer, shed_answer
from payment_service.api.request_ids import sane_request_id
from payment_service.domain.errors import Refusal
from payment_service.ports import Unavailable

# What a request weighs that waits for the answer before its own, measured.
QUEUED_SIZE = 6 * 1024
# With any of these a probe is no plain one, and is answered like other requests.
_NOT_PLAIN = frozenset({b"origin", b"content-length", b"transfer-encoding", b"expect"})


def connections_of(gatehouse: Gatehouse) -> type[HttpToolsProtocol]:
    """Return the protocol for uvicorn's `http` setting; all its connections share the gatehouse."""

    class Bound(Connection):
        shared = gatehouse

    return Bound


class Connection(HttpToolsProtocol):
    """A connection of one client. Use `connections_of`.

    Of each message all bytes are counted that are not its body: before the end of the head they may
    be HEAD_MAX, then FRAMING_MAX more, and some for each byte of the body.
    """

    shared: Gatehouse

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.headers = []
        self.line: Line | None = None
        self.held = self.unread = 0
        self.counted = False
        self._around = 0  # bytes of the message at hand that are not its body
        self._body = self._chunks = self._heads = self._trailers = 0
        self._in_body = False
        self._is_over = False
        self._begins_when_read = False  # the next of the pipeline
        self._is_last = False  # the answer that is under way; what came behind it is forgotten
        self._skips = False  # the request at hand is refused; its body is passed over

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a client, if there is room."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=WRITE_BUFFER_MAX)
        if self.shared.room.enter(self):
            self.shared.room.wait(self, self.shared.room.head)
        else:
            self._end(Overloaded("too many connections"), "no_room")

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go."""
        self._is_over = True
        self.shared.room.leave(self)
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, within bounds."""
        if self._is_over:
            return
        self._unset_keepalive_if_required()
        self._around += len(data)
        self._heads = 0
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # there is nothing else: it is answered, and the last
            if not self._is_idle():
                self.cycle.keep_alive = False
            self._is_over = True
        except httptools.HttpParserError as error:
            self._not_http(error.__context__)
        else:
            self._keep_bounds()
        self._settle()

    def on_message_begin(self) -> None:
        """Begin the next message; only so many may come at once."""
        self._heads += 1
        if self._heads > PIPELINED_MAX + 1:
            raise too_many()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header. A trailer is none: it comes after whoever reads them has read them."""
        if self._in_body:
            self._trailers += 1
            if self._trailers > HEADERS_MAX:
                raise too_much_around("There are too many trailers.")
            return
        if len(self.headers) >= HEADERS_MAX:
            raise too_large(self.url, "There are too many headers.")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin the request, refuse it, or end the connection."""
        size = len(self.url)
        if self._around > HEAD_MAX:  # with what came behind it, maybe
            size += sum(len(name) + len(value) for name, value in self.headers)
        if len(self.url) > URL_MAX or size > HEAD_MAX:
            raise too_large(self.url)
        # Short answers would pile up before a client that does not read.
        if len(self.pipeline) >= PIPELINED_MAX or (self.flow.write_paused and self._is_idle()):
            raise too_many()
        self.shared.room.wait(self, None)
        self._in_body = True
        self._body = self._chunks = self._trailers = 0
        if not self._is_idle():
            super().on_headers_complete()
        elif self._is_answered_at_once():
            self._skips = True
        elif self.shared.lets_in(self.url, len(self.tasks)):
            super().on_headers_complete()
        else:
            self._shed()

    def on_body(self, body: bytes) -> None:
        """Hand on a part of the body, unless its request was refused."""
        self._body += len(body)
        self._around -= len(body)
        self._chunks += 1
        if self._chunks > CHUNKS_MAX and self._around > FRAMING_MAX:
            raise too_much_around("The body comes in too many chunks.")
        if not self._is_over and not self._skips:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Hand on that the request is there."""
        self._in_body = False
        self._around = 0  # what came with it of the next is measured when that is there
        if not self._skips and not self._is_over:
            super().on_message_complete()
        self._skips = False

    def pause_writing(self) -> None:
        """Take nothing more from a client that does not read, and give it some time."""
        super().pause_writing()
        self.flow.pause_reading()
        self.shared.room.unread_of(self, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        self.shared.room.unread_of(self, 0)
        if self._begins_when_read:
            self._begins_when_read = False
            self.shared.begin_later(self.begin_next)
        elif not self.pipeline and not self.transport.is_closing():
            self.flow.resume_reading()

    def begin_next(self) -> None:
        """Begin the next request of those that came without waiting for answers."""
        if self.flow.write_paused:
            self._begins_when_read = True
        elif self.pipeline and not self.transport.is_closing():
            self._start_asgi_task(*self.pipeline.pop())
            if not self.pipeline:
                self.flow.resume_reading()
            self._settle()

    def on_response_complete(self) -> None:
        """See to it that a closing connection closes, whether or not the client reads."""
        # The next is begun when others had their turn, and not before this answer is read.
        waiting, self.pipeline = self.pipeline, deque()
        super().on_response_complete()
        self.pipeline = waiting
        self.shared.ended()
        self._let_go()
        if self.transport.is_closing():
            self.shared.room.wait(self, None)
            self.shared.room.hold(self, 0)
            self.shared.room.unread_of(self, self.transport.get_write_buffer_size())
            return
        if self.flow.write_paused or waiting:
            self.flow.pause_reading()
        if waiting:
            self._unset_keepalive_if_required()
            self.shared.begin_later(self.begin_next)
        if self._is_last:
            self._linger()
        else:
            self._settle()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; drop one whose client left its answers unread."""
        if self.transport.get_write_buffer_size():
            self._abort("unread")
        else:
            super().timeout_keep_alive_handler()

    def time_is_up(self, line: Line) -> None:
        """End the connection: it has waited there for too long."""
        room = self.shared.room
        if line is room.head:
            self._end(HeadersTooSlow("The headers did not arrive in time."), "headers_too_slow")
        elif line is room.linger:
            self._abort("body_refused" if self._in_body else "lingered")
        else:
            self._abort("unread" if line is room.unread else "body_too_slow")

    def make_room(self, why: str) -> None:
        """End the connection at once; an answer that is under way still comes, and is the last."""
        if self.pipeline and self.unread < WRITE_BUFFER_MAX:
            self._forget_the_next()
        elif self._around and not self._in_body and not self._is_over and self._is_idle():
            self._is_over = True
            self.transport.write(last_answer(problem(Overloaded(why), self._request_id(), SHOW)))
            self.transport.close()
        else:
            self._is_over = True
            self.transport.abort()

    def _let_go(self) -> None:
        """Forget the request that is answered: it weighs as much as all else of the connection."""
        if not self._is_idle():
            return
        self.cycle = None  # type: ignore[assignment]  # as it is at first
        self._skips = self._in_body
        if self._in_body or not self._around:
            self.scope = None  # type: ignore[assignment]
            self.headers = []

    def _keep_bounds(self) -> None:
        """End the connection if what came is too much for where it stands."""
        if not self._in_body:
            if self._around > HEAD_MAX:
                self._not_http(too_large(getattr(self, "url", b"")))
        elif self._around > HEAD_MAX + FRAMING_MAX + FRAMING_PER_BODY_BYTE * self._body:
            self._not_http(too_much_around("There is too much around the body."))
        elif self._chunks:
            self._chunks -= 1  # one for each read is free: it is the network's doing

    def _settle(self) -> None:
        """Wait in the line of what is awaited now."""
        room = self.shared.room
        if not self.counted:
            return
        if self._is_over:
            room.hold(self, 0)
            if not self._is_idle():
                room.wait(self, None)
            elif self.line is not room.linger:
                self._linger()
        elif self._in_body and self._is_idle():
            room.hold(self, 0)
            room.wait(self, room.linger)
        elif not self._is_idle():
            waits = self._in_body and not self.pipeline
            room.wait(self, room.body if waits else None)
            held = self._around + self._body if self._in_body else 0
            room.hold(self, held + QUEUED_SIZE * len(self.pipeline))
        else:
            room.hold(self, self._around)
            # With nothing of a head there the connection is kept alive, or not.
            if self._around or self.line is room.head:
                room.wait(self, room.head)
            else:
                room.wait(self, room.idle)
                self._keep_alive()

    def _keep_alive(self) -> None:
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _is_answered_at_once(self) -> bool:
        """Answer a plain probe from what is known, without a task."""
        if self.parser.get_method() != b"GET":
            return False
        ready = self.shared.ready_answer(self.url)
        if ready is None or any(name in _NOT_PLAIN for name, _ in self.headers):
            return False
        self._write(ready[0], self._request_id(), ready[1])
        return True

    def _shed(self) -> None:
        """Refuse the request in a few bytes; the connection lives on, for a new one costs more."""
        self._skips = True
        request_id = self._request_id()
        head, body = shed_answer(request_id)
        self._write(head, request_id, b"" if self.parser.get_method() == b"HEAD" else body)

    def _write(self, head: bytes, request_id: str, body: bytes) -> None:
        keeps = bool(self.parser.should_keep_alive())
        close = b"" if keeps else b"connection: close\r\n"
        self.transport.write(
            b"%sx-request-id: %s\r\n%s\r\n%s" % (head, request_id.encode(), close, body)
        )
        if not keeps:
            self._linger()

    def _end(self, why: Refusal | Unavailable, cut: str) -> None:
        """Refuse what comes and whatever follows it: this client does not keep to HTTP."""
        if self._is_over:
            return
        CUT.labels(cut).inc()
        self._is_over = True
        if self._is_idle():
            if not self._in_body:  # else it has its answer
                self.transport.write(last_answer(problem(why, self._request_id(), SHOW)))
            self._linger()
        elif self._in_body and not self.pipeline:
            # The request at hand is broken itself: its task hears that we are gone.
            self.transport.close()
        else:  # the answer that is under way comes first, and is the last
            self._forget_the_next()

    def _not_http(self, within: BaseException | None) -> None:
        if isinstance(within, Cut):
            self._end(within.why, within.label)
            return
        if within is not None:  # it failed within the server's own call back, which began nothing
            self._in_body = False
        self._end(MalformedRequest("This is not HTTP as we understand it."), "malformed")

    def _forget_the_next(self) -> None:
        self._is_over = self._is_last = True
        self.pipeline.clear()

    def _linger(self) -> None:
        """Close when the client has had time to read; to close on its bytes would drop ours."""
        self._is_over = True
        self._unset_keepalive_if_required()
        self.shared.room.hold(self, 0)
        if self.transport.is_closing():
            return
        self.flow.resume_reading()  # so that it is heard when the client closes
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.shared.room.wait(self, self.shared.room.linger)

    def _request_id(self) -> str:
        for name, value in self.headers:
            if name == b"x-request-id" and (given := sane_request_id(value)):
                return given
        return self.shared.new_id()

    def _is_idle(self) -> bool:
        return bool(getattr(self.cycle, "response_complete", True))  # there is none at first

    def _abort(self, why: str) -> None:
        CUT.labels(why).inc()
        self._is_over = True
        self.transport.abort()
