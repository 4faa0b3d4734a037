"""A change of a customer that seems to be so already: a fresh look at Stripe says whether it is."""

import pytest

from tests.api.access import open_guarded
from tests.api.conftest import Api
from tests.api.test_customer_changes import ANN, BOB, at_stripe_now, change, owner
from tests.flows.telling import at_stripe, tell
from tests.parts.shop import Shop


async def test_what_is_so_already_asks_for_nothing_but_a_look(api: Api) -> None:
    bob = await api.new_customer(BOB)
    await change(api, bob, {"name": "Bob"})
    before = len(api.shop.engine.ledger()["requests"])

    changed = await change(api, bob, {"email": BOB, "name": "Bob"})

    asked = api.shop.engine.ledger()["requests"][before:]
    assert changed.status == 200
    assert {entry["method"] for entry in asked} == {"GET"}
    assert asked[0]["path"] == f"/v1/customers/{bob}"


@pytest.mark.parametrize(
    ("there", "body", "after"),
    [
        ({"email": ANN}, {"email": BOB}, (BOB, "Bob")),
        ({"email": ANN}, {"email": BOB, "name": "Else"}, (BOB, "Else")),
        ({"email": ""}, {"email": BOB}, (BOB, "Bob")),
        ({"name": "Robert"}, {"name": "Bob"}, (BOB, "Bob")),
        ({"name": "Robert"}, {"name": "Bob", "email": BOB}, (BOB, "Bob")),
        ({"name": ""}, {"name": "Bob"}, (BOB, "Bob")),
    ],
)
async def test_what_is_so_here_and_not_at_stripe_is_sent_there(
    api: Api, there: dict[str, str], body: dict[str, str], after: tuple[str, str]
) -> None:
    """It was changed in the Dashboard, and the event is still on its way."""
    bob = await api.new_customer(BOB)
    await change(api, bob, {"name": "Bob"})
    at_stripe(api.shop, f"/v1/customers/{bob}", **there)

    changed = await change(api, bob, body)

    assert (changed.status, changed.data["email"], changed.data["name"]) == (200, *after)
    assert at_stripe_now(api, bob) == after
    await tell(api.shop, "customer.updated")
    await api.shop.work(60)
    assert at_stripe_now(api, bob) == after
    assert await owner(api, BOB) == bob


async def test_while_stripe_does_not_answer_nobody_says_that_it_is_so(api: Api) -> None:
    bob = await api.new_customer(BOB)
    api.fault("timeout_before", f"/v1/customers/{bob}", times=10, method="GET")

    refused = await change(api, bob, {"email": BOB})

    assert (refused.status, refused.code) == (503, "stripe_unavailable")


async def test_what_is_so_of_a_customer_that_was_deleted_at_stripe_is_told_to_come_back(
    api: Api,
) -> None:
    bob = await api.new_customer(BOB)
    key = {"Authorization": "Bearer sk_test_sandbox"}
    api.shop.stripe.deliver("delete", f"https://x/v1/customers/{bob}", key, None)

    refused = await change(api, bob, {"email": BOB})
    changed = await change(api, bob, {"email": BOB})

    assert (refused.status, refused.code) == (503, "stripe_unavailable")
    assert (changed.status, changed.data["email"]) == (200, BOB)


async def test_a_refusal_of_another_email_before_is_none_of_its_own(api: Api) -> None:
    bob = await api.new_customer(BOB)
    await api.new_customer(ANN)
    taken = await change(api, bob, {"email": ANN})
    at_stripe(api.shop, f"/v1/customers/{bob}", email="eve@shop.example")

    changed = await change(api, bob, {"email": BOB})

    assert (taken.status, changed.status) == (409, 200)
    assert at_stripe_now(api, bob) == (BOB, None)


async def test_an_end_user_does_not_bring_their_old_email_back_to_stripe(shop: Shop) -> None:
    api = open_guarded(shop)
    service, old = api.provider.token(), api.provider.user(BOB)
    bob = (await api.as_(service, "POST", "/payment/customer", {"email": BOB})).data["customerId"]
    at_stripe(shop, f"/v1/customers/{bob}", email=ANN)

    refused = await api.as_(old, "PUT", f"/payment/customer/{bob}", {"email": BOB, "name": "Bob"})

    assert (refused.status, refused.code) == (403, "email_not_changeable")
    assert at_stripe_now(api, bob) == (ANN, None)


async def test_a_name_that_was_changed_at_stripe_is_changed_here(api: Api) -> None:
    bob = await api.new_customer(BOB)
    await change(api, bob, {"name": "Bob"})
    at_stripe(api.shop, f"/v1/customers/{bob}", name="Robert")

    await tell(api.shop, "customer.updated")

    assert (await api.get(f"/payment/customer/{BOB}")).data["name"] == "Robert"
    assert at_stripe_now(api, bob) == (BOB, "Robert")
