"""Whose requests to Stripe give way to payers: those that nobody waits for."""

import asyncio

from payment_service.domain.payment import State
from payment_service.ports import MAY_WAIT
from payment_service.worker import Worker
from stripe_sandbox.faults import Fault
from tests.flows.buying import order, pay, payment_of, quiet
from tests.flows.telling import at_stripe, tell
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run


def watch(shop: Shop, *, refuse: bool = False) -> list[bool]:
    """Remember of each request from now on whether it may wait. refuse: and let it fail."""
    may_wait: list[bool] = []

    def pick(_method: str, _path: str) -> Fault | None:
        may_wait.append(MAY_WAIT.get())
        return Fault("rate_limit") if refuse else None

    shop.stripe.pick = pick
    return may_wait


def test_a_payers_own_request_does_not_wait_behind_anybody() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        may_wait = watch(shop)

        await pay(shop)

        assert may_wait == [False]

    run(scenario)


def test_what_an_event_makes_us_look_at_gives_way() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        payment = await pay(shop, order(None, confirm=False))
        at_stripe(
            shop, f"/v1/payment_intents/{payment.intent_id}/confirm", payment_method="pm_card_visa"
        )
        may_wait = watch(shop)

        await tell(shop, "payment_intent.succeeded")
        await quiet(shop)

        assert may_wait == [True]
        assert not MAY_WAIT.get(), "whoever posted the event is as before"

    run(scenario)


def test_what_the_worker_settles_gives_way() -> None:
    async def scenario() -> None:
        shop = await open_shop()
        watch(shop, refuse=True)
        await pay(shop, wait_s=0.1)
        await quiet(shop)
        may_wait = watch(shop)
        worker = Worker(shop.world, concurrency=4)

        working = asyncio.create_task(worker.run())
        await asyncio.sleep(60)
        worker.stop()
        await working

        assert (await payment_of(shop)).state is State.SUCCEEDED
        assert may_wait
        assert all(may_wait)

    run(scenario)
