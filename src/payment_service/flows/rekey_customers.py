"""Put customers of schema 2, which lie under their e-mails, under our own ids: when one is met.

First the document is written where it belongs, then the old one is removed; who dies in between
leaves both, of which only the first is found, until the old one is met.
"""

from contextlib import suppress
from dataclasses import replace

from payment_service.domain.customer import Customer
from payment_service.domain.customer_emails import rekeyed
from payment_service.domain.errors import NotFound
from payment_service.domain.moment import Door, Moment
from payment_service.flows.advance import CUSTOMER, advance, claim, commit
from payment_service.flows.world import World
from payment_service.ports import AlreadyExists, StoreUnavailable, VersionConflict
from payment_service.storage.collections import CUSTOMERS

# Customers read at once by who looks for old ones, about once a second: each one is then looked at
# with two requests to Stripe, which must leave room for payers.
BATCH = 5
# Each round means that somebody of the old release wrote meanwhile.
ROUNDS_MAX = 20
# How our own ids begin, and what is behind all of them.
UID_PREFIX, BEHIND_UIDS = "cust_", "cust_\U0010ffff"


async def rekey_customer(
    world: World, customer: Customer, door: Door = Door.REQUEST
) -> Customer | None:
    """Return the customer under our own id; as it is while something is under way for it.

    None when it was forgotten meanwhile. Raises StoreUnavailable: others write all the time.
    """
    found: Customer | None = customer
    for _ in range(ROUNDS_MAX):
        if found is None or not found.is_old or found.call is not None:
            return found
        today = await _under_uid(world, found, door)
        if today is not None and await _removed(world, found):
            return today
        found = await world.store.get(CUSTOMERS, found.id)
    raise StoreUnavailable(f"lost {ROUNDS_MAX} races for one customer")


async def rekey_some(world: World, after: str) -> str | None:
    """Put some of the customers behind this id where they belong; return how far, None at the end.

    Customers whose e-mail begins like our ids may be passed over; those are met one by one.
    Raises Unavailable, ValueError: a document cannot be read.
    """
    found = await world.store.walk(CUSTOMERS, after=after, limit=BATCH)
    for customer in found:
        with suppress(NotFound):  # it was forgotten meanwhile
            await rekey_customer(world, customer, Door.WORKER)
    if not found:
        return None
    last = found[-1].id
    return BEHIND_UIDS if last.startswith(UID_PREFIX) else last


async def _removed(world: World, old: Customer) -> bool:
    """Remove the document under its e-mail; say whether it is what it was when it was read."""
    try:
        await world.store.remove(CUSTOMERS, old.id, expected_version=old.version)
    except VersionConflict:
        return await world.store.get(CUSTOMERS, old.id) is None  # somebody else removed it
    return True


async def _under_uid(world: World, old: Customer, door: Door) -> Customer | None:
    """Return the document under our own id, written now or by who was here before.

    Another document may have the same customer of Stripe's, for a release before let an e-mail that
    was changed at Stripe have a second one: then that is the one, and is looked at.
    """
    moment = world.moment(door)
    claimed = claim(CUSTOMER, rekeyed(old, moment.now), moment)
    try:
        await world.store.insert(CUSTOMERS, claimed.doc)
    except AlreadyExists:
        there = await world.store.get(CUSTOMERS, old.uid)
        if there is None and old.customer_id is not None:
            there = await world.store.find_one(CUSTOMERS, "stripe_id", old.customer_id)
        if there is None:
            return None
        claimed = await commit(world, CUSTOMER, there, _looked_at, door)
    else:
        world.witness.saw(None, claimed.doc, door)
    return await advance(world, CUSTOMER, claimed, door)


def _looked_at(customer: Customer, moment: Moment) -> Customer:
    if customer.customer_id is None or customer.is_forgotten:
        return customer
    return replace(customer, look_at=moment.now)
