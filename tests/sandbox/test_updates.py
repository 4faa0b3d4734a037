"""Changing what is there: intents before they are decided, customers, and what reads show of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.account import NO_REDIRECT, Account

INTENT = {"amount": 1000, "currency": "usd", **NO_REDIRECT}


def test_a_card_given_later_makes_the_intent_ready_and_taking_it_away_undoes_that() -> None:
    account = Account()
    path = f"/v1/payment_intents/{account.made('/v1/payment_intents', INTENT)}"

    given = account.post(path, {"payment_method": "pm_card_visa"}).body
    taken = account.post(path, {"payment_method": ""}).body

    assert given["status"] == "requires_confirmation"
    assert given["payment_method"].startswith("pm_1")
    assert (taken["status"], taken["payment_method"]) == ("requires_payment_method", None)


def test_amount_currency_and_customer_can_change_while_nothing_is_decided() -> None:
    account = Account()
    customer = account.customer()
    path = f"/v1/payment_intents/{account.made('/v1/payment_intents', INTENT)}"

    body = account.post(
        path,
        {
            "amount": 700,
            "currency": "EUR",
            "customer": customer,
            "capture_method": "manual",
            "setup_future_usage": "off_session",
            "payment_method_options": {"card": {"request_three_d_secure": "any"}},
        },
    ).body
    without = account.post(path, {"customer": ""}).body

    assert (body["amount"], body["currency"], body["customer"]) == (700, "eur", customer)
    assert (body["capture_method"], body["setup_future_usage"]) == ("manual", "off_session")
    assert body["payment_method_options"]["card"]["request_three_d_secure"] == "any"
    assert without["customer"] is None


@pytest.mark.parametrize(
    "change",
    [{"amount": 0}, {"amount": 49}, {"currency": "zzz"}, {"currency": "sek", "amount": 299}],
)
def test_an_update_cannot_bring_in_an_impossible_amount(change: dict[str, Any]) -> None:
    account = Account()
    made = account.made("/v1/payment_intents", INTENT)
    before = account.get(f"/v1/payment_intents/{made}").body

    answer = account.post(f"/v1/payment_intents/{made}", change)

    assert answer.status == 400
    assert account.get(f"/v1/payment_intents/{made}").body == before


@pytest.mark.parametrize(("amount", "status"), [(1000, 200), (999, 400)])
def test_the_amount_to_confirm_must_be_that_of_the_intent(amount: int, status: int) -> None:
    account = Account()
    made = account.made("/v1/payment_intents", INTENT)

    answer = account.post(
        f"/v1/payment_intents/{made}/confirm",
        {"amount_to_confirm": amount, "payment_method": "pm_card_visa"},
    )

    assert answer.status == status
    assert len(account.books()["payment_intents"][0]["charges"]) == (1 if status == 200 else 0)


def test_confirming_can_change_what_it_needs() -> None:
    account = Account()
    made = account.made("/v1/payment_intents", INTENT)

    body = account.post(
        f"/v1/payment_intents/{made}/confirm",
        {
            "payment_method": "pm_card_threeDSecureOptional",
            "capture_method": "manual",
            "payment_method_options": {"card": {"request_three_d_secure": "challenge"}},
        },
    ).body

    assert (body["status"], body["capture_method"]) == ("requires_action", "manual")


def test_a_refused_confirmation_changes_nothing() -> None:
    account = Account()
    made = account.made("/v1/payment_intents", INTENT)
    before = account.get(f"/v1/payment_intents/{made}").body

    answer = account.post(
        f"/v1/payment_intents/{made}/confirm",
        {"payment_method": "pm_nope", "capture_method": "manual"},
    )

    assert (answer.status, answer.error["code"]) == (400, "resource_missing")
    assert account.get(f"/v1/payment_intents/{made}").body == before


def test_a_refusal_shows_the_intent_as_it_is_kept() -> None:
    account = Account()
    made = account.pay().body

    answer = account.post(
        f"/v1/payment_intents/{made['id']}/confirm", {"payment_method": "pm_card_mastercard"}
    )

    assert answer.error["code"] == "payment_intent_unexpected_state"
    assert answer.error["payment_intent"] == made


def test_automatic_methods_can_be_switched_off() -> None:
    body = (
        Account()
        .post(
            "/v1/payment_intents",
            {"amount": 1000, "currency": "usd", "automatic_payment_methods": {"enabled": False}},
        )
        .body
    )

    assert (body["automatic_payment_methods"], body["payment_method_types"]) == (None, ["card"])


def test_automatic_capture_is_in_the_books_at_once() -> None:
    account = Account()

    charge = account.pay(capture_method="automatic", expand=["latest_charge"]).body["latest_charge"]

    assert charge["balance_transaction"].startswith("txn_3")


def test_the_books_can_be_read_by_source_and_type() -> None:
    account = Account()
    intent = account.pay(5000, capture_method="automatic").body
    refund = account.made("/v1/refunds", {"payment_intent": intent["id"], "amount": 100})

    by_source = account.get(
        "/v1/balance_transactions", {"source": refund, "expand": ["data.source"]}
    ).body["data"]
    charges = account.get("/v1/balance_transactions", {"type": "charge"}).body["data"]

    assert [line["amount"] for line in by_source] == [-100]
    assert by_source[0]["source"]["id"] == refund
    assert [(line["amount"], line["fee"]) for line in charges] == [(5000, 175)]
    missing = account.get("/v1/balance_transactions/txn_x")
    assert missing.error["message"] == "No such balance transaction: 'txn_x'"


def test_an_event_is_asked_for_by_one_type_or_by_several() -> None:
    account = Account()

    both = account.get("/v1/events", {"type": "a", "types": ["b"]})
    too_many = account.get("/v1/events", {"types": [f"t{number}" for number in range(21)]})
    missing = account.get("/v1/events/evt_x")

    assert [answer.status for answer in (both, too_many, missing)] == [400, 400, 404]
    assert missing.error["message"] == "No such event: 'evt_x'"


def test_all_of_a_customer_can_be_said() -> None:
    account = Account()
    said = {
        "address": {"city": "Oslo", "country": "NO"},
        "balance": -500,
        "phone": "+47 22 00 00 00",
        "preferred_locales": ["nb", "en"],
        "shipping": {"name": "Ann", "address": {"line1": "Way 1"}},
        "tax_exempt": "reverse",
    }

    body = account.post("/v1/customers", said).body
    cleared = account.post(f"/v1/customers/{body['id']}", {"shipping": "", "address": ""}).body

    assert (body["balance"], body["tax_exempt"]) == (-500, "reverse")
    assert body["preferred_locales"] == ["nb", "en"]
    assert body["shipping"]["address"]["line1"] == "Way 1"
    assert (cleared["shipping"], cleared["address"]) == (None, None)


def test_the_card_of_a_customer_is_asked_for_by_its_real_id() -> None:
    answer = Account().post("/v1/customers", {"payment_method": "pm_nope"})

    assert (answer.status, answer.error["message"]) == (400, "No such PaymentMethod: 'pm_nope'")
