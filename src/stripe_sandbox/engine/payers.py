"""What the payer may do and see, who has a publishable key and the secret of one intent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.errors import ApiError, invalid
from stripe_sandbox.engine.parameters import missing
from stripe_sandbox.engine.records import Wire

_SHOWN: Final[dict[str, frozenset[str]]] = {
    "payment_intent": frozenset(
        (
            "id",
            "object",
            "amount",
            "amount_details",
            "automatic_payment_methods",
            "canceled_at",
            "cancellation_reason",
            "capture_method",
            "client_secret",
            "confirmation_method",
            "created",
            "currency",
            "description",
            "last_payment_error",
            "livemode",
            "next_action",
            "payment_method",
            "payment_method_configuration_details",
            "payment_method_types",
            "processing",
            "receipt_email",
            "setup_future_usage",
            "shipping",
            "source",
            "status",
        )
    ),
    "setup_intent": frozenset(
        (
            "id",
            "object",
            "automatic_payment_methods",
            "cancellation_reason",
            "client_secret",
            "created",
            "description",
            "last_setup_error",
            "livemode",
            "next_action",
            "payment_method",
            "payment_method_configuration_details",
            "payment_method_types",
            "status",
            "usage",
        )
    ),
}


def check_secret(call: Call, secret: str, noun: str) -> None:
    """Refuse a secret that is not that of the intent; the account itself needs none."""
    given = call.get("client_secret")
    if given is None:
        if call.by_payer:
            raise missing("client_secret")
        return
    if given != secret:
        raise invalid(
            "The client_secret provided does not match the client_secret associated with the "
            f"{noun}.",
            param="client_secret",
            code="payment_intent_invalid_parameter" if noun == "PaymentIntent" else None,
        )


def execute(endpoint: Callable[[Call], Wire], call: Call) -> Wire:
    """Do what the payer asks, and leave out of the answer what is the account's business alone."""
    try:
        return _shown(endpoint(call))
    except ApiError as error:
        for name, value in error.fields.items():
            if isinstance(value, dict):
                error.fields[name] = _shown(value)
        raise


def _shown(answer: Wire) -> Wire:
    names = _SHOWN.get(answer.get("object", ""))
    if names is None:
        return answer
    return {name: value for name, value in answer.items() if name in names}
