"""Taking the money: at once, later, in part, too late; and when it stands in the books."""

from __future__ import annotations

import pytest

from tests.sandbox.account import Account


def test_manual_capture_holds_the_money_first() -> None:
    account = Account()

    body = account.pay(6500, capture_method="manual", expand=["latest_charge"]).body

    charge = body["latest_charge"]
    assert (body["status"], body["amount_capturable"]) == ("requires_capture", 6500)
    assert (charge["captured"], charge["paid"], charge["amount_captured"]) == (False, True, 0)
    details = charge["payment_method_details"]["card"]
    assert details["capture_before"] == int(account.now) + 7 * 86_400
    assert account.event_types()[-1] == "payment_intent.amount_capturable_updated"


def test_a_part_can_be_captured_and_the_rest_is_released() -> None:
    account = Account()
    made = account.pay(6500, capture_method="manual").body["id"]

    body = account.post(f"/v1/payment_intents/{made}/capture", {"amount_to_capture": 5000}).body
    again = account.post(f"/v1/payment_intents/{made}/capture")

    assert (body["status"], body["amount"], body["amount_received"]) == ("succeeded", 6500, 5000)
    assert again.error["message"] == (
        "The remaining amount on this PaymentIntent could not be captured because the remainder "
        "of the authorized amount has been released."
    )
    assert account.books()["refunds"] == []
    assert account.event_types()[-2:] == ["charge.captured", "payment_intent.succeeded"]


@pytest.mark.parametrize(
    ("amount", "code", "param"),
    [
        (6501, "amount_too_large", None),
        (0, "parameter_invalid_integer", "amount"),
        (-1, None, "amount_to_capture"),
    ],
)
def test_more_than_is_held_cannot_be_captured(
    amount: int, code: str | None, param: str | None
) -> None:
    account = Account()
    made = account.pay(6500, capture_method="manual").body["id"]
    before = account.books()

    answer = account.post(f"/v1/payment_intents/{made}/capture", {"amount_to_capture": amount})

    assert answer.status == 400
    assert (answer.error.get("code"), answer.error.get("param")) == (code, param)
    assert account.books() == before


def test_a_hold_lapses_after_seven_days() -> None:
    account = Account()
    made = account.pay(capture_method="manual").body["id"]

    account.now += 7 * 86_400
    body = account.get(f"/v1/payment_intents/{made}").body

    assert (body["status"], body["cancellation_reason"]) == ("canceled", "expired")
    assert account.event_types()[-2:] == ["charge.expired", "payment_intent.canceled"]


def test_the_books_follow_the_charge_by_some_seconds() -> None:
    account = Account()
    charge = account.pay(1000).body["latest_charge"]

    at_once = account.get(f"/v1/charges/{charge}").body["balance_transaction"]
    account.now += 2
    later = account.get(f"/v1/charges/{charge}", {"expand": ["balance_transaction"]}).body

    line = later["balance_transaction"]
    assert at_once is None
    assert (line["amount"], line["fee"], line["net"]) == (1000, 59, 941)
    assert (line["type"], line["source"]) == ("charge", charge)
    updated = account.engine.events[-1]
    assert updated["type"] == "charge.updated"
    assert updated["data"]["previous_attributes"] == {"balance_transaction": None}
    assert updated["request"] == {"id": None, "idempotency_key": None}
