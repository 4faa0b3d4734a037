"""Stripe's JSON objects as the domain's values.

A shape that is not as expected raises KeyError, TypeError or ValueError: doubt, to the gateway. So
does a value of a wrong type, for what was stored with it could not be read again.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from payment_service.domain.news import (
    ChargeOutcome,
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
T = TypeVar("T")

# Stripe's messages are a sentence or two, its codes and the ids of its rules a word.
MESSAGE_MAX = 1_000
WORD_MAX = ID_MAX = 255
METADATA_VALUE_MAX = 500
_encoder = msgspec.json.Encoder()


def storable(seen: T) -> T:
    """Return what was seen, if a store that writes it down could read it again.

    Raises ValueError (msgspec's own is one): a field is of another type than it is declared with,
    or holds text that is none.
    """
    try:
        written = _encoder.encode(seen)
    except (OverflowError, TypeError) as error:
        raise ValueError(str(error)) from None
    msgspec.json.decode(written, type=type(seen))
    return seen


def intent_of(body: Json) -> Intent:
    """Return a PaymentIntent."""
    error = body.get("last_payment_error")
    metadata = body.get("metadata") or {}
    charge = body.get("latest_charge")
    seen = Intent(
        id=body["id"],
        status=body["status"],
        amount_minor=body["amount"],
        amount_received_minor=body.get("amount_received") or 0,
        charge_id=expanded_id_of(charge),
        payment_method_id=expanded_id_of(body.get("payment_method")),
        last_error=denial_of({**error, "payment_intent": body}) if error else None,
        cancellation_reason=body.get("cancellation_reason"),
        client_secret=body.get("client_secret"),
        next_action=body.get("next_action"),
        amount_capturable_minor=body.get("amount_capturable") or 0,
        capture_before=_capture_before(charge),
        service=metadata.get("service"),
        order_id=metadata.get("order_id"),
        key=metadata.get("idempotency_key"),
        refused_card_id=expanded_id_of((error or {}).get("payment_method")),
        currency=body.get("currency") or "",
        customer_id=expanded_id_of(body.get("customer")),
        capture_method=body.get("capture_method") or "automatic",
        charge_outcome=_outcome_of(charge),
    )
    return storable(seen)


def _capture_before(charge: str | Json | None) -> datetime | None:
    """Return when a hold lapses, which only the charge says, when it was asked for."""
    if charge is None or isinstance(charge, str):
        return None
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    seconds = card.get("capture_before")
    return time_of(seconds) if seconds else None


def denial_of(error: Json) -> Denial:
    """Return Stripe's reason for a refusal.

    These are only words: one that is none is left out, for the refusal counts without it.
    """
    charge_id, intent = _word(error.get("charge")), error.get("payment_intent")
    charge = intent.get("latest_charge") if isinstance(intent, Mapping) else None
    is_of_it = isinstance(charge, Mapping) and charge.get("id") == charge_id
    return Denial(
        code=_word(error.get("code")) or _word(error.get("type")) or "unknown",
        message=_text(error.get("message"), MESSAGE_MAX) or "Stripe gave no reason.",
        decline_code=_word(error.get("decline_code")),
        param=_word(error.get("param")),
        advice_code=_word(error.get("advice_code")),
        network_advice_code=_word(error.get("network_advice_code")),
        network_decline_code=_word(error.get("network_decline_code")),
        charge_outcome=_outcome_of(charge) if is_of_it else None,
        charge_id=charge_id,
    )


def _outcome_of(charge: str | Json | None) -> ChargeOutcome | None:
    """Return how a charge ended, when Stripe was asked for the charge and says so."""
    found = charge.get("outcome") if isinstance(charge, Mapping) else None
    if not isinstance(found, Mapping):
        return None
    rule = found.get("rule")
    return ChargeOutcome(
        type=_word(found.get("type")),
        risk_level=_word(found.get("risk_level")),
        reason=_word(found.get("reason")),
        seller_message=_text(found.get("seller_message"), MESSAGE_MAX),
        network_status=_word(found.get("network_status")),
        rule=_word(rule.get("id") if isinstance(rule, Mapping) else rule),
    )


def _word(value: object) -> str | None:
    return _text(value, WORD_MAX)


def _text(value: object, length_max: int) -> str | None:
    """Return text of a sane length, None for what is none or could not be written down."""
    if not isinstance(value, str) or not value or len(value) > length_max:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a pair
        return None
    return value


def refund_of(body: Json) -> SeenRefund:
    """Return a refund, with our mark from its metadata."""
    seen = SeenRefund(
        id=body["id"],
        status=body["status"],
        amount_minor=body["amount"],
        key=(body.get("metadata") or {}).get("idempotency_key"),
        created_at=time_of(body["created"]),
        reason=body.get("reason"),
        failure_reason=body.get("failure_reason"),
    )
    return storable(seen)


def dispute_of(body: Json) -> SeenDispute:
    """Return a dispute or inquiry."""
    due_by = (body.get("evidence_details") or {}).get("due_by")
    seen = SeenDispute(
        id=body["id"],
        amount_minor=body["amount"],
        currency=body["currency"],
        reason=body["reason"],
        status=body["status"],
        created_at=time_of(body["created"]),
        evidence_due_at=time_of(due_by) if due_by else None,
        refundable=bool(body.get("is_charge_refundable")),
    )
    return storable(seen)


def fraud_warning_of(body: Json) -> SeenFraudWarning:
    """Return an early fraud warning."""
    seen = SeenFraudWarning(
        id=body["id"],
        fraud_type=body["fraud_type"],
        actionable=bool(body["actionable"]),
        created_at=time_of(body["created"]),
    )
    return storable(seen)


def setup_of(body: Json) -> SeenSetup:
    """Return a SetupIntent."""
    seen = SeenSetup(
        id=body["id"],
        status=body["status"],
        payment_method_id=expanded_id_of(body.get("payment_method")),
        client_secret=body.get("client_secret"),
    )
    return storable(seen)


def named_by(about: Json, *, type: str, happened_at: datetime | None = None) -> SeenEvent:
    """Return an object as if an event were about it."""
    kind, its_id = about["object"], expanded_id_of(about.get("id")) or ""
    metadata = about.get("metadata")
    marks: Json = metadata if isinstance(metadata, Mapping) else {}
    seen = SeenEvent(
        id=f"{type}:{its_id}",
        type=type,
        happened_at=happened_at or time_of(about["created"]),
        livemode=bool(about.get("livemode")),
        object_id=its_id,
        status=_word(about.get("status")),
        service=_text(marks.get("service"), METADATA_VALUE_MAX),
        order_id=_text(marks.get("order_id"), METADATA_VALUE_MAX),
        intent_id=_named("payment_intent", about, kind, its_id),
        customer_id=_named("customer", about, kind, its_id),
        payment_method_id=its_id or None if kind == "payment_method" else None,
    )
    return storable(seen)


def card_of(body: Json) -> SeenCard:
    """Return a card. Raises KeyError for a payment method that is none."""
    card = body["card"]
    seen = SeenCard(
        payment_method_id=body["id"],
        brand=card["brand"],
        last4=card["last4"],
        exp_month=card["exp_month"],
        exp_year=card["exp_year"],
        fingerprint=card.get("fingerprint"),
        cardholder_name=(body.get("billing_details") or {}).get("name"),
        customer_id=expanded_id_of(body.get("customer")),
        created_at=time_of(body["created"]),
        display_brand=_word(card.get("display_brand")),
    )
    return storable(seen)


def customer_of(body: Json, cards: Iterable[Json]) -> SeenCustomer:
    """Return a customer with its cards, oldest first."""
    settings = body.get("invoice_settings") or {}
    seen = SeenCustomer(
        id=body["id"],
        email=body.get("email"),
        name=body.get("name"),
        default_payment_method_id=expanded_id_of(settings.get("default_payment_method")),
        cards=tuple(reversed([card_of(card) for card in cards])),
    )
    return storable(seen)


def _named(name: str, about: Json, kind: Any, its_id: str) -> str | None:
    """Return the id of what an object of this kind is, or belongs to."""
    return its_id or None if kind == name else expanded_id_of(about.get(name))


def expanded_id_of(value: Any) -> str | None:
    """Return the id, whether Stripe wrote the id or expanded the object.

    Raises KeyError, TypeError, ValueError: it is none.
    """
    found = value["id"] if isinstance(value, Mapping) else value
    if found is None:
        return None
    if not isinstance(found, str):
        raise TypeError("no text where an id stands")
    if len(found) > ID_MAX or not found.isprintable():
        raise ValueError("no id of Stripe's")
    return found


def time_of(seconds: Any) -> datetime:
    """Return a time that Stripe wrote as seconds. Raises ValueError."""
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise ValueError("no time: not whole seconds")  # noqa: TRY004 - as for any other that is none
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OSError, OverflowError, ValueError):  # an OSError is the C library's overflow
        raise ValueError("no time") from None
