"""A MongoDB primary that says what a test tells it to: answers that no real server gives at will.

It speaks the wire protocol (OP_MSG) and keeps nothing: each command but the driver's own greetings
is handed to the script, which returns the answer, or a fault.
"""

import asyncio
import contextlib
import itertools
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

import bson

_HEADER = struct.Struct("<iiii")
_OP_MSG = 2013
_FLAGS = struct.Struct("<I")

Plain = dict[str, Any]


class Cut(Enum):
    """What a script may do instead of answering."""

    CLOSE = auto()  # the connection ends
    STALL = auto()  # no answer comes, and the connection stays open


Answer = Mapping[str, Any] | Cut
Script = Callable[[Plain], Answer]

OK: Plain = {"ok": 1}
DONE: Plain = {"ok": 1, "n": 1, "nModified": 1}
NOTHING_MATCHED: Plain = {"ok": 1, "n": 0, "nModified": 0}
# As a server that is not MongoDB's own says it: without `keyPattern`, without the index's name.
DUPLICATE: Plain = {
    "ok": 1,
    "n": 0,
    "writeErrors": [{"index": 0, "code": 11000, "errmsg": "E11000 duplicate key error"}],
}


def refused(code: int, **more: Any) -> Plain:
    """Return the answer of a server that fails a command."""
    return {"ok": 0, "code": code, "errmsg": "said so", "codeName": f"Code{code}", **more}


def shown(*documents: Mapping[str, Any]) -> Plain:
    """Return the answer to a `find`."""
    return {"ok": 1, "cursor": {"id": 0, "ns": "payments.things", "firstBatch": [*documents]}}


@dataclass(slots=True)
class ScriptedMongo:
    """The server. heard: the commands in order. wire: the versions of the protocol it knows.

    is_router: whether it says that it is one of a sharded cluster.
    """

    script: Script
    wire: tuple[int, int] = (0, 21)
    is_router: bool = False
    port: int = 0
    heard: list[Plain] = field(default_factory=list)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def uri(self) -> str:
        """Its address, as for MONGODB_URI."""
        return f"mongodb://127.0.0.1:{self.port}/payments?directConnection=true"

    def named(self, name: str) -> list[Plain]:
        """Return the commands of this name."""
        return [command for command in self.heard if next(iter(command)) == name]

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self._open.add(writer)
        numbers = itertools.count(1)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                number, command = await _read(reader)
                answer = self._answer(command)
                if answer is Cut.CLOSE:
                    break
                if isinstance(answer, Mapping):
                    writer.write(_message(next(numbers), number, answer))
                    await writer.drain()
        self._open.discard(writer)
        writer.close()

    def close(self) -> None:
        """End every connection."""
        for writer in self._open:
            writer.close()

    def _answer(self, command: Plain) -> Answer:
        match next(iter(command)):
            case "hello" | "ismaster" | "isMaster":
                router = {"msg": "isdbgrid"} if self.is_router else {"setName": "scripted"}
                return {
                    "ok": 1,
                    "helloOk": True,
                    "isWritablePrimary": True,
                    "ismaster": True,
                    **router,
                    "hosts": [f"127.0.0.1:{self.port}"],
                    "me": f"127.0.0.1:{self.port}",
                    "minWireVersion": self.wire[0],
                    "maxWireVersion": self.wire[1],
                    "maxBsonObjectSize": 16 * 1024 * 1024,
                    "maxMessageSizeBytes": 48_000_000,
                    "maxWriteBatchSize": 100_000,
                    "logicalSessionTimeoutMinutes": 30,
                    "localTime": None,
                }
            case "ping" | "endSessions":
                return OK
            case _:
                self.heard.append(command)
                return self.script(command)


@asynccontextmanager
async def scripted_mongo(script: Script, **how: Any) -> AsyncIterator[ScriptedMongo]:
    """Run one in this event loop."""
    server = ScriptedMongo(script, **how)
    listener = await asyncio.start_server(server.take, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        server.close()


async def _read(reader: asyncio.StreamReader) -> tuple[int, Plain]:
    """Return a command's number and document; what comes in a section of its own is put into it."""
    length, number, _, code = _HEADER.unpack(await reader.readexactly(_HEADER.size))
    body = await reader.readexactly(length - _HEADER.size)
    assert code == _OP_MSG, "the driver speaks the oldest form, which is not known here"
    at = _FLAGS.size
    command: Plain = {}
    extra: Plain = {}
    while at < len(body):
        kind, at = body[at], at + 1
        size = struct.unpack_from("<i", body, at)[0]
        part = body[at : at + size]
        at += size
        if kind == 0:
            command = bson.decode(part)
        else:
            name, _, documents = part[4:].partition(b"\0")
            extra[name.decode()] = bson.decode_all(documents)
    return number, command | extra


def _message(number: int, answer_to: int, document: Mapping[str, Any]) -> bytes:
    body = _FLAGS.pack(0) + b"\0" + bson.encode(document)
    return _HEADER.pack(_HEADER.size + len(body), number, answer_to, _OP_MSG) + body
