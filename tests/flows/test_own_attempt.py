"""A request is told of its own attempt, after a look at what others did meanwhile."""

import asyncio
from typing import Any

import pytest

from payment_service.domain.errors import PaymentCanceled
from payment_service.domain.news import Denial, Intent, IntentSeen, NoNews, Rejected
from payment_service.domain.payment import Payment, State
from payment_service.domain.steps import CaptureIntent, ReadCard
from payment_service.domain.stripe_errors import ErrorClass, RefusedByStripe
from payment_service.flows.cancel import cancel
from payment_service.flows.pay_order import pay_order
from stripe_sandbox.faults import Fault
from tests.flows.buying import (
    AUTHENTICATING,
    VISA,
    intents,
    let_stripe_answer,
    order,
    pay,
    payment_of,
    quiet,
    soon,
)
from tests.flows.moving import confirm, confirm_as_the_payer, take
from tests.flows.telling import at_stripe
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run

MASTERCARD = "pm_card_mastercard"


def answers(shop: Shop, path_end: str, status: int, **error: Any) -> None:
    """Let Stripe refuse whatever is posted to such a path."""
    body = {"error": {"type": "invalid_request_error", "message": "No.", **error}}
    fault = Fault("answer", status=status, body=body)
    shop.stripe.pick = lambda method, path: (
        fault if method == "POST" and path.endswith(path_end) else None
    )


def test_whoever_is_refused_since_the_payer_paid_meanwhile_sees_it_paid() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        created = await pay(shop, order(None))
        answers(shop, "/confirm", 400, code="payment_intent_unexpected_state")
        picked = shop.stripe.pick

        def pays_first(method: str, path: str) -> Fault | None:
            refused = picked(method, path)
            if refused is not None:
                confirm_as_the_payer(shop, created.intent_id, MASTERCARD)
            return refused

        shop.stripe.pick = pays_first

        paid = await confirm(shop, created, VISA)

        assert paid.state is State.SUCCEEDED
        assert len(intents(shop)[0]["charges"]) == 1

    run(scenario)


def test_whoever_is_to_pay_what_was_canceled_meanwhile_is_told_so() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        created = await pay(shop, order(None))

        def cancels_first(method: str, path: str) -> Fault | None:
            if method == "POST" and path.endswith("/confirm"):
                shop.stripe.pick = lambda _method, _path: None
                at_stripe(shop, f"/v1/payment_intents/{created.intent_id}/cancel")
            return None

        shop.stripe.pick = cancels_first

        with pytest.raises(PaymentCanceled):
            await confirm(shop, created, VISA)

    run(scenario)


def test_who_confirms_with_another_card_waits_for_the_first_and_goes_on() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        created = await pay(shop, order(None))
        shop.stripe.pick = lambda _, path: (
            Fault("delay", delay_s=2) if path.endswith("/confirm") else None
        )
        declines = asyncio.create_task(
            _or_kind(confirm(shop, created, "pm_card_chargeCustomerFail"))
        )
        await asyncio.sleep(1)

        paid = await confirm(shop, created, MASTERCARD)

        assert await declines is ErrorClass.DECLINED
        assert paid.state is State.SUCCEEDED

    run(scenario)


async def _or_kind(confirming: Any) -> object:
    try:
        return await confirming
    except RefusedByStripe as refusal:
        return refusal.kind


def test_a_capture_that_the_bank_works_on_is_on_its_way() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        held = await pay(shop, order(capture_method="manual"))
        assert held.intent_id is not None
        intent = Intent(held.intent_id, "processing", 10_000, 0)
        let_stripe_answer(shop, CaptureIntent, IntentSeen(intent))

        assert (await take(shop, held)).state is State.PROCESSING

    run(scenario)


def test_a_capture_after_which_the_money_is_still_held_is_no_success() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        held = await pay(shop, order(capture_method="manual"))
        assert held.intent_id is not None
        intent = Intent(held.intent_id, "requires_capture", 10_000, 0, amount_capturable_minor=1)
        let_stripe_answer(shop, CaptureIntent, IntentSeen(intent))

        with pytest.raises(RefusedByStripe) as refused:
            await take(shop, held)

        assert refused.value.kind is ErrorClass.WRONG_STATE

    run(scenario)


def test_a_challenge_that_was_passed_while_another_card_was_refused_counts() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        waiting = await pay(shop, order(AUTHENTICATING))
        answers(shop, "/confirm", 400, code="resource_missing", param="payment_method")
        picked = shop.stripe.pick

        def passes(method: str, path: str) -> Fault | None:
            refused = picked(method, path)
            if refused is not None:
                intent = waiting.intent_id or ""
                shop.engine.authenticate(intent, passed=True, now=shop.stripe.now())
            return refused

        shop.stripe.pick = passes

        assert (await confirm(shop, waiting, MASTERCARD)).state is State.SUCCEEDED

    run(scenario)


@pytest.mark.parametrize(
    ("news", "kind"),
    [
        (Rejected(Denial("resource_missing", "No.")), ErrorClass.CARD_MISSING),
        (Rejected(Denial("not_a_card", "No.")), ErrorClass.CARD_NOT_USABLE),
        (NoNews("lost"), ErrorClass.UNSPECIFIED),
    ],
)
def test_a_card_that_cannot_be_charged_is_looked_at(
    news: Rejected | NoNews, kind: ErrorClass
) -> None:
    async def scenario() -> None:
        shop = await open_shop()
        answers(shop, "/payment_intents", 400)
        let_stripe_answer(shop, ReadCard, news)

        with pytest.raises(RefusedByStripe) as refused:
            await pay_order(shop.world, order(), deadline=soon(shop))

        assert refused.value.kind is kind

    run(scenario)


def test_a_card_of_a_payment_without_a_customer_may_have_been_used_before() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        answers(shop, "/payment_intents", 400)

        with pytest.raises(RefusedByStripe) as refused:
            await pay_order(shop.world, order(), deadline=soon(shop))

        assert refused.value.kind is ErrorClass.CARD_DETACHED

    run(scenario)


def test_what_failed_is_told_though_another_request_tries_again_already() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        held = await pay(shop, order(capture_method="manual"))
        answers(shop, "/cancel", 403)
        first = asyncio.create_task(_or_kind(_void(shop, held)))
        second = asyncio.create_task(_or_kind(_void(shop, held)))

        assert [await first, await second] == [ErrorClass.PERMISSION_MISSING] * 2
        assert (await payment_of(shop)).attempt is None
        await quiet(shop)

    run(scenario)


async def _void(shop: Shop, payment: Payment) -> Payment:
    return await cancel(shop.world, payment, reason=None, request_id="req_2", deadline=soon(shop))
