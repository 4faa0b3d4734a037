"""The shape of the database: whose version it is, and indexes as the collections declare them.

`payment-service migrate` makes them. A start only looks: other replicas are at work in the same
database, and an index over a large collection is not made in passing.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pymongo
import structlog
from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from payment_service.adapters.mongo.errors import SchemaNotReady, StoreTooNew
from payment_service.adapters.mongo.filling import fill_columns
from payment_service.adapters.mongo.layout import Layout

Database = AsyncDatabase[dict[str, Any]]

# Grows when documents or columns change so that the release before could not work with them. Not
# for a new index or a new field: those the release before passes over.
SCHEMA = 1
# The one document of the one collection that is not declared among the ports'.
MARKER_COLLECTION, MARKER_ID = "schema", "payment-service"
# Over tens of millions of documents an index takes this long.
INDEX_BUILD_S = 3600.0
_OPTIONS = ("key", "partialFilterExpression", "unique", "expireAfterSeconds")
_INDEX_NOT_FOUND, _CANNOT_CREATE_INDEX = 27, 67
# What a router says of itself, and no server does.
_ROUTER = "isdbgrid"

_log = structlog.get_logger("mongodb")


async def ensure_schema(database: Database, layouts: Collection[Layout[Any]]) -> None:
    """Make what is missing, and anew what is not as declared. Raises StoreTooNew.

    Documents that were written before a column was declared get it.

    What others added to the database stays, indexes of an earlier release included.
    """
    await _version(database)
    for layout in layouts:
        await _make(database, layout)
    marker = database[MARKER_COLLECTION]
    found = await marker.find_one({"_id": MARKER_ID}) or {}
    with pymongo.timeout(INDEX_BUILD_S):
        filled = await fill_columns(database, layouts, found.get("columns", {}))
    await marker.update_one(
        {"_id": MARKER_ID},
        {"$max": {"version": SCHEMA}, "$set": {"columns": filled}},
        upsert=True,
    )


async def check_schema(database: Database, layouts: Iterable[Layout[Any]]) -> None:
    """Return when everything is there. Raises SchemaNotReady, StoreTooNew."""
    version = await _version(database)
    may_be_sharded = await _is_router(database)
    lacking = [
        f"{layout.name}.{name}"
        for layout in layouts
        for name in _wrong(layout, await _here(database, layout), may_be_sharded=may_be_sharded)
    ]
    names = ", ".join(lacking)
    if version < SCHEMA or names:
        raise SchemaNotReady(
            "the MongoDB database is not as this version needs it "
            f"({names or 'an older schema'}); run `payment-service migrate` first."
        )


async def _version(database: Database) -> int:
    found = await database[MARKER_COLLECTION].find_one({"_id": MARKER_ID})
    version = 0 if found is None else int(found["version"])
    if version > SCHEMA:
        raise StoreTooNew(
            "the MongoDB database was made by a newer version of this program "
            f"(schema {version}, this one knows {SCHEMA})."
        )
    return version


async def _make(database: Database, layout: Layout[Any]) -> None:
    here = await _here(database, layout)
    wrong = _wrong(layout, here, may_be_sharded=await _is_router(database))
    for name in wrong:
        if name in here:
            await _drop(database, layout, name)
    unique = [name for name in wrong if layout.indexes[name].get("unique")]
    await _create(database, layout, [layout.indexes[n] for n in wrong if n not in unique])
    for name in unique:
        await _create_unique(database, layout, name)


async def _create(
    database: Database, layout: Layout[Any], indexes: list[Mapping[str, Any]]
) -> None:
    if indexes:
        models = [IndexModel(**_arguments(index)) for index in indexes]
        # Only this may take so long: of a database that is away all else tells in seconds.
        with pymongo.timeout(INDEX_BUILD_S):
            await database[layout.name].create_indexes(models)


async def _create_unique(database: Database, layout: Layout[Any], name: str) -> None:
    """Make a unique index; a plain one where the documents are spread, which no shard can check."""
    try:
        await _create(database, layout, [layout.indexes[name]])
    except OperationFailure as error:
        if error.code != _CANNOT_CREATE_INDEX:
            raise
        _log.warning("database.index_not_unique", collection=layout.name, index=name)
        await _create(database, layout, [_plain(layout.indexes[name])])


async def _is_router(database: Database) -> bool:
    hello = await database.command("hello")
    return bool(hello.get("msg") == _ROUTER)


async def _drop(database: Database, layout: Layout[Any], name: str) -> None:
    """Drop the index, if another `migrate` has not done so at this moment."""
    try:
        await database[layout.name].drop_index(name)
    except OperationFailure as error:
        if error.code != _INDEX_NOT_FOUND:
            raise


def _wrong(
    layout: Layout[Any], here: Mapping[str, Mapping[str, Any]], *, may_be_sharded: bool
) -> list[str]:
    """Return the names of the indexes that are missing or not as declared.

    may_be_sharded: whether a plain index may stand for a unique one.
    """
    wrong = []
    for name, index in layout.indexes.items():
        found = _shape(here.get(name, {}))
        is_right = found == _shape(index)
        if not is_right and not (may_be_sharded and found == _shape(_plain(index))):
            wrong.append(name)
    return wrong


def _plain(index: Mapping[str, Any]) -> Mapping[str, Any]:
    return {option: value for option, value in index.items() if option != "unique"}


async def _here(database: Database, layout: Layout[Any]) -> dict[str, Mapping[str, Any]]:
    indexes = await database[layout.name].list_indexes()
    return {index["name"]: index async for index in indexes}


def _shape(index: Mapping[str, Any]) -> list[Any]:
    """Return what makes an index what it is; the order of its keys does."""
    key = list(index.get("key", {}).items())
    return [key, *(index.get(option) for option in _OPTIONS[1:])]


def _arguments(index: Mapping[str, Any]) -> dict[str, Any]:
    rest = {option: value for option, value in index.items() if option != "key"}
    return {"keys": list(index["key"].items()), **rest}
