"""Disputes and early fraud warnings on the wire."""

from __future__ import annotations

from typing import Final

from stripe_sandbox.engine.records import Dispute, EarlyFraudWarning, Wire
from stripe_sandbox.engine.shapes.money import balance_transaction
from stripe_sandbox.engine.shapes.parts import template

EVIDENCE: Final = template(
    "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure "
    "cancellation_rebuttal customer_communication customer_email_address customer_name "
    "customer_purchase_ip customer_signature duplicate_charge_documentation "
    "duplicate_charge_explanation duplicate_charge_id enhanced_evidence product_description "
    "receipt refund_policy refund_policy_disclosure refund_refusal_explanation service_date "
    "service_documentation shipping_address shipping_carrier shipping_date "
    "shipping_documentation shipping_tracking_number uncategorized_file uncategorized_text",
    enhanced_evidence={},
)


def dispute(record: Dispute) -> Wire:
    """Write a dispute. Its lines in the books stand in it whole, not as ids."""
    lines = record.balance_transactions
    return {
        "id": record.id,
        "object": "dispute",
        "amount": record.amount,
        "balance_transaction": lines[0].id if lines else None,
        "balance_transactions": [balance_transaction(line) for line in lines],
        "charge": record.charge,
        "created": record.created,
        "currency": record.currency,
        "enhanced_eligibility_types": [],
        "evidence": record.evidence,
        "evidence_details": {
            "due_by": record.due_by,
            "enhanced_eligibility": {},
            "has_evidence": record.has_evidence,
            "past_due": record.past_due,
            "submission_count": record.submission_count,
            "submission_method": "manual" if record.submission_count else "not_submitted",
        },
        "is_charge_refundable": record.is_charge_refundable,
        "livemode": False,
        "metadata": record.metadata,
        "payment_intent": record.payment_intent,
        "payment_method_details": {
            "card": {
                "brand": record.brand,
                "case_type": record.case_type,
                "network": record.brand,
                "network_reason_code": record.network_reason_code,
            },
            "type": "card",
        },
        "reason": record.reason,
        "status": record.status,
    }


def early_fraud_warning(record: EarlyFraudWarning) -> Wire:
    """Write an early fraud warning."""
    return {
        "id": record.id,
        "object": "radar.early_fraud_warning",
        "actionable": record.actionable,
        "charge": record.charge,
        "created": record.created,
        "fraud_type": record.fraud_type,
        "livemode": False,
        "payment_intent": record.payment_intent,
    }
