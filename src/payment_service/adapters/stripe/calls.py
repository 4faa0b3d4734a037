"""Each step with an effect, and each plain look, as one request to Stripe."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, assert_never
from urllib.parse import quote

from payment_service.domain.steps import (
    AttachCard,
    CancelIntent,
    CaptureIntent,
    ConfirmIntent,
    CreateCustomer,
    CreateIntent,
    CreateRefund,
    CreateSetup,
    DeleteCustomer,
    DetachCard,
    NameCard,
    ReadCard,
    ReadIntent,
    ReadSetup,
    ReadTime,
    SetDefaultCard,
    UpdateCustomer,
)

# Stripe takes only these as a refund's reason; any other goes into the metadata.
REFUND_REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})

# Only the charge says until when a hold can be captured.
CHARGE = "latest_charge"

WriteStep = (
    CreateCustomer
    | UpdateCustomer
    | DeleteCustomer
    | CreateSetup
    | AttachCard
    | NameCard
    | DetachCard
    | SetDefaultCard
)
PlainStep = (
    CreateIntent
    | ConfirmIntent
    | CaptureIntent
    | CancelIntent
    | ReadIntent
    | CreateRefund
    | ReadSetup
    | ReadCard
    | ReadTime
    | WriteStep
)


class Kind(Enum):
    """What sort of work a request is, which decides how long it may take."""

    CHARGE = "charge"
    REFUND = "refund"
    WRITE = "write"
    READ = "read"


@dataclass(frozen=True, slots=True)
class StripeCall:
    """One request. `key` is sent as its idempotency key; only a POST has one."""

    kind: Kind
    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    attempt: int = 1


def call_of(step: PlainStep, service: str) -> StripeCall:
    """Return the request of a step. `service` marks in Stripe's metadata whose it is."""
    match step:
        case CreateIntent():
            return _create_intent(step, service)
        case ConfirmIntent() | CaptureIntent() | CancelIntent():
            return _move_intent(step)
        case CreateRefund():
            return _create_refund(step, service)
        case ReadIntent() | ReadSetup() | ReadCard() | ReadTime():
            return _read(step)
        case _:
            return _write(step, service)


def _read(step: ReadIntent | ReadSetup | ReadCard | ReadTime) -> StripeCall:
    match step:
        case ReadIntent():
            return StripeCall(Kind.READ, "get", intent_path(step.intent_id), {"expand": [CHARGE]})
        case ReadSetup():
            return StripeCall(Kind.READ, "get", setup_path(step.setup_id))
        case ReadCard():
            return StripeCall(Kind.READ, "get", _card_path(step.payment_method_id))
        case ReadTime():
            return StripeCall(Kind.READ, "get", "/v1/payment_intents", {"limit": 1})
        case _:  # pragma: no cover - the union is closed
            assert_never(step)


def _move_intent(step: ConfirmIntent | CaptureIntent | CancelIntent) -> StripeCall:
    params: dict[str, Any] = {}
    match step:
        case ConfirmIntent():
            verb = "confirm"
            params = {"payment_method": step.payment_method_id, "expand": [CHARGE]}
            if step.return_url:
                params["return_url"] = step.return_url
            if step.off_session:
                params["off_session"] = True
        case CaptureIntent():
            verb = "capture"
            if step.amount_minor is not None:
                params["amount_to_capture"] = step.amount_minor
        case CancelIntent():
            verb, params = "cancel", {"cancellation_reason": step.reason}
        case _:  # pragma: no cover - the union is closed
            assert_never(step)
    path = f"{intent_path(step.intent_id)}/{verb}"
    return StripeCall(Kind.CHARGE, "post", path, params, step.key, step.attempt)


def setup_path(setup_id: str) -> str:
    """Return the path of a SetupIntent."""
    return f"/v1/setup_intents/{quote(setup_id, safe='')}"


def intent_path(intent_id: str) -> str:
    """Return the path of a PaymentIntent."""
    return f"/v1/payment_intents/{quote(intent_id, safe='')}"


def customer_path(customer_id: str) -> str:
    """Return the path of a customer."""
    return f"/v1/customers/{quote(customer_id, safe='')}"


def _card_path(payment_method_id: str) -> str:
    return f"/v1/payment_methods/{quote(payment_method_id, safe='')}"


def _create_intent(step: CreateIntent, service: str) -> StripeCall:
    # Redirect-based methods need a place to come back to; without one Stripe would refuse a
    # confirmation, with the PaymentIntent already made.
    redirects = "always" if step.return_url else "never"
    params: dict[str, Any] = {
        "amount": step.amount_minor,
        "currency": step.currency,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": redirects},
        "metadata": {
            **step.metadata,
            "service": service,
            "order_id": step.order_id,
            "idempotency_key": step.key,
            "request_id": step.request_id,
        },
    }
    if step.customer_id:
        params["customer"] = step.customer_id
    if step.payment_method_id:
        params["payment_method"] = step.payment_method_id
    if step.capture_method != "automatic":
        params["capture_method"] = step.capture_method
        params["expand"] = [CHARGE]
    if step.description:
        params["description"] = step.description
    if step.confirm:
        params["confirm"] = True
        if step.off_session:
            params["off_session"] = True
        if step.return_url:
            params["return_url"] = step.return_url
    return StripeCall(Kind.CHARGE, "post", "/v1/payment_intents", params, step.key, step.attempt)


def _create_refund(step: CreateRefund, service: str) -> StripeCall:
    metadata = {"service": service, "order_id": step.order_id, "idempotency_key": step.key}
    if step.request_id:
        metadata["request_id"] = step.request_id
    params: dict[str, Any] = {
        "payment_intent": step.intent_id,
        "amount": step.amount_minor,
        "metadata": metadata,
    }
    if step.reason in REFUND_REASONS:
        params["reason"] = step.reason
    elif step.reason:
        metadata["reason"] = step.reason
    return StripeCall(Kind.REFUND, "post", "/v1/refunds", params, step.key, step.attempt)


def _write(step: WriteStep, service: str) -> StripeCall:
    params: dict[str, Any]
    match step:
        case DeleteCustomer():  # a DELETE takes no key: done twice it is done once
            return StripeCall(Kind.WRITE, "delete", customer_path(step.customer_id))
        case CreateCustomer():
            path, params = "/v1/customers", _new_customer(step, service)
        case UpdateCustomer():
            path = customer_path(step.customer_id)
            wanted = {"email": step.email, "name": step.name}
            params = {name: value for name, value in wanted.items() if value is not None}
        case CreateSetup():
            path, params = "/v1/setup_intents", _new_setup(step, service)
        case AttachCard():
            path = f"{_card_path(step.payment_method_id)}/attach"
            params = {"customer": step.customer_id}
        case NameCard():
            path = _card_path(step.payment_method_id)
            params = {"billing_details": {"name": step.cardholder_name}}
        case DetachCard():
            path, params = f"{_card_path(step.payment_method_id)}/detach", {}
        case SetDefaultCard():
            path = customer_path(step.customer_id)
            default = step.payment_method_id or ""  # an empty string unsets
            params = {"invoice_settings": {"default_payment_method": default}}
        case _:  # pragma: no cover - the union is closed
            assert_never(step)
    return StripeCall(Kind.WRITE, "post", path, params, step.key)


def _new_setup(step: CreateSetup, service: str) -> dict[str, Any]:
    metadata = {"service": service, "idempotency_key": step.key}
    if step.request_id:
        metadata["request_id"] = step.request_id
    return {
        "customer": step.customer_id,
        "usage": "off_session",
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "metadata": metadata,
    }


def _new_customer(step: CreateCustomer, service: str) -> dict[str, Any]:
    metadata = {"service": service, "idempotency_key": step.key}
    if step.request_id:
        metadata["request_id"] = step.request_id
    params: dict[str, Any] = {"email": step.email, "metadata": metadata}
    if step.name:
        params["name"] = step.name
    return params
