"""What moves money, and its lines in the books, on the wire."""

from __future__ import annotations

import base64
from typing import Final

from stripe_sandbox.engine import cards
from stripe_sandbox.engine.records import BalanceTransaction, Charge, Refund, Wire
from stripe_sandbox.engine.shapes.parts import template
from stripe_sandbox.engine.shapes.people import checks

_SWITCHED_OFF: Final = {"status": "disabled"}
_UNAVAILABLE: Final = {"status": "unavailable"}
_CHARGE: Final = template(
    "id object amount amount_captured amount_refunded application application_fee "
    "application_fee_amount balance_transaction billing_details calculated_statement_descriptor "
    "captured created currency customer description destination dispute disputed "
    "failure_balance_transaction failure_code failure_message fraud_details livemode metadata "
    "on_behalf_of order outcome paid payment_intent payment_method payment_method_details "
    "radar_options receipt_email receipt_number receipt_url refunded review shipping source "
    "source_transfer statement_descriptor statement_descriptor_suffix status transfer_data "
    "transfer_group",
    object="charge",
    calculated_statement_descriptor="Stripe",
    fraud_details={},
    livemode=False,
    radar_options={},
)


def charge(record: Charge) -> Wire:
    """Write a charge, without its refunds: those are there only when expanded."""
    return {
        **_CHARGE,
        "id": record.id,
        "amount": record.amount,
        "amount_captured": record.amount_captured,
        "amount_refunded": record.amount_refunded,
        "balance_transaction": record.balance_transaction,
        "billing_details": record.method.billing_details,
        "captured": record.captured,
        "created": record.created,
        "currency": record.currency,
        "customer": record.customer,
        "description": record.description,
        "dispute": record.dispute,
        "disputed": record.dispute is not None,
        "failure_code": record.failure_code,
        "failure_message": record.failure_message,
        "metadata": record.metadata,
        "outcome": {**record.outcome, "risk_score": record.risk_score},
        "paid": record.paid,
        "payment_intent": record.payment_intent,
        "payment_method": record.method.id,
        "payment_method_details": _details(record),
        "receipt_email": record.receipt_email,
        "receipt_url": _receipt_url(record.id) if record.paid else None,
        "refunded": record.refunded,
        "shipping": record.shipping,
        "statement_descriptor": record.statement_descriptor,
        "statement_descriptor_suffix": record.statement_descriptor_suffix,
        "status": record.status,
        "transfer_group": record.transfer_group,
    }


def _details(record: Charge) -> Wire:
    """Write down how it was paid; of what is no card only which way that was."""
    kind = record.method.type
    return {kind: _card_details(record) if kind == "card" else {}, "type": kind}


def _card_details(record: Charge) -> Wire:
    method = record.method
    card = cards.card_of(method.number)
    held_until = {} if record.capture_before is None else {"capture_before": record.capture_before}
    return {
        "amount_authorized": record.amount if record.paid else None,
        "authorization_code": record.authorization_code,
        "brand": card.brand,
        **held_until,
        "checks": checks(method),
        "country": card.country,
        "electronic_commerce_indicator": "07",
        "exp_month": method.exp_month,
        "exp_year": method.exp_year,
        "extended_authorization": _SWITCHED_OFF,
        "fingerprint": cards.fingerprint(method.number),
        "funding": card.funding,
        "incremental_authorization": _UNAVAILABLE,
        "installments": None,
        "last4": method.number[-4:],
        "mandate": None,
        "multicapture": _UNAVAILABLE,
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": cards.network_transaction_id(method.number),
        "overcapture": {"maximum_amount_capturable": record.amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "transaction_link_id": None,
        "wallet": None,
    }


def _receipt_url(charge_id: str) -> str:
    token = base64.urlsafe_b64encode(charge_id.encode()).decode().rstrip("=")
    return f"https://pay.stripe.com/receipts/payment/{token}"


def refund(record: Refund) -> Wire:
    """Write a refund, which has no livemode, and some keys only when they mean something."""
    target: Wire = {
        "reference_status": "pending" if record.reference is None else "available",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    if record.reference is not None:
        target = {"reference": record.reference, **target}
    sometimes = {
        "failure_balance_transaction": record.failure_balance_transaction,
        "failure_reason": record.failure_reason,
        "next_action": record.next_action,
        "pending_reason": record.pending_reason,
    }
    fields = {
        "amount": record.amount,
        "balance_transaction": record.balance_transaction,
        "charge": record.charge,
        "created": record.created,
        "currency": record.currency,
        "customer": record.customer,
        "customer_account": None,
        "destination_details": {"card": target, "type": "card"},
        "metadata": record.metadata,
        "payment_intent": record.payment_intent,
        "payment_method": record.payment_method,
        "reason": record.reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": record.status,
        "transfer_reversal": None,
        **{name: value for name, value in sometimes.items() if value is not None},
    }
    return {"id": record.id, "object": "refund", **dict(sorted(fields.items()))}


def balance_transaction(record: BalanceTransaction) -> Wire:
    """Write a line of the books, with its fee spelled out."""
    fee = {
        "amount": record.fee,
        "application": None,
        "currency": record.currency,
        "description": record.fee_description,
        "type": "stripe_fee",
    }
    return {
        "id": record.id,
        "object": "balance_transaction",
        "amount": record.amount,
        "available_on": record.available_on,
        "balance_type": "payments",
        "created": record.created,
        "currency": record.currency,
        "description": record.description,
        "exchange_rate": None,
        "fee": record.fee,
        "fee_details": [fee] if record.fee else [],
        "net": record.amount - record.fee,
        "reporting_category": record.reporting_category or record.type,
        "source": record.source,
        "status": "pending",
        "type": record.type,
    }
