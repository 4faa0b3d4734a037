"""Holds: let go of by hand or by time, taken in part, and what the books say of them."""

from __future__ import annotations

from typing import Any

import pytest

from stripe_sandbox.engine import Config
from tests.sandbox.account import Account


def held(account: Account) -> Any:
    return account.pay(6500, capture_method="manual").body


def test_a_cancelled_hold_leaves_no_refund() -> None:
    account = Account()
    intent = held(account)

    body = account.post(
        f"/v1/payment_intents/{intent['id']}/cancel", {"cancellation_reason": "abandoned"}
    ).body

    assert (body["status"], body["amount_capturable"]) == ("canceled", 0)
    assert (body["cancellation_reason"], body["canceled_at"]) == ("abandoned", int(account.now))
    charge = account.get(f"/v1/charges/{intent['latest_charge']}").body
    assert (charge["captured"], charge["refunded"], charge["amount_refunded"]) == (False, False, 0)
    assert account.books()["refunds"] == []
    types = account.event_types()
    assert types[-1] == "payment_intent.canceled"
    assert "charge.refunded" not in types
    assert "charge.expired" not in types
    lines = account.get("/v1/balance_transactions").body["data"]
    assert lines == []


def test_a_cancelled_hold_may_be_told_as_expired_too() -> None:
    account = Account(Config(cancel_expires_charge=True))
    intent = held(account)

    account.post(f"/v1/payment_intents/{intent['id']}/cancel")

    assert account.event_types()[-2:] == ["charge.expired", "payment_intent.canceled"]


def test_an_expired_hold_is_cancelled_by_stripe_itself() -> None:
    account = Account()
    intent = held(account)
    [row] = account.engine.ledger()["payment_intents"]

    account.now = row["capture_before"] - 1
    before = account.get(f"/v1/payment_intents/{intent['id']}").body["status"]
    account.now += 1
    after = account.get(f"/v1/payment_intents/{intent['id']}").body

    assert before == "requires_capture"
    assert (after["status"], after["cancellation_reason"]) == ("canceled", "expired")
    assert (after["canceled_at"], after["amount_capturable"]) == (row["capture_before"], 0)
    expired, canceled = account.engine.events[-2:]
    assert (expired["type"], canceled["type"]) == ("charge.expired", "payment_intent.canceled")
    assert expired["request"] == {"id": None, "idempotency_key": None}
    assert expired["data"]["object"]["amount_refunded"] == 0
    assert canceled["data"]["object"] == after
    refused = account.post(f"/v1/payment_intents/{intent['id']}/capture")
    assert refused.error["message"] == (
        "This PaymentIntent could not be captured because it has a status of canceled. Only a "
        "PaymentIntent with one of the following statuses may be captured: requires_capture."
    )


def test_what_was_captured_in_time_does_not_expire() -> None:
    account = Account()
    intent = held(account)
    account.post(f"/v1/payment_intents/{intent['id']}/capture", {"amount_to_capture": 5000})

    account.now += 8 * 86_400
    body = account.get(f"/v1/payment_intents/{intent['id']}").body

    assert (body["status"], body["amount_received"]) == ("succeeded", 5000)
    assert "charge.expired" not in account.event_types()


def test_the_books_say_what_is_held() -> None:
    account = Account()
    intent = held(account)

    [row] = account.engine.ledger()["payment_intents"]
    account.post(f"/v1/payment_intents/{intent['id']}/cancel")
    [after] = account.engine.ledger()["payment_intents"]

    assert (row["amount_capturable"], row["cancellation_reason"]) == (6500, None)
    assert row["capture_before"] == int(account.now) + 7 * 86_400
    assert (after["amount_capturable"], after["disputed"]) == (0, False)


@pytest.mark.parametrize("action", ["cancel", "capture", "confirm"])
def test_what_is_over_stays_over(action: str) -> None:
    account = Account()
    intent = held(account)
    account.post(f"/v1/payment_intents/{intent['id']}/cancel")
    before = account.books()

    answer = account.post(f"/v1/payment_intents/{intent['id']}/{action}")

    assert (answer.status, answer.error["code"]) == (400, "payment_intent_unexpected_state")
    assert answer.error["payment_intent"]["status"] == "canceled"
    assert account.books() == before
