"""A store whose new primary does not show yet what the one before was told is done."""

from typing import Any

from payment_service.ports import LINEARIZABLE, Collection


class JustFailedOver:
    """The Store port on a fresh primary: what is named in `hidden` is shown to the newest reads."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.hidden: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def get(self, collection: Collection[Any], id: str) -> Any:
        """Read, unless a majority does not show it yet."""
        found = await self._store.get(collection, id)
        return None if self._is_hidden(found) else found

    async def find_one(self, collection: Collection[Any], column: str, value: str) -> Any:
        """As above."""
        found = await self._store.find_one(collection, column, value)
        return None if self._is_hidden(found) else found

    def _is_hidden(self, found: Any) -> bool:
        return found is not None and found.id in self.hidden and not LINEARIZABLE.get()
