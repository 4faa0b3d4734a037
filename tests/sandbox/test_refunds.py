"""Refunds: whole, in parts, refused, slow, and taken back by the bank."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.account import Account

# All keys of a refund on a card, in the order the real API writes them.
KEYS = (
    "id object amount balance_transaction charge created currency customer customer_account "
    "destination_details metadata payment_intent payment_method reason receipt_number "
    "source_transfer_reversal status transfer_reversal"
)


def charge_of(account: Account, **parameters: Any) -> str:
    charge = account.pay(5000, **parameters).body["latest_charge"]
    assert isinstance(charge, str)
    return charge


def test_a_refund_gives_back_what_is_left_and_tells_the_charge() -> None:
    account = Account()
    charge = charge_of(account)

    part = account.post("/v1/refunds", {"charge": charge, "amount": 1500, "reason": "duplicate"})
    after_part = account.get(f"/v1/charges/{charge}").body
    rest = account.post("/v1/refunds", {"charge": charge})
    after_rest = account.get(f"/v1/charges/{charge}").body

    assert (part.body["status"], part.body["amount"]) == ("succeeded", 1500)
    assert rest.body["amount"] == 3500
    assert (after_part["amount_refunded"], after_part["refunded"]) == (1500, False)
    assert (after_rest["amount_refunded"], after_rest["refunded"]) == (5000, True)
    assert account.books()["payment_intents"][0]["amount_refunded"] == 5000
    assert account.event_types()[-2:] == ["refund.created", "charge.refunded"]


def test_a_refund_is_written_as_recorded() -> None:
    account = Account()
    intent = account.pay(5000).body

    refund = account.post("/v1/refunds", {"payment_intent": intent["id"]}).body

    assert list(refund) == KEYS.split()
    assert refund["charge"] == intent["latest_charge"]
    assert refund["payment_method"] == intent["payment_method"]
    assert refund["destination_details"] == {
        "card": {
            "reference_status": "pending",
            "reference_type": "acquirer_reference_number",
            "type": "refund",
        },
        "type": "card",
    }
    line = account.get(f"/v1/balance_transactions/{refund['balance_transaction']}").body
    assert (line["amount"], line["type"], line["source"]) == (-5000, "refund", refund["id"])


def test_more_than_is_left_is_refused() -> None:
    account = Account()
    charge = charge_of(account)
    account.post("/v1/refunds", {"charge": charge, "amount": 2000})
    before = account.books()

    answer = account.post("/v1/refunds", {"charge": charge, "amount": 4000})

    assert (answer.status, answer.error["param"]) == (400, "amount")
    assert "code" not in answer.error
    assert answer.error["message"] == (
        "Refund amount ($40.00) is greater than unrefunded amount on charge ($30.00)"
    )
    assert account.books() == before


def test_what_has_gone_back_cannot_go_back_again() -> None:
    account = Account()
    charge = charge_of(account)
    account.post("/v1/refunds", {"charge": charge})
    before = account.books()

    answer = account.post("/v1/refunds", {"charge": charge})

    assert (answer.status, answer.error["code"]) == (400, "charge_already_refunded")
    assert answer.error["message"] == f"Charge {charge} has already been refunded."
    assert account.books() == before


@pytest.mark.parametrize("amount", [0, -5])
def test_amounts_below_one_are_refused(amount: int) -> None:
    account = Account()

    answer = account.post("/v1/refunds", {"charge": charge_of(account), "amount": amount})

    assert answer.error["code"] == "parameter_invalid_integer"
    assert answer.error["message"] == "This value must be greater than or equal to 1."
    assert account.books()["refunds"] == []


def test_a_refund_needs_something_to_refund() -> None:
    account = Account()
    declined = account.pay(card="chargeDeclined").error["payment_intent"]["id"]
    held = account.pay(capture_method="manual").body["id"]

    nothing = account.post("/v1/refunds", {})
    unknown = account.post("/v1/refunds", {"charge": "ch_x"})
    unpaid = account.post("/v1/refunds", {"payment_intent": declined})
    uncaptured = account.post("/v1/refunds", {"payment_intent": held})

    assert nothing.error["message"] == (
        "One of the following params should be provided for this request: payment_intent or charge."
    )
    assert (unknown.status, unknown.error["param"]) == (404, "id")
    assert unpaid.error["message"] == (
        f"This PaymentIntent ({declined}) does not have a successful charge to refund."
    )
    assert uncaptured.error["message"].startswith(
        f"This uncaptured Charge was created by a PaymentIntent ({held}). You must cancel the "
        "PaymentIntent"
    )
    assert account.books()["refunds"] == []


def test_only_three_reasons_are_known() -> None:
    answer = Account().post("/v1/refunds", {"charge": "ch_x", "reason": "bored"})

    assert answer.error["message"] == (
        "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer"
    )


def test_the_reference_of_a_refund_comes_later() -> None:
    account = Account()
    refund = account.made("/v1/refunds", {"charge": charge_of(account)})

    account.now += 5
    target = account.get(f"/v1/refunds/{refund}").body["destination_details"]["card"]

    assert target["reference_status"] == "available"
    assert list(target) == ["reference", "reference_status", "reference_type", "type"]
    assert account.event_types()[-2:] == ["refund.updated", "charge.refund.updated"]


def test_a_slow_refund_counts_only_when_it_has_succeeded() -> None:
    account = Account()
    charge = charge_of(account, card="pendingRefund")

    pending = account.post("/v1/refunds", {"charge": charge, "amount": 3000}).body
    too_much = account.post("/v1/refunds", {"charge": charge, "amount": 2001})
    counted = account.get(f"/v1/charges/{charge}").body["amount_refunded"]
    account.now += 10
    after = account.get(f"/v1/refunds/{pending['id']}").body

    assert (pending["status"], pending["pending_reason"]) == ("pending", "processing")
    assert pending["balance_transaction"] is None
    assert too_much.status == 400
    assert counted == 0
    assert (after["status"], "pending_reason" in after) == ("succeeded", False)
    assert account.get(f"/v1/charges/{charge}").body["amount_refunded"] == 3000


def test_a_slow_refund_can_be_cancelled_and_a_paid_one_cannot() -> None:
    account = Account()
    slow = account.made("/v1/refunds", {"charge": charge_of(account, card="pendingRefund")})
    paid = account.made("/v1/refunds", {"charge": charge_of(account)})

    cancelled = account.post(f"/v1/refunds/{slow}/cancel")
    refused = account.post(f"/v1/refunds/{paid}/cancel")
    account.now += 10

    assert cancelled.body["status"] == "canceled"
    assert (refused.status, refused.error["message"]) == (
        400,
        "Canceling this refund is unsupported.",
    )
    assert account.get(f"/v1/refunds/{slow}").body["status"] == "canceled"
    assert account.get(f"/v1/refunds/{paid}").body["status"] == "succeeded"


def test_success_of_a_refund_is_not_the_end() -> None:
    account = Account()
    charge = charge_of(account, card="refundFail")
    refund = account.post("/v1/refunds", {"charge": charge}).body

    account.now += 10
    after = account.get(f"/v1/refunds/{refund['id']}").body

    assert refund["status"] == "succeeded"
    assert (after["status"], after["failure_reason"]) == ("failed", "expired_or_canceled_card")
    back = account.get(f"/v1/balance_transactions/{after['failure_balance_transaction']}").body
    assert back["amount"] == 5000
    assert account.get(f"/v1/charges/{charge}").body["amount_refunded"] == 0
    assert account.books()["payment_intents"][0]["amount_refunded"] == 0
    assert account.event_types()[-3:] == [
        "refund.failed",
        "refund.updated",
        "charge.refund.updated",
    ]


def test_a_partly_captured_charge_gives_back_no_more_than_it_took() -> None:
    account = Account()
    made = account.pay(5000, capture_method="manual").body["id"]
    account.post(f"/v1/payment_intents/{made}/capture", {"amount_to_capture": 2000})

    answer = account.post("/v1/refunds", {"payment_intent": made, "amount": 2001})
    rest = account.post("/v1/refunds", {"payment_intent": made})

    assert answer.status == 400
    assert rest.body["amount"] == 2000


def test_only_metadata_can_be_changed() -> None:
    account = Account()
    refund = account.made("/v1/refunds", {"charge": charge_of(account)})

    changed = account.post(f"/v1/refunds/{refund}", {"metadata": {"note": "x"}})
    refused = account.post(f"/v1/refunds/{refund}", {"amount": 1})

    assert changed.body["metadata"] == {"note": "x"}
    assert refused.error["code"] == "parameter_unknown"


def test_refunds_are_found_by_charge_and_by_intent() -> None:
    account = Account()
    one, other = account.pay(5000).body, account.pay(5000).body
    first = account.made("/v1/refunds", {"charge": one["latest_charge"], "amount": 100})
    second = account.made("/v1/refunds", {"charge": one["latest_charge"], "amount": 200})
    account.made("/v1/refunds", {"payment_intent": other["id"]})

    by_charge = account.get("/v1/refunds", {"charge": one["latest_charge"]}).body["data"]
    by_intent = account.get("/v1/refunds", {"payment_intent": one["id"]}).body["data"]
    none = account.get("/v1/refunds", {"payment_intent": "pi_x"}).body["data"]

    assert [refund["id"] for refund in by_charge] == [second, first]
    assert [refund["id"] for refund in by_intent] == [second, first]
    assert none == []
