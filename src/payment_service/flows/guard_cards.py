"""Guard against card testing: after too many refused cards nobody tries another for a while.

The tallies are documents, so that they hold across replicas and restarts. They are written only
when a card was refused, and read only about those to whom this process has seen one refused: an
honest payer costs nothing. A tester gains one try with each replica by it.
"""

from contextvars import ContextVar
from math import ceil

from payment_service.domain.card_refusals import (
    CardTally,
    Kind,
    Suspect,
    paused_s,
    refused_to,
    with_refusal,
)
from payment_service.domain.customer import Customer
from payment_service.domain.errors import TooManyCardRefusals
from payment_service.domain.moment import Door
from payment_service.domain.payment import Payment
from payment_service.flows.world import World
from payment_service.ports import AlreadyExists, Store, Unavailable, VersionConflict
from payment_service.storage.collections import CARD_TALLIES

# Each lost race is somebody else's refusal of the same suspect, which is as good as ours.
ROUNDS_MAX = 5
# The payer's address, "" while it is not known, for whom this task works: set by the door that
# knows. The document that says that a card was refused does not hold it.
TRIED_FROM: ContextVar[str] = ContextVar("tried_from", default="")


async def let_try(world: World, *, customer_id: str | None = None, card: str | None = None) -> None:
    """Let somebody try a card. Raises TooManyCardRefusals, StoreUnavailable."""
    if not world.policy.card_refusals_max:
        return
    named = ((Kind.CUSTOMER, customer_id), (Kind.CARD, card), (Kind.ADDRESS, TRIED_FROM.get()))
    for suspect in (Suspect(kind, name) for kind, name in named if name):
        if suspect.id in world.suspects:
            await _check(world, suspect)


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
        if tally.paused_until is not None and not tally.refused_at:
            world.witness.paused_cards(suspect.kind, tally.id, tally.paused_until)
        return


async def _tally(world: World, suspect: Suspect) -> CardTally | None:
    """Return what is known of a suspect, None when there is nothing or it is over."""
    tally = await world.store.get(CARD_TALLIES, suspect.id)
    return tally if tally is not None and tally.expires_at > world.clock.now() else None
