"""Look again at a payment that waits for others before anything is said or done about it."""

from payment_service.domain.moment import Door, Moment
from payment_service.domain.payment import FINAL, Payment
from payment_service.domain.steps import IntentSeen, ReadIntent
from payment_service.flows.advance import PAYMENT, advance, commit
from payment_service.flows.world import World


async def look_again(world: World, payment: Payment) -> Payment:
    """Return the payment as it is at Stripe, if others may have moved it and Stripe says so.

    The payer's client confirms, a person captures in the dashboard: the worker's own looks find
    that out in time, but whoever asks for the order again should not have to wait for them.
    """
    waits = payment.attempt is None and payment.failure is None and payment.status not in FINAL
    if not waits or payment.intent_id is None:
        return payment
    step = ReadIntent(payment.id, payment.intent_id)
    news = await world.gateway.ask(step)
    if not isinstance(news, IntentSeen) or news.intent.status == payment.status:
        return payment

    def seen(current: Payment, moment: Moment) -> Payment:
        return PAYMENT.decide(current, step, news, moment)

    claimed = await commit(world, PAYMENT, payment, seen, Door.REQUEST)
    return await advance(world, PAYMENT, claimed, Door.REQUEST)
