"""Every document with some values in its columns, read page by page."""

from collections.abc import AsyncIterator, Mapping
from typing import TypeVar

from payment_service.ports import Collection, ColumnValue, Document, Store

D = TypeVar("D", bound=Document)

# Documents read at once: some hundred kilobytes.
PAGE = 100


async def every(
    store: Store, collection: Collection[D], equal: Mapping[str, ColumnValue]
) -> AsyncIterator[D]:
    """Yield the documents, newest first; one that is changed meanwhile may be passed over.

    Raises StoreUnavailable.
    """
    cursor: str | None = None
    while True:
        page = await store.page(
            collection,
            equal=equal,
            created_from=None,
            created_to=None,
            cursor=cursor,
            limit=PAGE,
        )
        for document in page.items:
            yield document
        cursor = page.next_cursor
        if cursor is None:
            return
