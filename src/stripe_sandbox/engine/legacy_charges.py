"""Requests on charges themselves, from before PaymentIntents: described anew, or refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from stripe_sandbox.engine import charges, customers, shapes
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.currencies import check_amount, check_currency
from stripe_sandbox.engine.errors import ApiError, card_error, invalid
from stripe_sandbox.engine.parameters import merge_metadata
from stripe_sandbox.engine.records import Charge, Wire

_PLAIN: Final = ("description", "receipt_email", "shipping")
_DOCS: Final = "https://stripe.com/docs/api"


def create(call: Call) -> Wire:
    """Refuse to charge: what an account may charge without an intent is gone (recorded)."""
    given = call.parameters
    currency = given["currency"].lower()
    check_currency(currency)
    check_amount(given["amount"], currency, minimum=call.state.config.minimum_amounts)
    source = given.get("source")
    if source is not None and source.startswith("tok_"):
        raise invalid(
            "Card Token usage on the Customers API and Charges API has reached end of life. In "
            "order to continue processing your payments, you will need to use the Payment Intents "
            "and Payment Methods API. Read more about what you should do here: "
            "https://docs.stripe.com/payments/payment-methods/integration-options. If you need to "
            "continue to use Card Tokens on the Customers and Charges API, enable this "
            "functionality in your API policies settings: "
            "https://dashboard.stripe.com/settings/developers/api-policies"
        )
    if source is not None:
        raise invalid(f"No such source: '{source}'", param="source", code="resource_missing")
    customer = customers.in_parameter(call)
    if customer is None:
        raise invalid("Must provide source or customer.", code="parameter_missing")
    raise _no_saved_details(call, customer.id)


def update(call: Call) -> Wire:
    """Describe a charge anew."""
    before = charges.in_path(call)
    given = call.parameters
    if "transfer_group" in given:
        raise _belongs_to_intent(
            before,
            "You must update the `transfer_group` on the PaymentIntent instead of updating the "
            f"Charge directly. See {_DOCS}#update_payment_intent",
        )
    changes: dict[str, Any] = {name: given[name] for name in _PLAIN if name in given}
    after = replace(before, metadata=merge_metadata(before.metadata, given), **changes)
    if after != before:
        call.state.charges.put(after)
        call.state.emit(call.cause, "charge.updated", after, before)
    return shapes.charge(after)


def capture(call: Call) -> Wire:
    """Refuse to capture: a charge is captured by its intent, once."""
    charge = charges.in_path(call)
    if charge.captured:
        raise invalid(
            f"Charge {charge.id} has already been captured.", code="charge_already_captured"
        )
    # The wording of this one is not recorded.
    raise _belongs_to_intent(
        charge,
        "You must capture the PaymentIntent instead of capturing the Charge directly. See "
        f"{_DOCS}#capture_payment_intent",
    )


def _belongs_to_intent(charge: Charge, what_to_do: str) -> ApiError:
    return invalid(
        f"This Charge was created by a PaymentIntent ({charge.payment_intent}). {what_to_do}"
    )


def _no_saved_details(call: Call, customer_id: str) -> ApiError:
    attached = any(m.customer == customer_id for m in call.state.payment_methods)
    message = (
        "This Customer doesn't have any legacy saved payment details, but does have a Payment "
        "Method attached. Use a Payment Intent instead of creating a Charge: "
        "https://stripe.com/docs/payments/payment-intents/migration"
        if attached
        else "This Customer doesn't have any saved payment details. Attach a legacy Token, Card, "
        "Bank Account, or Source to this Customer and then try this request again, or use Payment "
        "Intents and Payment Methods instead."
    )
    return card_error({"code": "missing", "message": message, "param": "card"})
