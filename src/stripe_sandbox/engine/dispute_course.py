"""How disputes go: opened by the payer's bank, decided by it, lost when nobody answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from stripe_sandbox.engine import balance, cards, fraud_warnings, inquiries, refund_course, shapes
from stripe_sandbox.engine.config import DAY_S
from stripe_sandbox.engine.records import Charge, Dispute, Wire
from stripe_sandbox.engine.state import Cause, State

WINNING: Final = "winning_evidence"
LOSING: Final = "losing_evidence"
ESCALATING: Final = "escalate_inquiry_evidence"
# Reason -> what Visa calls it. The first two are recorded; null where nobody told us.
NETWORK_REASON_CODES: Final[dict[str, str | None]] = {
    "fraudulent": "10.4",
    "product_not_received": "13.1",
    "bank_cannot_process": None,
    "credit_not_processed": "13.6",
    "customer_initiated": None,
    "duplicate": "12.6.1",
    "general": None,
    "incorrect_account_details": None,
    "insufficient_funds": None,
    "product_unacceptable": "13.3",
    "subscription_canceled": "13.2",
    "unrecognized": None,
}
_INQUIRY_CODE: Final = "10"
# Recorded: evidence is due at the end of the eighth day, UTC.
_DUE_AFTER_DAYS: Final = 8
# An inquiry nobody made a chargeback of by then is closed.
_INQUIRY_LASTS_DAYS: Final = 120


def open_by_card(state: State, cause: Cause, charge: Charge) -> None:
    """Do what the test card is for, now that its money is taken."""
    card = cards.card_of(charge.method.number)
    if card.fraud_warning:
        fraud_warnings.warn(state, cause, charge)
    if card.dispute is not None:
        inquiry = card.dispute == "inquiry"
        reason = "fraudulent" if inquiry else card.dispute
        open_on(state, cause, charge, reason=reason, amount=charge.amount_captured, inquiry=inquiry)


def open_on(
    state: State, cause: Cause, charge: Charge, *, reason: str, amount: int, inquiry: bool
) -> Dispute:
    """Open a dispute, which takes the money at once, or an inquiry, which does not."""
    due_by = _due_by(cause)
    dispute = Dispute(
        id=state.ids.dated("du_1", cause.now),
        created=cause.now,
        amount=amount,
        currency=charge.currency,
        charge=charge.id,
        payment_intent=charge.payment_intent,
        brand=cards.card_of(charge.method.number).brand,
        reason=reason,
        status="warning_needs_response" if inquiry else "needs_response",
        due_by=due_by,
        evidence=_known_already(state, charge),
        metadata={},
        case_type="inquiry" if inquiry else "chargeback",
        network_reason_code=_INQUIRY_CODE if inquiry else NETWORK_REASON_CODES.get(reason),
        is_charge_refundable=inquiry,
    )
    if not inquiry:
        dispute = _with_money_withdrawn(state, cause, dispute)
    state.disputes.put(dispute)
    state.disputes_of.setdefault(charge.id, []).append(dispute.id)
    state.charges.put(replace(charge, dispute=dispute.id))
    state.emit(cause, "charge.dispute.created", dispute)
    if not inquiry:
        state.emit(cause, "charge.dispute.funds_withdrawn", dispute)
        _stop_young_refunds(state, cause, dispute)
    fraud_warnings.settle(state, cause, charge.id)
    lasts_until = cause.now + _INQUIRY_LASTS_DAYS * DAY_S if inquiry else due_by + 1
    state.later(lasts_until, lapse, dispute.id)
    return dispute


def decide(state: State, cause: Cause, dispute_id: str) -> None:
    """Let the bank decide as the magic words in the evidence say; without any it ponders on."""
    dispute = state.disputes.get(dispute_id)
    assert dispute is not None
    if dispute.status not in ("under_review", "warning_under_review"):
        return
    words = dispute.evidence["uncategorized_text"]
    match words, inquiries.is_open_inquiry(dispute):
        case (("winning_evidence" | "losing_evidence"), True):
            inquiries.close(state, cause, dispute)
        case "escalate_inquiry_evidence", True:
            _escalate(state, cause, dispute)
        case "winning_evidence", False:
            _win(state, cause, dispute)
        case "losing_evidence", False:
            lose(state, cause, dispute)


def lose(state: State, cause: Cause, dispute: Dispute) -> Dispute:
    """End a dispute for the payer, who keeps the money."""
    after = state.disputes.put(replace(dispute, status="lost"))
    state.emit(cause, "charge.dispute.closed", after)
    return after


def lapse(state: State, cause: Cause, dispute_id: str) -> None:
    """Close what nobody did anything about in time."""
    dispute = state.disputes.get(dispute_id)
    assert dispute is not None
    if inquiries.is_open_inquiry(dispute):
        if cause.now >= dispute.created + _INQUIRY_LASTS_DAYS * DAY_S:
            inquiries.close(state, cause, dispute)
    elif dispute.status == "needs_response" and cause.now > dispute.due_by:
        lose(state, cause, dispute)


def _due_by(cause: Cause) -> int:
    today = cause.now - cause.now % DAY_S
    return today + (_DUE_AFTER_DAYS + 1) * DAY_S - 1


def _known_already(state: State, charge: Charge) -> Wire:
    """Return the evidence Stripe fills in from what it knows."""
    customer = state.customers.get(charge.customer or "")
    known: Wire = {"product_description": charge.description}
    if customer is not None and not customer.deleted:
        known["customer_email_address"] = customer.email
        known["customer_name"] = customer.name or customer.description
    return {**shapes.EVIDENCE, **known}


def _with_money_withdrawn(state: State, cause: Cause, dispute: Dispute) -> Dispute:
    line = balance.adjust(state, cause, dispute, -dispute.amount)
    return replace(dispute, balance_transactions=(*dispute.balance_transactions, line))


def _win(state: State, cause: Cause, dispute: Dispute) -> None:
    line = balance.adjust(state, cause, dispute, dispute.amount)
    after = state.disputes.put(
        replace(
            dispute,
            status="won",
            is_charge_refundable=True,
            balance_transactions=(*dispute.balance_transactions, line),
        )
    )
    state.emit(cause, "charge.dispute.funds_reinstated", after)
    state.emit(cause, "charge.dispute.closed", after)


def _escalate(state: State, cause: Cause, before: Dispute) -> None:
    """Make a chargeback of an inquiry."""
    after = replace(
        before,
        status="needs_response",
        case_type="chargeback",
        network_reason_code=NETWORK_REASON_CODES.get(before.reason),
        is_charge_refundable=False,
        due_by=_due_by(cause),
    )
    after = state.disputes.put(_with_money_withdrawn(state, cause, after))
    state.emit(cause, "charge.dispute.updated", after, before)
    state.emit(cause, "charge.dispute.funds_withdrawn", after)
    _stop_young_refunds(state, cause, after)
    state.later(after.due_by + 1, lapse, after.id)


def _stop_young_refunds(state: State, cause: Cause, dispute: Dispute) -> None:
    """Keep back what is still on its way to somebody whose bank has just taken it."""
    youngest_to_stand = cause.now - state.config.refund_stopped_within_s
    for refund_id in state.refunds_of.get(dispute.charge, ()):
        refund = state.refunds.get(refund_id)
        assert refund is not None
        going = refund.status in ("pending", "requires_action", "succeeded")
        if going and refund.created > youngest_to_stand:
            refund_course.move(state, cause, refund, "failed", "charge_for_pending_refund_disputed")
