"""How each kept object looks on the wire: every key, in the order of the real API.

The templates carry the keys that never differ here, and so the order; null is written.
"""

from stripe_sandbox.engine.shapes.disputes import EVIDENCE, dispute, early_fraud_warning
from stripe_sandbox.engine.shapes.intents import intent, setup_intent
from stripe_sandbox.engine.shapes.money import balance_transaction, charge, refund
from stripe_sandbox.engine.shapes.parts import ADDRESS, BILLING_DETAILS
from stripe_sandbox.engine.shapes.people import customer, payment_method
from stripe_sandbox.engine.shapes.whole import event, wire

__all__ = [
    "ADDRESS",
    "BILLING_DETAILS",
    "EVIDENCE",
    "balance_transaction",
    "charge",
    "customer",
    "dispute",
    "early_fraud_warning",
    "event",
    "intent",
    "payment_method",
    "refund",
    "setup_intent",
    "wire",
]
