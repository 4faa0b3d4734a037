"""Disputes as the account sees them: found, answered with evidence, given up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stripe_sandbox.engine import dispute_course, inquiries, lists, shapes
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.errors import invalid
from stripe_sandbox.engine.parameters import merge_metadata
from stripe_sandbox.engine.records import Dispute, Wire


def retrieve(call: Call) -> Wire:
    """Return a dispute."""
    return shapes.dispute(_in_path(call))


def list_all(call: Call) -> Wire:
    """List disputes by charge, by intent, and by time."""
    charge_id, intent_id = call.get("charge"), call.get("payment_intent")
    in_time = lists.created_within(call)
    return lists.page(
        call,
        call.state.disputes,
        "dispute",
        among=lists.of_charges(call.state, call.state.disputes_of, charge_id, intent_id),
        keep=lambda row: intent_id in (None, row.payment_intent) and in_time(row),
        write=shapes.dispute,
    )


def update(call: Call) -> Wire:
    """Stage evidence, or hand it in, which is what happens if nothing else is said."""
    before = _open_in_path(call)
    evidence = call.get("evidence")
    changes: dict[str, Any] = {"metadata": merge_metadata(before.metadata, call.parameters)}
    if evidence is not None:
        changes["evidence"] = {**before.evidence, **evidence}
        changes["has_evidence"] = True
    after = replace(before, **changes)
    submitted = call.get("submit") is not False and (
        evidence is not None or bool(call.get("submit"))
    )
    if submitted:
        after = _handed_in(call, after)
    call.state.disputes.put(after)
    if after != before:
        call.state.emit(call.cause, "charge.dispute.updated", after, before)
    if submitted:
        _tell_of_charge(call, after)
    return shapes.dispute(after)


def close(call: Call) -> Wire:
    """Give up: the payer keeps the money. An inquiry is merely closed."""
    dispute = _open_in_path(call)
    if inquiries.is_open_inquiry(dispute):
        after = inquiries.close(call.state, call.cause, dispute)
    else:
        after = dispute_course.lose(call.state, call.cause, dispute)
    _tell_of_charge(call, after)
    return shapes.dispute(after)


def _handed_in(call: Call, dispute: Dispute) -> Dispute:
    """Give the evidence to the bank, which takes its time."""
    decided_at = call.cause.now + call.state.config.dispute_decided_after_s
    call.state.later(decided_at, dispute_course.decide, dispute.id)
    inquiry = dispute.case_type == "inquiry"
    return replace(
        dispute,
        status="warning_under_review" if inquiry else "under_review",
        submission_count=dispute.submission_count + 1,
        past_due=call.cause.now > dispute.due_by,
    )


def _tell_of_charge(call: Call, dispute: Dispute) -> None:
    charge = call.state.charges.get(dispute.charge)
    assert charge is not None
    call.state.emit(call.cause, "charge.updated", charge, charge)


def _in_path(call: Call) -> Dispute:
    dispute = call.state.disputes.get(call.ids[0])
    if dispute is None:
        raise lists.not_in_path(call, "dispute", call.ids[0], "dispute")
    return dispute


def _open_in_path(call: Call) -> Dispute:
    dispute = _in_path(call)
    if dispute.status in inquiries.CLOSED:
        raise invalid("This dispute is already closed")
    return dispute
