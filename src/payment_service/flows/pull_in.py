"""Pull in what would wait for a time that only a wrong clock could write."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from payment_service.domain.far_waits import (
    SHORTEST_S,
    cursor_in_time,
    customer_in_time,
    event_in_time,
    payment_in_time,
)
from payment_service.domain.moment import Door, Moment
from payment_service.flows.stripe_time import know_time
from payment_service.flows.world import World
from payment_service.ports import Collection, VersionConflict
from payment_service.storage.collections import CURSORS, CUSTOMERS, EVENTS, PAYMENTS

# So many documents are looked at in one round. Most of what waits for long does so rightly, like
# holds and refunds, and a shop with a hundred thousand of them is gone through in some hours.
ROUND_MAX = 500
# Nothing is due later than this, whatever clock wrote it.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)

Change = Callable[[Any, Moment], Any]
CHANGES: tuple[tuple[Collection[Any], Change], ...] = (
    (PAYMENTS, payment_in_time),
    (CUSTOMERS, customer_in_time),
    (EVENTS, event_in_time),
    (CURSORS, cursor_in_time),
)


@dataclass
class FarWaits:
    """How far one who pulls in has come, by collection; each begins anew at its end."""

    gone_through: dict[str, datetime] = field(default_factory=dict)


async def pull_in(world: World, far: FarWaits, *, round_max: int = ROUND_MAX) -> int:
    """Make due what waits for longer than any rule lets it, some documents of each collection.

    Return how many that were. Raises Unavailable.
    """
    await know_time(world)
    pulled = 0
    for collection, change in CHANGES:
        pulled += await _pull_in(world, far, collection, change, round_max)
    return pulled


async def _pull_in(
    world: World, far: FarWaits, collection: Collection[Any], change: Change, round_max: int
) -> int:
    moment = world.moment(Door.WORKER)
    later_than = None  # a cursor may be ahead of what has happened, and due all the same
    if collection is not CURSORS:
        nearest = moment.now + timedelta(seconds=SHORTEST_S)
        later_than = max(far.gone_through.get(collection.name, nearest), nearest)
    docs = await world.store.due(collection, NEVER, round_max, later_than=later_than)
    far.gone_through.pop(collection.name, None)
    if len(docs) == round_max:
        far.gone_through[collection.name] = docs[-1].wake_at
    pulled = 0
    for doc in docs:
        changed = change(doc, moment)
        if changed is doc:
            continue
        written = replace(changed, version=doc.version + 1)
        try:
            await world.store.replace(collection, written, expected_version=doc.version)
        except VersionConflict:  # somebody is at it, and gives it another time
            continue
        pulled += 1
    return pulled
