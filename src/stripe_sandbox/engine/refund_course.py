"""How refunds go: paid out, counted, numbered, and now and then taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from stripe_sandbox.engine import balance, fraud_warnings, inquiries
from stripe_sandbox.engine.config import DAY_S
from stripe_sandbox.engine.errors import invalid
from stripe_sandbox.engine.records import Refund, Wire
from stripe_sandbox.engine.state import Cause, State

STATUSES: Final = ("pending", "requires_action", "succeeded", "failed", "canceled")
FAILURE_REASONS: Final = (
    "lost_or_stolen_card",
    "expired_or_canceled_card",
    "charge_for_pending_refund_disputed",
    "insufficient_funds",
    "declined",
    "merchant_request",
    "unknown",
)
# Not yet paid out, so that they can be cancelled and the charge does not count them.
UNDER_WAY: Final = ("pending", "requires_action")
# Whom the money is for must say where to send it within this time.
_ACTION_LASTS_DAYS: Final = 30


def pay_out(state: State, cause: Cause, refund: Refund) -> Refund:
    """Send the money off."""
    charge = state.charges.get(refund.charge)
    assert charge is not None
    line = balance.write(
        state,
        cause,
        amount=-refund.amount,
        currency=refund.currency,
        source=refund.id,
        kind="refund",
        description="REFUND FOR CHARGE"
        + (f" ({charge.description})" if charge.description else ""),
    )
    return state.refunds.put(
        replace(
            refund,
            status="succeeded",
            balance_transaction=line.id,
            next_action=None,
            pending_reason=None,
        )
    )


def count(state: State, cause: Cause, refund: Refund) -> None:
    """Let the charge, and whoever has doubts about it, know what has gone back."""
    charge = state.charges.get(refund.charge)
    assert charge is not None
    refunded = charge.amount_refunded + refund.amount
    charge = state.charges.put(replace(charge, amount_refunded=refunded))
    state.emit(cause, "charge.refunded", charge)
    if charge.refunded:
        fraud_warnings.settle(state, cause, charge.id)
        inquiries.close_refunded(state, cause, charge)


def announce(state: State, cause: Cause, after: Refund, before: Refund) -> None:
    """Say that a refund has changed, under both names events have for it."""
    state.emit(cause, "refund.updated", after, before)
    state.emit(cause, "charge.refund.updated", after, before)


def move(
    state: State, cause: Cause, before: Refund, status: str, failure_reason: str | None = None
) -> Refund:
    """Bring a refund to another status, with the money and the events that go with it."""
    if before.status in ("failed", "canceled"):
        raise invalid(f"The refund {before.id} is {before.status}, which it stays.")
    if status == before.status:
        return before
    if status == "succeeded":
        after = pay_out(state, cause, before)
        count(state, cause, after)
    else:
        after = state.refunds.put(_not_paid_out(state, cause, before, status, failure_reason))
    if status == "failed":
        state.emit(cause, "refund.failed", after)
    announce(state, cause, after, before)
    return after


def learn_reference(state: State, cause: Cause, refund_id: str) -> None:
    """Learn under which number the bank of the customer knows the refund."""
    before = state.refunds.get(refund_id)
    assert before is not None
    if before.status == "succeeded" and before.reference is None:
        after = state.refunds.put(replace(before, reference=state.ids.digits(23)))
        announce(state, cause, after, before)


def succeed_later(state: State, cause: Cause, refund_id: str) -> None:
    """Pay out a pending refund, unless it was cancelled."""
    before = state.refunds.get(refund_id)
    assert before is not None
    if before.status == "pending":
        move(state, cause, before, "succeeded")


def fail_later(state: State, cause: Cause, refund_id: str) -> None:
    """Have a refund come back from the bank: the money is the account's again."""
    before = state.refunds.get(refund_id)
    assert before is not None
    if before.status == "succeeded":
        move(state, cause, before, "failed", "expired_or_canceled_card")


def _not_paid_out(
    state: State, cause: Cause, refund: Refund, status: str, failure_reason: str | None
) -> Refund:
    """Return the refund in a status in which the payer does not have the money."""
    line_id = None
    if refund.status == "succeeded":
        line_id = _taken_back(state, cause, refund)
    over = status not in UNDER_WAY
    return replace(
        refund,
        status=status,
        balance_transaction=refund.balance_transaction if over else None,
        failure_balance_transaction=line_id if over else None,
        failure_reason=(failure_reason or "unknown") if status == "failed" else None,
        next_action=_next_action(state, cause, refund) if status == "requires_action" else None,
        pending_reason="processing" if status == "pending" else None,
        reference=refund.reference if over else None,
    )


def _taken_back(state: State, cause: Cause, refund: Refund) -> str:
    """Put the money back into the account, and let the charge know."""
    line = balance.write(
        state,
        cause,
        amount=refund.amount,
        currency=refund.currency,
        source=refund.id,
        kind="refund_failure",
        description="REFUND FAILURE",
    )
    charge = state.charges.get(refund.charge)
    assert charge is not None
    state.charges.put(replace(charge, amount_refunded=charge.amount_refunded - refund.amount))
    return line.id


def _next_action(state: State, cause: Cause, refund: Refund) -> Wire:
    """Ask whom the money is for, by e-mail, where to send it."""
    customer = state.customers.get(refund.customer or "")
    return {
        "display_details": {
            "email_sent": {
                "email_sent_at": cause.now,
                "email_sent_to": (customer.email if customer else None) or "payer@example.com",
            },
            "expires_at": cause.now + _ACTION_LASTS_DAYS * DAY_S,
        },
        "type": "display_details",
    }
