"""A request that waits for Stripe answers as soon as its document is settled by any other way."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from payment_service.domain.customer import CardState
from payment_service.domain.moment import Door
from payment_service.domain.payment import State
from payment_service.domain.refund import RefundStatus
from payment_service.flows.capture import capture
from payment_service.flows.changes import Changes
from payment_service.flows.keep_card import remove_card, set_default_card
from payment_service.flows.refund_payment import refund_payment
from payment_service.flows.settle import CHANGED_EVERY_S
from payment_service.flows.take_event import take_event
from payment_service.flows.world import Background
from payment_service.ports import StoreUnavailable
from stripe_sandbox.faults import Fault
from tests.flows.buying import (
    VISA,
    faults,
    open_watched_shop,
    order,
    pay,
    payment_of,
    quiet,
    soon,
)
from tests.flows.telling import seen_of
from tests.flows.test_keep_card import ann, attach, stored
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run

LONG_S = 60
# What a webhook takes to get here.
SOON_S = 0.1


async def took_s(shop: Shop, waiting: Awaitable[object]) -> float:
    """Return how long this takes."""
    before = shop.world.clock.now()
    await waiting
    return (shop.world.clock.now() - before).total_seconds()


def another_process(shop: Shop) -> Shop:
    """Return a shop in another process, with the same database and the same Stripe."""
    world = replace(shop.world, background=Background(), under_way=Counter(), changes=Changes())
    return replace(shop, world=world, busy=set())


async def webhook(shop: Shop, event_type: str, after_s: float = SOON_S) -> None:
    """Deliver Stripe's newest event of this type after a while."""
    await asyncio.sleep(after_s)
    await take_event(shop.world, seen_of(shop, event_type), Door.WEBHOOK)


def deaf(shop: Shop, path_end: str) -> None:
    """Let Stripe do what is posted there and never answer it, nor any look."""
    shop.stripe.pick = lambda method, path: (
        Fault("timeout_after") if method == "POST" and path.endswith(path_end) else None
    )


def test_a_payer_waits_no_longer_than_until_the_webhook_has_told() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = faults("timeout_after")

        told = asyncio.create_task(webhook(shop, "payment_intent.succeeded"))
        waited_s = await took_s(shop, pay(shop, wait_s=LONG_S))
        await told

        assert waited_s == pytest.approx(SOON_S, abs=0.01)
        assert (await payment_of(shop)).state is State.SUCCEEDED
        await quiet(shop)

    run(main)


def test_neither_does_one_who_waits_in_another_process() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        store.others_use_it = True
        other = another_process(shop)
        shop.stripe.pick = faults("timeout_after")

        told = asyncio.create_task(webhook(other, "payment_intent.succeeded"))
        waited_s = await took_s(shop, pay(shop, wait_s=LONG_S))
        await told

        assert SOON_S < waited_s <= SOON_S + CHANGED_EVERY_S
        await quiet(shop)

    run(main)


def test_a_database_that_is_away_while_a_payer_waits_is_asked_again() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        store.others_use_it = True
        other = another_process(shop)
        shop.stripe.pick = faults("timeout_after")

        async def fails() -> None:
            raise StoreUnavailable("the database is away")

        told = asyncio.create_task(webhook(other, "payment_intent.succeeded"))
        paying = asyncio.create_task(took_s(shop, pay(shop, wait_s=LONG_S)))
        await asyncio.sleep(2 * SOON_S)
        store.before_reads.append(fails)
        waited_s = await paying
        await told

        assert not store.before_reads
        assert CHANGED_EVERY_S < waited_s <= SOON_S + 2 * CHANGED_EVERY_S
        await quiet(shop)

    run(main)


def test_news_that_settles_nothing_ends_no_waiting() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = faults("timeout_after")

        told = [
            asyncio.create_task(webhook(shop, "payment_intent.created")),
            asyncio.create_task(webhook(shop, "payment_intent.succeeded", 3 * SOON_S)),
        ]
        waited_s = await took_s(shop, pay(shop, wait_s=LONG_S))
        await asyncio.gather(*told)

        assert (await payment_of(shop)).state is State.SUCCEEDED
        assert waited_s <= 3 * SOON_S + 0.01
        await quiet(shop)

    run(main)


def test_a_refund_waits_no_longer_than_until_the_webhook_has_told() -> None:
    async def main() -> None:
        shop = await open_shop()
        payment = await pay(shop)
        deaf(shop, "/refunds")

        told = asyncio.create_task(webhook(shop, "charge.refunded"))
        refunding = refund_payment(
            shop.world,
            payment,
            refund_id="rfd_1",
            amount_minor=None,
            reason=None,
            deadline=soon(shop, LONG_S),
        )
        waited_s = await took_s(shop, refunding)
        await told

        assert waited_s == pytest.approx(SOON_S, abs=0.01)
        [refund] = (await payment_of(shop)).refunds
        assert refund.status is RefundStatus.SUCCEEDED
        await quiet(shop)

    run(main)


def test_a_capture_waits_no_longer_than_until_the_webhook_has_told() -> None:
    async def main() -> None:
        shop = await open_shop()
        payment = await pay(shop, order(capture_method="manual"))
        deaf(shop, "/capture")

        told = asyncio.create_task(webhook(shop, "payment_intent.succeeded"))
        capturing = capture(
            shop.world,
            payment,
            amount_minor=None,
            request_id="req_2",
            deadline=soon(shop, LONG_S),
        )
        waited_s = await took_s(shop, capturing)
        await told

        assert waited_s == pytest.approx(SOON_S, abs=0.01)
        assert (await payment_of(shop)).state is State.SUCCEEDED
        await quiet(shop)

    run(main)


@dataclass(frozen=True)
class CardWait:
    """Something done about a card: what is posted to Stripe for it, and the event of it."""

    path_end: str
    event_type: str
    do: Callable[[Shop, str, str], Awaitable[object]]


def attach_another(shop: Shop, customer_id: str, _card_id: str) -> Awaitable[object]:
    return attach(shop, customer_id, VISA, wait_s=LONG_S)


def name_it(shop: Shop, customer_id: str, card_id: str) -> Awaitable[object]:
    return attach(shop, customer_id, card_id, name="Jane Doe", wait_s=LONG_S)


def make_default(shop: Shop, customer_id: str, card_id: str) -> Awaitable[object]:
    return set_default_card(shop.world, customer_id, card_id, deadline=soon(shop, LONG_S))


def remove(shop: Shop, customer_id: str, card_id: str) -> Awaitable[object]:
    return remove_card(shop.world, customer_id, card_id, deadline=soon(shop, LONG_S))


CARD_WAITS = (
    CardWait("/attach", "payment_method.attached", attach_another),
    CardWait("{card}", "payment_method.updated", name_it),
    CardWait("{customer}", "customer.updated", make_default),
    CardWait("/detach", "payment_method.detached", remove),
)


@pytest.mark.parametrize("wait", CARD_WAITS, ids=lambda wait: wait.event_type)
def test_a_card_waits_no_longer_than_until_the_webhook_has_told(wait: CardWait) -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)
        await attach(shop, customer_id, "pm_card_amex")
        _, card = await attach(shop, customer_id, "pm_card_mastercard")
        card_id = card.payment_method_id
        deaf(shop, wait.path_end.format(card=card_id, customer=customer_id))

        told = asyncio.create_task(webhook(shop, wait.event_type))
        waited_s = await took_s(shop, wait.do(shop, customer_id, card_id))
        await told

        assert waited_s == pytest.approx(SOON_S, abs=0.01)
        customer = await stored(shop)
        assert customer.call is None
        await quiet(shop)
        assert await stored(shop) == customer

    run(main)


def test_a_card_that_is_not_attached_yet_goes_on_being_waited_for() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)
        shop.stripe.pick = lambda _method, path: (
            Fault("timeout_before") if path.endswith("/attach") else None
        )

        told = asyncio.create_task(webhook(shop, "customer.created"))
        _, card = await attach(shop, customer_id, wait_s=1)

        assert card.state is CardState.ADDING
        await told
        await quiet(shop)

    run(main)


def test_while_stripe_shows_nothing_a_card_goes_on_being_waited_for() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)

        def pick(method: str, path: str) -> Fault | None:
            if path.endswith("/attach"):
                return Fault("timeout_after")
            is_look = method == "GET" and "/customers/" in path
            return Fault("error_503_before") if is_look else None

        shop.stripe.pick = pick

        told = asyncio.create_task(webhook(shop, "payment_method.attached"))
        _, card = await attach(shop, customer_id, wait_s=1)

        assert card.state is CardState.ADDING
        await told
        await quiet(shop)

    run(main)
