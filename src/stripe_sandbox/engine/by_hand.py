"""What happens without a request: done by card holders, banks and networks, played by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

from stripe_sandbox.engine import (
    charges,
    confirmation,
    dispute_course,
    fraud_warnings,
    refund_course,
    setup_confirmation,
    shapes,
)
from stripe_sandbox.engine.errors import invalid
from stripe_sandbox.engine.lists import missing_object
from stripe_sandbox.engine.records import Charge, PaymentIntent, SetupIntent, Wire
from stripe_sandbox.engine.state import Cause, State


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the page of the bank shows. `kind` is payment_intent or setup_intent."""

    kind: str
    id: str
    client_secret: str
    status: str
    merchant: str
    amount: int | None
    currency: str | None
    last4: str | None
    return_url: str | None


def authenticate(state: State, cause: Cause, intent_id: str, *, passed: bool) -> Wire:
    """Do what the holder of the card does on the page of its bank."""
    setup = state.setup_intents.get(intent_id)
    if setup is not None:
        return shapes.setup_intent(
            setup_confirmation.authenticate(state, cause, setup, passed=passed)
        )
    intent = state.payment_intents.get(intent_id)
    if intent is None:
        noun = "setupintent" if intent_id.startswith("seti_") else "payment_intent"
        raise _missing(noun, intent_id, "intent")
    return shapes.intent(confirmation.authenticate(state, cause, intent, passed=passed))


def challenge(state: State, intent_id: str) -> Challenge | None:
    """Return what the page of the bank shows of an intent."""
    intent = state.payment_intents.get(intent_id) or state.setup_intents.get(intent_id)
    if intent is None:
        return None
    pays = isinstance(intent, PaymentIntent)
    return Challenge(
        kind="payment_intent" if pays else "setup_intent",
        id=intent.id,
        client_secret=intent.client_secret,
        status=intent.status,
        merchant=state.config.merchant,
        amount=intent.amount if isinstance(intent, PaymentIntent) else None,
        currency=intent.currency if isinstance(intent, PaymentIntent) else None,
        last4=_last4(state, intent),
        return_url=intent.return_url,
    )


def open_dispute(
    state: State,
    cause: Cause,
    intent_id: str,
    reason: str,
    amount: int | None,
    *,
    inquiry: bool,
) -> Wire:
    """Have the payer's bank dispute a payment, or ask about it. It does so for the whole of it."""
    charge = _taken(state, intent_id)
    if reason not in dispute_course.NETWORK_REASON_CODES:
        raise invalid(f"There is no such reason: {reason}", param="reason")
    wanted = charge.amount_captured if amount is None else amount
    if not 0 < wanted <= charge.amount_captured:
        raise invalid(f"The amount must be 1 to {charge.amount_captured}.", param="amount")
    dispute = dispute_course.open_on(
        state, cause, charge, reason=reason, amount=wanted, inquiry=inquiry
    )
    return shapes.dispute(dispute)


def warn_of_fraud(state: State, cause: Cause, object_id: str, fraud_type: str) -> Wire:
    """Have the issuer warn of a payment."""
    if fraud_type not in fraud_warnings.FRAUD_TYPES:
        raise invalid(f"There is no such fraud_type: {fraud_type}", param="fraud_type")
    warning = fraud_warnings.warn(state, cause, _paid(state, object_id), fraud_type)
    return shapes.early_fraud_warning(warning)


def move_refund(
    state: State, cause: Cause, refund_id: str, status: str, failure_reason: str | None
) -> Wire:
    """Bring a refund to another status."""
    refund = state.refunds.get(refund_id)
    if refund is None:
        raise _missing("refund", refund_id, "refund")
    if status not in refund_course.STATUSES:
        raise invalid(f"There is no such status: {status}", param="status")
    if failure_reason is not None and (
        status != "failed" or failure_reason not in refund_course.FAILURE_REASONS
    ):
        raise invalid(
            f"Only failed refunds have a failure_reason, and not this: {failure_reason}",
            param="failure_reason",
        )
    return shapes.refund(refund_course.move(state, cause, refund, status, failure_reason))


def update_card(state: State, cause: Cause, method_id: str, exp_month: int, exp_year: int) -> Wire:
    """Have the network renew a card; it does so only for cards that are saved."""
    before = state.payment_methods.get(method_id)
    if before is None or before.type != "card":
        raise _missing("PaymentMethod", method_id, "payment_method")
    if before.customer is None:
        raise invalid(
            f"The PaymentMethod {method_id} is not attached to a customer.", param="payment_method"
        )
    after = state.payment_methods.put(replace(before, exp_month=exp_month, exp_year=exp_year))
    if after != before:
        state.emit(cause, "payment_method.automatically_updated", after, before)
    return shapes.payment_method(after)


def _last4(state: State, intent: PaymentIntent | SetupIntent) -> str | None:
    method = state.payment_methods.get(intent.payment_method or "")
    return None if method is None or not method.number else method.number[-4:]


def _taken(state: State, object_id: str) -> Charge:
    """Find the charge of a payment whose money has been taken."""
    charge = _paid(state, object_id)
    if not charge.captured:
        raise invalid(f"The charge {charge.id} only holds its money.", param="payment_intent")
    return charge


def _paid(state: State, object_id: str) -> Charge:
    """Find the charge of a payment by its own id or that of its intent."""
    charge = state.charges.get(object_id)
    if charge is None:
        intent = state.payment_intents.get(object_id)
        if intent is None:
            raise _missing("payment_intent", object_id, "payment_intent")
        charge = charges.of_intent(state, intent)
    if charge is None or not charge.paid:
        raise invalid(f"{object_id} has not been paid.", param="payment_intent")
    return charge


def _missing(noun: str, object_id: str, param: str) -> Exception:
    return missing_object(noun, object_id, param=param, status=404, saved=False)
