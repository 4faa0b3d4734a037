"""Look again at a payment that waits for others before anything is said or done about it.

The payer's client confirms, a person captures in the dashboard: the worker's own looks find that
out in time, but whoever asks for the order again should not have to wait for them.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from payment_service.domain.errors import Refusal, StripeRefused
from payment_service.domain.moment import Door
from payment_service.domain.payment import FINAL, Payment
from payment_service.flows.look_at import NotSeen, look_at_intent
from payment_service.flows.no_answer import no_answer
from payment_service.flows.world import World
from payment_service.ports import GatewayLost

T = TypeVar("T")


def may_have_moved(payment: Payment) -> bool:
    """Whether others than us can move it at Stripe, so that our record may be behind."""
    return payment.attempt is None and payment.status not in FINAL and payment.intent_id is not None


async def refresh_payment(world: World, payment: Payment) -> Payment:
    """Return the payment as it is at Stripe.

    Raises GatewayLost: Stripe does not say, and others may have moved it; StripeRefused: it says so
    to nobody with our key.
    """
    if not may_have_moved(payment):
        return payment
    assert payment.intent_id is not None, "it is at Stripe"
    try:
        return await look_at_intent(world, payment, payment.intent_id, Door.REQUEST)
    except NotSeen as unseen:
        why = no_answer(unseen.news) if unseen.news else None
        raise why if isinstance(why, StripeRefused) else GatewayLost(str(unseen)) from unseen


async def try_refresh(
    world: World, payment: Payment
) -> tuple[Payment, GatewayLost | StripeRefused | None]:
    """Return the payment as it is at Stripe; or as we know it, and why it could not be seen.

    Nobody may be refused by what was not seen: the payer may have paid meanwhile.
    """
    try:
        return await refresh_payment(world, payment), None
    except (GatewayLost, StripeRefused) as unseen:
        return payment, unseen


async def refuse_after_refresh(
    world: World, payment: Payment, act: Callable[[Payment], Awaitable[T]]
) -> T:
    """Return what `act` does with the payment; before it refuses, see that the payment is still so.

    What is begun Stripe judges as the payment stands there; a refusal rests on what we know.
    Raises what `act` raises; GatewayLost, StripeRefused: refused by what may not be so any more.
    """
    try:
        return await act(payment)
    except Refusal as refusal:
        known = refusal.details.get("payment", payment)
    return await act(await refresh_payment(world, known))
