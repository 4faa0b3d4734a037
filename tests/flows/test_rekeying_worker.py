"""The worker goes through the customers of an older release, beside what is due."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from payment_service.ports import Collection, D, Store, StoreUnavailable
from payment_service.storage.collections import CUSTOMERS
from payment_service.worker import REKEY_EVERY_S, Worker
from tests.flows.test_customer_emails import ANN, BOB, emails, made
from tests.flows.test_rekey_customers import all_of, old
from tests.flows.watched_store import WatchedStore
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run


async def work(shop: Shop, seconds: float) -> Worker:
    worker = Worker(shop.world, concurrency=4)
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(seconds)
    worker.stop()
    await running
    await shop.world.background.drain(60)
    return worker


def test_all_are_put_under_our_own_ids_after_a_start() -> None:
    async def main() -> None:
        shop = await open_shop()
        names = [f"{number:02d}@shop.example" for number in range(12)]
        before = [await old(shop, name) for name in names]
        await made(shop, ANN)

        worker = await work(shop, 60)

        documents = await all_of(shop)
        assert {doc.id for doc in before}.isdisjoint({doc.id for doc in documents})
        assert await emails(shop) == {doc.email: doc.uid for doc in documents}
        assert len(documents) == 13
        assert worker.is_recent()

    run(main)


def test_what_the_release_before_leaves_during_a_roll_out_is_found_within_the_hour() -> None:
    async def main() -> None:
        shop = await open_shop()
        bob = await made(shop)
        worker = Worker(shop.world, concurrency=4)
        running = asyncio.create_task(worker.run())
        await asyncio.sleep(60)
        twin = replace(bob, id=BOB, uid="cust_twin", version=0, held_email=None)
        await shop.world.store.insert(CUSTOMERS, twin)

        await asyncio.sleep(REKEY_EVERY_S + 60)

        worker.stop()
        await running
        assert [doc.uid for doc in await all_of(shop)] == [bob.uid]
        assert await emails(shop) == {BOB: bob.uid}

    run(main)


class Odd(WatchedStore):
    """The Store port on which going through the documents fails, this often."""

    def __init__(self, store: Store, error: Exception, times: int) -> None:
        super().__init__(store)
        self._error, self._times = error, times

    async def walk(self, collection: Collection[D], *, after: str, limit: int) -> Sequence[D]:
        if self._times:
            self._times -= 1
            raise self._error
        return await super().walk(collection, after=after, limit=limit)


@pytest.mark.parametrize(
    ("error", "stumbles", "left"),
    [(StoreUnavailable("away"), 0, []), (ValueError("unreadable"), 1, [BOB])],
)
def test_trouble_with_it_holds_up_nothing(error: Exception, stumbles: int, left: list[str]) -> None:
    async def main() -> None:
        shop = await open_shop()
        await old(shop)
        store = shop.world.store
        shop.world = replace(shop.world, store=Odd(store, error, 2))

        worker = await work(shop, 60)

        shop.world = replace(shop.world, store=store)
        assert len(shop.witness.stumbles) == stumbles
        assert [doc.id for doc in await all_of(shop) if doc.is_old] == left
        assert worker.is_recent()

    run(main)
