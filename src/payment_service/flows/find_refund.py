"""Find a refund, by our reference or by Stripe's id."""

import re
from collections.abc import Awaitable, Callable
from functools import partial

from payment_service.domain.errors import NotFound
from payment_service.domain.news import EventsSeen, Rejected, SeenEvent
from payment_service.domain.payment import Payment
from payment_service.domain.refund import Refund
from payment_service.domain.steps import ReadRefund
from payment_service.flows.look_at import NotSeen
from payment_service.flows.newest import as_new_as_can_be, newest
from payment_service.flows.no_answer import no_answer
from payment_service.flows.payment_of_event import payment_of_event
from payment_service.flows.world import World
from payment_service.ports import GatewayUnavailable
from payment_service.storage.collections import PAYMENTS, REFUND_PLACES

# How our references begin.
REFERENCE_PREFIX = "rfd"
# How Stripe's do; there is no use in asking for anything else, and card numbers stay here.
_STRIPES = re.compile(r"(re|pyr)_[A-Za-z0-9_]{1,250}")


async def find_refund(world: World, id: str) -> tuple[Payment, Refund]:
    """Return the payment and its refund with this id. Raises NotFound, GatewayUnavailable.

    Ours are found by their reference. Of another id only Stripe knows whose it is.
    """
    place = await newest(world.store, REFUND_PLACES, id)
    payment = None
    if place is not None:
        payment = await newest(world.store, PAYMENTS, place.order_id)
    elif _STRIPES.fullmatch(id):
        payment = await _ask_whose(world, id)
    for refund in payment.refunds if payment else ():
        if payment is not None and id in {refund.id, refund.stripe_refund_id}:
            return payment, refund
    raise NotFound("There is no such refund.")


async def find_own_refund(
    world: World, id: str, customer_ids: frozenset[str]
) -> tuple[Payment, Refund]:
    """Return the payment and its refund with this id, if it is of one of these customers.

    As much is done for what is somebody else's as for what is not there. Raises as `find_refund`.
    """
    find: Callable[[World, str], Awaitable[Payment | None]] = _find_by_reference
    if _STRIPES.fullmatch(id):
        seen = await _ask_stripe(world, id)
        find = partial(_find_by_intent, intent_id=(seen and seen.intent_id) or id)
    payment = await find(world, id)
    if payment is None or payment.terms.customer_id not in customer_ids:
        with as_new_as_can_be():
            payment = await find(world, id)
    if payment is not None and payment.terms.customer_id in customer_ids:
        for refund in payment.refunds:
            if id in {refund.id, refund.stripe_refund_id}:
                return payment, refund
    raise NotFound("There is no such refund.")


async def _find_by_reference(world: World, id: str) -> Payment | None:
    place = await world.store.get(REFUND_PLACES, id)
    return await world.store.get(PAYMENTS, place.order_id if place is not None else id)


async def _find_by_intent(world: World, _id: str, *, intent_id: str) -> Payment | None:
    return await world.store.find_one(PAYMENTS, "intent_id", intent_id)


async def _ask_whose(world: World, id: str) -> Payment | None:
    seen = await _ask_stripe(world, id)
    if seen is None:
        return None
    try:
        return await payment_of_event(world, seen)
    except NotSeen as error:
        raise GatewayUnavailable(str(error)) from error


async def _ask_stripe(world: World, id: str) -> SeenEvent | None:
    """Return whose refund it is, by Stripe; None: there is none. Raises GatewayUnavailable."""
    news = await world.gateway.ask(ReadRefund(id))
    match news:
        case EventsSeen(events=(seen,)):
            return seen
        case Rejected():
            return None
        case _:
            raise no_answer(news)
