"""What the Orders port promises, over real HTTP against the demo OrderService."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from payment_service.adapters.order_service.client import ANSWER_BYTES_MAX, HttpOrders
from payment_service.demo_orders import DemoOrders
from payment_service.domain.news import NoNews, NotExecuted, OrderRefused, OrderTold
from payment_service.domain.steps import TellOrders

STEP = TellOrders(key="pay_1-1-told", order_id="order-1", status="PAYMENT RECEIVED")
OWN_TOKEN = "own-token"
CALLERS_TOKEN = "callers-token"
# Far longer than an answer on loopback takes, and far shorter than anybody waits for a test.
PATIENCE_S = 5.0
IMPATIENCE_S = 0.2

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@asynccontextmanager
async def telling(
    url: str, *, token: str | None = None, timeout_s: float = PATIENCE_S
) -> AsyncIterator[HttpOrders]:
    orders = HttpOrders(url, token=token, timeout_s=timeout_s)
    yield orders
    await orders.close()


@asynccontextmanager
async def stranger(answer: Answer) -> AsyncIterator[str]:
    """An OrderService that does as this test wants."""
    app = web.Application()
    app.router.add_put("/order/updateStatus", answer)
    async with listening(app) as url:
        yield f"{url}/order"


class Demo:
    """The demo OrderService as its users see it."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.base = f"{url}/order"
        self._url = url
        self._session = session

    async def ask(
        self, method: str, path: str, json: object = None, **headers: str
    ) -> tuple[int, Any]:
        async with self._session.request(
            method, self._url + path, json=json, headers=headers
        ) as answer:
            return answer.status, await answer.json()

    async def behave(self, mode: str, **how: float) -> None:
        assert (await self.ask("POST", "/_demo/behaviour", {"mode": mode, **how}))[0] == 200

    async def counts(self, order_id: str = "order-1") -> tuple[int, int]:
        """How often it was told, and how many deliveries it accepted."""
        status, order = await self.ask("GET", f"/order/{order_id}")
        return (order["told"], order["received"]) if status == 200 else (0, 0)


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    async with listening(DemoOrders().app()) as url, aiohttp.ClientSession() as session:
        yield Demo(url, session)


# ---------------------------------------------------------------- what is heard


async def test_an_accepted_update_is_told(demo: Demo) -> None:
    async with telling(demo.base) as orders:
        news = await orders.tell(STEP, bearer_token=None)

    assert news == OrderTold()
    _, order = await demo.ask("GET", "/order/order-1")
    (update,) = order["updates"]
    assert (order["orderId"], order["status"]) == ("order-1", "PAYMENT RECEIVED")
    assert (update["status"], update["idempotencyKey"]) == ("PAYMENT RECEIVED", "pay_1-1-told")
    assert (order["told"], order["received"]) == (1, 1)


async def test_a_slash_at_the_end_of_the_address_does_no_harm(demo: Demo) -> None:
    async with telling(f"{demo.base}/") as orders:
        assert await orders.tell(STEP, bearer_token=None) == OrderTold()


@pytest.mark.parametrize(
    ("mode", "status", "lasting"),
    [
        ("refuse", 400, True),
        ("refuse", 401, True),
        ("refuse", 403, True),
        ("refuse", 404, True),
        ("refuse", 422, True),
        ("refuse", 408, False),
        ("refuse", 409, False),
        ("refuse", 425, False),
        ("refuse", 429, False),
        ("fail", 500, False),
        ("fail", 502, False),
        ("fail", 503, False),
    ],
)
async def test_a_4xx_that_does_not_speak_of_the_moment_is_tried_again_more_slowly(
    demo: Demo, mode: str, status: int, *, lasting: bool
) -> None:
    await demo.behave(mode, status=status)

    async with telling(demo.base) as orders:
        news = await orders.tell(STEP, bearer_token=None)

    assert news == OrderRefused(reason=f"http_{status}", lasting=lasting)
    assert await demo.counts() == (0, 0)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_every_2xx_is_told(status: int) -> None:
    async def accept(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    async with stranger(accept) as base, telling(base) as orders:
        assert await orders.tell(STEP, bearer_token=None) == OrderTold()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(demo: Demo, status: int) -> None:
    """It would carry the token to wherever it leads."""

    async def redirect(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": f"{demo.base}/updateStatus"})

    async with stranger(redirect) as base, telling(base, token=OWN_TOKEN) as orders:
        news = await orders.tell(STEP, bearer_token=None)

    assert news == OrderRefused(reason=f"http_{status}", lasting=True)
    assert await demo.counts() == (0, 0)


async def test_silence_is_no_news(demo: Demo) -> None:
    await demo.behave("hang", delay_s=PATIENCE_S)

    async with telling(demo.base, timeout_s=IMPATIENCE_S) as orders:
        news = await orders.tell(STEP, bearer_token=None)

    assert news == NoNews(reason="timeout")


async def test_what_cannot_be_connected_to_was_told_nothing() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # nobody listens, and nobody else can begin to
        async with telling(f"http://127.0.0.1:{reserved.getsockname()[1]}/order") as orders:
            news = await orders.tell(STEP, bearer_token=None)

    assert news == NotExecuted(reason="no_connection")


@pytest.mark.parametrize(
    ("said", "reason"), [(b"", "connection_lost"), (b"220 mail.example ESMTP\r\n\r\n", "not_http")]
)
async def test_what_is_not_an_answer_is_no_news(said: bytes, reason: str) -> None:
    serving: set[asyncio.Task[None]] = set()

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.update(filter(None, [asyncio.current_task()]))
        with suppress(asyncio.IncompleteReadError):  # a connection on which nothing is sent
            await reader.readuntil(b"}")
            writer.write(said)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with telling(f"http://127.0.0.1:{port}/order") as orders:
            assert await orders.tell(STEP, bearer_token=None) == NoNews(reason=reason)
        await asyncio.gather(*serving)


async def test_an_update_whose_answer_was_lost_counts_once_when_told_again(demo: Demo) -> None:
    await demo.behave("accept_then_500", times=1)

    async with telling(demo.base) as orders:
        first = await orders.tell(STEP, bearer_token=None)
        again = await orders.tell(STEP, bearer_token=None)

    assert (first, again) == (OrderRefused(reason="http_500"), OrderTold())
    assert await demo.counts() == (1, 2)


# ---------------------------------------------------------------- what is sent


@pytest.mark.parametrize(
    ("own", "callers", "sent"),
    [
        (OWN_TOKEN, CALLERS_TOKEN, f"Bearer {OWN_TOKEN}"),
        (OWN_TOKEN, None, f"Bearer {OWN_TOKEN}"),
        (None, CALLERS_TOKEN, f"Bearer {CALLERS_TOKEN}"),
        (None, None, None),
    ],
)
async def test_the_callers_token_is_sent_only_when_there_is_none_of_our_own(
    own: str | None, callers: str | None, sent: str | None
) -> None:
    heard: list[tuple[Any, ...]] = []

    async def accept(request: web.Request) -> web.Response:
        names = ("Authorization", "Idempotency-Key", "Content-Type")
        heard.append((*(request.headers.get(name) for name in names), await request.json()))
        return web.Response()

    async with stranger(accept) as base, telling(base, token=own) as orders:
        await orders.tell(STEP, bearer_token=callers)

    body = {"orderId": "order-1", "status": "PAYMENT RECEIVED"}
    assert heard == [(sent, "pay_1-1-told", "application/json", body)]


async def test_the_callers_token_is_forgotten_after_its_call() -> None:
    heard: list[str | None] = []

    async def accept(request: web.Request) -> web.Response:
        heard.append(request.headers.get("Authorization"))
        return web.Response(headers={"Set-Cookie": "session=kept"})

    async with stranger(accept) as base, telling(base) as orders:
        await orders.tell(STEP, bearer_token=CALLERS_TOKEN)
        await orders.tell(STEP, bearer_token=None)

    assert heard == [f"Bearer {CALLERS_TOKEN}", None]


@pytest.mark.parametrize(
    ("size", "connections"), [(0, 1), (ANSWER_BYTES_MAX - 1, 1), (100 * ANSWER_BYTES_MAX, 3)]
)
async def test_a_connection_is_used_again_unless_its_answer_is_endless(
    size: int, connections: int
) -> None:
    ports = set()

    async def accept(request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.Response(body=b"x" * size)

    async with stranger(accept) as base, telling(base) as orders:
        news = [await orders.tell(STEP, bearer_token=None) for _ in range(3)]

    assert news == [OrderTold()] * 3
    assert len(ports) == connections


async def test_a_status_is_news_even_if_its_answer_never_ends() -> None:
    async def begin(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"x")
        await asyncio.sleep(PATIENCE_S)
        return answer

    async with stranger(begin) as base, telling(base, timeout_s=IMPATIENCE_S) as orders:
        assert await orders.tell(STEP, bearer_token=None) == OrderTold()


# ---------------------------------------------------------------- what is written down


@pytest.mark.parametrize(
    ("mode", "line"),
    [
        (
            "ok",
            {
                "event": "orders.answered",
                "log_level": "info",
                "http_status": 200,
                "was_shown": False,
            },
        ),
        (
            "refuse",
            {
                "event": "orders.refused",
                "log_level": "warning",
                "http_status": 400,
                "reason": "http_400",
            },
        ),
        (
            "hang",
            {
                "event": "orders.unanswered",
                "log_level": "warning",
                "http_status": None,
                "reason": "timeout",
            },
        ),
    ],
)
async def test_each_try_is_one_line_without_a_token(
    demo: Demo, mode: str, line: dict[str, Any]
) -> None:
    await demo.behave(mode)

    with capture_logs() as lines:
        for own in (OWN_TOKEN, None):
            async with telling(demo.base, token=own, timeout_s=IMPATIENCE_S) as orders:
                await orders.tell(STEP, bearer_token=CALLERS_TOKEN)

    told_of = {"order_id": "order-1", "status": "PAYMENT RECEIVED", "key": "pay_1-1-told"}
    assert [without_duration(found) for found in lines] == [line | told_of] * 2


def without_duration(line: MutableMapping[str, Any]) -> dict[str, Any]:
    assert 0 < line["duration_ms"] < PATIENCE_S * 1000
    return {name: value for name, value in line.items() if name != "duration_ms"}


async def test_closing_twice_and_closing_unused_do_nothing() -> None:
    orders = HttpOrders("http://127.0.0.1:1/order", token=None, timeout_s=IMPATIENCE_S)

    await orders.close()
    await orders.close()
