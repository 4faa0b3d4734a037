"""What was asked against what is there, field by field: the tables and how they are read.

A row names a field as callers name it in their own record (`Conversation.asked`), and says where
Stripe's books and the service's document have it. What a caller did not record is not compared.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from payment_service.domain.customer import Card
from payment_service.domain.dispute import Dispute
from payment_service.domain.payment import Payment
from payment_service.domain.refund import Refund
from tests.simulation.evidence import Evidence, Found

# What the service writes into Stripe's metadata itself; the rest is the caller's.
OWN_METADATA: Final = frozenset({"service", "order_id", "idempotency_key", "request_id"})
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A row. at_stripe, shown: where it is read there, None where it is not to be seen."""

    name: str
    at_stripe: Callable[[Evidence, Found], Any] | None
    shown: Callable[[Evidence, Any], Any] | None


def differences(
    seen: Evidence, fields: Iterable[Field], records: Iterable[Record], found: Any, where: str
) -> list[str]:
    """Return in what the thing differs from the record that is the nearest to it.

    where: `at_stripe` or `shown`, which says what the thing is.
    """
    rows = {row.name: getattr(row, where) for row in fields if getattr(row, where)}
    there = {name: read(seen, found) for name, read in rows.items()}
    wrong = [
        {name: record[name] for name in there if name in record and record[name] != there[name]}
        for record in records
    ]
    # Of two that are as near the one that has the first row right is meant: it says of what.
    nearest = min(wrong, key=lambda one: (len(one), next(iter(there)) in one), default={})
    return [
        f"{name}: {asked!r} was asked for, {there[name]!r} is {_WHERE[where]}"
        for name, asked in nearest.items()
    ]


def unlike(seen: Evidence, fields: Iterable[Field], at_stripe: Found, shown: Any) -> list[str]:
    """Return in what the document differs from Stripe's books."""
    return [
        f"{row.name}: {row.at_stripe(seen, at_stripe)!r} at Stripe, "
        f"{row.shown(seen, shown)!r} is shown"
        for row in fields
        if row.at_stripe and row.shown and row.at_stripe(seen, at_stripe) != row.shown(seen, shown)
    ]


_WHERE: Final = {"at_stripe": "at Stripe", "shown": "shown"}


def email_of(seen: Evidence, customer_id: str | None) -> str | None:
    """Return whose a customer is: one that was deleted and made anew is the same person."""
    found = (one["email"] for one in seen.ledger["customers"] if one["id"] == customer_id)
    return next(found, customer_id)


def order_of(seen: Evidence, intent_id: str) -> str | None:
    """Return the order that a PaymentIntent was made for."""
    intents = (one for one in seen.ledger["payment_intents"] if one["id"] == intent_id)
    order: str | None = next((one["metadata"].get("order_id") for one in intents), None)
    return order


def _of(name: str) -> Callable[[Evidence, Any], Any]:
    return lambda _seen, found: found[name]


def _capture_method(_seen: Evidence, intent: Found) -> str:
    """Return how it is captured. Stripe captures in the background if it is not told how."""
    return "manual" if intent["capture_method"] == "manual" else "automatic"


def _callers_metadata(_seen: Evidence, intent: Found) -> dict[str, str]:
    return {k: v for k, v in intent["metadata"].items() if k not in OWN_METADATA}


def _comes_back(_seen: Evidence, intent: Found) -> bool:
    """Whether the payer may be sent away, since there is a place to come back to."""
    return bool(intent["allow_redirects"] == "always")


def _service(_seen: Evidence, found: Found) -> str | None:
    service: str | None = found["metadata"].get("service")
    return service


def _card_of_success(_seen: Evidence, intent: Found) -> str | None:
    """Return the card that the money is of. Before there is money others may change it."""
    card: str | None = intent["payment_method"]
    return card if intent["amount_received"] else None


def _shown_card_of_success(payment: Payment) -> str | None:
    return payment.payment_method_id if payment.received_minor else None


def _due_by(dispute: Dispute) -> int | None:
    due_at = dispute.evidence_due_at
    return int(due_at.timestamp()) if due_at else None


def _reason_of_refund(_seen: Evidence, refund: Found) -> str | None:
    reason: str | None = refund["reason"] or refund["metadata"].get("reason")
    return reason


def _terms(read: Callable[[Payment], Any]) -> Callable[[Evidence, Payment], Any]:
    return lambda _seen, payment: read(payment)


def _refund(read: Callable[[Refund], Any]) -> Callable[[Evidence, Refund], Any]:
    return lambda _seen, refund: read(refund)


def _dispute(read: Callable[[Dispute], Any]) -> Callable[[Evidence, Dispute], Any]:
    return lambda _seen, dispute: read(dispute)


def _card(read: Callable[[Card], Any]) -> Callable[[Evidence, Card], Any]:
    return lambda _seen, card: read(card)


# A payment: what is agreed, at Stripe a PaymentIntent.
PAYMENT: Final = (
    Field("amount", _of("amount"), _terms(lambda p: p.terms.amount_minor)),
    Field("currency", _of("currency"), _terms(lambda p: p.terms.currency)),
    Field(
        "customer",
        lambda seen, intent: email_of(seen, intent["customer"]),
        lambda seen, payment: email_of(seen, payment.terms.customer_id),
    ),
    Field("capture_method", _capture_method, _terms(lambda p: p.terms.capture_method)),
    Field("description", _of("description"), _terms(lambda p: p.terms.description)),
    Field("metadata", _callers_metadata, _terms(lambda p: dict(p.terms.metadata))),
    Field("comes_back", _comes_back, None),
    Field("service", _service, None),
)
# What became of it, which nobody asks for.
PAYMENT_AS_IT_STANDS: Final = (
    Field("received", _of("amount_received"), _terms(lambda p: p.received_minor)),
    Field("capturable", _of("amount_capturable"), _terms(lambda p: p.capturable_minor)),
    Field("charge", lambda _, i: _last(i["charges"]), _terms(lambda p: p.charge_id)),
    Field("card", _card_of_success, _terms(_shown_card_of_success)),
)
# One request that confirmed a PaymentIntent.
CONFIRMATION: Final = (
    Field("card", lambda _, found: found["card"]["last4"], None),
    Field("off_session", _of("off_session"), None),
    Field("return_url", _of("return_url"), None),
)
REFUND: Final = (
    Field("amount", _of("amount"), _refund(lambda r: r.amount_minor)),
    Field("currency", _of("currency"), None),
    Field("reason", _reason_of_refund, _refund(lambda r: r.reason)),
    Field("order", lambda seen, refund: order_of(seen, refund["payment_intent"]), None),
    Field("named_order", lambda _, refund: refund["metadata"].get("order_id"), None),
    Field("request_id", lambda _, refund: refund["metadata"].get("request_id"), None),
    Field("service", _service, None),
)
REFUND_AS_IT_STANDS: Final = (
    Field("amount", _of("amount"), _refund(lambda r: r.amount_minor)),
    Field("status", _of("status"), _refund(lambda r: str(r.status))),
    Field("failure", lambda _, refund: refund.get("failure_reason"), _refund(lambda r: r.failure)),
)
DISPUTE: Final = (
    Field("amount", _of("amount"), _dispute(lambda d: d.amount_minor)),
    Field("currency", _of("currency"), _dispute(lambda d: d.currency)),
    Field("reason", _of("reason"), _dispute(lambda d: d.reason)),
    Field("created", _of("created"), _dispute(lambda d: int(d.created_at.timestamp()))),
    Field("due_by", lambda _, d: d["evidence_details"]["due_by"], _dispute(_due_by)),
)
WARNING: Final = (
    Field("fraud_type", _of("fraud_type"), lambda _, warning: warning.fraud_type),
    Field("created", _of("created"), lambda _, w: int(w.created_at.timestamp())),
)
CUSTOMER: Final = (
    Field("name", _of("name"), lambda _, customer: customer.name),
    Field("email", _of("email"), lambda _, customer: customer.email),
    Field("service", _service, None),
)
CARD: Final = (
    Field("card", _of("last4"), _card(lambda c: c.last4)),
    Field("name", _of("name"), _card(lambda c: c.cardholder_name)),
    Field("brand", _of("brand"), _card(lambda c: c.brand)),
    Field("fingerprint", _of("fingerprint"), _card(lambda c: c.fingerprint)),
    Field("exp_month", _of("exp_month"), _card(lambda c: c.exp_month)),
    Field("exp_year", _of("exp_year"), _card(lambda c: c.exp_year)),
)
SETUP: Final = (
    Field("customer", lambda seen, setup: email_of(seen, setup["customer"]), None),
    Field("request_id", lambda _, setup: setup["metadata"].get("request_id"), None),
)


def _last(charges: list[Found]) -> str | None:
    return charges[-1]["id"] if charges else None
