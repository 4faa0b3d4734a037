"""A store in a file, and documents to put into it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from payment_service.adapters.sqlite import SqliteStore, open_store
from payment_service.domain.schema import SCHEMA, Schema
from payment_service.ports import Collection


@dataclass(frozen=True, slots=True)
class Thing:
    id: str
    version: int = 0
    colour: str | None = None
    text: str = ""
    wake_at: None = None
    schema: Schema = SCHEMA


THINGS: Collection[Thing] = Collection(name="things", kind=Thing)


@asynccontextmanager
async def opened(path: Path, collection: Collection[Thing] = THINGS) -> AsyncIterator[SqliteStore]:
    store = open_store(str(path), [collection])
    try:
        await store.ensure_schema()
        yield store
    finally:
        await store.close()
