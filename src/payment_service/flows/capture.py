"""Capture a payment: take what is held for it, whole or in part."""

from datetime import datetime

from payment_service.domain.moment import Door, Moment
from payment_service.domain.payment import Payment, State
from payment_service.domain.wishes import capture_payment as begin_capture
from payment_service.flows.advance import PAYMENT, Claimed, commit
from payment_service.flows.look_again import refuse_after_refresh
from payment_service.flows.settle import settle
from payment_service.flows.world import World


async def capture(
    world: World,
    payment: Payment,
    *,
    amount_minor: int | None,
    request_id: str,
    deadline: datetime,
) -> Payment:
    """Return the payment as it stands at the latest at the deadline; `asking` is not known yet.

    amount_minor: None takes all that is held; what is not taken is released.
    Raises PaymentNotCapturable, CaptureExceedsHold, PaymentInProgress, OrderAlreadyPaid,
    StoreUnavailable; GatewayLost: nothing is held as far as we know, and Stripe does not say.
    """

    def begin(current: Payment, moment: Moment) -> Payment:
        return begin_capture(current, amount_minor, request_id, moment) or current

    async def begun(current: Payment) -> Claimed[Payment]:
        return await commit(world, PAYMENT, current, begin, Door.REQUEST)

    claimed = await refuse_after_refresh(world, payment, begun)
    return await settle(
        world,
        PAYMENT,
        claimed,
        settled=lambda p: p.state is not State.ASKING,
        deadline=deadline,
    )
