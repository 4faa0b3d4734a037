"""Two PaymentIntents with our marks on one order: a copy made by hand, or a staging clone's."""

from typing import Any

import pytest

from payment_service.domain.errors import OrderAlreadyPaid
from payment_service.domain.moment import Policy
from payment_service.domain.news import NoNews
from payment_service.domain.payment import State
from payment_service.flows.cancel import cancel
from payment_service.flows.restore_payments import restore_payments
from payment_service.storage.collections import PAYMENTS
from tests.flows.buying import charges, faults, intents, order, pay, payment_of, quiet, soon
from tests.flows.telling import at_stripe, seen_of, tell
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run

POLICY = Policy(order_status_canceled="CANCELLED")
SUCCEEDED, CANCELED = "payment_intent.succeeded", "payment_intent.canceled"


def copied(shop: Shop, *, uid: str | None = None, paid: bool = True) -> str:
    """Make a copy of the order's first PaymentIntent at Stripe, its marks included."""
    of = intents(shop)[0]
    marks = dict(of["metadata"])
    if uid is not None:
        marks["idempotency_key"] = f"{uid}-1-create"
    form: dict[str, Any] = {"amount": of["amount"], "currency": of["currency"]}
    form |= {f"metadata[{name}]": value for name, value in marks.items()}
    form["automatic_payment_methods[enabled]"] = "true"
    form["automatic_payment_methods[allow_redirects]"] = "never"
    if paid:
        form |= {"payment_method": "pm_card_visa", "confirm": "true"}
    at_stripe(shop, "/v1/payment_intents", **form)
    copy_id: str = intents(shop)[-1]["id"]
    assert copy_id != of["id"]
    return copy_id


async def canceled(shop: Shop) -> None:
    payment = await payment_of(shop)
    await cancel(shop.world, payment, reason=None, request_id="r", deadline=soon(shop))


@pytest.mark.parametrize("uid", [None, "pay_of_a_clone"])
def test_an_open_order_that_a_copy_paid_is_alarmed_and_not_told_canceled(uid: str | None) -> None:
    async def scenario() -> None:
        shop = await open_shop(POLICY)
        await pay(shop, order(None, confirm=False))
        copy_id = copied(shop, uid=uid)

        await tell(shop, SUCCEEDED)
        await shop.work(60)
        await quiet(shop)

        payment = await payment_of(shop)
        assert (payment.state, payment.late_intent_id) == (State.CANCELED, copy_id)
        assert "payment.contradicted" in [entry.what for entry in payment.history]
        assert shop.orders.statuses_of("ord_1") == []
        assert len(charges(shop)) == 1

    run(scenario)


def test_what_is_owed_of_a_cancellation_is_not_told_once_a_copy_has_paid() -> None:
    async def scenario() -> None:
        shop = await open_shop(POLICY)
        shop.orders.script.extend([NoNews("lost")] * 5)
        await pay(shop, order(None, confirm=False))
        await canceled(shop)
        copy_id = copied(shop)

        await tell(shop, SUCCEEDED)
        shop.orders.script.clear()
        await shop.work(1200)
        await quiet(shop)

        payment = await payment_of(shop)
        assert payment.late_intent_id == copy_id
        assert shop.orders.statuses_of("ord_1") == []

    run(scenario)


@pytest.mark.parametrize("uid", [None, "pay_of_a_clone"])
def test_a_copy_that_was_canceled_says_nothing_of_a_paid_order(uid: str | None) -> None:
    async def scenario() -> None:
        shop = await open_shop(POLICY)
        paid = await pay(shop)
        copy_id = copied(shop, uid=uid, paid=False)
        at_stripe(shop, f"/v1/payment_intents/{copy_id}/cancel")

        await tell(shop, CANCELED)
        await shop.work(60)

        payment = await payment_of(shop)
        assert (payment.state, payment.intent_id) == (State.SUCCEEDED, paid.intent_id)
        assert payment.late_intent_id is None
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]

    run(scenario)


def test_an_order_that_both_took_money_for_shows_both() -> None:
    async def scenario() -> None:
        shop = await open_shop(POLICY)
        paid = await pay(shop)
        copy_id = copied(shop)

        await tell(shop, SUCCEEDED)

        payment = await payment_of(shop)
        assert (payment.intent_id, payment.late_intent_id) == (paid.intent_id, copy_id)
        assert payment.state is State.SUCCEEDED

    run(scenario)


def test_an_answer_that_was_lost_is_not_taken_from_a_copy_that_took_nothing() -> None:
    """The list is newest first: the copy would be found before what it is a copy of."""

    async def scenario() -> None:
        shop = await open_shop(POLICY)
        shop.stripe.pick = faults("timeout_after")
        waiting = await pay(shop, wait_s=1)
        assert waiting.state is State.ASKING
        copy_id = copied(shop, paid=False)
        at_stripe(shop, f"/v1/payment_intents/{copy_id}/cancel")
        shop.stripe.pick = lambda _method, _path: None

        await shop.work(120)
        await quiet(shop)

        payment = await payment_of(shop)
        assert (payment.state, payment.intent_id) == (State.SUCCEEDED, intents(shop)[0]["id"])
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]
        assert len(charges(shop)) == 1

    run(scenario)


async def with_lost_database(shop: Shop) -> Shop:
    other = await open_shop(POLICY, shop.engine, shop.orders)
    await restore_payments(other.world, None)
    await other.work(60)
    await quiet(other)
    return other


@pytest.mark.parametrize("uid", [None, "pay_of_a_clone"])
def test_a_lost_database_finds_the_copy_that_took_the_money(uid: str | None) -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await pay(shop, order(None, confirm=False))
        await canceled(shop)
        copy_id = copied(shop, uid=uid)

        other = await with_lost_database(shop)

        payment = await other.world.store.get(PAYMENTS, "ord_1")
        assert payment is not None
        assert copy_id in {payment.intent_id, payment.late_intent_id}
        assert "CANCELLED" not in shop.orders.statuses_of("ord_1")
        assert await is_paid(other)
        assert len(charges(other)) == 1

    run(scenario)


async def is_paid(shop: Shop) -> bool:
    """Pay the order once more, and say whether that was answered as paid, or refused as such."""
    try:
        payment = await pay(shop)
    except OrderAlreadyPaid:
        return True
    return payment.state is State.SUCCEEDED


@pytest.mark.parametrize("uid", [None, "pay_of_a_clone"])
def test_a_lost_database_is_not_misled_by_a_copy_that_was_canceled(uid: str | None) -> None:
    async def scenario() -> None:
        shop = await open_shop()
        paid = await pay(shop)
        copy_id = copied(shop, uid=uid, paid=False)
        at_stripe(shop, f"/v1/payment_intents/{copy_id}/cancel")

        other = await with_lost_database(shop)

        payment = await payment_of(other)
        assert (payment.state, payment.intent_id) == (State.SUCCEEDED, paid.intent_id)
        assert "CANCELLED" not in shop.orders.statuses_of("ord_1")

    run(scenario)


def test_the_first_of_two_orders_of_news_does_not_matter() -> None:
    """Cancelled here, then paid there, and told of in the other order."""

    async def scenario() -> None:
        shop = await open_shop(POLICY)
        first = await pay(shop, order(None, confirm=False))
        copy_id = copied(shop)
        paid_there = seen_of(shop, SUCCEEDED)
        at_stripe(shop, f"/v1/payment_intents/{first.intent_id}/cancel")
        canceled_here = seen_of(shop, CANCELED)

        await tell(shop, paid_there)
        await tell(shop, canceled_here)
        await shop.work(60)

        payment = await payment_of(shop)
        assert (payment.state, payment.late_intent_id) == (State.CANCELED, copy_id)
        assert shop.orders.statuses_of("ord_1") == []

    run(scenario)
