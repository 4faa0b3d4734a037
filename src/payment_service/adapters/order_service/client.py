"""The OrderService: one PUT a try, after a GET where the try before may have arrived.

Knows nothing of when or how often to try; that is the notice's own business.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from types import SimpleNamespace
from typing import Protocol, assert_never
from urllib.parse import quote

import aiohttp
import msgspec
import structlog

from payment_service.adapters.order_service.answer import (
    must_be_whole,
    shown_fields,
    shown_status,
    verdict,
)
from payment_service.domain.call import LAPSED
from payment_service.domain.news import NoNews, NotExecuted, OrderRefused, OrderTold
from payment_service.domain.order_proof import ShownOrder
from payment_service.domain.steps import TellOrders
from payment_service.ports import LeaveWhile, OrdersUnavailable

# An update takes milliseconds, so this many at once are thousands a second: more would only help
# to take down an OrderService that is slow already.
CONNECTIONS_MAX = 64
# Of most answers only the beginning is looked at, but a connection can be used again only when its
# end was seen. Past this a new connection is cheaper.
ANSWER_BYTES_MAX = 16 * 1024
# JSON says by a field whether it is a yes, and some services answer with the whole order.
JSON_BYTES_MAX = 1024 * 1024

# A token that came at the last moment: to aiohttp no time at all would mean no limit.
LEFT_S_MIN = 0.001
# An order is read while its payer waits: longer than a slow answer, and no longer.
READ_S_MAX = 10.0
_NO_SUCH_ORDER = frozenset({404, 410})
# What would lead out of the path that orders are at.
_OTHER_PLACES = frozenset({".", ".."})
# What the OrderService answers to a token that it does not take (any more).
_TOKEN_REFUSED = frozenset({401, 403})
# What no header may hold: a caller's token is whatever the caller sent.
_NO_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


Told = OrderTold | OrderRefused | NoNews | NotExecuted


class _NotLeft(Exception):
    """The update was not sent: what gave the right to send it is over."""


@dataclass(frozen=True, slots=True)
class OrderFields:
    """The fields that say what an order costs and whose it is; dots go down."""

    amount: str = "amount"
    currency: str = "currency"
    customer: str = "customerId"


@dataclass(frozen=True, slots=True)
class ReadBack:
    """How an order is read, to see whether an update arrived whose answer did not.

    path: below the OrderService's address, with `{orderId}` in it. status_field: where the answer
    has the status; dots go down. fields: where it has the rest.
    """

    path: str
    status_field: str = "status"
    fields: OrderFields = OrderFields()


class Tokens(Protocol):
    """Where tokens that live for a while come from."""

    async def token(self) -> str | NoNews:
        """Return a token that is good for now, or why there is none; neither later than we may be.

        Raises nothing.
        """
        ...

    def drop(self, token: str) -> None:
        """Never give this token out again: it was refused."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


class HttpOrders:
    """Keeps the promise of `ports.Orders`. Its connections belong to the loop of the first `tell`.

    tokens: where our own come from; else `token`, which is always the same; without either the
    caller's is passed on, for that call only.
    timeout_s: for the whole of one try, waiting for a token and a free connection and reading the
    order back included. read_back: None where orders cannot be read.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None,
        timeout_s: float,
        tokens: Tokens | None = None,
        read_back: ReadBack | None = None,
    ) -> None:
        self._url = base_url.rstrip("/")
        self._token = token
        self._tokens = tokens
        self._timeout_s = timeout_s
        self._read_back = read_back
        self._session: aiohttp.ClientSession | None = None

    @property
    def needs_callers_token(self) -> bool:
        """Whether there is no token but the callers' own."""
        return self._token is None and self._tokens is None

    async def tell(
        self,
        step: TellOrders,
        *,
        bearer_token: str | None,
        leave_while: LeaveWhile | None = None,
    ) -> Told:
        """Deliver one update."""
        began = perf_counter()
        trying = _Try(
            bearer_token=bearer_token,
            leave_while=leave_while,
            ends_at=began + self._timeout_s,
            step=step,
        )
        try:
            news = await self._told(trying)
        except _NotLeft:
            news = NotExecuted(LAPSED)
        except aiohttp.ClientConnectorError:
            news = NotExecuted("no_connection")
        # A TimeoutError is an OSError.
        except (aiohttp.ClientError, OSError) as error:
            reason = _why_unanswered(error)
            news = NoNews(reason) if trying.is_sent else NotExecuted(reason)
        _write_line(step, news, trying, duration_ms=(perf_counter() - began) * 1000)
        return news

    async def read(self, order_id: str) -> ShownOrder | None:
        """Return the order as it is shown to us; None: there is none."""
        how = self._read_back
        if how is None:
            raise _unreadable("no_path")
        if order_id in _OTHER_PLACES:
            return None
        asking = _Asking(None, None, ends_at=perf_counter() + min(self._timeout_s, READ_S_MAX))
        path = how.path.replace("{orderId}", quote(order_id, safe=""))
        try:
            heard = await self._ask(asking, "GET", self._url + path, None)
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            raise _unreadable(_why_unanswered(error)) from error
        if isinstance(heard, NoNews):
            raise _unreadable(heard.reason)
        if heard.status in _NO_SUCH_ORDER:
            return None
        if not 200 <= heard.status < 300:
            raise _unreadable(f"http_{heard.status}")
        return self._shown(heard, how.fields)

    def _shown(self, heard: "_Heard", fields: OrderFields) -> ShownOrder | None:
        try:
            found = shown_fields(heard.body, fields.amount, fields.currency, fields.customer)
        except ValueError:
            raise _unreadable("answer_unreadable") from None
        return ShownOrder(*found) if found is not None else None

    async def close(self) -> None:
        """Let go of the connections."""
        if self._tokens is not None:
            await self._tokens.close()
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _told(self, trying: "_Try") -> Told:
        if trying.step.read_back and self._read_back is not None:
            seen = await self._read(trying, self._read_back)
            if seen is not None:
                return seen
        body = {"orderId": trying.step.order_id, "status": trying.step.status}
        heard = await self._ask(trying, "PUT", f"{self._url}/updateStatus", body, trying.step.key)
        if isinstance(heard, NoNews):
            return NotExecuted(heard.reason)
        return verdict(heard.status, heard.headers, heard.body, whole=heard.is_whole)

    async def _read(self, trying: "_Try", how: ReadBack) -> Told | None:
        """Read the order back; None: the update did not arrive, or nothing tells whether it did.

        An OrderService that has trouble is asked again later: sending could throw it back.
        """
        path = how.path.replace("{orderId}", quote(trying.step.order_id, safe=""))
        heard = await self._ask(trying, "GET", self._url + path, None)
        if isinstance(heard, NoNews):
            return NotExecuted(heard.reason)
        told = verdict(heard.status, heard.headers, b"", whole=True)
        if isinstance(told, NoNews) or (isinstance(told, OrderRefused) and not told.lasting):
            return NotExecuted(f"read_{told.reason}", retry_after_s=told.retry_after_s)
        shown = shown_status(heard.body, how.status_field) if isinstance(told, OrderTold) else None
        if shown is None:
            _log.warning(
                "orders.unreadable", order_id=trying.step.order_id, http_status=heard.status
            )
            return None
        return OrderTold(was_shown=True) if trying.step.is_shown_by(shown) else None

    async def _ask(
        self, trying: "_Asking", method: str, url: str, body: dict[str, str] | None, key: str = ""
    ) -> "_Heard | NoNews":
        """Ask once, and once more when a token of our own turns out to be worn out."""
        for _ in range(2):
            own = self._token if self._tokens is None else await self._tokens.token()
            if isinstance(own, NoNews):
                return own
            token = own or trying.bearer_token
            if token and _NO_HEADER.search(token):
                return NoNews("token_unusable")
            heard = await self._send(trying, method, url, body, token, key)
            if heard.status not in _TOKEN_REFUSED or self._tokens is None or own is None:
                break
            self._tokens.drop(own)
        return heard

    async def _send(
        self,
        trying: "_Asking",
        method: str,
        url: str,
        body: dict[str, str] | None,
        token: str | None,
        key: str,
    ) -> "_Heard":
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": key}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        left_s = max(trying.ends_at - perf_counter(), LEFT_S_MIN)
        async with self._connected().request(
            method,
            url,
            data=None if body is None else msgspec.json.encode(body),
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=left_s),
            trace_request_ctx=_Sending(trying) if body is not None else None,
        ) as answer:
            trying.http_status = answer.status
            text, is_whole = await _read_body(answer, is_yes=200 <= answer.status < 300)
            return _Heard(answer.status, answer.headers, text, is_whole)

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=[_last_check()],
            )
        return self._session


@dataclass(slots=True)
class _Asking:
    """One question, and how far it came."""

    bearer_token: str | None
    leave_while: LeaveWhile | None
    ends_at: float
    is_sent: bool = False
    http_status: int | None = None


@dataclass(slots=True, kw_only=True)
class _Try(_Asking):
    """One try to deliver an update."""

    step: TellOrders


@dataclass(slots=True)
class _Sending:
    """One request of a try. has_left: whether its first byte was sent, or is about to be."""

    trying: _Asking
    has_left: bool = False


@dataclass(frozen=True, slots=True)
class _Heard:
    """An answer, and as much of its body as was read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool


def _last_check() -> aiohttp.TraceConfig:
    """Return what asks, with a connection in hand and before it is written to, if that may be.

    The library repeats a PUT by itself when a connection ends without an answer; it must not, for
    the update may have arrived.
    """
    trace = aiohttp.TraceConfig()

    async def check(
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        _sent: aiohttp.TraceRequestHeadersSentParams,
    ) -> None:
        sending: _Sending | None = context.trace_request_ctx
        if sending is None:
            return
        if sending.has_left:
            raise aiohttp.ServerDisconnectedError
        leave_while = sending.trying.leave_while
        if leave_while is not None and not leave_while():
            raise _NotLeft
        sending.has_left = sending.trying.is_sent = True

    trace.on_request_headers_sent.append(check)
    return trace


async def _read_body(answer: aiohttp.ClientResponse, *, is_yes: bool) -> tuple[bytes, bool]:
    """Return the body as far as it decides anything, and whether that is all of it.

    Raises ClientError, OSError: it broke off, and what it would have said decides. Else the status
    is the news, whatever follows it.
    """
    kind = answer.headers.get("Content-Type", "")
    body = b""
    try:
        while chunk := await answer.content.read(JSON_BYTES_MAX):
            body += chunk
            decides = is_yes and must_be_whole(kind, body)
            if len(body) > (JSON_BYTES_MAX if decides else ANSWER_BYTES_MAX):
                return body, False
    except (aiohttp.ClientError, OSError):
        if is_yes and must_be_whole(kind, body):
            raise
        return body, False
    return body, True


def _unreadable(reason: str) -> OrdersUnavailable:
    _log.warning("orders.not_read", reason=reason)
    return OrdersUnavailable(reason)


def _why_unanswered(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "timeout"
        case aiohttp.ClientResponseError():
            return "not_http"
        case _:
            return "connection_lost"


def _write_line(step: TellOrders, news: Told, trying: _Try, *, duration_ms: float) -> None:
    fields = {
        "order_id": step.order_id,
        "status": step.status,
        "key": step.key,
        "http_status": trying.http_status,
        "duration_ms": round(duration_ms, 1),
    }
    match news:
        case OrderTold(was_shown=was_shown):
            _log.info("orders.answered", was_shown=was_shown, **fields)
        case OrderRefused(reason=reason):
            _log.warning("orders.refused", reason=reason, **fields)
        case NoNews(reason=reason) | NotExecuted(reason=reason):
            _log.warning("orders.unanswered", reason=reason, **fields)
        case _:
            assert_never(news)
