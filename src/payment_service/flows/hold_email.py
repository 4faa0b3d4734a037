"""Have an e-mail lead to one customer: claim it, release it. Our own store is all that is asked.

Whoever claims has written before that it wants to, and writes the place anew even if it leads there
already; whoever takes a place over has seen that its customer does not want it. So of two that want
the same e-mail one has it, whatever stood still meanwhile.
"""

from dataclasses import replace
from typing import assert_never

from payment_service.domain.customer import Customer
from payment_service.domain.email_place import EmailPlace
from payment_service.domain.news import EmailClaimed, EmailReleased, EmailTaken, News, NotExecuted
from payment_service.domain.steps import ClaimEmail, EmailStep, ReleaseEmail
from payment_service.flows.newest import as_new_as_can_be
from payment_service.flows.world import World
from payment_service.ports import AlreadyExists, StoreUnavailable, VersionConflict
from payment_service.storage.collections import CUSTOMERS, EMAILS

# Each lost race means that another writer won, so this many in a row is not contention.
LOST_RACES_MAX = 100


async def hold_email(world: World, step: EmailStep) -> News:
    """Carry out one step. Raises StoreUnavailable: it may be done, and is done again later."""
    with as_new_as_can_be():  # who has an e-mail is decided by what is not there
        match step:
            case ClaimEmail():
                return await _claim(world, step)
            case ReleaseEmail():
                await release_email(world, step.email, step.uid)
                return EmailReleased()
            case _:  # pragma: no cover - the union is closed
                assert_never(step)


async def release_email(world: World, email: str, uid: str) -> None:
    """Have the e-mail lead to this customer no more, unless the customer wants it."""
    for _ in range(LOST_RACES_MAX):
        place = await world.store.get(EMAILS, email)
        if place is None or place.uid != uid or await customer_wanting(world, place):
            return
        if await remove_place(world, place):
            return
    raise StoreUnavailable(f"lost {LOST_RACES_MAX} races for one e-mail")


async def customer_wanting(world: World, place: EmailPlace) -> Customer | None:
    """Return the customer to whom an e-mail leads, None when that one does not want it."""
    customer = await world.store.get(CUSTOMERS, place.uid)
    wants = customer is not None and customer.wants(place.id)
    return customer if wants and customer and not customer.is_old else None


async def remove_place(world: World, place: EmailPlace) -> bool:
    """Remove what has not changed since it was read; say whether that was so."""
    try:
        await world.store.remove(EMAILS, place.id, expected_version=place.version)
    except VersionConflict:
        return False
    return True


async def _claim(world: World, step: ClaimEmail) -> News:
    for _ in range(LOST_RACES_MAX):
        place = await world.store.get(EMAILS, step.email)
        if place is not None and place.uid != step.uid and await customer_wanting(world, place):
            if step.is_founding:
                await _drop_founding(world, step.uid)
            return EmailTaken()
        claimed = await _written(world, step, place)
        if claimed is None:
            continue
        if await customer_wanting(world, claimed):
            return EmailClaimed()
        await remove_place(world, claimed)  # it was forgotten, or went on to another e-mail
        return NotExecuted("not_wanted")
    raise StoreUnavailable(f"lost {LOST_RACES_MAX} races for one e-mail")


async def _written(world: World, step: ClaimEmail, place: EmailPlace | None) -> EmailPlace | None:
    """Write the claim over what stands there; None when somebody else has written since."""
    now = world.clock.now()
    try:
        if place is None:
            fresh = EmailPlace(step.email, 0, step.uid, created_at=now, updated_at=now)
            await world.store.insert(EMAILS, fresh)
            return fresh
        after = replace(place, version=place.version + 1, uid=step.uid, updated_at=now)
        await world.store.replace(EMAILS, after, expected_version=place.version)
    except (AlreadyExists, VersionConflict):
        return None
    return after


async def _drop_founding(world: World, uid: str) -> None:
    """Remove a customer that was never one: its e-mail had another one when it was claimed."""
    for _ in range(LOST_RACES_MAX):
        customer = await world.store.get(CUSTOMERS, uid)
        if customer is None or not customer.is_founding:
            return
        try:
            await world.store.remove(CUSTOMERS, uid, expected_version=customer.version)
        except VersionConflict:
            continue
        return
    raise StoreUnavailable(f"lost {LOST_RACES_MAX} races for one customer")
