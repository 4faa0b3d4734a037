"""A sandbox on a free loopback port, and a client for it, for the time of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from stripe_sandbox.engine import Config, Engine
from stripe_sandbox.engine.wire import encode
from stripe_sandbox.http import Sandbox, serve
from tests.sandbox.account import KEY

FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Live:
    """The sandbox, and HTTP spoken to it by hand."""

    sandbox: Sandbox
    url: str
    session: aiohttp.ClientSession

    async def post(
        self, path: str, parameters: dict[str, Any] | None = None, *, key: str | None = None
    ) -> tuple[int, Any]:
        """Post a form; return the status and the decoded answer."""
        headers = {"Authorization": KEY, "Content-Type": FORM}
        if key is not None:
            headers["Idempotency-Key"] = key
        body = encode(parameters or {})
        async with self.session.post(self.url + path, data=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str) -> tuple[int, Any]:
        """Get; return the status and the decoded answer."""
        headers = {"Authorization": KEY}
        async with self.session.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.json()

    async def control(self, method: str, path: str, wish: Any = None) -> tuple[int, Any]:
        """Command the sandbox; return the status and the decoded answer."""
        url = f"{self.url}/_sandbox{path}"
        async with self.session.request(method, url, json=wish) as answer:
            return answer.status, await answer.json()

    async def fault(self, kind: str, **more: Any) -> None:
        """Have the next POST of a customer go wrong."""
        rule = {"method": "POST", "path": "/v1/customers", "fault": kind, **more}
        status, answer = await self.control("POST", "/faults", rule)
        assert status == 200, answer


@asynccontextmanager
async def live(config: Config | None = None) -> AsyncIterator[Live]:
    """Serve on a free port until the block ends."""
    sandbox = Sandbox(Engine(config=config, seed=7))
    runner, port = await serve(sandbox, "127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession() as session:
            yield Live(sandbox, f"http://127.0.0.1:{port}", session)
    finally:
        await runner.cleanup()
