"""Two walkers of one process never ask about one document at once, whatever the clock says."""

import asyncio
from datetime import timedelta

from payment_service.domain.payment import State
from payment_service.storage.collections import PAYMENTS
from stripe_sandbox.faults import Fault
from tests.flows.buying import CREATE, charges, order, pay, requests
from tests.parts.shop import open_shop
from tests.parts.virtual_time import VirtualClock, run


def slow_creation(method: str, path: str) -> Fault | None:
    """Let Stripe take its time to answer a charge."""
    return Fault("delay", delay_s=8) if (method, path) == CREATE else None


def test_a_clock_that_jumps_during_a_slow_charge_takes_it_from_nobody() -> None:
    async def main() -> None:
        shop = await open_shop()
        clock = shop.world.clock
        assert isinstance(clock, VirtualClock)
        shop.stripe.pick = slow_creation
        paying = asyncio.create_task(pay(shop))
        await asyncio.sleep(2)

        clock.skew = timedelta(minutes=16)
        await shop.work(4)
        again = asyncio.create_task(pay(shop))
        payment, repeated = await asyncio.gather(paying, again)

        assert payment.state is State.SUCCEEDED
        assert repeated.intent_id == payment.intent_id
        assert len(charges(shop)) == 1
        assert requests(shop, "GET") == []
        stored = await shop.world.store.get(PAYMENTS, order().id)
        assert stored is not None
        assert stored.state is State.SUCCEEDED
        assert not shop.world.under_way

    run(main)
