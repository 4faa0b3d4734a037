"""What the payer's client acts with: it is never stored, so Stripe is asked for it each time."""

from payment_service.api.problems import SecretUnavailable
from payment_service.domain.news import Intent, SeenSetup, SetupSeen
from payment_service.domain.payment import Payment
from payment_service.domain.steps import ReadSetup
from payment_service.flows.find_payment import intent_at_stripe
from payment_service.flows.no_answer import no_answer
from payment_service.flows.world import World
from payment_service.ports import GatewayUnavailable


async def intent_with_secret(world: World, payment: Payment) -> Intent:
    """Return a payment's PaymentIntent with its client secret.

    Raises SecretUnavailable, StripeRefused.
    """
    if payment.intent_id is None:
        raise SecretUnavailable("It is not known whether there is a PaymentIntent.")
    return await secret_intent(world, payment.id, payment.intent_id)


async def secret_intent(world: World, order_id: str, intent_id: str) -> Intent:
    """Return the PaymentIntent with this id. Raises as `intent_with_secret` does."""
    try:
        return await intent_at_stripe(world, order_id, intent_id)
    except GatewayUnavailable as error:
        raise SecretUnavailable(str(error)) from error


async def setup_with_secret(world: World, setup_intent_id: str) -> SeenSetup:
    """Return a SetupIntent with its client secret. Raises SecretUnavailable, StripeRefused."""
    news = await world.gateway.ask(ReadSetup(setup_intent_id))
    if isinstance(news, SetupSeen):
        return news.setup
    why = no_answer(news)
    raise SecretUnavailable(str(why)) if isinstance(why, GatewayUnavailable) else why
