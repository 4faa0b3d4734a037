"""Stripe's events on their way to a shop, one by one and in whatever order a test wants."""

from typing import Any
from urllib.parse import urlencode

from payment_service.adapters.stripe.events import event_of
from payment_service.domain.event import Event
from payment_service.domain.moment import Door
from payment_service.domain.news import SeenEvent
from payment_service.flows.take_event import Taken, take_event
from payment_service.storage.collections import EVENTS
from tests.parts.shop import Shop

KEY = {"Authorization": "Bearer sk_test_sandbox"}


def seen_of(shop: Shop, event_type: str) -> SeenEvent:
    """Return the newest event of this type, as the service would read it."""
    bodies = (event for event in reversed(shop.engine.events) if event["type"] == event_type)
    return event_of(next(bodies))


async def tell(shop: Shop, seen: SeenEvent | str, door: Door = Door.WEBHOOK) -> Taken:
    """Deliver one event, and let it be applied."""
    if isinstance(seen, str):
        seen = seen_of(shop, seen)
    taken = await take_event(shop.world, seen, door)
    await shop.world.background.drain(600)
    return taken


async def event_kept(shop: Shop, seen: SeenEvent) -> Event:
    """Return the event as it is stored. It must be."""
    event = await shop.world.store.get(EVENTS, seen.id)
    assert event is not None
    return event


def at_stripe(shop: Shop, path: str, **form: Any) -> None:
    """Do something at Stripe that this service has no part in."""
    shop.stripe.deliver("post", f"https://stripe.invalid{path}", KEY, urlencode(form))
