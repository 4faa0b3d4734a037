"""Find an event of Stripe's, and apply one once more because a person asks for it."""

from dataclasses import replace

from payment_service.domain.errors import NotFound
from payment_service.domain.event import Event, claimed, next_version, revived
from payment_service.domain.moment import Door
from payment_service.flows.apply_event import apply_in_line
from payment_service.flows.stripe_time import know_time
from payment_service.flows.world import World
from payment_service.ports import VersionConflict
from payment_service.storage.collections import EVENTS


async def find_event(world: World, id: str) -> Event:
    """Return the event with Stripe's id. Raises NotFound."""
    event = await world.store.get(EVENTS, id)
    if event is None:
        raise NotFound("There is no such event.")
    return event


async def revive_event(world: World, id: str) -> Event:
    """Return the event after one more try to apply it. Raises NotFound, Unavailable."""
    event = await find_event(world, id)
    await know_time(world)
    moment = world.moment(Door.OPERATOR)
    again = next_version(claimed(revived(event, moment), moment))
    again = replace(again, door=Door.OPERATOR)
    try:
        await world.store.replace(EVENTS, again, expected_version=event.version)
    except VersionConflict:  # somebody is at it
        return await find_event(world, id)
    await apply_in_line(world, again)
    return await find_event(world, id)
