"""Recover: find what is due, whoever began it, and walk it through the corridor."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from payment_service.domain.call import spread
from payment_service.domain.cursor import LEASE_S as LEASE_MAX_S
from payment_service.domain.errors import NotFound
from payment_service.domain.event import Event, next_version
from payment_service.domain.event import claimed as claimed_event
from payment_service.domain.moment import Door, Moment
from payment_service.flows.advance import CUSTOMER, PAYMENT, Corridor, D, advance, commit, place
from payment_service.flows.apply_event import apply_in_line
from payment_service.flows.read_lists import read_on
from payment_service.flows.stripe_time import know_time
from payment_service.flows.world import World
from payment_service.ports import Collection, Document, VersionConflict
from payment_service.storage.collections import CURSORS, CUSTOMERS, EVENTS, PAYMENTS

Doc = TypeVar("Doc", bound=Document)

# Far more than one process can have under way; what is beyond lapses by itself.
TAKE_OVER_MAX = 10_000
# So many times what it can take does a worker look at, where others look too: half a dozen workers
# then seldom meet, and what is due longest is still among what is taken.
LOOK_AMONG = 4
# What went wrong is due still, and goes wrong again in a moment (the disk is full, say).
STUMBLED_REST_S = 5.0


async def recover(world: World, busy: set[str], *, concurrency: int) -> int:
    """Start work on what is due, at most `concurrency` documents at once; return how many.

    busy: the documents under work, kept by the caller from call to call. The work itself goes on in
    the background: an OrderService that hangs must not hold up a payment in doubt.
    Raises Unavailable.
    """
    await know_time(world)
    payments = await _recover(world, PAYMENT, busy, concurrency)
    customers = await _recover(world, CUSTOMER, busy, concurrency)
    events = await _start(world, EVENTS, busy, concurrency, _apply_one)
    cursors = await _start(world, CURSORS, busy, concurrency, read_on)
    return payments + customers + events + cursors


async def take_over(world: World) -> None:
    """Free what the process before us had claimed, when nobody else can be at work.

    With a store that serves one process the owner of every claim is dead; waiting for the claims to
    lapse would only make payers wait. Called before any door opens, and when Stripe's time is
    known; the work is left to `recover`.
    """
    if world.store.exclusive:
        await _take_over(world, PAYMENTS, PAYMENT.orphaned)
        await _take_over(world, CUSTOMERS, CUSTOMER.orphaned)
        await _take_over(world, EVENTS, lambda event, moment: replace(event, due_at=moment.now))
        await _take_over(world, CURSORS, lambda cursor, moment: replace(cursor, due_at=moment.now))


async def _take_over(
    world: World, collection: Collection[Doc], freed: Callable[[Doc, Moment], Doc]
) -> None:
    lapse_at = world.clock.now() + timedelta(seconds=max(world.policy.lease_s, LEASE_MAX_S))
    moment = world.moment(Door.WORKER)
    for doc in await world.store.due(collection, lapse_at, TAKE_OVER_MAX):
        next_one: Any = freed(doc, moment)
        written = replace(next_one, version=doc.version + 1)
        await world.store.replace(collection, written, expected_version=doc.version)


async def _recover(world: World, way: Corridor[D], busy: set[str], concurrency: int) -> int:
    async def walk(world: World, doc: D) -> None:
        claimed = await commit(world, way, doc, lambda same, _: same, Door.WORKER)
        await advance(world, way, claimed, Door.WORKER)

    return await _start(world, way.collection, busy, concurrency, walk)


async def _apply_one(world: World, event: Event) -> None:
    """Claim an event whose taker left it, and apply it."""
    claimed = next_version(claimed_event(event, world.moment(event.door)))
    try:
        await world.store.replace(EVENTS, claimed, expected_version=event.version)
    except VersionConflict:
        return
    await apply_in_line(world, claimed)


async def _start(
    world: World,
    collection: Collection[Doc],
    busy: set[str],
    concurrency: int,
    work: Callable[[World, Doc], Coroutine[Any, Any, None]],
) -> int:
    """Begin work on documents of a collection that are due and not under work here."""
    free = concurrency - len(busy)
    if free <= 0:
        return 0
    alone = world.store.exclusive
    look_at_most = (free + len(busy)) * (1 if alone else LOOK_AMONG)
    due = await world.store.due(collection, world.clock.now(), look_at_most)
    taken = busy | world.under_way.keys()
    fresh = [doc for doc in due if place(collection, doc) not in taken]
    begun = (fresh if alone else _from_anywhere(world, fresh, free))[:free]
    for doc in begun:
        busy.add(place(collection, doc))
        world.background.spawn(_guarded(world, doc, place(collection, doc), busy, work))
    return len(begun)


def _from_anywhere(world: World, fresh: Sequence[Doc], free: int) -> Sequence[Doc]:
    """Return the documents in their order, but beginning at a random place.

    Other workers read the same list at the same time; from the same end they would all race for
    the same documents, and all but one lose each. When all can be taken the order stays.
    """
    start = int(spread(world.ids.new("round")) * len(fresh)) if len(fresh) > free else 0
    return [*fresh[start:], *fresh[:start]]


async def _guarded(
    world: World,
    doc: Doc,
    where: str,
    busy: set[str],
    work: Callable[[World, Doc], Coroutine[Any, Any, None]],
) -> None:
    world.witness.took_up(doc)
    try:
        await work(world, doc)
    except NotFound:  # a customer that was forgotten meanwhile: nothing is left to be done
        return
    except Exception as error:  # noqa: BLE001 - the worker's loop edge: one document, not the loop
        world.witness.stumbled(doc.id, error)
        await world.clock.sleep(STUMBLED_REST_S)
    finally:
        busy.discard(where)
