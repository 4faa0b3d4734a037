"""When Stripe or the OrderService is in trouble: the money is taken once, or not at all."""

from datetime import timedelta

import pytest

from payment_service.domain.moment import Door
from payment_service.domain.news import OrderRefused
from payment_service.domain.payment import FailureKind, Payment, State
from payment_service.domain.wishes import open_payment
from payment_service.flows.advance import PAYMENT, Claimed, advance, claim
from payment_service.storage.collections import PAYMENTS
from stripe_sandbox.engine import Config, Engine
from stripe_sandbox.faults import FaultKind
from tests.flows.buying import (
    SlowOrders,
    always,
    charges,
    faults,
    intents,
    order,
    pay,
    payment_of,
    quiet,
    requests,
    unreachable,
)
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run


async def begun(shop: Shop) -> Claimed[Payment]:
    """Write a payment ahead, its first call claimed and not yet made."""
    moment = shop.world.moment(Door.REQUEST)
    claimed = claim(PAYMENT, open_payment(order(), "pay_1", moment), moment)
    await shop.world.store.insert(PAYMENTS, claimed.doc)
    return claimed


# Stripe in trouble


@pytest.mark.parametrize(
    "kinds",
    [
        ["timeout_after"],
        ["timeout_before"],
        ["reset_after"],
        ["reset_before"],
        ["error_500_after"],
        ["error_503_before"],
        ["error_503_after_key_forgotten"],
        ["truncated_200"],
        ["rate_limit"],
        ["lock_timeout"],
        ["timeout_before", "reset_after"],
        ["rate_limit", "error_503_after_key_forgotten"],
        ["reset_before", "rate_limit", "truncated_200"],
    ],
)
def test_whatever_happens_to_the_call_the_money_is_taken_once(kinds: list[FaultKind]) -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = faults(*kinds)

        payment = await pay(shop, wait_s=90)
        await quiet(shop)

        assert payment.state is State.SUCCEEDED
        assert (len(intents(shop)), len(charges(shop))) == (1, 1)
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]

    run(main)


def test_an_answer_whose_key_was_forgotten_is_found_by_the_look_not_asked_for_again() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = faults("error_503_after_key_forgotten")

        payment = await pay(shop)

        assert payment.state is State.SUCCEEDED
        assert requests(shop) == ["/v1/payment_intents"]
        assert requests(shop, "GET") == ["/v1/payment_intents"]

    run(main)


def test_an_error_that_stripe_saved_without_effect_is_given_up_with_the_evidence() -> None:
    """The key will answer nothing but this error; 20 s of looks show that nothing came of it."""

    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = faults("error_500_before")

        payment = await pay(shop, wait_s=60)

        assert payment.failure is not None
        assert (payment.state, payment.failure.kind, payment.failure.code) == (
            State.CANCELED,
            FailureKind.ABANDONED,
            "http_500",
        )
        passed = shop.world.clock.now() - payment.created_at
        assert timedelta(seconds=20) <= passed < timedelta(seconds=40)
        assert (intents(shop), len(requests(shop))) == ([], 2)
        again = await pay(shop)
        assert (again.state, again.generation, len(charges(shop))) == (State.SUCCEEDED, 2, 1)

    run(main)


@pytest.mark.parametrize("key", ["sk_live_not_ours", "rk_test_revoked"])
def test_a_refused_api_key_is_told_at_once_and_nothing_was_charged(key: str) -> None:
    async def main() -> None:
        shop = await open_shop(engine=Engine(Config(accepted_keys=frozenset({key}))))

        payment = await pay(shop)

        assert payment.failure is not None
        assert (payment.state, payment.failure.kind, payment.failure.code) == (
            State.REQUIRES_PAYMENT_METHOD,
            FailureKind.UNAVAILABLE,
            "http_401",
        )
        assert payment.wake_at is None
        assert len(requests(shop)) == 1

    run(main)


def test_a_rate_limit_that_does_not_end_is_told_after_four_tries() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = always("rate_limit")

        payment = await pay(shop, wait_s=60)

        assert payment.failure is not None
        assert payment.failure.kind is FailureKind.UNAVAILABLE
        assert len(requests(shop)) == 4
        shop.stripe.pick = faults()
        assert (await pay(shop)).state is State.SUCCEEDED

    run(main)


def test_no_connection_is_surely_no_charge() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = unreachable

        payment = await pay(shop, wait_s=60)

        assert payment.failure is not None
        assert (payment.failure.kind, payment.failure.code) == (
            FailureKind.UNAVAILABLE,
            "unreachable",
        )
        assert (requests(shop), requests(shop, "GET")) == ([], [])

    run(main)


def test_what_the_payer_no_longer_expects_is_not_charged_when_stripe_comes_back() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = always("timeout_before", "*")
        asking = await pay(shop, wait_s=5)
        assert asking.state is State.ASKING

        await shop.work(1000)
        shop.stripe.pick = faults()
        await shop.work(700)

        payment = await payment_of(shop)
        assert payment.failure is not None
        assert (payment.state, payment.failure.kind) == (State.CANCELED, FailureKind.ABANDONED)
        assert intents(shop) == []

    run(main)


# The OrderService in trouble


@pytest.mark.parametrize("lasting", [True, False])
def test_an_order_service_that_refuses_does_not_touch_the_money(*, lasting: bool) -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.orders.script.append(OrderRefused("http_404", lasting=lasting))

        payment = await pay(shop)
        await quiet(shop)
        await shop.work(10)

        assert payment.state is State.SUCCEEDED
        assert shop.orders.statuses_of("ord_1") == ([] if lasting else ["PAYMENT RECEIVED"])
        await shop.work(40)
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]
        assert len(shop.orders.heard) == 2

    run(main)


def test_an_order_service_that_hangs_past_its_claim_is_told_again_and_holds_nobody_up() -> None:
    async def main() -> None:
        shop = await open_shop(orders=SlowOrders(takes_s=75))

        payment = await pay(shop)
        answered = shop.world.clock.now()
        await shop.work(120)

        assert payment.state is State.SUCCEEDED
        assert answered == payment.created_at
        assert shop.orders.statuses_of("ord_1")[:1] == ["PAYMENT RECEIVED"]
        assert (await payment_of(shop)).wake_at is None

    run(main)


def test_the_caller_s_own_token_goes_with_the_first_try_only() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.orders.script.append(OrderRefused("http_503"))
        claimed = await begun(shop)

        await advance(shop.world, PAYMENT, claimed, Door.REQUEST, bearer_token="theirs")
        await quiet(shop)
        await shop.work(10)

        assert [token for _, token in shop.orders.heard] == ["theirs", None]

    run(main)
