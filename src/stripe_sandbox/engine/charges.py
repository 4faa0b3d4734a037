"""Charges: each try to take the money of an intent leaves one, whatever came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from stripe_sandbox.engine import balance, cards, dispute_course, lists, shapes
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.records import Charge, PaymentIntent, PaymentMethod, Wire
from stripe_sandbox.engine.state import Cause, State

_APPROVED: Final[Wire] = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "risk_score": 0,
    "seller_message": "Payment complete.",
    "type": "authorized",
}
# Radar's scores of ordinary payments lie between 0 and 64.
_RISK_NORMAL_MAX: Final = 64
_RISK_HIGHEST: Final = 99
# Radar's own rule, which every account has.
_BLOCKING_RULE: Final = "block_if_high_risk"


def succeed(state: State, cause: Cause, intent: PaymentIntent, method: PaymentMethod) -> Charge:
    """Take the money, or under manual capture the hold on it."""
    held = intent.capture_method == "manual"
    charge = replace(
        _begin(state, cause, intent, method),
        status="succeeded",
        paid=True,
        captured=not held,
        amount_captured=0 if held else intent.amount,
        outcome=_APPROVED,
        capture_before=cause.now + int(state.config.hold_expires_after_s) if held else None,
    )
    if not held:
        settles_at_once = intent.capture_method == "automatic" or not state.config.settle_after_s
        if settles_at_once:
            charge = _booked(state, cause, charge)
        else:
            state.later(cause.now + state.config.settle_after_s, settle, charge.id)
    _keep(state, charge)
    state.emit(cause, "charge.succeeded", charge)
    if not held:
        dispute_course.open_by_card(state, cause, charge)
    return charge


def fail(
    state: State,
    cause: Cause,
    intent: PaymentIntent,
    method: PaymentMethod,
    decline: cards.Decline,
) -> Charge:
    """Note that the issuer, or Radar before it, said no."""
    blocked = decline.blocked
    outcome = {
        "advice_code": decline.advice_code,
        "network_advice_code": decline.network_advice_code,
        "network_decline_code": decline.network_decline_code,
        "network_status": "not_sent_to_network" if blocked else "declined_by_network",
        "reason": "highest_risk_level" if blocked else decline.decline_code or decline.code,
        "risk_level": "highest" if blocked else "normal",
        "risk_score": 0,
        "seller_message": "Stripe blocked this payment as too risky."
        if blocked
        else "The bank did not return any further details with this decline.",
        "type": "blocked" if blocked else "issuer_declined",
        **({"rule": _BLOCKING_RULE} if blocked else {}),
    }
    charge = _begin(state, cause, intent, method)
    charge = replace(
        charge,
        failure_code=decline.code,
        failure_message=decline.message,
        outcome=outcome,
        risk_score=_RISK_HIGHEST if blocked else charge.risk_score,
    )
    _keep(state, charge)
    state.emit(cause, "charge.failed", charge)
    return charge


def capture(state: State, cause: Cause, charge: Charge, amount: int) -> Charge:
    """Take what was held, or a part of it; the rest of the hold is released."""
    captured = replace(charge, captured=True, amount_captured=amount)
    captured = state.charges.put(_booked(state, cause, captured))
    state.emit(cause, "charge.captured", captured)
    dispute_course.open_by_card(state, cause, captured)
    return captured


def settle(state: State, cause: Cause, charge_id: str) -> None:
    """Write the charge into the books, some seconds after it was made."""
    before = state.charges.get(charge_id)
    if before is None or before.balance_transaction is not None:
        return
    after = state.charges.put(_booked(state, cause, before))
    state.emit(cause, "charge.updated", after, before)


def retrieve(call: Call) -> Wire:
    """Return a charge."""
    return shapes.charge(in_path(call))


def list_all(call: Call) -> Wire:
    """List charges by intent, customer and time."""
    intent_id, customer_id = call.get("payment_intent"), call.get("customer")
    in_time = lists.created_within(call)
    return lists.page(
        call,
        call.state.charges,
        "charge",
        among=None if intent_id is None else call.state.charges_of.get(intent_id, []),
        keep=lambda row: customer_id in (None, row.customer) and in_time(row),
        write=shapes.charge,
    )


def in_path(call: Call) -> Charge:
    """Find the charge in the path."""
    charge = call.state.charges.get(call.ids[0])
    if charge is None:
        raise lists.not_in_path(call, "charge", call.ids[0], "id")
    return charge


def of_intent(state: State, intent: PaymentIntent) -> Charge | None:
    """Return the charge of an intent that took or holds money, if there is one."""
    charge = state.charges.get(intent.latest_charge or "")
    return charge if charge is not None and charge.paid else None


def _begin(state: State, cause: Cause, intent: PaymentIntent, method: PaymentMethod) -> Charge:
    """Make the charge of an intent as it is before anything is known of it."""
    return Charge(
        id=state.ids.dated("ch_3", cause.now),
        created=cause.now,
        amount=intent.amount,
        currency=intent.currency,
        payment_intent=intent.id,
        method=method,
        status="failed",
        paid=False,
        captured=False,
        risk_score=state.random.randint(0, _RISK_NORMAL_MAX),
        authorization_code=state.ids.digits(6),
        outcome=_APPROVED,
        metadata=intent.metadata,
        customer=intent.customer,
        description=intent.description,
        receipt_email=intent.receipt_email,
        shipping=intent.shipping,
        statement_descriptor=intent.statement_descriptor,
        statement_descriptor_suffix=intent.statement_descriptor_suffix,
        transfer_group=intent.transfer_group,
    )


def _booked(state: State, cause: Cause, charge: Charge) -> Charge:
    line = balance.write(
        state,
        cause,
        amount=charge.amount_captured,
        currency=charge.currency,
        source=charge.id,
        kind="charge",
        description=charge.description,
        available_at_once=cards.card_of(charge.method.number).available_at_once,
    )
    return replace(charge, balance_transaction=line.id)


def _keep(state: State, charge: Charge) -> None:
    state.charges.put(charge)
    state.charges_of.setdefault(charge.payment_intent, []).append(charge.id)
