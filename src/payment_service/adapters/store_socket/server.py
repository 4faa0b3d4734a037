"""Serves the store of this process to the operator's commands, to nobody else."""

import asyncio
import contextlib
import os
import socket
import stat
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import structlog

from payment_service.adapters.store_socket.protocol import (
    LISTED_MAX,
    UNEXPECTED,
    Hello,
    Operation,
    Request,
    Response,
    error_name,
    receive,
    release,
    send,
    short_path,
)
from payment_service.ports import Collection, Store
from payment_service.records import from_json, to_json

# Operators are a few people; each command has one connection.
CONNECTIONS_MAX = 8
# A command asks at once and goes; whoever says nothing for so long has forgotten us.
IDLE_S = 60.0
# How long a stop waits for what a command has asked for; as long as a slow write takes.
CLOSE_S = 5.0
_ROOT = 0
_CREDENTIALS = struct.Struct("iII")  # pid, uid, gid

_log = structlog.get_logger("operator_socket")


class StoreServer:
    """Listens beside the database file. Only who has the file's lock may start one.

    operations: what the process does besides keeping documents, by name.
    """

    def __init__(
        self,
        store: Store,
        collections: Iterable[Collection[Any]],
        path: str,
        operations: Mapping[str, Operation] | None = None,
    ) -> None:
        self._store = store
        self._collections = {one.name: one for one in collections}
        self._path = path
        self._operations = operations or {}
        self._server: asyncio.Server | None = None
        self._inode: tuple[int, int] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. Where that cannot be, a warning says so: the service does without."""
        listener = None
        try:
            _remove_stale(self._path)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            with short_path(self._path) as path:
                listener.bind(path)
            self._inode = _inode_of(self._path)
            # Between the two nobody can connect: it does not listen yet.
            _keep_private(self._path)
            self._server = await asyncio.start_unix_server(self._serve, sock=listener)
        except OSError as error:
            if listener is not None:
                listener.close()
            reason = error.strerror or str(error)
            _log.warning("operator_socket.unavailable", path=self._path, reason=reason)

    async def close(self) -> None:
        """Let what was asked for be answered, then take no more."""
        if self._server is None:
            return
        self._server.close()
        _remove(self._path, self._inode)
        for task in self._tasks - self._busy:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_S)
        for task in self._tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a connection is served by a task"
        try:
            if not _is_ours(writer):
                return
            if len(self._tasks) >= CONNECTIONS_MAX:
                await send(writer, Hello(release(), is_full=True))
                return
            self._tasks.add(task)
            await send(writer, Hello(release()))
            while self._server is not None and self._server.is_serving():
                async with asyncio.timeout(IDLE_S):
                    request = await receive(reader, Request)
                self._busy.add(task)
                await send(writer, await self._answer(request))
                self._busy.discard(task)
        except (asyncio.IncompleteReadError, OSError, ValueError):
            pass  # the command has gone, or it is none of ours
        except asyncio.CancelledError:
            if not (self._server is None or not self._server.is_serving()):
                raise
        finally:
            self._tasks.discard(task)
            self._busy.discard(task)
            writer.close()

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._do(request)
        except Exception as error:  # noqa: BLE001 - the edge: it goes to whoever asked
            name = error_name(error)
            if name == UNEXPECTED:
                _log.exception("operator_socket.failed", method=request.method)
                return Response(error=name, message="see the service's log")
            return Response(error=name, message=str(error))

    async def _do(self, request: Request) -> Response:
        operation = self._operations.get(request.method)
        if operation is not None:
            return Response(result=await operation(request.arguments))
        match request.method:
            case "ping":
                await self._store.ping()
                return Response()
            case "insert" | "replace" | "remove" | "drop_expired":
                await self._write(request, self._collection(request))
                return Response()
            case "get" | "find_one" | "due" | "page" | "walk":
                return await self._read(request, self._collection(request))
        raise ValueError("there is no such method")

    def _collection(self, request: Request) -> Collection[Any]:
        found = self._collections.get(request.collection)
        if found is None:
            raise ValueError("there is no such collection")
        return found

    async def _write(self, request: Request, collection: Collection[Any]) -> None:
        if request.method == "remove":
            expected = request.expected_version
            await self._store.remove(collection, request.id, expected_version=expected)
        elif request.method == "drop_expired":
            assert request.now is not None, "what is over is over at some time"
            await self._store.drop_expired(collection, request.now)
        else:
            (raw,) = request.documents
            doc = from_json(bytes(raw), collection.kind)
            if request.method == "insert":
                await self._store.insert(collection, doc)
            else:
                expected = request.expected_version
                await self._store.replace(collection, doc, expected_version=expected)

    async def _read(self, request: Request, collection: Collection[Any]) -> Response:
        limit = min(request.limit, LISTED_MAX)
        match request.method:
            case "get":
                return _told([await self._store.get(collection, request.id)])
            case "find_one":
                assert request.column in collection.columns, "only declared columns are looked up"
                found = await self._store.find_one(collection, request.column, request.value)
                return _told([found])
            case "due":
                assert request.now is not None, "what is due is due at some time"
                later_than = request.later_than
                return _told(
                    await self._store.due(collection, request.now, limit, later_than=later_than)
                )
            case "walk":
                return _told(await self._store.walk(collection, after=request.after, limit=limit))
        page = await self._store.page(
            collection,
            equal=request.equal,
            created_from=request.created_from,
            created_to=request.created_to,
            cursor=request.cursor,
            limit=limit,
        )
        response = _told(page.items)
        response.next_cursor = page.next_cursor
        return response


def _told(documents: Iterable[Any]) -> Response:
    return Response(documents=[msgspec.Raw(to_json(doc)) for doc in documents if doc is not None])


def _remove_stale(path: str) -> None:
    """Remove the socket of a process that died; whoever has the lock knows that it did.

    Raises FileExistsError: something else bears the name.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise FileExistsError(0, "a file of another kind bears this name")
    Path(path).unlink()


def _keep_private(path: str) -> None:
    Path(path).chmod(0o600)


def _remove(path: str, inode: tuple[int, int] | None) -> None:
    """Remove our socket, unless another one stands there already."""
    with contextlib.suppress(OSError):
        if _inode_of(path) == inode:
            Path(path).unlink()


def _inode_of(path: str) -> tuple[int, int]:
    found = os.lstat(path)
    return found.st_dev, found.st_ino


def _is_ours(writer: asyncio.StreamWriter) -> bool:
    """Whether the other end is this user or root; where the kernel cannot say, the mode must do."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    connection = writer.get_extra_info("socket")
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(packed)
    return user in {_ROOT, os.getuid()}
