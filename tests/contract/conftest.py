"""The adapters that every contract suite is run over."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from payment_service.adapters.sqlite import IN_MEMORY, open_store
from payment_service.ports import Collection, Store
from tests.contract.things import COLLECTIONS

Opener = Callable[[Path, Iterable[Collection[Any]]], AbstractAsyncContextManager[Store]]


@asynccontextmanager
async def sqlite_in_memory(
    folder: Path, collections: Iterable[Collection[Any]]
) -> AsyncIterator[Store]:
    store = open_store(IN_MEMORY, collections)
    await store.ensure_schema()
    yield store
    await store.close()


@asynccontextmanager
async def sqlite_in_a_file(
    folder: Path, collections: Iterable[Collection[Any]]
) -> AsyncIterator[Store]:
    store = open_store(str(folder / "store.db"), collections)
    await store.ensure_schema()
    yield store
    await store.close()


# A new adapter is one more line here: it is given an empty folder and the collections, and gives an
# empty store.
STORES: dict[str, Opener] = {
    "sqlite-memory": sqlite_in_memory,
    "sqlite-file": sqlite_in_a_file,
}


@pytest.fixture(params=list(STORES.values()), ids=list(STORES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Give an empty store from each adapter."""
    opener: Opener = request.param
    async with opener(tmp_path, COLLECTIONS) as opened:
        yield opened
