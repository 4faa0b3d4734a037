"""Any object on the wire, and the event around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from stripe_sandbox.engine.records import (
    BalanceTransaction,
    Charge,
    Customer,
    Dispute,
    EarlyFraudWarning,
    Event,
    PaymentIntent,
    PaymentMethod,
    Record,
    Refund,
    SetupIntent,
    Wire,
)
from stripe_sandbox.engine.shapes.disputes import dispute, early_fraud_warning
from stripe_sandbox.engine.shapes.intents import intent, setup_intent
from stripe_sandbox.engine.shapes.money import balance_transaction, charge, refund
from stripe_sandbox.engine.shapes.people import customer, payment_method


def wire(record: Record, api_version: str) -> Wire:
    """Write any object; the version is that of the account, which events carry."""
    if isinstance(record, Event):
        return event(record, api_version)
    return _WRITERS[type(record)](record)


def event(record: Event, api_version: str) -> Wire:
    """Write an event around its object, in the version of the account."""
    content = {"object": wire(record.subject, api_version)}
    if record.previous is not None:
        content["previous_attributes"] = record.previous
    return {
        "id": record.id,
        "object": "event",
        "api_version": api_version,
        "created": record.created,
        "data": content,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": record.request_id, "idempotency_key": record.idempotency_key},
        "type": record.type,
    }


_WRITERS: Final[dict[type[Record], Callable[[Any], Wire]]] = {
    BalanceTransaction: balance_transaction,
    Charge: charge,
    Customer: customer,
    Dispute: dispute,
    EarlyFraudWarning: early_fraud_warning,
    PaymentIntent: intent,
    PaymentMethod: payment_method,
    Refund: refund,
    SetupIntent: setup_intent,
}
