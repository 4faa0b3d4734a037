"""One customer at Stripe is one document here: its e-mail follows Stripe, and is nobody else's."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from payment_service.domain.customer import Customer, new_customer
from payment_service.domain.customer_emails import wanting_email
from payment_service.domain.email_place import EmailPlace
from payment_service.domain.errors import NotFound
from payment_service.domain.moment import Door
from payment_service.flows.advance import CUSTOMER, commit
from payment_service.flows.find_customer import customer_of_email
from payment_service.flows.follow_customer import look_at_customer
from payment_service.flows.forget_customer import forget_customer
from payment_service.flows.keep_card import attach_card
from payment_service.flows.keep_customer import create_customer, customer_by_id, get_customer
from payment_service.ports import Collection, D, GatewayUnavailable, Store, StoreUnavailable
from payment_service.storage.collections import CUSTOMERS, EMAILS, EVENTS
from tests.flows.buying import (
    VISA,
    always,
    open_watched_shop,
    quiet,
    soon,
)
from tests.flows.telling import at_stripe, tell
from tests.flows.watched_store import WatchedStore
from tests.parts.shop import Shop, open_shop
from tests.parts.stored import stored_customer, stored_text
from tests.parts.virtual_time import run

BOB, ANN, EVE = "bob@shop.example", "ann@shop.example", "eve@shop.example"


async def made(shop: Shop, email: str = BOB, *, card: str | None = None) -> Customer:
    customer, _ = await create_customer(shop.world, email, None, deadline=soon(shop))
    if card is not None:
        await attach_card(
            shop.world,
            str(customer.customer_id),
            card,
            cardholder_name=None,
            is_default=False,
            deadline=soon(shop),
        )
    return await by_uid(shop, customer)


async def by_uid(shop: Shop, customer: Customer) -> Customer:
    found = await shop.world.store.get(CUSTOMERS, customer.uid)
    assert found is not None
    return found


def rename(shop: Shop, customer: Customer, email: str) -> None:
    """Somebody changes a customer's e-mail in the dashboard."""
    at_stripe(shop, f"/v1/customers/{customer.customer_id}", email=email)


async def emails(shop: Shop) -> dict[str, str]:
    """Return to whom each e-mail leads, as it is stored."""
    places = await shop.world.store.walk(EMAILS, after="", limit=100)
    return {place.id: place.uid for place in places}


def ids_at_stripe(shop: Shop, email: str) -> list[str]:
    return [
        one["id"]
        for one in shop.engine.ledger()["customers"]
        if one["email"] == email and not one["deleted"]
    ]


async def forget(shop: Shop, email: str) -> None:
    await forget_customer(shop.world, email, who="olga", why="asked", deadline=soon(shop, 60))


def test_an_email_that_was_changed_at_stripe_is_changed_here_and_the_old_one_is_free() -> None:
    async def main() -> None:
        shop = await open_shop()
        first = await made(shop, card=VISA)
        rename(shop, first, "Ann@Shop.example")
        await tell(shop, "customer.updated")

        ann = await get_customer(shop.world, ANN)
        somebody, is_new = await create_customer(shop.world, BOB, None, deadline=soon(shop))

        assert (ann.uid, ann.customer_id, ann.email) == (first.uid, first.customer_id, ANN)
        assert is_new
        assert somebody.customer_id != first.customer_id
        assert (somebody.kept_cards, len(ann.kept_cards)) == ((), 1)
        assert ann.history[-1].what == "customer.email_moved"
        assert await emails(shop) == {ANN: ann.uid, BOB: somebody.uid}
        assert (ann.wake_at, ann.released_emails) == (None, ())

    run(main)


def test_the_old_email_leads_nowhere_from_the_first_write_on() -> None:
    """Whoever has a token with it reaches nothing, though the new one could not be claimed yet."""

    async def main() -> None:
        shop, store = await open_watched_shop()
        first = await made(shop)
        rename(shop, first, ANN)
        store.before_writes.extend([None, None, away])
        await tell(shop, "customer.updated")

        assert await customer_of_email(shop.world, BOB) is None
        assert await customer_of_email(shop.world, ANN) is None
        assert (await get_customer(shop.world, ANN)).uid == first.uid  # asked of Stripe
        await shop.work(120)
        assert await emails(shop) == {ANN: first.uid}

    run(main)


async def away() -> None:
    raise StoreUnavailable("away")


@pytest.mark.parametrize("spelled", [BOB, "Bob@Shop.Example"])
def test_a_look_that_shows_the_same_email_changes_nothing(spelled: str) -> None:
    async def main() -> None:
        shop = await open_shop()
        first = await made(shop)
        rename(shop, first, spelled)

        seen = await look_at_customer(shop.world, first, Door.WEBHOOK)

        assert (seen.email, seen.history) == (BOB, ())

    run(main)


def test_an_email_that_is_taken_away_at_stripe_stays_here() -> None:
    async def main() -> None:
        shop = await open_shop()
        first = await made(shop)
        rename(shop, first, "")

        seen = await look_at_customer(shop.world, first, Door.WEBHOOK)

        assert seen.email == BOB

    run(main)


def test_whoever_asks_by_the_new_email_before_we_hear_of_it_gets_the_same_customer() -> None:
    async def main() -> None:
        shop = await open_shop()
        first = await made(shop)
        rename(shop, first, ANN)

        found, is_new = await create_customer(shop.world, ANN, None, deadline=soon(shop))

        assert (found.uid, is_new) == (first.uid, False)
        assert await emails(shop) == {ANN: first.uid}

    run(main)


def test_a_customer_that_cannot_be_looked_at_is_no_other_one() -> None:
    async def main() -> None:
        shop = await open_shop()
        first = await made(shop)
        rename(shop, first, ANN)
        shop.stripe.pick = lambda method, path: (
            always("timeout_before", "*")(method, path) if path.count("/") > 2 else None
        )

        with pytest.raises(GatewayUnavailable):
            await create_customer(shop.world, ANN, None, deadline=soon(shop))

        assert ids_at_stripe(shop, ANN) == [first.customer_id]

    run(main)


def test_an_email_of_another_customer_is_kept_by_that_one_and_both_are_reachable() -> None:
    async def main() -> None:
        shop = await open_shop()
        bob, ann = await made(shop, card=VISA), await made(shop, ANN)
        rename(shop, bob, ANN)
        await tell(shop, "customer.updated")

        lost = await customer_by_id(shop.world, str(bob.customer_id))

        assert (lost.uid, lost.email, len(lost.kept_cards)) == (bob.uid, None, 1)
        assert lost.history[-1].what == "customer.email_taken"
        assert (await get_customer(shop.world, ANN)).uid == ann.uid
        assert await customer_of_email(shop.world, BOB) is None
        await shop.work(300)
        again = await by_uid(shop, bob)
        assert (again.history, again.wake_at) == (lost.history, None)
        assert await emails(shop) == {ANN: ann.uid}

    run(main)


def test_the_other_ones_email_is_taken_as_soon_as_it_is_free() -> None:
    async def main() -> None:
        shop = await open_shop()
        bob, ann = await made(shop), await made(shop, ANN)
        rename(shop, bob, ANN)
        await tell(shop, "customer.updated")
        rename(shop, ann, BOB)
        await tell(shop, "customer.updated")

        await shop.work(120)

        assert await emails(shop) == {ANN: bob.uid, BOB: ann.uid}

    run(main)


@pytest.mark.parametrize("shown", ["no e-mail", "\u0430nn@shop.example"])
def test_what_is_no_email_here_leads_nowhere_and_neither_does_the_one_before(shown: str) -> None:
    async def main() -> None:
        shop = await open_shop()
        bob = await made(shop)
        rename(shop, bob, shown)
        await tell(shop, "customer.updated")

        lost = await customer_by_id(shop.world, str(bob.customer_id))

        assert (lost.uid, lost.email) == (bob.uid, None)
        assert [entry.what for entry in lost.history] == ["customer.email_unusable"]
        assert await emails(shop) == {}
        rename(shop, bob, EVE)
        await tell(shop, "customer.updated")
        assert (await get_customer(shop.world, EVE)).uid == bob.uid

    run(main)


def test_a_customer_without_an_email_that_is_deleted_at_stripe_is_not_made_anew() -> None:
    async def main() -> None:
        shop = await open_shop()
        bob = await made(shop)
        rename(shop, bob, "none")
        await tell(shop, "customer.updated")
        shop.stripe.deliver("delete", f"https://x/v1/customers/{bob.customer_id}", KEYS, None)
        await tell(shop, "customer.deleted")

        with pytest.raises(NotFound):
            await made_card(shop, str(bob.customer_id))

    run(main)


KEYS = {"Authorization": "Bearer sk_test_sandbox"}


async def made_card(shop: Shop, customer_id: str) -> None:
    await attach_card(
        shop.world,
        customer_id,
        VISA,
        cardholder_name=None,
        is_default=False,
        deadline=soon(shop),
    )


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


@pytest.mark.parametrize("life", [moved, moved_back, made_at_once])
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
        for event in [one for one in shop.engine.events if one["type"] == "customer.updated"][-1:]:
            if await shop.world.store.get(EVENTS, event["id"]) is None:  # delivered again
                await tell(shop, "customer.updated")
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


def test_forgetting_reaches_the_customer_by_the_email_of_today_and_every_trace_of_it() -> None:
    async def main() -> None:
        shop = await open_shop()
        bob = await made(shop, card=VISA)
        rename(shop, bob, ANN)
        await tell(shop, "customer.updated")

        with pytest.raises(NotFound):
            await forget(shop, BOB)
        await forget(shop, ANN)

        assert ids_at_stripe(shop, ANN) == []
        assert await emails(shop) == {}
        assert await shop.world.store.get(CUSTOMERS, bob.uid) is None
        assert "ann@" not in stored_text(shop.world.store)

    run(main)


def test_forgetting_while_an_email_is_released_or_claimed_leaves_neither() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        bob = await made(shop)
        rename(shop, bob, ANN)
        store.before_removals.append(away)  # the old e-mail is not released yet
        await tell(shop, "customer.updated")
        assert set(await emails(shop)) == {BOB, ANN}

        await forget(shop, ANN)

        assert await emails(shop) == {}

    run(main)


def test_forgetting_an_email_that_leads_to_nobody_removes_it() -> None:
    async def main() -> None:
        shop = await open_shop()
        now = shop.world.clock.now()
        await shop.world.store.insert(EMAILS, EmailPlace(EVE, 0, "cust_gone", now, now))

        await forget(shop, EVE)

        assert await emails(shop) == {}
        with pytest.raises(NotFound):
            await forget(shop, EVE)

    run(main)


def test_forgetting_by_an_email_that_is_about_to_be_the_customers_reaches_it() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        bob = await made(shop)
        rename(shop, bob, ANN)
        store.before_writes.extend([None, None, None, away])  # claimed, and not switched to
        await tell(shop, "customer.updated")

        await forget(shop, ANN)

        assert await shop.world.store.get(CUSTOMERS, bob.uid) is None
        assert await emails(shop) == {}

    run(main)


def test_a_customer_that_may_yet_be_none_is_not_forgotten() -> None:
    async def main() -> None:
        shop = await open_shop()
        now = shop.world.clock.now()
        await shop.world.store.insert(CUSTOMERS, new_customer(BOB, None, "cust_b", now))
        await shop.world.store.insert(EMAILS, EmailPlace(BOB, 0, "cust_b", now, now))

        with pytest.raises(GatewayUnavailable):
            await forget(shop, BOB)

        await shop.work(60)
        assert len(ids_at_stripe(shop, BOB)) == 1

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
