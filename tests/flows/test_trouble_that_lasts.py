"""What was found by looking for it: paid behind our back, clocks that lie, trouble that lasts."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from payment_service.domain.errors import CardNotUsable, OrderAlreadyPaid, PaymentInProgress
from payment_service.domain.moment import Door
from payment_service.domain.news import NoNews, NotExecuted
from payment_service.domain.payment import State
from payment_service.domain.wishes import open_payment
from payment_service.flows.advance import PAYMENT, claim
from payment_service.flows.keep_card import attach_card
from payment_service.flows.keep_customer import create_customer
from payment_service.ports import StoreUnavailable
from payment_service.storage.collections import PAYMENTS
from stripe_sandbox.engine import Config, Engine
from stripe_sandbox.faults import Fault
from tests.flows.buying import (
    VISA,
    SlowOrders,
    charges,
    faults,
    open_watched_shop,
    order,
    pay,
    payment_of,
    quiet,
    soon,
)
from tests.flows.moving import confirm_as_the_payer
from tests.flows.test_keep_customer import elsewhere
from tests.parts.shop import Shop, open_shop
from tests.parts.stored import stored_customer
from tests.parts.virtual_time import VirtualClock, run


async def crashed(shop: Shop, order_id: str) -> None:
    """Leave a claim, and nothing sent."""
    moment = shop.world.moment(Door.REQUEST)
    payment = open_payment(order(id=order_id), f"uid_{order_id}", moment)
    await shop.world.store.insert(PAYMENTS, claim(PAYMENT, payment, moment).doc)


# Paid behind our back


@pytest.mark.parametrize(
    ("capture_method", "refusal", "state"),
    [
        ("automatic", OrderAlreadyPaid, State.SUCCEEDED),
        ("manual", PaymentInProgress, State.REQUIRES_CAPTURE),
    ],
)
def test_a_new_price_after_the_payer_paid_the_old_one_is_refused_not_told_as_paid(
    capture_method: str, refusal: type[Exception], state: State
) -> None:
    async def main() -> None:
        shop = await open_shop()
        old = await pay(shop, order(None, confirm=False, capture_method=capture_method))
        confirm_as_the_payer(shop, old.intent_id, VISA)
        if state is State.REQUIRES_CAPTURE:
            shop.stripe.pick = lambda _, path: (
                Fault("error_503_before") if path.endswith("/cancel") else None
            )
            await shop.work(20)  # it is seen by itself, since Stripe would cancel a mere hold

        with pytest.raises(refusal):
            await pay(shop, order(None, confirm=False, amount_minor=20_000))

        payment = await payment_of(shop)
        assert (payment.state, payment.terms.amount_minor) == (state, 10_000)

    run(main)


def test_a_confirmation_refused_because_the_payer_was_faster_is_no_failure() -> None:
    async def main() -> None:
        shop = await open_shop()
        created = await pay(shop, order(None, confirm=False, capture_method="manual"))
        assert confirm_as_the_payer(shop, created.intent_id, VISA) == "requires_capture"

        payment = await pay(shop, order(capture_method="manual"))

        assert (payment.state, payment.failure) == (State.REQUIRES_CAPTURE, None)

    run(main)


# Clocks that lie


@pytest.mark.parametrize("wrong_by_h", [-6, 6])
def test_a_charge_made_while_our_clock_was_wrong_is_found_when_it_is_right_again(
    wrong_by_h: int,
) -> None:
    async def main() -> None:
        shop = await open_shop()
        ann, _ = await create_customer(shop.world, "ann@example.com", None, deadline=soon(shop))
        clock = VirtualClock(timedelta(hours=wrong_by_h))
        shop.world = replace(shop.world, clock=clock)
        shop.stripe.pick = faults("timeout_after")
        await pay(shop, order(customer_id=ann.customer_id), wait_s=5)
        clock.skew = timedelta()

        await shop.work(7 * 3600, every_s=30)

        assert (await payment_of(shop)).state is State.SUCCEEDED
        assert len(charges(shop)) == 1

    run(main)


# Trouble that lasts


def test_a_full_disk_is_not_tried_again_and_again_without_a_rest() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await crashed(shop, "ord_1")
        await shop.world.clock.sleep(shop.world.policy.lease_s)

        async def full() -> None:
            raise StoreUnavailable("the disk is full")

        store.before_writes.extend([full] * 1_000)
        await shop.work(10, every_s=0.05)

        assert len(shop.witness.stumbles) == 2

    run(main)


@dataclass
class HangingOrders(SlowOrders):
    """An OrderService that takes the update and never answers in time."""

    takes_s: float = 10

    async def tell(self, *_args: Any, **_kwargs: Any) -> NoNews:
        await asyncio.sleep(self.takes_s)
        return NoNews("timeout")


def test_a_crowd_of_updates_to_an_order_service_that_hangs_holds_up_no_payment_in_doubt() -> None:
    async def main() -> None:
        shop = await open_shop(orders=HangingOrders())
        for number in range(200):
            await pay(shop, order(id=f"paid_{number}"))
        await shop.work(60)
        await crashed(shop, "ord_1")
        await shop.world.clock.sleep(shop.world.policy.lease_s)

        await shop.work(20)

        assert (await payment_of(shop, "ord_1")).state is State.SUCCEEDED

    run(main)


def test_an_update_that_was_owed_while_we_were_away_for_days_is_still_told() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.orders.script.extend([NotExecuted("no_connection")] * 2)
        await pay(shop)
        await quiet(shop)
        await shop.world.clock.sleep(4 * 86_400)

        await shop.work(5)

        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]

    run(main)


async def minted(shop: Shop, number: int) -> str:
    """Return the id of a card at Stripe that is like no other of another number."""
    card = {
        "number": "4242424242424242",
        "exp_month": number % 12 + 1,
        "exp_year": 2030 + number // 12,
    }
    made = await elsewhere(shop, "post", "/v1/payment_methods", type="card", card=card)
    found: str = made["id"]
    return found


def test_cards_that_wait_for_stripe_count_against_the_limit_too() -> None:
    async def main() -> None:
        shop = await open_shop(engine=Engine(Config(raw_card_numbers=True)))
        ann, _ = await create_customer(shop.world, "ann@example.com", None, deadline=soon(shop))
        cards = [await minted(shop, number) for number in range(60)]
        shop.stripe.pick = lambda _, path: (
            Fault("error_503_before") if path.endswith("/attach") else None
        )
        assert ann.customer_id is not None

        refused = 0
        for card_id in cards:
            try:
                await attach_card(
                    shop.world,
                    ann.customer_id,
                    card_id,
                    cardholder_name=None,
                    is_default=False,
                    deadline=soon(shop, 0),
                )
            except CardNotUsable:
                refused += 1

        customer = await stored_customer(shop.world.store, "ann@example.com")
        assert customer is not None
        assert (len(customer.cards), refused) == (50, 10)

    run(main)
