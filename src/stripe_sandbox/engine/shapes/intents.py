"""Payment intents and setup intents on the wire."""

from __future__ import annotations

from typing import Final

from stripe_sandbox.engine.records import PaymentIntent, SetupIntent, Wire
from stripe_sandbox.engine.shapes.parts import CONFIGURATION, template

_INTENT: Final = template(
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
_SETUP: Final = template(
    "id object allowed_payment_method_types application automatic_payment_methods "
    "cancellation_reason client_secret created customer customer_account description "
    "excluded_payment_method_types flow_directions last_setup_error latest_attempt livemode "
    "managed_payments mandate metadata next_action on_behalf_of payment_method "
    "payment_method_configuration_details payment_method_options payment_method_types "
    "single_use_mandate status usage",
    object="setup_intent",
    livemode=False,
    managed_payments={"enabled": False},
    # Recorded: whatever is asked for, this is what is answered.
    usage="off_session",
)


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
        "automatic_payment_methods": _automatic(record),
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
        "payment_method_configuration_details": CONFIGURATION if by_account else None,
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


def setup_intent(record: SetupIntent) -> Wire:
    """Write a setup intent."""
    by_account = record.allow_redirects is not None
    return {
        **_SETUP,
        "id": record.id,
        "allowed_payment_method_types": _listed(record.allowed_payment_method_types),
        "automatic_payment_methods": _automatic(record),
        "cancellation_reason": record.cancellation_reason,
        "client_secret": record.client_secret,
        "created": record.created,
        "customer": record.customer,
        "description": record.description,
        "excluded_payment_method_types": _listed(record.excluded_payment_method_types),
        "last_setup_error": record.last_setup_error,
        "latest_attempt": record.latest_attempt,
        "metadata": record.metadata,
        "next_action": record.next_action,
        "payment_method": record.payment_method,
        "payment_method_configuration_details": CONFIGURATION if by_account else None,
        "payment_method_options": _setup_options(record),
        "payment_method_types": list(record.payment_method_types),
        "status": record.status,
    }


def _automatic(record: PaymentIntent | SetupIntent) -> Wire | None:
    if record.allow_redirects is None or record.allowed_payment_method_types is not None:
        return None
    return {"allow_redirects": record.allow_redirects, "enabled": True}


def _setup_options(record: SetupIntent) -> Wire:
    if "card" not in record.payment_method_types:
        return {}
    return {
        "card": {
            "mandate_options": None,
            "network": None,
            "request_three_d_secure": record.request_three_d_secure,
        }
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
