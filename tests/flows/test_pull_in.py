"""What an older release left waiting by a wrong clock is found and seen to."""

from dataclasses import replace
from datetime import timedelta

import pytest

from payment_service.domain.moment import Door
from payment_service.domain.payment import Payment, State
from payment_service.domain.steps import CreateIntent
from payment_service.domain.wishes import open_payment
from payment_service.flows.advance import PAYMENT, claim
from payment_service.flows.pull_in import FarWaits, pull_in
from payment_service.flows.read_lists import open_cursors
from payment_service.ports import VersionConflict
from payment_service.storage.collections import CURSORS, PAYMENTS
from tests.flows.buying import charges, open_watched_shop, order, pay, payment_of, quiet
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import VirtualClock, run

HOURS_25 = timedelta(hours=25)


async def left_by_a_clock_ahead(shop: Shop, order_id: str) -> Payment:
    """Leave a claim that a machine wrote whose clock was 25 hours ahead, and nothing sent."""
    moment = replace(shop.world.moment(Door.REQUEST), now=shop.world.clock.now() + HOURS_25)
    payment = open_payment(order(id=order_id), f"uid_{order_id}", moment)
    claimed = claim(PAYMENT, payment, moment).doc
    await shop.world.store.insert(PAYMENTS, claimed)
    return claimed


@pytest.mark.parametrize("is_charged", [True, False])
def test_a_charge_left_by_a_clock_that_was_a_day_ahead_is_settled_at_once(
    is_charged: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    async def main() -> None:
        shop = await open_shop()
        left = await left_by_a_clock_ahead(shop, "ord_1")
        if is_charged:
            step = PAYMENT.next_step(_due(left, shop), shop.world.moment(Door.WORKER))
            assert isinstance(step, CreateIntent)
            await shop.world.gateway.ask(step)  # as it left

        assert await pull_in(shop.world, FarWaits()) == 1
        await shop.work(200)

        payment = await payment_of(shop)
        assert payment.state is (State.SUCCEEDED if is_charged else State.CANCELED)
        assert len(charges(shop)) == is_charged

    run(main)


def _due(left: Payment, shop: Shop) -> Payment:
    assert left.attempt is not None
    now = shop.world.clock.now()
    call = replace(left.attempt.call, doubts=0, due_at=now, begun_at=now)
    return replace(left, attempt=replace(left.attempt, call=call))


def test_what_waits_rightly_is_left_alone_and_costs_one_question() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await open_cursors(shop.world)
        await pay(shop)
        await pay(shop, order(id="held", capture_method="manual"))
        await quiet(shop)
        written = len(store.writes)

        assert await pull_in(shop.world, FarWaits()) == 0
        assert len(store.writes) == written

    run(main)


def test_a_cursor_that_is_ahead_is_set_back() -> None:
    async def main() -> None:
        shop = await open_shop()
        clock = shop.world.clock
        assert isinstance(clock, VirtualClock)
        clock.skew = HOURS_25
        await open_cursors(shop.world)
        clock.skew = timedelta()

        assert await pull_in(shop.world, FarWaits()) == 2

        for name in ("events", "objects"):
            cursor = await shop.world.store.get(CURSORS, name)
            assert cursor is not None
            assert cursor.read_until < clock.now() - timedelta(days=2)
            assert cursor.due_at <= clock.now()

    run(main)


def test_somebody_who_is_at_it_is_not_disturbed() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await left_by_a_clock_ahead(shop, "ord_1")

        async def faster() -> None:
            raise VersionConflict

        store.before_writes.append(faster)

        assert await pull_in(shop.world, FarWaits()) == 0

    run(main)


def test_more_than_a_round_are_gone_through_in_several() -> None:
    async def main() -> None:
        shop = await open_shop()
        for number in range(7):
            await left_by_a_clock_ahead(shop, f"ord_{number}")
            await shop.world.clock.sleep(0.01)
        far = FarWaits()

        found = [await pull_in(shop.world, far, round_max=3) for _ in range(4)]

        assert found == [3, 3, 1, 0]

    run(main)
