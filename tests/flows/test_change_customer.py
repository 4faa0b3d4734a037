"""A change of a customer that another one overtakes."""

import asyncio
from dataclasses import replace

import pytest

from payment_service.domain.customer import Customer, Update
from payment_service.domain.errors import CustomerChangeInProgress, CustomerForgotten, EmailInUse
from payment_service.flows.change_customer import change_customer
from payment_service.flows.keep_customer import create_customer
from payment_service.ports import GatewayUnavailable, StoreUnavailable
from payment_service.storage.collections import CUSTOMERS
from tests.flows.buying import open_watched_shop, soon
from tests.flows.telling import event_kept, seen_of, tell
from tests.flows.test_customer_emails import (
    ANN,
    BOB,
    EVE,
    by_uid,
    emails,
    ids_at_stripe,
    made,
    rename,
)
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run


async def change(shop: Shop, customer: Customer, *, within_s: float = 5, **wanted: str) -> Customer:
    return await change_customer(
        shop.world,
        str(customer.customer_id),
        email=wanted.get("email"),
        name=wanted.get("name"),
        may_move=True,
        deadline=soon(shop, within_s),
    )


@pytest.mark.parametrize("within_s", [5, 0])
@pytest.mark.parametrize(
    ("meanwhile", "error"),
    [
        ({"is_forgotten": True}, CustomerForgotten),
        ({"update": Update(None, "Else")}, CustomerChangeInProgress),
    ],
)
def test_what_somebody_began_meanwhile_goes_first(
    meanwhile: dict[str, object], error: type[Exception], within_s: float
) -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        bob = await made(shop)

        async def begun() -> None:
            current = await by_uid(shop, bob)
            after = replace(current, version=current.version + 1, **meanwhile)  # type: ignore[arg-type]
            await store._store.replace(CUSTOMERS, after, expected_version=current.version)

        store.before_writes.append(begun)

        with pytest.raises(error):
            await change(shop, bob, name="Ann", within_s=within_s)

    run(main)


async def away() -> None:
    raise StoreUnavailable("away")


def test_an_email_that_is_changed_at_stripe_while_ours_waits_for_its_claim_is_followed() -> None:
    """The wish is written, whoever wrote it is cut off, and the event comes before the worker."""

    async def main() -> None:
        shop, store = await open_watched_shop()
        bob, eve = await made(shop), await made(shop, EVE)
        store.before_writes.extend([None, away])
        pending = await change(shop, bob, email=EVE)
        assert (pending.update, pending.email) == (Update(EVE, None), BOB)
        rename(shop, bob, ANN)

        await tell(shop, "customer.updated")
        waiting = await by_uid(shop, bob)
        await shop.work(60)

        assert (await event_kept(shop, seen_of(shop, "customer.updated"))).state == "applied"
        assert (waiting.email, waiting.wake_at) == (BOB, waiting.email_due_at)
        assert (await by_uid(shop, bob)).email == ANN
        assert await emails(shop) == {ANN: bob.uid, EVE: eve.uid}

    run(main)


def test_an_event_goes_on_with_a_change_that_nobody_claims_the_email_for() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        bob = await made(shop)
        rename(shop, bob, EVE)
        store.before_writes.extend([None, away])
        assert (await change(shop, bob, email=ANN)).update is not None
        current = await by_uid(shop, bob)
        lapsed = replace(current, version=current.version + 1, email_due_at=shop.world.clock.now())
        await shop.world.store.replace(CUSTOMERS, lapsed, expected_version=current.version)

        await tell(shop, "customer.updated")

        assert (await by_uid(shop, bob)).email == ANN
        assert ids_at_stripe(shop, ANN) == [bob.customer_id]

    run(main)


@pytest.mark.parametrize("rounds", range(0, 30, 3))
def test_an_event_at_the_moment_of_a_change_is_never_lost(rounds: int) -> None:
    async def main() -> None:
        shop = await open_shop()
        bob = await made(shop)
        await made(shop, EVE)
        rename(shop, bob, ANN)
        changing = asyncio.create_task(change(shop, bob, email=EVE))
        for _ in range(rounds):
            await asyncio.sleep(0)

        await tell(shop, "customer.updated")
        await asyncio.wait([changing])
        await shop.work(120)

        assert isinstance(changing.exception(), EmailInUse)
        assert (await by_uid(shop, bob)).email == ANN

    run(main)


def test_one_whose_email_was_changed_at_stripe_unheard_is_changed_all_the_same() -> None:
    async def main() -> None:
        shop = await open_shop()
        bob = await made(shop)
        rename(shop, bob, "eve@shop.example")

        changed = await change(shop, bob, email=ANN)

        assert changed.email == ANN
        await shop.work(60)
        assert await emails(shop) == {ANN: bob.uid}

    run(main)


def test_an_email_that_is_found_at_a_customer_that_was_made_anew_is_not_its_own() -> None:
    """Stripe shows a customer that we know by the id before: it is somebody else's copy."""

    async def main() -> None:
        shop = await open_shop()
        bob = await made(shop)
        other = await made(shop, "eve@shop.example")
        current = await by_uid(shop, bob)
        gone = replace(
            current,
            version=current.version + 1,
            customer_id="cus_anew",
            former_customer_id=other.customer_id,
        )
        await shop.world.store.replace(CUSTOMERS, gone, expected_version=current.version)
        now = await by_uid(shop, other)
        await shop.world.store.remove(CUSTOMERS, other.uid, expected_version=now.version)
        rename(shop, other, ANN)

        with pytest.raises(GatewayUnavailable):
            await create_customer(shop.world, ANN, None, deadline=soon(shop))

    run(main)
