"""A caller of the application without a socket: one request in, one answer out."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from starlette.types import ASGIApp, Message, Scope

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer: status, headers in lower case, raw body."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The JSON, its non-integers exact."""
        return json.loads(self.raw, parse_float=Decimal)

    @property
    def data(self) -> Any:
        """The envelope's data."""
        return self.body["data"]

    @property
    def code(self) -> Any:
        """The envelope's code."""
        return self.body["code"]

    @property
    def bad_fields(self) -> list[str]:
        """The names of the fields that were refused."""
        return [bad["field"] for bad in self.body["errors"]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Asks an application. address: whence, a peer's."""

    app: ASGIApp
    address: str = field(default="127.0.0.1", kw_only=True)

    async def get(self, target: str, **headers: str) -> Heard:
        """GET, with headers named `x_request_id`."""
        return await self.ask("GET", target, headers=headers)

    async def post(self, target: str, body: Any, **headers: str) -> Heard:
        """POST a JSON body."""
        return await self.ask("POST", target, body=body, headers=headers)

    async def ask(
        self,
        method: str,
        target: str,
        *,
        body: Any = None,
        raw: bytes | None = None,
        pieces: Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Heard:
        """Send one request. `raw` is a body that is not JSON, `pieces` one of untold length."""
        if raw is None:
            raw = b"" if body is None else json.dumps(body, default=_number).encode()
        named = {name.lower().replace("_", "-"): value for name, value in (headers or {}).items()}
        if raw or pieces is not None:
            named.setdefault("content-type", JSON)
        if pieces is None:
            named.setdefault("content-length", str(len(raw)))
        else:
            named["transfer-encoding"] = "chunked"
        return await self._exchange(method, target, named, list(pieces or [raw]))

    async def _exchange(
        self, method: str, target: str, headers: dict[str, str], parts: list[bytes]
    ) -> Heard:
        heard: list[Message] = []
        waiting = list(parts)

        async def receive() -> Message:
            part = waiting.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(waiting)}

        async def send(message: Message) -> None:
            heard.append(message)

        await self.app(_scope(method, target, headers, self.address), receive, send)
        await asyncio.sleep(0)  # log lines are written at the end of a turn of the loop
        start, *rest = heard
        names = {name.decode(): value.decode() for name, value in start["headers"]}
        return Heard(start["status"], names, b"".join(part.get("body", b"") for part in rest))


def _number(value: object) -> object:
    assert isinstance(value, Decimal)
    return float(value)  # for sending only: the test names numbers that survive it


def _scope(method: str, target: str, headers: dict[str, str], address: str) -> Scope:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": (address, 50000),
        "server": ("127.0.0.1", 9000),
    }
