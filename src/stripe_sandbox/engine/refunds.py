"""Refunds as the account asks for them: whole or in parts, found, cancelled."""

from __future__ import annotations

from dataclasses import replace

from stripe_sandbox.engine import cards, charges, inquiries, lists, refund_course, shapes
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.currencies import money
from stripe_sandbox.engine.errors import invalid
from stripe_sandbox.engine.parameters import merge_metadata
from stripe_sandbox.engine.records import Charge, Refund, Wire
from stripe_sandbox.engine.state import State


def create(call: Call) -> Wire:
    """Give money back. How that goes on depends on the card."""
    charge = _charge_given(call)
    amount = _amount_given(call, charge)
    state = call.state
    refund = Refund(
        id=state.ids.dated("re_3", call.cause.now),
        created=call.cause.now,
        amount=amount,
        currency=charge.currency,
        charge=charge.id,
        payment_intent=charge.payment_intent,
        payment_method=charge.method.id,
        status="pending",
        metadata=merge_metadata({}, call.parameters),
        customer=charge.customer,
        reason=call.get("reason"),
    )
    state.refunds_of.setdefault(charge.id, []).append(refund.id)
    course = cards.card_of(charge.method.number).refund
    moves_on_at = call.cause.now + state.config.refund_settles_after_s
    if course == "pending":
        refund = state.refunds.put(replace(refund, pending_reason="processing"))
        state.emit(call.cause, "refund.created", refund)
        state.later(moves_on_at, refund_course.succeed_later, refund.id)
        return shapes.refund(refund)
    refund = refund_course.pay_out(state, call.cause, refund)
    state.emit(call.cause, "refund.created", refund)
    refund_course.count(state, call.cause, refund)
    if course == "fails":
        state.later(moves_on_at, refund_course.fail_later, refund.id)
    else:
        learnt_at = call.cause.now + state.config.refund_reference_after_s
        state.later(learnt_at, refund_course.learn_reference, refund.id)
    return shapes.refund(refund)


def retrieve(call: Call) -> Wire:
    """Return a refund."""
    return shapes.refund(_in_path(call))


def update(call: Call) -> Wire:
    """Change the metadata, which is all that can be changed."""
    before = _in_path(call)
    after = replace(before, metadata=merge_metadata(before.metadata, call.parameters))
    call.state.refunds.put(after)
    if after != before:
        refund_course.announce(call.state, call.cause, after, before)
    return shapes.refund(after)


def cancel(call: Call) -> Wire:
    """Cancel a refund that has not been paid out."""
    before = _in_path(call)
    if before.status not in refund_course.UNDER_WAY:
        raise invalid("Canceling this refund is unsupported.")
    return shapes.refund(refund_course.move(call.state, call.cause, before, "canceled"))


def list_all(call: Call) -> Wire:
    """List refunds by charge, by intent, and by time."""
    charge_id, intent_id = call.get("charge"), call.get("payment_intent")
    in_time = lists.created_within(call)
    return lists.page(
        call,
        call.state.refunds,
        "refund",
        among=lists.of_charges(call.state, call.state.refunds_of, charge_id, intent_id),
        keep=lambda row: intent_id in (None, row.payment_intent) and in_time(row),
        write=shapes.refund,
    )


def _charge_given(call: Call) -> Charge:
    """Find the charge to refund, by its own id or that of its intent."""
    charge_id, intent_id = call.get("charge"), call.get("payment_intent")
    if charge_id is None and intent_id is None:
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or "
            "charge."
        )
    charge = _charge_of(call, intent_id) if charge_id is None else call.state.charges.get(charge_id)
    if charge is None:
        # Recorded so: 404 and `id`, though the id stands in the body.
        raise lists.not_in_path(call, "charge", charge_id or "", "id")
    if not charge.paid or intent_id not in (None, charge.payment_intent):
        raise _nothing_to_refund(charge.payment_intent)
    if not charge.captured:
        raise invalid(
            f"This uncaptured Charge was created by a PaymentIntent ({charge.payment_intent}). "
            "You must cancel the PaymentIntent instead of refunding the Charge directly."
        )
    if any(not one.is_charge_refundable for one in inquiries.of_charge(call.state, charge.id)):
        raise invalid(
            f"Charge {charge.id} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    return charge


def _charge_of(call: Call, intent_id: str) -> Charge:
    intent = call.state.payment_intents.get(intent_id)
    if intent is None:
        raise lists.not_in_parameter(call, "payment_intent", intent_id, "payment_intent")
    charge = charges.of_intent(call.state, intent)
    if charge is None:
        raise _nothing_to_refund(intent_id)
    return charge


def _nothing_to_refund(intent_id: str) -> Exception:
    return invalid(f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.")


def _amount_given(call: Call, charge: Charge) -> int:
    """Return how much to give back: what is asked for, or all that is left."""
    if charge.refunded:
        raise invalid(
            f"Charge {charge.id} has already been refunded.", code="charge_already_refunded"
        )
    left = charge.amount_captured - charge.amount_refunded - _pending(call.state, charge.id)
    amount: int = call.get("amount") or left
    if amount > left or left == 0:
        raise invalid(
            f"Refund amount ({money(amount, charge.currency)}) is greater than unrefunded amount "
            f"on charge ({money(left, charge.currency)})",
            param="amount",
        )
    return amount


def _pending(state: State, charge_id: str) -> int:
    """Return what is on its way back, which the charge does not count yet."""
    refunds = (state.refunds.get(refund_id) for refund_id in state.refunds_of.get(charge_id, ()))
    return sum(
        row.amount for row in refunds if row is not None and row.status in refund_course.UNDER_WAY
    )


def _in_path(call: Call) -> Refund:
    refund = call.state.refunds.get(call.ids[0])
    if refund is None:
        raise lists.not_in_path(call, "refund", call.ids[0], "refund")
    return refund
