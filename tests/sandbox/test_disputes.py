"""Disputes: opened by the payer's bank, answered with evidence, won, lost, closed."""

from __future__ import annotations

from typing import Any

import pytest

from stripe_sandbox.engine import Config
from tests.sandbox.account import Account

# All keys of a dispute, in the order the real API writes them.
KEYS = (
    "id object amount balance_transaction balance_transactions charge created currency "
    "enhanced_eligibility_types evidence evidence_details is_charge_refundable livemode metadata "
    "payment_intent payment_method_details reason status"
)
DAY = 86_400


def disputed(account: Account, card: str = "createDispute", amount: int = 5000) -> Any:
    """Pay with a card whose holder goes back on it, and return the dispute."""
    intent = account.pay(amount, card=card).body
    [dispute] = account.get("/v1/disputes", {"payment_intent": intent["id"]}).body["data"]
    return dispute


def answered(account: Account, dispute: Any, words: str, **more: Any) -> Any:
    evidence = {"evidence": {"uncategorized_text": words}, **more}
    answer = account.post(f"/v1/disputes/{dispute['id']}", evidence)
    assert answer.status == 200, answer.body
    return answer.body


def looked_up(account: Account, dispute: Any) -> Any:
    return account.get(f"/v1/disputes/{dispute['id']}").body


@pytest.mark.parametrize(
    ("card", "reason", "code"),
    [
        ("createDispute", "fraudulent", "10.4"),
        ("visa_createDispute", "fraudulent", "10.4"),
        ("createDisputeProductNotReceived", "product_not_received", "13.1"),
    ],
)
def test_a_dispute_opens_within_the_confirmation_and_takes_the_money(
    card: str, reason: str, code: str
) -> None:
    account = Account()

    dispute = disputed(account, card)

    assert list(dispute) == KEYS.split()
    assert (dispute["status"], dispute["reason"]) == ("needs_response", reason)
    assert dispute["payment_method_details"]["card"]["network_reason_code"] == code
    assert (dispute["amount"], dispute["is_charge_refundable"]) == (5000, False)
    assert account.event_types()[-4:] == [
        "charge.succeeded",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "payment_intent.succeeded",
    ]
    charge = account.get(f"/v1/charges/{dispute['charge']}", {"expand": ["dispute"]}).body
    assert (charge["disputed"], charge["dispute"]) == (True, dispute)
    [line] = dispute["balance_transactions"]
    assert (line["amount"], line["fee"], line["net"]) == (-5000, 1500, -6500)
    assert (line["type"], line["reporting_category"]) == ("adjustment", "dispute")
    assert line["fee_details"][0]["description"] == "Dispute fee"
    assert line["source"] == dispute["id"]
    assert dispute["balance_transaction"] == line["id"]
    assert account.get(f"/v1/balance_transactions/{line['id']}").body == line


def test_evidence_is_due_at_the_end_of_the_eighth_day() -> None:
    account = Account()

    details = disputed(account)["evidence_details"]

    assert (details["due_by"] + 1) % DAY == 0
    assert details["due_by"] // DAY == int(account.now) // DAY + 8
    assert (details["has_evidence"], details["submission_count"]) == (False, 0)


def test_what_stripe_knows_already_stands_in_the_evidence() -> None:
    account = Account()
    customer = account.customer(name="Ann", email="ann@shop.example")

    intent = account.pay(card="createDispute", customer=customer, description="shoes").body
    [dispute] = account.get("/v1/disputes", {"charge": intent["latest_charge"]}).body["data"]

    evidence = dispute["evidence"]
    known = ("customer_name", "customer_email_address", "product_description")
    assert [evidence[name] for name in known] == ["Ann", "ann@shop.example", "shoes"]
    assert len(evidence) == 28
    assert evidence["uncategorized_text"] is None


def test_an_inquiry_takes_no_money_and_leaves_the_charge_refundable() -> None:
    account = Account()

    dispute = disputed(account, "createDisputeInquiry")

    assert (dispute["status"], dispute["is_charge_refundable"]) == ("warning_needs_response", True)
    assert (dispute["balance_transaction"], dispute["balance_transactions"]) == (None, [])
    assert dispute["payment_method_details"]["card"]["case_type"] == "inquiry"
    assert dispute["payment_method_details"]["card"]["network_reason_code"] == "10"
    assert "charge.dispute.funds_withdrawn" not in account.event_types()
    assert account.get(f"/v1/charges/{dispute['charge']}").body["disputed"] is True


def test_under_manual_capture_the_dispute_opens_at_the_capture() -> None:
    account = Account()
    intent = account.pay(5000, card="createDispute", capture_method="manual").body

    before = account.get("/v1/disputes").body["data"]
    account.post(f"/v1/payment_intents/{intent['id']}/capture", {"amount_to_capture": 3000})
    [dispute] = account.get("/v1/disputes").body["data"]

    assert before == []
    assert dispute["amount"] == 3000
    assert account.event_types()[-4:] == [
        "charge.captured",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "payment_intent.succeeded",
    ]


def test_a_disputed_charge_cannot_be_refunded() -> None:
    account = Account()
    dispute = disputed(account)
    before = account.books()

    answer = account.post("/v1/refunds", {"charge": dispute["charge"]})

    assert (answer.status, answer.error["code"]) == (400, "charge_disputed")
    assert answer.error["message"] == (
        f"Charge {dispute['charge']} has been charged back; cannot issue a refund."
    )
    assert account.books() == before


def test_winning_evidence_brings_the_money_back_and_the_charge_can_be_refunded_again() -> None:
    account = Account()
    dispute = disputed(account)

    handed_in = answered(account, dispute, "winning_evidence")
    told = account.event_types()[-2:]
    account.now += 4
    still = looked_up(account, dispute)["status"]
    account.now += 1
    won = looked_up(account, dispute)

    assert (handed_in["status"], handed_in["is_charge_refundable"]) == ("under_review", False)
    details = handed_in["evidence_details"]
    assert (details["has_evidence"], details["submission_count"]) == (True, 1)
    assert told == ["charge.dispute.updated", "charge.updated"]
    assert still == "under_review"
    assert (won["status"], won["is_charge_refundable"]) == ("won", True)
    line = won["balance_transactions"][1]
    assert (line["amount"], line["fee"]) == (5000, 0)
    assert line["reporting_category"] == "dispute_reversal"
    assert account.event_types()[-2:] == [
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    ]
    assert account.engine.events[-1]["request"]["id"] is None
    assert account.get(f"/v1/charges/{dispute['charge']}").body["disputed"] is True
    assert account.post("/v1/refunds", {"charge": dispute["charge"]}).status == 200


def test_losing_evidence_loses() -> None:
    account = Account()
    dispute = disputed(account)

    answered(account, dispute, "losing_evidence")
    account.now += 5
    lost = looked_up(account, dispute)

    assert (lost["status"], lost["is_charge_refundable"]) == ("lost", False)
    assert len(lost["balance_transactions"]) == 1
    assert account.event_types()[-1] == "charge.dispute.closed"
    assert account.post("/v1/refunds", {"charge": dispute["charge"]}).status == 400


def test_plain_evidence_stays_under_review() -> None:
    account = Account()
    dispute = disputed(account)

    answered(account, dispute, "the parcel was signed for")
    account.now += 30 * DAY

    assert looked_up(account, dispute)["status"] == "under_review"


def test_evidence_can_be_staged_and_handed_in_later() -> None:
    account = Account()
    dispute = disputed(account)

    staged = answered(account, dispute, "winning_evidence", submit=False)
    told = account.event_types()[-1]
    account.now += 60
    waiting = looked_up(account, dispute)["status"]
    handed_in = account.post(f"/v1/disputes/{dispute['id']}", {"submit": True}).body
    account.now += 5

    assert (staged["status"], staged["evidence_details"]["has_evidence"]) == (
        "needs_response",
        True,
    )
    assert staged["evidence_details"]["submission_count"] == 0
    assert told == "charge.dispute.updated"
    assert waiting == "needs_response"
    assert handed_in["evidence_details"]["submission_count"] == 1
    assert looked_up(account, dispute)["status"] == "won"


def test_metadata_alone_hands_nothing_in() -> None:
    account = Account()
    dispute = disputed(account)

    body = account.post(f"/v1/disputes/{dispute['id']}", {"metadata": {"case": "7"}}).body

    assert (body["status"], body["metadata"]) == ("needs_response", {"case": "7"})
    event = account.engine.events[-1]
    assert event["type"] == "charge.dispute.updated"
    assert event["data"]["previous_attributes"] == {"metadata": {"case": None}}


@pytest.mark.parametrize("words", ["losing_evidence", "winning_evidence"])
def test_an_answered_inquiry_is_closed_without_money(words: str) -> None:
    account = Account()
    dispute = disputed(account, "createDisputeInquiry")

    handed_in = answered(account, dispute, words)
    account.now += 5
    closed = looked_up(account, dispute)

    assert handed_in["status"] == "warning_under_review"
    assert (closed["status"], closed["balance_transactions"]) == ("warning_closed", [])
    assert account.event_types()[-1] == "charge.dispute.closed"


def test_an_inquiry_can_become_a_chargeback() -> None:
    account = Account()
    dispute = disputed(account, "createDisputeInquiry")

    handed_in = answered(account, dispute, "escalate_inquiry_evidence")
    account.now += 5
    escalated = looked_up(account, dispute)

    assert handed_in["status"] == "warning_under_review"
    assert (escalated["status"], escalated["is_charge_refundable"]) == ("needs_response", False)
    assert escalated["payment_method_details"]["card"]["case_type"] == "chargeback"
    assert [line["amount"] for line in escalated["balance_transactions"]] == [-5000]
    assert account.event_types()[-2:] == [
        "charge.dispute.updated",
        "charge.dispute.funds_withdrawn",
    ]
    refused = account.post("/v1/refunds", {"charge": dispute["charge"]})
    assert refused.error["code"] == "charge_disputed"


def test_a_whole_refund_closes_an_inquiry_and_a_part_does_not() -> None:
    account = Account()
    dispute = disputed(account, "createDisputeInquiry")

    account.post("/v1/refunds", {"charge": dispute["charge"], "amount": 2000})
    after_part = looked_up(account, dispute)["status"]
    account.post("/v1/refunds", {"charge": dispute["charge"]})
    after_all = looked_up(account, dispute)["status"]

    assert (after_part, after_all) == ("warning_needs_response", "warning_closed")
    assert account.event_types()[-3:] == [
        "refund.created",
        "charge.refunded",
        "charge.dispute.closed",
    ]


@pytest.mark.parametrize(("age_s", "status"), [(10, "failed"), (300, "succeeded")])
def test_a_chargeback_stops_the_refunds_that_are_young(age_s: int, status: str) -> None:
    account = Account()
    dispute = disputed(account, "createDisputeInquiry")
    refund = account.made("/v1/refunds", {"charge": dispute["charge"], "amount": 2000})

    account.now += age_s
    answered(account, dispute, "escalate_inquiry_evidence")
    account.now += 5
    after = account.get(f"/v1/refunds/{refund}").body

    assert after["status"] == status
    stopped = "charge_for_pending_refund_disputed" if status == "failed" else None
    assert after.get("failure_reason") == stopped
    charge = account.get(f"/v1/charges/{dispute['charge']}").body
    assert charge["amount_refunded"] == (0 if status == "failed" else 2000)


def test_giving_up_loses_at_once_and_is_for_good() -> None:
    account = Account()
    dispute = disputed(account)

    closed = account.post(f"/v1/disputes/{dispute['id']}/close")
    told = account.event_types()[-2:]
    again = account.post(f"/v1/disputes/{dispute['id']}/close")
    evidence = {"evidence": {"uncategorized_text": "winning_evidence"}}
    late = account.post(f"/v1/disputes/{dispute['id']}", evidence)

    assert (closed.status, closed.body["status"]) == (200, "lost")
    assert told == ["charge.dispute.closed", "charge.updated"]
    for refused in (again, late):
        assert (refused.status, refused.error["message"]) == (400, "This dispute is already closed")
        assert "code" not in refused.error
    account.now += 5
    assert looked_up(account, dispute)["status"] == "lost"


def test_an_inquiry_one_gives_up_is_closed() -> None:
    account = Account()
    dispute = disputed(account, "createDisputeInquiry")

    assert account.post(f"/v1/disputes/{dispute['id']}/close").body["status"] == "warning_closed"


def test_silence_loses_when_evidence_was_due() -> None:
    account = Account()
    dispute = disputed(account)

    account.now = dispute["evidence_details"]["due_by"]
    on_time = looked_up(account, dispute)["status"]
    account.now += 1

    assert (on_time, looked_up(account, dispute)["status"]) == ("needs_response", "lost")


def test_an_inquiry_nobody_pursues_is_closed_after_120_days() -> None:
    account = Account()
    dispute = disputed(account, "createDisputeInquiry")

    account.now += 120 * DAY - 1
    before = looked_up(account, dispute)["status"]
    account.now += 1

    assert (before, looked_up(account, dispute)["status"]) == (
        "warning_needs_response",
        "warning_closed",
    )


def test_the_bank_takes_as_long_as_it_is_told() -> None:
    account = Account(Config(dispute_decided_after_s=60))
    dispute = disputed(account)
    answered(account, dispute, "winning_evidence")

    account.now += 59
    before = looked_up(account, dispute)["status"]
    account.now += 1

    assert (before, looked_up(account, dispute)["status"]) == ("under_review", "won")


def test_disputes_are_found_by_charge_intent_and_time() -> None:
    account = Account()
    first = disputed(account)
    account.now += 100
    second = disputed(account, "createDisputeInquiry")

    def found(**filters: Any) -> list[str]:
        return [row["id"] for row in account.get("/v1/disputes", filters).body["data"]]

    assert found() == [second["id"], first["id"]]
    assert found(charge=first["charge"]) == [first["id"]]
    assert found(payment_intent=second["payment_intent"]) == [second["id"]]
    assert found(created={"gt": first["created"]}) == [second["id"]]
    assert found(charge="ch_x") == []


def test_an_unknown_dispute_is_named() -> None:
    answer = Account().get("/v1/disputes/du_x")

    assert (answer.status, answer.error["param"]) == (404, "dispute")
    assert answer.error["message"] == "No such dispute: 'du_x'"
