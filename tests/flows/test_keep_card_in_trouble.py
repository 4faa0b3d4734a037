"""Cards when Stripe is in trouble: what is wanted is kept, and brought to Stripe later."""

import asyncio
from typing import Any

import pytest

from payment_service.domain.customer import CardState
from payment_service.domain.errors import NotFound
from payment_service.domain.news import Declined, Denial, Rejected
from payment_service.domain.steps import ReadCard
from payment_service.domain.stripe_errors import ErrorClass, RefusedByStripe
from payment_service.flows.keep_card import remove_card, set_default_card
from payment_service.ports import GatewayUnavailable
from tests.flows.buying import (
    always,
    let_stripe_answer,
    open_watched_shop,
    quiet,
    soon,
    unreachable,
)
from tests.flows.test_keep_card import ann, assert_same_at_stripe, attach, stored
from tests.parts.shop import open_shop
from tests.parts.virtual_time import run

MASTERCARD, AMEX = "pm_card_mastercard", "pm_card_amex"


# Stripe in trouble


def test_a_lost_answer_to_an_attachment_is_simply_asked_again() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)
        before = shop.stripe.pick
        lost: list[str] = []

        def lose_first(method: str, path: str) -> Any:
            if path.endswith("/attach") and not lost:
                lost.append(path)
                return always("truncated_200")(method, path)
            return before(method, path)

        shop.stripe.pick = lose_first

        _, card = await attach(shop, customer_id)

        assert card.state is CardState.KEPT
        await assert_same_at_stripe(shop, customer_id)

    run(main)


def test_at_the_deadline_the_card_is_being_attached_and_is_there_later() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)
        shop.stripe.pick = always("delay")

        customer, card = await attach(shop, customer_id, wait_s=1)
        await quiet(shop)

        assert (card.state, customer.kept_cards) == (CardState.ADDING, ())
        assert [kept.brand for kept in (await stored(shop)).kept_cards] == ["visa"]
        shop.stripe.pick = always("delay", "nothing")
        await assert_same_at_stripe(shop, customer_id)

    run(main)


def test_a_default_lost_on_the_way_is_set_when_stripe_is_back() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)
        _, visa = await attach(shop, customer_id)
        _, mastercard = await attach(shop, customer_id, MASTERCARD)
        working, shop.stripe.pick = shop.stripe.pick, always("reset_after")
        await set_default_card(
            shop.world, customer_id, mastercard.payment_method_id, deadline=soon(shop, 3)
        )

        await set_default_card(
            shop.world, customer_id, visa.payment_method_id, deadline=soon(shop, 3)
        )
        shop.stripe.pick = working
        await shop.work(60)

        assert (await stored(shop)).default_payment_method_id == visa.payment_method_id
        await assert_same_at_stripe(shop, customer_id)

    run(main)


def test_a_stripe_that_cannot_be_reached_changes_nothing() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)
        shop.stripe.pick = unreachable

        with pytest.raises(GatewayUnavailable):
            await attach(shop, customer_id)

        assert (await stored(shop)).cards == ()

    run(main)


def test_an_attachment_that_never_reached_stripe_is_told_as_such() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)
        shop.stripe.pick = always("rate_limit")

        with pytest.raises(RefusedByStripe) as refused:
            await attach(shop, customer_id)

        assert refused.value.kind is ErrorClass.UNAVAILABLE
        shop.stripe.pick = always("delay", "nothing")
        await assert_same_at_stripe(shop, customer_id)

    run(main)


@pytest.mark.parametrize(
    ("news", "kind"),
    [
        (Declined(Denial("expired_card", "Your card has expired.")), ErrorClass.DECLINED),
        (Rejected(Denial("parameter_invalid", "No.")), ErrorClass.MISCONFIGURED),
    ],
)
def test_a_card_that_stripe_will_not_even_show_is_refused(
    news: Declined | Rejected, kind: ErrorClass
) -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)
        let_stripe_answer(shop, ReadCard, news)

        with pytest.raises(RefusedByStripe) as refused:
            await attach(shop, customer_id)

        assert (refused.value.kind, refused.value.denial) == (kind, news.error)
        assert (await stored(shop)).cards == ()

    run(main)


def test_a_card_removed_while_it_was_being_added_is_gone() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        customer_id = await ann(shop)
        shop.stripe.pick = always("delay")
        _, adding = await attach(shop, customer_id, wait_s=1)

        attaching = asyncio.create_task(
            attach(shop, customer_id, adding.payment_method_id, wait_s=60)
        )
        await shop.world.clock.sleep(6)
        await remove_card(
            shop.world, customer_id, adding.payment_method_id, deadline=soon(shop, 60)
        )

        with pytest.raises(NotFound):
            await attaching
        assert store.writes[-1][0] == "customers"

    run(main)
