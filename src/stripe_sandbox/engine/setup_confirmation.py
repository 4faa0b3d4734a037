"""Confirming a setup intent: which card, does it need its holder, can it be kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from stripe_sandbox.engine import cards, customers, payment_methods, shapes, ways_to_pay
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.errors import ApiError, card_error, doc_url, invalid
from stripe_sandbox.engine.records import PaymentMethod, SetupIntent
from stripe_sandbox.engine.state import Cause, State

_CONFIRMABLE: Final = ("requires_payment_method", "requires_confirmation", "requires_action")


def confirm(call: Call, intent: SetupIntent) -> SetupIntent:
    """Try to set the card up. Raises what stands in the way; the intent remembers a decline."""
    method = _method(call, intent)
    _check_confirmable(intent)
    customers.check_there(call, intent.customer)
    check_owner(method, intent.customer, intent)
    payment_methods.check_unspent(method)
    if method.type not in intent.payment_method_types:
        raise invalid(
            f"The PaymentMethod provided ({method.type}) is not allowed for this SetupIntent. "
            "Please provide a PaymentMethod of one of the following types: "
            f"{', '.join(intent.payment_method_types)}.",
            code="setup_intent_invalid_parameter",
            param="payment_method",
            setup_intent=shapes.setup_intent(intent),
        )
    intent = call.state.setup_intents.put(replace(intent, payment_method=method.id))
    if ways_to_pay.lacks_return_url(call, intent):
        raise invalid(
            "This SetupIntent is configured to accept payment methods enabled in your Dashboard. "
            f"{ways_to_pay.RETURN_URL_MISSING}",
            setup_intent=shapes.setup_intent(intent),
        )
    attempt_id = call.state.ids.dated("setatt_1", call.cause.now)
    intent = replace(intent, latest_attempt=attempt_id)
    if _wants_its_holder(intent, method):
        return _ask_the_holder(call, intent)
    return _attempt(call.state, call.cause, intent, method)


def authenticate(state: State, cause: Cause, intent: SetupIntent, *, passed: bool) -> SetupIntent:
    """Finish what the holder of the card was asked to do. A decline is no error here."""
    method = state.payment_methods.get(intent.payment_method or "")
    if intent.status != "requires_action" or method is None:
        raise invalid(f"The SetupIntent {intent.id} is not waiting for authentication.")
    intent = replace(intent, next_action=None)
    if not passed:
        return _authentication_failed(state, cause, intent, method)
    try:
        return _attempt(state, cause, intent, method)
    except ApiError:
        after = state.setup_intents.get(intent.id)
        assert after is not None
        return after


def check_owner(
    method: PaymentMethod, customer_id: str | None, intent: SetupIntent | None = None
) -> None:
    """Refuse the method of another customer, in the words setup intents have for it."""
    if method.customer is None or method.customer == customer_id:
        return
    written = None if intent is None else shapes.setup_intent(intent)
    if customer_id is not None:
        message = (
            f"The PaymentMethod {method.id} does not belong to the Customer you supplied "
            f"{customer_id}. Please use this PaymentMethod with the Customer that it belongs to "
            "instead."
        )
    else:
        message = (
            f"The payment method supplied ({method.id}) belongs to the Customer "
            f"{method.customer}. Please include the Customer in the `customer` parameter on the "
            "SetupIntent."
        )
    raise invalid(message, param="payment_method", setup_intent=written)


def unexpected_state(message: str, intent: SetupIntent) -> ApiError:
    """Refuse what the state of a setup intent does not allow."""
    return invalid(
        message, code="setup_intent_unexpected_state", setup_intent=shapes.setup_intent(intent)
    )


def _method(call: Call, intent: SetupIntent) -> PaymentMethod:
    """Return the payment method of the request or of the intent, never the customer's default.

    That there is none is told before anything else, whatever the state.
    """
    if call.get("payment_method_data") is not None:
        return payment_methods.make(call, call.get("payment_method_data"))
    method_id = call.get("payment_method") or intent.payment_method
    if method_id is None:
        raise unexpected_state(
            "You cannot confirm this SetupIntent because it's missing a payment method. You can "
            "either update the SetupIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method or ConfirmationToken.",
            intent,
        )
    return payment_methods.resolve(call, method_id)


def _check_confirmable(intent: SetupIntent) -> None:
    if intent.status in _CONFIRMABLE:
        return
    reason = (
        "it has already succeeded."
        if intent.status == "succeeded"
        else f"it has a status of {intent.status}."
    )
    raise unexpected_state(f"You cannot confirm this SetupIntent because {reason}", intent)


def _wants_its_holder(intent: SetupIntent, method: PaymentMethod) -> bool:
    """Whether the issuer asks for 3D Secure. Whoever sets a card up is there to be asked."""
    match cards.card_of(method.number).authentication:
        case "always" | "unless_set_up":
            return True
        case "optional":
            return intent.request_three_d_secure in ("any", "challenge")
        case "never":
            return False


def _ask_the_holder(call: Call, intent: SetupIntent) -> SetupIntent:
    after = call.state.setup_intents.put(
        replace(
            intent,
            status="requires_action",
            last_setup_error=None,
            next_action=ways_to_pay.next_action(call, intent.id),
            return_url=call.get("return_url"),
        )
    )
    call.state.emit(call.cause, "setup_intent.requires_action", after)
    return after


def _attempt(state: State, cause: Cause, intent: SetupIntent, method: PaymentMethod) -> SetupIntent:
    """Ask the issuer, and keep the card if it agrees: cards that can be attached can be set up."""
    card = cards.card_of(method.number)
    method = payment_methods.used(state, method)
    if card.decline is not None and not card.attachable:
        raise _declined(state, cause, intent, method, card.decline)
    if method.customer is None and intent.customer is not None:
        kept = replace(method, set_up=True)
        payment_methods.attach_to(state, cause, kept, intent.customer)
    else:
        state.payment_methods.put(replace(method, set_up=True))
    after = state.setup_intents.put(
        replace(intent, status="succeeded", last_setup_error=None, next_action=None)
    )
    state.emit(cause, "setup_intent.succeeded", after)
    return after


def _declined(
    state: State,
    cause: Cause,
    intent: SetupIntent,
    method: PaymentMethod,
    decline: cards.Decline,
) -> ApiError:
    """Send the intent back to wait for another card, and make the error that says why."""
    fields = payment_methods.decline_fields(decline)
    # Recorded: where a decline has no reason of its own, set-ups repeat the code.
    fields["decline_code"] = decline.decline_code or decline.code
    written = shapes.payment_method(method)
    remembered = {
        **fields,
        "doc_url": doc_url(decline.code),
        "payment_method": written,
        "type": "card_error",
    }
    after = _back_to_start(state, cause, intent, remembered)
    return card_error(fields, payment_method=written, setup_intent=shapes.setup_intent(after))


def _authentication_failed(
    state: State, cause: Cause, intent: SetupIntent, method: PaymentMethod
) -> SetupIntent:
    code = "setup_intent_authentication_failure"
    error = {
        "code": code,
        "doc_url": doc_url(code),
        "message": "The latest attempt to set up the payment method has failed because "
        "authentication failed.",
        "payment_method": shapes.payment_method(method),
        "type": "invalid_request_error",
    }
    return _back_to_start(state, cause, intent, error)


def _back_to_start(
    state: State, cause: Cause, intent: SetupIntent, error: dict[str, Any]
) -> SetupIntent:
    after = state.setup_intents.put(
        replace(
            intent,
            status="requires_payment_method",
            payment_method=None,
            next_action=None,
            last_setup_error={
                name: value for name, value in sorted(error.items()) if value is not None
            },
        )
    )
    state.emit(cause, "setup_intent.setup_failed", after)
    return after
