"""Forgetting a customer when Stripe, the store or others are in the way: it ends all the same."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from payment_service.domain.customer import Customer
from payment_service.domain.errors import CustomerForgotten, CustomerHasOpenPayments, StripeRefused
from payment_service.domain.news import Denial, Rejected
from payment_service.domain.payment import FailureKind, State
from payment_service.domain.steps import DeleteCustomer
from payment_service.flows.keep_card import remove_card
from payment_service.flows.keep_customer import create_customer, get_customer
from payment_service.flows.recover import recover
from payment_service.flows.set_up_card import set_up_card
from payment_service.flows.take_event import Taken
from payment_service.ports import GatewayUnavailable, StoreUnavailable
from payment_service.storage.collections import CUSTOMERS, REQUESTS
from stripe_sandbox.faults import Fault
from tests.flows.buying import (
    VISA,
    faults,
    let_stripe_answer,
    open_watched_shop,
    order,
    pay,
    payment_of,
    requests,
    soon,
    unreachable,
)
from tests.flows.telling import seen_of, tell
from tests.flows.test_forget_customer import EMAIL, NAME, WORDS, bare, bought, forget
from tests.flows.test_keep_customer import elsewhere
from tests.parts.shop import open_shop
from tests.parts.stored import stored_customer
from tests.parts.stripe_in_process import no_fault
from tests.parts.virtual_time import run


async def no_disk() -> None:
    raise StoreUnavailable


# ---------------------------------------------------------------- in trouble


@pytest.mark.parametrize("kind", ["error_500_after", "timeout_before", "truncated_200"])
def test_whatever_stripe_does_it_ends(kind: Any) -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await bought(shop)
        hit: list[str] = []

        def once_each(_method: str, path: str) -> Fault | None:
            if path in hit:
                return None
            hit.append(path)
            return Fault(kind)

        shop.stripe.pick = once_each

        done = await forget(shop, wait_s=600)

        assert done.customer_id == customer_id
        await bare(shop)
        assert len(hit) >= 3  # the name, the card, the customer

    run(main)


def test_when_stripe_is_away_it_is_begun_and_ends_when_asked_again() -> None:
    async def main() -> None:
        shop = await open_shop()
        await bought(shop)
        shop.stripe.pick = unreachable

        with pytest.raises(GatewayUnavailable):
            await forget(shop, wait_s=5)
        await shop.world.background.drain(0)
        shop.stripe.pick = no_fault
        assert (await forget(shop)).payments == 1
        await bare(shop)

    run(main)


def test_the_worker_brings_stripe_to_it_when_whoever_asked_is_gone() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await bought(shop)
        shop.stripe.pick = unreachable
        with pytest.raises(GatewayUnavailable):
            await forget(shop, wait_s=0.1)
        await shop.world.background.drain(0)
        shop.stripe.pick = no_fault

        await shop.work(120)

        shown = await elsewhere(shop, "get", f"/v1/customers/{customer_id}")
        assert shown["deleted"]
        assert await recover(shop.world, set(), concurrency=16) == 0
        await forget(shop)
        await bare(shop)

    run(main)


def test_a_refusal_of_stripes_is_told_and_it_can_be_begun_again() -> None:
    async def main() -> None:
        shop = await open_shop()
        await bought(shop)
        gateway = shop.world.gateway
        let_stripe_answer(shop, DeleteCustomer, Rejected(Denial("no_permission", "No.")))

        with pytest.raises(StripeRefused, match="No"):
            await forget(shop)
        shop.world = replace(shop.world, gateway=gateway)
        await forget(shop)
        await bare(shop)

    run(main)


def test_while_it_is_forgotten_nothing_else_can_be_asked_for_it() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await bought(shop)
        shop.stripe.pick = unreachable
        with pytest.raises(GatewayUnavailable):
            await forget(shop, wait_s=0.1)
        world, deadline = shop.world, soon(shop)

        with pytest.raises(CustomerForgotten):
            await create_customer(world, EMAIL, NAME, deadline=deadline)
        with pytest.raises(CustomerForgotten):
            await get_customer(world, EMAIL)
        with pytest.raises(CustomerForgotten):
            await remove_card(world, customer_id, "pm_1", deadline=deadline)
        with pytest.raises(CustomerForgotten):
            await set_up_card(world, customer_id, request_id="req", deadline=deadline)
        assert await tell(shop, seen_of(shop, "payment_method.attached")) is Taken.KEPT

    run(main)


def test_a_payment_with_one_that_is_just_gone_does_not_heal_it() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        customer_id = await bought(shop)

        store.before_removals.append(None)  # the kept answer
        store.before_removals.append(no_disk)
        with pytest.raises(StoreUnavailable):
            await forget(shop)
        refused = await pay(shop, order(VISA, id="ord_2", customer_id=customer_id))

        assert refused.failure is not None
        assert refused.failure.kind is FailureKind.REJECTED
        assert requests(shop).count("/v1/customers") == 1

    run(main)


# ---------------------------------------------------------------- crashes and races


@pytest.mark.parametrize("write", range(12))
@pytest.mark.parametrize("applied", [False, True])
def test_cut_off_before_or_after_any_write_it_ends_when_asked_again(
    write: int, *, applied: bool
) -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await bought(shop)
        store.before_writes.extend([None] * (write + applied))
        store.before_writes.append(no_disk)

        try:
            await forget(shop, wait_s=5)
        except (StoreUnavailable, GatewayUnavailable):
            await shop.world.background.drain(0)
            store.before_writes.clear()
            await shop.world.clock.sleep(shop.world.policy.lease_s)
            await forget(shop)
        await bare(shop)

    run(main)


@pytest.mark.parametrize("removal", [0, 1])
def test_cut_off_before_a_removal_it_ends_when_asked_again(removal: int) -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await bought(shop)
        store.before_removals.extend([*[None] * removal, no_disk])

        with pytest.raises(StoreUnavailable):
            await forget(shop)
        await forget(shop)
        await bare(shop)

    run(main)


def test_two_at_once_forget_it_once() -> None:
    async def main() -> None:
        shop = await open_shop()
        await bought(shop)

        await asyncio.gather(forget(shop), forget(shop), return_exceptions=True)

        await bare(shop)

    run(main)


def test_what_others_change_meanwhile_is_dropped_all_the_same() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        customer_id = await bought(shop)

        async def answered_anew() -> None:
            kept = await store.find_one(REQUESTS, "subject", customer_id)
            assert kept is not None
            again = replace(kept, version=kept.version + 1)
            await store.replace(REQUESTS, again, expected_version=kept.version)

        async def written() -> None:
            customer: Customer | None = await stored_customer(store, EMAIL)
            assert customer is not None
            again = replace(customer, version=customer.version + 1)
            await store.replace(CUSTOMERS, again, expected_version=customer.version)

        store.before_removals.extend([answered_anew, None, written])
        await forget(shop)
        await bare(shop)

    run(main)


def test_one_that_somebody_else_removed_in_the_end_is_gone() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await bought(shop)

        async def removed() -> None:
            await forget(shop)

        store.before_removals.extend([None, removed])
        await forget(shop)
        await bare(shop)

    run(main)


def test_a_payment_begun_meanwhile_is_waited_for() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        customer_id = await bought(shop)

        async def begun() -> None:
            shop.stripe.pick = faults("delay")
            worded = order(VISA, id="ord_2", customer_id=customer_id, description=WORDS)
            asyncio.get_running_loop().create_task(pay(shop, worded))
            await shop.world.clock.sleep(0.01)
            shop.stripe.pick = no_fault

        store.before_writes.extend([None, begun])

        with pytest.raises(CustomerHasOpenPayments, match="ord_2"):
            await forget(shop)
        await shop.work(60)
        done = await forget(shop)

        assert (done.payments, (await payment_of(shop, "ord_2")).state) == (2, State.SUCCEEDED)
        await bare(shop)

    run(main)
