"""Columns that documents of an earlier release lack: computed anew by `payment-service migrate`.

Once for each column: which ones are filled is in the document that says whose version this is. Work
goes on beside it: what is written meanwhile has its own columns and is left alone.
"""

from collections.abc import Collection, Mapping
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from payment_service.adapters.mongo.layout import Layout, document_in

Database = AsyncDatabase[dict[str, Any]]

# Updates sent at once: some hundred kilobytes, and never long in the way of a payment.
BATCH = 500


async def fill_columns(
    database: Database, layouts: Collection[Layout[Any]], filled: Mapping[str, list[str]]
) -> dict[str, list[str]]:
    """Fill what was declared since the last time; return what is filled now, by collection.

    filled: the same as it was.
    """
    now = {layout.name: sorted(layout.declared) for layout in layouts}
    for layout in layouts:
        if not set(layout.declared) <= set(filled.get(layout.name, ())):
            await _fill(database, layout)
    return {**filled, **now}


async def _fill(database: Database, layout: Layout[Any]) -> None:
    updates: list[UpdateOne] = []
    async for found in database[layout.name].find({}):
        columns = _columns_of(layout, found)
        if columns is None or columns == found.get("columns"):
            continue
        same = {"_id": found["_id"], "write": found["write"]}
        updates.append(UpdateOne(same, {"$set": {"columns": columns}}))
        if len(updates) == BATCH:
            await database[layout.name].bulk_write(updates, ordered=False)
            updates.clear()
    if updates:
        await database[layout.name].bulk_write(updates, ordered=False)


def _columns_of(layout: Layout[Any], found: dict[str, Any]) -> Any:
    """Return the columns that a document should have; None for one that cannot be read."""
    try:
        return layout.stored(document_in(found, layout.kind))["columns"]
    except (KeyError, ValueError):
        return None
