"""Reads the service's SQLite file from outside, while the service has it: for the auditor."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from payment_service.ports import Collection, ColumnValue, Document, Page
from payment_service.records import from_json

D = TypeVar("D", bound=Document)
BUSY_S = 10.0


@dataclass(frozen=True, slots=True)
class FileReader:
    """One short read at a time: who holds one open keeps the log from being folded away."""

    path: Path

    async def get(self, collection: Collection[D], id: str) -> D | None:
        """Return the document as last committed."""
        sql = f'SELECT body FROM "{collection.name}" WHERE id = ?'  # noqa: S608 - names of ours
        found = self.rows(sql, (id,))
        return from_json(found[0][0], collection.kind) if found else None

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
        """Return all documents as one page, whatever the limit."""
        asked = [equal, created_from, created_to, cursor]
        assert not any(asked), "it reads all or nothing"
        found = self.rows(f'SELECT body FROM "{collection.name}" ORDER BY id')  # noqa: S608
        return Page([from_json(body, collection.kind) for (body,) in found], None)

    def rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT or PRAGMA."""
        address = f"file:{self.path}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as connection:
            return connection.execute(sql, values).fetchall()
