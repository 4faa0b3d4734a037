"""Look again at a payment that waits for others before anything is said or done about it."""

from payment_service.domain.moment import Door
from payment_service.domain.payment import FINAL, Payment
from payment_service.flows.look_at import NotSeen, look_at_intent
from payment_service.flows.world import World


async def look_again(world: World, payment: Payment) -> Payment:
    """Return the payment as it is at Stripe, if others may have moved it and Stripe says so.

    The payer's client confirms, a person captures in the dashboard: the worker's own looks find
    that out in time, but whoever asks for the order again should not have to wait for them.
    """
    if payment.attempt is not None or payment.status in FINAL or payment.intent_id is None:
        return payment
    try:
        return await look_at_intent(world, payment, payment.intent_id, Door.REQUEST)
    except NotSeen:
        return payment
