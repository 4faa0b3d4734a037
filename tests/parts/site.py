"""A bare server behind our own connections, in this process and over real sockets."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import uvicorn
from starlette.types import Message, Receive, Scope, Send

from payment_service.api.connections import connections_of
from payment_service.api.gatehouse import Gatehouse
from payment_service.api.overload import Admission

PATIENCE_S = 10.0
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Server(uvicorn.Server):
    """uvicorn without its signal handlers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Site:
    """A server that listens, and what its application does."""

    port: int
    server: Server
    opened: asyncio.Event

    async def connect(self) -> Client:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, raw: bytes = GET) -> "Heard":
        """Ask on a connection of its own."""
        reader, writer = await self.connect()
        writer.write(raw)
        heard = await hear(reader)
        writer.close()
        return heard

    async def until_all_left(self) -> None:
        """Wait until the server has let go of every connection."""
        async with asyncio.timeout(PATIENCE_S):
            while self.server.server_state.connections:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.02)


@dataclass
class Heard:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> Any:
        return json.loads(self.body)["code"]


async def hear(reader: asyncio.StreamReader) -> Heard:
    async with asyncio.timeout(PATIENCE_S):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers["content-length"]))
    return Heard(int(head[0].split()[1]), headers, body)


async def is_closed(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(PATIENCE_S):
        try:
            return await reader.read() == b""
        except ConnectionResetError:
            return True


@contextlib.asynccontextmanager
async def site(
    *, in_flight_max: int = 100, keep_alive_s: int = 5, **limits: Any
) -> AsyncIterator[Site]:
    """Serve: `/big` answers megabytes, `/wait` waits until `opened`, all else answers at once.

    `/headers` answers their names, `/early` does not read the body.
    """
    opened = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/early":
            message: Message = {"type": "http.request"}
        else:
            while (message := await receive()).get("more_body"):
                pass
        if message["type"] == "http.disconnect":
            return
        if scope["path"] in {"/wait", "/payment/webhook"}:
            await opened.wait()
        body = b"x" * 8_000_000 if scope["path"] == "/big" else b"here"
        if scope["path"] == "/headers":
            body = b",".join(name for name, _ in scope["headers"])
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    numbers = count(1)
    gatehouse = Gatehouse(
        Admission(in_flight_max, target_s=0.5),
        connections_max=limits.pop("connections_max", 100),
        webhook_path="/payment/webhook",
        new_id=lambda: f"req_{next(numbers)}",
        inside=lambda: 0,
        **{"head_read_s": 5.0, "answer_read_s": 5.0, **limits},
    )
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        http=connections_of(gatehouse),
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_keep_alive=keep_alive_s,
        timeout_graceful_shutdown=1,
    )
    server = Server(config)
    gatehouse.feel()
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    try:
        yield Site(server.servers[0].sockets[0].getsockname()[1], server, opened)
    finally:
        opened.set()
        server.should_exit = True
        await serving
        gatehouse.stop()
