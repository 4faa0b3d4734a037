"""Customers of schema 2 lie under their e-mails; when met they are put under our own ids."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from payment_service.domain.call import begin_call
from payment_service.domain.customer import Customer
from payment_service.domain.email_place import EmailPlace
from payment_service.domain.errors import CustomerChangeInProgress, NotFound
from payment_service.domain.moment import Door
from payment_service.flows.change_customer import change_customer
from payment_service.flows.find_customer import customer_of_email, customer_of_id
from payment_service.flows.forget_customer import forget_customer
from payment_service.flows.keep_customer import create_customer, get_customer
from payment_service.flows.rekey_customers import BEHIND_UIDS, rekey_customer, rekey_some
from payment_service.ports import StoreUnavailable
from payment_service.storage.collections import CUSTOMERS, EMAILS
from tests.flows.buying import VISA, open_watched_shop, soon
from tests.flows.telling import at_stripe, tell
from tests.flows.test_customer_emails import ANN, BOB, emails, ids_at_stripe, made, rename
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run


async def old(shop: Shop, email: str = BOB, *, id: str | None = None) -> Customer:
    """Return a customer with a card as a release before this left it."""
    customer = await made(shop, email, card=VISA)
    await shop.world.store.remove(CUSTOMERS, customer.uid, expected_version=customer.version)
    place = await shop.world.store.get(EMAILS, email)
    assert place is not None
    await shop.world.store.remove(EMAILS, email, expected_version=place.version)
    before = replace(
        customer, id=id or email, version=0, held_email=None, email_claims=0, history=()
    )
    await shop.world.store.insert(CUSTOMERS, before)
    return before


async def all_of(shop: Shop) -> list[Customer]:
    return list(await shop.world.store.walk(CUSTOMERS, after="", limit=100))


async def by_email(shop: Shop) -> Customer | None:
    return await customer_of_email(shop.world, BOB)


async def by_id(shop: Shop) -> Customer | None:
    [(its_id)] = ids_at_stripe(shop, BOB)
    return await customer_of_id(shop.world, its_id)


async def by_worker(shop: Shop) -> Customer | None:
    assert await rekey_some(shop.world, "") == BOB
    return await by_email(shop)


async def by_an_event(shop: Shop) -> Customer | None:
    [its_id] = ids_at_stripe(shop, BOB)
    at_stripe(shop, f"/v1/customers/{its_id}", name="Robert")
    await tell(shop, "customer.updated")
    return await by_email(shop)


@pytest.mark.parametrize("met", [by_email, by_id, by_worker, by_an_event])
def test_however_it_is_met_it_is_put_under_our_own_id_and_stays_what_it_was(
    met: Callable[[Shop], Awaitable[Customer | None]],
) -> None:
    async def main() -> None:
        shop = await open_shop()
        before = await old(shop)

        found = await met(shop)

        assert found is not None
        assert (found.id, found.uid, found.email) == (before.uid, before.uid, BOB)
        assert found.cards == before.cards
        assert [doc.id for doc in await all_of(shop)] == [before.uid]
        assert await emails(shop) == {BOB: before.uid}
        again, is_new = await create_customer(shop.world, BOB, None, deadline=soon(shop))
        assert (again.uid, is_new) == (before.uid, False)

    run(main)


def test_all_are_gone_through_in_parts_and_new_ones_are_passed_over() -> None:
    async def main() -> None:
        shop = await open_shop()
        await old(shop)
        await made(shop, ANN)

        after: str | None = ""
        ways = []
        while after is not None:
            after = await rekey_some(shop.world, after)
            ways.append(after)

        assert ways == [BEHIND_UIDS, None]
        assert await emails(shop) == {doc.email: doc.uid for doc in await all_of(shop)}

    run(main)


def test_while_something_is_under_way_for_it_it_stays_where_it_is() -> None:
    async def main() -> None:
        shop = await open_shop()
        before = await old(shop)
        unnamed = replace(before.cards[0], cardholder_name="Bob", named=False)
        call = begin_call("key", shop.world.clock.now())
        busy = replace(before, version=1, cards=(unnamed,), call=call)
        await shop.world.store.replace(CUSTOMERS, busy, expected_version=0)

        assert await customer_of_email(shop.world, BOB) == busy
        with pytest.raises(CustomerChangeInProgress):
            await change_customer(
                shop.world,
                str(before.customer_id),
                email=ANN,
                name=None,
                may_move=True,
                deadline=soon(shop),
            )
        await shop.work(60)
        assert await rekey_some(shop.world, "") == BOB
        assert [doc.id for doc in await all_of(shop)] == [before.uid]

    run(main)


def test_an_email_changed_at_stripe_is_followed_by_an_old_one_too() -> None:
    async def main() -> None:
        shop = await open_shop()
        before = await old(shop)
        rename(shop, before, ANN)
        await tell(shop, "customer.updated")

        assert (await get_customer(shop.world, ANN)).uid == before.uid
        assert await customer_of_email(shop.world, BOB) is None
        assert await emails(shop) == {ANN: before.uid}

    run(main)


def test_two_documents_that_a_release_before_made_of_one_customer_become_one() -> None:
    """It was found by its old e-mail and by its new one, each with a document of its own."""

    async def main() -> None:
        shop = await open_shop()
        before = await old(shop)
        rename(shop, before, ANN)
        twin = replace(before, id=ANN, uid="cust_twin")
        await shop.world.store.insert(CUSTOMERS, twin)

        while (after := await rekey_some(shop.world, "")) != BEHIND_UIDS:
            assert after is not None
        await shop.work(60)

        [left] = await all_of(shop)
        assert (left.email, left.customer_id) == (ANN, before.customer_id)
        assert await emails(shop) == {ANN: left.uid}
        assert await customer_of_email(shop.world, BOB) is None

    run(main)


def test_an_old_one_that_was_forgotten_at_stripe_is_not_made_anew_by_being_met() -> None:
    async def main() -> None:
        shop = await open_shop()
        before = await old(shop)
        gone = replace(
            before,
            version=1,
            customer_id=None,
            former_customer_id=before.customer_id,
            cards=(),
            default_payment_method_id=None,
            default_at_stripe=None,
        )
        await shop.world.store.replace(CUSTOMERS, gone, expected_version=0)

        found = await customer_of_id(shop.world, str(before.customer_id))

        assert found is not None
        assert (found.email, found.customer_id, found.call) == (BOB, None, None)

    run(main)


@pytest.mark.parametrize("write", range(5))
def test_wherever_it_is_cut_off_the_next_one_who_meets_it_ends_it(write: int) -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        before = await old(shop)

        async def away() -> None:
            raise StoreUnavailable("away")

        if write < 4:
            store.before_writes.extend([*[None] * write, away])
        else:
            store.before_removals.append(away)
        try:
            await customer_of_email(shop.world, BOB)
        except StoreUnavailable:
            await shop.work(60)
        store.before_writes.clear()

        await rekey_some(shop.world, "")
        found = await customer_of_email(shop.world, BOB)

        await shop.work(60)
        assert found is not None
        assert [doc.id for doc in await all_of(shop)] == [before.uid]
        assert await emails(shop) == {BOB: before.uid}

    run(main)


def test_what_the_release_before_writes_meanwhile_is_not_lost_at_stripe() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        before = await old(shop)

        async def written() -> None:
            current = await store.get(CUSTOMERS, BOB)
            assert current is not None
            after = replace(current, version=current.version + 1)
            await store._store.replace(CUSTOMERS, after, expected_version=current.version)

        store.before_removals.extend([written, written])

        found = await customer_of_email(shop.world, BOB)

        assert found is not None
        assert [doc.id for doc in await all_of(shop)] == [before.uid]

    run(main)


def test_one_that_somebody_removes_meanwhile_is_told_as_it_is() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        before = await old(shop)

        async def gone() -> None:
            await store._store.remove(CUSTOMERS, BOB, expected_version=0)

        store.before_removals.append(gone)

        found = await rekey_customer(shop.world, before)

        assert found is not None
        assert [doc.id for doc in await all_of(shop)] == [before.uid]

    run(main)


def test_one_that_is_being_forgotten_goes_on_being_forgotten_with_all_that_was_left() -> None:
    async def main() -> None:
        shop = await open_shop()
        before = await old(shop)
        await shop.world.store.insert(CUSTOMERS, replace(before, id=before.uid, held_email=BOB))
        now = shop.world.clock.now()
        await shop.world.store.insert(EMAILS, EmailPlace(BOB, 0, before.uid, now, now))

        await forget_customer(shop.world, BOB, who="o", why="w", deadline=soon(shop, 60))

        assert (await all_of(shop), await emails(shop)) == ([], {})
        with pytest.raises(NotFound):
            await get_customer(shop.world, BOB)

    run(main)


def test_an_old_one_beside_the_one_of_today_is_no_one_elses() -> None:
    """It was left behind, and the customer has another e-mail since."""

    async def main() -> None:
        shop = await open_shop()
        customer = await made(shop, ANN)
        await shop.world.store.insert(CUSTOMERS, replace(customer, id=BOB, held_email=None))

        assert await customer_of_email(shop.world, BOB) is None
        bob, is_new = await create_customer(shop.world, BOB, None, deadline=soon(shop))

        assert is_new
        assert bob.customer_id != customer.customer_id
        assert await rekey_customer(shop.world, bob, Door.WORKER) == bob

    run(main)


def test_one_that_others_write_all_the_time_is_left_for_now() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await old(shop)

        async def written() -> None:
            current = await store._store.get(CUSTOMERS, BOB)
            assert current is not None
            after = replace(current, version=current.version + 1)
            await store._store.replace(CUSTOMERS, after, expected_version=current.version)

        store.before_removals.extend([written] * 100)

        with pytest.raises(StoreUnavailable, match="races"):
            await customer_of_email(shop.world, BOB)

    run(main)


def test_one_whose_place_somebody_takes_and_leaves_is_put_there_again() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        before = await old(shop)

        async def taken() -> None:
            await store._store.insert(CUSTOMERS, replace(before, id=before.uid, customer_id=None))

        async def left() -> None:
            await store._store.remove(CUSTOMERS, before.uid, expected_version=0)

        store.before_writes.append(taken)
        store.before_reads.extend([None, None, left])

        found = await customer_of_email(shop.world, BOB)

        assert found is not None
        assert [doc.id for doc in await all_of(shop)] == [before.uid]

    run(main)


@pytest.mark.parametrize("what", ["never made", "forgotten"])
def test_one_that_is_not_at_stripe_is_not_looked_at(what: str) -> None:
    async def main() -> None:
        shop = await open_shop()
        before = await old(shop)
        changed = replace(before, version=1, customer_id=None, cards=(), refusal_code="c")
        if what == "forgotten":
            changed = replace(before, version=1, is_forgotten=True, cards=())
        await shop.world.store.replace(CUSTOMERS, changed, expected_version=0)
        await shop.world.store.insert(CUSTOMERS, replace(changed, id=before.uid, version=0))

        await rekey_some(shop.world, "")

        assert [doc.look_at for doc in await all_of(shop)] == [None]

    run(main)
