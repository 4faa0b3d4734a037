"""What goes over the socket: frames of a length and a JSON text, a request and its response.

The server speaks first and says which release it is. Both ends are the same release: a command of
another one could write what the running process does not know.
"""

import asyncio
import contextlib
import os
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from payment_service.ports import (
    AlreadyExists,
    NotStorable,
    StoreInDoubt,
    StoreUnavailable,
    VersionConflict,
)

T = TypeVar("T")

# A page of a hundred documents; the largest payment that was ever seen has 64 KB.
MESSAGE_BYTES_MAX = 32 * 1024 * 1024
# What one request may list: an answer is made in one turn of the loop, a ms or two for so many.
LISTED_MAX = 100
# The kernel's limit for a socket's path, its final zero included (unix(7)).
PATH_BYTES_MAX = 107

# Whatever an operation is given and gives back: JSON without further ado.
Operation = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class OperationFailed(Exception):
    """The running process could not do it, for a reason that the operator is told."""


class Hello(msgspec.Struct):
    """What the server says first. is_full: and that is all, since others ask already."""

    release: str
    is_full: bool = False


class Request(msgspec.Struct, omit_defaults=True):
    """One method of `ports.Store`, or an operation of its own with `arguments`."""

    method: str
    collection: str = ""
    id: str = ""
    documents: list[msgspec.Raw] = []
    expected_version: int = 0
    column: str = ""
    value: str = ""
    now: datetime | None = None
    later_than: datetime | None = None
    equal: dict[str, str | int | None] = {}
    created_from: datetime | None = None
    created_to: datetime | None = None
    cursor: str | None = None
    after: str = ""
    limit: int = 0
    arguments: dict[str, Any] = {}


class Response(msgspec.Struct, omit_defaults=True):
    """What came of it. error: a name of ERRORS, "" for success."""

    error: str = ""
    message: str = ""
    documents: list[msgspec.Raw] = []
    next_cursor: str | None = None
    result: dict[str, Any] = {}


# Exactly these are told by name; the first one that fits.
ERRORS: Mapping[str, type[Exception]] = {
    "already_exists": AlreadyExists,
    "version_conflict": VersionConflict,
    "store_in_doubt": StoreInDoubt,
    "not_storable": NotStorable,
    "store_unavailable": StoreUnavailable,
    "operation_failed": OperationFailed,
    "value_error": ValueError,
    "assertion_error": AssertionError,
}
# Of any other kind nothing is said but that: its text is for the log of the process it is of.
UNEXPECTED = "unexpected"

_LENGTH = struct.Struct(">I")
_encoder = msgspec.json.Encoder()


def release() -> str:
    """Return which release this is."""
    return version("payment-service")


def socket_path(database: str) -> str:
    """Return where the process listens that has this database file open."""
    return f"{os.path.realpath(database)}.sock"


@contextlib.contextmanager
def short_path(path: str) -> Iterator[str]:
    """Yield a name of the path that the kernel takes, however long the path is. Raises OSError."""
    if len(os.fsencode(path)) <= PATH_BYTES_MAX:
        yield path
        return
    folder, name = os.path.split(path)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield str(Path("/proc/self/fd") / str(descriptor) / name)
    finally:
        os.close(descriptor)


async def send(writer: asyncio.StreamWriter, message: msgspec.Struct) -> None:
    """Write one frame. Raises ValueError: it is too large; OSError: nobody reads it any more."""
    body = _encoder.encode(message)
    if len(body) > MESSAGE_BYTES_MAX:
        raise ValueError("the message is too large for the socket")
    writer.write(_LENGTH.pack(len(body)) + body)
    await writer.drain()


async def receive(reader: asyncio.StreamReader, kind: type[T]) -> T:
    """Read one frame.

    Raises asyncio.IncompleteReadError: the other end has gone; ValueError: it speaks another
    language; OSError.
    """
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > MESSAGE_BYTES_MAX:
        raise ValueError("the message is too large")
    return msgspec.json.decode(await reader.readexactly(length), type=kind)


def error_name(error: Exception) -> str:
    """Return by which name an exception is told."""
    for name, kind in ERRORS.items():
        if isinstance(error, kind):
            return name
    return UNEXPECTED
