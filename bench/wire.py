"""A client that costs as little as it can: at thousands of requests a second it shares a core."""

import asyncio
from typing import Any
from urllib.parse import urlsplit


class Wire(asyncio.Protocol):
    """One kept-alive connection: one request at a time, its status and when it was there."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._heard = b""
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # uvloop's is of another family

    def ask(self, raw: bytes) -> asyncio.Future[int]:
        """Send a request; the future is its status, 0 when the connection broke."""
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is not None and self.is_open:
            self._transport.write(raw)
        else:
            self._answer.set_result(0)
        return self._answer

    def data_received(self, data: bytes) -> None:
        """See whether the answer is there whole."""
        self._heard += data
        head, ends, body = self._heard.partition(b"\r\n\r\n")
        if ends and len(body) >= int(head.partition(b"ontent-length: ")[2].split(b"\r\n", 1)[0]):
            self._heard = b""
            self._end(int(head[9:12]))

    def connection_lost(self, _exc: Exception | None) -> None:
        """Whoever waits hears nothing any more."""
        self._end(0)

    @property
    def is_open(self) -> bool:
        """Whether it can be asked."""
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def _end(self, status: int) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)


class Wires:
    """A pool of connections, as servers that call have one. Opened by `open_wires`.

    The one that was used last is used first; one that the service closed meanwhile is opened anew.
    """

    def __init__(self, url: str, wires: list[Wire]) -> None:
        self._url = url
        self._all = wires
        self._free: asyncio.LifoQueue[Wire] = asyncio.LifoQueue()
        for wire in wires:
            self._free.put_nowait(wire)

    async def ask(self, raw: bytes) -> int:
        """Send a request when there is a connection; return its status, 0 when it broke."""
        wire = await self._free.get()
        if not wire.is_open:
            wire = await _open_wire(self._url)
            self._all.append(wire)
        status = await wire.ask(raw)
        self._free.put_nowait(wire)
        return status

    def close(self) -> None:
        """Hang up all of them."""
        for wire in self._all:
            wire.close()


async def open_wires(url: str, count: int) -> Wires:
    """Return so many connections."""
    return Wires(url, [await _open_wire(url) for _ in range(count)])


async def _open_wire(url: str) -> Wire:
    where = urlsplit(url)
    loop = asyncio.get_running_loop()
    made: Any = await loop.create_connection(Wire, where.hostname or "", where.port or 80)
    wire: Wire = made[1]
    return wire
