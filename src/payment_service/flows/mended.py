"""When the OrderService takes updates again, tell at once what waits because it did not.

Each notice waits longer after every refusal, so that an OrderService in trouble is left alone. One
that is mended should not wait for that too: the first update that it takes hastens the others.
"""

from dataclasses import replace
from datetime import timedelta

from payment_service.domain.notice import NoticeState, hastened
from payment_service.domain.payment import Payment
from payment_service.flows.every import every
from payment_service.flows.world import World
from payment_service.ports import VersionConflict
from payment_service.storage.collections import PAYMENTS

# A single refusal may be about its own order; so many in a row, of whatever orders, are trouble.
TROUBLE_FROM = 3
# An order that is refused for ever is hastened too: this bounds how often it is tried for that.
HASTEN_EVERY = timedelta(minutes=1)


async def heard_back(world: World, payment: Payment, key: str, *, was_refused: bool) -> None:
    """Take note of how a try of the notice with this key ended, and hasten the others if it may.

    was_refused: whether earlier tries of this notice had failed. Raises StoreUnavailable.
    """
    notice = next(n for n in payment.notices if n.call.key == key)
    receiver = world.receiver
    if notice.state is not NoticeState.TOLD:
        receiver.refusals += 1
        return
    receiver.is_mended = receiver.is_mended or was_refused or receiver.refusals >= TROUBLE_FROM
    receiver.refusals = 0
    now = world.clock.now()
    if receiver.is_mended and now - receiver.hastened_at >= HASTEN_EVERY:
        receiver.is_mended, receiver.hastened_at = False, now
        await _hasten_all(world)


async def _hasten_all(world: World) -> None:
    async for payment in every(world.store, PAYMENTS, {"notification": "pending"}):
        await _hasten(world, payment)


async def _hasten(world: World, payment: Payment) -> None:
    now = world.clock.now()
    after = replace(payment, notices=tuple(hastened(n, now) for n in payment.notices))
    if after == payment:
        return
    written = replace(after, version=payment.version + 1)
    try:
        await world.store.replace(PAYMENTS, written, expected_version=payment.version)
    except VersionConflict:  # somebody is at it, and gives it another time
        return
