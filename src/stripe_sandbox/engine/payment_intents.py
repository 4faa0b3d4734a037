"""Payment intents: made, changed, confirmed, captured, cancelled, each from the right state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from stripe_sandbox.engine import (
    charges,
    confirmation,
    customers,
    holds,
    lists,
    payers,
    payment_methods,
    shapes,
    ways_to_pay,
)
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.currencies import check_amount
from stripe_sandbox.engine.errors import ApiError, invalid, unexpected_state
from stripe_sandbox.engine.parameters import merge_metadata
from stripe_sandbox.engine.records import PaymentIntent, Wire
from stripe_sandbox.engine.state import State

_UPDATABLE: Final = ("requires_payment_method", "requires_confirmation", "requires_action")
_CANCELABLE: Final = (
    "requires_payment_method",
    "requires_capture",
    "requires_reauthorization",
    "requires_confirmation",
    "requires_action",
    "expired",
    "processing",
)
# What may be changed whatever the state, and what only while nothing is decided.
_PLAIN: Final = ("description", "receipt_email", "statement_descriptor_suffix", "transfer_group")
_GUARDED: Final = ("amount", "currency", "customer", "payment_method", "capture_method")


# What is done to an intent that is there.
_OF_ONE: Final = "payment_intents/*/"


def create(call: Call) -> Wire:
    """Make an intent, and confirm it if asked to. A refused confirmation leaves the intent."""
    given = call.parameters
    currency = given["currency"].lower()
    customer = customers.in_parameter(call)
    customer_id = None if customer is None else customer.id
    method_id = _method_given(call, customer_id)
    intent_id = call.state.ids.dated("pi_3", call.cause.now)
    intent = PaymentIntent(
        id=intent_id,
        created=call.cause.now,
        amount=given["amount"],
        currency=currency,
        client_secret=f"{intent_id}_secret_{call.state.ids.chance(25)}",
        status="requires_payment_method" if method_id is None else "requires_confirmation",
        capture_method=given.get("capture_method") or "automatic_async",
        confirmation_method=given.get("confirmation_method") or "automatic",
        metadata=merge_metadata({}, given),
        customer=customer_id,
        payment_method=method_id,
        request_three_d_secure=ways_to_pay.three_d_secure(given) or "automatic",
        setup_future_usage=given.get("setup_future_usage"),
        shipping=given.get("shipping"),
        statement_descriptor=given.get("statement_descriptor"),
        description=given.get("description"),
        receipt_email=given.get("receipt_email"),
        statement_descriptor_suffix=given.get("statement_descriptor_suffix"),
        transfer_group=given.get("transfer_group"),
        **ways_to_pay.of_new(given),
    )
    call.state.payment_intents.put(intent)
    call.state.emit(call.cause, "payment_intent.created", intent)
    if given.get("confirm"):
        intent = confirmation.confirm(call, intent)
    return shapes.intent(intent)


def retrieve(call: Call) -> Wire:
    """Return an intent; the payer may have it who knows its secret."""
    intent = in_path(call)
    payers.check_secret(call, intent.client_secret, "PaymentIntent")
    return shapes.intent(intent)


def update(call: Call) -> Wire:
    """Change an intent; what money depends on only while nothing is decided."""
    before = in_path(call)
    given = call.parameters
    _check_updatable(before, given)
    changes: dict[str, Any] = {name: given[name] for name in _PLAIN if name in given}
    changes |= _guarded_changes(call, before)
    changes |= ways_to_pay.changes(given)
    for name in ("setup_future_usage", "shipping"):
        if name in given:
            changes[name] = given[name]
    three_d_secure = ways_to_pay.three_d_secure(given)
    if three_d_secure is not None:
        changes["request_three_d_secure"] = three_d_secure
    after = replace(
        before,
        metadata=merge_metadata(before.metadata, given),
        last_payment_error=None,
        **changes,
    )
    return shapes.intent(call.state.payment_intents.put(after))


def confirm(call: Call) -> Wire:
    """Confirm an intent, with what the request changes on the way."""
    intent = in_path(call)
    payers.check_secret(call, intent.client_secret, "PaymentIntent")
    confirmation.check_confirmable(intent)
    given = call.parameters
    if given.get("amount_to_confirm") not in (None, intent.amount):
        raise invalid(
            f"The amount_to_confirm ({given['amount_to_confirm']}) does not match the amount of "
            f"this PaymentIntent ({intent.amount}).",
            param="amount_to_confirm",
            payment_intent=shapes.intent(intent),
        )
    changes = ways_to_pay.changes(given)
    for name in ("capture_method", "receipt_email", "setup_future_usage", "shipping"):
        if given.get(name) is not None:
            changes[name] = given[name]
    if given.get("payment_method") is not None:
        changes["payment_method"] = given["payment_method"]
    three_d_secure = ways_to_pay.three_d_secure(given)
    if three_d_secure is not None:
        changes["request_three_d_secure"] = three_d_secure
    return shapes.intent(confirmation.confirm(call, replace(intent, **changes)))


def capture(call: Call) -> Wire:
    """Take the money an intent holds."""
    intent = in_path(call)
    if intent.status != "requires_capture":
        raise unexpected_state(_why_not_captured(intent), shapes.intent(intent))
    amount = call.get("amount_to_capture") or intent.amount_capturable
    if amount > intent.amount_capturable:
        raise invalid(
            "The payment could not be captured because the requested capture amount is greater "
            "than the amount you can capture for this charge. Contact us via "
            "https://support.stripe.com/contact/ for help.",
            code="amount_too_large",
            payment_intent=shapes.intent(intent),
        )
    charge = charges.of_intent(call.state, intent)
    assert charge is not None
    charges.capture(call.state, call.cause, charge, amount)
    after = call.state.payment_intents.put(
        replace(
            intent,
            status="succeeded",
            amount_capturable=0,
            amount_received=amount,
            metadata=merge_metadata(intent.metadata, call.parameters),
        )
    )
    call.state.emit(call.cause, "payment_intent.succeeded", after)
    return shapes.intent(after)


def cancel(call: Call) -> Wire:
    """Cancel an intent, which releases what it holds."""
    intent = in_path(call)
    if intent.status not in _CANCELABLE:
        raise unexpected_state(
            f"You cannot cancel this PaymentIntent because it has a status of {intent.status}. "
            "Only a PaymentIntent with one of the following statuses may be canceled: "
            f"{', '.join(_CANCELABLE)}.",
            shapes.intent(intent),
        )
    after = holds.cancel(call.state, call.cause, intent, call.get("cancellation_reason"))
    return shapes.intent(after)


@contextmanager
def shown_in_refusals(state: State, route: str, ids: tuple[str, ...]) -> Iterator[None]:
    """Let what is refused about an intent show the intent as it stands, as recorded."""
    try:
        yield
    except ApiError as refusal:
        intent = state.payment_intents.get(ids[0]) if route.startswith(_OF_ONE) else None
        if intent is not None and refusal.fields.get("type") == "invalid_request_error":
            refusal.fields.setdefault("payment_intent", shapes.intent(intent))
        raise


def list_all(call: Call) -> Wire:
    """List intents by customer and time; there is no filter by status or metadata."""
    customer_id = call.get("customer")
    in_time = lists.created_within(call)
    return lists.page(
        call,
        call.state.payment_intents,
        "payment_intent",
        keep=lambda row: customer_id in (None, row.customer) and in_time(row),
        write=shapes.intent,
    )


def in_path(call: Call) -> PaymentIntent:
    """Find the intent in the path."""
    intent_id = call.ids[0]
    intent = call.state.payment_intents.get(intent_id)
    if intent is not None:
        return intent
    if "_secret_" in intent_id:
        raise invalid(
            f"You passed a string that looks like a client secret as the PaymentIntent ID, but "
            f"you must provide a valid PaymentIntent ID. Please pass the value {intent_id!r} up "
            "to, but not including, the `_secret_` portion.",
            param="intent",
        )
    raise lists.not_in_path(call, "payment_intent", intent_id, "intent")


def _method_given(call: Call, customer_id: str | None) -> str | None:
    """Return the id of the payment method of the request, which must fit the customer."""
    if call.get("payment_method") is None:
        return None
    method = payment_methods.resolve(call, call.get("payment_method"))
    payment_methods.check_owner(method, customer_id, "payment_method")
    payment_methods.check_unspent(method)
    return method.id


def _check_updatable(intent: PaymentIntent, given: dict[str, Any]) -> None:
    guarded = next((name for name in _GUARDED if name in given), None)
    if guarded is not None and intent.status not in _UPDATABLE:
        raise unexpected_state(
            f"This PaymentIntent's {guarded} could not be updated because it has a status of "
            f"{intent.status}. You may only update the {guarded} of a PaymentIntent with one of "
            f"the following statuses: {', '.join(_UPDATABLE)}.",
            shapes.intent(intent),
            param=guarded,
        )


def _guarded_changes(call: Call, before: PaymentIntent) -> dict[str, Any]:
    given = call.parameters
    changes: dict[str, Any] = {}
    amount = given.get("amount") or before.amount
    currency = (given.get("currency") or before.currency).lower()
    if given.get("amount") is not None or given.get("currency") is not None:
        check_amount(amount, currency, minimum=call.state.config.minimum_amounts)
        changes |= {"amount": amount, "currency": currency}
    if given.get("capture_method") is not None:
        changes["capture_method"] = given["capture_method"]
    customer_id = before.customer
    if "customer" in given:
        customer = customers.in_parameter(call)
        customer_id = changes["customer"] = None if customer is None else customer.id
    if "payment_method" in given:
        method_id = _method_given(call, customer_id)
        changes["payment_method"] = method_id
        changes["status"] = (
            "requires_payment_method" if method_id is None else "requires_confirmation"
        )
        changes |= {"next_action": None, "authenticated": False}
    return changes


def _why_not_captured(intent: PaymentIntent) -> str:
    if intent.status != "succeeded":
        return (
            "This PaymentIntent could not be captured because it has a status of "
            f"{intent.status}. Only a PaymentIntent with one of the following statuses may be "
            "captured: requires_capture."
        )
    if intent.amount_received < intent.amount:
        return (
            "The remaining amount on this PaymentIntent could not be captured because the "
            "remainder of the authorized amount has been released."
        )
    return "This PaymentIntent could not be captured because it has already been captured."
