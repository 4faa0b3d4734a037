"""The OrderService over HTTP: one PUT for each try, and what its answer means.

Knows nothing of when or how often to try; that is the notice's own business.
"""

from contextlib import suppress
from time import perf_counter
from typing import assert_never

import aiohttp
import msgspec
import structlog

from payment_service.domain.news import NoNews, OrderRefused, OrderTold
from payment_service.domain.steps import TellOrders

# An update takes milliseconds, so this many at once are thousands a second: more would only help
# to take down an OrderService that is slow already.
CONNECTIONS_MAX = 64
# Nobody reads the answer's body, but a connection can be used again only when its end was seen.
# Past this a new connection is cheaper.
ANSWER_BYTES_MAX = 16 * 1024

# The 4xx that speak of this moment and not of the update.
_PASSING = frozenset({408, 409, 425, 429})

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class HttpOrders:
    """Keeps the promise of `ports.Orders`. Its connections belong to the loop of the first `tell`.

    token: our own; without one the caller's is passed on, for that call only.
    timeout_s: for the whole of one try, waiting for a free connection included.
    """

    def __init__(self, base_url: str, *, token: str | None, timeout_s: float) -> None:
        self._url = f"{base_url.rstrip('/')}/updateStatus"
        self._token = token
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def tell(
        self, step: TellOrders, *, bearer_token: str | None
    ) -> OrderTold | OrderRefused | NoNews:
        """Deliver one update."""
        began = perf_counter()
        http_status: int | None = None
        news: OrderTold | OrderRefused | NoNews
        try:
            http_status = await self._put(step, self._token or bearer_token)
        # A TimeoutError is an OSError.
        except (aiohttp.ClientError, OSError) as error:
            news = NoNews(reason=_why_unanswered(error))
        else:
            news = _heard(http_status)
        _write_line(step, news, http_status, duration_ms=(perf_counter() - began) * 1000)
        return news

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _put(self, step: TellOrders, token: str | None) -> int:
        headers = {"Content-Type": "application/json", "Idempotency-Key": step.key}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = msgspec.json.encode({"orderId": step.order_id, "status": step.status})
        async with self._connected().put(
            self._url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            await _drain(answer)
            return answer.status

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session


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
    news: OrderTold | OrderRefused | NoNews,
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
        case NoNews(reason=reason):
            _log.warning("orders.unanswered", reason=reason, **fields)
        case _:
            assert_never(news)
