"""Who applies an event, and what becomes of it when that goes wrong or another one is faster."""

import asyncio
from dataclasses import replace

from payment_service.domain.event import LEASE_S, EventState, claimed, next_version, taken
from payment_service.domain.moment import Door
from payment_service.domain.news import News
from payment_service.domain.payment import State
from payment_service.domain.steps import GatewayStep
from payment_service.flows.apply_event import apply_in_line
from payment_service.flows.recover import recover, take_over
from payment_service.ports import LeaveWhile, StoreUnavailable
from payment_service.storage.collections import EVENTS
from tests.flows.buying import (
    open_watched_shop,
    order,
    pay,
    payment_of,
    quiet,
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


def test_events_that_wait_too_long_in_line_are_left_to_the_worker() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await paid_by_the_client(shop)
        seen = seen_of(shop, SUCCEEDED)
        event = taken(seen, shop.world.moment(Door.WEBHOOK))
        await shop.world.store.insert(EVENTS, event)
        await asyncio.sleep(LEASE_S)

        await apply_in_line(shop.world, event)
        assert (await event_kept(shop, seen)).state is EventState.KEPT
        await shop.work(3)

        assert (await event_kept(shop, seen)).state is EventState.APPLIED

    run(scenario)


def test_the_next_process_applies_what_the_one_before_had_claimed() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await paid_by_the_client(shop)
        seen = seen_of(shop, SUCCEEDED)
        await shop.world.store.insert(EVENTS, taken(seen, shop.world.moment(Door.WEBHOOK)))

        await take_over(shop.world)
        await shop.work(3)

        assert (await payment_of(shop)).state is State.SUCCEEDED

    run(scenario)


def test_of_two_workers_one_claims_an_event_that_is_due() -> None:
    async def scenario() -> None:
        shop, store = await open_watched_shop()
        await pay(shop)
        seen = seen_of(shop, SUCCEEDED)
        event = taken(seen, shop.world.moment(Door.WEBHOOK))
        await shop.world.store.insert(EVENTS, replace(event, due_at=shop.world.clock.now()))

        async def the_other_claims() -> None:
            other = next_version(claimed(event, shop.world.moment(Door.WORKER)))
            await store._store.replace(EVENTS, other, expected_version=event.version)

        store.before_writes.append(the_other_claims)
        await recover(shop.world, shop.busy, concurrency=1)
        await quiet(shop)

        kept = await event_kept(shop, seen)
        assert (kept.version, kept.state) == (1, EventState.KEPT)

    run(scenario)


def test_the_loser_of_a_race_to_write_how_it_went_leaves_it() -> None:
    async def scenario() -> None:
        shop, store = await open_watched_shop()
        await pay(shop)
        seen = seen_of(shop, SUCCEEDED)
        event = taken(seen, shop.world.moment(Door.WEBHOOK))
        await shop.world.store.insert(EVENTS, event)

        async def the_other_is_done() -> None:
            done = replace(next_version(event), state=EventState.APPLIED, due_at=None)
            await store._store.replace(EVENTS, done, expected_version=event.version)

        store.before_writes.append(the_other_is_done)
        await apply_in_line(shop.world, event)

        assert (await event_kept(shop, seen)).version == 1

    run(scenario)


def test_a_store_that_fails_leaves_the_event_to_be_applied_again() -> None:
    async def scenario() -> None:
        shop, store = await open_watched_shop()
        await pay(shop)
        seen = seen_of(shop, SUCCEEDED)
        event = taken(seen, shop.world.moment(Door.WEBHOOK))
        await shop.world.store.insert(EVENTS, event)

        async def fails() -> None:
            raise StoreUnavailable("disk full")

        store.before_writes.append(fails)
        await apply_in_line(shop.world, event)

        assert (await event_kept(shop, seen)).state is EventState.KEPT

    run(scenario)


class Mistaken:
    """A gateway with a mistake in it."""

    async def ask(self, step: GatewayStep, *, leave_while: LeaveWhile | None = None) -> News:
        raise AssertionError(type(step).__name__)


def test_an_event_with_our_mark_that_names_no_payment_intent_is_ignored() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await pay(shop)
        seen = replace(seen_of(shop, SUCCEEDED), intent_id=None, status=None)

        await tell(shop, seen)

        assert shop.witness.stumbles == []
        assert (await event_kept(shop, seen)).state is EventState.IGNORED

    run(scenario)


def test_a_mistake_in_applying_is_told_and_put_off() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        await pay(shop)
        seen = replace(seen_of(shop, SUCCEEDED), intent_id="pi_other")
        shop.world = replace(shop.world, gateway=Mistaken())

        await tell(shop, seen)

        assert [type(error) for error in shop.witness.stumbles] == [AssertionError]
        assert (await event_kept(shop, seen)).failure == "AssertionError"

    run(scenario)
