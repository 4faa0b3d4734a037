"""Finding a refund: what can only be ours is never asked of Stripe."""

import pytest

from payment_service.domain.errors import NotFound
from payment_service.flows.find_refund import find_refund
from tests.parts.shop import open_shop


async def test_a_reference_of_ours_that_is_not_there_is_not_asked_of_stripe() -> None:
    shop = await open_shop()

    with pytest.raises(NotFound):
        await find_refund(shop.world, "rfd_nope")
    with pytest.raises(NotFound):
        await find_refund(shop.world, "re_nope")

    assert [one["path"] for one in shop.engine.ledger()["requests"]] == ["/v1/refunds/re_nope"]
    await shop.world.store.close()
