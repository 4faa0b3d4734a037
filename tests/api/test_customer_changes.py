"""The e-mail and the name of a customer: changed here and at Stripe, by whom and to what may be."""

import asyncio
from typing import Any

import pytest

from tests.api.access import open_guarded
from tests.api.asgi import Heard
from tests.api.conftest import Api
from tests.api.test_truth_of_answers import NO_PERMISSION, refuse
from tests.flows.telling import at_stripe, tell
from tests.parts.shop import Shop

BOB, ANN = "bob@shop.example", "ann@shop.example"


async def change(api: Api, customer_id: str, body: Any, **how: Any) -> Heard:
    return await api.ask("PUT", f"/payment/customer/{customer_id}", body=body, **how)


def at_stripe_now(api: Api, customer_id: str) -> tuple[str, str | None]:
    [found] = [c for c in api.shop.engine.ledger()["customers"] if c["id"] == customer_id]
    return found["email"], found["name"]


async def owner(api: Api, email: str) -> str | None:
    """Return whose an e-mail is, as callers see it."""
    shown = await api.get(f"/payment/customer/{email}")
    found: str | None = shown.data["customerId"] if shown.status == 200 else None
    return found


async def test_an_email_and_a_name_are_changed_here_and_at_stripe(api: Api) -> None:
    bob = await api.new_payer(BOB)

    changed = await change(api, bob, {"email": " Ann@Shop.Example", "name": "Ann Doe"})

    assert changed.status == 200
    assert changed.body["customerId"] == bob
    assert (changed.data["email"], changed.data["name"]) == (ANN, "Ann Doe")
    assert at_stripe_now(api, bob) == (ANN, "Ann Doe")
    assert (await owner(api, ANN), await owner(api, BOB)) == (bob, None)
    made = await api.post("/payment/customer", {"email": BOB})
    assert made.status == 201
    assert made.data["customerId"] != bob


@pytest.mark.parametrize(
    ("body", "email", "name"),
    [
        ({"name": "B"}, BOB, "B"),
        ({"email": ANN}, ANN, None),
        ({"email": BOB}, BOB, None),
        ({"email": None, "name": "B"}, BOB, "B"),
    ],
)
async def test_what_is_left_out_stays_as_it_is(
    api: Api, body: dict[str, Any], email: str, name: str | None
) -> None:
    bob = await api.new_customer(BOB)

    changed = await change(api, bob, body)

    assert (changed.status, changed.data["email"], changed.data["name"]) == (200, email, name)
    assert at_stripe_now(api, bob) == (email, name)


async def test_an_email_that_has_another_customer_is_409_and_nothing_changes(api: Api) -> None:
    bob, ann = await api.new_customer(BOB), await api.new_customer(ANN)

    refused = await change(api, bob, {"email": ANN, "name": "Nobody"})
    again = await change(api, bob, {"name": "Bob"})

    assert (refused.status, refused.code) == (409, "email_taken")
    assert again.status == 200
    assert at_stripe_now(api, bob) == (BOB, "Bob")
    assert (await owner(api, BOB), await owner(api, ANN)) == (bob, ann)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["email"]),
        ({"email": "nobody"}, ["email"]),
        ({"email": "\u0430nn@shop.example"}, ["email"]),
        ({"email": 7, "name": "a\nb"}, ["email", "name"]),
        ({"emial": ANN}, ["emial", "email"]),
    ],
)
async def test_what_cannot_be_is_400_and_names_every_field(
    api: Api, body: dict[str, Any], fields: list[str]
) -> None:
    bob = await api.new_customer(BOB)

    refused = await change(api, bob, body)

    assert (refused.status, refused.bad_fields) == (400, fields)
    assert at_stripe_now(api, bob) == (BOB, None)


async def test_who_is_not_known_is_404_and_what_is_no_id_is_400(api: Api) -> None:
    unknown = await change(api, "cus_nope", {"name": "B"})
    no_id = await change(api, BOB, {"name": "B"})
    number = await change(api, "4242424242424242", {"name": "B"})

    assert (unknown.status, unknown.code) == (404, "not_found")
    assert (no_id.status, no_id.bad_fields) == (400, ["customerId"])
    assert number.status == 400


async def test_what_stripe_refuses_is_as_it_was_and_the_email_is_free(api: Api) -> None:
    bob = await api.new_customer(BOB)
    refuse(api, f"/customers/{bob}", (400, {"code": "email_invalid", "param": "email"}))

    refused = await change(api, bob, {"email": ANN, "name": "Ann"})

    api.hear()
    assert (refused.status, refused.code, refused.bad_fields) == (400, "email_invalid", ["email"])
    assert await owner(api, BOB) == bob
    assert (await api.post("/payment/customer", {"email": ANN})).status == 201
    await api.shop.work(60)
    assert at_stripe_now(api, bob) == (BOB, None)


async def test_what_our_key_may_not_do_is_502_and_nothing_is_owed(api: Api) -> None:
    bob = await api.new_customer(BOB)
    refuse(api, f"/customers/{bob}", NO_PERMISSION)

    refused = await change(api, bob, {"email": ANN})

    api.hear()
    await api.shop.work(60)
    assert (refused.status, refused.code) == (502, "stripe_refused")
    assert at_stripe_now(api, bob) == (BOB, None)
    assert await owner(api, BOB) == bob


async def test_without_an_answer_it_is_202_and_goes_on_by_itself(api: Api) -> None:
    bob = await api.new_customer(BOB)
    api.fault("timeout_before", f"/v1/customers/{bob}", times=1000)

    pending = await change(api, bob, {"email": ANN})
    other = await change(api, bob, {"name": "Else"})

    assert (pending.status, pending.body["pending"]) == (202, True)
    assert pending.data == {"customerId": bob, "status": "processing"}
    assert (other.status, other.code) == (409, "customer_change_in_progress")
    meanwhile = await api.post("/payment/customer", {"email": ANN})
    assert (meanwhile.status, meanwhile.code) == (409, "email_taken")
    api.hear()
    await api.shop.work(60)
    assert (await owner(api, ANN), await owner(api, BOB)) == (bob, None)
    assert at_stripe_now(api, bob) == (ANN, None)


async def test_changes_at_once_come_one_after_the_other(api: Api) -> None:
    bob = await api.new_customer(BOB)

    first, second = await asyncio.gather(
        change(api, bob, {"email": ANN}), change(api, bob, {"name": "Ann"})
    )

    assert (first.status, second.status) == (200, 200)
    assert at_stripe_now(api, bob) == (ANN, "Ann")


async def test_many_changes_at_once_are_all_made_one_after_the_other(api: Api) -> None:
    bob = await api.new_customer(BOB)
    emails = [f"bob-{number}@shop.example" for number in range(20)]

    heard = await asyncio.gather(*(change(api, bob, {"email": email}) for email in emails))

    assert [one.status for one in heard] == [200] * 20
    assert at_stripe_now(api, bob)[0] in emails


async def test_two_that_want_one_email_at_once_are_one_that_has_it(api: Api) -> None:
    bob, eve = await api.new_customer(BOB), await api.new_customer("eve@shop.example")

    heard = await asyncio.gather(change(api, bob, {"email": ANN}), change(api, eve, {"email": ANN}))

    assert sorted(one.status for one in heard) == [200, 409]
    assert await owner(api, ANN) == (bob if heard[0].status == 200 else eve)


async def test_a_key_gives_the_first_answer_again(api: Api) -> None:
    bob = await api.new_customer(BOB)
    key = {"Idempotency-Key": "k1"}

    first = await change(api, bob, {"email": ANN}, headers=key)
    await change(api, bob, {"name": "Ann"})
    again = await change(api, bob, {"email": ANN}, headers=key)
    other = await change(api, bob, {"email": BOB}, headers=key)

    assert again.body == first.body
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status, other.code) == (422, "idempotency_key_reused")


async def test_a_customer_that_was_deleted_at_stripe_is_made_anew_to_be_changed(api: Api) -> None:
    bob = await api.new_customer(BOB)
    key = {"Authorization": "Bearer sk_test_sandbox"}
    api.shop.stripe.deliver("delete", f"https://x/v1/customers/{bob}", key, None)
    await tell(api.shop, "customer.deleted")

    changed = await change(api, bob, {"name": "Bob"})

    assert changed.status == 200
    assert changed.data["customerId"] != bob
    assert at_stripe_now(api, changed.data["customerId"]) == (BOB, "Bob")


async def test_a_customer_that_is_deleted_at_stripe_meanwhile_is_told_to_come_back(
    api: Api,
) -> None:
    bob = await api.new_customer(BOB)
    key = {"Authorization": "Bearer sk_test_sandbox"}
    api.shop.stripe.deliver("delete", f"https://x/v1/customers/{bob}", key, None)

    refused = await change(api, bob, {"email": ANN})
    changed = await change(api, bob, {"email": ANN})

    assert (refused.status, refused.code) == (503, "stripe_unavailable")
    assert (changed.status, changed.data["email"]) == (200, ANN)


async def test_an_end_user_may_change_their_name_and_nothing_else(shop: Shop) -> None:
    api = open_guarded(shop)
    service, jane = api.provider.token(), api.provider.user(BOB)
    bob = (await api.as_(service, "POST", "/payment/customer", {"email": BOB})).data["customerId"]
    ann = (await api.as_(service, "POST", "/payment/customer", {"email": ANN})).data["customerId"]
    path = f"/payment/customer/{bob}"

    named = await api.as_(jane, "PUT", path, {"name": "Bob", "email": "BOB@shop.example"})
    moved = await api.as_(jane, "PUT", path, {"email": "eve@shop.example"})
    taken = await api.as_(jane, "PUT", path, {"email": ANN})
    others = await api.as_(jane, "PUT", f"/payment/customer/{ann}", {"name": "Bob"})

    assert (named.status, named.data["name"]) == (200, "Bob")
    assert (moved.status, moved.code) == (403, "email_not_changeable")
    assert (taken.status, taken.code) == (403, "email_not_changeable")
    assert (others.status, others.code) == (404, "not_found")
    assert at_stripe_now(api, ann) == (ANN, None)


async def test_a_token_of_the_old_email_reaches_nothing_of_the_customer(shop: Shop) -> None:
    api = open_guarded(shop)
    service, old, new = api.provider.token(), api.provider.user(BOB), api.provider.user(ANN)
    made = await api.as_(service, "POST", "/payment/customer", {"email": BOB})
    bob = made.data["customerId"]
    card = {"customerId": bob, "paymentMethodId": "pm_card_visa"}
    await api.as_(service, "POST", "/payment/payment-method", card)
    at_stripe(shop, f"/v1/customers/{bob}", email=ANN)
    await tell(shop, "customer.updated")
    order = {"amount": 6522, "orderId": "o-1", "customerId": bob, "confirm": True}

    cards = await api.as_(old, "GET", f"/payment/payment-methods/{bob}")
    paid = await api.as_(old, "POST", "/payment/payment-intent", order)
    mine = await api.as_(old, "POST", "/payment/customer", {"email": BOB})
    theirs = await api.as_(old, "GET", f"/payment/customer/{ANN}")
    anns = await api.as_(new, "GET", f"/payment/payment-methods/{bob}")

    assert (cards.status, paid.status, theirs.status) == (404, 404, 404)
    assert mine.status == 201
    assert mine.data["customerId"] != bob
    assert (anns.status, len(anns.data)) == (200, 1)
    assert shop.engine.ledger()["payment_intents"] == []


@pytest.mark.parametrize("how", ["post", "get"])
async def test_a_customer_that_only_stripe_knows_is_found_as_it_is_spelled_there(
    api: Api, how: str
) -> None:
    spelled = "Mixed@Shop.Example"
    at_stripe(api.shop, "/v1/customers", email=spelled)
    [there] = api.shop.engine.ledger()["customers"]

    if how == "post":
        found = await api.post("/payment/customer", {"email": f" {spelled} "})
    else:
        found = await api.get(f"/payment/customer/{spelled}")

    again = await api.post("/payment/customer", {"email": spelled.lower()})
    assert (found.status, found.data["customerId"]) == (200, there["id"])
    assert (again.status, again.data["customerId"]) == (200, there["id"])
    assert len(api.shop.engine.ledger()["customers"]) == 1


@pytest.mark.parametrize(
    "email",
    [
        "\u0430nn@shop.example",
        "\uff41nn@shop.example",
        "\u212aim@shop.example",
        "ad\u0131@x.example",
    ],
)
async def test_letters_that_only_look_like_ascii_are_400(api: Api, email: str) -> None:
    made = await api.post("/payment/customer", {"email": email})

    assert (made.status, made.bad_fields) == (400, ["email"])
    assert api.shop.engine.ledger()["customers"] == []


async def test_an_address_of_another_language_is_one(api: Api) -> None:
    made = await api.post("/payment/customer", {"email": "J\u00fcrgen@m\u00fcller.example"})

    assert made.status == 201
    assert await owner(api, "j\u00fcrgen@m\u00fcller.example") == made.data["customerId"]


async def test_a_card_past_its_month_is_expired(api: Api) -> None:
    payer = await api.new_payer()
    now = api.shop.world.clock.now()
    [card] = (await api.get(f"/payment/payment-methods/{payer}")).data
    month, year = (12, now.year - 1) if now.month == 1 else (now.month - 1, now.year)
    for exp_month, exp_year, expired in ((now.month, now.year, False), (month, year, True)):
        api.shop.engine.update_card(
            card["payment_method_id"], exp_month, exp_year, now=api.shop.stripe.now()
        )
        await tell(api.shop, "payment_method.automatically_updated")

        [shown] = (await api.get(f"/payment/payment-methods/{payer}")).data
        assert (shown["expired"], shown["display_brand"]) == (expired, "visa")
