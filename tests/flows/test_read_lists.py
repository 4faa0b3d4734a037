"""Reading Stripe's lists: what no webhook brought, and what no event was ever made of."""

import asyncio
from dataclasses import replace

import pytest

from payment_service.domain.cursor import LISTED_FOR, Cursor
from payment_service.domain.event import EventState
from payment_service.domain.moment import Door, Policy
from payment_service.domain.news import EventsSeen, NoNews
from payment_service.domain.payment import State
from payment_service.domain.refund import RefundStatus
from payment_service.domain.steps import FindDisputes, ListEvents, ListMade
from payment_service.flows.read_lists import BACK_FILL, SWEEP, open_cursors, read_on
from payment_service.ports import AlreadyExists
from payment_service.storage.collections import CURSORS, EVENTS
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
from tests.flows.telling import at_stripe, seen_of
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run

# Nothing but the list that a test is about may bring news.
PATIENT = Policy(refund_looks_s=(), action_expires_s=90_000, payment_expires_s=90_000)
ONLY_EVENTS = replace(PATIENT, sweep_every_s=0)
ONLY_SWEEP = replace(PATIENT, back_fill_every_s=0)


async def cursor_of(shop: Shop, name: str) -> Cursor:
    cursor = await shop.world.store.get(CURSORS, name)
    assert cursor is not None
    return cursor


async def open_for(policy: Policy) -> Shop:
    shop = await open_shop(policy)
    await open_cursors(shop.world)
    await asyncio.sleep(1)
    return shop


def test_cursors_are_opened_once_for_the_lists_that_are_wanted() -> None:
    async def scenario() -> None:
        shop = await open_for(ONLY_EVENTS)
        first = await cursor_of(shop, BACK_FILL)
        await asyncio.sleep(100)

        await open_cursors(shop.world)

        assert await cursor_of(shop, BACK_FILL) == first
        assert await shop.world.store.get(CURSORS, SWEEP) is None

    run(scenario)


def test_two_processes_that_open_a_cursor_at_once_open_one() -> None:
    async def scenario() -> None:
        shop, store = await open_watched_shop()

        async def the_other_was_faster() -> None:
            raise AlreadyExists

        store.before_writes.append(the_other_was_faster)
        await open_cursors(shop.world)

        assert await shop.world.store.get(CURSORS, BACK_FILL) is None
        assert (await cursor_of(shop, SWEEP)).failed == 0

    run(scenario)


def test_the_back_fill_brings_a_dispute_that_no_webhook_brought() -> None:
    async def scenario() -> None:
        shop = await open_for(ONLY_EVENTS)
        payment = await pay(shop)
        shop.engine.open_dispute(payment.intent_id or "", now=shop.stripe.now())

        await shop.work(150)

        disputed = await payment_of(shop)
        assert [d.status for d in disputed.disputes] == ["needs_response"]
        doors = [entry.door for entry in disputed.history if entry.what.startswith("dispute.")]
        assert doors == [Door.BACK_FILL]

    run(scenario)


def test_what_the_back_fill_has_read_is_not_read_again() -> None:
    """But for the last of it, until no clock is so wrong that something may be missing there."""

    async def scenario() -> None:
        shop = await open_for(ONLY_EVENTS)
        await pay(shop)
        await shop.work(900)
        shop.witness.events.clear()
        page = await shop.world.store.page(
            EVENTS, equal={}, created_from=None, created_to=None, cursor=None, limit=100
        )

        await shop.work(150)

        assert {event.state for event in page.items} == {EventState.APPLIED}
        assert [o for o, _, _ in shop.witness.events].count("known") == 0

    run(scenario)


def test_a_window_that_cannot_be_read_is_halved_and_read_later() -> None:
    async def scenario() -> None:
        shop = await open_for(ONLY_EVENTS)
        await asyncio.sleep(60)
        gateway = shop.world.gateway
        let_stripe_answer(shop, ListEvents, NoNews("unreadable"))
        before = await cursor_of(shop, BACK_FILL)

        await read_on(shop.world, before)
        failed = await cursor_of(shop, BACK_FILL)
        shop.world = replace(shop.world, gateway=gateway)
        await shop.work(30)

        assert (failed.failed, failed.span_s) == (1, before.span_s / 2)
        assert failed.read_until == before.read_until
        assert (await cursor_of(shop, BACK_FILL)).failed == 0

    run(scenario)


def test_of_two_that_read_a_list_one_claims_it() -> None:
    async def scenario() -> None:
        shop = await open_for(ONLY_EVENTS)
        await asyncio.sleep(60)
        cursor = await cursor_of(shop, BACK_FILL)
        await read_on(shop.world, cursor)
        asked = len(requests(shop, "GET"))

        await read_on(shop.world, cursor)

        assert len(requests(shop, "GET")) == asked

    run(scenario)


def test_a_gap_longer_than_stripe_keeps_events_is_said() -> None:
    async def scenario() -> None:
        shop = await open_for(ONLY_EVENTS)
        await asyncio.sleep(40 * 86_400)
        cursor = await cursor_of(shop, BACK_FILL)

        await read_on(shop.world, cursor)

        after = await cursor_of(shop, BACK_FILL)
        assert (after.gaps, [gap.read_until for gap in shop.witness.gaps]) == (
            1,
            [cursor.read_until],
        )
        assert after.read_until > shop.world.clock.now() - LISTED_FOR

    run(scenario)


def test_a_list_that_is_switched_off_is_left_alone() -> None:
    async def scenario() -> None:
        shop = await open_for(Policy())
        shop.world = replace(
            shop.world, policy=replace(PATIENT, back_fill_every_s=0, sweep_every_s=0)
        )
        await asyncio.sleep(60)

        await shop.work(30)

        assert requests(shop, "GET") == []

    run(scenario)


def test_the_sweep_finds_what_no_event_told() -> None:
    async def scenario() -> None:
        shop = await open_for(ONLY_SWEEP)
        payment = await pay(shop)
        at_stripe(shop, "/v1/refunds", payment_intent=payment.intent_id, amount=3000)
        shop.engine.warn_of_fraud(payment.intent_id or "", now=shop.stripe.now())

        await shop.work(5000, every_s=30)

        swept = await payment_of(shop)
        assert [(r.status, r.amount_minor) for r in swept.refunds] == [
            (RefundStatus.SUCCEEDED, 3000)
        ]
        assert len(swept.warnings) == 1
        assert {entry.door for entry in swept.history} >= {Door.SWEEP}

    run(scenario)


def test_the_sweep_passes_by_what_is_known_foreign_or_of_no_document() -> None:
    async def scenario() -> None:
        shop = await open_for(ONLY_SWEEP)
        await pay(shop)
        await quiet(shop)
        seen = replace(seen_of(shop, "payment_intent.succeeded"), type="payment_intent.swept")
        listed = EventsSeen(
            (
                replace(seen, service="another"),
                replace(seen, order_id="ord_lost"),
                seen,
            )
        )
        let_stripe_answer(shop, ListMade, listed)
        asked = len(requests(shop, "GET"))
        await asyncio.sleep(5000)

        await read_on(shop.world, await cursor_of(shop, SWEEP))

        assert len(requests(shop, "GET")) == asked
        assert [lost.order_id for lost in shop.witness.unknown] == ["ord_lost"]
        assert (await cursor_of(shop, SWEEP)).failed == 0

    run(scenario)


@pytest.mark.parametrize("what", ["the list", "whose it is", "the look"])
def test_a_sweep_that_gets_no_answer_is_made_again(what: str) -> None:
    async def scenario() -> None:
        shop = await open_for(ONLY_SWEEP)
        payment = await pay(shop)
        await quiet(shop)
        shop.engine.open_dispute(payment.intent_id or "", now=shop.stripe.now())
        dispute = replace(
            seen_of(shop, "charge.dispute.created"), type="charge.dispute.swept", status="lost"
        )
        match what:
            case "the list":
                let_stripe_answer(shop, ListMade, NoNews("lost"))
            case "whose it is":
                stray = replace(dispute, intent_id="pi_unknown")
                let_stripe_answer(shop, ListMade, EventsSeen((stray,)))
                shop.stripe.pick = always("error_503_before", "GET")
            case "the look":
                let_stripe_answer(shop, ListMade, EventsSeen((dispute,)))
                let_stripe_answer(shop, FindDisputes, NoNews("lost"))
        await asyncio.sleep(5000)

        await read_on(shop.world, await cursor_of(shop, SWEEP))

        assert (await cursor_of(shop, SWEEP)).failed == 1

    run(scenario)


def test_with_webhooks_dropped_every_payment_still_reaches_its_truth() -> None:
    async def scenario() -> None:
        shop = await open_for(PATIENT)
        payment = await pay(shop, order(None, confirm=False))
        at_stripe(
            shop, f"/v1/payment_intents/{payment.intent_id}/confirm", payment_method="pm_card_visa"
        )

        await shop.work(90)

        assert (await payment_of(shop)).state is State.SUCCEEDED
        assert intents(shop)[0]["status"] == "succeeded"

    run(scenario)
