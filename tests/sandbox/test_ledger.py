"""The books say of everything what, for whom, by which card and in which currency."""

from __future__ import annotations

from typing import Any

from tests.sandbox.account import NO_REDIRECT, Account

TERMS: dict[str, Any] = {
    "amount": 7000,
    "currency": "JPY",
    "description": "Two tickets",
    "metadata": {"order_id": "o-1"},
    "confirm": "true",
}


def new_customer(account: Account, email: str = "a@example.com") -> str:
    made = account.post("/v1/customers", {"email": email, "name": "Ada"})
    customer_id: str = made.body["id"]
    return customer_id


def test_an_intent_is_written_down_with_all_that_was_asked_of_it() -> None:
    account = Account()
    customer = new_customer(account)

    paid = account.post(
        "/v1/payment_intents",
        {
            **TERMS,
            "customer": customer,
            "capture_method": "manual",
            "payment_method": "pm_card_visa",
            "return_url": "https://shop.example/back",
        },
    )

    [intent] = account.engine.ledger()["payment_intents"]
    told = {name: value for name, value in intent.items() if name not in {"charges", "id"}}
    [confirmation] = told.pop("confirmations")
    assert told == {
        "status": "requires_capture",
        "created": int(account.now),
        "amount": 7000,
        "currency": "jpy",
        "amount_capturable": 7000,
        "amount_received": 0,
        "amount_refunded": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "manual",
        "capture_before": int(account.now + account.config.hold_expires_after_s),
        "disputed": False,
        "metadata": {"order_id": "o-1"},
        "customer": customer,
        "description": "Two tickets",
        "payment_method": paid.body["payment_method"],
        "allow_redirects": "always",
    }
    assert confirmation["card"]["last4"] == "4242"
    assert (confirmation["off_session"], confirmation["by_payer"]) == (False, False)
    assert confirmation["payment_method"] == paid.body["payment_method"]
    assert confirmation["return_url"] == "https://shop.example/back"


def test_every_charge_is_written_down_with_its_card_and_its_failure() -> None:
    account = Account()
    customer = new_customer(account)
    terms = {**TERMS, **NO_REDIRECT, "customer": customer}
    refused = account.post(
        "/v1/payment_intents", {**terms, "payment_method": "pm_card_visa_chargeDeclined"}
    )
    intent_id = refused.error["payment_intent"]["id"]
    account.post(
        f"/v1/payment_intents/{intent_id}/confirm",
        {"payment_method": "pm_card_mastercard", "off_session": "true"},
    )

    [intent] = account.engine.ledger()["payment_intents"]
    [first, second] = intent["charges"]
    names = ("amount", "currency", "customer", "description", "paid", "captured")
    assert [first[name] for name in names] == [7000, "jpy", customer, "Two tickets", False, False]
    assert [second[name] for name in names] == [7000, "jpy", customer, "Two tickets", True, True]
    assert [(one["status"], one["failure_code"]) for one in (first, second)] == [
        ("failed", "card_declined"),
        ("succeeded", None),
    ]
    assert [one["card"]["last4"] for one in (first, second)] == ["0002", "4444"]
    assert first["card"]["fingerprint"] != second["card"]["fingerprint"]
    assert [one["off_session"] for one in intent["confirmations"]] == [False, True]
    assert [one["card"]["brand"] for one in intent["confirmations"]] == ["visa", "mastercard"]


def test_customers_are_written_down_with_their_cards_and_stay_when_they_are_deleted() -> None:
    account = Account()
    kept, gone = new_customer(account), new_customer(account, "b@example.com")
    card = account.post("/v1/payment_methods/pm_card_visa/attach", {"customer": kept}).body["id"]
    account.post(f"/v1/payment_methods/{card}", {"billing_details": {"name": "Ada L"}})
    account.post(f"/v1/customers/{kept}", {"invoice_settings": {"default_payment_method": card}})
    account.delete(f"/v1/customers/{gone}")

    [first, second] = account.engine.ledger()["customers"]

    assert (first["id"], first["email"], first["name"]) == (kept, "a@example.com", "Ada")
    assert (first["deleted"], first["default_payment_method"]) == (False, card)
    [shown] = first["cards"]
    assert (shown["id"], shown["last4"], shown["name"]) == (card, "4242", "Ada L")
    assert (second["id"], second["email"], second["deleted"]) == (gone, "b@example.com", True)
    assert second["cards"] == []


def test_no_card_number_stands_in_the_books() -> None:
    account = Account()
    account.post("/v1/payment_intents", {**TERMS, **NO_REDIRECT, "payment_method": "pm_card_visa"})

    assert "4242424242424242" not in str(account.engine.ledger())
