"""Confirming an intent: which card, does it need its holder, does the issuer say yes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from stripe_sandbox.engine import (
    cards,
    charges,
    customers,
    holds,
    payment_methods,
    shapes,
    ways_to_pay,
)
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.errors import ApiError, card_error, doc_url, invalid, unexpected_state
from stripe_sandbox.engine.records import PaymentIntent, PaymentMethod
from stripe_sandbox.engine.state import Cause, Confirmation, State

_CONFIRMABLE: Final = ("requires_payment_method", "requires_confirmation", "requires_action")


def check_confirmable(intent: PaymentIntent) -> None:
    """Refuse an intent whose state allows no confirmation."""
    if intent.status in _CONFIRMABLE:
        return
    if intent.status == "succeeded":
        reason = "it has already succeeded after being previously confirmed."
    else:
        reason = (
            f"it has a status of {intent.status}. Only a PaymentIntent with one of the following "
            "statuses may be confirmed: requires_confirmation, requires_action."
        )
    message = f"You cannot confirm this PaymentIntent because {reason}"
    raise unexpected_state(message, shapes.intent(intent))


# Ways to pay of which nobody knows at once whether they paid: for days at Stripe, for seconds here.
BANK_DEBITS: Final = frozenset({"sepa_debit", "us_bank_account"})
BANK_DEBIT_S: Final = 5


def confirm(call: Call, intent: PaymentIntent) -> PaymentIntent:
    """Try to pay the intent. Raises what stands in the way; the intent remembers a decline."""
    customers.check_there(call, intent.customer)
    method = _method(call, intent)
    payment_methods.check_owner(method, intent.customer, "payment_method")
    payment_methods.check_unspent(method)
    _check_type(intent, method)
    _check_descriptor(intent, method)
    intent = call.state.payment_intents.put(replace(intent, payment_method=method.id))
    _check_return_url(call, intent)
    _note(call, intent, method)
    if _wants_its_holder(call, intent, method):
        return _ask_the_holder(call, intent, method)
    return submit(call.state, call.cause, intent, payment_methods.used(call.state, method))


def submit(
    state: State, cause: Cause, intent: PaymentIntent, method: PaymentMethod
) -> PaymentIntent:
    """Ask the issuer, who answers at once, or works on it for as long as the switch says.

    A bank that debits an account always takes its time.
    """
    wait_s = state.config.processing_s
    if method.type in BANK_DEBITS:
        wait_s = max(wait_s, BANK_DEBIT_S)
    if not wait_s:
        return attempt(state, cause, intent, method)
    after = begin_processing(state, cause, intent)
    state.later(cause.now + wait_s, settle, intent.id)
    return after


def begin_processing(state: State, cause: Cause, intent: PaymentIntent) -> PaymentIntent:
    """Note that a bank works on it."""
    after = state.payment_intents.put(
        replace(intent, status="processing", last_payment_error=None, next_action=None)
    )
    state.emit(cause, "payment_intent.processing", after)
    return after


def settle(state: State, cause: Cause, intent_id: str) -> None:
    """Have the bank say what came of it, unless it is decided already."""
    intent = state.payment_intents.get(intent_id)
    method = None if intent is None else state.payment_methods.get(intent.payment_method or "")
    if intent is None or method is None or intent.status != "processing":
        return
    if charges.of_intent(state, intent) is not None:  # a person has brought it here since
        return
    with suppress(ApiError):  # the intent remembers the decline
        attempt(state, cause, intent, payment_methods.used(state, method))


def _note(call: Call, intent: PaymentIntent, method: PaymentMethod) -> None:
    """Note for the books how the intent was confirmed: an intent itself does not keep it."""
    noted = Confirmation(
        payment_method=method.id,
        off_session=_off_session(call),
        return_url=call.get("return_url"),
        by_payer=call.by_payer,
    )
    call.state.confirmations_of.setdefault(intent.id, []).append(noted)


def attempt(
    state: State, cause: Cause, intent: PaymentIntent, method: PaymentMethod
) -> PaymentIntent:
    """Ask the issuer, and note what it says."""
    decline = cards.card_of(method.number).decline
    if decline is not None:
        raise refuse(state, cause, intent, method, decline)
    charge = charges.succeed(state, cause, intent, method)
    held = not charge.captured
    after = state.payment_intents.put(
        replace(
            intent,
            status="requires_capture" if held else "succeeded",
            amount_capturable=intent.amount if held else 0,
            amount_received=0 if held else intent.amount,
            latest_charge=charge.id,
            last_payment_error=None,
            next_action=None,
        )
    )
    event = "payment_intent.amount_capturable_updated" if held else "payment_intent.succeeded"
    state.emit(cause, event, after)
    if held:
        state.later(cause.now + state.config.hold_expires_after_s, holds.expire, intent.id)
    _put_away(state, cause, after, method)
    return after


def refuse(
    state: State,
    cause: Cause,
    intent: PaymentIntent,
    method: PaymentMethod,
    decline: cards.Decline,
) -> ApiError:
    """Have the issuer say no; return the error that says so."""
    charge = charges.fail(state, cause, intent, method, decline)
    intent = replace(intent, latest_charge=charge.id)
    return _failed(state, cause, intent, method, decline, charge_id=charge.id)


def authenticate(
    state: State, cause: Cause, intent: PaymentIntent, *, passed: bool
) -> PaymentIntent:
    """Finish what the holder of the card was asked to do. A decline is no error here."""
    method = state.payment_methods.get(intent.payment_method or "")
    if intent.status != "requires_action" or method is None:
        raise invalid(f"The PaymentIntent {intent.id} is not waiting for authentication.")
    if not passed:
        return _authentication_failed(state, cause, intent, method)
    intent = replace(intent, authenticated=True, next_action=None)
    if intent.confirmation_method == "manual":
        return state.payment_intents.put(replace(intent, status="requires_confirmation"))
    try:
        return submit(state, cause, intent, payment_methods.used(state, method))
    except ApiError:
        after = state.payment_intents.get(intent.id)
        assert after is not None
        return after


def _method(call: Call, intent: PaymentIntent) -> PaymentMethod:
    """Return the payment method of the request, of the intent, or the customer's default."""
    if call.get("payment_method_data") is not None:
        return payment_methods.make(call, call.get("payment_method_data"))
    customer = call.state.customers.get(intent.customer or "")
    method_id = intent.payment_method
    if method_id is None and customer is not None:
        method_id = customer.default_payment_method
    if method_id is not None:
        return payment_methods.resolve(call, method_id)
    message = (
        "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
        "either update the PaymentIntent with a payment method and then confirm it again, or "
        "confirm it again directly with a payment method or ConfirmationToken."
    )
    if intent.customer is not None:
        message = (
            "You cannot confirm this PaymentIntent because it's missing a payment method. To "
            f"confirm the PaymentIntent with {intent.customer}, specify a payment method attached "
            "to this customer along with the customer ID."
        )
    raise unexpected_state(message, shapes.intent(intent))


def _check_type(intent: PaymentIntent, method: PaymentMethod) -> None:
    if method.type not in intent.payment_method_types:
        raise invalid(
            f"The PaymentMethod provided ({method.type}) is not allowed for this PaymentIntent. "
            "Please provide a PaymentMethod of one of the following types: "
            f"{', '.join(intent.payment_method_types)}.",
            code="payment_intent_incompatible_payment_method",
            param="payment_method",
            payment_intent=shapes.intent(intent),
        )


def _check_descriptor(intent: PaymentIntent, method: PaymentMethod) -> None:
    if method.type == "card" and intent.statement_descriptor is not None:
        raise invalid(
            "The `statement_descriptor` parameter is not supported for card payments. Use "
            "`statement_descriptor_suffix` instead.",
            param="statement_descriptor",
            payment_intent=shapes.intent(intent),
        )


def _check_return_url(call: Call, intent: PaymentIntent) -> None:
    """Refuse an intent that might send the customer away with no way back."""
    if ways_to_pay.lacks_return_url(call, intent):
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your "
            f"Dashboard. {ways_to_pay.RETURN_URL_MISSING}",
            payment_intent=shapes.intent(intent),
        )


def _wants_its_holder(call: Call, intent: PaymentIntent, method: PaymentMethod) -> bool:
    """Whether the issuer asks for 3D Secure. What is no card is paid at its own provider's page."""
    if intent.authenticated or method.type in BANK_DEBITS:
        return False
    if method.type != "card":
        return True
    match cards.card_of(method.number).authentication:
        case "always":
            return True
        case "unless_set_up":
            return not (_off_session(call) and method.set_up)
        case "optional":
            return intent.request_three_d_secure in ("any", "challenge")
        case "never":
            return False


def _off_session(call: Call) -> bool:
    return call.get("off_session") not in (None, "false")


def _ask_the_holder(call: Call, intent: PaymentIntent, method: PaymentMethod) -> PaymentIntent:
    """Wait for authentication, or fail where nobody is there to give it."""
    if _off_session(call):
        raise _failed(call.state, call.cause, intent, method, cards.AUTHENTICATION_REQUIRED)
    if call.get("error_on_requires_action"):
        raise _failed(call.state, call.cause, intent, method, cards.ACTION_NOT_HANDLED)
    after = call.state.payment_intents.put(
        replace(
            intent,
            status="requires_action",
            next_action=ways_to_pay.next_action(call, intent.id),
            return_url=call.get("return_url"),
            last_payment_error=None,
        )
    )
    call.state.emit(call.cause, "payment_intent.requires_action", after)
    return after


def _failed(
    state: State,
    cause: Cause,
    intent: PaymentIntent,
    method: PaymentMethod,
    decline: cards.Decline,
    *,
    charge_id: str | None = None,
) -> ApiError:
    """Send the intent back to wait for another card, and make the error that says why."""
    fields = {**payment_methods.decline_fields(decline), "charge": charge_id}
    written = shapes.payment_method(method)
    remembered = {
        **fields,
        "doc_url": doc_url(decline.code),
        "payment_method": written,
        "payment_method_type": method.type,
        "type": "card_error",
    }
    after = _back_to_start(state, cause, intent, remembered)
    return card_error(fields, payment_intent=shapes.intent(after), payment_method=written)


def _authentication_failed(
    state: State, cause: Cause, intent: PaymentIntent, method: PaymentMethod
) -> PaymentIntent:
    code = "payment_intent_authentication_failure"
    error = {
        "code": code,
        "doc_url": doc_url(code),
        "message": "The provided PaymentMethod has failed authentication. You can provide "
        "payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent "
        "again.",
        "payment_method": shapes.payment_method(method),
        "payment_method_type": method.type,
        "type": "invalid_request_error",
    }
    return _back_to_start(state, cause, intent, error)


def _back_to_start(
    state: State, cause: Cause, intent: PaymentIntent, error: dict[str, Any]
) -> PaymentIntent:
    after = state.payment_intents.put(
        replace(
            intent,
            status="requires_payment_method",
            payment_method=None,
            authenticated=False,
            next_action=None,
            last_payment_error={
                name: value for name, value in sorted(error.items()) if value is not None
            },
        )
    )
    state.emit(cause, "payment_intent.payment_failed", after)
    return after


def _put_away(state: State, cause: Cause, intent: PaymentIntent, method: PaymentMethod) -> None:
    """Keep the card for its customer if that was asked for; otherwise it is used up."""
    if method.customer is not None:
        if intent.setup_future_usage == "off_session" and not method.set_up:
            state.payment_methods.put(replace(method, set_up=True))
    elif intent.customer is not None and intent.setup_future_usage is not None:
        kept = replace(method, set_up=intent.setup_future_usage == "off_session")
        payment_methods.attach_to(state, cause, kept, intent.customer)
    else:
        state.payment_methods.put(replace(method, spent=True))
