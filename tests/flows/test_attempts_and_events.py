"""An attempt under way, and events and other people's tries that come in between."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from payment_service.domain.errors import NotFound
from payment_service.domain.event import EventState
from payment_service.domain.moment import Door
from payment_service.domain.news import News
from payment_service.domain.payment import FailureKind, Payment, State
from payment_service.domain.steps import ConfirmIntent, CreateIntent, GatewayStep
from payment_service.flows.revive_event import find_event, revive_event
from payment_service.flows.take_event import Taken, take_event
from payment_service.ports import Gateway, LeaveWhile, StoreUnavailable
from payment_service.storage.collections import EVENTS
from tests.flows.buying import (
    DECLINING,
    VISA,
    charges,
    faults,
    intents,
    open_watched_shop,
    order,
    pay,
    payment_of,
    quiet,
    requests,
)
from tests.flows.telling import at_stripe, event_kept, seen_of, tell
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run

MASTERCARD = "pm_card_mastercard"


@dataclass
class Slow:
    """A gateway whose requests of one kind are long under way before they arrive."""

    gateway: Gateway
    to: type[GatewayStep]
    before_s: float = 0
    after_s: float = 0

    async def ask(self, step: GatewayStep, *, leave_while: LeaveWhile | None = None) -> News:
        if not isinstance(step, self.to):
            return await self.gateway.ask(step, leave_while=leave_while)
        await asyncio.sleep(self.before_s)
        news = await self.gateway.ask(step)
        await asyncio.sleep(self.after_s)
        return news


def slow(shop: Shop, to: type[GatewayStep], *, before_s: float = 0, after_s: float = 0) -> None:
    gateway = Slow(shop.world.gateway, to, before_s, after_s)
    shop.world = replace(shop.world, gateway=gateway)


async def refused_at_the_client(shop: Shop) -> Payment:
    """Leave a payment whose payer's client was just refused a card, which we have not heard of."""
    payment = await pay(shop, order(None))
    path = f"/v1/payment_intents/{payment.intent_id}/confirm"
    at_stripe(shop, path, payment_method=DECLINING)
    return payment


def test_an_event_settles_an_attempt_under_way_without_a_second_charge() -> None:
    async def main() -> None:
        shop = await open_shop()
        slow(shop, CreateIntent, after_s=5)
        paying = asyncio.create_task(pay(shop, wait_s=20))
        await asyncio.sleep(1)
        assert (await payment_of(shop)).state is State.ASKING

        taken = await take_event(
            shop.world, seen_of(shop, "payment_intent.succeeded"), Door.WEBHOOK
        )
        await asyncio.sleep(1)
        known = await payment_of(shop)
        answered = await paying
        await quiet(shop)

        assert (taken, known.state, answered.state) == (
            Taken.KEPT,
            State.SUCCEEDED,
            State.SUCCEEDED,
        )
        assert (len(charges(shop)), requests(shop)) == (1, ["/v1/payment_intents"])
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]

    run(main)


def test_the_event_of_the_clients_refusal_does_not_end_our_try_with_another_card() -> None:
    """It comes in while ours is under way, and ours succeeds."""

    async def main() -> None:
        shop = await open_shop()
        await refused_at_the_client(shop)
        slow(shop, ConfirmIntent, before_s=5)
        paying = asyncio.create_task(pay(shop, order(VISA), wait_s=20))
        await asyncio.sleep(1)

        await take_event(shop.world, seen_of(shop, "payment_intent.payment_failed"), Door.WEBHOOK)
        await asyncio.sleep(1)
        under_way = await payment_of(shop)
        answered = await paying

        assert (under_way.state, under_way.failure) == (State.ASKING, None)
        assert (answered.state, len(charges(shop))) == (State.SUCCEEDED, 1)

    run(main)


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "error_503_before"])
def test_what_the_client_was_refused_before_is_not_taken_for_the_answer_to_ours(kind: str) -> None:
    """Ours was lost on its way: only the refusal of before is there to be seen."""

    async def main() -> None:
        shop = await open_shop()
        refused = await refused_at_the_client(shop)
        path = f"/v1/payment_intents/{refused.intent_id}/confirm"
        shop.stripe.pick = faults(kind, on=("POST", path))  # type: ignore[arg-type]  # one of the names

        answered = await pay(shop, order(VISA), wait_s=120)

        assert (answered.state, answered.failure) == (State.SUCCEEDED, None)
        assert len(charges(shop)) == 1

    run(main)


def test_what_the_client_was_refused_shows_to_whoever_asks_for_the_order_again() -> None:
    async def main() -> None:
        shop = await open_shop()
        await refused_at_the_client(shop)

        again = await pay(shop, order(None))

        assert again.failure is not None
        assert (again.state, again.failure.kind, again.failure.code) == (
            State.REQUIRES_PAYMENT_METHOD,
            FailureKind.DECLINED,
            "card_declined",
        )

    run(main)


# At the door


def test_an_event_is_kept_before_anybody_is_told_so() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await pay(shop)
        await quiet(shop)
        seen = seen_of(shop, "payment_intent.succeeded")

        async def full() -> None:
            raise StoreUnavailable("the disk is full")

        store.before_writes.append(full)
        with pytest.raises(StoreUnavailable):
            await take_event(shop.world, seen, Door.WEBHOOK)
        assert await shop.world.store.get(EVENTS, seen.id) is None
        store.writes.clear()
        taken = await take_event(shop.world, seen, Door.WEBHOOK)

        assert (taken, store.writes) == (Taken.KEPT, [("events", 0)])
        assert (await event_kept(shop, seen)).state is EventState.KEPT
        await quiet(shop)
        assert (await event_kept(shop, seen)).state is EventState.APPLIED
        assert await tell(shop, seen) is Taken.KNOWN

    run(main)


def test_an_event_that_was_kept_and_never_applied_is_applied_by_the_worker() -> None:
    """The process died between its answer to Stripe and the look."""

    async def main() -> None:
        shop = await open_shop()
        payment = await pay(shop, order(None))
        path = f"/v1/payment_intents/{payment.intent_id}/confirm"
        at_stripe(shop, path, payment_method=MASTERCARD)
        seen = seen_of(shop, "payment_intent.succeeded")
        await take_event(shop.world, seen, Door.WEBHOOK)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

        await shop.work(70)

        assert (await event_kept(shop, seen)).state is EventState.APPLIED
        assert (await payment_of(shop)).state is State.SUCCEEDED
        assert len(intents(shop)) == 1

    run(main)


def test_a_person_who_asks_for_an_event_that_never_came_is_told_so() -> None:
    async def main() -> None:
        shop = await open_shop()

        for asking in (find_event(shop.world, "evt_0"), revive_event(shop.world, "evt_0")):
            with pytest.raises(NotFound):
                await asking

    run(main)


def test_an_order_whose_customer_is_nobodys_to_heal_stays_refused() -> None:
    """Stripe says that the customer is missing, and there is none to be made anew."""

    async def main() -> None:
        shop = await open_shop()

        refused = await pay(shop, order(VISA, customer_id="cus_of_nobody"))

        assert refused.failure is not None
        assert (refused.failure.code, refused.failure.param) == ("resource_missing", "customer")
        assert (charges(shop), "/v1/customers" in requests(shop)) == ([], False)

    run(main)
