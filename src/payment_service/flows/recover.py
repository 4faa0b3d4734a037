"""Recover: find what is due, whoever began it, and walk it through the corridor."""

from dataclasses import replace
from datetime import timedelta

from payment_service.domain.moment import Door
from payment_service.flows.advance import CUSTOMER, PAYMENT, Corridor, D, advance, commit, place
from payment_service.flows.world import World

# Far more than one process can have under way; what is beyond lapses by itself.
TAKE_OVER_MAX = 10_000
# What went wrong is due still, and goes wrong again in a moment (the disk is full, say).
STUMBLED_REST_S = 5.0


async def recover(world: World, busy: set[str], *, concurrency: int) -> int:
    """Start work on what is due, at most `concurrency` documents at once; return how many.

    busy: the documents under work, kept by the caller from call to call. The work itself goes on in
    the background: an OrderService that hangs must not hold up a payment in doubt.
    """
    payments = await _recover(world, PAYMENT, busy, concurrency)
    customers = await _recover(world, CUSTOMER, busy, concurrency)
    return payments + customers


async def take_over(world: World) -> None:
    """Free what the process before us had claimed, when nobody else can be at work.

    With a store that serves one process the owner of every claim is dead; waiting for the claims to
    lapse would only make payers wait. Called before any door opens; the work is left to `recover`.
    """
    if world.store.exclusive:
        await _take_over(world, PAYMENT)
        await _take_over(world, CUSTOMER)


async def _take_over(world: World, way: Corridor[D]) -> None:
    lapse_at = world.clock.now() + timedelta(seconds=world.policy.lease_s)
    moment = world.moment(Door.WORKER)
    for doc in await world.store.due(way.collection, lapse_at, TAKE_OVER_MAX):
        freed = replace(way.orphaned(doc, moment), version=doc.version + 1)
        await world.store.replace(way.collection, freed, expected_version=doc.version)


async def _recover(world: World, way: Corridor[D], busy: set[str], concurrency: int) -> int:
    free = concurrency - len(busy)
    if free <= 0:
        return 0
    due = await world.store.due(way.collection, world.clock.now(), free + len(busy))
    taken = busy | world.under_way.keys()
    fresh = [doc for doc in due if place(way, doc) not in taken][:free]
    for doc in fresh:
        busy.add(place(way, doc))
        world.background.spawn(_recover_one(world, way, doc, busy))
    return len(fresh)


async def _recover_one(world: World, way: Corridor[D], doc: D, busy: set[str]) -> None:
    try:
        claimed = await commit(world, way, doc, lambda same, _: same, Door.WORKER)
        await advance(world, way, claimed, Door.WORKER)
    except Exception as error:  # noqa: BLE001 - the worker's loop edge: one document, not the loop
        world.witness.stumbled(doc.id, error)
        await world.clock.sleep(STUMBLED_REST_S)
    finally:
        busy.discard(place(way, doc))
