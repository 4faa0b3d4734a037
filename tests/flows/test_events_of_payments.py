"""Events about payments: kept before they are answered, applied by looking, harmless when old."""

import asyncio
from dataclasses import replace

import pytest

from payment_service.domain.event import EventState, next_version
from payment_service.domain.moment import Door
from payment_service.domain.news import NoNews
from payment_service.domain.payment import State
from payment_service.domain.refund import RefundStatus
from payment_service.domain.steps import ReadIntent
from payment_service.flows.apply_event import apply_seen
from payment_service.flows.cancel import cancel
from payment_service.flows.look_at import NotSeen
from payment_service.flows.refund_payment import refund_payment
from payment_service.flows.revive_event import revive_event
from payment_service.flows.take_event import Taken, take_event
from payment_service.storage.collections import EVENTS, PAYMENTS
from tests.flows.buying import (
    AUTHENTICATING,
    always,
    charges,
    let_stripe_answer,
    open_watched_shop,
    order,
    pay,
    payment_of,
    quiet,
    refunds,
    requests,
    soon,
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


def test_an_event_brings_what_the_payers_client_did() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await paid_by_the_client(shop)

        assert await tell(shop, SUCCEEDED) is Taken.KEPT

        payment = await payment_of(shop)
        line = payment.history[-2]
        assert (payment.state, line.door) == (State.SUCCEEDED, Door.WEBHOOK)
        assert (line.stripe_request_id or "").startswith("req_")
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]
        assert (await event_kept(shop, seen_of(shop, SUCCEEDED))).state is EventState.APPLIED

    run(scenario)


def test_the_same_event_again_is_known_and_asks_stripe_nothing() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await paid_by_the_client(shop)
        await tell(shop, SUCCEEDED)
        asked = len(requests(shop, "GET"))

        assert await tell(shop, SUCCEEDED) is Taken.KNOWN

        assert len(requests(shop, "GET")) == asked

    run(scenario)


def test_the_events_of_a_payment_that_had_its_answer_cost_no_request() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await pay(shop)
        asked = len(requests(shop, "GET"))

        for event_type in (SUCCEEDED, "payment_intent.created", "charge.succeeded"):
            await tell(shop, event_type)

        assert len(requests(shop, "GET")) == asked

    run(scenario)


def test_an_event_settles_an_attempt_whose_owner_is_dead_without_asking_again() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        shop.stripe.pick = always("timeout_after")
        asking = await pay(shop, wait_s=1)
        assert (asking.state, asking.intent_id) == (State.ASKING, None)
        shop.stripe.pick = lambda _method, _path: None

        await take_event(shop.world, seen_of(shop, SUCCEEDED), Door.WEBHOOK)
        await asyncio.sleep(1)

        payment = await payment_of(shop)
        assert (payment.state, payment.attempt) == (State.SUCCEEDED, None)
        await quiet(shop)
        assert len(charges(shop)) == 1
        assert requests(shop).count("/v1/payment_intents") == 1

    run(scenario)


@pytest.mark.parametrize(
    ("service", "livemode", "kind"),
    [("another", False, SUCCEEDED), (None, False, SUCCEEDED), ("payment-service", True, SUCCEEDED)],
)
def test_an_event_of_another_system_or_mode_is_counted_and_not_kept(
    *, service: str | None, livemode: bool, kind: str
) -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await pay(shop)
        seen = replace(seen_of(shop, kind), service=service, livemode=livemode)

        assert await tell(shop, seen) is Taken.FOREIGN

        assert await shop.world.store.get(EVENTS, seen.id) is None
        assert [outcome for outcome, _, _ in shop.witness.events] == ["foreign"]

    run(scenario)


def test_an_event_of_no_interest_is_kept_as_ignored() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await pay(shop)
        seen = replace(seen_of(shop, SUCCEEDED), id="evt_x", type="payout.paid")

        assert await tell(shop, seen) is Taken.IGNORED
        assert await apply_seen(shop.world, seen, Door.SWEEP) is EventState.IGNORED

        assert (await event_kept(shop, seen)).state is EventState.IGNORED

    run(scenario)


def test_an_event_that_cannot_be_applied_is_tried_again_until_it_can() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await paid_by_the_client(shop)
        seen = seen_of(shop, SUCCEEDED)
        shop.stripe.pick = always("error_503_before", "GET")
        await tell(shop, seen)
        put_off = await event_kept(shop, seen)
        assert (put_off.state, put_off.failure, put_off.tries) == (EventState.KEPT, "http_503", 1)

        shop.stripe.pick = lambda _method, _path: None
        await shop.work(5)

        assert (await event_kept(shop, seen)).state is EventState.APPLIED
        assert (await payment_of(shop)).state is State.SUCCEEDED

    run(scenario)


def test_an_event_about_a_payment_that_is_nowhere_ends_dead_and_may_be_revived() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await pay(shop)
        seen = replace(seen_of(shop, SUCCEEDED), order_id="ord_lost")
        await tell(shop, seen)

        await shop.work(4 * 86_400, every_s=600)

        dead = await event_kept(shop, seen)
        assert (dead.state, dead.failure, dead.due_at) == (EventState.DEAD, "no such payment", None)
        assert shop.witness.unknown[0].id == seen.id
        revived = await revive_event(shop.world, seen.id)
        assert (revived.state, revived.tries) == (EventState.KEPT, 1)

    run(scenario)


def test_reviving_while_another_one_writes_gives_what_that_one_wrote() -> None:
    async def scenario() -> None:
        shop, store = await open_watched_shop()
        await pay(shop)
        seen = seen_of(shop, SUCCEEDED)
        await tell(shop, seen)
        event = await event_kept(shop, seen)

        async def somebody_writes() -> None:
            await store._store.replace(EVENTS, next_version(event), expected_version=event.version)

        store.before_writes.append(somebody_writes)
        revived = await revive_event(shop.world, seen.id)

        assert (revived.version, revived.state) == (event.version + 1, EventState.APPLIED)

    run(scenario)


def test_an_event_about_an_intent_that_the_order_has_left_behind_changes_nothing() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        payment = await pay(shop, order(AUTHENTICATING))
        await cancel(
            shop.world, payment, reason="duplicate", request_id="req_2", deadline=soon(shop)
        )
        old = seen_of(shop, "payment_intent.canceled")
        again = await pay(shop)
        dispute = replace(old, id="evt_d", type="charge.dispute.created")

        await tell(shop, old)
        await tell(shop, dispute)

        assert (await payment_of(shop)).intent_id == again.intent_id
        assert (await payment_of(shop)).state is State.SUCCEEDED
        assert (await event_kept(shop, dispute)).state is EventState.APPLIED

    run(scenario)


@pytest.mark.parametrize("is_known", [True, False])
def test_whose_an_unmarked_object_is_shows_the_document_or_stripe(*, is_known: bool) -> None:
    async def scenario() -> None:
        shop = await open_shop()
        payment = await pay(shop)
        shop.engine.open_dispute(payment.intent_id or "", now=shop.stripe.now())
        seen = seen_of(shop, "charge.dispute.created")
        if not is_known:
            forgotten = replace(payment, intent_id=None, attempt=None)
            version = (await payment_of(shop)).version
            forgotten = replace(forgotten, version=version + 1)
            await shop.world.store.replace(PAYMENTS, forgotten, expected_version=version)

        await tell(shop, seen)

        kept = await event_kept(shop, seen)
        assert (kept.state is EventState.APPLIED) is True

    run(scenario)


def test_an_unmarked_object_of_nobody_is_foreign_and_one_in_the_dark_is_put_off() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await pay(shop)
        base = replace(
            seen_of(shop, SUCCEEDED), type="charge.dispute.created", order_id=None, service=None
        )
        nowhere = replace(base, id="evt_1", intent_id=None)
        unknown = replace(base, id="evt_2", intent_id="pi_unknown")
        dark = replace(base, id="evt_3", intent_id="pi_dark")

        await tell(shop, nowhere)
        await tell(shop, unknown)
        let_stripe_answer(shop, ReadIntent, NoNews("lost"))
        await tell(shop, dark)

        assert (await event_kept(shop, nowhere)).state is EventState.FOREIGN
        assert (await event_kept(shop, unknown)).state is EventState.FOREIGN
        assert (await event_kept(shop, dark)).failure == "lost"

    run(scenario)


def test_every_payment_reaches_its_truth_by_events_alone_though_its_owner_died_each_time() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        shop.stripe.pick = always("timeout_after")
        held = await pay(shop, order(capture_method="manual"), wait_s=1)
        assert held.state is State.ASKING
        await take_event(
            shop.world, seen_of(shop, "payment_intent.amount_capturable_updated"), Door.WEBHOOK
        )
        shop.stripe.pick = lambda _method, _path: None
        await asyncio.sleep(40)
        await shop.work(10)

        assert (await payment_of(shop)).state is State.REQUIRES_CAPTURE
        assert len(charges(shop)) == 1

    run(scenario)


def test_a_refund_in_doubt_is_settled_by_its_event_and_made_once() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        payment = await pay(shop)
        await quiet(shop)
        shop.stripe.pick = always("timeout_after")
        await refund_payment(
            shop.world,
            payment,
            refund_id="rfd_1",
            amount_minor=4000,
            reason=None,
            deadline=soon(shop, 1),
        )
        shop.stripe.pick = lambda _method, _path: None

        await take_event(shop.world, seen_of(shop, "refund.created"), Door.WEBHOOK)
        await asyncio.sleep(1)

        assert (await payment_of(shop)).refunds[0].status is RefundStatus.SUCCEEDED
        await quiet(shop)
        assert len(refunds(shop)) == 1

    run(scenario)


def test_a_look_at_an_intent_without_an_answer_is_said_so() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await paid_by_the_client(shop)
        let_stripe_answer(shop, ReadIntent, NoNews("lost"))

        with pytest.raises(NotSeen):
            await apply_seen(shop.world, seen_of(shop, SUCCEEDED), Door.SWEEP)

    run(scenario)


def test_a_late_success_of_an_attempt_that_was_given_up_is_honoured() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        payment = await pay(shop)
        await quiet(shop)
        current = await payment_of(shop)
        given_up = replace(
            current,
            version=current.version + 1,
            status=State.CANCELED,
            intent_id=None,
            received_minor=0,
            notices=(),
        )
        await shop.world.store.replace(PAYMENTS, given_up, expected_version=current.version)

        await tell(shop, SUCCEEDED)

        late = await payment_of(shop)
        assert (late.state, late.intent_id) == (State.SUCCEEDED, payment.intent_id)

    run(scenario)
