"""The corridor in time: claims, races, lost answers, and what a stopped process leaves behind."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from payment_service.domain.moment import Door, Policy
from payment_service.domain.payment import Payment, State
from payment_service.domain.steps import CreateIntent
from payment_service.domain.wishes import open_payment
from payment_service.flows.advance import PAYMENT, Claimed, advance, claim, commit
from payment_service.flows.world import GIVE_BACK_S_MAX, Background
from payment_service.ports import StoreUnavailable, VersionConflict
from payment_service.storage.collections import PAYMENTS
from tests.flows.buying import (
    always,
    charges,
    faults,
    intents,
    open_watched_shop,
    order,
    pay,
    payment_of,
    requests,
)
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run


async def begun(shop: Shop) -> Claimed[Payment]:
    """Write a payment ahead, its first call claimed and not yet made."""
    moment = shop.world.moment(Door.REQUEST)
    claimed = claim(PAYMENT, open_payment(order(), "pay_1", moment), moment)
    await shop.world.store.insert(PAYMENTS, claimed.doc)
    return claimed


def same(payment: Payment, _moment: object) -> Payment:
    return payment


# Races


def test_the_loser_of_a_race_reloads_and_decides_again() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        claimed = await begun(shop)

        async def somebody_writes() -> None:
            newest = await payment_of(shop)
            written = replace(newest, updated_at=newest.updated_at, version=newest.version + 1)
            await store.replace(PAYMENTS, written, expected_version=newest.version)

        store.before_writes.append(somebody_writes)

        payment = await advance(shop.world, PAYMENT, claimed, Door.REQUEST)

        assert (payment.state, payment.version) == (State.SUCCEEDED, 2)
        assert len(charges(shop)) == 1

    run(main)


def test_a_document_that_never_holds_still_is_left_to_its_claim() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        claimed = await begun(shop)

        async def lose() -> None:
            raise VersionConflict(claimed.doc.id)

        store.before_writes.extend([lose] * 1000)

        with pytest.raises(StoreUnavailable):
            await commit(
                shop.world,
                PAYMENT,
                claimed.doc,
                lambda payment, moment: replace(payment, updated_at=moment.now),
                Door.WORKER,
            )

    run(main)


def test_a_change_that_changes_nothing_is_not_written() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        claimed = await begun(shop)

        again = await commit(shop.world, PAYMENT, claimed.doc, same, Door.WORKER)

        assert again == Claimed(claimed.doc, None)
        assert store.writes == [("payments", 0)]

    run(main)


# Stopped processes


def test_a_cancelled_walk_gives_its_claim_back_in_doubt() -> None:
    """SIGTERM: whoever comes next need not wait for the claim to lapse."""

    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = faults("timeout_after")
        claimed = await begun(shop)
        walk = asyncio.create_task(advance(shop.world, PAYMENT, claimed, Door.REQUEST))
        await asyncio.sleep(1)

        walk.cancel()
        with pytest.raises(asyncio.CancelledError):
            await walk

        left = await payment_of(shop)
        assert left.attempt is not None
        assert (left.state, left.attempt.call.doubts) == (State.ASKING, 1)
        assert left.wake_at == shop.world.clock.now()
        await shop.work(2)
        assert (await payment_of(shop)).state is State.SUCCEEDED
        assert len(charges(shop)) == 1

    run(main)


def test_draining_waits_then_stops_what_is_left_and_says_how_much_that_was() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = always("timeout_before")
        await pay(shop, wait_s=1)

        left = await shop.world.background.drain(3)

        assert left == 1
        assert (await payment_of(shop)).wake_at == shop.world.clock.now()
        assert await shop.world.background.drain(3) == 0

    run(main)


def test_a_process_that_slept_through_its_claim_does_not_send() -> None:
    async def main() -> None:
        shop = await open_shop()
        claimed = await begun(shop)
        assert isinstance(claimed.step, CreateIntent)
        await shop.world.clock.sleep(shop.world.policy.lease_s)

        walk = asyncio.create_task(advance(shop.world, PAYMENT, claimed, Door.REQUEST))
        await asyncio.sleep(0.1)

        assert requests(shop) == []
        left = await payment_of(shop)
        assert left.attempt is not None
        assert (left.attempt.call.doubts, left.attempt.call.tries) == (0, 1)
        await walk
        await shop.work(3)
        assert len(charges(shop)) == 1

    run(main)


def test_a_process_that_wakes_in_time_does_send() -> None:
    async def main() -> None:
        shop = await open_shop()
        claimed = await begun(shop)
        await shop.world.clock.sleep(shop.world.policy.lease_s - 0.001)

        payment = await advance(shop.world, PAYMENT, claimed, Door.REQUEST)

        assert payment.state is State.SUCCEEDED

    run(main)


def test_two_doors_at_one_payment_charge_it_once() -> None:
    """The first is slow and loses its claim; the second finds what the first has done."""

    async def main() -> None:
        shop = await open_shop()
        claimed = await begun(shop)
        slow = asyncio.create_task(advance(shop.world, PAYMENT, claimed, Door.REQUEST))
        shop.stripe.pick = faults("delay")
        shop.world = replace(shop.world, policy=replace(shop.world.policy, lease_s=2))

        await shop.work(10)
        await slow

        assert (await payment_of(shop)).state is State.SUCCEEDED
        assert (len(intents(shop)), len(charges(shop))) == (1, 1)

    run(main)


def test_a_look_that_was_overtaken_in_its_sleep_proves_nothing_any_more() -> None:
    """What it did not see may have been done since, by whoever took over; the key is forgotten."""

    async def main() -> None:
        shop = await open_shop(policy=Policy(lease_s=3))
        claimed = await begun(shop)  # and the process dies
        await shop.world.clock.sleep(3)
        shop.stripe.pick = faults("delay", on=("GET", "/v1/payment_intents"))
        looking = await commit(shop.world, PAYMENT, claimed.doc, same, Door.WORKER)
        slow = asyncio.create_task(advance(shop.world, PAYMENT, looking, Door.WORKER))
        await shop.world.clock.sleep(4)

        shop.stripe.pick = faults("error_503_after_key_forgotten")
        left = await commit(shop.world, PAYMENT, looking.doc, same, Door.WORKER)
        await asyncio.gather(slow, advance(shop.world, PAYMENT, left, Door.WORKER))
        await shop.work(10)

        assert (await payment_of(shop)).state is State.SUCCEEDED
        assert (len(intents(shop)), len(charges(shop))) == (1, 1)

    run(main)


def test_an_owner_that_slept_through_its_claim_leaves_the_claim_of_whoever_took_over() -> None:
    """Else a third one would find the payment due, and ask Stripe while the second one does."""

    async def main() -> None:
        shop = await open_shop(policy=Policy(lease_s=3))
        claimed = await begun(shop)
        await shop.world.clock.sleep(4)
        taken_over = await commit(shop.world, PAYMENT, claimed.doc, same, Door.WORKER)

        await advance(shop.world, PAYMENT, claimed, Door.REQUEST)

        assert taken_over.step is not None
        assert await payment_of(shop) == taken_over.doc

    run(main)


def test_draining_waits_for_what_is_begun_meanwhile_too() -> None:
    async def main() -> None:
        background = Background()
        done: list[str] = []

        async def first() -> None:
            await asyncio.sleep(1)
            background.spawn(second())

        async def second() -> None:
            await asyncio.sleep(1)
            done.append("second")

        background.spawn(first())

        assert await background.drain(3) == 0
        assert done == ["second"]

    run(main)


def test_draining_does_not_wait_for_ever_for_what_will_not_end() -> None:
    async def main() -> None:
        async def stubborn() -> None:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
            await asyncio.sleep(60)

        background = Background()
        task = background.spawn(stubborn())
        await asyncio.sleep(0)
        began = asyncio.get_running_loop().time()

        assert await background.drain(3) == 1
        assert asyncio.get_running_loop().time() - began == 3 + GIVE_BACK_S_MAX
        assert not task.done()

    run(main)
