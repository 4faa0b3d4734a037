"""Guard against card testing: after too many refused cards nobody tries another for a while.

The tallies are documents, so that they hold across replicas and restarts. They are written only
when a card was refused, and read only about those to whom this process has seen one refused: an
honest payer costs nothing. A tester gains one try with each replica by it.

A try under way counts as if it were refused until it is over, so that a burst gains nothing. Each
process counts those for itself: of a burst over several each may let through a full measure.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import ceil
from typing import Any

from payment_service.domain.card_refusals import (
    CardTally,
    Kind,
    Suspect,
    paused_s,
    refused_lately,
    refused_to,
    with_refusal,
)
from payment_service.domain.card_tries import Room, Turn, Waiting
from payment_service.domain.customer import Customer
from payment_service.domain.errors import TooManyCardRefusals
from payment_service.domain.moment import Door
from payment_service.domain.payment import Payment
from payment_service.flows.world import World
from payment_service.ports import ASKED_BY, AlreadyExists, Store, Unavailable, VersionConflict
from payment_service.storage.collections import CARD_TALLIES

# Each lost race is somebody else's refusal of the same suspect: as many as are under way by default
# in three processes.
ROUNDS_MAX = 30
# The payer's address, "" while it is not known, for whom this task works: set by the door that
# knows. The document that says that a card was refused does not hold it.
TRIED_FROM: ContextVar[str] = ContextVar("tried_from", default="")


# How long a try waits for others of its suspects to be over: longer than a slow answer of Stripe's.
# Ten honest ones at a time are ten a second; whoever waits longer is better told so.
WAIT_MAX_S = 20.0


class CardTry:
    """A request's tries of cards: whom it must not exceed, and what it holds until it is over.

    It is over when its request is answered and nothing of it goes on in the background.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._room = _room_in(world)
        self._ids: list[str] = []
        self._holds = 1

    async def let(
        self, *, customer_id: str | None = None, card: str | None = None, tries: bool = True
    ) -> None:
        """Let somebody try a card, when not too many of theirs are under way.

        tries: False where no card is tried here. Raises TooManyCardRefusals, StoreUnavailable.
        """
        world = self._world
        if not world.policy.card_refusals_max:
            return
        named = ((Kind.CUSTOMER, customer_id), (Kind.CARD, card), (Kind.ADDRESS, TRIED_FROM.get()))
        suspects = [Suspect(kind, name) for kind, name in named if name]
        ids = [one.id for one in suspects if one.id not in self._ids]
        over_at = asyncio.get_running_loop().time() + WAIT_MAX_S
        while True:
            await self._check(suspects)
            if not tries:
                return
            if world.tries.begins(ids, self._room):
                self._ids += ids
                return
            if await self._begins(ids, over_at):
                self._ids += ids
                await self._check(suspects)  # another process may have seen more meanwhile
                return

    def outlives(self, work: asyncio.Task[Any]) -> None:
        """Hold what it holds until this work is done."""
        if not self._holds:
            return  # it is over, and who tells so is left of it
        self._holds += 1
        work.add_done_callback(lambda _: self.let_go())

    def let_go(self) -> None:
        """Hold no longer, if nothing of it goes on."""
        self._holds -= 1
        if not self._holds:
            self._world.tries.ends(self._ids, self._room)

    async def _begins(self, ids: list[str], over_at: float) -> bool:
        """Wait until it is begun, which is True, or until it must be checked again."""
        future: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()

        waiting = Waiting(ids, future.set_result)
        self._world.tries.wait(waiting)
        asker = ASKED_BY.get()
        asker.waits()
        try:
            async with asyncio.timeout_at(over_at):
                return await asyncio.shield(future) is Turn.BEGUN  # told once, also who has gone
        except BaseException as error:
            self._world.tries.leave(waiting)
            if future.done() and future.result() is Turn.BEGUN:
                self._world.tries.ends(ids, self._room)
            if isinstance(error, TimeoutError):
                raise TooManyCardRefusals(
                    "Too many cards are being tried; please try again later.", retry_after_s=1
                ) from None
            raise
        finally:
            asker.goes_on()

    async def _check(self, suspects: list[Suspect]) -> None:
        for suspect in suspects:
            if suspect.id in self._world.suspects:
                await _check(self._world, suspect)


_TRY: ContextVar[CardTry | None] = ContextVar("card_try", default=None)


@contextmanager
def trying(world: World) -> Iterator[CardTry]:
    """Yield a request's try of cards; on leaving, it is over, but for what goes on behind it."""
    card_try = CardTry(world)
    token = _TRY.set(card_try)
    try:
        yield card_try
    finally:
        _TRY.reset(token)
        card_try.let_go()


def goes_on(work: asyncio.Task[Any]) -> None:
    """Hear that this work goes on for the try of the task that tells it, if there is one."""
    card_try = _TRY.get()
    if card_try is not None:
        card_try.outlives(work)


async def note_refusals(
    world: World, before: Payment | Customer, after: Payment | Customer
) -> None:
    """Count the cards that were refused between two versions of a document, by whichever door.

    Never raises Unavailable: what was written before this stands, and a tally is no reason to
    doubt it.
    """
    if not world.policy.card_refusals_max:
        return
    for suspect in refused_to(before, after, TRIED_FROM.get()):
        world.suspects.add(suspect.id)
        try:
            await _count(world, suspect)
        except Unavailable:
            continue


async def lift_pause(store: Store, suspect: Suspect) -> bool:
    """Forget the refusals of a suspect; say whether there were any. Raises VersionConflict."""
    tally = await store.get(CARD_TALLIES, suspect.id)
    if tally is None:
        return False
    await store.remove(CARD_TALLIES, tally.id, expected_version=tally.version)
    return True


async def _check(world: World, suspect: Suspect) -> None:
    tally = await _tally(world, suspect)
    if tally is None:
        world.suspects.discard(suspect.id)
        return
    _learn(world, tally)
    wait_s = paused_s(tally, world.clock.now())
    if wait_s:
        raise TooManyCardRefusals(
            "Too many cards were refused; please try again later.", retry_after_s=ceil(wait_s)
        )


async def _count(world: World, suspect: Suspect) -> None:
    for _ in range(ROUNDS_MAX):
        known = await world.store.get(CARD_TALLIES, suspect.id)
        moment = world.moment(Door.REQUEST)
        tally = with_refusal(known, suspect, moment.now, moment.policy)
        try:
            if known is None:
                await world.store.insert(CARD_TALLIES, tally)
            else:
                await world.store.replace(CARD_TALLIES, tally, expected_version=known.version)
        except (AlreadyExists, VersionConflict):
            continue
        _learn(world, tally)
        if tally.paused_until is not None and not tally.refused_at:
            world.witness.paused_cards(suspect.kind, tally.id, tally.paused_until)
        return


def _learn(world: World, tally: CardTally) -> None:
    """Remember how often, and see to those whose room that changes."""
    world.suspects.add(tally.id, refused_lately(tally, world.clock.now(), world.policy))
    world.tries.look(_room_in(world))


def _room_in(world: World) -> Room:
    """Return how many more of a suspect's tries may be under way: none during a pause."""

    def room(id: str) -> int:
        return world.policy.card_refusals_max - world.suspects.refused(id)

    return room


async def _tally(world: World, suspect: Suspect) -> CardTally | None:
    """Return what is known of a suspect, None when there is nothing or it is over."""
    tally = await world.store.get(CARD_TALLIES, suspect.id)
    return tally if tally is not None and tally.expires_at > world.clock.now() else None
