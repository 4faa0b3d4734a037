"""A shop moves to another store: every document, verified, and begun again where it was cut off."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from payment_service.adapters.sqlite import open_store
from payment_service.flows.copy_shop import (
    BATCH,
    DIFFERENCES_MAX,
    EXPIRY_MARGIN,
    Comparison,
    compare_shops,
    copy_shop,
)
from payment_service.ports import Store, StoreUnavailable
from payment_service.storage.collections import COLLECTIONS, CUSTOMERS, PAYMENTS, REQUESTS
from tests.contract.things import NOON, customer, paid, stored_request


class Told:
    """Remembers the progress it was told of."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int, bool]] = []

    def __call__(self, name: str, done: int, *, is_all: bool) -> None:
        self.done.append((name, done, is_all))


async def opened() -> Store:
    store = open_store(":memory:", COLLECTIONS)
    await store.ensure_schema()
    return store


async def shop(payments: int) -> Store:
    store = await opened()
    for number in range(payments):
        await store.insert(PAYMENTS, numbered(number))
    await store.insert(CUSTOMERS, customer())
    await store.insert(REQUESTS, replace(stored_request(), expires_at=NOON + timedelta(days=1)))
    return store


def numbered(number: int) -> Any:
    return replace(paid(), id=f"order-{number}", received_minor=100 + number)


async def copy(source: Store, target: Store, now: datetime = NOON) -> int:
    return await copy_shop(source, target, COLLECTIONS, now, Told())


async def compare(source: Store, target: Store, now: datetime = NOON) -> Comparison:
    return await compare_shops(source, target, COLLECTIONS, now, Told())


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


def test_every_document_arrives_as_it_was_and_both_come_to_the_same_money() -> None:
    async def main() -> None:
        count = BATCH + 3  # more than is read at once
        source, target, told = await shop(count), await opened(), Told()

        copied = await copy_shop(source, target, COLLECTIONS, NOON, told)
        found = await compare(source, target)

        assert copied == count + 2
        assert told.done[:5] == [
            ("payments", BATCH, False),
            ("payments", count, False),
            ("payments", count, True),
            ("customers", 1, False),
            ("customers", 1, True),
        ]
        assert [name for name, _, is_all in told.done if is_all] == [c.name for c in COLLECTIONS]
        assert found.is_same
        assert found.target.documents == Counter(payments=count, customers=1, requests=1)
        total = sum(100 + number for number in range(count))
        assert found.target.received_minor == Counter(eur=total)
        assert found.target.refunded_minor == found.source.refunded_minor
        assert await target.get(PAYMENTS, "order-7") == numbered(7)

    run(main)


def test_a_copy_that_was_cut_off_is_begun_again_and_passes_over_what_is_there() -> None:
    async def main() -> None:
        source, target = await shop(40), await opened()
        cut_off = CutOff(target, after=10)
        try:
            await copy(source, cut_off)
        except StoreUnavailable:
            half = len(await target.walk(PAYMENTS, after="", limit=100))
        assert 0 < half < 40

        copied = await copy(source, target)

        assert copied == 42 - half
        assert (await compare(source, target)).is_same

    run(main)


def test_what_is_missing_other_or_foreign_in_the_target_is_named() -> None:
    async def main() -> None:
        source, target = await shop(4), await opened()
        await copy(source, target)
        await target.remove(PAYMENTS, "order-1", expected_version=paid().version)
        moved_on = replace(numbered(2), version=paid().version + 1, received_minor=1)
        await target.replace(PAYMENTS, moved_on, expected_version=paid().version)
        await target.insert(PAYMENTS, replace(paid(), id="order-22"))
        await target.insert(PAYMENTS, replace(paid(), id="zebra"))

        found = await compare(source, target)

        assert not found.is_same
        assert found.differences == [
            "payments order-1 is missing",
            "payments order-2 is another than in the source",
            "payments order-22 is not in the source",
            "payments zebra is not in the source",
        ]
        assert (found.source.documents["payments"], found.target.documents["payments"]) == (4, 5)

    run(main)


def test_a_store_need_not_keep_what_is_finer_than_a_millisecond() -> None:
    """MongoDB's times are whole milliseconds, and a wait that was spread may end between two."""

    async def main() -> None:
        source, target = await opened(), await opened()
        fine, cut = NOON + timedelta(microseconds=999), NOON
        await source.insert(PAYMENTS, replace(paid(), look_at=fine))
        await target.insert(PAYMENTS, replace(paid(), look_at=cut))
        assert (await compare(source, target)).is_same

        await source.insert(CUSTOMERS, replace(customer(), updated_at=NOON))
        other = replace(customer(), updated_at=NOON + timedelta(milliseconds=1))
        await target.insert(CUSTOMERS, other)
        assert not (await compare(source, target)).is_same

    run(main)


def test_of_many_differences_some_are_named() -> None:
    async def main() -> None:
        found = await compare(await shop(DIFFERENCES_MAX + 5), await opened())

        assert len(found.differences) == DIFFERENCES_MAX
        assert found.differences[0] == "payments order-0 is missing"
        assert not found.is_same

    run(main)


def test_what_is_about_to_expire_is_neither_copied_nor_missed() -> None:
    async def main() -> None:
        source, target = await shop(1), await opened()
        later = NOON + timedelta(days=1) - EXPIRY_MARGIN

        await copy(source, target, later)

        assert await target.walk(REQUESTS, after="", limit=10) == []
        assert (await compare(source, target, later)).is_same
        before = await compare(source, target, later - timedelta(milliseconds=1))
        assert [line.split()[0] for line in before.differences] == ["requests"]

    run(main)


class CutOff:
    """A store that cannot be reached any more after so many writes."""

    def __init__(self, store: Store, *, after: int) -> None:
        self._store = store
        self._left = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def insert(self, collection: Any, doc: Any) -> None:
        self._left -= 1
        if self._left < 0:
            raise StoreUnavailable("cut off")
        await self._store.insert(collection, doc)

    async def walk(self, collection: Any, *, after: str, limit: int) -> Sequence[Any]:
        return await self._store.walk(collection, after=after, limit=limit)
