"""What an endpoint refuses of its parameters alone, before the idempotency key is claimed."""

from __future__ import annotations

from typing import Any, Final

from stripe_sandbox.engine.config import Config
from stripe_sandbox.engine.currencies import check_amount, check_currency
from stripe_sandbox.engine.errors import invalid
from stripe_sandbox.engine.parameters import too_small
from stripe_sandbox.engine.ways_to_pay import check_return_url

_ONLY_CONFIRMING: Final = (
    "error_on_requires_action",
    "mandate",
    "mandate_data",
    "off_session",
    "return_url",
)
# Each of these says which types of payment are taken, so there may be but one of them.
_TYPE_SOURCES: Final = (
    "allowed_payment_method_types",
    "automatic_payment_methods",
    "payment_method_types",
)


def nothing(_parameters: dict[str, Any], _config: Config) -> None:
    """Refuse nothing."""


def intent_create(parameters: dict[str, Any], config: Config) -> None:
    """Refuse a bad currency or amount, and what only makes sense with confirm=true."""
    check_currency(parameters["currency"])
    currency = parameters["currency"].lower()
    check_amount(parameters["amount"], currency, minimum=config.minimum_amounts)
    _check_type_sources(parameters)
    _check_only_confirming(parameters, "PaymentIntent")
    check_return_url(parameters)


def intent_confirm(parameters: dict[str, Any], _config: Config) -> None:
    """Refuse a way back that is none."""
    check_return_url(parameters)


def setup_create(parameters: dict[str, Any], _config: Config) -> None:
    """Refuse what contradicts itself, and what only makes sense with confirm=true."""
    _check_type_sources(parameters)
    _check_only_confirming(parameters, "SetupIntent")
    check_return_url(parameters)


def setup_confirm(parameters: dict[str, Any], _config: Config) -> None:
    """Refuse a way back that is none."""
    check_return_url(parameters)


def intent_update(parameters: dict[str, Any], config: Config) -> None:
    """Refuse a bad currency; whether the amount fits it depends on the intent."""
    if parameters.get("currency") is not None:
        check_currency(parameters["currency"])
    if parameters.get("amount") is not None and parameters["amount"] < 1:
        check_amount(parameters["amount"], "usd", minimum=config.minimum_amounts)


def intent_capture(parameters: dict[str, Any], _config: Config) -> None:
    """Refuse amounts that are none. Zero is told of under the name `amount`, as recorded."""
    amount = parameters.get("amount_to_capture")
    if amount == 0:
        raise too_small("amount")
    if amount is not None and amount < 0:
        raise invalid("Invalid non-negative integer", param="amount_to_capture")


def refund_create(parameters: dict[str, Any], _config: Config) -> None:
    """Refuse amounts below 1."""
    amount = parameters.get("amount")
    if amount is not None and amount < 1:
        raise too_small("amount")


def _check_only_confirming(parameters: dict[str, Any], noun: str) -> None:
    if parameters.get("confirm"):
        return
    for name in _ONLY_CONFIRMING:
        if parameters.get(name) not in (None, False, "false"):
            raise invalid(
                f"The parameter `{name}` cannot be passed when creating a {noun} unless "
                "`confirm` is set to true.",
                param=name,
            )


def _check_type_sources(parameters: dict[str, Any]) -> None:
    given = [name for name in _TYPE_SOURCES if parameters.get(name) is not None]
    allowed = parameters.get("allowed_payment_method_types") is not None
    if allowed and parameters.get("excluded_payment_method_types") is not None:
        given.append("excluded_payment_method_types")
    if allowed and parameters.get("payment_method_configuration") is not None:
        given.append("payment_method_configuration")
    if len(given) > 1:
        raise invalid(f"You may only specify one of these parameters: {', '.join(given)}.")
