"""What becomes of a refund afterwards, played by hand: money and events go with the status."""

from __future__ import annotations

from typing import Any

import pytest

from stripe_sandbox.engine.errors import ApiError
from tests.sandbox.account import Account


def refunded(account: Account, card: str = "visa", **parameters: Any) -> Any:
    intent = account.pay(5000, card=card, **parameters).body
    return account.post("/v1/refunds", {"payment_intent": intent["id"]}).body


def moved(account: Account, refund: Any, status: str, why: str | None = None) -> Any:
    return account.engine.move_refund(refund["id"], status, why, now=account.now)


def money_back(account: Account, refund: Any) -> int:
    amount = account.get(f"/v1/charges/{refund['charge']}").body["amount_refunded"]
    assert isinstance(amount, int)
    return amount


def test_a_pending_refund_can_fail_and_no_money_has_moved() -> None:
    account = Account()
    refund = refunded(account, "pendingRefund")

    failed = moved(account, refund, "failed", "insufficient_funds")
    account.now += 10

    assert (failed["status"], failed["failure_reason"]) == ("failed", "insufficient_funds")
    assert "pending_reason" not in failed
    assert "failure_balance_transaction" not in failed
    assert account.event_types()[-3:] == [
        "refund.failed",
        "refund.updated",
        "charge.refund.updated",
    ]
    assert money_back(account, refund) == 0
    assert account.get(f"/v1/refunds/{refund['id']}").body["status"] == "failed"


def test_a_paid_out_refund_can_fail_and_the_money_comes_back() -> None:
    account = Account()
    refund = refunded(account)

    failed = moved(account, refund, "failed", "lost_or_stolen_card")

    line = account.get(f"/v1/balance_transactions/{failed['failure_balance_transaction']}").body
    assert (line["amount"], line["type"]) == (5000, "refund_failure")
    assert failed["failure_reason"] == "lost_or_stolen_card"
    assert money_back(account, refund) == 0
    again = account.post("/v1/refunds", {"charge": refund["charge"]})
    assert (again.status, again.body["amount"]) == (200, 5000)


def test_a_refund_can_wait_for_the_one_it_is_for() -> None:
    account = Account()
    customer = account.customer(email="ann@shop.example")
    refund = refunded(account, customer=customer)

    waiting = moved(account, refund, "requires_action")

    details = waiting["next_action"]["display_details"]
    assert (waiting["status"], waiting["next_action"]["type"]) == (
        "requires_action",
        "display_details",
    )
    assert details["email_sent"]["email_sent_to"] == "ann@shop.example"
    assert details["expires_at"] > account.now
    assert waiting["balance_transaction"] is None
    assert money_back(account, refund) == 0
    too_much = account.post("/v1/refunds", {"charge": refund["charge"]})
    assert too_much.status == 400


def test_a_refund_that_waits_can_be_cancelled() -> None:
    account = Account()
    refund = refunded(account)
    moved(account, refund, "requires_action")

    cancelled = account.post(f"/v1/refunds/{refund['id']}/cancel").body

    assert (cancelled["status"], "next_action" in cancelled) == ("canceled", False)
    assert account.event_types()[-2:] == ["refund.updated", "charge.refund.updated"]
    assert money_back(account, refund) == 0


def test_a_refund_that_waited_can_succeed() -> None:
    account = Account()
    refund = refunded(account)
    pending = moved(account, refund, "pending")

    after = moved(account, refund, "succeeded")

    assert pending["pending_reason"] == "processing"
    assert (after["status"], "pending_reason" in after) == ("succeeded", False)
    assert after["balance_transaction"] not in (None, refund["balance_transaction"])
    assert money_back(account, refund) == 5000
    assert account.event_types()[-3:] == [
        "charge.refunded",
        "refund.updated",
        "charge.refund.updated",
    ]
    lines = account.get("/v1/balance_transactions", {"source": refund["id"]}).body["data"]
    assert sum(line["amount"] for line in lines) == -5000


def test_moving_nowhere_tells_nobody() -> None:
    account = Account()
    refund = refunded(account)
    before = account.event_types()

    moved(account, refund, "succeeded")

    assert account.event_types() == before
    assert money_back(account, refund) == 5000


@pytest.mark.parametrize("end", ["failed", "canceled"])
def test_the_end_is_the_end(end: str) -> None:
    account = Account()
    refund = refunded(account, "pendingRefund")
    moved(account, refund, end)
    before = account.books()

    with pytest.raises(ApiError):
        moved(account, refund, "succeeded")

    account.now += 10
    account.engine.advance(account.now)
    assert account.books() == before


def test_a_failed_refund_learns_no_reference() -> None:
    account = Account()
    refund = refunded(account)
    moved(account, refund, "failed")

    account.now += 5
    after = account.get(f"/v1/refunds/{refund['id']}").body

    assert "reference" not in after["destination_details"]["card"]
    assert account.event_types().count("refund.updated") == 1
