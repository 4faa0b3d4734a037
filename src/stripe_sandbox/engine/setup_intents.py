"""Setup intents: a card is checked and kept, no money moves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from stripe_sandbox.engine import (
    customers,
    lists,
    payers,
    payment_methods,
    setup_confirmation,
    shapes,
    ways_to_pay,
)
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.errors import invalid
from stripe_sandbox.engine.parameters import merge_metadata
from stripe_sandbox.engine.records import SetupIntent, Wire
from stripe_sandbox.engine.setup_confirmation import unexpected_state

_CANCELABLE: Final = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(call: Call) -> Wire:
    """Make a setup intent, and confirm it if asked to. A refused confirmation leaves it there."""
    given = call.parameters
    customer = customers.in_parameter(call)
    customer_id = None if customer is None else customer.id
    method_id = None
    if call.get("payment_method") is not None:
        method = payment_methods.resolve(call, call.get("payment_method"))
        setup_confirmation.check_owner(method, customer_id)
        payment_methods.check_unspent(method)
        method_id = method.id
    intent_id = call.state.ids.dated("seti_1", call.cause.now)
    intent = SetupIntent(
        id=intent_id,
        created=call.cause.now,
        client_secret=f"{intent_id}_secret_{call.state.ids.chance(31)}",
        status="requires_payment_method" if method_id is None else "requires_confirmation",
        metadata=merge_metadata({}, given),
        customer=customer_id,
        description=given.get("description"),
        payment_method=method_id,
        request_three_d_secure=ways_to_pay.three_d_secure(given) or "automatic",
        **ways_to_pay.of_new(given),
    )
    call.state.setup_intents.put(intent)
    call.state.emit(call.cause, "setup_intent.created", intent)
    if given.get("confirm"):
        intent = setup_confirmation.confirm(call, intent)
    return shapes.setup_intent(intent)


def retrieve(call: Call) -> Wire:
    """Return a setup intent; the payer may have it who knows its secret."""
    intent = in_path(call)
    payers.check_secret(call, intent.client_secret, "SetupIntent")
    return shapes.setup_intent(intent)


def update(call: Call) -> Wire:
    """Change a setup intent. There is no event for it."""
    before = in_path(call)
    given = call.parameters
    changes: dict[str, Any] = ways_to_pay.changes(given)
    if "description" in given:
        changes["description"] = given["description"]
    customer_id = before.customer
    if "customer" in given:
        customer = customers.in_parameter(call)
        customer_id = changes["customer"] = None if customer is None else customer.id
    if "payment_method" in given:
        changes |= _method_changes(call, before, customer_id)
    three_d_secure = ways_to_pay.three_d_secure(given)
    if three_d_secure is not None:
        changes["request_three_d_secure"] = three_d_secure
    after = replace(before, metadata=merge_metadata(before.metadata, given), **changes)
    return shapes.setup_intent(call.state.setup_intents.put(after))


def confirm(call: Call) -> Wire:
    """Confirm a setup intent, with what the request changes on the way."""
    intent = in_path(call)
    payers.check_secret(call, intent.client_secret, "SetupIntent")
    changes = ways_to_pay.changes(call.parameters)
    three_d_secure = ways_to_pay.three_d_secure(call.parameters)
    if three_d_secure is not None:
        changes["request_three_d_secure"] = three_d_secure
    return shapes.setup_intent(setup_confirmation.confirm(call, replace(intent, **changes)))


def cancel(call: Call) -> Wire:
    """Cancel a setup intent."""
    intent = in_path(call)
    if intent.status not in _CANCELABLE:
        reason = (
            "it is already canceled."
            if intent.status == "canceled"
            else f"it has a status of {intent.status}. Only a SetupIntent with one of the "
            "following statuses may be canceled: `requires_payment_method`, "
            "`requires_confirmation`, or `requires_action`."
        )
        raise unexpected_state(f"You cannot cancel this SetupIntent because {reason}", intent)
    after = call.state.setup_intents.put(
        replace(
            intent,
            status="canceled",
            cancellation_reason=call.get("cancellation_reason"),
            next_action=None,
        )
    )
    call.state.emit(call.cause, "setup_intent.canceled", after)
    return shapes.setup_intent(after)


def list_all(call: Call) -> Wire:
    """List setup intents by customer, by payment method, and by time."""
    customer_id, method_id = call.get("customer"), call.get("payment_method")
    in_time = lists.created_within(call)
    return lists.page(
        call,
        call.state.setup_intents,
        "setupintent",
        keep=lambda row: (
            customer_id in (None, row.customer)
            and method_id in (None, row.payment_method)
            and in_time(row)
        ),
        write=shapes.setup_intent,
    )


def in_path(call: Call) -> SetupIntent:
    """Find the setup intent in the path."""
    intent_id = call.ids[0]
    intent = call.state.setup_intents.get(intent_id)
    if intent is not None:
        return intent
    if "_secret_" in intent_id:
        raise invalid(
            f"You passed a string that looks like a client secret as the SetupIntent ID, but you "
            f"must provide a valid SetupIntent ID. Please pass the value {intent_id!r} up to, but "
            "not including, the `_secret_` portion.",
            param="intent",
        )
    raise lists.not_in_path(call, "setupintent", intent_id, "intent")


def _method_changes(call: Call, before: SetupIntent, customer_id: str | None) -> dict[str, Any]:
    if before.status not in _CANCELABLE:
        state = "it has already succeeded" if before.status == "succeeded" else "it is canceled"
        raise unexpected_state(f"You cannot update this SetupIntent because {state}.", before)
    method_id = None
    if call.get("payment_method") is not None:
        method = payment_methods.resolve(call, call.get("payment_method"))
        setup_confirmation.check_owner(method, customer_id, before)
        payment_methods.check_unspent(method)
        method_id = method.id
    status = "requires_payment_method" if method_id is None else "requires_confirmation"
    return {"payment_method": method_id, "status": status, "next_action": None}
