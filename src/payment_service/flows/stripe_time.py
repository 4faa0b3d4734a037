"""Know what time it is at Stripe before anything is decided by it.

A machine's clock may be wrong by a day. Whoever concludes from it that a charge did not happen
charges twice, so times are Stripe's, and nothing is written before they are known.
"""

from payment_service.domain.steps import ReadTime
from payment_service.flows.world import World
from payment_service.ports import GatewayUnavailable

# While Stripe does not answer it is asked again, at first soon: payers wait for it.
ASK_AGAIN_FIRST_S = 1.0
ASK_AGAIN_MAX_S = 15.0


async def know_time(world: World) -> None:
    """Return when the clock tells Stripe's time, after asking Stripe if need be.

    All who need it at once ask once. Raises GatewayUnavailable: nothing was written or asked.
    """
    if world.clock.is_known():
        return

    async def ask() -> None:
        await world.gateway.ask(ReadTime())

    await world.asking_time.do(ask)
    if not world.clock.is_known():
        raise GatewayUnavailable("Stripe does not say what time it is.")


async def learn_time(world: World) -> None:
    """Return when the clock tells Stripe's time; ask until then, so that no payer has to wait."""
    wait_s = ASK_AGAIN_FIRST_S
    while True:
        try:
            await know_time(world)
        except GatewayUnavailable:
            await world.clock.sleep(wait_s)
            wait_s = min(wait_s * 2, ASK_AGAIN_MAX_S)
        else:
            return
