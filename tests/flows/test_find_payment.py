"""Finding a payment, and the payer's secret, which is never stored."""

import pytest

from payment_service.domain.errors import NotFound
from payment_service.flows.find_payment import find_payment, read_intent
from tests.flows.buying import AUTHENTICATING, always, order, pay
from tests.parts.shop import open_shop
from tests.parts.virtual_time import run


def test_a_payment_is_found_by_its_order_and_by_its_payment_intent() -> None:
    async def main() -> None:
        shop = await open_shop()
        paid = await pay(shop)
        assert paid.intent_id is not None

        by_order = await find_payment(shop.world, "ord_1")
        by_intent = await find_payment(shop.world, paid.intent_id)

        assert by_order == by_intent
        assert by_order.intent_id == paid.intent_id

    run(main)


def test_what_is_not_there_is_not_found() -> None:
    async def main() -> None:
        shop = await open_shop()

        with pytest.raises(NotFound):
            await find_payment(shop.world, "pi_unknown")

    run(main)


def test_the_client_secret_is_fetched_from_stripe_when_it_is_asked_for() -> None:
    async def main() -> None:
        shop = await open_shop()
        waiting = await pay(shop, order(AUTHENTICATING))

        intent = await read_intent(shop.world, waiting)

        assert intent is not None
        assert intent.client_secret is not None
        assert intent.client_secret.startswith(f"{waiting.intent_id}_secret_")
        assert intent.client_secret not in repr(intent)
        assert intent.client_secret not in repr(await find_payment(shop.world, "ord_1"))

    run(main)


def test_without_an_intent_or_an_answer_there_is_no_secret() -> None:
    async def main() -> None:
        shop = await open_shop()
        refused = await pay(shop, order("pm_unknown"))
        paid = await pay(shop, order(id="ord_2"))
        shop.stripe.pick = always("reset_before", "GET")

        assert await read_intent(shop.world, refused) is None
        assert await read_intent(shop.world, paid) is None

    run(main)
