"""A write whose answer was lost for good: what may still be charged is never called a failure."""

from dataclasses import replace
from typing import Any

import pytest

from payment_service.api.app import ApiOptions, Gate, build_app
from payment_service.ports import Store, StoreInDoubt, StoreUnavailable
from payment_service.storage.collections import PAYMENTS
from tests.api.access import Guarded, open_guarded
from tests.api.conftest import Api
from tests.parts.shop import Shop

PAID = {"amount": 6522, "orderId": "order-1", "confirm": True}


class LosingStore:
    """The store, which takes the next write of a payment and loses its answer.

    away: whether payments can be read.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.loses_next = False
        self.away = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def insert(self, collection: Any, doc: Any) -> None:
        await self._store.insert(collection, doc)
        self._lose(collection)

    async def replace(self, collection: Any, doc: Any, *, expected_version: int) -> None:
        await self._store.replace(collection, doc, expected_version=expected_version)
        self._lose(collection)

    async def get(self, collection: Any, id: str) -> Any:
        if self.away and collection is PAYMENTS:
            raise StoreUnavailable("the database is away")
        return await self._store.get(collection, id)

    def _lose(self, collection: Any) -> None:
        if self.loses_next and collection is PAYMENTS:
            self.loses_next = False
            raise StoreInDoubt("the answer was lost")


@pytest.fixture
def store(shop: Shop) -> LosingStore:
    losing: Any = LosingStore(shop.world.store)
    shop.world = replace(shop.world, store=losing)
    return losing  # type: ignore[no-any-return]


@pytest.fixture
def api(shop: Shop, store: LosingStore) -> Api:
    gate = Gate()
    return Api(build_app(shop.world, ApiOptions(), gate=gate), shop, gate)


async def test_an_order_that_may_be_charged_yet_is_202_and_not_a_failure(
    api: Api, store: LosingStore
) -> None:
    asked = {**PAID, "customerId": await api.new_payer()}
    store.loses_next = True

    told = await api.post("/payment/payment-intent", asked)
    await api.shop.work(api.shop.world.policy.lease_s + 10)

    assert (told.status, told.data) == (202, {"orderId": "order-1", "status": "processing"})
    later = await api.get("/payment/payment-intent/order-1")
    assert later.data["status"] == "succeeded"
    assert (await api.post("/payment/payment-intent", asked)).data["status"] == "succeeded"
    assert len(api.shop.engine.ledger()["payment_intents"]) == 1


async def test_a_refund_that_may_be_made_yet_is_202_so_that_nobody_makes_it_twice(
    api: Api, store: LosingStore
) -> None:
    await api.pay()
    store.loses_next = True

    told = await api.post("/payment/refund", {"orderId": "order-1", "amount": 1000})
    await api.shop.work(api.shop.world.policy.lease_s + 10)

    assert (told.status, told.data["status"]) == (202, "processing")
    later = await api.get("/payment/payment-intent/order-1")
    assert later.data["amount_refunded"] == 1000


async def test_where_nothing_goes_on_by_itself_the_database_is_just_away(
    api: Api, store: LosingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: Any, **__: Any) -> None:
        raise StoreInDoubt("the answer was lost")

    monkeypatch.setattr(store, "page", lost, raising=False)

    told = await api.get("/payment/payments")

    assert (told.status, told.code) == (503, "database_unavailable")


class AwayOncePaid(LosingStore):
    """The store, which is away as soon as the payment of an order has succeeded."""

    async def replace(self, collection: Any, doc: Any, *, expected_version: int) -> None:
        await super().replace(collection, doc, expected_version=expected_version)
        self.away = self.away or (collection is PAYMENTS and doc.received_minor > 0)


async def test_an_end_user_whose_payment_went_through_is_never_told_that_nothing_was_charged(
    shop: Shop,
) -> None:
    store: Any = AwayOncePaid(shop.world.store)
    shop.world = replace(shop.world, store=store)
    guarded: Guarded = open_guarded(shop)
    jane = guarded.provider.user("jane@example.com")
    asked = {**PAID, "paymentMethodId": "pm_card_visa"}

    told = await guarded.as_(jane, "POST", "/payment/payment-intent", asked)
    store.away = False
    later = await guarded.as_(jane, "POST", "/payment/payment-intent", asked)

    assert len(shop.engine.ledger()["payment_intents"]) == 1
    assert (told.status, told.data) == (202, {"orderId": "order-1", "status": "processing"})
    assert (later.status, later.data["status"]) == (200, "succeeded")
