"""Read Stripe's lists: the events that never arrived, and the objects whose events never were.

Each list has a cursor, a document that is due from time to time like any other.
"""

from dataclasses import replace
from datetime import datetime

from payment_service.domain import cursor as cursors
from payment_service.domain.cursor import Cursor
from payment_service.domain.event import is_foreign, shows_nothing_new
from payment_service.domain.moment import Door
from payment_service.domain.news import EventsSeen, SeenEvent
from payment_service.domain.steps import ListEvents, ListMade
from payment_service.flows.apply_event import apply_seen
from payment_service.flows.look_at import NotSeen
from payment_service.flows.payment_of_event import payment_of_event
from payment_service.flows.take_event import take_event
from payment_service.flows.world import World
from payment_service.ports import AlreadyExists, VersionConflict
from payment_service.storage.collections import CURSORS

BACK_FILL, SWEEP = "events", "objects"
# An event is in the list when it is sent, give or take; what is younger is left to the webhook.
BACK_FILL_LAG_S = 15.0
# What is younger is being settled by its own request, or by its events.
SWEEP_LAG_S = 600.0


async def open_cursors(world: World) -> None:
    """Begin to read, from now on, the lists that the policy wants and that are not begun."""
    now = world.clock.now().replace(microsecond=0)
    for name in (BACK_FILL, SWEEP):
        if _every_s(world, name) and await world.store.get(CURSORS, name) is None:
            try:
                await world.store.insert(CURSORS, cursors.opened(name, now))
            except AlreadyExists:
                continue


async def read_on(world: World, cursor: Cursor) -> None:
    """Claim the cursor, read its next window, and write down how far we are.

    Does nothing when another one reads it. Raises Unavailable: the claim lapses, and it is read
    again.
    """
    every_s = _every_s(world, cursor.id)
    if not every_s:  # switched off; looked at now and then in case it is switched on
        await _replace(world, cursor, cursors.not_read(cursor, world.clock.now()))
        return
    if cursor.id == BACK_FILL:
        cursor = _over_the_gap(world, cursor)
    claimed = await _replace(world, cursor, cursors.claimed(cursor, world.clock.now()))
    if claimed is None:
        return
    lag_s = BACK_FILL_LAG_S if cursor.id == BACK_FILL else SWEEP_LAG_S
    window = cursors.window(claimed, world.clock.now(), lag_s=lag_s)
    until = window[1] if window else claimed.read_until
    is_read, newest = True, None
    if window is not None and cursor.id == BACK_FILL:
        is_read, newest = await _back_fill(world, ListEvents(*window))
    elif window is not None:
        is_read = await _sweep(world, ListMade(*window))
    now = world.clock.now()
    if is_read:
        after = cursors.read(claimed, until, now, lag_s=lag_s, every_s=every_s)
        if cursor.id == BACK_FILL:  # objects are read so late that no clock is so wrong
            after = cursors.held_back(after, claimed.read_until, newest, now, lag_s=lag_s)
    else:
        after = cursors.not_read(claimed, now)
    await _replace(world, claimed, after)


async def _back_fill(world: World, step: ListEvents) -> tuple[bool, datetime | None]:
    """Take in the events of a time; say whether it was read whole, and when the last happened."""
    news = await world.gateway.ask(step)
    if not isinstance(news, EventsSeen):
        return False, None
    for seen in news.events:
        await take_event(world, seen, Door.BACK_FILL)
    return True, max((seen.happened_at for seen in news.events), default=None)


async def _sweep(world: World, step: ListMade) -> bool:
    """Come by the objects that were made in a time, and look at those that we show otherwise."""
    news = await world.gateway.ask(step)
    if not isinstance(news, EventsSeen):
        return False
    for seen in news.events:
        if is_foreign(seen, service=world.service, livemode=world.livemode):
            continue
        try:
            payment = await payment_of_event(world, seen)
        except NotSeen as error:
            if error.is_lasting:  # it is said; the sweep goes on
                continue
            return False
        if payment is not None and not shows_nothing_new(payment, seen):
            world.witness.heard("swept", seen, Door.SWEEP)
            if not await _looked_at(world, seen):
                return False
    return True


async def _looked_at(world: World, seen: SeenEvent) -> bool:
    try:
        await apply_seen(world, seen, Door.SWEEP)
    except NotSeen:
        return False
    return True


def _over_the_gap(world: World, cursor: Cursor) -> Cursor:
    """Return the cursor where Stripe's list begins, and say so when it was left behind that."""
    moved = cursors.skipped_gap(cursor, world.clock.now())
    if moved.gaps != cursor.gaps:
        world.witness.missed(cursor)
    return moved


def _every_s(world: World, name: str) -> float:
    policy = world.policy
    return policy.back_fill_every_s if name == BACK_FILL else policy.sweep_every_s


async def _replace(world: World, cursor: Cursor, after: Cursor) -> Cursor | None:
    """Write the cursor; None when somebody else has."""
    written = replace(after, version=cursor.version + 1)
    try:
        await world.store.replace(CURSORS, written, expected_version=cursor.version)
    except VersionConflict:
        return None
    return written
