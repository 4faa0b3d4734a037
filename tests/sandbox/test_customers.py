"""Customers and their payment methods: attached, detached, defaults, deletion, and the events."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.account import Account

ADDRESS = {
    "city": "Oslo",
    "country": None,
    "line1": None,
    "line2": None,
    "postal_code": None,
    "state": None,
}


def last_event(account: Account) -> Any:
    return account.engine.events[-1]


def test_an_address_has_all_its_keys() -> None:
    account = Account()

    body = account.post("/v1/customers", {"address": {"city": "Oslo"}, "name": "Ann"}).body

    assert body["address"] == ADDRESS


def test_an_update_event_says_what_was_different() -> None:
    account = Account()
    customer = account.customer(name="Before", email="before@shop.example")

    changed = {"name": "After", "invoice_settings": {"footer": "x"}}
    account.post(f"/v1/customers/{customer}", changed, key="k")

    event = last_event(account)
    assert event["type"] == "customer.updated"
    assert event["api_version"] == "2026-10-28.endive"
    assert event["data"]["object"]["name"] == "After"
    assert event["data"]["previous_attributes"] == {
        "invoice_settings": {"footer": None},
        "name": "Before",
    }
    assert event["request"]["idempotency_key"] == "k"
    assert list(event) == [
        "id",
        "object",
        "api_version",
        "created",
        "data",
        "livemode",
        "pending_webhooks",
        "request",
        "type",
    ]


def test_an_event_keeps_the_object_as_it_was() -> None:
    account = Account()
    customer = account.customer(name="Before")
    account.post(f"/v1/customers/{customer}", {"name": "After"})

    created = account.get("/v1/events", {"type": "customer.created"}).body["data"][0]

    assert created["data"]["object"]["name"] == "Before"
    assert account.get(f"/v1/events/{created['id']}").body == created


def test_a_deleted_customer_leaves_a_stub_and_no_cards() -> None:
    account = Account()
    customer = account.customer(name="Ann")
    card = account.card(customer)

    stub = account.delete(f"/v1/customers/{customer}")
    read = account.get(f"/v1/customers/{customer}")
    update = account.post(f"/v1/customers/{customer}", {"name": "x"})
    again = account.delete(f"/v1/customers/{customer}")

    assert stub.body == {"id": customer, "object": "customer", "deleted": True}
    assert (read.status, read.body) == (200, stub.body)
    assert (update.status, again.status) == (404, 404)
    assert account.get(f"/v1/payment_methods/{card}").body["customer"] is None
    assert account.get("/v1/customers").body["data"] == []
    event = last_event(account)
    assert event["type"] == "customer.deleted"
    assert "deleted" not in event["data"]["object"]
    assert event["data"]["object"]["name"] == "Ann"


def test_a_card_of_somebody_else_cannot_be_attached() -> None:
    account = Account()
    owner, other = account.customer(), account.customer()
    card = account.card(owner)

    answer = account.post(f"/v1/payment_methods/{card}/attach", {"customer": other})

    assert (answer.status, answer.error["message"]) == (
        400,
        "The payment method you provided has already been attached to a customer.",
    )
    assert account.get(f"/v1/payment_methods/{card}").body["customer"] == owner


def test_attaching_needs_a_customer() -> None:
    answer = Account().post("/v1/payment_methods/pm_card_visa/attach")

    assert (answer.status, answer.error["code"]) == (400, "parameter_missing")
    assert answer.error["message"] == "Must provide customer or customer_account."
    assert "param" not in answer.error


def test_detaching_is_for_good() -> None:
    account = Account()
    customer = account.customer()
    card = account.card(customer)
    settings = {"invoice_settings": {"default_payment_method": card}}
    account.post(f"/v1/customers/{customer}", settings)

    account.post(f"/v1/payment_methods/{card}/detach")
    event = last_event(account)
    again = account.post(f"/v1/payment_methods/{card}/attach", {"customer": customer})

    assert event["type"] == "payment_method.detached"
    assert event["data"]["previous_attributes"] == {"customer": customer}
    assert (again.status, again.error["message"]) == (
        400,
        (
            "This PaymentMethod was previously used without being attached to a Customer or was "
            "detached from a Customer, and may not be used again."
        ),
    )
    read = account.get(f"/v1/customers/{customer}").body
    assert read["invoice_settings"]["default_payment_method"] is None


def test_a_payment_method_cannot_be_born_attached() -> None:
    account = Account()

    answer = account.post(
        "/v1/payment_methods",
        {"type": "card", "card": {"token": "tok_visa"}, "customer": account.customer()},
    )

    assert answer.status == 400
    assert answer.error["message"].startswith(
        "You cannot attach a PaymentMethod to a Customer during PaymentMethod creation."
    )


def test_only_attached_methods_can_be_changed() -> None:
    account = Account()
    card = account.made("/v1/payment_methods", {"type": "card", "card": {"token": "tok_visa"}})

    refused = account.post(f"/v1/payment_methods/{card}", {"allow_redisplay": "always"})
    account.post(f"/v1/payment_methods/{card}/attach", {"customer": account.customer()})
    changed = account.post(
        f"/v1/payment_methods/{card}",
        {"card": {"exp_year": 2031}, "billing_details": {"address": {"city": "Oslo"}}},
    )

    assert refused.status == 400
    assert changed.body["card"]["exp_year"] == 2031
    assert changed.body["billing_details"]["address"] == ADDRESS


def test_a_customer_can_be_made_with_a_card() -> None:
    account = Account()

    customer = account.customer(payment_method="pm_card_mastercard")

    cards = account.get("/v1/payment_methods", {"customer": customer, "type": "card"}).body["data"]
    assert [card["card"]["brand"] for card in cards] == ["mastercard"]


def test_a_customer_with_a_bad_card_is_not_made() -> None:
    account = Account()

    answer = account.post("/v1/customers", {"payment_method": "pm_card_chargeDeclined"})

    assert answer.status == 402
    assert account.get("/v1/customers").body["data"] == []
    assert account.engine.events == []


def test_the_default_card_must_be_the_customers_own() -> None:
    account = Account()
    card = account.card(account.customer())
    customer = account.customer()

    answer = account.post(
        f"/v1/customers/{customer}", {"invoice_settings": {"default_payment_method": card}}
    )

    assert answer.status == 400
    read = account.get(f"/v1/customers/{customer}").body
    assert read["invoice_settings"]["default_payment_method"] is None


def test_missing_objects_are_named_as_stripe_names_them() -> None:
    account = Account()

    named = {
        path: account.get(path).error
        for path in ("/v1/payment_methods/pm_x", "/v1/charges/ch_x", "/v1/refunds/re_x")
    }

    assert [(error["message"], error["param"]) for error in named.values()] == [
        ("No such PaymentMethod: 'pm_x'", "payment_method"),
        ("No such charge: 'ch_x'", "id"),
        ("No such refund: 're_x'", "refund"),
    ]


@pytest.mark.parametrize(
    "email",
    [
        "ann@shop..example",
        "ann",
        "@shop.example",
        "ann@",
        "ann@shop",
        "ann@-shop.example",
        "a b@shop.example",
        ".ann@shop.example",
        "ann@shop.example.",
        "ann@bob@shop.example",
        f"{'x' * 65}@shop.example",
        f"ann@{'x.' * 300}example",
    ],
)
def test_what_is_no_address_is_refused_in_a_new_customer_and_in_a_change(email: str) -> None:
    account = Account()
    customer = account.customer(email="ann@shop.example")

    made = account.post("/v1/customers", {"email": email})
    changed = account.post(f"/v1/customers/{customer}", {"email": email})

    for answer in (made, changed):
        error = answer.body["error"]
        assert (answer.status, error["code"], error["param"]) == (400, "email_invalid", "email")
    assert account.get(f"/v1/customers/{customer}").body["email"] == "ann@shop.example"


@pytest.mark.parametrize("email", ["Ann.B+c@Shop.Example", "jürgen@müller.example", "a'b@x-y.io"])
def test_unusual_addresses_are_taken(email: str) -> None:
    assert Account().post("/v1/customers", {"email": email}).body["email"] == email


def test_a_card_that_is_not_attached_cannot_be_the_default() -> None:
    account = Account()
    customer = account.customer()
    card = account.post("/v1/payment_methods", {"type": "card", "card": {"token": "tok_visa"}})

    wanted = {"invoice_settings": {"default_payment_method": card.body["id"]}}
    refused = account.post(f"/v1/customers/{customer}", wanted)

    error = refused.body["error"]
    assert (refused.status, error["code"]) == (400, "resource_missing")
    assert error["param"] == "invoice_settings[default_payment_method]"
    account.post(f"/v1/payment_methods/{card.body['id']}/attach", {"customer": customer})
    assert account.post(f"/v1/customers/{customer}", wanted).status == 200
