"""Everything that is in a store, as text to search in."""

import sqlite3
from typing import Any


def stored_text(store: Any) -> str:
    """Return every value of every row of a store in memory, the documents themselves included."""
    store = getattr(store, "_store", store)  # what watches a store has it inside
    connection: sqlite3.Connection = store._writer._connection
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return "\n".join(
        value.decode() if isinstance(value, bytes) else str(value)
        for (table,) in tables
        for row in connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - names of ours
        for value in row
    )
