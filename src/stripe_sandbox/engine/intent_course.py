"""How a PaymentIntent goes on without a request of ours: moved by hand, as banks and people do."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from stripe_sandbox.engine import cards, charges, confirmation, holds, payment_methods, shapes
from stripe_sandbox.engine.errors import invalid
from stripe_sandbox.engine.lists import missing_object
from stripe_sandbox.engine.records import PaymentIntent, PaymentMethod, Wire
from stripe_sandbox.engine.state import Cause, State

# What a status looks like. Stripe may add one at any time, so any word is one.
WORD: Final = re.compile(r"[a-z][a-z_]{0,39}")
_FINAL: Final = ("succeeded", "canceled")


def move(state: State, cause: Cause, intent_id: str, status: str) -> Wire:
    """Bring an intent to another status, with the charge and the events that go with it.

    A status that nobody knows is taken as it is, and left for any other. Nothing leaves the end.
    """
    intent = state.payment_intents.get(intent_id)
    if intent is None:
        raise missing_object("payment_intent", intent_id, param="intent", status=404, saved=False)
    if not WORD.fullmatch(status):
        raise invalid(f"There is no such status: {status}", param="status")
    if intent.status in _FINAL:
        raise invalid(f"{intent_id} is {intent.status}; that is its end.", param="payment_intent")
    return shapes.intent(_moved(state, cause, intent, status))


def _moved(state: State, cause: Cause, intent: PaymentIntent, status: str) -> PaymentIntent:
    match status:
        case "canceled":
            return holds.cancel(state, cause, intent, None)
        case "processing":
            return confirmation.begin_processing(state, cause, intent)
        case "requires_payment_method":
            return _refused(state, cause, intent)
        case "succeeded" | "requires_capture":
            return _taken(state, cause, intent, status)
        case "requires_action":
            raise invalid("A card asks for its holder by being confirmed with.", param="status")
        case "requires_confirmation":
            _method(state, intent)
    return state.payment_intents.put(
        replace(intent, status=status, last_payment_error=None, next_action=None)
    )


def _taken(state: State, cause: Cause, intent: PaymentIntent, status: str) -> PaymentIntent:
    """Take the money, or hold it: what of both is settled by the way in which it is captured."""
    if status != ("requires_capture" if intent.capture_method == "manual" else "succeeded"):
        raise invalid(f"Its capture_method is {intent.capture_method}.", param="status")
    held = charges.of_intent(state, intent)
    if held is not None:  # it held its money before
        if held.capture_before is not None:  # and lets go of it when it would have, or at once
            state.later(held.capture_before, holds.expire, intent.id)
        return state.payment_intents.put(replace(intent, status=status))
    return confirmation.attempt(state, cause, intent, _method(state, intent))


def _refused(state: State, cause: Cause, intent: PaymentIntent) -> PaymentIntent:
    """Have the bank say no, whatever the card."""
    method = _method(state, intent)
    if charges.of_intent(state, intent) is not None:
        raise invalid(f"{intent.id} holds its money; capture or cancel it.", param="status")
    confirmation.refuse(state, cause, intent, method, cards.GENERIC)
    after = state.payment_intents.get(intent.id)
    assert after is not None
    return after


def _method(state: State, intent: PaymentIntent) -> PaymentMethod:
    method = state.payment_methods.get(intent.payment_method or "")
    if method is None:
        raise invalid(f"{intent.id} has no payment method.", param="payment_intent")
    return payment_methods.used(state, method)
