"""Refund a payment: reserve the amount and write the intention in one step, then ask Stripe."""

from contextlib import suppress
from datetime import datetime

from payment_service.domain.moment import Door, Moment
from payment_service.domain.payment import Payment
from payment_service.domain.refund import Refund
from payment_service.domain.refund_place import RefundPlace
from payment_service.domain.wishes import begin_refund
from payment_service.flows.advance import PAYMENT, Claimed, commit
from payment_service.flows.look_again import refuse_after_refresh
from payment_service.flows.settle import settle
from payment_service.flows.stripe_time import know_time
from payment_service.flows.world import World
from payment_service.ports import AlreadyExists
from payment_service.storage.collections import REFUND_PLACES


async def refund_payment(
    world: World,
    payment: Payment,
    *,
    refund_id: str,
    amount_minor: int | None,
    reason: str | None,
    deadline: datetime,
    request_id: str | None = None,
) -> tuple[Payment, Refund]:
    """Return the payment and its refund as they stand at the latest at the deadline.

    refund_id: the same id again is the same refund. amount_minor: None refunds all that is left.
    Raises PaymentNotRefundable, RefundExceedsRemaining, and Unavailable: nothing was refunded;
    GatewayLost: nothing was captured as far as we know, and Stripe does not say.
    """

    def begin(current: Payment, moment: Moment) -> Payment:
        return begin_refund(current, refund_id, amount_minor, reason, moment, request_id=request_id)

    async def begun(current: Payment) -> Claimed[Payment]:
        begin(current, world.moment(Door.REQUEST))  # what is refused leaves nothing behind
        place = RefundPlace(refund_id, 0, payment.id, world.clock.now())
        with suppress(AlreadyExists):  # before the refund: one that points nowhere harms nobody
            await world.store.insert(REFUND_PLACES, place)
        return await commit(world, PAYMENT, current, begin, Door.REQUEST)

    await know_time(world)
    claimed = await refuse_after_refresh(world, payment, begun)
    refunded = await settle(
        world,
        PAYMENT,
        claimed,
        settled=lambda p: _refund(p, refund_id).call is None,
        deadline=deadline,
    )
    return refunded, _refund(refunded, refund_id)


def _refund(payment: Payment, refund_id: str) -> Refund:
    return next(r for r in payment.refunds if r.id == refund_id)
