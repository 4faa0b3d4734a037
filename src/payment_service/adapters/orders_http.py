"""The OrderService over HTTP: one PUT for each try, and what its answer means.

Knows nothing of when or how often to try; that is the notice's own business.
"""

from contextlib import suppress
from time import perf_counter
from types import SimpleNamespace
from typing import Protocol, assert_never

import aiohttp
import msgspec
import structlog

from payment_service.domain.call import LAPSED
from payment_service.domain.news import NoNews, NotExecuted, OrderRefused, OrderTold
from payment_service.domain.steps import TellOrders
from payment_service.ports import LeaveWhile

# An update takes milliseconds, so this many at once are thousands a second: more would only help
# to take down an OrderService that is slow already.
CONNECTIONS_MAX = 64
# Nobody reads the answer's body, but a connection can be used again only when its end was seen.
# Past this a new connection is cheaper.
ANSWER_BYTES_MAX = 16 * 1024

# The 4xx that speak of this moment and not of the update.
_PASSING = frozenset({408, 409, 425, 429})

# A token that came at the last moment: to aiohttp no time at all would mean no limit.
LEFT_S_MIN = 0.001
# What the OrderService answers to a token that it does not take (any more).
_TOKEN_REFUSED = frozenset({401, 403})

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


Told = OrderTold | OrderRefused | NoNews | NotExecuted


class _NotLeft(Exception):
    """The update was not sent: what gave the right to send it is over."""


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
    timeout_s: for the whole of one try, waiting for a token and a free connection included.
    """

    def __init__(
        self, base_url: str, *, token: str | None, timeout_s: float, tokens: Tokens | None = None
    ) -> None:
        self._url = f"{base_url.rstrip('/')}/updateStatus"
        self._token = token
        self._tokens = tokens
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def tell(
        self,
        step: TellOrders,
        *,
        bearer_token: str | None,
        leave_while: LeaveWhile | None = None,
    ) -> Told:
        """Deliver one update."""
        began = perf_counter()
        http_status: int | None = None
        news: Told
        token = await self._own_token() or bearer_token
        if isinstance(token, NoNews):
            news = token
        else:
            try:
                left_s = max(self._timeout_s - (perf_counter() - began), LEFT_S_MIN)
                http_status = await self._put(step, token, left_s, leave_while)
            except _NotLeft:
                news = NotExecuted(LAPSED)
            # A TimeoutError is an OSError.
            except (aiohttp.ClientError, OSError) as error:
                news = NoNews(reason=_why_unanswered(error))
            else:
                news = _heard(http_status)
        _write_line(step, news, http_status, duration_ms=(perf_counter() - began) * 1000)
        return news

    async def close(self) -> None:
        """Let go of the connections."""
        if self._tokens is not None:
            await self._tokens.close()
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _own_token(self) -> str | NoNews | None:
        return self._token if self._tokens is None else await self._tokens.token()

    async def _put(
        self, step: TellOrders, token: str | None, within_s: float, leave_while: LeaveWhile | None
    ) -> int:
        headers = {"Content-Type": "application/json", "Idempotency-Key": step.key}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = msgspec.json.encode({"orderId": step.order_id, "status": step.status})
        limit = aiohttp.ClientTimeout(total=within_s)
        async with self._connected().put(
            self._url,
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=limit,
            trace_request_ctx=leave_while,
        ) as answer:
            # The notice is tried once more after such a refusal, and then with a fresh token.
            if token and self._tokens is not None and answer.status in _TOKEN_REFUSED:
                self._tokens.drop(token)
            await _drain(answer)
            return answer.status

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trace_configs=[_last_check()],
            )
        return self._session


def _last_check() -> aiohttp.TraceConfig:
    """Return what asks, with a connection in hand and before it is written to, if that may be."""
    trace = aiohttp.TraceConfig()

    async def check(
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        _sent: aiohttp.TraceRequestHeadersSentParams,
    ) -> None:
        leave_while: LeaveWhile | None = context.trace_request_ctx
        if leave_while is not None and not leave_while():
            raise _NotLeft

    trace.on_request_headers_sent.append(check)
    return trace


async def _drain(answer: aiohttp.ClientResponse) -> None:
    """Read the body to its end, if that is near. The status is the news, whatever follows it."""
    left = ANSWER_BYTES_MAX
    with suppress(aiohttp.ClientError, OSError):
        while left > 0 and (chunk := await answer.content.read(left)):
            left -= len(chunk)


def _heard(http_status: int) -> OrderTold | OrderRefused:
    if 200 <= http_status < 300:
        return OrderTold()
    final = 400 <= http_status < 500 and http_status not in _PASSING
    return OrderRefused(reason=f"http_{http_status}", final=final)


def _why_unanswered(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "timeout"
        case aiohttp.ClientConnectorError():
            return "no_connection"
        case aiohttp.ClientResponseError():
            return "not_http"
        case _:
            return "connection_lost"


def _write_line(
    step: TellOrders,
    news: Told,
    http_status: int | None,
    *,
    duration_ms: float,
) -> None:
    fields = {
        "order_id": step.order_id,
        "status": step.status,
        "key": step.key,
        "http_status": http_status,
        "duration_ms": round(duration_ms, 1),
    }
    match news:
        case OrderTold():
            _log.info("orders.answered", **fields)
        case OrderRefused(final=final):
            _log.warning("orders.refused", final=final, **fields)
        case NoNews(reason=reason) | NotExecuted(reason=reason):
            _log.warning("orders.unanswered", reason=reason, **fields)
        case _:
            assert_never(news)
