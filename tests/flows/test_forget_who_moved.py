"""Forgetting reaches who has the e-mail at Stripe today, though the event is still on its way."""

import pytest

from payment_service.domain.errors import NotFound
from payment_service.domain.news import NoNews
from payment_service.domain.steps import ReadCustomer
from payment_service.ports import GatewayUnavailable
from tests.flows.buying import VISA, let_stripe_answer
from tests.flows.telling import at_stripe
from tests.flows.test_customer_emails import (
    ANN,
    BOB,
    by_uid,
    emails,
    forget,
    ids_at_stripe,
    made,
    rename,
)
from tests.parts.shop import open_shop
from tests.parts.virtual_time import run


def test_the_new_email_reaches_the_customer() -> None:
    async def main() -> None:
        shop = await open_shop()
        bob = await made(shop, card=VISA)
        rename(shop, bob, ANN)

        await forget(shop, ANN)

        assert ids_at_stripe(shop, ANN) == []
        assert await emails(shop) == {}

    run(main)


def test_the_old_email_reaches_nobody() -> None:
    async def main() -> None:
        shop = await open_shop()
        bob = await made(shop, card=VISA)
        rename(shop, bob, ANN)

        with pytest.raises(NotFound):
            await forget(shop, BOB)

        assert ids_at_stripe(shop, ANN) == [bob.customer_id]
        assert len((await by_uid(shop, bob)).kept_cards) == 1
        assert await emails(shop) == {ANN: bob.uid}

    run(main)


@pytest.mark.parametrize("email", ["", "BOB@shop.example"])
def test_the_same_email_spelled_otherwise_or_none_is_no_other(email: str) -> None:
    async def main() -> None:
        shop = await open_shop()
        bob = await made(shop)
        rename(shop, bob, email)

        await forget(shop, BOB)

        assert await emails(shop) == {}

    run(main)


def test_a_customer_of_stripes_that_nobody_here_knows_is_not_forgotten() -> None:
    async def main() -> None:
        shop = await open_shop()
        at_stripe(shop, "/v1/customers", email=ANN)

        with pytest.raises(NotFound):
            await forget(shop, ANN)

        assert len(ids_at_stripe(shop, ANN)) == 1

    run(main)


def test_while_it_cannot_be_moved_here_nobody_is_forgotten() -> None:
    async def main() -> None:
        shop = await open_shop()
        bob = await made(shop)
        rename(shop, bob, ANN)
        let_stripe_answer(shop, ReadCustomer, NoNews("lost"))

        with pytest.raises(GatewayUnavailable):
            await forget(shop, ANN)

        assert ids_at_stripe(shop, ANN) == [bob.customer_id]

    run(main)
