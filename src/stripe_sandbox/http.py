"""The engine behind a port: turns HTTP into requests, and deliveries into what the connection does.

The engine is given the time of the wall clock, or one that is ahead of it; waiting for one client
never holds up another.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from aiohttp import web

from bounded_connections.in_front import BACKLOG, BoundedServerRunner
from stripe_sandbox import control
from stripe_sandbox.cross_origin_guard import CrossOriginGuard
from stripe_sandbox.engine import Delivery, Engine, Request
from stripe_sandbox.faults import FaultPlan
from stripe_sandbox.webhooks import ANSWER_WITHIN_S, Deliverer

# Closing with this set sends RST instead of FIN: the client sees a reset, not an end.
_LINGER_NONE = struct.pack("ii", 1, 0)
# Answers still held back when the server stops are not worth waiting for.
_SHUTDOWN_S = 0.2


@dataclass(slots=True)
class Sandbox:
    """One account on one port, with the faults and the latency it is to show."""

    engine: Engine
    faults: FaultPlan = field(default_factory=FaultPlan)
    latency_ms: float = 0.0
    # How far its time is ahead of the wall clock.
    ahead_s: float = 0.0
    # Whom webhooks may be posted to, and how long their answers are waited for.
    webhooks_anywhere: bool = False
    webhook_answer_within_s: float = ANSWER_WITHIN_S
    # By which names it is reached, besides those of this machine.
    hosts: tuple[str, ...] = ()

    def now(self) -> float:
        """Return the time it is here."""
        return time.time() + self.ahead_s

    def reset(self) -> None:
        """Begin again: no objects, keys, deliveries, faults or latency, and the time of day."""
        self.engine.reset()
        self.faults.clear()
        self.faults.hits.clear()
        self.latency_ms = 0.0
        self.ahead_s = 0.0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer any request to the port."""
        if request.path.startswith(control.PREFIX):
            return await control.answer(self, request)
        # The client may be gone before the answer is ready; what it asked for is done all the same.
        return await self._show(request, await self._deliver(request))

    async def _deliver(self, request: web.BaseRequest) -> Delivery:
        """Run a request through the engine, the latency between its two halves."""
        asked = Request(
            method=request.method,
            path=request.rel_url.raw_path,
            query=request.rel_url.raw_query_string,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.read() if request.body_exists else b"",
        )
        fault = self.faults.take(asked.method, asked.path) if self.faults.rules else None
        begun = self.engine.begin(asked, now=self.now(), fault=fault)
        if self.latency_ms:
            await asyncio.sleep(self.latency_ms / 1000)
        if isinstance(begun, Delivery):
            return begun
        return self.engine.finish(begun, now=self.now())

    async def _show(self, request: web.BaseRequest, delivery: Delivery) -> web.StreamResponse:
        """Do with the connection what the delivery says."""
        if delivery.delay_s:
            await asyncio.sleep(delivery.delay_s)
        response = web.Response(
            status=delivery.status or 500, body=delivery.body, headers=delivery.headers
        )
        match delivery.outcome:
            case "reset":
                _cut(request, reset=True)
            case "timeout":
                _cut(request, reset=False)
            case "truncated":
                response.force_close()
        return response


def _cut(request: web.BaseRequest, *, reset: bool) -> None:
    """End the connection without a word. What is written to it afterwards goes nowhere."""
    transport = request.transport
    if transport is None:
        return
    connection: socket.socket | None = transport.get_extra_info("socket")
    if reset and connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
    transport.abort()


class _Runner(BoundedServerRunner):
    """The server and the deliverer beside it, which end together."""

    delivering: asyncio.Task[None] | None = None

    async def cleanup(self) -> None:
        """Stop delivering, then stop the server."""
        if self.delivering is not None:
            self.delivering.cancel()
            with suppress(asyncio.CancelledError):
                await self.delivering
        await super().cleanup()


async def _let_in(
    sandbox: Sandbox, guard: CrossOriginGuard, request: web.BaseRequest
) -> web.StreamResponse:
    """Answer a request that no web page of somebody else's can have sent."""
    refused = guard.refusal(request)
    return refused if refused is not None else await sandbox.answer(request)


async def serve(sandbox: Sandbox, host: str, port: int) -> tuple[web.ServerRunner, int]:
    """Listen; return what stops it and the port, which is a free one if 0 was asked for."""
    guard = CrossOriginGuard.of(host, sandbox.engine.config.public_url, sandbox.hosts)
    runner = _Runner(partial(_let_in, sandbox, guard), shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=BACKLOG)
    await site.start()
    deliverer = Deliverer(
        sandbox.engine,
        sandbox.now,
        anywhere=sandbox.webhooks_anywhere,
        answer_within_s=sandbox.webhook_answer_within_s,
    )
    runner.delivering = asyncio.create_task(deliverer.run())
    address: tuple[str, int] = runner.addresses[0]
    if sandbox.engine.config.public_url is None:
        sandbox.engine.base_url = _url(host, address[1])
    return runner, address[1]


def _url(host: str, port: int) -> str:
    """Return where people on this machine find the port; an address of all is none to go to."""
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - compared with, not listened on
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
