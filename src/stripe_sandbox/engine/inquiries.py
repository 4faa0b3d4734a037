"""The disputes of a charge; those that are only questions so far can still be closed."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from stripe_sandbox.engine.records import Charge, Dispute
from stripe_sandbox.engine.state import Cause, State

CLOSED: Final = ("won", "lost", "warning_closed", "prevented")


def of_charge(state: State, charge_id: str) -> list[Dispute]:
    """Return the disputes of a charge, oldest first."""
    found = (state.disputes.get(one) for one in state.disputes_of.get(charge_id, ()))
    return [dispute for dispute in found if dispute is not None]


def is_open_inquiry(dispute: Dispute) -> bool:
    """Whether the bank has only asked so far."""
    return dispute.case_type == "inquiry" and dispute.status not in CLOSED


def close(state: State, cause: Cause, dispute: Dispute) -> Dispute:
    """End an inquiry that did not become a chargeback."""
    after = state.disputes.put(replace(dispute, status="warning_closed"))
    state.emit(cause, "charge.dispute.closed", after)
    return after


def close_refunded(state: State, cause: Cause, charge: Charge) -> None:
    """End the inquiries about a charge that has gone back whole: there is nothing left to ask."""
    if charge.refunded:
        for dispute in of_charge(state, charge.id):
            if is_open_inquiry(dispute):
                close(state, cause, dispute)
