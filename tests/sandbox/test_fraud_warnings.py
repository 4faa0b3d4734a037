"""Early fraud warnings: what issuers say of a payment before anybody disputes it."""

from __future__ import annotations

from typing import Any

from tests.sandbox.account import Account

PATH = "/v1/radar/early_fraud_warnings"


def warned(account: Account) -> Any:
    """Pay with the card whose issuer warns, and return the warning."""
    account.pay(5000, card="createIssuerFraudRecord")
    [warning] = account.get(PATH).body["data"]
    return warning


def test_one_card_is_warned_of() -> None:
    account = Account()

    warning = warned(account)

    assert list(warning) == [
        "id",
        "object",
        "actionable",
        "charge",
        "created",
        "fraud_type",
        "livemode",
        "payment_intent",
    ]
    assert (warning["object"], warning["actionable"]) == ("radar.early_fraud_warning", True)
    assert warning["id"].startswith("issfr_")
    assert account.get(f"{PATH}/{warning['id']}").body == warning
    assert account.event_types()[-3:] == [
        "charge.succeeded",
        "radar.early_fraud_warning.created",
        "payment_intent.succeeded",
    ]
    assert account.get("/v1/disputes").body["data"] == []
    assert account.get(f"/v1/charges/{warning['charge']}").body["disputed"] is False


def test_a_whole_refund_leaves_nothing_to_do() -> None:
    account = Account()
    warning = warned(account)

    account.post("/v1/refunds", {"charge": warning["charge"], "amount": 1000})
    after_part = account.get(f"{PATH}/{warning['id']}").body["actionable"]
    account.post("/v1/refunds", {"charge": warning["charge"]})
    after_all = account.get(f"{PATH}/{warning['id']}").body["actionable"]

    assert (after_part, after_all) == (True, False)
    event = account.engine.events[-1]
    assert event["type"] == "radar.early_fraud_warning.updated"
    assert event["data"]["previous_attributes"] == {"actionable": True}


def test_a_dispute_leaves_nothing_to_do() -> None:
    account = Account()
    warning = warned(account)

    account.engine.open_dispute(warning["payment_intent"], now=account.now)

    assert account.get(f"{PATH}/{warning['id']}").body["actionable"] is False
    assert account.event_types()[-1] == "radar.early_fraud_warning.updated"


def test_any_payment_can_be_warned_of_by_hand() -> None:
    account = Account()
    one, other = account.pay().body, account.pay().body

    by_intent = account.engine.warn_of_fraud(one["id"], now=account.now)
    by_charge = account.engine.warn_of_fraud(
        other["latest_charge"], "made_with_stolen_card", now=account.now
    )

    assert (by_intent["charge"], by_intent["fraud_type"]) == (one["latest_charge"], "misc")
    assert by_charge["payment_intent"] == other["id"]
    assert by_charge["fraud_type"] == "made_with_stolen_card"
    assert account.engine.ledger()["early_fraud_warnings"] == [by_intent, by_charge]


def test_a_warning_too_late_is_not_actionable() -> None:
    account = Account()
    intent = account.pay(card="createDispute").body

    assert account.engine.warn_of_fraud(intent["id"], now=account.now)["actionable"] is False


def test_warnings_are_found_by_charge_intent_and_time() -> None:
    account = Account()
    first = warned(account)
    account.now += 100
    intent = account.pay().body["id"]
    second = account.engine.warn_of_fraud(intent, now=account.now)

    def found(**filters: Any) -> list[str]:
        return [row["id"] for row in account.get(PATH, filters).body["data"]]

    assert found() == [second["id"], first["id"]]
    assert found(charge=first["charge"]) == [first["id"]]
    assert found(payment_intent=intent) == [second["id"]]
    assert found(created={"lt": second["created"]}) == [first["id"]]


def test_a_warning_shows_its_charge_when_asked() -> None:
    account = Account()
    warning = warned(account)

    body = account.get(f"{PATH}/{warning['id']}", {"expand": ["charge.payment_intent"]}).body

    assert body["charge"]["payment_intent"]["id"] == warning["payment_intent"]


def test_paths_of_three_steps_lead_nowhere_else() -> None:
    account = Account()

    unknown = account.get(f"{PATH}/issfr_x")
    others = [account.get(path).status for path in ("/v1/radar", "/v1/radar/x", f"{PATH}/a/b")]

    assert (unknown.status, unknown.error["code"]) == (404, "resource_missing")
    assert others == [404, 404, 404]
