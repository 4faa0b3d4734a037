"""Stripe's JSON objects as the domain's values.

A shape that is not as expected raises KeyError, TypeError or ValueError: doubt, to the gateway.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from payment_service.domain.news import (
    Denial,
    Intent,
    SeenCard,
    SeenCustomer,
    SeenDispute,
    SeenEvent,
    SeenFraudWarning,
    SeenRefund,
    SeenSetup,
)

Json = Mapping[str, Any]


def intent_of(body: Json) -> Intent:
    """Return a PaymentIntent."""
    error = body.get("last_payment_error")
    metadata = body.get("metadata") or {}
    return Intent(
        id=body["id"],
        status=body["status"],
        amount_minor=body["amount"],
        amount_received_minor=body.get("amount_received") or 0,
        charge_id=_id_of(body.get("latest_charge")),
        payment_method_id=_id_of(body.get("payment_method")),
        last_error=denial_of(error) if error else None,
        cancellation_reason=body.get("cancellation_reason"),
        client_secret=body.get("client_secret"),
        next_action=body.get("next_action"),
        amount_capturable_minor=body.get("amount_capturable") or 0,
        capture_before=_capture_before(body.get("latest_charge")),
        service=metadata.get("service"),
        order_id=metadata.get("order_id"),
        key=metadata.get("idempotency_key"),
        refused_card_id=_id_of((error or {}).get("payment_method")),
        currency=body.get("currency") or "",
        customer_id=_id_of(body.get("customer")),
        capture_method=body.get("capture_method") or "automatic",
    )


def _capture_before(charge: str | Json | None) -> datetime | None:
    """Return when a hold lapses, which only the charge says, when it was asked for."""
    if charge is None or isinstance(charge, str):
        return None
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    seconds = card.get("capture_before")
    return _time_of(seconds) if seconds else None


def denial_of(error: Json) -> Denial:
    """Return Stripe's reason for a refusal."""
    return Denial(
        code=error.get("code") or error.get("type") or "unknown",
        message=error.get("message") or "Stripe gave no reason.",
        decline_code=error.get("decline_code"),
        param=error.get("param"),
    )


def refund_of(body: Json) -> SeenRefund:
    """Return a refund, with our mark from its metadata."""
    return SeenRefund(
        id=body["id"],
        status=body["status"],
        amount_minor=body["amount"],
        key=(body.get("metadata") or {}).get("idempotency_key"),
        created_at=_time_of(body["created"]),
        reason=body.get("reason"),
        failure_reason=body.get("failure_reason"),
    )


def dispute_of(body: Json) -> SeenDispute:
    """Return a dispute or inquiry."""
    due_by = (body.get("evidence_details") or {}).get("due_by")
    return SeenDispute(
        id=body["id"],
        amount_minor=body["amount"],
        currency=body["currency"],
        reason=body["reason"],
        status=body["status"],
        created_at=_time_of(body["created"]),
        evidence_due_at=_time_of(due_by) if due_by else None,
        refundable=bool(body.get("is_charge_refundable")),
    )


def fraud_warning_of(body: Json) -> SeenFraudWarning:
    """Return an early fraud warning."""
    return SeenFraudWarning(
        id=body["id"],
        fraud_type=body["fraud_type"],
        actionable=bool(body["actionable"]),
        created_at=_time_of(body["created"]),
    )


def setup_of(body: Json) -> SeenSetup:
    """Return a SetupIntent."""
    return SeenSetup(
        id=body["id"],
        status=body["status"],
        payment_method_id=_id_of(body.get("payment_method")),
        client_secret=body.get("client_secret"),
    )


def event_of(body: Json) -> SeenEvent:
    """Return an event: whose it is and what it names, not what it says."""
    about, before = body["data"]["object"], body["data"].get("previous_attributes") or {}
    seen = named_by(about, type=body["type"], happened_at=_time_of(body["created"]))
    was_with = _id_of(before.get("customer")) if about.get("object") == "payment_method" else None
    return replace(
        seen,
        id=body["id"],
        livemode=bool(body["livemode"]),
        customer_id=seen.customer_id or was_with,
    )


def named_by(about: Json, *, type: str, happened_at: datetime | None = None) -> SeenEvent:
    """Return an object as if an event were about it."""
    kind, its_id = about["object"], about.get("id") or ""
    metadata = about.get("metadata") or {}
    return SeenEvent(
        id=f"{type}:{its_id}",
        type=type,
        happened_at=happened_at or _time_of(about["created"]),
        livemode=bool(about.get("livemode")),
        object_id=its_id,
        status=about.get("status") if isinstance(about.get("status"), str) else None,
        service=metadata.get("service"),
        order_id=metadata.get("order_id"),
        intent_id=its_id if kind == "payment_intent" else _id_of(about.get("payment_intent")),
        customer_id=its_id if kind == "customer" else _id_of(about.get("customer")),
        payment_method_id=its_id if kind == "payment_method" else None,
    )


def card_of(body: Json) -> SeenCard:
    """Return a card. Raises KeyError for a payment method that is none."""
    card = body["card"]
    return SeenCard(
        payment_method_id=body["id"],
        brand=card["brand"],
        last4=card["last4"],
        exp_month=card["exp_month"],
        exp_year=card["exp_year"],
        fingerprint=card.get("fingerprint"),
        cardholder_name=(body.get("billing_details") or {}).get("name"),
        customer_id=_id_of(body.get("customer")),
        created_at=_time_of(body["created"]),
    )


def customer_of(body: Json, cards: Iterable[Json]) -> SeenCustomer:
    """Return a customer with its cards, oldest first."""
    settings = body.get("invoice_settings") or {}
    return SeenCustomer(
        id=body["id"],
        email=body.get("email"),
        name=body.get("name"),
        default_payment_method_id=_id_of(settings.get("default_payment_method")),
        cards=tuple(reversed([card_of(card) for card in cards])),
    )


def _id_of(value: str | Json | None) -> str | None:
    """Return the id, whether Stripe wrote the id or expanded the object."""
    if value is None or isinstance(value, str):
        return value
    found: str = value["id"]
    return found


def _time_of(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError):
        raise ValueError("no time") from None
