"""Whose an answer is that was given before: an end user hears only of their own customer again."""

from collections.abc import Mapping
from typing import Any

from payment_service.api.incoming import Incoming
from payment_service.flows.find_customer import customer_of_id
from payment_service.flows.newest import newest
from payment_service.flows.world import World
from payment_service.storage.collections import PAYMENTS


async def is_anothers(world: World, call: Incoming, told: Mapping[str, Any]) -> bool:
    """Whether an answer speaks of a customer that has another e-mail than its caller by now.

    Services hear everything. One that was forgotten is nobody's: there is nothing to be reached.
    """
    if call.caller.is_service:
        return False
    for customer_id in await _spoken_of(world, call, told):
        customer = await customer_of_id(world, customer_id)
        if customer is not None and customer.email != call.caller.email:
            return True
    return False


async def _spoken_of(world: World, call: Incoming, told: Mapping[str, Any]) -> set[str]:
    """Return the customers of a request and of its answer, by their ids at Stripe."""
    data = told.get("data")
    parts = (call.path, call.body, told, data if isinstance(data, dict) else {})
    named = {part.get(name) for part in parts for name in ("customerId", "customer")}
    orders = {part.get("orderId") for part in parts}
    for order_id in (one for one in orders if isinstance(one, str)):
        payment = await newest(world.store, PAYMENTS, order_id)
        named.add(payment.terms.customer_id if payment else None)
    return {one for one in named if isinstance(one, str)}
