"""A store that has just failed over may not show what is done: nobody is misled by that."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from payment_service.domain.errors import NotFound
from payment_service.domain.moment import Door
from payment_service.domain.payment import State
from payment_service.flows.advance import CUSTOMER, PAYMENT, commit, reload
from payment_service.flows.find_payment import find_payment
from payment_service.flows.keep_customer import create_customer, get_customer
from payment_service.flows.newest import newest
from payment_service.ports import LINEARIZABLE
from payment_service.storage.collections import CUSTOMERS, PAYMENTS
from tests.flows.buying import VISA, order, pay
from tests.parts.failed_over import JustFailedOver
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run

EMAIL = "a@example.com"


async def opened() -> tuple[Shop, JustFailedOver]:
    """Return a shop on such a store, with one order paid."""
    shop = await open_shop()
    store: Any = JustFailedOver(shop.world.store)
    shop.world = replace(shop.world, store=store)
    await pay(shop)
    return shop, store


def test_a_document_that_is_not_shown_yet_is_found() -> None:
    async def main() -> None:
        shop, store = await opened()
        store.hidden.add("ord_1")

        assert await newest(shop.world.store, PAYMENTS, "ord_2") is None
        found = await newest(shop.world.store, PAYMENTS, "ord_1")

        assert found is not None
        assert LINEARIZABLE.get() is False

    run(main)


@pytest.mark.parametrize("by", ["order", "intent"])
def test_a_payment_that_is_not_shown_yet_is_not_told_as_missing(by: str) -> None:
    async def main() -> None:
        shop, store = await opened()
        known = await find_payment(shop.world, "ord_1")
        store.hidden.add("ord_1")

        asked = "ord_1" if by == "order" else str(known.intent_id)

        assert await find_payment(shop.world, asked) == known

    run(main)


def test_an_order_that_is_not_shown_yet_is_paid_once() -> None:
    async def main() -> None:
        shop, store = await opened()
        store.hidden.add("ord_1")

        again = await pay(shop, order(VISA))

        assert again.state is State.SUCCEEDED
        assert len(shop.engine.ledger()["payment_intents"]) == 1

    run(main)


def test_who_lost_a_race_sees_who_won_it() -> None:
    async def main() -> None:
        shop, store = await opened()
        known = await find_payment(shop.world, "ord_1")
        store.hidden.add("ord_1")
        older = replace(known, version=known.version - 1)

        claimed = await commit(
            shop.world, PAYMENT, older, lambda p, _: replace(p, late_intent_id="pi_2"), Door.WORKER
        )

        assert claimed.doc.version == known.version + 1

    run(main)


def test_a_customer_that_was_forgotten_meanwhile_is_told_as_missing() -> None:
    async def main() -> None:
        shop, _ = await opened()
        deadline = shop.world.clock.now()
        await create_customer(shop.world, EMAIL, "Ada", deadline=deadline)
        await shop.world.background.drain(600)
        customer = await get_customer(shop.world, EMAIL)
        await shop.world.store.remove(CUSTOMERS, customer.id, expected_version=customer.version)

        with pytest.raises(NotFound, match="forgotten"):
            await commit(
                shop.world, CUSTOMER, customer, lambda c, _: replace(c, name="Eve"), Door.WORKER
            )
        with pytest.raises(NotFound, match="forgotten"):
            await reload(shop.world, CUSTOMER, customer)

    run(main)


def test_a_customer_that_is_not_shown_yet_is_not_made_twice() -> None:
    async def main() -> None:
        shop, store = await opened()
        deadline = shop.world.clock.now() + timedelta(seconds=10)
        known, _ = await create_customer(shop.world, EMAIL, "Ada", deadline=deadline)
        store.hidden.update({known.id, EMAIL})

        again, made = await create_customer(shop.world, EMAIL, "Ada", deadline=deadline)

        assert (again.uid, made) == (known.uid, False)
        assert len(shop.engine.ledger()["customers"]) == 1

    run(main)
