"""Disputes that somebody opens by hand, on any payment."""

from __future__ import annotations

from tests.sandbox.account import Account


def test_any_payment_can_be_disputed_by_hand() -> None:
    account = Account()
    intent = account.pay(5000).body

    dispute = account.engine.open_dispute(
        intent["id"], "product_unacceptable", 2000, now=account.now
    )

    assert (dispute["amount"], dispute["reason"]) == (2000, "product_unacceptable")
    assert dispute["status"] == "needs_response"
    assert account.get("/v1/disputes").body["data"] == [dispute]
    assert account.event_types()[-2:] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    ]
    assert account.engine.ledger()["payment_intents"][0]["disputed"] is True
    assert account.engine.ledger()["disputes"] == [dispute]
