"""What an operator may have done by the process that serves, or by a command of its own."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from payment_service.domain.errors import NotFound, Refusal
from payment_service.flows.forget_customer import forget_customer
from payment_service.flows.stripe_time import know_time
from payment_service.flows.world import World
from payment_service.ports import GatewayUnavailable

FORGET = "forget"
# How long a customer may take whoever asks; what is left then goes on when it is asked again.
FORGET_MAX_S = 3600.0


def operations_of(world: World) -> Mapping[str, Callable[[dict[str, Any]], Awaitable[Any]]]:
    """Return them by name."""
    return {FORGET: partial(forget, world)}


async def forget(world: World, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Forget the customer of `email`, for `who` and `why`, within `wait_s` seconds.

    Returns `customer_id`, `payments`, `worded` and `answers` (flows/forget_customer.py), or
    `why_not` in words, with `nothing` true when there was nobody to forget.

    Raises StoreUnavailable.
    """
    email, who, why = (str(arguments[name]) for name in ("email", "who", "why"))
    wait_s = min(float(arguments["wait_s"]), FORGET_MAX_S)
    try:
        await know_time(world)
        deadline = world.clock.now() + timedelta(seconds=wait_s)
        done = await forget_customer(world, email, who=who, why=why, deadline=deadline)
    except NotFound as nothing:
        return {"why_not": f"Nothing to forget: {nothing.message}", "nothing": True}
    except Refusal as refusal:
        return {"why_not": f"Not forgotten: {refusal.message}"}
    except GatewayUnavailable as trouble:
        return {"why_not": f"Not finished: {trouble} Run it again."}
    return {
        "customer_id": done.customer_id,
        "payments": done.payments,
        "worded": done.worded,
        "answers": done.answers,
    }
