"""Early fraud warnings: what issuers say of a charge before anybody disputes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from stripe_sandbox.engine import inquiries, lists, shapes
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.records import Charge, EarlyFraudWarning, Wire
from stripe_sandbox.engine.state import Cause, State

FRAUD_TYPES: Final = (
    "card_never_received",
    "fraudulent_card_application",
    "made_with_counterfeit_card",
    "made_with_lost_card",
    "made_with_stolen_card",
    "misc",
    "unauthorized_use_of_card",
)


def retrieve(call: Call) -> Wire:
    """Return a warning."""
    warning = call.state.fraud_warnings.get(call.ids[0])
    if warning is None:
        raise lists.not_in_path(call, "early fraud warning", call.ids[0], "early_fraud_warning")
    return shapes.early_fraud_warning(warning)


def list_all(call: Call) -> Wire:
    """List warnings by charge, by intent, and by time."""
    charge_id, intent_id = call.get("charge"), call.get("payment_intent")
    in_time = lists.created_within(call)
    return lists.page(
        call,
        call.state.fraud_warnings,
        "early fraud warning",
        among=lists.of_charges(call.state, call.state.fraud_warnings_of, charge_id, intent_id),
        keep=lambda row: intent_id in (None, row.payment_intent) and in_time(row),
        write=shapes.early_fraud_warning,
    )


def warn(state: State, cause: Cause, charge: Charge, fraud_type: str = "misc") -> EarlyFraudWarning:
    """Say that a charge may be fraud."""
    disputed = inquiries.of_charge(state, charge.id) != []
    warning = state.fraud_warnings.put(
        EarlyFraudWarning(
            id=state.ids.dated("issfr_1", cause.now),
            created=cause.now,
            charge=charge.id,
            payment_intent=charge.payment_intent,
            fraud_type=fraud_type,
            actionable=not (disputed or charge.refunded),
        )
    )
    state.fraud_warnings_of.setdefault(charge.id, []).append(warning.id)
    state.emit(cause, "radar.early_fraud_warning.created", warning)
    return warning


def settle(state: State, cause: Cause, charge_id: str) -> None:
    """Note that nothing can be done any more: the charge is disputed, or has gone back whole."""
    for warning_id in state.fraud_warnings_of.get(charge_id, ()):
        before = state.fraud_warnings.get(warning_id)
        if before is not None and before.actionable:
            after = state.fraud_warnings.put(replace(before, actionable=False))
            state.emit(cause, "radar.early_fraud_warning.updated", after, before)
