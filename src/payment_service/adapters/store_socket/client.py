"""The store of a running process, as a command beside it sees it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from payment_service.adapters.store_socket.protocol import (
    ERRORS,
    Hello,
    Request,
    Response,
    receive,
    release,
    send,
    short_path,
)
from payment_service.ports import (
    Collection,
    ColumnValue,
    Document,
    Page,
    StoreInDoubt,
    StoreUnavailable,
)
from payment_service.records import from_json, to_json

D = TypeVar("D", bound=Document)

# Longer than a write waits for a slow disk, shorter than an operator does.
CALL_S = 30.0
_READS = frozenset({"ping", "get", "find_one", "due", "page", "walk"})


class NoAnswer(Exception):
    """Nobody listens there: no process, or one of a release without a socket."""


class OtherRelease(StoreUnavailable):
    """The running process is of another release than this command."""


class TooManyCommands(StoreUnavailable):
    """So many commands ask the running process already."""


class RunningService:
    """A connection to the process that has the database file open. Made by `connect`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._is_closed = False

    async def open(self) -> None:
        """Connect. Raises NoAnswer, OtherRelease, TooManyCommands."""
        try:
            with short_path(self._path) as path:
                streams = await asyncio.open_unix_connection(path)
            async with asyncio.timeout(CALL_S):
                hello = await receive(streams[0], Hello)
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            raise NoAnswer(f"{self._path}: {error}") from error
        if hello.is_full:
            streams[1].close()
            raise TooManyCommands("too many commands ask the running service; try again.")
        if hello.release != release():
            streams[1].close()
            raise OtherRelease(
                f"the running service is release {hello.release} and this command is {release()}; "
                "use the command of the same release."
            )
        self._streams = streams

    async def call(self, request: Request, *, limit_s: float = CALL_S) -> Response:
        """Ask for one thing.

        Raises what the other end's method raises; StoreUnavailable: nothing was done; StoreInDoubt:
        the answer to something that changes was lost.
        """
        async with self._lock:
            response = await self._exchange(request, limit_s)
        if not response.error:
            return response
        known = ERRORS.get(response.error)
        if known is None:
            kind = StoreUnavailable if request.method in _READS else StoreInDoubt
            raise kind(f"the running service failed: {response.message}")
        raise known(response.message)

    async def do(self, operation: str, arguments: dict[str, Any], limit_s: float) -> dict[str, Any]:
        """Have the running process do something of its own. Raises OperationFailed, and as `call`.

        limit_s: how long it may take.
        """
        request = Request(operation, arguments=arguments)
        return (await self.call(request, limit_s=limit_s)).result

    async def close(self) -> None:
        """Let go of the connection, for good."""
        self._is_closed = True
        self._drop()

    def _drop(self) -> None:
        """Let go at once: what was not sent yet must not be, for it is told as not done."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _exchange(self, request: Request, limit_s: float) -> Response:
        if self._is_closed:
            raise StoreUnavailable("the connection to the running service is closed")
        if self._streams is None or self._streams[0].at_eof():  # it closes what says nothing
            try:
                await self.open()
            except NoAnswer as error:
                raise StoreUnavailable(f"the running service has gone ({error})") from error
        assert self._streams is not None, "it was opened just now"
        reader, writer = self._streams
        sent = False
        try:
            async with asyncio.timeout(limit_s):
                await send(writer, request)
                sent = True
                return await receive(reader, Response)
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            self._drop()
            if not sent or request.method in _READS:
                raise StoreUnavailable(f"the running service did not answer: {error}") from error
            raise StoreInDoubt("the running service went away before it answered") from error
        except asyncio.CancelledError:
            self._drop()  # the answer that is still to come is to nobody's question
            raise


async def connect(path: str) -> RunningService | None:
    """Return the process that listens there, None when nobody does.

    Raises OtherRelease, TooManyCommands.
    """
    service = RunningService(path)
    try:
        await service.open()
    except NoAnswer:
        return None
    return service


class SocketStore:
    """Keeps the promises of `ports.Store` with the store of a running process."""

    def __init__(self, service: RunningService) -> None:
        self._service = service

    @property
    def exclusive(self) -> bool:
        """The running process uses it as well."""
        return False

    async def get(self, collection: Collection[D], id: str) -> D | None:
        """Return the document as last committed."""
        return _one(collection, await self._service.call(_of(collection, "get", id=id)))

    async def insert(self, collection: Collection[D], doc: D) -> None:
        """Write a new document. Raises AlreadyExists."""
        await self._service.call(_of(collection, "insert", documents=[_raw(doc)]))

    async def replace(self, collection: Collection[D], doc: D, *, expected_version: int) -> None:
        """Write the next version. Raises VersionConflict, AlreadyExists."""
        assert doc.version == expected_version + 1, "a replacement is the next version"
        documents = [_raw(doc)]
        request = _of(collection, "replace", documents=documents, expected_version=expected_version)
        await self._service.call(request)

    async def remove(self, collection: Collection[D], id: str, *, expected_version: int) -> None:
        """Remove the document. Raises VersionConflict."""
        request = _of(collection, "remove", id=id, expected_version=expected_version)
        await self._service.call(request)

    async def find_one(self, collection: Collection[D], column: str, value: str) -> D | None:
        """Return a document with this value in a declared column."""
        request = _of(collection, "find_one", column=column, value=value)
        return _one(collection, await self._service.call(request))

    async def due(
        self,
        collection: Collection[D],
        now: datetime,
        limit: int,
        *,
        later_than: datetime | None = None,
    ) -> Sequence[D]:
        """Return documents that are due, at most LISTED_MAX."""
        request = _of(collection, "due", now=now, limit=limit, later_than=later_than)
        return _all(collection, await self._service.call(request))

    async def page(
        self,
        collection: Collection[D],
        *,
        equal: Mapping[str, ColumnValue],
        created_from: datetime | None,
        created_to: datetime | None,
        cursor: str | None,
        limit: int,
    ) -> Page[D]:
        """Return one page, of at most LISTED_MAX documents."""
        if cursor is not None and not cursor.isascii():  # not every text can be sent
            raise ValueError("This cursor is not ours.")
        request = _of(
            collection,
            "page",
            equal=dict(equal),
            created_from=created_from,
            created_to=created_to,
            cursor=cursor,
            limit=limit,
        )
        response = await self._service.call(request)
        return Page(_all(collection, response), response.next_cursor)

    async def walk(self, collection: Collection[D], *, after: str, limit: int) -> Sequence[D]:
        """Return documents in the order of their ids, at most LISTED_MAX."""
        request = _of(collection, "walk", after=after, limit=limit)
        return _all(collection, await self._service.call(request))

    async def drop_expired(self, collection: Collection[D], now: datetime) -> None:
        """Drop what is over."""
        await self._service.call(_of(collection, "drop_expired", now=now))

    async def ping(self) -> None:
        """Return when the running process's database answers."""
        await self._service.call(Request("ping"))

    async def ensure_schema(self) -> None:
        """Whoever has the file open has made everything when it started."""
        await self.ping()

    async def check_schema(self) -> None:
        """Likewise."""
        await self.ping()

    async def close(self) -> None:
        """Let go of the connection; the store stays open where it is."""
        await self._service.close()


def _of(collection: Collection[Any], method: str, **more: Any) -> Request:
    return Request(method, collection.name, **more)


def _raw(doc: Document) -> msgspec.Raw:
    return msgspec.Raw(to_json(doc))


def _one(collection: Collection[D], response: Response) -> D | None:
    found = _all(collection, response)
    return found[0] if found else None


def _all(collection: Collection[D], response: Response) -> list[D]:
    return [from_json(bytes(raw), collection.kind) for raw in response.documents]
