"""Everything that is in a store, as text to search in."""

import sqlite3
from typing import Any

from payment_service.domain.customer import Customer
from payment_service.storage.collections import CUSTOMERS, EMAILS


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


async def stored_customer(store: Any, email: str) -> Customer | None:
    """Return the customer to whom an e-mail leads."""
    place = await store.get(EMAILS, email)
    found: Customer | None = None if place is None else await store.get(CUSTOMERS, place.uid)
    return found
