"""Recovering: what is due is found by itself, each document worked on by one at a time."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from payment_service.domain.call import ORPHAN_MAY_LIVE_S
from payment_service.domain.moment import Door
from payment_service.domain.payment import State
from payment_service.domain.wishes import open_payment
from payment_service.flows.advance import PAYMENT, claim
from payment_service.flows.keep_customer import create_customer
from payment_service.flows.recover import recover, take_over
from payment_service.flows.world import Background
from payment_service.ports import StoreUnavailable
from payment_service.storage.collections import CUSTOMERS, PAYMENTS
from tests.flows.buying import (
    AUTHENTICATING,
    SlowOrders,
    always,
    charges,
    faults,
    intents,
    open_watched_shop,
    order,
    pay,
    payment_of,
    quiet,
    requests,
    soon,
)
from tests.parts.shop import CountingIds, Shop, open_shop
from tests.parts.stored import stored_customer
from tests.parts.virtual_time import run


async def crashed(shop: Shop, order_id: str = "ord_1") -> None:
    """Leave what a process leaves that died after the write-ahead: a claim, and nothing sent."""
    moment = shop.world.moment(Door.REQUEST)
    payment = open_payment(order(id=order_id), f"uid_{order_id}", moment)
    await shop.world.store.insert(PAYMENTS, claim(PAYMENT, payment, moment).doc)


def test_what_a_dead_process_left_is_finished_when_its_claim_lapses() -> None:
    async def main() -> None:
        shop = await open_shop()
        await crashed(shop)

        await shop.work(shop.world.policy.lease_s - 1)
        assert (requests(shop), requests(shop, "GET")) == ([], [])
        await shop.work(3)

        assert (await payment_of(shop)).state is State.SUCCEEDED
        assert requests(shop, "GET") == ["/v1/payment_intents"]  # first it looked
        assert len(charges(shop)) == 1
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]
        assert shop.witness.stumbles == []

    run(main)


def test_what_a_dead_process_did_at_stripe_is_found_not_done_again() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = faults("timeout_after")
        dying = asyncio.create_task(pay(shop, wait_s=100))
        await asyncio.sleep(1)
        fresh = replace(shop.world, background=Background())  # another process on the same store
        survivor = replace(shop, world=fresh, busy=set())

        await survivor.work(shop.world.policy.lease_s + 5)

        assert (await payment_of(survivor)).state is State.SUCCEEDED
        assert (len(intents(shop)), len(charges(shop))) == (1, 1)
        await dying

    run(main)


def test_work_on_customers_is_recovered_too() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = faults("timeout_before", on=("POST", "/v1/customers"))
        making = asyncio.create_task(
            create_customer(shop.world, "ann@example.com", None, deadline=soon(shop, 1))
        )
        await making
        await shop.work(40)

        customer = await stored_customer(shop.world.store, "ann@example.com")
        assert customer is not None
        assert (customer.customer_id is not None, customer.wake_at) == (True, None)

    run(main)


def test_no_more_than_so_many_documents_are_worked_on_at_once() -> None:
    async def main() -> None:
        shop = await open_shop()
        for number in range(5):
            await crashed(shop, f"ord_{number}")
        await shop.world.clock.sleep(31)
        shop.stripe.pick = always("delay", "*")

        begun = await recover(shop.world, shop.busy, concurrency=3)
        assert (begun, len(shop.busy)) == (3, 3)
        assert await recover(shop.world, shop.busy, concurrency=3) == 0
        more = await recover(shop.world, shop.busy, concurrency=4)

        assert (more, len(shop.busy)) == (1, 4)
        await quiet(shop)
        assert shop.busy == set()

    run(main)


def test_two_workers_on_one_database_begin_at_different_places() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        store.others_use_it = True
        for number in range(40):
            await crashed(shop, f"ord_{number:02d}")
        await shop.world.clock.sleep(31)
        shop.stripe.pick = always("delay", "*")
        workers = [
            replace(shop, world=replace(shop.world, ids=CountingIds(mark), under_way=Counter()))
            for mark in ("one", "two")
        ]

        mine: list[set[str]] = []
        for worker in workers:
            busy: set[str] = set()
            assert await recover(worker.world, busy, concurrency=8) == 8
            mine.append(set(busy))

        assert len(mine[0] | mine[1]) > 12, "they race for the same documents"
        await quiet(shop)

    run(main)


def test_a_document_under_work_is_not_taken_up_again() -> None:
    async def main() -> None:
        shop = await open_shop(orders=SlowOrders(takes_s=25))
        await pay(shop)
        await shop.world.clock.sleep(shop.world.policy.lease_s)

        await recover(shop.world, shop.busy, concurrency=5)
        again = await recover(shop.world, shop.busy, concurrency=5)

        assert again == 0
        await quiet(shop)

    run(main)


def test_an_order_service_that_hangs_does_not_hold_up_a_payment_in_doubt() -> None:
    async def main() -> None:
        shop = await open_shop(orders=SlowOrders(takes_s=28))
        await crashed(shop, "ord_1")
        await shop.world.clock.sleep(shop.world.policy.lease_s)
        await recover(shop.world, shop.busy, concurrency=5)
        await shop.world.clock.sleep(1)
        await crashed(shop, "ord_2")
        await shop.world.clock.sleep(shop.world.policy.lease_s)

        await shop.work(2)

        assert (await payment_of(shop, "ord_2")).state is State.SUCCEEDED

    run(main)


def test_a_customer_that_was_forgotten_while_it_was_due_makes_nobody_stumble() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        shop.stripe.pick = always("timeout_before")
        await create_customer(shop.world, "a@example.com", None, deadline=soon(shop, 0))
        await quiet(shop)

        async def forgotten() -> None:
            known = await stored_customer(store, "a@example.com")
            assert known is not None
            await store.remove(CUSTOMERS, known.id, expected_version=known.version)

        store.before_writes.append(forgotten)
        await shop.work(120)

        assert await stored_customer(store, "a@example.com") is None
        assert shop.witness.stumbles == []

    run(main)


def test_a_document_that_makes_the_worker_stumble_is_reported_and_hurts_no_other() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await crashed(shop, "ord_1")
        await shop.world.clock.sleep(1)
        await crashed(shop, "ord_2")
        await shop.world.clock.sleep(shop.world.policy.lease_s)

        async def broken() -> None:
            raise StoreUnavailable("the disk is full")

        store.before_writes.append(broken)
        await shop.work(2)

        assert [type(error) for error in shop.witness.stumbles] == [StoreUnavailable]
        assert (await payment_of(shop, "ord_2")).state is State.SUCCEEDED
        assert shop.busy == {"payments/ord_1"}  # it rests a little, or the next round were at once
        await shop.work(6)
        assert (await payment_of(shop, "ord_1")).state is State.SUCCEEDED

    run(main)


def test_nothing_due_is_nothing_done() -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop, order(AUTHENTICATING))

        assert await recover(shop.world, shop.busy, concurrency=5) == 0

    run(main)


# Taking over


def test_a_store_of_our_own_has_only_dead_claims_when_we_start() -> None:
    async def main() -> None:
        shop = await open_shop()
        await crashed(shop)

        await take_over(shop.world)
        await shop.work(0.5)

        assert requests(shop, "GET") == ["/v1/payment_intents"]  # looked for at once
        assert requests(shop, "POST") == []  # what was sent may still be on its way

        await shop.work(ORPHAN_MAY_LIVE_S + 1)

        assert (await payment_of(shop)).state is State.SUCCEEDED
        assert requests(shop, "POST") == ["/v1/payment_intents"]

    run(main)


def test_in_a_store_that_others_use_every_claim_may_be_a_living_one_s() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        store.others_use_it = True
        await crashed(shop)

        await take_over(shop.world)
        await shop.work(shop.world.policy.lease_s - 1)

        assert requests(shop, "GET") == []

    run(main)


def test_a_customer_s_claim_is_taken_over_and_what_waits_goes_on_waiting() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = faults("timeout_before", on=("POST", "/v1/customers"))
        dying = asyncio.create_task(
            create_customer(shop.world, "ann@example.com", None, deadline=soon(shop, 100))
        )
        await asyncio.sleep(1)

        await take_over(shop.world)

        customer = await stored_customer(shop.world.store, "ann@example.com")
        assert customer is not None
        assert customer.wake_at == shop.world.clock.now()
        await dying

    run(main)


# Background work


def test_what_goes_wrong_in_the_background_is_reported() -> None:
    async def main() -> None:
        errors: list[BaseException] = []
        background = Background(errors.append)

        async def wrong() -> None:
            raise StoreUnavailable("the disk is full")

        for reported in (background, Background()):
            task = reported.spawn(wrong())
            with pytest.raises(StoreUnavailable):
                await task
        stopped = background.spawn(asyncio.sleep(60))
        stopped.cancel()
        await background.drain(1)

        assert [str(error) for error in errors] == ["the disk is full"]

    run(main)
