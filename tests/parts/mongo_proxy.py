"""A TCP proxy before a MongoDB server that reads the names of commands and can lose what it wants.

The one fault that no server can be told to have: a write is applied, and its answer never arrives.
"""

import asyncio
import contextlib
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum, auto

import bson

_HEADER = struct.Struct("<iiii")
_OP_MSG = 2013
# Flag bits and the kind of the first section, before the command's own document.
_BODY_AT = 5
# Longer than any test lasts.
LIMIT_MS = 60_000


class Fault(Enum):
    """What happens to a command."""

    LOSE_ANSWER = auto()  # the server does it; the connection ends before its answer is out
    RESET = auto()  # the connection ends before the server has heard of it
    STALL = auto()  # the server does it; its answer never comes, and the connection stays open


class MongoProxy:
    """Passes on everything, but for the faults that a test plans.

    seen: how many of each command have come by.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._faults: dict[str, list[Fault]] = {}
        self._always: dict[str, Fault] = {}
        self._open: set[asyncio.Task[None]] = set()
        self.seen: Counter[str] = Counter()
        self.port = 0

    def plan(self, command: str, *faults: Fault) -> None:
        """Let these happen to the next commands of this name, one each."""
        self._faults.setdefault(command, []).extend(faults)

    def always(self, command: str, fault: Fault | None) -> None:
        """Let this happen to every command of this name from now on; None: no more."""
        if fault is None:
            self._always.pop(command, None)
        else:
            self._always[command] = fault

    def uri(self, database: str) -> str:
        """Return the address of a database behind it; the client must not look for another way."""
        return f"mongodb://127.0.0.1:{self.port}/{database}?directConnection=true"

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side ends it."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        doomed: dict[int, Fault] = {}  # by the number of the request
        ways = [
            asyncio.create_task(self._requests(reader, far_writer, doomed)),
            asyncio.create_task(_answers(far_reader, writer, doomed)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            return  # the test is over
        finally:
            for way in ways:
                way.cancel()
            for one in (writer, far_writer):
                one.close()

    async def close(self) -> None:
        """End every connection."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, doomed: dict[int, Fault]
    ) -> None:
        while (request := await _message(reader)) is not None:
            fault = self._next_fault(_command(request))
            if fault is Fault.RESET:
                return
            if fault is not None:
                doomed[_HEADER.unpack_from(request)[1]] = fault
            writer.write(_with_steady_limit(request))

    def _next_fault(self, command: str) -> Fault | None:
        self.seen[command] += 1
        planned = self._faults.get(command)
        return planned.pop(0) if planned else self._always.get(command)


@asynccontextmanager
async def proxy_before(server_port: int) -> AsyncIterator[MongoProxy]:
    """Run a proxy in this event loop."""
    proxy = MongoProxy(server_port)
    listener = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    proxy.port = listener.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listener.close()
        await proxy.close()


async def _answers(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, doomed: dict[int, Fault]
) -> None:
    while (answer := await _message(reader)) is not None:
        fault = doomed.pop(_HEADER.unpack_from(answer)[2], None)
        if fault is Fault.LOSE_ANSWER:
            return
        if fault is None:
            writer.write(answer)


async def _message(reader: asyncio.StreamReader) -> bytes | None:
    """Return one whole message of the wire protocol, None at the end."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        header = await reader.readexactly(_HEADER.size)
        length = _HEADER.unpack(header)[0]
        return header + await reader.readexactly(length - _HEADER.size)
    return None


def _command(request: bytes) -> str:
    """Return the name of the command: the first key of the message's document."""
    if _HEADER.unpack_from(request)[3] != _OP_MSG:
        return "hello"  # the first greeting of a connection is in the oldest form
    body = request[_HEADER.size + _BODY_AT :]
    length = struct.unpack_from("<i", body)[0]
    return next(iter(bson.decode(body[:length])))


def _with_steady_limit(request: bytes) -> bytes:
    """Return the message with the same time limit at every try.

    A driver tries a write again under its number, with the time that is left. MongoDB knows it by
    the number; SecantusDB (0.7.0b3) by its bytes, the limit among them, and would do it twice.
    """
    name_at = request.find(b"maxTimeMS\0")
    if name_at < 0:
        return request
    form = {0x10: "<i", 0x12: "<q"}[request[name_at - 1]]
    patched = bytearray(request)
    struct.pack_into(form, patched, name_at + len(b"maxTimeMS\0"), LIMIT_MS)
    return bytes(patched)
