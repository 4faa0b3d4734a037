"""Take an event in: kept under Stripe's id before anybody is told so, applied apart from that."""

from enum import StrEnum

from payment_service.domain.event import Event, EventState, is_foreign, taken
from payment_service.domain.moment import Door
from payment_service.domain.news import SeenEvent
from payment_service.flows.apply_event import apply_in_line
from payment_service.flows.stripe_time import know_time
from payment_service.flows.world import World
from payment_service.ports import AlreadyExists
from payment_service.storage.collections import EVENTS


class Taken(StrEnum):
    """What became of an event at the door."""

    KEPT = "kept"
    KNOWN = "known"
    FOREIGN = "foreign"
    IGNORED = "ignored"


async def take_event(world: World, seen: SeenEvent, door: Door) -> Taken:
    """Keep the event durably and begin to apply it; one that is there already changes nothing.

    An event of another system on the same account is counted and not kept. Raises StoreUnavailable,
    GatewayUnavailable: it was not kept, and Stripe must send it again.
    """
    if is_foreign(seen, service=world.service, livemode=world.livemode):
        world.witness.heard(Taken.FOREIGN, seen, door)
        return Taken.FOREIGN
    await know_time(world)
    event = taken(seen, world.moment(door))
    try:
        await world.store.insert(EVENTS, event)
    except AlreadyExists:  # dead or kept, it stays so: it is applied until that is done
        world.witness.heard(Taken.KNOWN, seen, door)
        return Taken.KNOWN
    return _begun(world, event, door)


def _begun(world: World, event: Event, door: Door) -> Taken:
    if event.state is EventState.IGNORED:
        world.witness.heard(Taken.IGNORED, event.seen, door)
        return Taken.IGNORED
    world.witness.heard(Taken.KEPT, event.seen, door)
    world.background.spawn(_apply(world, event))
    return Taken.KEPT


async def _apply(world: World, event: Event) -> None:
    world.witness.took_up(event)
    await apply_in_line(world, event)
