"""An OrderService that remembers what it was told and when, and takes updates badly on request."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import time
from typing import Any

from aiohttp import web

# Longer than the service waits for it (ORDER_SERVICE_TIMEOUT_S in the fleet's settings).
HANG_S = 4.0
SLOW_S = 1.0
KINDS = ("http_503", "http_429", "accept_then_500", "hang", "slow", "reset_before", "reset_after")
BAD_SHARE = 0.25


class OrderInbox:
    """Listens at `url`. hits: how often it did what. failing: whether it may do so at all."""

    def __init__(self, chance: random.Random, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/order"
        self.base = f"http://127.0.0.1:{port}"
        self.failing = True
        self.hits: Counter[str] = Counter()
        self.told: dict[str, list[dict[str, Any]]] = {}
        self._chance = chance

    async def update(self, request: web.Request) -> web.StreamResponse:
        """Take one update in, or fail as the dice say."""
        kind, came_at = self._next(), time()
        try:
            update = await request.json()
        except ConnectionResetError:  # whoever sent it was killed meanwhile
            return web.Response(status=400)
        match kind:
            case "http_503" | "http_429":
                return web.json_response({"message": kind}, status=int(kind[5:]))
            case "hang":
                await asyncio.sleep(HANG_S)
                return web.json_response({"message": kind}, status=504)
            case "reset_before":
                return _reset(request)
            case "slow":
                await asyncio.sleep(SLOW_S)
        key = request.headers.get("Idempotency-Key", "")
        line = {"status": update["status"], "idempotencyKey": key, "at": came_at}
        self.told.setdefault(update["orderId"], []).append(line)
        if kind == "accept_then_500":
            return web.json_response({"message": kind}, status=500)
        return _reset(request) if kind == "reset_after" else web.json_response({})

    async def show(self, _request: web.Request) -> web.Response:
        """Show all that was taken in, in the words of the demo OrderService."""
        return web.json_response([{"orderId": o, "updates": u} for o, u in self.told.items()])

    def _next(self) -> str | None:
        if not self.failing or self._chance.random() > BAD_SHARE:
            return None
        kind = self._chance.choice(KINDS)
        self.hits[kind] += 1
        return kind


def _reset(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response(status=500)


@asynccontextmanager
async def order_inbox(chance: random.Random, port: int) -> AsyncIterator[OrderInbox]:
    """Listen on this port while the block runs."""
    inbox = OrderInbox(chance, port)
    app = web.Application()
    app.add_routes([web.put("/order/updateStatus", inbox.update), web.get("/orders", inbox.show)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield inbox
    finally:
        await runner.cleanup()
