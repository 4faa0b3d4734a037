"""The books as an outsider wants them: what each intent came to, and what was asked."""

from __future__ import annotations

from typing import Any

from stripe_sandbox.engine import shapes
from stripe_sandbox.engine.records import Charge, PaymentIntent
from stripe_sandbox.engine.state import Entry, State


def write(state: State) -> dict[str, Any]:
    """Write down everything about money, and all requests, oldest first."""
    return {
        "payment_intents": [_intent(state, intent) for intent in state.payment_intents],
        "refunds": [shapes.refund(refund) for refund in state.refunds],
        "disputes": [shapes.dispute(dispute) for dispute in state.disputes],
        "early_fraud_warnings": [
            shapes.early_fraud_warning(warning) for warning in state.fraud_warnings
        ],
        "setup_intents": [shapes.setup_intent(intent) for intent in state.setup_intents],
        "requests": [_entry(entry) for entry in state.entries],
    }


def _intent(state: State, intent: PaymentIntent) -> dict[str, Any]:
    owned = [state.charges.get(charge_id) for charge_id in state.charges_of.get(intent.id, ())]
    tried = [charge for charge in owned if charge is not None]
    return {
        "id": intent.id,
        "status": intent.status,
        "amount": intent.amount,
        "amount_capturable": intent.amount_capturable,
        "amount_received": intent.amount_received,
        "amount_refunded": sum(charge.amount_refunded for charge in tried),
        "cancellation_reason": intent.cancellation_reason,
        "capture_before": next((charge.capture_before for charge in tried if charge.paid), None),
        "disputed": any(charge.dispute is not None for charge in tried),
        "metadata": intent.metadata,
        "customer": intent.customer,
        "charges": [_charge(charge) for charge in tried],
    }


def _charge(charge: Charge) -> dict[str, Any]:
    return {
        "id": charge.id,
        "status": charge.status,
        "amount": charge.amount,
        "amount_captured": charge.amount_captured,
        "amount_refunded": charge.amount_refunded,
        "paid": charge.paid,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "method": entry.method,
        "path": entry.path,
        "idempotency_key": entry.idempotency_key,
        "status": entry.status,
        "replayed": entry.replayed,
    }
