"""Customers: one for each e-mail, here and at Stripe, whoever makes it and however often."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
import stripe

from payment_service.domain.customer import Customer
from payment_service.domain.errors import InvalidRequest, NotFound, StripeRefused
from payment_service.domain.news import Denial, Rejected
from payment_service.domain.steps import CreateCustomer, FindCustomer
from payment_service.domain.stripe_errors import ErrorClass, RefusedByStripe
from payment_service.flows.keep_customer import create_customer, customer_by_id, get_customer
from payment_service.ports import GatewayUnavailable
from stripe_sandbox.engine import Config, Engine
from tests.flows.buying import (
    always,
    faults,
    let_stripe_answer,
    open_watched_shop,
    requests,
    soon,
    unreachable,
)
from tests.parts.shop import Shop, open_shop
from tests.parts.stored import stored_customer
from tests.parts.virtual_time import run

EMAIL = "ann@example.com"
MAKE = ("POST", "/v1/customers")


async def create(shop: Shop, email: str = EMAIL, wait_s: float = 10) -> tuple[Customer, bool]:
    return await create_customer(shop.world, email, "Ann", deadline=soon(shop, wait_s))


def client(shop: Shop) -> stripe.StripeClient:
    """Return somebody else's client on the same Stripe account."""
    return stripe.StripeClient(
        "sk_test_other", http_client=shop.stripe, base_addresses={"api": "http://stripe.invalid"}
    )


async def elsewhere(shop: Shop, method: str, path: str, **params: Any) -> Mapping[str, Any]:
    answer = await client(shop).raw_request_async(method, path, **params)
    body: Mapping[str, Any] = answer.data
    return body


async def customers_at_stripe(shop: Shop) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = (await elsewhere(shop, "get", "/v1/customers"))["data"]
    return found


async def stored(shop: Shop) -> Customer:
    customer = await stored_customer(shop.world.store, EMAIL)
    assert customer is not None
    return customer


def test_a_new_email_makes_a_customer_at_stripe() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()

        customer, made = await create(shop, "  Ann@Example.COM ")

        (at_stripe,) = await customers_at_stripe(shop)
        assert made
        assert (customer.email, customer.name) == (EMAIL, "Ann")
        assert (at_stripe["id"], at_stripe["email"], at_stripe["name"]) == (
            customer.customer_id,
            EMAIL,
            "Ann",
        )
        assert at_stripe["metadata"] == {
            "service": "payment-service",
            "idempotency_key": f"{customer.uid}-1",
        }
        assert [name for name, _ in store.writes] == ["customers", "emails", *["customers"] * 2]

    run(main)


def test_the_same_email_again_is_the_same_customer_and_asks_nobody() -> None:
    async def main() -> None:
        shop = await open_shop()
        first, _ = await create(shop)

        again, made = await create(shop, "ANN@example.com")

        assert (again.customer_id, made) == (first.customer_id, False)
        assert requests(shop) == ["/v1/customers"]
        assert await get_customer(shop.world, EMAIL) == again
        assert first.customer_id is not None
        assert await customer_by_id(shop.world, first.customer_id) == again

    run(main)


def test_what_is_no_email_is_refused_before_anybody_is_asked() -> None:
    async def main() -> None:
        shop = await open_shop()

        with pytest.raises(InvalidRequest):
            await create(shop, "ann")

        assert (requests(shop), requests(shop, "GET")) == ([], [])

    run(main)


def test_creations_at_once_make_one_customer_and_only_one_of_them_made_it() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = always("delay", "*")  # all have looked before one has made it

        answers = await asyncio.gather(*(create(shop, wait_s=60) for _ in range(20)))

        assert len({customer.customer_id for customer, _ in answers}) == 1
        assert [made for _, made in answers].count(True) == 1
        assert requests(shop) == ["/v1/customers"]
        assert len(await customers_at_stripe(shop)) == 1

    run(main)


@pytest.mark.parametrize(
    "kind",
    [
        "timeout_after",
        "timeout_before",
        "truncated_200",
        "error_500_before",
        "error_500_after",
        "error_503_after_key_forgotten",
        "rate_limit",
    ],
)
def test_whatever_happens_to_the_call_there_is_one_customer(kind: str) -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = faults(kind, on=MAKE)  # type: ignore[arg-type]  # one of the names

        customer, _ = await create(shop, wait_s=90)

        (at_stripe,) = await customers_at_stripe(shop)
        assert (customer.customer_id, customer.call) == (at_stripe["id"], None)

    run(main)


def test_at_the_deadline_the_customer_is_being_made_and_is_there_later() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = faults("delay", on=MAKE)

        making, made = await create(shop, wait_s=1)
        assert (making.customer_id, made) == (None, True)
        with pytest.raises(NotFound):
            await get_customer(shop.world, EMAIL)
        same, _ = await create(shop)

        assert same.customer_id is not None
        assert len(await customers_at_stripe(shop)) == 1

    run(main)


def test_what_stripe_cannot_take_may_be_tried_again() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = always("rate_limit", "POST")
        with pytest.raises(GatewayUnavailable):
            await create(shop, wait_s=60)
        assert (await stored(shop)).wake_at is None

        shop.stripe.pick = faults()
        customer, made = await create(shop)

        assert customer.customer_id is not None
        assert made  # nothing came of the call before
        assert len(await customers_at_stripe(shop)) == 1

    run(main)


def test_what_stripe_refuses_is_told_with_its_code_and_may_be_tried_again() -> None:
    async def main() -> None:
        shop = await open_shop()
        working = shop.world
        let_stripe_answer(shop, CreateCustomer, Rejected(Denial("email_invalid", "No.")))

        for _ in range(2):
            with pytest.raises(RefusedByStripe) as refused:
                await create(shop)
            assert refused.value.denial.code == "email_invalid"
            assert refused.value.kind is ErrorClass.FIELD_INVALID
        shop.world = working
        customer, _ = await create(shop)

        assert (customer.customer_id is not None, customer.refusal_code) == (True, None)

    run(main)


def test_an_email_that_stripe_will_not_even_look_for_is_the_callers_to_mend() -> None:
    async def main() -> None:
        shop = await open_shop()
        let_stripe_answer(shop, FindCustomer, Rejected(Denial("email_invalid", "No.")))

        with pytest.raises(RefusedByStripe) as refused:
            await create(shop)

        assert refused.value.denial.code == "email_invalid"
        assert refused.value.kind is ErrorClass.FIELD_INVALID
        assert requests(shop) == []

    run(main)


@pytest.mark.parametrize("pick", [unreachable, always("reset_before", "GET")])
def test_who_cannot_look_whether_stripe_has_the_customer_does_not_make_one(pick: Any) -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = pick

        for asking in (create(shop), get_customer(shop.world, EMAIL)):
            with pytest.raises(GatewayUnavailable):
                await asking
        with pytest.raises(GatewayUnavailable):
            await customer_by_id(shop.world, "cus_1")

        assert requests(shop) == []

    run(main)


# Customers that only Stripe knows


async def known_to_stripe(shop: Shop, *, default: bool = True) -> str:
    """Make a customer with two cards behind our back, the older one its default."""
    made = await elsewhere(shop, "post", "/v1/customers", email=EMAIL, name="Ann of old")
    cards = []
    for card in ("pm_card_visa", "pm_card_mastercard"):
        attached = await elsewhere(
            shop, "post", f"/v1/payment_methods/{card}/attach", customer=made["id"]
        )
        cards.append(attached["id"])
        await shop.world.clock.sleep(1)
    if default:
        settings = {"default_payment_method": cards[0]}
        path = f"/v1/customers/{made['id']}"
        await elsewhere(shop, "post", path, invoice_settings=settings)
    found: str = made["id"]
    return found


@pytest.mark.parametrize("how", ["create", "get", "by id"])
def test_a_customer_that_only_stripe_knows_is_adopted_with_cards_and_default(how: str) -> None:
    async def main() -> None:
        shop = await open_shop()
        id_at_stripe = await known_to_stripe(shop)

        if how == "create":
            customer, made = await create(shop)
            assert not made
        elif how == "get":
            customer = await get_customer(shop.world, EMAIL)
        else:
            customer = await customer_by_id(shop.world, id_at_stripe)

        assert (customer.customer_id, customer.name) == (id_at_stripe, "Ann of old")
        assert [card.brand for card in customer.kept_cards] == ["visa", "mastercard"]
        assert customer.default_payment_method_id == customer.kept_cards[0].payment_method_id
        assert await stored(shop) == customer
        assert len(await customers_at_stripe(shop)) == 1

    run(main)


def test_an_adopted_customer_without_a_default_gets_one_here_and_at_stripe() -> None:
    async def main() -> None:
        shop = await open_shop()
        await known_to_stripe(shop, default=False)

        customer = await get_customer(shop.world, EMAIL)
        await shop.work(shop.world.policy.lease_s + 1)

        assert customer.kept_cards[0].brand == "mastercard"  # the newest
        (at_stripe,) = await customers_at_stripe(shop)
        assert at_stripe["invoice_settings"]["default_payment_method"] == (
            customer.default_payment_method_id
        )
        assert (await stored(shop)).wake_at is None

    run(main)


def test_adoptions_at_once_are_one() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        id_at_stripe = await known_to_stripe(shop)

        found = await asyncio.gather(
            *(get_customer(shop.world, EMAIL) for _ in range(5)),
            *(customer_by_id(shop.world, id_at_stripe) for _ in range(5)),
        )

        assert {customer.uid for customer in found} == {found[0].uid}
        assert [name for name, version in store.writes if not version] == ["customers", "emails"]

    run(main)


def test_of_several_customers_with_one_email_ours_comes_first_then_the_oldest() -> None:
    async def main() -> None:
        shop = await open_shop()
        oldest = await elsewhere(shop, "post", "/v1/customers", email=EMAIL)
        ours = await elsewhere(
            shop, "post", "/v1/customers", email=EMAIL, metadata={"service": "payment-service"}
        )
        other_mail = "bob@example.com"
        bob = await elsewhere(shop, "post", "/v1/customers", email=other_mail)
        await elsewhere(shop, "post", "/v1/customers", email=other_mail)

        assert (await get_customer(shop.world, EMAIL)).customer_id == ours["id"]
        assert (await get_customer(shop.world, other_mail)).customer_id == bob["id"]
        with pytest.raises(NotFound):  # the e-mail is somebody else's identity here
            await customer_by_id(shop.world, oldest["id"])

    run(main)


def test_a_deleted_customer_is_nobody() -> None:
    async def main() -> None:
        shop = await open_shop()
        id_at_stripe = await known_to_stripe(shop)
        await elsewhere(shop, "delete", f"/v1/customers/{id_at_stripe}")

        with pytest.raises(NotFound):
            await customer_by_id(shop.world, id_at_stripe)
        with pytest.raises(NotFound):
            await get_customer(shop.world, EMAIL)
        customer, made = await create(shop)

        assert made
        assert customer.customer_id != id_at_stripe

    run(main)


def test_an_id_that_stripe_does_not_know_or_that_has_no_email_is_nobody() -> None:
    async def main() -> None:
        shop = await open_shop()
        nameless = await elsewhere(shop, "post", "/v1/customers", name="Ann")

        for customer_id in ("cus_unknown", nameless["id"]):
            with pytest.raises(NotFound):
                await customer_by_id(shop.world, customer_id)

    run(main)


def test_our_refused_api_key_is_not_the_caller_s_fault() -> None:
    async def main() -> None:
        shop = await open_shop(engine=Engine(Config(accepted_keys=frozenset({"sk_test_other"}))))

        for asking in (
            create(shop),
            get_customer(shop.world, EMAIL),
            customer_by_id(shop.world, "cus_1"),
        ):
            with pytest.raises(StripeRefused):
                await asking

        assert await customers_at_stripe(shop) == []

    run(main)


def test_an_api_key_that_is_refused_between_look_and_creation_ends_it_too() -> None:
    async def main() -> None:
        shop = await open_shop()

        def revoke(method: str, path: str) -> None:
            if (method, path) == MAKE:
                shop.engine._config = Config(accepted_keys=frozenset())

        shop.stripe.pick = revoke

        with pytest.raises(RefusedByStripe) as refused:
            await create(shop)

        assert refused.value.kind is ErrorClass.KEY_REFUSED
        assert (await stored(shop)).wake_at is None

    run(main)
