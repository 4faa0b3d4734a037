"""How a document lies in MongoDB, how it is looked up, and which indexes that takes.

    {_id, version, write, columns: {wake_at, status, …}, body: {…}}

`body` is the whole document. `columns` is computed from it, what is None left out, so that most
documents are in no index of it. `write` is the mark of the write that put it there: no other write
has it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

from bson import Int64, ObjectId

from payment_service.adapters.mongo.plain_bson import from_bson, to_bson
from payment_service.page_cursor import cursor_of, position_of
from payment_service.ports import Collection, ColumnValue, Document, epoch_ms
from payment_service.records import from_plain, to_plain

D = TypeVar("D", bound=Document)
Found = Mapping[str, Any]
Filter = dict[str, Any]
Order = list[tuple[str, int]]

# What tells whose write stands there, and nothing of the document.
WHOSE = {"version": 1, "write": 1}
DUE_ORDER: Order = [("columns.wake_at", 1), ("_id", 1)]
ID_ORDER: Order = [("_id", 1)]
PAGE_ORDER: Order = [("columns.created_at", -1), ("_id", -1)]


class Layout(Generic[D]):
    """One collection's documents and indexes."""

    def __init__(self, collection: Collection[D]) -> None:
        self.name = collection.name
        self.kind = collection.kind
        self.declared = tuple(collection.columns)
        self.expires = collection.expires_at is not None
        self.indexes = _indexes(collection)
        self._unique = collection.unique
        self._columns = _columns(collection)

    def stored(self, doc: D) -> dict[str, Any]:
        """Return the document as it is written, under a mark of its own."""
        columns = {name: compute(doc) for name, compute in self._columns.items()}
        return {
            "_id": doc.id,
            "version": Int64(doc.version),
            "write": ObjectId(),
            "columns": to_bson({n: value for n, value in columns.items() if value is not None}),
            "body": to_bson(to_plain(doc)),
        }

    def unique_values(self, stored: Found) -> list[Filter]:
        """Return a filter for each of the values that no other document may have."""
        columns = stored["columns"]
        return [having(name, columns[name]) for name in sorted(self._unique & columns.keys())]

    def page(
        self,
        equal: Mapping[str, ColumnValue],
        span: tuple[datetime | None, datetime | None],
        cursor: str | None,
    ) -> Filter:
        """Return what the documents of a page have. Raises ValueError for a cursor not ours."""
        assert "created_at" in self.declared, f"{self.name} cannot be paged"
        assert equal.keys() <= set(self.declared), "only declared columns can be filtered by"
        terms = [having(name, value) for name, value in equal.items()]
        for bound, operator in zip(span, ("$gte", "$lte"), strict=True):
            if bound is not None:
                terms.append({"columns.created_at": {operator: Int64(epoch_ms(bound))}})
        if cursor is not None:
            terms += _behind(*position_of(cursor))
        return {"$and": terms} if terms else {}


def document_in(found: Found, kind: type[D]) -> D:
    """Return the document as it was written. Raises ValueError when this version cannot read it."""
    return from_plain(from_bson(found["body"]), kind)


def having(column: str, value: ColumnValue) -> Filter:
    """Return the filter for a column's value; None finds those that have none."""
    return {f"columns.{column}": {"$eq": value}}


def cursor_behind(found: Found) -> str:
    """Return the cursor that stands behind this document, whether or not it can be read."""
    return cursor_of(found["columns"]["created_at"], found["_id"])


def _behind(created_at: int, id: str) -> list[Filter]:
    """Return the terms for what comes after a position; the first bounds the walk of the index."""
    at = Int64(created_at)
    older: Filter = {"columns.created_at": {"$lt": at}}
    same_time: Filter = {"columns.created_at": {"$eq": at}, "_id": {"$lt": id}}
    return [{"columns.created_at": {"$lte": at}}, {"$or": [older, same_time]}]


def _columns(collection: Collection[D]) -> dict[str, Callable[[D], ColumnValue | datetime]]:
    columns: dict[str, Callable[[D], ColumnValue | datetime]] = {"wake_at": lambda d: d.wake_at}
    if collection.expires_at is not None:
        columns["expires_at"] = collection.expires_at
    clash = columns.keys() & collection.columns.keys()
    assert not clash, f"{collection.name}: {clash} is the store's own"
    return {**columns, **collection.columns}


def _indexes(collection: Collection[D]) -> dict[str, dict[str, Any]]:
    """Return the indexes by name, each as `listIndexes` shows it.

    What is None is in no index: most documents are not due, and those need not be touched. A unique
    one cannot be had where the documents are spread over shards by their `_id`.
    """
    keys: dict[str, Order] = {"wake_at": DUE_ORDER}
    if collection.expires_at is not None:
        keys["expires_at"] = [("columns.expires_at", 1)]
    paged = PAGE_ORDER if "created_at" in collection.columns else []
    for name in collection.columns:
        tail = [] if name in collection.unique else paged
        keys[name] = PAGE_ORDER if name == "created_at" else [(f"columns.{name}", 1), *tail]
    indexes: dict[str, dict[str, Any]] = {}
    for name, key in keys.items():
        index: dict[str, Any] = {"name": name, "key": dict(key)}
        if name != "created_at":
            index["partialFilterExpression"] = {f"columns.{name}": {"$exists": True}}
        if name in collection.unique:
            index["unique"] = True
        if name == "expires_at":
            index["expireAfterSeconds"] = 0  # the time in the document is the time
        indexes[name] = index
    return indexes
