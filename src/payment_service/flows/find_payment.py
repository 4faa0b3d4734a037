"""Find payments, by order or PaymentIntent id, and the payer's client secret."""

from contextlib import suppress

from payment_service.domain.errors import NotFound, StripeRefused
from payment_service.domain.news import Intent, IntentSeen
from payment_service.domain.payment import Payment
from payment_service.domain.steps import ReadIntent
from payment_service.flows.newest import as_new_as_can_be
from payment_service.flows.no_answer import no_answer
from payment_service.flows.world import World
from payment_service.ports import GatewayUnavailable
from payment_service.storage.collections import PAYMENTS


async def find_payment(world: World, id: str) -> Payment:
    """Return the payment with this order id or PaymentIntent id. Raises NotFound."""
    payment = await _find(world, id)
    if payment is None:  # which may be kept as the answer: so it must be right
        with as_new_as_can_be():
            payment = await _find(world, id)
    if payment is None:
        raise NotFound("There is no such payment.")
    return payment


async def find_own_payment(world: World, id: str, customer_ids: frozenset[str]) -> Payment:
    """Return the payment with this id, if it is of one of these customers. Raises NotFound.

    What is somebody else's is looked for as long as what is not there: how much was done for an
    answer must not tell which of both it is.
    """
    payment = await _find_own(world, id, customer_ids)
    if payment is None:
        with as_new_as_can_be():
            payment = await _find_own(world, id, customer_ids)
    if payment is None:
        raise NotFound("There is no such payment.")
    return payment


async def _find_own(world: World, id: str, customer_ids: frozenset[str]) -> Payment | None:
    payment = await world.store.get(PAYMENTS, id)
    if payment is None or payment.terms.customer_id not in customer_ids:
        payment = await world.store.find_one(PAYMENTS, "intent_id", id)
    is_own = payment is not None and payment.terms.customer_id in customer_ids
    return payment if is_own else None


async def _find(world: World, id: str) -> Payment | None:
    payment = await world.store.get(PAYMENTS, id)
    return payment or await world.store.find_one(PAYMENTS, "intent_id", id)


async def read_intent(world: World, payment: Payment) -> Intent | None:
    """Return the PaymentIntent as it is at Stripe, with its client secret, which is never stored.

    None when there is none or Stripe does not say.
    """
    if payment.intent_id is None:
        return None
    with suppress(GatewayUnavailable, StripeRefused):
        return await intent_at_stripe(world, payment.id, payment.intent_id)
    return None


async def intent_at_stripe(world: World, order_id: str, intent_id: str) -> Intent:
    """Return the PaymentIntent with its client secret. Raises GatewayUnavailable, StripeRefused."""
    news = await world.gateway.ask(ReadIntent(order_id, intent_id))
    if not isinstance(news, IntentSeen):
        raise no_answer(news)
    return news.intent
