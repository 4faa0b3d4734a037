"""The engine behind a port: turns HTTP into requests, and deliveries into what the connection does.

The engine is given the time of the wall clock; waiting for one client never holds up another.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from dataclasses import dataclass, field

from aiohttp import web

from stripe_sandbox import control
from stripe_sandbox.engine import Delivery, Engine, Request
from stripe_sandbox.faults import FaultPlan

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
        begun = self.engine.begin(asked, now=time.time(), fault=fault)
        if self.latency_ms:
            await asyncio.sleep(self.latency_ms / 1000)
        if isinstance(begun, Delivery):
            return begun
        return self.engine.finish(begun, now=time.time())

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


async def serve(sandbox: Sandbox, host: str, port: int) -> tuple[web.ServerRunner, int]:
    """Listen; return what stops it and the port, which is a free one if 0 was asked for."""
    server = web.Server(sandbox.answer, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    address: tuple[str, int] = runner.addresses[0]
    return runner, address[1]
