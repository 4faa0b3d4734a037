"""Money that is held: let go of by hand, or because nobody took it in time."""

from __future__ import annotations

from dataclasses import replace

from stripe_sandbox.engine.records import PaymentIntent
from stripe_sandbox.engine.state import Cause, State


def cancel(state: State, cause: Cause, intent: PaymentIntent, reason: str | None) -> PaymentIntent:
    """Cancel an intent, which releases what it holds. There is no refund: nothing was taken."""
    if intent.status == "requires_capture" and state.config.cancel_expires_charge:
        _tell_of_charge(state, cause, intent)
    return _canceled(state, cause, intent, reason)


def expire(state: State, cause: Cause, intent_id: str) -> None:
    """Let go of money that was held and not taken in time."""
    intent = state.payment_intents.get(intent_id)
    if intent is None or intent.status != "requires_capture":
        return
    _tell_of_charge(state, cause, intent)
    _canceled(state, cause, intent, "expired")


def _tell_of_charge(state: State, cause: Cause, intent: PaymentIntent) -> None:
    charge = state.charges.get(intent.latest_charge or "")
    assert charge is not None
    state.emit(cause, "charge.expired", charge)


def _canceled(
    state: State, cause: Cause, intent: PaymentIntent, reason: str | None
) -> PaymentIntent:
    after = state.payment_intents.put(
        replace(
            intent,
            status="canceled",
            canceled_at=cause.now,
            cancellation_reason=reason,
            amount_capturable=0,
            next_action=None,
        )
    )
    state.emit(cause, "payment_intent.canceled", after)
    return after
