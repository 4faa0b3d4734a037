"""Nobody is refused by what we knew of a payment before the payer, a bank or a person moved it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from payment_service.domain.errors import OrderAlreadyPaid, PaymentNotCancelable
from payment_service.domain.payment import Order, Payment, State
from payment_service.flows.refund_payment import refund_payment
from payment_service.ports import GatewayLost
from payment_service.storage.collections import REFUND_PLACES
from stripe_sandbox.engine import Engine
from stripe_sandbox.engine.config import Config
from tests.flows.buying import (
    AUTHENTICATING,
    DECLINING,
    VISA,
    always,
    charges,
    order,
    pay,
    payment_of,
    quiet,
    refunds,
    requests,
    soon,
)
from tests.flows.moving import confirm, confirm_as_the_payer, take, void
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import epoch_s, run

# How long a bank works on a payment.
BANK_S = 5.0


async def pay_again(shop: Shop, _: Payment) -> Payment:
    return await pay(shop, order(DECLINING))


async def pay_on_other_terms(shop: Shop, _: Payment) -> Payment:
    return await pay(shop, order(VISA, amount_minor=5_000))


async def give_back(shop: Shop, payment: Payment) -> Payment:
    refunded, _ = await refund_payment(
        shop.world,
        payment,
        refund_id="rfd_1",
        amount_minor=4000,
        reason=None,
        deadline=soon(shop),
    )
    return refunded


def payer_pays(shop: Shop, payment: Payment) -> None:
    assert confirm_as_the_payer(shop, payment.intent_id, VISA) == "succeeded"


def payer_passes(shop: Shop, payment: Payment) -> None:
    assert payment.intent_id is not None
    shop.engine.authenticate(payment.intent_id, passed=True, now=epoch_s())


def payer_fails(shop: Shop, payment: Payment) -> None:
    assert payment.intent_id is not None
    shop.engine.authenticate(payment.intent_id, passed=False, now=epoch_s())


@dataclass(frozen=True)
class Case:
    """What is ordered; what the payer then does past us; what is asked of us then."""

    ordered: Order
    payer: Callable[[Shop, Payment], object]
    ask: Callable[[Shop, Payment], Awaitable[Payment]]


CASES = {
    "confirm without a card": Case(order(None), payer_pays, confirm),
    "confirm after a challenge": Case(order(AUTHENTICATING), payer_passes, confirm),
    "confirm without a card after a decline": Case(order(DECLINING), payer_pays, confirm),
    "pay again with the card that was declined": Case(order(DECLINING), payer_pays, pay_again),
    "pay on other terms during a challenge": Case(
        order(AUTHENTICATING), payer_fails, pay_on_other_terms
    ),
    "capture after a challenge": Case(
        order(AUTHENTICATING, capture_method="manual"), payer_passes, take
    ),
    "refund after a challenge": Case(order(AUTHENTICATING), payer_passes, give_back),
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@each_case
def test_what_the_payer_did_past_us_is_seen_before_anybody_is_refused(case: Case) -> None:
    async def main() -> None:
        shop = await open_shop()
        known = await pay(shop, case.ordered)
        case.payer(shop, known)

        answered = await case.ask(shop, known)

        assert answered.state is State.SUCCEEDED
        assert len(charges(shop)) == 1

    run(main)


@each_case
def test_while_stripe_does_not_say_what_the_payer_did_nobody_is_refused_and_nothing_begun(
    case: Case,
) -> None:
    async def main() -> None:
        shop = await open_shop()
        known = await pay(shop, case.ordered)
        case.payer(shop, known)
        asked = len(requests(shop))
        shop.stripe.pick = always("reset_before", "GET")

        with pytest.raises(GatewayLost):
            await case.ask(shop, known)

        await quiet(shop)
        assert await payment_of(shop) == known
        assert len(requests(shop)) == asked
        assert refunds(shop) == []
        assert await shop.world.store.get(REFUND_PLACES, "rfd_1") is None

    run(main)


def test_who_names_another_card_than_the_payers_is_told_that_the_order_is_paid() -> None:
    async def main() -> None:
        shop = await open_shop()
        known = await pay(shop, order(DECLINING))
        payer_pays(shop, known)

        with pytest.raises(OrderAlreadyPaid):
            await confirm(shop, known, DECLINING)

        assert len(charges(shop)) == 1

    run(main)


def test_what_is_begun_anew_needs_no_look() -> None:
    async def main() -> None:
        shop = await open_shop()
        held = await pay(shop, order(capture_method="manual"))
        shop.stripe.pick = always("reset_before", "GET")

        taken = await take(shop, held)

        assert taken.state is State.SUCCEEDED
        assert requests(shop, "GET") == []

    run(main)


def test_what_nobody_can_move_any_more_is_refused_without_a_look() -> None:
    async def main() -> None:
        shop = await open_shop()
        paid = await pay(shop)
        shop.stripe.pick = always("reset_before", "GET")

        with pytest.raises(PaymentNotCancelable):
            await void(shop, paid)

        assert requests(shop, "GET") == []

    run(main)


def test_a_cancellation_is_refused_for_a_banks_work_only_while_it_goes_on() -> None:
    async def main() -> None:
        shop = await open_shop(engine=Engine(Config(processing_s=BANK_S)))
        processing = await pay(shop, order(DECLINING))
        assert processing.state is State.PROCESSING
        with pytest.raises(PaymentNotCancelable, match="A bank works"):
            await void(shop, processing)

        await asyncio.sleep(BANK_S)
        shop.stripe.pick = always("reset_before", "GET")
        with pytest.raises(GatewayLost):
            await void(shop, processing)
        shop.stripe.pick = lambda _method, _path: None
        canceled = await void(shop, processing)

        assert canceled.state is State.CANCELED
        assert charges(shop) == []

    run(main)
