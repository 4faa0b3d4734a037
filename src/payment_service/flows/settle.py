"""Wait for a document to be settled, by whatever way that comes about first.

A request carries out its own step. Meanwhile a webhook, the worker or another request may bring the
same news sooner, in this process or in another one; nobody waits longer than for the first.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from payment_service.domain.moment import Door
from payment_service.flows.advance import Claimed, Corridor, D, advance, commit, place, reload
from payment_service.flows.guard_cards import goes_on
from payment_service.flows.world import World
from payment_service.ports import ASKED_BY, Unavailable

# How soon a request looks again at what another walker has claimed.
LOOK_AGAIN_MIN_S = 0.02
# How often it looks whether another process has settled what it waits for: a quarter of a second
# is little to a payer, and four reads a second of one document are nothing to a database.
CHANGED_EVERY_S = 0.25


async def settle(
    world: World,
    way: Corridor[D],
    claimed: Claimed[D],
    *,
    settled: Callable[[D], bool],
    deadline: datetime,
    bearer_token: str | None = None,
) -> D:
    """Advance until `settled`, by us or by another door, or the deadline; return what is.

    What is under way then goes on in the background. Never raises Unavailable: what was written
    ahead is then the best that is known.
    """
    walk = world.background.spawn(_walk(world, way, claimed, settled, deadline, bearer_token))
    goes_on(walk)
    watch: asyncio.Task[D] = asyncio.create_task(
        _settled_elsewhere(world, way, claimed.doc, settled, walk)
    )
    left_s = (deadline - world.clock.now()).total_seconds()
    try:
        await asyncio.wait(
            {walk, watch}, timeout=max(left_s, 0.0), return_when=asyncio.FIRST_COMPLETED
        )
        if walk.done():
            doc: D = walk.result()
            return doc
        if watch.done():
            return watch.result()
        return await reload(world, way, claimed.doc)
    except Unavailable:
        # The intention is written and may have had its effect: this is doubt, not "nothing done".
        return claimed.doc
    finally:
        watch.cancel()


async def _settled_elsewhere(
    world: World, way: Corridor[D], doc: D, settled: Callable[[D], bool], walk: asyncio.Task[D]
) -> D:
    """Return the document once somebody else than our own walk has settled it."""
    here = place(way.collection, doc)
    every_s = None if world.store.exclusive else CHANGED_EVERY_S
    while True:
        found: D | None = await world.changes.next(here, own=walk, within_s=every_s)
        found = found or await _stored(world, way, doc)
        if found is not None and settled(found):
            return found


async def _stored(world: World, way: Corridor[D], doc: D) -> D | None:
    """Return the document as it is stored; None while the database is away, or it is gone."""
    try:
        return await world.store.get(way.collection, doc.id)
    except Unavailable:
        return None


async def _walk(
    world: World,
    way: Corridor[D],
    claimed: Claimed[D],
    settled: Callable[[D], bool],
    deadline: datetime,
    bearer_token: str | None,
) -> D:
    wait_s = LOOK_AGAIN_MIN_S
    while True:
        doc = await advance(world, way, claimed, Door.REQUEST, bearer_token=bearer_token)
        now = world.clock.now()
        if settled(doc) or now >= deadline:
            return doc
        due_s = (doc.wake_at - now).total_seconds() if doc.wake_at else CHANGED_EVERY_S
        asker = ASKED_BY.get()
        asker.waits()
        try:
            await world.clock.sleep(min(max(due_s, LOOK_AGAIN_MIN_S), wait_s))
        finally:
            asker.goes_on()
        wait_s = min(wait_s * 1.5, CHANGED_EVERY_S)
        doc = await reload(world, way, doc)
        claimed = Claimed(doc, None)
        if not settled(doc) and place(way.collection, doc) not in world.under_way:
            claimed = await commit(world, way, doc, lambda same, _: same, Door.REQUEST)
