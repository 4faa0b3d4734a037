"""Charges by themselves: described anew, and otherwise refused as the real API refuses today."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.account import Account


def test_a_charge_is_described_anew_and_its_event_says_what_it_was() -> None:
    account = Account()
    charge = account.pay().body["latest_charge"]

    after = account.post(f"/v1/charges/{charge}", {"description": "a", "metadata": {"b": "c"}})
    account.post(f"/v1/charges/{charge}", {"description": "a"})  # which changes nothing

    assert (after.body["description"], after.body["metadata"]) == ("a", {"b": "c"})
    assert account.get(f"/v1/charges/{charge}").body == after.body
    [event] = [e for e in account.engine.events if e["type"] == "charge.updated"]
    assert event["data"]["previous_attributes"] == {"description": None, "metadata": {"b": None}}


def test_a_charge_that_holds_money_is_captured_by_its_intent_alone() -> None:
    account = Account()
    intent = account.pay(capture_method="manual").body
    path = f"/v1/charges/{intent['latest_charge']}/capture"

    refused = account.post(path)
    account.post(f"/v1/payment_intents/{intent['id']}/capture")
    again = account.post(path)

    assert (refused.status, intent["id"] in refused.error["message"]) == (400, True)
    assert (again.status, again.error["code"]) == (400, "charge_already_captured")


@pytest.mark.parametrize(
    ("parameters", "status", "code", "param"),
    [
        ({"source": "src_1"}, 400, "resource_missing", "source"),
        ({"customer": "cus_nobody"}, 400, "resource_missing", "customer"),
        ({"amount": 10}, 400, "amount_too_small", "amount"),
        ({"currency": "xxx"}, 400, None, "currency"),
    ],
)
def test_nothing_is_charged_without_an_intent(
    parameters: dict[str, Any], status: int, code: str | None, param: str
) -> None:
    account = Account()

    refused = account.post("/v1/charges", {"amount": 1000, "currency": "usd", **parameters})

    assert (refused.status, refused.error.get("code"), refused.error["param"]) == (
        status,
        code,
        param,
    )
    assert account.get("/v1/charges").body["data"] == []


@pytest.mark.parametrize(
    ("verb", "parameters"),
    [
        ("capture", {"amount_to_capture": -1}),
        ("capture", {"amount_to_capture": 0}),
        ("capture", {"amount_to_capture": 5000}),
        ("confirm", {"payment_method": "pm_nobody"}),
        ("confirm", {"return_url": "nowhere"}),
    ],
)
def test_what_is_refused_about_an_intent_shows_it_as_it_stands(
    verb: str, parameters: dict[str, Any]
) -> None:
    account = Account()
    intent = account.pay(capture_method="manual").body

    refused = account.post(f"/v1/payment_intents/{intent['id']}/{verb}", parameters)

    assert refused.status == 400
    assert refused.error["payment_intent"] == intent


def test_what_is_refused_about_no_intent_shows_none() -> None:
    account = Account()
    intent = account.pay(capture_method="manual").body

    missing = account.post("/v1/payment_intents/pi_nobody/capture")
    unknown = account.post(f"/v1/payment_intents/{intent['id']}/capture", {"amout": 1})

    assert (missing.status, "payment_intent" in missing.error) == (404, False)
    assert (unknown.error["code"], "payment_intent" in unknown.error) == (
        "parameter_unknown",
        False,
    )
