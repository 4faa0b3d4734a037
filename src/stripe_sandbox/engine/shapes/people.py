"""Customers and their payment methods on the wire."""

from __future__ import annotations

from typing import Final

from stripe_sandbox.engine import cards
from stripe_sandbox.engine.records import Customer, PaymentMethod, Wire
from stripe_sandbox.engine.shapes.parts import template

_CUSTOMER: Final = template(
    "id object address balance created currency customer_account default_source delinquent "
    "description discount email invoice_prefix invoice_settings livemode metadata name "
    "next_invoice_sequence phone preferred_locales shipping tax_exempt test_clock",
    object="customer",
    delinquent=False,
    livemode=False,
)


def customer(record: Customer) -> Wire:
    """Write a customer, or the stub of a deleted one."""
    if record.deleted:
        return {"id": record.id, "object": "customer", "deleted": True}
    return {
        **_CUSTOMER,
        "id": record.id,
        "address": record.address,
        "balance": record.balance,
        "created": record.created,
        "description": record.description,
        "email": record.email,
        "invoice_prefix": record.invoice_prefix,
        "invoice_settings": {
            "custom_fields": record.custom_fields,
            "default_payment_method": record.default_payment_method,
            "footer": record.footer,
            "rendering_options": None,
        },
        "metadata": record.metadata,
        "name": record.name,
        "next_invoice_sequence": record.next_invoice_sequence,
        "phone": record.phone,
        "preferred_locales": list(record.preferred_locales),
        "shipping": record.shipping,
        "tax_exempt": record.tax_exempt,
    }


def payment_method(record: PaymentMethod) -> Wire:
    """Write a payment method; one that is no card has an empty map named after its type."""
    own = _card(record) if record.type == "card" else {}
    fields = {
        "allow_redisplay": record.allow_redisplay,
        "billing_details": record.billing_details,
        "created": record.created,
        "customer": record.customer,
        "customer_account": None,
        "livemode": False,
        "metadata": record.metadata,
        "shared_payment_granted_token": None,
        "type": record.type,
    }
    # The key named after the type takes its alphabetical place.
    ordered = sorted([*fields, record.type])
    return {
        "id": record.id,
        "object": "payment_method",
        **{name: own if name == record.type else fields[name] for name in ordered},
    }


def _card(record: PaymentMethod) -> Wire:
    card = cards.card_of(record.number)
    return {
        "brand": card.brand,
        "checks": checks(record),
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": record.exp_month,
        "exp_year": record.exp_year,
        "fingerprint": cards.fingerprint(record.number),
        "funding": card.funding,
        "generated_from": None,
        "last4": record.number[-4:],
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def checks(record: PaymentMethod) -> Wire:
    return {
        "address_line1_check": None,
        "address_postal_code_check": None,
        "cvc_check": record.cvc_check,
    }
