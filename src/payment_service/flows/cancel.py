"""Cancel a payment: void what is not captured, so that it can never be paid."""

from datetime import datetime

from payment_service.domain.errors import PaymentInProgress
from payment_service.domain.moment import Door, Moment
from payment_service.domain.payment import Payment, State
from payment_service.domain.wishes import cancel_payment as begin_cancel
from payment_service.flows.advance import PAYMENT, Claimed, commit
from payment_service.flows.look_again import refuse_after_refresh
from payment_service.flows.settle import settle
from payment_service.flows.world import World


async def cancel(
    world: World, payment: Payment, *, reason: str | None, request_id: str, deadline: datetime
) -> Payment:
    """Return the payment as it stands at the latest at the deadline; `asking` is not known yet.

    What is under way is waited for first. A success that comes before the cancellation wins, and
    the payment is returned as succeeded. reason: Stripe's words.
    Raises PaymentNotCancelable, PaymentInProgress, StoreUnavailable; GatewayLost: as far as we know
    a bank works on it, and Stripe does not say.
    """

    def begin(current: Payment, moment: Moment) -> Payment:
        return begin_cancel(current, reason, request_id, moment) or current

    async def begun(current: Payment) -> Claimed[Payment]:
        return await commit(world, PAYMENT, current, begin, Door.REQUEST)

    try:
        claimed = await refuse_after_refresh(world, payment, begun)
    except PaymentInProgress as busy:
        settled = await _settled(world, Claimed(busy.details["payment"], None), deadline)
        if settled.state is State.ASKING:
            raise
        claimed = await begun(settled)
    return await _settled(world, claimed, deadline)


async def _settled(world: World, claimed: Claimed[Payment], deadline: datetime) -> Payment:
    return await settle(
        world,
        PAYMENT,
        claimed,
        settled=lambda p: p.state is not State.ASKING,
        deadline=deadline,
    )
