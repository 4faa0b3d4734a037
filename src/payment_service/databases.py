"""Opens the database that the settings choose, or finds the process that has it open."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

from payment_service.adapters.sqlite import IN_MEMORY, SqliteStore, StoreInUse, erase, open_store
from payment_service.adapters.store_socket import (
    Operation,
    OtherRelease,
    RunningService,
    SocketStore,
    StoreServer,
    TooManyCommands,
    connect,
    socket_path,
)
from payment_service.ports import Store, StoreUnavailable
from payment_service.settings import Settings
from payment_service.storage.collections import COLLECTIONS

# How long a start waits for the file: an operator's command, or the process before it that still
# finishes, has it for a moment.
FILE_WAIT_S = 10.0
FILE_AGAIN_S = 0.1


def open_database(settings: Settings) -> Store:
    """Return the store that the settings choose, opened. Raises StoreUnavailable."""
    if settings.mongodb_uri is not None:
        return _open_mongodb(settings, settings.mongodb_uri.get_secret_value())
    accept_outdated = settings.sqlite_accept_outdated
    return open_store(settings.sqlite_path, COLLECTIONS, accept_outdated=accept_outdated)


def open_database_at(settings: Settings, address: str) -> Store:
    """Return the store at `sqlite:<path>` or a MongoDB address, opened. Raises StoreUnavailable."""
    kind, _, rest = address.partition(":")
    if kind == "sqlite" and rest:
        return open_store(rest, COLLECTIONS)
    if kind in {"mongodb", "mongodb+srv"} and rest:
        return _open_mongodb(settings, address)
    raise StoreUnavailable("an address begins with sqlite: or mongodb:// and does not end there")


def _open_mongodb(settings: Settings, uri: str) -> Store:
    # A start on SQLite does not pay for the driver.
    from payment_service.adapters import mongo  # noqa: PLC0415

    return mongo.open_store(
        uri,
        COLLECTIONS,
        pool_max=settings.mongodb_pool_max,
        timeout_s=settings.mongodb_timeout_s,
        self_test=True,
    )


@contextlib.asynccontextmanager
async def ready_database(settings: Settings) -> AsyncIterator[Store]:
    """Yield the store alone, ready to be used; close it on leaving.

    Where a running process has the SQLite file, that process is asked instead.
    Raises StoreUnavailable, which a MongoDB that was not migrated is too.
    """
    found = await _open_or_find(settings)
    store = SocketStore(found) if isinstance(found, RunningService) else found
    try:
        await store.check_schema()
        yield store
    finally:
        await store.close()


def erase_removed(settings: Settings) -> None:
    """Make what was removed unreadable in the database's own file; nobody else may have it open.

    Raises StoreUnavailable. Of a database server that is its operator's to do.
    """
    if settings.mongodb_uri is None:
        erase(settings.sqlite_path)


async def running_service(settings: Settings) -> RunningService | None:
    """Return the process that has the SQLite file open, to be asked; None when there is none.

    Raises StoreUnavailable: it is of another release. Close it at the end.
    """
    if settings.mongodb_uri is not None or settings.sqlite_path == IN_MEMORY:
        return None
    return await connect(socket_path(settings.sqlite_path))


@contextlib.asynccontextmanager
async def beside_operators(
    settings: Settings, store: Store, operations: Mapping[str, Operation]
) -> AsyncIterator[None]:
    """Let operators' commands use the SQLite file through this process, which has it open.

    operations: what they may have done here besides, by name.
    """
    if not isinstance(store, SqliteStore) or settings.sqlite_path == IN_MEMORY:
        yield
        return
    path = socket_path(settings.sqlite_path)
    server = StoreServer(store, COLLECTIONS, path, operations)
    await server.start()
    try:
        yield
    finally:
        await server.close()


async def open_soon(settings: Settings) -> Store:
    """Open the database; wait for a file that somebody has for a moment.

    Raises StoreUnavailable: a running service has it, and is not about to go, among other reasons.
    """
    with contextlib.suppress(OtherRelease, TooManyCommands):
        found = await _open_or_find(settings)
        if not isinstance(found, RunningService):
            return found
        await found.close()
    return open_database(settings)  # which says that it is in use


async def _open_or_find(settings: Settings) -> Store | RunningService:
    """Open the database, or find who has it; one that just starts or stops is waited for."""
    loop = asyncio.get_running_loop()
    until = loop.time() + FILE_WAIT_S
    while True:
        try:
            return open_database(settings)
        except StoreInUse:
            service = await running_service(settings)
            if service is not None:
                return service
            if loop.time() >= until:
                raise
        await asyncio.sleep(FILE_AGAIN_S)
