"""Whenever it is cut off, an e-mail has one customer in the end, and a customer one e-mail."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from payment_service.domain.customer_emails import wanting_email
from payment_service.domain.email_place import EmailPlace
from payment_service.domain.moment import Door
from payment_service.flows.advance import CUSTOMER, commit
from payment_service.flows.keep_customer import create_customer
from payment_service.ports import Collection, D, GatewayUnavailable, Store, StoreUnavailable
from payment_service.storage.collections import CUSTOMERS, EMAILS, EVENTS
from tests.flows.buying import faults, open_watched_shop, quiet, soon
from tests.flows.telling import KEY, tell
from tests.flows.test_change_customer import change
from tests.flows.test_customer_emails import ANN, BOB, EVE, by_uid, emails, made, rename
from tests.flows.watched_store import WatchedStore
from tests.parts.shop import Shop, open_shop
from tests.parts.stored import stored_customer
from tests.parts.virtual_time import run


# What happens to a customer, and what must be so in the end: to whom each e-mail leads.
async def moved(shop: Shop) -> None:
    first, _ = await create_customer(shop.world, BOB, None, deadline=soon(shop, 0))
    if first.customer_id is None:
        return
    rename(shop, first, ANN)
    await tell(shop, "customer.updated")


async def moved_back(shop: Shop) -> None:
    await moved(shop)
    found = await stored_customer(shop.world.store, ANN)
    if found is not None:
        rename(shop, found, BOB)
        await tell(shop, "customer.updated")


async def made_at_once(shop: Shop) -> None:
    asking = (create_customer(shop.world, BOB, None, deadline=soon(shop, 5)) for _ in range(3))
    await asyncio.gather(*asking, return_exceptions=True)


async def changed(shop: Shop) -> None:
    first, _ = await create_customer(shop.world, BOB, None, deadline=soon(shop, 0))
    if first.customer_id is not None:
        await change(shop, first, email=ANN, name="Ann")


async def changed_while_stripe_is_away(shop: Shop) -> None:
    first, _ = await create_customer(shop.world, BOB, None, deadline=soon(shop, 0))
    if first.customer_id is None:
        return
    away = faults(
        "timeout_after", "timeout_before", on=("POST", f"/v1/customers/{first.customer_id}")
    )
    shop.stripe.pick = away
    await change(shop, first, email=ANN, name="Ann")


async def wanted_by_two(shop: Shop) -> None:
    first, _ = await create_customer(shop.world, BOB, None, deadline=soon(shop, 0))
    second, _ = await create_customer(shop.world, EVE, None, deadline=soon(shop, 0))
    wanting = [one for one in (first, second) if one.customer_id is not None]
    asking = (change(shop, one, email=ANN) for one in wanting)
    await asyncio.gather(*asking, return_exceptions=True)


async def delivered(shop: Shop) -> None:
    """Let Stripe deliver the last change again, until it is kept."""
    changes = [event for event in shop.engine.events if event["type"] == "customer.updated"]
    while changes and await shop.world.store.get(EVENTS, changes[-1]["id"]) is None:
        with suppress(StoreUnavailable):
            await tell(shop, "customer.updated")


LIVES = (moved, moved_back, made_at_once, changed, changed_while_stripe_is_away, wanted_by_two)


@pytest.mark.parametrize("life", LIVES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_wherever_the_store_fails_every_email_has_one_customer_and_every_customer_one(
    life: Callable[[Shop], Awaitable[None]], when: str
) -> None:
    async def main(number: int) -> bool:
        shop, store = await open_watched_shop()
        failing = Failing(store._store, number, when)
        shop.world = replace(shop.world, store=failing)

        try:
            await life(shop)
        except (StoreUnavailable, GatewayUnavailable):
            await quiet(shop)
        await delivered(shop)
        await shop.work(180)

        living = [one for one in shop.engine.ledger()["customers"] if not one["deleted"]]
        documents = await failing.walk(CUSTOMERS, after="", limit=100)
        assert len({one["email"] for one in living}) == len(living), living
        assert len(documents) == len(living), documents
        assert await emails(shop) == {doc.held_email: doc.uid for doc in documents}
        assert {(doc.customer_id, doc.held_email) for doc in documents} <= {
            (one["id"], one["email"]) for one in living
        }
        assert [doc.wake_at for doc in documents] == [None] * len(documents)
        return failing.has_failed

    numbers = iter(range(100))
    while run(lambda: main(next(numbers))):
        pass


class Failing(WatchedStore):
    """The Store port of a process that is cut off once, before a write or when it is done."""

    def __init__(self, store: Store, number: int, when: str) -> None:
        super().__init__(store)
        self._left, self._when = number, when
        self.has_failed = False

    async def _cut(self, when: str) -> None:
        if when == self._when and not self.has_failed:
            self.has_failed = self._left == 0
            self._left -= 1
            if self.has_failed:
                raise StoreUnavailable("cut off")

    async def insert(self, collection: Collection[D], doc: D) -> None:
        await self._cut("before")
        await super().insert(collection, doc)
        await self._cut("after")

    async def replace(self, collection: Collection[D], doc: D, *, expected_version: int) -> None:
        await self._cut("before")
        await super().replace(collection, doc, expected_version=expected_version)
        await self._cut("after")

    async def remove(self, collection: Collection[D], id: str, *, expected_version: int) -> None:
        await self._cut("before")
        await super().remove(collection, id, expected_version=expected_version)
        await self._cut("after")


def test_a_claim_of_long_ago_that_leads_nowhere_keeps_nobody_out() -> None:
    """A process stood still between its wish and its claim, and the wish is over."""

    async def main() -> None:
        shop = await open_shop()
        bob = await made(shop)
        now = shop.world.clock.now()
        await shop.world.store.insert(EMAILS, EmailPlace(ANN, 0, bob.uid, now, now))
        await shop.world.store.insert(EMAILS, EmailPlace(EVE, 0, "cust_gone", now, now))

        ann, eve = await made(shop, ANN), await made(shop, EVE)

        assert await emails(shop) == {BOB: bob.uid, ANN: ann.uid, EVE: eve.uid}

    run(main)


def test_a_claim_that_comes_when_the_customer_is_gone_leaves_no_trace() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        bob = await made(shop)
        rename(shop, bob, ANN)

        async def gone() -> None:
            current = await by_uid(shop, bob)
            await store.remove(CUSTOMERS, bob.uid, expected_version=current.version)

        store.before_writes.extend([None, None, gone])
        await tell(shop, "customer.updated")
        await shop.work(60)

        assert ANN not in await emails(shop)

    run(main)


def test_a_wish_that_is_over_is_not_fulfilled_by_a_claim_of_it() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        bob = await made(shop)

        async def other_wish() -> None:
            current = await by_uid(shop, bob)
            await commit(
                shop.world,
                CUSTOMER,
                current,
                lambda c, moment: wanting_email(c, EVE, moment.now),
                Door.WORKER,
                goes_on=False,
            )

        rename(shop, bob, ANN)
        store.before_writes.extend([None, None, None, other_wish])
        await tell(shop, "customer.updated")
        await shop.work(120)

        assert await emails(shop) == {EVE: bob.uid}

    run(main)


def test_what_another_document_is_already_is_not_written_and_nothing_breaks() -> None:
    async def main() -> None:
        shop, _ = await open_watched_shop()
        bob, ann = await made(shop), await made(shop, ANN)

        with pytest.raises(StoreUnavailable, match="another document"):
            await commit(
                shop.world,
                CUSTOMER,
                ann,
                lambda current, _: replace(current, customer_id=bob.customer_id),
                Door.WORKER,
            )

        assert (await by_uid(shop, ann)).customer_id == ann.customer_id

    run(main)


def test_a_customer_of_another_document_is_not_found_for_one_that_is_made() -> None:
    """Its e-mail at Stripe is another one's here: whoever is made anew does not become it."""

    async def main() -> None:
        shop, _ = await open_watched_shop()
        bob, ann = await made(shop), await made(shop, ANN)
        rename(shop, bob, ANN)
        await tell(shop, "customer.updated")
        shop.stripe.deliver("delete", f"https://x/v1/customers/{ann.customer_id}", KEY, None)
        await tell(shop, "customer.deleted")
        shop.stripe.pick = faults("error_500_before", on=("POST", "/v1/customers"))

        anew, _ = await create_customer(shop.world, ANN, None, deadline=soon(shop, 120))

        assert anew.uid == ann.uid
        assert anew.customer_id not in {None, ann.customer_id, bob.customer_id}
        assert (await by_uid(shop, bob)).customer_id == bob.customer_id

    run(main)
