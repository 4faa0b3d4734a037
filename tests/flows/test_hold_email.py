"""Claims and releases of an e-mail, each in a race with another one."""

from dataclasses import replace

import pytest

from payment_service.domain.customer import new_customer
from payment_service.domain.email_place import EmailPlace
from payment_service.domain.news import EmailClaimed, EmailReleased, EmailTaken, NotExecuted
from payment_service.domain.steps import ClaimEmail, ReleaseEmail
from payment_service.flows.hold_email import hold_email
from payment_service.ports import Collection, D, StoreUnavailable, VersionConflict
from payment_service.storage.collections import CUSTOMERS, EMAILS
from tests.flows.buying import open_watched_shop
from tests.flows.test_customer_emails import ANN, BOB, EVE, emails
from tests.flows.watched_store import WatchedStore
from tests.parts.shop import Shop
from tests.parts.virtual_time import run

CLAIM = ClaimEmail(BOB, "cust_b", 1, is_founding=True)
RELEASE = ReleaseEmail(BOB, "cust_b")


async def wanting(store: WatchedStore, uid: str, email: str, shop: Shop) -> None:
    await store._store.insert(CUSTOMERS, new_customer(email, None, uid, shop.world.clock.now()))


async def leads(store: WatchedStore, email: str, uid: str, shop: Shop, version: int = 0) -> None:
    now = shop.world.clock.now()
    place = EmailPlace(email, version, uid, now, now)
    if version:
        await store._store.replace(EMAILS, place, expected_version=version - 1)
    else:
        await store._store.insert(EMAILS, place)


def test_who_comes_second_is_told_and_is_no_customer() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await wanting(store, "cust_b", BOB, shop)
        await wanting(store, "cust_c", BOB, shop)

        async def faster() -> None:
            await leads(store, BOB, "cust_c", shop)

        store.before_writes.append(faster)

        assert await hold_email(shop.world, CLAIM) == EmailTaken()
        assert await store.get(CUSTOMERS, "cust_b") is None
        assert await emails(shop) == {BOB: "cust_c"}
        assert await hold_email(shop.world, CLAIM) == EmailTaken()  # it is gone already

    run(main)


def test_one_that_is_no_founding_claim_any_more_leaves_the_customer() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await wanting(store, "cust_c", BOB, shop)
        await leads(store, BOB, "cust_c", shop)
        now = shop.world.clock.now()
        founded = replace(new_customer(ANN, None, "cust_b", now), is_founding=False)
        await store.insert(CUSTOMERS, founded)

        assert await hold_email(shop.world, CLAIM) == EmailTaken()
        assert await store.get(CUSTOMERS, "cust_b") == founded

    run(main)


def test_a_founding_customer_that_is_written_meanwhile_goes_all_the_same() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await wanting(store, "cust_b", BOB, shop)
        await wanting(store, "cust_c", BOB, shop)
        await leads(store, BOB, "cust_c", shop)

        async def written() -> None:
            current = await store.get(CUSTOMERS, "cust_b")
            assert current is not None
            await store._store.replace(
                CUSTOMERS, replace(current, version=1), expected_version=current.version
            )

        store.before_removals.append(written)

        assert await hold_email(shop.world, CLAIM) == EmailTaken()
        assert await store.get(CUSTOMERS, "cust_b") is None

    run(main)


@pytest.mark.parametrize("whose", ["cust_b", "cust_gone"])
def test_a_claim_writes_the_place_anew_whoever_has_it(whose: str) -> None:
    """Who is about to take it over from us must find that it has changed."""

    async def main() -> None:
        shop, store = await open_watched_shop()
        await wanting(store, "cust_b", BOB, shop)
        await leads(store, BOB, whose, shop)

        assert await hold_email(shop.world, CLAIM) == EmailClaimed()

        place = await store.get(EMAILS, BOB)
        assert place is not None
        assert (place.uid, place.version) == ("cust_b", 1)

    run(main)


def test_what_is_written_before_our_claim_is_looked_at_again() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await wanting(store, "cust_b", BOB, shop)
        await wanting(store, "cust_c", BOB, shop)
        await leads(store, BOB, "cust_gone", shop)

        async def faster() -> None:
            await leads(store, BOB, "cust_c", shop, version=1)

        store.before_writes.append(faster)

        assert await hold_email(shop.world, CLAIM) == EmailTaken()
        assert await emails(shop) == {BOB: "cust_c"}

    run(main)


def test_a_claim_for_a_customer_that_does_not_want_it_leaves_nothing() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await wanting(store, "cust_b", ANN, shop)

        assert await hold_email(shop.world, CLAIM) == NotExecuted("not_wanted")
        assert await emails(shop) == {}

    run(main)


@pytest.mark.parametrize(
    ("wants", "whose", "left"),
    [
        (EVE, "cust_b", {}),
        (EVE, "cust_c", {BOB: "cust_c"}),  # it is another one's
        (BOB, "cust_b", {BOB: "cust_b"}),  # it is wanted again
    ],
)
def test_only_what_is_ours_and_not_wanted_is_released(
    wants: str, whose: str, left: dict[str, str]
) -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await wanting(store, "cust_b", wants, shop)
        await leads(store, BOB, whose, shop)

        assert await hold_email(shop.world, RELEASE) == EmailReleased()
        assert await hold_email(shop.world, RELEASE) == EmailReleased()
        assert await emails(shop) == left

    run(main)


def test_what_somebody_claims_meanwhile_is_not_released() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await leads(store, BOB, "cust_b", shop)

        async def claimed() -> None:
            await leads(store, BOB, "cust_c", shop, version=1)

        store.before_removals.append(claimed)

        assert await hold_email(shop.world, RELEASE) == EmailReleased()
        assert await emails(shop) == {BOB: "cust_c"}

    run(main)


class NeverFirst(WatchedStore):
    """The Store port of a process that loses every race."""

    async def replace(self, collection: Collection[D], doc: D, *, expected_version: int) -> None:
        raise VersionConflict

    async def remove(self, collection: Collection[D], id: str, *, expected_version: int) -> None:
        raise VersionConflict


@pytest.mark.parametrize("step", [CLAIM, RELEASE])
def test_whoever_loses_every_race_says_so(step: ClaimEmail | ReleaseEmail) -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await leads(store, BOB, "cust_b", shop)
        shop.world = replace(shop.world, store=NeverFirst(store._store))

        with pytest.raises(StoreUnavailable, match="races"):
            await hold_email(shop.world, step)

    run(main)


def test_a_customer_that_cannot_be_removed_is_left_to_the_next_try() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await wanting(store, "cust_b", BOB, shop)
        await wanting(store, "cust_c", BOB, shop)
        await leads(store, BOB, "cust_c", shop)
        shop.world = replace(shop.world, store=NeverFirst(store._store))

        with pytest.raises(StoreUnavailable, match="races"):
            await hold_email(shop.world, CLAIM)

    run(main)
