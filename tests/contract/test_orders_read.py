"""How an order is read for who wants to pay it, over real HTTP: by our credentials only."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from payment_service.adapters.order_service.client import HttpOrders, OrderFields, ReadBack
from payment_service.domain.news import NoNews
from payment_service.domain.order_proof import ShownOrder
from payment_service.ports import OrdersUnavailable

ORDER = {"amount": 65.22, "currency": "usd", "customerId": "cus_1"}
FIELDS = OrderFields("data.total", "data.money.code", "data.buyer.email")


@dataclass
class Ordering:
    """An OrderService that gives one answer, and remembers what it was asked."""

    status: int = 200
    body: bytes = field(default_factory=lambda: json.dumps(ORDER).encode())
    takes_s: float = 0.0
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization")
        self.asked.append((request.method, request.raw_path, token))
        if self.takes_s:
            await asyncio.sleep(self.takes_s)
        return web.Response(status=self.status, body=self.body, content_type="application/json")


@asynccontextmanager
async def running(service: Ordering) -> AsyncIterator[Ordering]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.answer)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}/order"
    try:
        yield service
    finally:
        await runner.cleanup()


async def read(
    url: str,
    order_id: str = "order-1",
    *,
    fields: OrderFields = OrderFields(),  # noqa: B008 - a frozen value
    timeout_s: float = 5.0,
) -> ShownOrder | None:
    back = ReadBack("/{orderId}", fields=fields)
    orders = HttpOrders(url, token="own-token", timeout_s=timeout_s, read_back=back)
    try:
        return await orders.read(order_id)
    finally:
        await orders.close()


async def test_an_order_is_read_with_our_token_and_its_amount_is_exact() -> None:
    async with running(Ordering()) as service:
        shown = await read(service.url, "order 1/ä?x")

    assert shown == ShownOrder(Decimal("65.22"), "usd", "cus_1")
    assert service.asked == [("GET", "/order/order%201%2F%C3%A4%3Fx", "Bearer own-token")]


async def test_fields_may_stand_deep_in_the_answer_and_be_missing() -> None:
    body = {"data": {"total": 6522, "money": "usd", "buyer": {"email": "jane@example.com"}}}
    async with running(Ordering(body=json.dumps(body).encode())) as service:
        shown = await read(service.url, fields=FIELDS)

    assert shown == ShownOrder(6522, None, "jane@example.com")


@pytest.mark.parametrize(
    ("status", "body"), [(404, b""), (410, b"{}"), (200, b'{"success": false}')]
)
async def test_what_is_not_there_is_none(status: int, body: bytes) -> None:
    async with running(Ordering(status, body)) as service:
        assert await read(service.url) is None


@pytest.mark.parametrize("order_id", [".", ".."])
async def test_an_order_that_would_lead_elsewhere_is_not_asked_for(order_id: str) -> None:
    async with running(Ordering()) as service:
        assert await read(service.url, order_id) is None
        assert service.asked == []


@pytest.mark.parametrize("status", [301, 400, 401, 403, 429, 500, 503])
async def test_any_other_answer_shows_nothing(status: int) -> None:
    async with running(Ordering(status)) as service:
        with pytest.raises(OrdersUnavailable, match=f"http_{status}"):
            await read(service.url)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b"<html>", b"[" * 100_000, b'{"a":"' + b"x" * 2_000_000]
)
async def test_an_answer_that_cannot_be_read_shows_nothing(body: bytes) -> None:
    async with running(Ordering(body=body)) as service:
        with pytest.raises(OrdersUnavailable, match="answer_unreadable"):
            await read(service.url)


async def test_one_that_is_away_or_slow_shows_nothing() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(OrdersUnavailable):
            await read(f"http://127.0.0.1:{nobody.getsockname()[1]}")
    async with running(Ordering(takes_s=5)) as service:
        with pytest.raises(OrdersUnavailable, match="timeout"):
            await read(service.url, timeout_s=0.2)


async def test_without_a_path_or_a_token_there_is_nothing_to_read() -> None:
    class NoToken:
        async def token(self) -> Any:
            return NoNews("token_refused")

        def drop(self, token: str) -> None:
            """Nothing was given out."""

        async def close(self) -> None:
            """Nothing is open."""

    pathless = HttpOrders("http://127.0.0.1:1", token=None, timeout_s=1)
    tokenless = HttpOrders(
        "http://127.0.0.1:1", token=None, timeout_s=1, tokens=NoToken(), read_back=ReadBack("/x")
    )

    for orders, reason in ((pathless, "no_path"), (tokenless, "token_refused")):
        with pytest.raises(OrdersUnavailable, match=reason):
            await orders.read("order-1")
        await orders.close()
