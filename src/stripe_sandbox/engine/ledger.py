"""The books as an outsider wants them: what each intent came to, and what was asked.

It says of whom, by which card, in which currency and for what, so that whoever asked for a payment
can compare all that was asked with all that is here.
"""

from __future__ import annotations

from typing import Any

from stripe_sandbox.engine import cards, shapes
from stripe_sandbox.engine.records import Charge, Customer, PaymentIntent, PaymentMethod
from stripe_sandbox.engine.state import Confirmation, Entry, State


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
        "customers": [_customer(state, customer) for customer in state.customers],
        "requests": [_entry(entry) for entry in state.entries],
    }


def _intent(state: State, intent: PaymentIntent) -> dict[str, Any]:
    owned = [state.charges.get(charge_id) for charge_id in state.charges_of.get(intent.id, ())]
    tried = [charge for charge in owned if charge is not None]
    return {
        "id": intent.id,
        "status": intent.status,
        "created": intent.created,
        "amount": intent.amount,
        "currency": intent.currency,
        "amount_capturable": intent.amount_capturable,
        "amount_received": intent.amount_received,
        "amount_refunded": sum(charge.amount_refunded for charge in tried),
        "canceled_at": intent.canceled_at,
        "cancellation_reason": intent.cancellation_reason,
        "capture_method": intent.capture_method,
        "capture_before": next((charge.capture_before for charge in tried if charge.paid), None),
        "disputed": any(charge.dispute is not None for charge in tried),
        "metadata": intent.metadata,
        "customer": intent.customer,
        "description": intent.description,
        "payment_method": intent.payment_method,
        "allow_redirects": intent.allow_redirects,
        "confirmations": [
            _confirmation(state, one) for one in state.confirmations_of.get(intent.id, ())
        ],
        "charges": [_charge(charge) for charge in tried],
    }


def _confirmation(state: State, confirmation: Confirmation) -> dict[str, Any]:
    """Write down one request that confirmed an intent, whatever came of it."""
    method = state.payment_methods.get(confirmation.payment_method)
    return {
        "payment_method": confirmation.payment_method,
        "card": _card(method) if method is not None else None,
        "off_session": confirmation.off_session,
        "return_url": confirmation.return_url,
        "by_payer": confirmation.by_payer,
    }


def _charge(charge: Charge) -> dict[str, Any]:
    return {
        "id": charge.id,
        "status": charge.status,
        "amount": charge.amount,
        "currency": charge.currency,
        "amount_captured": charge.amount_captured,
        "amount_refunded": charge.amount_refunded,
        "paid": charge.paid,
        "captured": charge.captured,
        "customer": charge.customer,
        "description": charge.description,
        "payment_method": charge.method.id,
        "card": _card(charge.method),
        "failure_code": charge.failure_code,
        "disputed": charge.dispute is not None,
    }


def _customer(state: State, customer: Customer) -> dict[str, Any]:
    """Write down a customer, a deleted one too, with the cards that are attached to it."""
    owned = (state.payment_methods.get(its) for its in state.methods_of.get(customer.id, ()))
    return {
        "id": customer.id,
        "email": customer.email,
        "name": customer.name,
        "metadata": customer.metadata,
        "deleted": customer.deleted,
        "default_payment_method": customer.default_payment_method,
        "cards": [
            {"id": method.id, "name": method.billing_details.get("name"), **_card(method)}
            for method in owned
            if method is not None and method.type == "card"
        ],
    }


def _card(method: PaymentMethod) -> dict[str, Any]:
    """Write down what tells cards apart; the number itself stands in no book."""
    return {
        "brand": cards.card_of(method.number).brand,
        "last4": method.number[-4:],
        "fingerprint": cards.fingerprint(method.number),
        "exp_month": method.exp_month,
        "exp_year": method.exp_year,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "method": entry.method,
        "path": entry.path,
        "idempotency_key": entry.idempotency_key,
        "status": entry.status,
        "replayed": entry.replayed,
    }
