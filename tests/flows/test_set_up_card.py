"""Saving a card with a SetupIntent: one at a time, and in trouble."""

import pytest

from payment_service.domain.news import Denial, NoNews, NotExecuted, Rejected
from payment_service.domain.news import SeenSetup as Seen
from payment_service.domain.steps import CreateSetup, ReadSetup
from payment_service.domain.stripe_errors import ErrorClass, RefusedByStripe
from payment_service.flows.keep_customer import create_customer
from payment_service.flows.set_up_card import set_up_card
from payment_service.ports import GatewayUnavailable
from tests.flows.buying import (
    VISA,
    always,
    let_stripe_answer,
    requests,
    soon,
)
from tests.flows.telling import at_stripe
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run


def no_fault(_method: str, _path: str) -> None:
    return None


async def customer_of(shop: Shop) -> str:
    customer, _ = await create_customer(shop.world, "ann@example.com", None, deadline=soon(shop))
    return customer.customer_id or ""


async def set_up(shop: Shop, customer_id: str, wait_s: float = 10) -> Seen | None:
    _, setup = await set_up_card(
        shop.world, customer_id, request_id="req_2", deadline=soon(shop, wait_s)
    )
    return setup


def test_an_open_setup_is_given_again_and_a_completed_one_makes_room_for_another() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        customer_id = await customer_of(shop)
        first = await set_up(shop, customer_id)
        again = await set_up(shop, customer_id)
        assert first is not None
        assert again == first
        at_stripe(shop, f"/v1/setup_intents/{first.id}/confirm", payment_method=VISA)
        await shop.work(30)

        second = await set_up(shop, customer_id)

        assert second is not None
        assert second.id != first.id
        assert requests(shop).count("/v1/setup_intents") == 2

    run(scenario)


def test_a_setup_whose_answer_is_lost_is_made_once_and_known_later() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        customer_id = await customer_of(shop)
        shop.stripe.pick = always("timeout_after")
        assert await set_up(shop, customer_id, wait_s=1) is None
        shop.stripe.pick = no_fault

        await shop.work(60)
        known = await set_up(shop, customer_id)

        assert known is not None
        assert len(shop.engine.ledger()["setup_intents"]) == 1

    run(scenario)


@pytest.mark.parametrize(
    ("news", "kind"),
    [
        (Rejected(Denial("parameter_invalid", "No.")), ErrorClass.MISCONFIGURED),
        (Rejected(Denial("resource_missing", "No.", param="payment")), ErrorClass.MISCONFIGURED),
        (NotExecuted("http_401", retryable=False), ErrorClass.KEY_REFUSED),
        (NotExecuted("http_403", retryable=False), ErrorClass.PERMISSION_MISSING),
    ],
)
def test_a_setup_that_stripe_refuses_is_said_so(
    news: Rejected | NotExecuted, kind: ErrorClass
) -> None:
    async def scenario() -> None:
        shop = await open_shop()
        customer_id = await customer_of(shop)
        let_stripe_answer(shop, CreateSetup, news)

        with pytest.raises(RefusedByStripe) as refused:
            await set_up(shop, customer_id)

        assert refused.value.kind is kind

    run(scenario)


def test_a_setup_is_not_made_while_stripe_takes_no_requests() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        customer_id = await customer_of(shop)
        let_stripe_answer(shop, CreateSetup, NotExecuted("rate_limit"))

        with pytest.raises(GatewayUnavailable):
            await set_up(shop, customer_id)

    run(scenario)


def test_an_open_setup_that_stripe_does_not_show_is_not_doubled() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        customer_id = await customer_of(shop)
        assert await set_up(shop, customer_id) is not None
        let_stripe_answer(shop, ReadSetup, NoNews("lost"))

        with pytest.raises(GatewayUnavailable):
            await set_up(shop, customer_id)

        assert requests(shop).count("/v1/setup_intents") == 1

    run(scenario)


def test_a_setup_whose_secret_stripe_does_not_tell_is_unavailable() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        customer_id = await customer_of(shop)
        let_stripe_answer(shop, ReadSetup, NoNews("lost"))

        with pytest.raises(GatewayUnavailable):
            await set_up(shop, customer_id)

    run(scenario)


def test_a_setup_that_was_completed_unheard_makes_room_for_another() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        customer_id = await customer_of(shop)
        first = await set_up(shop, customer_id)
        assert first is not None
        at_stripe(shop, f"/v1/setup_intents/{first.id}/confirm", payment_method=VISA)

        second = await set_up(shop, customer_id)

        assert second is not None
        assert second.id != first.id

    run(scenario)
