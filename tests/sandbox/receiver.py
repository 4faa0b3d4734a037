"""A receiver of webhooks on a free loopback port, which takes, refuses, hangs or cuts as told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import stripe
from aiohttp import web

from tests.sandbox.telling import SECRET

# Far more than anything here takes; a test that waits so long has failed.
PATIENCE_S = 5.0


@dataclass(slots=True)
class Receiver:
    """What arrived, and what is answered next: a status, or something worse. Then 200."""

    url: str = ""
    answers: list[int | str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for body in self.bodies]

    async def take(self, request: web.BaseRequest) -> web.StreamResponse:
        self.bodies.append(await request.read())
        self.signatures.append(request.headers["Stripe-Signature"])
        self.agents.append(request.headers["User-Agent"])
        self._arrived.set()
        answer = self.answers.pop(0) if self.answers else 200
        match answer:
            case "hang":
                await asyncio.sleep(60)
            case "cut":
                assert request.transport is not None
                request.transport.abort()
            case "nonsense":
                assert request.transport is not None
                request.transport.write(b"nonsense\r\n\r\n")
                request.transport.close()
            case "endless":
                endless = web.StreamResponse()
                await endless.prepare(request)
                with suppress(ConnectionError):
                    while True:
                        await endless.write(b"x" * 65_536)
        if isinstance(answer, str):
            return web.Response()
        return web.Response(status=answer, headers={"Location": self.url + "/elsewhere"})

    async def until(self, arrived: Callable[[], bool]) -> None:
        """Wait for what is to arrive."""
        async with asyncio.timeout(PATIENCE_S):
            while not arrived():
                self._arrived.clear()
                await self._arrived.wait()

    async def event(self, place: int = 0, secret: str = SECRET) -> stripe.Event:
        """Return one of the events that arrive, checked with the official SDK."""
        await self.until(lambda: len(self.bodies) > place)
        event: stripe.Event = stripe.Webhook.construct_event(
            self.bodies[place], self.signatures[place], secret
        )
        return event


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """Listen on a free port until the block ends."""
    took = Receiver()
    runner = web.ServerRunner(web.Server(took.take, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    took.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield took
    finally:
        await runner.cleanup()
