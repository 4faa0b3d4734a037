"""Events about refunds and disputes: what they name is looked at, and nothing newer is undone."""

import asyncio
from dataclasses import replace

import pytest

from payment_service.domain.moment import Door
from payment_service.domain.news import NoNews
from payment_service.domain.payment import State
from payment_service.domain.refund import RefundStatus
from payment_service.domain.steps import FindDisputes, FindRefunds
from payment_service.flows.take_event import take_event
from payment_service.storage.collections import PAYMENTS
from tests.flows.buying import (
    always,
    intents,
    let_stripe_answer,
    open_watched_shop,
    order,
    pay,
    payment_of,
    quiet,
    requests,
)
from tests.flows.telling import at_stripe, event_kept, seen_of, tell
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run

SUCCEEDED = "payment_intent.succeeded"


async def paid_by_the_client(shop: Shop) -> None:
    """Leave a payment that the payer's client has confirmed, and nobody has told us so."""
    payment = await pay(shop, order(None, confirm=False))
    at_stripe(
        shop, f"/v1/payment_intents/{payment.intent_id}/confirm", payment_method="pm_card_visa"
    )


def test_a_refund_made_in_the_dashboard_and_one_that_fails_later_are_followed() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        payment = await pay(shop, order("pm_card_refundFail"))
        at_stripe(shop, "/v1/refunds", payment_intent=payment.intent_id, amount=3000)
        await tell(shop, "refund.created")
        made = await payment_of(shop)
        assert (made.refunded_minor, made.refundable_minor) == (3000, 7000)

        await asyncio.sleep(60)
        shop.engine.advance(shop.stripe.now())
        await tell(shop, "refund.failed")

        failed = await payment_of(shop)
        assert [r.status for r in failed.refunds] == [RefundStatus.FAILED]
        assert (failed.refunded_minor, failed.refundable_minor) == (0, 10_000)

    run(scenario)


def test_a_dispute_is_recorded_and_blocks_a_refund() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        payment = await pay(shop)
        shop.engine.open_dispute(payment.intent_id or "", now=shop.stripe.now())

        await tell(shop, "charge.dispute.created")

        disputed = await payment_of(shop)
        assert [d.status for d in disputed.disputes] == ["needs_response"]
        assert (disputed.history[-1].stripe_request_id or "").startswith("req_")
        assert (disputed.refundable_minor, disputed.disputed_minor) == (0, 10_000)

    run(scenario)


def test_a_look_at_disputes_that_was_overtaken_is_made_again() -> None:
    async def scenario() -> None:
        shop, store = await open_watched_shop()
        payment = await pay(shop)
        await quiet(shop)
        shop.engine.open_dispute(payment.intent_id or "", now=shop.stripe.now())

        async def somebody_writes() -> None:
            current = await store._store.get(PAYMENTS, "ord_1")
            assert current is not None
            written = replace(current, version=current.version + 1)
            await store._store.replace(PAYMENTS, written, expected_version=current.version)

        store.before_writes.extend([None, somebody_writes])
        await tell(shop, "charge.dispute.created")

        assert [d.status for d in (await payment_of(shop)).disputes] == ["needs_response"]
        assert requests(shop, "GET").count("/v1/disputes") == 2

    run(scenario)


def test_a_look_at_disputes_that_is_overtaken_for_ever_is_put_off() -> None:
    async def scenario() -> None:
        shop, store = await open_watched_shop()
        payment = await pay(shop)
        await quiet(shop)
        shop.engine.open_dispute(payment.intent_id or "", now=shop.stripe.now())
        seen = seen_of(shop, "charge.dispute.created")

        async def somebody_writes() -> None:
            current = await store._store.get(PAYMENTS, "ord_1")
            assert current is not None
            written = replace(current, version=current.version + 1)
            await store._store.replace(PAYMENTS, written, expected_version=current.version)

        store.before_writes.extend([None, *[somebody_writes] * 20])
        await tell(shop, seen)

        assert (await event_kept(shop, seen)).failure == "overtaken"

    run(scenario)


@pytest.mark.parametrize(
    ("topic", "step"),
    [("charge.dispute.created", FindDisputes), ("refund.created", FindRefunds)],
)
def test_a_look_without_an_answer_puts_the_event_off(
    topic: str, step: type[FindDisputes | FindRefunds]
) -> None:
    async def scenario() -> None:
        shop = await open_shop()
        payment = await pay(shop)
        await quiet(shop)
        at_stripe(shop, "/v1/refunds", payment_intent=payment.intent_id, amount=3000)
        shop.engine.open_dispute(payment.intent_id or "", now=shop.stripe.now())
        let_stripe_answer(shop, step, NoNews("lost"))
        seen = seen_of(shop, topic)

        await tell(shop, seen)

        assert (await event_kept(shop, seen)).failure == "lost"

    run(scenario)


def test_an_event_of_a_refund_settles_first_the_attempt_that_its_payment_is_in() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        shop.stripe.pick = always("timeout_after")
        await pay(shop, wait_s=1)
        shop.stripe.pick = lambda _method, _path: None
        at_stripe(shop, "/v1/refunds", payment_intent=intents(shop)[0]["id"], amount=3000)

        await take_event(shop.world, seen_of(shop, "refund.created"), Door.WEBHOOK)
        await asyncio.sleep(1)
        assert (await payment_of(shop)).state is State.SUCCEEDED
        await shop.work(10)

        assert (await payment_of(shop)).refunded_minor == 3000

    run(scenario)
