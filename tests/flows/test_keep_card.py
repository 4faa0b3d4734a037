"""Cards: attached, named, removed, and one of them the default, the same here and at Stripe."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from payment_service.domain.customer import Card, CardState, Customer
from payment_service.domain.errors import CardNotUsable, NotFound
from payment_service.domain.stripe_errors import ErrorClass, RefusedByStripe
from payment_service.flows.keep_card import attach_card, remove_card, set_default_card
from payment_service.flows.keep_customer import create_customer
from tests.flows.buying import (
    VISA,
    requests,
    soon,
)
from tests.flows.test_keep_customer import EMAIL, elsewhere
from tests.parts.shop import Shop, open_shop
from tests.parts.stored import stored_customer
from tests.parts.virtual_time import run

MASTERCARD, AMEX = "pm_card_mastercard", "pm_card_amex"


async def ann(shop: Shop, email: str = EMAIL) -> str:
    """Make a customer and return Stripe's id of it."""
    customer, _ = await create_customer(shop.world, email, None, deadline=soon(shop))
    assert customer.customer_id is not None
    return customer.customer_id


async def attach(
    shop: Shop,
    customer_id: str,
    card: str = VISA,
    *,
    name: str | None = None,
    is_default: bool = False,
    wait_s: float = 60,
) -> tuple[Customer, Card]:
    return await attach_card(
        shop.world,
        customer_id,
        card,
        cardholder_name=name,
        is_default=is_default,
        deadline=soon(shop, wait_s),
    )


async def stored(shop: Shop) -> Customer:
    customer = await stored_customer(shop.world.store, EMAIL)
    assert customer is not None
    return customer


async def cards_at_stripe(shop: Shop, customer_id: str) -> list[Mapping[str, Any]]:
    answer = await elsewhere(shop, "get", "/v1/payment_methods", customer=customer_id, type="card")
    found: list[Mapping[str, Any]] = answer["data"]
    return found


async def assert_same_at_stripe(shop: Shop, customer_id: str) -> None:
    """Exactly one default while there are cards, and the same cards and default there as here."""
    here = await stored(shop)
    there = await elsewhere(shop, "get", f"/v1/customers/{customer_id}")
    kept = {card.payment_method_id for card in here.kept_cards}
    assert kept == {card["id"] for card in await cards_at_stripe(shop, customer_id)}
    default = there["invoice_settings"]["default_payment_method"]
    assert here.default_payment_method_id == here.default_at_stripe == default
    assert (default in kept) if kept else default is None
    assert here.wake_at is None


def test_a_test_card_s_alias_becomes_a_card_of_its_own_and_the_first_default() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)

        customer, card = await attach(shop, customer_id)

        assert card.payment_method_id.startswith("pm_1")
        assert (card.brand, card.last4, card.state) == ("visa", "4242", CardState.KEPT)
        assert customer.default_payment_method_id == card.payment_method_id
        await assert_same_at_stripe(shop, customer_id)

    run(main)


def test_a_second_card_is_the_default_only_if_it_is_to_be() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)
        _, visa = await attach(shop, customer_id)

        second, _ = await attach(shop, customer_id, MASTERCARD)
        third, amex = await attach(shop, customer_id, AMEX, is_default=True)

        assert second.default_payment_method_id == visa.payment_method_id
        assert third.default_payment_method_id == amex.payment_method_id
        await assert_same_at_stripe(shop, customer_id)

    run(main)


def test_the_cardholder_s_name_reaches_stripe() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)

        _, card = await attach(shop, customer_id, name="Ann B.")
        _, again = await attach(shop, customer_id, card.payment_method_id, name="Ann C.")

        assert (card.cardholder_name, card.named) == ("Ann B.", True)
        assert (again.cardholder_name, again.payment_method_id) == (
            "Ann C.",
            card.payment_method_id,
        )
        (at_stripe,) = await cards_at_stripe(shop, customer_id)
        assert at_stripe["billing_details"]["name"] == "Ann C."
        assert sum(path.endswith("/attach") for path in requests(shop)) == 1

    run(main)


def test_a_card_that_its_issuer_declines_is_not_attached_and_no_default() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)

        with pytest.raises(RefusedByStripe) as refused:
            await attach(shop, customer_id, "pm_card_visa_chargeDeclinedInsufficientFunds")

        assert refused.value.kind is ErrorClass.DECLINED
        denial = refused.value.denial
        assert (denial.decline_code, denial.advice_code, denial.network_decline_code) == (
            "insufficient_funds",
            "try_again_later",
            "51",
        )
        assert (await stored(shop)).kept_cards == ()
        await assert_same_at_stripe(shop, customer_id)

    run(main)


def test_another_customer_s_card_is_refused_without_asking_stripe_to_attach_it() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id, bob = await ann(shop), await ann(shop, "bob@example.com")
        _, card = await attach(shop, bob)
        asked = len(requests(shop))

        with pytest.raises(CardNotUsable):
            await attach(shop, customer_id, card.payment_method_id)

        assert len(requests(shop)) == asked
        assert (await stored(shop)).cards == ()

    run(main)


def test_a_card_that_stripe_will_not_have_again_is_not_usable() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)
        _, card = await attach(shop, customer_id)
        await remove_card(shop.world, customer_id, card.payment_method_id, deadline=soon(shop))

        with pytest.raises(RefusedByStripe) as refused:
            await attach(shop, customer_id, card.payment_method_id)

        assert refused.value.kind is ErrorClass.UNSPECIFIED
        assert "may not be used again" in refused.value.denial.message

        await assert_same_at_stripe(shop, customer_id)

    run(main)


def test_who_is_unknown_has_no_cards_and_what_is_unknown_is_no_card() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)

        with pytest.raises(NotFound):
            await attach(shop, "cus_unknown")
        with pytest.raises(NotFound):
            await attach(shop, customer_id, "pm_unknown")
        for change in (set_default_card, remove_card):
            with pytest.raises(NotFound):
                await change(shop.world, customer_id, "pm_unknown", deadline=soon(shop))

        assert (await stored(shop)).cards == ()

    run(main)


def test_removing_the_default_hands_over_here_and_at_stripe() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)
        _, visa = await attach(shop, customer_id)
        _, mastercard = await attach(shop, customer_id, MASTERCARD)
        await shop.world.clock.sleep(1)
        _, amex = await attach(shop, customer_id, AMEX)

        customer = await remove_card(
            shop.world, customer_id, visa.payment_method_id, deadline=soon(shop)
        )

        assert [card.brand for card in customer.kept_cards] == ["amex", "mastercard"]
        assert customer.default_payment_method_id == amex.payment_method_id  # the newest
        await assert_same_at_stripe(shop, customer_id)
        for card in (amex, mastercard):
            id = card.payment_method_id  # noqa: A001 - as in the document
            customer = await remove_card(shop.world, customer_id, id, deadline=soon(shop))
        assert (customer.cards, customer.default_payment_method_id) == ((), None)
        await assert_same_at_stripe(shop, customer_id)

    run(main)


def test_the_default_is_chosen_here_and_at_stripe() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)
        await attach(shop, customer_id)
        _, mastercard = await attach(shop, customer_id, MASTERCARD)

        await set_default_card(
            shop.world, customer_id, mastercard.payment_method_id, deadline=soon(shop)
        )

        assert (await stored(shop)).default_payment_method_id == mastercard.payment_method_id
        await assert_same_at_stripe(shop, customer_id)

    run(main)


def test_cards_attached_at_once_are_all_there_and_one_is_the_default() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)

        await asyncio.gather(
            *(attach(shop, customer_id, card, is_default=True) for card in (VISA, MASTERCARD, AMEX))
        )

        brands = {card.brand for card in (await stored(shop)).kept_cards}
        assert brands == {"visa", "mastercard", "amex"}
        await assert_same_at_stripe(shop, customer_id)

    run(main)


def test_one_card_attached_at_once_many_times_is_one_card() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)
        method = await elsewhere(shop, "get", f"/v1/payment_methods/{VISA}")

        answers = await asyncio.gather(
            *(attach(shop, customer_id, method["id"]) for _ in range(10))
        )

        assert {card.state for _, card in answers} == {CardState.KEPT}
        assert len((await stored(shop)).cards) == 1
        assert sum(path.endswith("/attach") for path in requests(shop)) == 1
        await assert_same_at_stripe(shop, customer_id)

    run(main)
