"""How each kept object looks on the wire: every key, in the order of the real API.

The templates carry the keys that never differ here, and so the order; null is written.
"""

from __future__ import annotations

import base64
from typing import Any, Final

from stripe_sandbox.engine import cards
from stripe_sandbox.engine.records import (
    BalanceTransaction,
    Charge,
    Customer,
    Event,
    PaymentIntent,
    PaymentMethod,
    Record,
    Refund,
    Wire,
)

ADDRESS: Final[Wire] = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
BILLING_DETAILS: Final[Wire] = {
    "address": ADDRESS,
    "email": None,
    "name": None,
    "phone": None,
    "tax_id": None,
}
# The configuration of payment methods of the account, which stands behind the automatic ones.
_CONFIGURATION: Final = {"id": "pmc_1SandboxHIBYZYyePr0ZNBvN", "parent": None}
_SWITCHED_OFF: Final = {"status": "disabled"}
_UNAVAILABLE: Final = {"status": "unavailable"}


def _template(names: str, **defaults: Any) -> Wire:
    """Make the keys of an object in order: null where nothing else is said."""
    return {**dict.fromkeys(names.split()), **defaults}


_CUSTOMER: Final = _template(
    "id object address balance created currency customer_account default_source delinquent "
    "description discount email invoice_prefix invoice_settings livemode metadata name "
    "next_invoice_sequence phone preferred_locales shipping tax_exempt test_clock",
    object="customer",
    delinquent=False,
    livemode=False,
)
_INTENT: Final = _template(
    "id object allowed_payment_method_types amount amount_capturable amount_details "
    "amount_received application application_fee_amount automatic_payment_methods canceled_at "
    "cancellation_reason capture_method client_secret confirmation_method created currency "
    "customer customer_account description excluded_payment_method_types last_payment_error "
    "latest_charge livemode managed_payments metadata next_action on_behalf_of payment_method "
    "payment_method_configuration_details payment_method_options payment_method_types "
    "payment_record processing receipt_email review setup_future_usage "
    "shared_payment_granted_token shipping source statement_descriptor "
    "statement_descriptor_suffix status transfer_data transfer_group",
    object="payment_intent",
    amount_details={"tip": {}},
    livemode=False,
    managed_payments={"enabled": False},
)
_CHARGE: Final = _template(
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
    disputed=False,
    fraud_details={},
    livemode=False,
    radar_options={},
)


def wire(record: Record, api_version: str) -> Wire:
    """Write any object; the version is that of the account, which events carry."""
    match record:
        case PaymentIntent():
            return intent(record)
        case Charge():
            return charge(record)
        case PaymentMethod():
            return payment_method(record)
        case Customer():
            return customer(record)
        case Refund():
            return refund(record)
        case BalanceTransaction():
            return balance_transaction(record)
        case Event():
            return event(record, api_version)


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
        "checks": _checks(record),
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


def _checks(record: PaymentMethod) -> Wire:
    return {
        "address_line1_check": None,
        "address_postal_code_check": None,
        "cvc_check": record.cvc_check,
    }


def intent(record: PaymentIntent) -> Wire:
    """Write a payment intent."""
    by_account = record.allow_redirects is not None
    return {
        **_INTENT,
        "id": record.id,
        "allowed_payment_method_types": _listed(record.allowed_payment_method_types),
        "amount": record.amount,
        "amount_capturable": record.amount_capturable,
        "amount_received": record.amount_received,
        "automatic_payment_methods": (
            {"allow_redirects": record.allow_redirects, "enabled": True}
            if by_account and record.allowed_payment_method_types is None
            else None
        ),
        "canceled_at": record.canceled_at,
        "cancellation_reason": record.cancellation_reason,
        "capture_method": record.capture_method,
        "client_secret": record.client_secret,
        "confirmation_method": record.confirmation_method,
        "created": record.created,
        "currency": record.currency,
        "customer": record.customer,
        "description": record.description,
        "excluded_payment_method_types": _listed(record.excluded_payment_method_types),
        "last_payment_error": record.last_payment_error,
        "latest_charge": record.latest_charge,
        "metadata": record.metadata,
        "next_action": record.next_action,
        "payment_method": record.payment_method,
        "payment_method_configuration_details": _CONFIGURATION if by_account else None,
        "payment_method_options": _options(record),
        "payment_method_types": list(record.payment_method_types),
        "receipt_email": record.receipt_email,
        "setup_future_usage": record.setup_future_usage,
        "shipping": record.shipping,
        "statement_descriptor": record.statement_descriptor,
        "statement_descriptor_suffix": record.statement_descriptor_suffix,
        "status": record.status,
        "transfer_group": record.transfer_group,
    }


def _listed(types: tuple[str, ...] | None) -> list[str] | None:
    return None if types is None else list(types)


def _options(record: PaymentIntent) -> Wire:
    options: Wire = {}
    if "card" in record.payment_method_types:
        options["card"] = {
            "installments": None,
            "mandate_options": None,
            "network": None,
            "request_three_d_secure": record.request_three_d_secure,
        }
    if "link" in record.payment_method_types:
        options["link"] = {"persistent_token": None}
    return options


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
        "failure_code": record.failure_code,
        "failure_message": record.failure_message,
        "metadata": record.metadata,
        "outcome": {**record.outcome, "risk_score": record.risk_score},
        "paid": record.paid,
        "payment_intent": record.payment_intent,
        "payment_method": record.method.id,
        "payment_method_details": {"card": _card_details(record), "type": "card"},
        "receipt_email": record.receipt_email,
        "receipt_url": _receipt_url(record.id) if record.paid else None,
        "refunded": record.refunded,
        "shipping": record.shipping,
        "statement_descriptor": record.statement_descriptor,
        "statement_descriptor_suffix": record.statement_descriptor_suffix,
        "status": record.status,
        "transfer_group": record.transfer_group,
    }


def _card_details(record: Charge) -> Wire:
    method = record.method
    card = cards.card_of(method.number)
    held_until = {} if record.capture_before is None else {"capture_before": record.capture_before}
    return {
        "amount_authorized": record.amount if record.paid else None,
        "authorization_code": record.authorization_code,
        "brand": card.brand,
        **held_until,
        "checks": _checks(method),
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
        "description": "Stripe processing fees",
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
        "reporting_category": record.type,
        "source": record.source,
        "status": "pending",
        "type": record.type,
    }


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
