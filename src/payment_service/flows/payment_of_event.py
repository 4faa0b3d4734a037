"""Find the payment that something at Stripe belongs to: by our mark or its PaymentIntent."""

from payment_service.domain.news import IntentSeen, Rejected, SeenEvent
from payment_service.domain.payment import Payment
from payment_service.domain.steps import ReadIntent
from payment_service.flows.look_at import NotSeen
from payment_service.flows.newest import newest
from payment_service.flows.world import World
from payment_service.storage.collections import PAYMENTS


async def payment_of_event(world: World, seen: SeenEvent) -> Payment | None:
    """Return the payment, or None when this is not about anything of ours.

    Raises NotSeen: it bears our mark and there is no such payment, or Stripe does not say whose it
    is. An order that is written down before Stripe is asked cannot be missing, unless a database
    was lost.
    """
    if seen.order_id is not None and seen.service == world.service:
        return await _marked(world, seen, seen.order_id)
    if seen.intent_id is None:
        return None
    payment = await world.store.find_one(PAYMENTS, "intent_id", seen.intent_id)
    if payment is not None:
        return payment
    news = await world.gateway.ask(ReadIntent("", seen.intent_id))
    match news:
        case IntentSeen(intent=intent) if intent.service == world.service and intent.order_id:
            return await _marked(world, seen, intent.order_id)
        case IntentSeen() | Rejected():
            return None
        case _:
            raise NotSeen(getattr(news, "reason", "no answer"))


async def _marked(world: World, seen: SeenEvent, order_id: str) -> Payment:
    payment = await newest(world.store, PAYMENTS, order_id)
    if payment is None:
        world.witness.unknown_at_stripe(seen)
        raise NotSeen("no such payment", is_lasting=True)
    return payment
