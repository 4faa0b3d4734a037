"""Refunds: given whole or in parts, some slow, some that fail after they had succeeded."""

from __future__ import annotations

from dataclasses import replace

from stripe_sandbox.engine import balance, cards, charges, lists, shapes
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.currencies import money
from stripe_sandbox.engine.errors import invalid
from stripe_sandbox.engine.parameters import merge_metadata
from stripe_sandbox.engine.records import Charge, Refund, Wire
from stripe_sandbox.engine.state import Cause, State


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
        state.later(moves_on_at, succeed_later, refund.id)
        return shapes.refund(refund)
    refund = _pay_out(state, call.cause, refund)
    state.emit(call.cause, "refund.created", refund)
    _count(state, call.cause, refund, refund.amount)
    if course == "fails":
        state.later(moves_on_at, fail_later, refund.id)
    else:
        learnt_at = call.cause.now + state.config.refund_reference_after_s
        state.later(learnt_at, learn_reference, refund.id)
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
        _announce(call.state, call.cause, after, before)
    return shapes.refund(after)


def cancel(call: Call) -> Wire:
    """Cancel a refund that has not been paid out."""
    before = _in_path(call)
    if before.status != "pending":
        raise invalid("Canceling this refund is unsupported.")
    after = call.state.refunds.put(replace(before, status="canceled", pending_reason=None))
    _announce(call.state, call.cause, after, before)
    return shapes.refund(after)


def list_all(call: Call) -> Wire:
    """List refunds by charge, by intent, and by time."""
    charge_id, intent_id = call.get("charge"), call.get("payment_intent")
    in_time = lists.created_within(call)
    return lists.page(
        call,
        call.state.refunds,
        "refund",
        among=_among(call.state, charge_id, intent_id),
        keep=lambda row: intent_id in (None, row.payment_intent) and in_time(row),
        write=shapes.refund,
    )


def learn_reference(state: State, cause: Cause, refund_id: str) -> None:
    """Learn under which number the bank of the customer knows the refund."""
    before = state.refunds.get(refund_id)
    assert before is not None
    after = state.refunds.put(replace(before, reference=state.ids.digits(23)))
    _announce(state, cause, after, before)


def succeed_later(state: State, cause: Cause, refund_id: str) -> None:
    """Pay out a pending refund, unless it was cancelled."""
    before = state.refunds.get(refund_id)
    assert before is not None
    if before.status != "pending":
        return
    after = _pay_out(state, cause, replace(before, pending_reason=None))
    _count(state, cause, after, after.amount)
    _announce(state, cause, after, before)


def fail_later(state: State, cause: Cause, refund_id: str) -> None:
    """Have a refund come back from the bank: the money is the account's again."""
    before = state.refunds.get(refund_id)
    assert before is not None
    line = balance.write(
        state,
        cause,
        amount=before.amount,
        currency=before.currency,
        source=before.id,
        kind="refund_failure",
        description="REFUND FAILURE",
    )
    after = state.refunds.put(
        replace(
            before,
            status="failed",
            failure_reason="expired_or_canceled_card",
            failure_balance_transaction=line.id,
        )
    )
    charge = state.charges.get(before.charge)
    assert charge is not None
    state.charges.put(replace(charge, amount_refunded=charge.amount_refunded - before.amount))
    state.emit(cause, "refund.failed", after)
    _announce(state, cause, after, before)


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
    return sum(row.amount for row in refunds if row is not None and row.status == "pending")


def _pay_out(state: State, cause: Cause, refund: Refund) -> Refund:
    charge = state.charges.get(refund.charge)
    assert charge is not None
    line = balance.write(
        state,
        cause,
        amount=-refund.amount,
        currency=refund.currency,
        source=refund.id,
        kind="refund",
        description="REFUND FOR CHARGE"
        + (f" ({charge.description})" if charge.description else ""),
    )
    return state.refunds.put(replace(refund, status="succeeded", balance_transaction=line.id))


def _count(state: State, cause: Cause, refund: Refund, amount: int) -> None:
    """Let the charge know what has gone back."""
    charge = state.charges.get(refund.charge)
    assert charge is not None
    charge = state.charges.put(replace(charge, amount_refunded=charge.amount_refunded + amount))
    state.emit(cause, "charge.refunded", charge)


def _announce(state: State, cause: Cause, after: Refund, before: Refund) -> None:
    state.emit(cause, "refund.updated", after, before)
    state.emit(cause, "charge.refund.updated", after, before)


def _among(state: State, charge_id: str | None, intent_id: str | None) -> list[str] | None:
    """Return the ids of the refunds of a charge or of an intent; None for all refunds."""
    if charge_id is not None:
        return state.refunds_of.get(charge_id, [])
    if intent_id is None:
        return None
    owned = state.charges_of.get(intent_id, [])
    return [refund_id for one in owned for refund_id in state.refunds_of.get(one, [])]


def _in_path(call: Call) -> Refund:
    refund = call.state.refunds.get(call.ids[0])
    if refund is None:
        raise lists.not_in_path(call, "refund", call.ids[0], "refund")
    return refund
