"""The adapters that every contract suite is run over."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient

from payment_service.adapters.mongo import open_store as open_mongo_store
from payment_service.adapters.sqlite import IN_MEMORY, open_store
from payment_service.adapters.store_socket import SocketStore, StoreServer, connect
from payment_service.ports import Collection, Store
from tests.contract.things import COLLECTIONS
from tests.parts.mongo_server import any_mongo, with_database


@dataclass(frozen=True, slots=True)
class Place:
    """Where a test may keep something: an empty folder, and a way to an empty database."""

    folder: Path
    mongo_uri: Callable[[], str]


Opener = Callable[[Place, Iterable[Collection[Any]]], AbstractAsyncContextManager[Store]]


@asynccontextmanager
async def sqlite_in_memory(
    place: Place, collections: Iterable[Collection[Any]]
) -> AsyncIterator[Store]:
    store = open_store(IN_MEMORY, collections)
    await store.ensure_schema()
    yield store
    await store.close()


@asynccontextmanager
async def sqlite_in_a_file(
    place: Place, collections: Iterable[Collection[Any]]
) -> AsyncIterator[Store]:
    store = open_store(str(place.folder / "store.db"), collections)
    await store.ensure_schema()
    yield store
    await store.close()


@asynccontextmanager
async def beside_a_process(
    place: Place, collections: Iterable[Collection[Any]]
) -> AsyncIterator[Store]:
    """Give the store as a command sees it while another process has the file."""
    collections = list(collections)
    path = str(place.folder / "store.db.sock")
    async with sqlite_in_a_file(place, collections) as theirs:
        server = StoreServer(theirs, collections, path)
        await server.start()
        service = await connect(path)
        assert service is not None
        store = SocketStore(service)
        yield store
        await store.close()
        await server.close()


@asynccontextmanager
async def mongo(place: Place, collections: Iterable[Collection[Any]]) -> AsyncIterator[Store]:
    uri = place.mongo_uri()
    # Far longer than any call takes: a machine that is busy elsewhere is not what is tested here.
    store = open_mongo_store(uri, collections, pool_max=20, timeout_s=30)
    await store.ensure_schema()
    yield store
    await store.close()
    async with AsyncMongoClient[dict[str, Any]](uri) as client:
        await client.drop_database(client.get_default_database())


# A new adapter is one more line here: it is given a place and the collections, and gives an empty
# store.
STORES: dict[str, Opener] = {
    "sqlite-memory": sqlite_in_memory,
    "sqlite-file": sqlite_in_a_file,
    "socket": beside_a_process,
    "mongo": mongo,
}


@pytest.fixture(scope="session")
def mongo_address() -> Iterator[str]:
    """Give the address of a server that lives as long as the tests."""
    with any_mongo() as uri:
        yield uri


@pytest.fixture
def mongo_uri(mongo_address: str) -> str:
    """Give the address of a database that nobody has used."""
    return with_database(mongo_address, f"test_{uuid4().hex}")


@pytest.fixture(params=list(STORES.values()), ids=list(STORES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Give an empty store from each adapter."""
    opener: Opener = request.param
    # Asked for only by the one that wants it: a server takes seconds to start.
    place = Place(tmp_path, lambda: str(request.getfixturevalue("mongo_uri")))
    async with opener(place, COLLECTIONS) as opened:
        yield opened
