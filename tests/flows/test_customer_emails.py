"""One customer at Stripe is one document here: its e-mail follows Stripe, and is nobody else's."""

import pytest

from payment_service.domain.customer import Customer, new_customer
from payment_service.domain.email_place import EmailPlace
from payment_service.domain.errors import NotFound
from payment_service.domain.moment import Door
from payment_service.flows.find_customer import customer_of_email
from payment_service.flows.follow_customer import look_at_customer
from payment_service.flows.forget_customer import forget_customer
from payment_service.flows.keep_card import attach_card
from payment_service.flows.keep_customer import create_customer, customer_by_id, get_customer
from payment_service.ports import GatewayUnavailable, StoreUnavailable
from payment_service.storage.collections import CUSTOMERS, EMAILS
from tests.flows.buying import (
    VISA,
    always,
    open_watched_shop,
    soon,
)
from tests.flows.telling import KEY, at_stripe, tell
from tests.parts.shop import Shop, open_shop
from tests.parts.stored import stored_text
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
        assert (again.history, again.email) == (lost.history, None)
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


def test_an_email_that_becomes_free_hours_later_is_followed_by_itself() -> None:
    async def main() -> None:
        shop = await open_shop()
        bob, ann = await made(shop), await made(shop, ANN)
        rename(shop, bob, ANN)
        await tell(shop, "customer.updated")
        await shop.work(5 * 3600)
        asked_before = len(shop.engine.ledger()["requests"])
        rename(shop, ann, EVE)
        await tell(shop, "customer.updated")

        await shop.work(3600 + 60)

        assert await emails(shop) == {ANN: bob.uid, EVE: ann.uid}
        assert (await by_uid(shop, bob)).wake_at is None
        assert len(shop.engine.ledger()["requests"]) - asked_before < 20

    run(main)


@pytest.mark.parametrize("shown", ["\uff41nn@shop.example", "\u0430nn@shop.example"])
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
        rename(shop, bob, "\u0430nn@shop.example")
        await tell(shop, "customer.updated")
        shop.stripe.deliver("delete", f"https://x/v1/customers/{bob.customer_id}", KEY, None)
        await tell(shop, "customer.deleted")

        with pytest.raises(NotFound):
            await made_card(shop, str(bob.customer_id))

    run(main)


async def made_card(shop: Shop, customer_id: str) -> None:
    await attach_card(
        shop.world,
        customer_id,
        VISA,
        cardholder_name=None,
        is_default=False,
        deadline=soon(shop),
    )


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
