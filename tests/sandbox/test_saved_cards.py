"""Saved cards and their owners: renewed by the network, let go of with the customer."""

from __future__ import annotations

from typing import Any

import pytest

from stripe_sandbox.engine.errors import ApiError
from tests.sandbox.account import NO_REDIRECT, Account


def test_the_network_renews_a_saved_card() -> None:
    account = Account()
    card = account.card(account.customer())

    renewed = account.engine.update_card(card, 3, 2031, now=account.now)

    assert (renewed["card"]["exp_month"], renewed["card"]["exp_year"]) == (3, 2031)
    assert account.get(f"/v1/payment_methods/{card}").body == renewed
    event = account.engine.events[-1]
    assert event["type"] == "payment_method.automatically_updated"
    assert event["data"]["previous_attributes"] == {"card": {"exp_month": 9, "exp_year": 2027}}
    assert event["request"] == {"id": None, "idempotency_key": None}


def test_the_network_renews_nothing_that_is_not_saved() -> None:
    account = Account()
    loose = account.get("/v1/payment_methods/pm_card_visa").body["id"]

    for method_id in (loose, "pm_x"):
        with pytest.raises(ApiError):
            account.engine.update_card(method_id, 3, 2031, now=account.now)

    assert account.engine.events == []


def test_a_card_can_be_changed_and_the_event_says_what() -> None:
    account = Account()
    card = account.card(account.customer())

    account.post(f"/v1/payment_methods/{card}", {"card": {"exp_year": 2030}})

    event = account.engine.events[-1]
    assert event["type"] == "payment_method.updated"
    assert event["data"]["previous_attributes"] == {"card": {"exp_year": 2027}}


def test_a_change_that_changes_nothing_tells_nobody() -> None:
    account = Account()
    customer = account.customer(name="Ann")
    card = account.card(customer)
    before = account.event_types()

    account.post(f"/v1/customers/{customer}", {"name": "Ann"})
    account.post(f"/v1/payment_methods/{card}", {"card": {"exp_year": 2027}})

    assert account.event_types() == before


def test_deleting_a_customer_lets_go_of_its_cards() -> None:
    account = Account()
    customer = account.customer()
    cards = [account.card(customer), account.card(customer, "mastercard")]

    account.delete(f"/v1/customers/{customer}")

    events = account.engine.events[-3:]
    assert [event["type"] for event in events] == [
        "payment_method.detached",
        "payment_method.detached",
        "customer.deleted",
    ]
    assert [event["data"]["object"]["id"] for event in events[:2]] == cards
    for event in events[:2]:
        assert event["data"]["previous_attributes"] == {"customer": customer}
        assert event["data"]["object"]["customer"] is None
    assert "deleted" not in events[2]["data"]["object"]
    assert "previous_attributes" not in events[2]["data"]
    attached = account.post(
        f"/v1/payment_methods/{cards[0]}/attach", {"customer": account.customer()}
    )
    assert attached.status == 400


@pytest.mark.parametrize("kind", ["payment_intents", "setup_intents"])
def test_nothing_is_begun_or_confirmed_for_a_deleted_customer(kind: str) -> None:
    account = Account()
    customer = account.customer()
    money: dict[str, Any] = {"amount": 1000, "currency": "usd"} if kind[0] == "p" else {}
    wish = {**money, **NO_REDIRECT, "customer": customer, "payment_method": "pm_card_visa"}
    made = account.made(f"/v1/{kind}", wish)
    account.delete(f"/v1/customers/{customer}")
    before = account.engine.events

    create = account.post(f"/v1/{kind}", wish)
    confirm = account.post(f"/v1/{kind}/{made}/confirm")

    for refused in (create, confirm):
        assert (refused.status, refused.error["code"]) == (400, "resource_missing")
        assert refused.error["param"] == "customer"
        assert refused.error["message"] == f"No such customer: '{customer}'"
    assert account.engine.events == before
    assert account.get(f"/v1/{kind}/{made}").body["status"] == "requires_confirmation"
