"""Two releases on one database: every second process is of a newer one, which knows more fields.

Its documents have a field of their own in every part that has a name, and it holds that name: so
whoever loses one, or says of one part what was said of another, is found out when it is read again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any, Final

from payment_service.domain.schema import SCHEMA
from payment_service.ports import Collection, Store
from payment_service.records import from_plain, to_plain
from tests.simulation.kinds import TWO_RELEASES
from tests.simulation.town import Variant

NEW_FIELD: Final = "of_a_newer_release"
# The parts of a document that have a name, and what that is.
_PARTS: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    "attempt": lambda part: part["call"]["key"],
    "call": lambda part: part["key"],
    "refunds": lambda part: part["id"],
    "notices": lambda part: part["call"]["key"],
    "past_attempts": lambda part: part["number"],
    "cards": lambda part: part["payment_method_id"],
    "disputes": lambda part: part["id"],
}


class NewerRelease:
    """The Store port of a process of the newer release.

    written: which version of what any of them has written last. happened: where it is noted that
    the older release wrote over one of those.
    """

    def __init__(self, store: Any, written: dict[tuple[str, str], int], happened: set[str]) -> None:
        self._store = store
        self._written = written
        self._happened = happened

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def get(self, collection: Collection[Any], id: str) -> Any:
        """Read, and look at what the older release has left."""
        return self._checked(collection, await self._store.get(collection, id))

    async def find_one(self, collection: Collection[Any], column: str, value: str) -> Any:
        """As above."""
        return self._checked(collection, await self._store.find_one(collection, column, value))

    async def due(self, collection: Collection[Any], now: datetime, limit: int) -> Sequence[Any]:
        """As above."""
        due = await self._store.due(collection, now, limit)
        return [self._checked(collection, doc) for doc in due]

    async def insert(self, collection: Collection[Any], doc: Any) -> None:
        """Write with the new fields."""
        await self._store.insert(collection, _as_newer(doc))
        self._written[collection.name, doc.id] = doc.version

    async def replace(
        self, collection: Collection[Any], doc: Any, *, expected_version: int
    ) -> None:
        """Write with the new fields."""
        await self._store.replace(collection, _as_newer(doc), expected_version=expected_version)
        self._written[collection.name, doc.id] = doc.version

    async def remove(self, collection: Collection[Any], id: str, *, expected_version: int) -> None:
        """Forget what was written."""
        await self._store.remove(collection, id, expected_version=expected_version)
        self._written.pop((collection.name, id), None)

    def _checked(self, collection: Collection[Any], doc: Any) -> Any:
        """Return the document as it was read. Raises AssertionError when it is not as it was."""
        if doc is None or (collection.name, doc.id) not in self._written:
            return doc
        if doc.version < self._written[collection.name, doc.id]:
            return doc  # this process has stood still since it was read
        plain = to_plain(doc)
        assert plain.get(NEW_FIELD) == doc.id, f"{doc.id} lost what a newer release wrote"
        for part, name in _parts(plain):
            said = part.get(NEW_FIELD, name)
            assert said == name, f"what was said of {said} is said of {name}"
        if doc.version > self._written[collection.name, doc.id]:
            self._happened.add(TWO_RELEASES)
        return doc


def side_by_side(variant: Variant) -> Variant:
    """Return the service with every second process of the newer release."""
    started, written = count(1), dict[tuple[str, str], int]()
    happened = set(variant.happened)

    def opened(store: Store) -> Store:
        newer: Any = NewerRelease(variant.store(store), written, happened)
        return newer if next(started) % 2 else variant.store(store)

    return replace(variant, store=opened, happened=happened)


def _as_newer(doc: Any) -> Any:
    plain = to_plain(doc)
    plain["schema"] = SCHEMA + 1
    plain[NEW_FIELD] = doc.id
    for part, name in _parts(plain):
        part[NEW_FIELD] = name
    return from_plain(plain, type(doc))


def _parts(plain: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    for where, name_of in _PARTS.items():
        found = plain.get(where) or ()
        for part in [found] if isinstance(found, dict) else found:
            yield part, name_of(part)
