"""The books as an outsider wants them: what each intent came to, and what was asked."""

from __future__ import annotations

from typing import Any

from stripe_sandbox.engine import shapes
from stripe_sandbox.engine.records import Charge, PaymentIntent
from stripe_sandbox.engine.state import Entry, State


def write(state: State) -> dict[str, Any]:
    """Write down all intents, all refunds and all requests, oldest first."""
    return {
        "payment_intents": [_intent(state, intent) for intent in state.payment_intents],
        "refunds": [shapes.refund(refund) for refund in state.refunds],
        "requests": [_entry(entry) for entry in state.entries],
    }


def _intent(state: State, intent: PaymentIntent) -> dict[str, Any]:
    owned = [state.charges.get(charge_id) for charge_id in state.charges_of.get(intent.id, ())]
    tried = [charge for charge in owned if charge is not None]
    return {
        "id": intent.id,
        "status": intent.status,
        "amount": intent.amount,
        "amount_received": intent.amount_received,
        "amount_refunded": sum(charge.amount_refunded for charge in tried),
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
