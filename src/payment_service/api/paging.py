"""One page of documents, for whoever lists any."""

from collections.abc import Mapping
from datetime import datetime

from payment_service.api.endpoint import Api
from payment_service.domain.errors import FieldError, InvalidRequest
from payment_service.ports import Collection, ColumnValue, D, Page


async def read_page(
    api: Api,
    collection: Collection[D],
    *,
    equal: Mapping[str, ColumnValue],
    cursor: str | None,
    limit: int,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
) -> Page[D]:
    """Return one page, newest first. Raises InvalidRequest for a cursor of another list."""
    try:
        return await api.world.store.page(
            collection,
            equal={name: value for name, value in equal.items() if value is not None},
            created_from=created_from,
            created_to=created_to,
            cursor=cursor,
            limit=limit,
        )
    except ValueError:
        raise InvalidRequest(
            FieldError("cursor", "is not one that this list gave"), code="invalid_cursor"
        ) from None
