"""Customers and cards that others change at Stripe, and customers that are deleted there."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from payment_service.domain.call import begin_call
from payment_service.domain.customer import Customer
from payment_service.domain.errors import NotFound, OrderAlreadyPaid
from payment_service.domain.event import EventState
from payment_service.domain.news import Denial, NoNews, NotExecuted, Rejected, SeenEvent
from payment_service.domain.payment import State
from payment_service.domain.steps import CreateCustomer, ReadCustomer
from payment_service.domain.stripe_errors import RefusedByStripe
from payment_service.flows.keep_card import attach_card, remove_card
from payment_service.flows.keep_customer import create_customer, customer_by_id, living_customer
from payment_service.flows.pay_order import pay_order
from payment_service.ports import GatewayLost, GatewayUnavailable
from payment_service.storage.collections import CUSTOMERS
from tests.flows.buying import (
    VISA,
    always,
    let_stripe_answer,
    open_watched_shop,
    order,
    pay,
    requests,
    soon,
)
from tests.flows.telling import KEY, at_stripe, event_kept, seen_of, tell
from tests.parts.shop import Shop, open_shop
from tests.parts.stored import stored_customer
from tests.parts.virtual_time import run

MASTERCARD = "pm_card_mastercard"
EMAIL = "ann@example.com"


async def customer_with(shop: Shop, *cards: str) -> Customer:
    """Return a customer of both with these cards, the first the default."""
    made, _ = await create_customer(shop.world, EMAIL, "Ann", deadline=soon(shop))
    for card in cards:
        await attach(shop, made, card)
        await asyncio.sleep(1)
    return await stored(shop)


async def attach(shop: Shop, customer: Customer, card: str) -> None:
    await attach_card(
        shop.world,
        customer.customer_id or "",
        card,
        cardholder_name=None,
        is_default=False,
        deadline=soon(shop),
    )


async def stored(shop: Shop) -> Customer:
    customer = await stored_customer(shop.world.store, EMAIL)
    assert customer is not None
    return customer


def delete_at_stripe(shop: Shop, customer: Customer) -> None:
    shop.stripe.deliver("delete", f"https://x/v1/customers/{customer.customer_id}", KEY, None)


def brands(customer: Customer) -> list[str]:
    return [card.brand for card in customer.kept_cards]


def test_a_card_detached_at_stripe_is_gone_here_and_the_default_stays_right() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        customer = await customer_with(shop, VISA, MASTERCARD)
        default = customer.default_payment_method_id
        at_stripe(shop, f"/v1/payment_methods/{default}/detach")

        await tell(shop, "payment_method.detached")

        followed = await stored(shop)
        assert brands(followed) == ["mastercard"]
        assert followed.default_payment_method_id == followed.cards[0].payment_method_id
        assert followed.default_at_stripe == followed.default_payment_method_id
        assert [entry.what for entry in followed.history] == ["customer.followed"]

    run(scenario)


def test_a_default_chosen_at_stripe_and_a_card_renewed_by_its_network_follow_here() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        customer = await customer_with(shop, VISA, MASTERCARD)
        newest = customer.cards[-1].payment_method_id
        at_stripe(
            shop,
            f"/v1/customers/{customer.customer_id}",
            **{"invoice_settings[default_payment_method]": newest},
        )
        await tell(shop, "customer.updated")
        shop.engine.update_card(newest, 11, 2039, now=shop.stripe.now())
        await tell(shop, "payment_method.automatically_updated")

        followed = await stored(shop)

        assert followed.default_payment_method_id == newest
        assert (followed.kept_cards[0].exp_month, followed.kept_cards[0].exp_year) == (11, 2039)

    run(scenario)


def test_what_we_did_ourselves_is_no_news_and_asks_nothing() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        customer = await customer_with(shop, VISA, MASTERCARD)
        attached = seen_of(shop, "payment_method.attached")
        await remove_card(
            shop.world,
            customer.customer_id or "",
            customer.cards[0].payment_method_id,
            deadline=soon(shop),
        )
        asked = len(requests(shop, "GET"))

        await tell(shop, attached)
        await tell(shop, "payment_method.detached")

        assert len(requests(shop, "GET")) == asked

    run(scenario)


def test_events_of_nobody_are_foreign() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await customer_with(shop, VISA)
        base = replace(seen_of(shop, "payment_method.attached"), type="payment_method.updated")
        of_nobody = replace(base, id="evt_1", customer_id=None)
        of_a_stranger = replace(base, id="evt_2", customer_id="cus_stranger")

        await tell(shop, of_nobody)
        await tell(shop, of_a_stranger)

        assert (await event_kept(shop, of_nobody)).state is EventState.FOREIGN
        assert (await event_kept(shop, of_a_stranger)).state is EventState.FOREIGN

    run(scenario)


def updated(shop: Shop) -> SeenEvent:
    return replace(seen_of(shop, "payment_method.attached"), id="evt_u", type="customer.updated")


def test_while_something_of_ours_is_under_way_nothing_is_followed() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        customer = await customer_with(shop, VISA)
        busy = replace(
            customer,
            version=customer.version + 1,
            call=begin_call("key", shop.world.clock.now()),
        )
        await shop.world.store.replace(CUSTOMERS, busy, expected_version=customer.version)
        seen = updated(shop)

        await tell(shop, seen)

        assert (await event_kept(shop, seen)).failure == "busy"

    run(scenario)


def test_without_an_answer_the_event_is_put_off() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await customer_with(shop, VISA)
        let_stripe_answer(shop, ReadCustomer, NoNews("lost"))
        seen = updated(shop)

        await tell(shop, seen)

        assert (await event_kept(shop, seen)).failure == "lost"

    run(scenario)


@pytest.mark.parametrize(("times", "failure"), [(1, None), (20, "overtaken")])
def test_a_look_that_was_overtaken_is_made_again(times: int, failure: str | None) -> None:
    async def scenario() -> None:
        shop, store = await open_watched_shop()
        await customer_with(shop, VISA)
        seen = updated(shop)

        async def somebody_writes() -> None:
            current = await stored_customer(store._store, EMAIL)
            assert current is not None
            written = replace(current, version=current.version + 1)
            await store._store.replace(CUSTOMERS, written, expected_version=current.version)

        card = (await stored(shop)).cards[0].payment_method_id
        shop.engine.update_card(card, 11, 2039, now=shop.stripe.now())
        store.before_writes.extend([None, *[somebody_writes] * times])
        await tell(shop, seen)

        assert (await event_kept(shop, seen)).failure == failure

    run(scenario)


def test_a_customer_deleted_at_stripe_has_nothing_left_and_is_made_anew_when_used() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        old = await customer_with(shop, VISA)
        delete_at_stripe(shop, old)

        await tell(shop, "customer.deleted")
        await tell(shop, replace(updated(shop), id="evt_later"))
        gone = await stored(shop)
        await attach(shop, old, MASTERCARD)

        assert (gone.customer_id, gone.former_customer_id) == (None, old.customer_id)
        assert (gone.cards, gone.default_payment_method_id) == ((), None)
        assert [entry.what for entry in gone.history] == ["customer.deleted_at_stripe"]
        anew = await customer_by_id(shop.world, old.customer_id or "")
        assert anew.customer_id not in {None, old.customer_id}
        assert brands(anew) == ["mastercard"]

    run(scenario)


def test_attaching_to_a_customer_that_is_gone_unheard_heals_by_itself() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        old = await customer_with(shop, VISA)
        delete_at_stripe(shop, old)

        await attach(shop, old, MASTERCARD)

        healed = await stored(shop)
        assert healed.customer_id not in {None, old.customer_id}
        assert (brands(healed), healed.former_customer_id) == (["mastercard"], old.customer_id)

    run(scenario)


def test_paying_for_a_customer_that_is_gone_heals_and_pays_once_whichever_id_is_used() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        old = await customer_with(shop)
        delete_at_stripe(shop, old)
        wanted = order(VISA, customer_id=old.customer_id)

        paid = await pay(shop, wanted)
        again = await pay(shop, wanted)

        assert (paid.state, again.intent_id) == (State.SUCCEEDED, paid.intent_id)
        assert paid.terms.customer_id == (await stored(shop)).customer_id
        assert paid.terms.customer_id != old.customer_id
        assert requests(shop).count("/v1/customers") == 2

    run(scenario)


def test_an_order_that_one_customer_has_paid_is_not_anothers() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        customer = await customer_with(shop)
        await pay(shop, order(VISA, customer_id=customer.customer_id))

        with pytest.raises(OrderAlreadyPaid):
            await pay(shop, order(VISA, customer_id="cus_other"))

    run(scenario)


def test_a_customer_that_only_stripe_misses_is_not_made_anew() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        customer = await customer_with(shop)
        refused = Rejected(Denial("resource_missing", "No such customer", param="customer"))

        class Refusing:
            async def ask(self, step: object, **held: Any) -> object:
                if type(step).__name__ == "CreateIntent":
                    return refused
                return await gateway.ask(step, **held)  # type: ignore[arg-type]  # whatever it is

        gateway = shop.world.gateway
        shop.world = replace(shop.world, gateway=Refusing())  # type: ignore[arg-type]  # a stand-in
        known = await pay(shop, order(VISA, customer_id=customer.customer_id))
        unknown = await pay(shop, order(VISA, id="ord_2", customer_id="cus_unknown"))

        assert known.failure is not None
        assert (known.failure.param, unknown.state) == ("customer", State.REQUIRES_PAYMENT_METHOD)
        assert requests(shop).count("/v1/customers") == 1

    run(scenario)


def test_another_customers_payment_that_fails_for_them_does_not_heal_ours() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        old = await customer_with(shop)
        delete_at_stripe(shop, old)
        shop.stripe.pick = always("error_503_before", "GET")
        with pytest.raises(GatewayUnavailable):
            await living_customer(
                shop.world, replace(old, customer_id=None, id="bob@x.example"), deadline=soon(shop)
            )

        failed = await pay(shop, order(VISA, customer_id=old.customer_id))

        assert failed.state is State.REQUIRES_PAYMENT_METHOD
        assert failed.terms.customer_id == old.customer_id

    run(scenario)


def test_one_that_cannot_be_made_anew_is_said_so() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        old = await customer_with(shop)
        delete_at_stripe(shop, old)
        await tell(shop, "customer.deleted")
        let_stripe_answer(shop, CreateCustomer, Rejected(Denial("parameter_invalid", "No.")))

        with pytest.raises(RefusedByStripe):
            await pay_order(
                shop.world, order(VISA, customer_id=old.customer_id), deadline=soon(shop)
            )

    run(scenario)


def test_a_payment_that_cannot_go_on_without_one_is_not_told_as_nothing_done() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        old = await customer_with(shop)
        delete_at_stripe(shop, old)
        await tell(shop, "customer.deleted")
        let_stripe_answer(shop, CreateCustomer, NotExecuted("rate_limit"))

        with pytest.raises(GatewayLost):
            await pay_order(
                shop.world, order(VISA, customer_id=old.customer_id), deadline=soon(shop)
            )

    run(scenario)


def test_one_whose_making_takes_too_long_is_not_there_yet() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        old = await customer_with(shop)
        delete_at_stripe(shop, old)
        await tell(shop, "customer.deleted")
        shop.stripe.pick = always("timeout_after")

        with pytest.raises(GatewayUnavailable):
            await living_customer(shop.world, await stored(shop), deadline=soon(shop, 1))

    run(scenario)


def test_an_unknown_id_is_not_found() -> None:
    async def scenario() -> None:
        shop = await open_shop()

        with pytest.raises(NotFound):
            await customer_by_id(shop.world, "cus_unknown")

    run(scenario)


def test_the_same_physical_card_under_another_id_is_the_one_that_is_there() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        customer = await customer_with(shop, VISA)

        _, card = await attach_card(
            shop.world,
            customer.customer_id or "",
            VISA,
            cardholder_name="Ann Other",
            is_default=True,
            deadline=soon(shop),
        )

        kept = await stored(shop)
        assert [one.payment_method_id for one in kept.cards] == [card.payment_method_id]
        assert (card.payment_method_id, card.cardholder_name) == (
            customer.cards[0].payment_method_id,
            "Ann Other",
        )

    run(scenario)
