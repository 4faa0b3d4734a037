"""The port of those who watch: up, at work, and the numbers."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Gauge

from payment_service.adapters.sqlite import open_store
from payment_service.api.watching import watching_app
from payment_service.domain.moment import Door
from payment_service.domain.payment import State
from payment_service.domain.wishes import open_payment
from payment_service.flows.advance import PAYMENT, claim
from payment_service.ports import Store
from payment_service.storage.collections import COLLECTIONS, CURSORS, PAYMENTS
from payment_service.worker import ROUND_IS_RECENT_S, Worker
from tests.api.asgi import Caller
from tests.flows.buying import order
from tests.parts.shop import Shop
from tests.parts.virtual_time import VirtualClock


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    store = open_store(":memory:", COLLECTIONS)
    yield store
    await store.close()


async def test_it_is_ready_while_it_works_and_the_database_answers(store: Store) -> None:
    working = True
    registry = CollectorRegistry()
    Gauge("made_up", "A number.", registry=registry).set(7)
    watched = Caller(watching_app(store, VirtualClock(), registry, lambda: working))

    assert (await watched.get("/readyz")).status == 200
    assert "made_up 7.0" in (await watched.get("/metrics")).raw.decode()
    working = False
    assert (await watched.get("/readyz")).status == 503
    working = True
    await store.close()
    assert (await watched.get("/readyz")).status == 503
    assert (await watched.get("/livez")).status == 200


async def test_a_worker_that_finds_no_database_is_late_after_several_rounds(shop: Shop) -> None:
    store = shop.world.store
    worker = Worker(shop.world, concurrency=1)
    running = asyncio.create_task(worker.run())

    await shop.world.clock.sleep(2 * ROUND_IS_RECENT_S)
    assert worker.is_recent()
    await store.close()
    await shop.world.clock.sleep(ROUND_IS_RECENT_S / 2)
    assert worker.is_recent()
    await shop.world.clock.sleep(ROUND_IS_RECENT_S)
    assert not worker.is_recent()

    worker.stop()
    await running


class OddCursors:
    """The store, where what a newer release wrote of a cursor cannot be read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def get(self, collection: Any, id: str) -> Any:
        if collection is CURSORS:
            raise ValueError("a state that this release does not know")
        return await self._store.get(collection, id)


async def test_a_cursor_that_cannot_be_read_neither_ends_the_worker_nor_is_hidden(
    shop: Shop,
) -> None:
    odd: Any = OddCursors(shop.world.store)
    moment = shop.world.moment(Door.REQUEST)
    left = claim(PAYMENT, open_payment(order(), "uid_1", moment), moment).doc
    await shop.world.store.insert(PAYMENTS, left)
    worker = Worker(replace(shop.world, store=odd), concurrency=1)
    running = asyncio.create_task(worker.run())

    await shop.world.clock.sleep(2 * ROUND_IS_RECENT_S)

    settled = await shop.world.store.get(PAYMENTS, left.id)
    assert settled is not None
    assert settled.state is not State.ASKING
    assert not running.done()
    assert not worker.is_recent()
    worker.stop()
    await running
