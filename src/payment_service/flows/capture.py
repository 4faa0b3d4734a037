"""Capture a payment: take what is held for it, whole or in part."""

from datetime import datetime

from payment_service.domain.moment import Moment
from payment_service.domain.payment import Payment
from payment_service.domain.stripe_errors import Action
from payment_service.domain.wishes import capture_payment
from payment_service.flows.advance import PAYMENT
from payment_service.flows.own_attempt import Begun, judged
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
    """Return the payment, captured; `asking` is not known yet at the deadline.

    amount_minor: None takes all that is held; what is not taken is released.
    Raises PaymentNotCapturable, CaptureExceedsHold, PaymentInProgress, OrderAlreadyPaid,
    RefusedByStripe: nothing was captured; StoreUnavailable; GatewayLost: nothing is held as far as
    we know, and Stripe does not say.
    """

    def wish(current: Payment, moment: Moment) -> Payment | None:
        return capture_payment(current, amount_minor, request_id, moment)

    begun = Begun(wish)
    claimed = await begun.commit_when_free(world, payment, deadline=deadline)
    payment = await settle(world, PAYMENT, claimed, settled=begun.is_settled, deadline=deadline)
    return await judged(world, payment, Action.CAPTURE, begun)
