"""Confirming, capturing, cancelling, finding a refund: in order and in trouble."""

import asyncio
from dataclasses import replace

import pytest

from payment_service.domain.errors import NotFound, PaymentInProgress, PaymentNotCancelable
from payment_service.domain.moment import Policy
from payment_service.domain.news import NoNews
from payment_service.domain.payment import Operation, Payment, State
from payment_service.domain.steps import ReadIntent, ReadRefund
from payment_service.flows.find_refund import find_refund
from payment_service.flows.refund_payment import refund_payment
from payment_service.ports import GatewayUnavailable
from payment_service.storage.collections import PAYMENTS, REFUND_PLACES
from tests.flows.buying import (
    AUTHENTICATING,
    DECLINING,
    VISA,
    always,
    charges,
    intents,
    let_stripe_answer,
    order,
    pay,
    payment_of,
    quiet,
    refunds,
    requests,
    soon,
)
from tests.flows.moving import confirm, take, void
from tests.flows.telling import at_stripe
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run

HELD = order(capture_method="manual")


def no_fault(_method: str, _path: str) -> None:
    return None


def test_a_capture_whose_answer_is_lost_is_found_and_taken_once() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        held = await pay(shop, HELD)
        shop.stripe.pick = always("timeout_after")
        asking = await take(shop, held, 4000)
        shop.stripe.pick = no_fault

        await shop.work(60)

        taken = await payment_of(shop)
        assert (asking.state, taken.state, taken.received_minor) == (
            State.ASKING,
            State.SUCCEEDED,
            4000,
        )
        assert [one["amount_captured"] for one in charges(shop)] == [4000]
        assert requests(shop).count(f"/v1/payment_intents/{held.intent_id}/capture") == 1
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]

    run(scenario)


def test_a_hold_that_lapses_ends_canceled_and_the_order_is_told_if_it_wants_to() -> None:
    async def scenario() -> None:
        shop = await open_shop(Policy(order_status_canceled="CANCELLED"))
        held = await pay(shop, HELD)
        assert held.hold is not None

        await shop.work(7 * 86_400 + 3600, every_s=300)

        lapsed = await payment_of(shop)
        assert (lapsed.state, lapsed.cancellation_reason) == (State.CANCELED, "expired")
        assert [e.what for e in lapsed.history].count("hold.lapses_soon") == 1
        assert shop.orders.statuses_of("ord_1") == ["CANCELLED"]

    run(scenario)


def test_a_hold_is_captured_by_itself_before_it_lapses_if_that_is_wished() -> None:
    async def scenario() -> None:
        shop = await open_shop(Policy(hold_auto_capture_s=7200))
        await pay(shop, HELD)

        await shop.work(7 * 86_400 - 3600, every_s=300)

        taken = await payment_of(shop)
        assert (taken.state, taken.received_minor) == (State.SUCCEEDED, 10_000)
        assert taken.past_attempts[-1].operation is Operation.CAPTURE
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]

    run(scenario)


def test_a_success_that_races_a_cancellation_wins_and_is_honoured() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        waiting = await pay(shop, order(AUTHENTICATING))
        shop.engine.authenticate(waiting.intent_id or "", passed=True, now=shop.stripe.now())

        for _ in range(2):
            with pytest.raises(PaymentNotCancelable) as refused:
                await void(shop, waiting)
            assert refused.value.details["payment"].state is State.SUCCEEDED

        await quiet(shop)
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]

    run(scenario)


def test_a_cancellation_waits_for_what_is_under_way_and_gives_up_at_the_deadline() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        shop.stripe.pick = always("timeout_after", "*")
        asking = await pay(shop, order(AUTHENTICATING), wait_s=1)
        with pytest.raises(PaymentInProgress):
            await void(shop, asking, wait_s=1)
        shop.stripe.pick = no_fault

        canceled = await void(shop, await payment_of(shop), wait_s=120)

        assert canceled.state is State.CANCELED
        assert [i["status"] for i in intents(shop)] == ["canceled"]

    run(scenario)


def test_an_abandoned_challenge_is_cancelled_and_frees_the_order() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await pay(shop, order(AUTHENTICATING))

        await shop.work(3600 + 700, every_s=5)
        paid = await pay(shop)

        assert (paid.state, paid.generation) == (State.SUCCEEDED, 2)
        assert [i["status"] for i in intents(shop)] == ["canceled", "succeeded"]

    run(scenario)


def test_confirming_looks_first_and_then_uses_the_url_that_was_given() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        created = await pay(shop, order(None, confirm=False))

        waiting = await confirm(shop, created, AUTHENTICATING, "https://shop.example/back")

        assert waiting.state is State.REQUIRES_ACTION
        assert waiting.terms.return_url == "https://shop.example/back"
        assert len(intents(shop)) == 1

    run(scenario)


def test_confirming_while_stripe_does_not_answer_a_look_goes_on_with_what_is_known() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        declined = await pay(shop, order(DECLINING))
        let_stripe_answer(shop, ReadIntent, NoNews("lost"))

        paid = await confirm(shop, declined, VISA)

        assert paid.state is State.SUCCEEDED

    run(scenario)


def test_what_was_never_made_at_stripe_is_made_by_confirming() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        shop.stripe.pick = always("rate_limit")
        failed = await pay(shop, wait_s=60)
        assert (failed.state, failed.intent_id) == (State.REQUIRES_PAYMENT_METHOD, None)
        shop.stripe.pick = no_fault

        paid = await confirm(shop, failed, VISA)

        assert paid.state is State.SUCCEEDED

    run(scenario)


def test_what_has_succeeded_needs_no_confirmation() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        paid = await pay(shop)

        assert (await confirm(shop, paid)).version >= paid.version

        assert len(requests(shop)) == 1

    run(scenario)


async def refunded(shop: Shop, payment: Payment) -> None:
    await refund_payment(
        shop.world,
        payment,
        refund_id="rfd_1",
        amount_minor=4000,
        reason=None,
        deadline=soon(shop),
    )


def test_a_refund_is_found_by_both_of_its_ids_and_one_of_the_dashboard_by_stripes() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        payment = await pay(shop)
        await quiet(shop)
        await refunded(shop, payment)
        at_stripe(shop, "/v1/refunds", payment_intent=payment.intent_id, amount=1000)
        ours, theirs = refunds(shop)
        await shop.work(3700, every_s=60)

        _, by_reference = await find_refund(shop.world, "rfd_1")
        _, by_id = await find_refund(shop.world, ours["id"])
        _, from_dashboard = await find_refund(shop.world, theirs["id"])

        assert by_reference == by_id
        assert (by_id.amount_minor, from_dashboard.amount_minor) == (4000, 1000)

    run(scenario)


def test_a_refund_that_is_nowhere_is_not_found_and_one_in_the_dark_is_unavailable() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        payment = await pay(shop)
        await quiet(shop)
        await refunded(shop, payment)
        place = await shop.world.store.get(REFUND_PLACES, "rfd_1")
        assert place is not None
        await shop.world.store.insert(
            REFUND_PLACES, replace(place, id="rfd_lost", order_id="ord_lost")
        )

        for unknown in ("re_unknown", "rfd_lost"):
            with pytest.raises(NotFound):
                await find_refund(shop.world, unknown)
        let_stripe_answer(shop, ReadRefund, NoNews("lost"))
        with pytest.raises(GatewayUnavailable):
            await find_refund(shop.world, "re_dark")

    run(scenario)


def test_a_refund_with_our_mark_and_without_a_document_is_unavailable() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        payment = await pay(shop)
        await quiet(shop)
        await refunded(shop, payment)
        current = await payment_of(shop)
        await shop.world.store.remove(PAYMENTS, "ord_1", expected_version=current.version)

        with pytest.raises(GatewayUnavailable):
            await find_refund(shop.world, refunds(shop)[0]["id"])
        await asyncio.sleep(0)

    run(scenario)
