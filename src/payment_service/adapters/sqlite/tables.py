"""A collection as a table: its SQL, written once, and a document as one row of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from payment_service.page_cursor import position_of
from payment_service.ports import Collection, ColumnValue, Document, epoch_ms
from payment_service.records import to_json

D = TypeVar("D", bound=Document)
Row = tuple[Any, ...]

# Every table has these, and no declared column may bear such a name.
FIXED = ("id", "version", "body")
# Rows dropped in one go: a few ms of the writer's time, so that payments pass in between.
DROP_MAX = 500


@dataclass(frozen=True, slots=True)
class Question:
    """A SELECT and its values."""

    sql: str
    values: Row

    @property
    def ids_sql(self) -> str:
        """The same, asking only which rows: an index answers that without reading documents."""
        return self.sql.replace("SELECT body", "SELECT rowid", 1)


class Table(Generic[D]):
    """One collection's table.

    derived: the columns computed from a document, `wake_at` first. They can be made again from the
    documents at any time.
    """

    def __init__(self, collection: Collection[D]) -> None:
        self.name = collection.name
        self.kind = collection.kind
        self.declared = tuple(collection.columns)
        self.derived = _derived(collection)
        self.indexes = _indexes(collection)
        self._compute = tuple(self.derived.values())
        self._write_sql()

    def _write_sql(self) -> None:
        names = [f'"{name}"' for name in self.derived]
        columns = ", ".join(("id", "version", "body", *names))
        marks = ", ".join("?" * (len(names) + 3))
        changes = ", ".join(f"{name} = ?" for name in ("version", "body", *names))
        table = f'"{self.name}"'
        # With row ids: documents are long, and WITHOUT ROWID made a write cost 1.7 times as much.
        self.create = (
            f"CREATE TABLE {table} (id TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL, "
            f"body BLOB NOT NULL, {', '.join(names)})"
        )
        self.insert = f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
        self.replace = f"UPDATE {table} SET {changes} WHERE id = ? AND version = ?"  # noqa: S608
        self.remove = f"DELETE FROM {table} WHERE id = ? AND version = ?"  # noqa: S608
        self.get = f"SELECT body FROM {table} WHERE id = ?"  # noqa: S608
        self.body = f"SELECT body FROM {table} WHERE rowid = ?"  # noqa: S608
        # Documents due at the same time come in the order of their rows, which is the index's own.
        self.due = (
            f"SELECT body FROM {table} WHERE wake_at <= ? AND wake_at > ? "  # noqa: S608
            "ORDER BY wake_at, rowid LIMIT ?"
        )
        self.drop = (
            f"DELETE FROM {table} WHERE rowid IN "  # noqa: S608
            f"(SELECT rowid FROM {table} WHERE expires_at <= ? LIMIT {DROP_MAX})"
        )
        self.walk = f"SELECT body FROM {table} WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
        self.find = {
            name: f'SELECT body FROM {table} WHERE "{name}" = ? LIMIT 1'  # noqa: S608
            for name in self.declared
        }

    def values(self, doc: D) -> Row:
        """Return what stands in the derived columns for this document."""
        return tuple([compute(doc) for compute in self._compute])

    def inserted(self, doc: D) -> Row:
        """Return the values of `insert`."""
        return (doc.id, doc.version, to_json(doc), *self.values(doc))

    def replaced(self, doc: D, expected_version: int) -> Row:
        """Return the values of `replace`."""
        return (doc.version, to_json(doc), *self.values(doc), doc.id, expected_version)

    def page(
        self,
        equal: Mapping[str, ColumnValue],
        span: tuple[datetime | None, datetime | None],
        cursor: str | None,
        limit: int,
    ) -> Question:
        """Return the question for one page. Raises ValueError for a cursor that is not ours."""
        assert "created_at" in self.declared, f"{self.name} cannot be paged"
        assert equal.keys() <= set(self.declared), "only declared columns can be filtered by"
        terms, values = _equals(self.declared, equal)
        for bound, operator in zip(span, (">=", "<="), strict=True):
            if bound is not None:
                terms.append(f"created_at {operator} ?")
                values.append(epoch_ms(bound))
        if cursor is not None:
            terms.append("(created_at, id) < (?, ?)")
            values.extend(position_of(cursor))
        where = f"WHERE {' AND '.join(terms)} " if terms else ""
        sql = (
            f'SELECT body FROM "{self.name}" {where}'  # noqa: S608
            "ORDER BY created_at DESC, id DESC LIMIT ?"
        )
        return Question(sql, (*values, limit))


def _equals(
    declared: tuple[str, ...], equal: Mapping[str, ColumnValue]
) -> tuple[list[str], list[ColumnValue]]:
    """Return the terms of a filter and their values.

    SQLite knows nothing of how many documents share a value. The column declared first leads, and
    the `+` keeps the others from being used as an index: `status` would walk half of the table.
    """
    terms: list[str] = []
    values: list[ColumnValue] = []
    for name in (n for n in declared if n in equal):
        prefix = "+" if terms else ""
        if equal[name] is None:
            terms.append(f'+"{name}" IS NULL')
        else:
            terms.append(f'{prefix}"{name}" = ?')
            values.append(equal[name])
    return terms, values


def _derived(collection: Collection[D]) -> dict[str, Callable[[D], ColumnValue]]:
    derived: dict[str, Callable[[D], ColumnValue]] = {"wake_at": lambda d: _ms(d.wake_at)}
    expires_at = collection.expires_at
    if expires_at is not None:
        derived["expires_at"] = lambda d: _ms(expires_at(d))
    clash = collection.columns.keys() & {*FIXED, "wake_at", "expires_at"}
    assert not clash, f"{collection.name}: {clash} is the store's own"
    return {**derived, **collection.columns}


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else epoch_ms(moment)


def _indexes(collection: Collection[D]) -> dict[str, str]:
    """Return the indexes by name, spelled as SQLite keeps them, so that a change is noticed.

    What is None is in no index: most documents are not due, and those need not be touched.
    """
    paged = ", created_at, id" if "created_at" in collection.columns else ""
    parts = {"wake_at": '"wake_at"'}
    if collection.expires_at is not None:
        parts["expires_at"] = '"expires_at"'
    for name in collection.columns:
        tail = paged.replace(", created_at", "") if name == "created_at" else paged
        parts[name] = f'"{name}"' + ("" if name in collection.unique else tail)
    indexes = {}
    for name, part in parts.items():
        unique = "UNIQUE " if name in collection.unique else ""
        index = f"{collection.name}_{name}"
        where = "" if name == "created_at" else f' WHERE "{name}" IS NOT NULL'
        indexes[index] = f'CREATE {unique}INDEX "{index}" ON "{collection.name}" ({part}){where}'
    return indexes
