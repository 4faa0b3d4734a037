"""Cancel a payment: void what is not captured, so that it can never be paid."""

from datetime import datetime

from payment_service.domain.moment import Moment
from payment_service.domain.payment import Payment
from payment_service.domain.stripe_errors import Action
from payment_service.domain.wishes import cancel_payment
from payment_service.flows.advance import PAYMENT
from payment_service.flows.own_attempt import Begun, judged
from payment_service.flows.settle import settle
from payment_service.flows.world import World


async def cancel(
    world: World, payment: Payment, *, reason: str | None, request_id: str, deadline: datetime
) -> Payment:
    """Return the payment, canceled; `asking` is not known yet at the deadline.

    What is under way is waited for first. reason: Stripe's words.
    Raises PaymentNotCancelable: it has succeeded, before or meanwhile, or a bank works on it;
    PaymentInProgress, StoreUnavailable; RefusedByStripe: it stands as it stood; GatewayLost: as far
    as we know a bank works on it, and Stripe does not say.
    """

    def wish(current: Payment, moment: Moment) -> Payment | None:
        return cancel_payment(current, reason, request_id, moment)

    begun = Begun(wish)
    claimed = await begun.commit_when_free(world, payment, deadline=deadline)
    payment = await settle(world, PAYMENT, claimed, settled=begun.is_settled, deadline=deadline)
    return await judged(world, payment, Action.CANCEL, begun)
