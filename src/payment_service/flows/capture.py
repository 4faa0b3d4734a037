"""Capture a payment: take what is held for it, whole or in part."""

from datetime import datetime

from payment_service.domain.moment import Door, Moment
from payment_service.domain.payment import Payment, State
from payment_service.domain.wishes import capture_payment as begin_capture
from payment_service.flows.advance import PAYMENT, commit, settle
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
    StoreUnavailable.
    """

    def begin(current: Payment, moment: Moment) -> Payment:
        return begin_capture(current, amount_minor, request_id, moment) or current

    claimed = await commit(world, PAYMENT, payment, begin, Door.REQUEST)
    return await settle(
        world,
        PAYMENT,
        claimed,
        settled=lambda p: p.state is not State.ASKING,
        deadline=deadline,
    )
