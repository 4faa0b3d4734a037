"""A change of a customer that another one overtakes."""

from dataclasses import replace

import pytest

from payment_service.domain.customer import Customer, Update
from payment_service.domain.errors import CustomerChangeInProgress, CustomerForgotten
from payment_service.flows.change_customer import change_customer
from payment_service.flows.keep_customer import create_customer
from payment_service.ports import GatewayUnavailable
from payment_service.storage.collections import CUSTOMERS
from tests.flows.buying import open_watched_shop, soon
from tests.flows.test_customer_emails import ANN, by_uid, emails, made, rename
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run


async def change(shop: Shop, customer: Customer, **wanted: str) -> Customer:
    asked = {"email": None, "name": None, **wanted}
    return await change_customer(
        shop.world, str(customer.customer_id), deadline=soon(shop, 5), **asked
    )


@pytest.mark.parametrize(
    ("meanwhile", "error"),
    [
        ({"is_forgotten": True}, CustomerForgotten),
        ({"update": Update(None, "Else")}, CustomerChangeInProgress),
    ],
)
def test_what_somebody_began_meanwhile_goes_first(
    meanwhile: dict[str, object], error: type[Exception]
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
            await change(shop, bob, name="Ann")

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
