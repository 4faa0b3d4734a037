"""Finding a refund: what can only be ours is never asked of Stripe."""

from dataclasses import replace

import pytest

from payment_service.domain.errors import NotFound
from payment_service.flows.find_refund import find_own_refund, find_refund
from payment_service.flows.refund_payment import refund_payment
from payment_service.storage.collections import PAYMENTS
from tests.flows.buying import order, pay, payment_of, quiet, soon
from tests.parts.shop import open_shop
from tests.parts.virtual_time import run


async def test_a_reference_of_ours_that_is_not_there_is_not_asked_of_stripe() -> None:
    shop = await open_shop()

    with pytest.raises(NotFound):
        await find_refund(shop.world, "rfd_nope")
    with pytest.raises(NotFound):
        await find_refund(shop.world, "re_nope")

    assert [one["path"] for one in shop.engine.ledger()["requests"]] == ["/v1/refunds/re_nope"]
    await shop.world.store.close()


def test_an_own_refund_is_found_among_others_and_an_order_is_none() -> None:
    async def main() -> None:
        shop = await open_shop()
        paid = await pay(shop, order())
        await quiet(shop)
        for reference in ("ref_1", "ref_2"):
            await refund_payment(
                shop.world,
                await payment_of(shop),
                refund_id=reference,
                amount_minor=100,
                reason=None,
                deadline=soon(shop),
            )
        whole = await payment_of(shop)
        terms = replace(whole.terms, customer_id="cus_own")
        owned = replace(whole, terms=terms, version=whole.version + 1)
        await shop.world.store.replace(PAYMENTS, owned, expected_version=whole.version)
        own = frozenset({"cus_own"})

        stripes = (await payment_of(shop)).refunds[1].stripe_refund_id or ""
        _, by_ours = await find_own_refund(shop.world, "ref_2", own)
        _, by_stripes = await find_own_refund(shop.world, stripes, own)
        with pytest.raises(NotFound):
            await find_own_refund(shop.world, paid.id, own)
        with pytest.raises(NotFound):
            await find_own_refund(shop.world, stripes, frozenset({"cus_another"}))

        assert (by_ours.id, by_stripes.id) == ("ref_2", "ref_2")

    run(main)
