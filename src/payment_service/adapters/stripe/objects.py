"""Stripe's JSON objects as the domain's values.

A shape that is not as expected raises KeyError, TypeError or ValueError: doubt, to the gateway.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from payment_service.domain.steps import Denial, Intent, SeenCard, SeenCustomer, SeenRefund

Json = Mapping[str, Any]


def intent_of(body: Json) -> Intent:
    """Return a PaymentIntent."""
    error = body.get("last_payment_error")
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
    )


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
    return datetime.fromtimestamp(seconds, UTC)
