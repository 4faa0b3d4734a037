"""One connection of a client, within bounds: the server's protocol, with what it lacks.

uvicorn's own has no limit on headers, none on the time they take, and waits for ever for a client
that does not read. What is refused here never becomes a request: it costs a parse and a write.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter
from typing import Any

import httptools
import structlog
from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from payment_service.api.answers import Answer, encode
from payment_service.api.options import ALWAYS_OPEN
from payment_service.api.overload import Admission
from payment_service.api.presenting import Presenter
from payment_service.api.problems import (
    HeadersTooLarge,
    HeadersTooSlow,
    MalformedRequest,
    Overloaded,
    UrlTooLong,
    problem,
)
from payment_service.api.request_ids import sane_request_id
from payment_service.domain.errors import Refusal
from payment_service.domain.money import AmountUnit
from payment_service.ports import Unavailable

# Our longest honest URL is a list with every filter and a cursor, below 1 KiB.
URL_MAX = 8 * 1024
# A token of a proxy or two, cookies that browsers send unasked; the usual servers take as much.
HEAD_MAX = 32 * 1024
HEADERS_MAX = 100
# A client sends a head in one piece; who takes so long is stuck, or holds on to us on purpose.
HEAD_READ_S = 10.0
# Kernels buffer some 100 KB: whoever leaves more than that unread for so long reads no more.
ANSWER_READ_S = 20.0
# How long what a refused client still sends is thrown away, so that it can read the refusal.
LINGER_S = 2.0
# Clients that do not wait for answers at all are rare, and never so far ahead.
PIPELINED_MAX = 16
# How often it is felt how much there is inside.
FEEL_EVERY_S = 0.05
# Refusals are told of together, so often.
TELL_EVERY_S = 1.0
# Those who are refused together must not come back together.
_RETRY_AFTER_S = cycle((1, 3, 2, 4))

_log = structlog.get_logger("door")
_SHOW = Presenter(AmountUnit.MINOR)

# The refusal of which there are most, ready but for its id: whatever it costs, a flood costs often.
_SHED_HEAD = STATUS_LINE[503] + b"content-type: application/json\r\n"
_SHED_BODY = encode(problem(Overloaded(), "", _SHOW).body).partition(b'"requestId"')[0]

SHED = Counter("payment_service_shed", "Requests refused early, since there was too much to do.")
CUT = Counter("payment_service_connections_cut", "Connections that were cut.", ["why"])


@dataclass(slots=True)
class Gatehouse:
    """What all connections of a process share.

    connections_max: how many may be open. webhook_path: what is shed last, for Stripe would only
    come again. new_id: gives a request id. inside: how many requests are being worked on, those
    not counted that wait for their bodies or for Stripe.
    """

    admission: Admission
    connections_max: int
    webhook_path: str
    new_id: Callable[[], str]
    inside: Callable[[], int]
    head_read_s: float = HEAD_READ_S
    answer_read_s: float = ANSWER_READ_S
    _done: int = 0
    _shed: int = 0  # since it was counted, and since it was told of
    _untold: int = 0
    _told_at: float = 0.0
    _timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    def feel(self) -> None:
        """Begin to feel how much there is inside, on the running loop. Call `stop` at the end."""
        self._timer = asyncio.get_running_loop().call_later(FEEL_EVERY_S, self._turn)

    def stop(self) -> None:
        """Feel no more."""
        if self._timer is not None:
            self._timer.cancel()

    def ended(self) -> None:
        """Hear that a request was answered."""
        self._done += 1

    def lets_in(self, path: bytes, in_flight: int) -> bool:
        """Say whether one request more is taken."""
        target = path.partition(b"?")[0].decode("latin-1")
        if target in ALWAYS_OPEN:
            return True
        may_be_shed = target != self.webhook_path
        if self.admission.admits(in_flight, self.inside(), may_be_shed=may_be_shed):
            return True
        self._shed += 1
        self._untold += 1
        return False

    def _turn(self) -> None:
        """Measure one turn from here: how late timers come also tells of other processes."""
        asyncio.get_running_loop().call_soon(self._felt, perf_counter())

    def _felt(self, turn_began_at: float) -> None:
        now = perf_counter()
        self.admission.felt(self.inside(), self._done, now - turn_began_at, now)
        self._done = 0
        if self._shed:
            SHED.inc(self._shed)
            self._shed = 0
        if self._untold and now - self._told_at >= TELL_EVERY_S:
            _log.warning("requests.shed", count=self._untold)
            self._untold, self._told_at = 0, now
        self.feel()


def connections_of(gatehouse: Gatehouse) -> type[HttpToolsProtocol]:
    """Return the protocol for uvicorn's `http` setting; all its connections share the gatehouse."""

    class Bound(Connection):
        shared = gatehouse

    return Bound


class Connection(HttpToolsProtocol):
    """A connection of one client. Use `connections_of`."""

    shared: Gatehouse

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.headers = []
        self._head_size = 0
        self._in_body = False
        self._is_over = False
        self._skips = False  # the request at hand is refused; its body is passed over
        self._head_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a client, if there is room."""
        super().connection_made(transport)
        if len(self.connections) > self.shared.connections_max:
            self._end(Overloaded("too many connections"), "no_room")
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go."""
        self._is_over = True
        self._stop_timers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, within bounds."""
        if self._is_over:
            return
        self._unset_keepalive_if_required()
        if not self._in_body:
            self._head_size += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # nothing to upgrade to: it is answered as it is
            pass
        except httptools.HttpParserError:
            self._end(MalformedRequest("This is not HTTP as we understand it."), "malformed")
        if self._in_body:
            return
        if self._head_size > HEAD_MAX:
            if len(getattr(self, "url", b"")) > URL_MAX:
                self._end(UrlTooLong("The URL is too long."), "url_too_long")
            self._end(HeadersTooLarge("The headers are too large."), "headers_too_large")
        elif self._head_size and self._head_timer is None and self._is_idle():
            self._await_head()  # with nothing of a head there the connection is kept alive, or not

    def on_headers_complete(self) -> None:
        """Begin the request, refuse it, or end the connection."""
        size, self._head_size = self._head_size, 0
        self._stop_head_timer()
        if len(self.url) > URL_MAX:
            self._end(UrlTooLong("The URL is too long."), "url_too_long")
        elif len(self.headers) > HEADERS_MAX:
            self._end(HeadersTooLarge("There are too many headers."), "headers_too_large")
        elif size > HEAD_MAX and self._size_of_head() > HEAD_MAX:  # else it came with its body
            self._end(HeadersTooLarge("The headers are too large."), "headers_too_large")
        elif len(self.pipeline) >= PIPELINED_MAX:
            self._end(MalformedRequest("Too many requests without waiting."), "pipelined")
        if self._is_over:
            return
        self._in_body = True
        if self._is_idle() and not self.shared.lets_in(self.url, len(self.tasks)):
            self._shed()
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand on a part of the body, unless its request was refused."""
        if not self._is_over and not self._skips:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Hand on that the request is there."""
        self._in_body = False
        if self._skips:
            self._skips = False
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        elif not self._is_over:
            super().on_message_complete()

    def pause_writing(self) -> None:
        """Give a client that does not read some time."""
        super().pause_writing()
        self._await_reading()

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        self._stop_read_timer()

    def on_response_complete(self) -> None:
        """See to it that a closing connection closes, whether or not the client reads."""
        super().on_response_complete()
        self.shared.ended()
        if self._is_over and not self.transport.is_closing():
            self._linger()
        elif self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._await_reading()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; drop one whose client left its answers unread."""
        if self.transport.get_write_buffer_size():
            self._abort()
        else:
            super().timeout_keep_alive_handler()

    def _shed(self) -> None:
        """Refuse the request in a few bytes; the connection lives on, for a new one costs more."""
        self._skips = True
        keeps = bool(self.parser.should_keep_alive())
        is_head = self.parser.get_method() == b"HEAD"
        request_id = self._request_id().encode()
        seconds = next(_RETRY_AFTER_S)
        body = b'%s"requestId":"%s"}' % (_SHED_BODY, request_id)
        self.transport.write(
            b"%scontent-length: %d\r\nx-request-id: %s\r\nretry-after: %d\r\n%s\r\n%s"
            % (
                _SHED_HEAD,
                len(body),
                request_id,
                seconds,
                b"" if keeps else b"connection: close\r\n",
                b"" if is_head else body,
            )
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
            answer = problem(why, self._request_id(), _SHOW)
            self.transport.write(_raw(answer))
            self._linger()
        elif self._in_body:  # the request at hand is broken itself: its task hears that we are gone
            self.transport.close()
        else:  # the answer that is under way comes first, and is the last
            self.pipeline.clear()

    def _linger(self) -> None:
        """Close when the client has had time to read; to close on its bytes would drop ours."""
        self._is_over = True
        self._stop_timers()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._read_timer = self.loop.call_later(LINGER_S, self.transport.abort)

    def _request_id(self) -> str:
        for name, value in self.headers:
            if name == b"x-request-id" and (given := sane_request_id(value)):
                return given
        return self.shared.new_id()

    def _size_of_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _is_idle(self) -> bool:
        return bool(getattr(self.cycle, "response_complete", True))  # there is none at first

    def _await_head(self) -> None:
        if not self._is_over:
            self._head_timer = self.loop.call_later(self.shared.head_read_s, self._head_is_late)

    def _head_is_late(self) -> None:
        self._end(HeadersTooSlow("The headers did not arrive in time."), "headers_too_slow")

    def _await_reading(self) -> None:
        if self._read_timer is None:
            self._read_timer = self.loop.call_later(self.shared.answer_read_s, self._abort)

    def _abort(self) -> None:
        CUT.labels("unread").inc()
        self.transport.abort()

    def _stop_timers(self) -> None:
        self._stop_head_timer()
        self._stop_read_timer()
        self._unset_keepalive_if_required()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_read_timer(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None


def _raw(answer: Answer) -> bytes:
    """Return the last answer of a connection."""
    body = encode(answer.body)
    lines = [
        STATUS_LINE[answer.status],
        b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body),
        b"x-request-id: %s\r\n" % answer.body["requestId"].encode(),
        *(f"{name}: {value}\r\n".encode() for name, value in answer.headers.items()),
        b"connection: close\r\n\r\n",
        body,
    ]
    return b"".join(lines)
