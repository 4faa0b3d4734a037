"""The books: one line for each charge taken, each refund given, each half of a dispute."""

from __future__ import annotations

from typing import Final

from stripe_sandbox.engine import lists, shapes
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.config import DAY_S
from stripe_sandbox.engine.records import BalanceTransaction, Dispute, Wire
from stripe_sandbox.engine.state import Cause, State

# What a card payment costs an account in the United States: 2.9 % and 30 cents.
_FEE_PER_MILLE: Final = 29
_FEE_FIXED: Final = 30
# As recorded; winning a dispute does not give it back.
_DISPUTE_FEE: Final = 1500
# Card money is available two days later, at midnight.
_AVAILABLE_AFTER_DAYS: Final = 2


def write(
    state: State,
    cause: Cause,
    *,
    amount: int,
    currency: str,
    source: str,
    kind: str,
    description: str | None,
    available_at_once: bool = False,
) -> BalanceTransaction:
    """Write a line. Charges pay the fee; refunds do not give it back."""
    fee = (amount * _FEE_PER_MILLE + 500) // 1000 + _FEE_FIXED if kind == "charge" else 0
    return state.balance_transactions.put(
        BalanceTransaction(
            id=state.ids.dated("txn_3", cause.now),
            created=cause.now,
            amount=amount,
            currency=currency,
            fee=fee,
            source=source,
            type=kind,
            description=description,
            available_on=cause.now if available_at_once else _available_on(cause),
        )
    )


def adjust(state: State, cause: Cause, dispute: Dispute, amount: int) -> BalanceTransaction:
    """Write one half of a dispute: what is withdrawn, with the fee, or what comes back."""
    withdrawn = amount < 0
    kind = "withdrawal" if withdrawn else "reversal"
    return state.balance_transactions.put(
        BalanceTransaction(
            id=state.ids.dated("txn_1", cause.now),
            created=cause.now,
            amount=amount,
            currency=dispute.currency,
            fee=_DISPUTE_FEE if withdrawn else 0,
            source=dispute.id,
            type="adjustment",
            description=f"Chargeback {kind} for {dispute.charge}",
            available_on=_available_on(cause),
            fee_description="Dispute fee",
            reporting_category="dispute" if withdrawn else "dispute_reversal",
        )
    )


def _available_on(cause: Cause) -> int:
    midnight = cause.now - cause.now % DAY_S
    return midnight + _AVAILABLE_AFTER_DAYS * DAY_S


def retrieve(call: Call) -> Wire:
    """Return a line."""
    row = call.state.balance_transactions.get(call.ids[0])
    if row is None:
        raise lists.not_in_path(call, "balance transaction", call.ids[0], "id")
    return shapes.balance_transaction(row)


def list_all(call: Call) -> Wire:
    """List lines by source, type, currency and time."""
    wanted = {name: call.get(name) for name in ("source", "type", "currency") if call.get(name)}
    in_time = lists.created_within(call)
    return lists.page(
        call,
        call.state.balance_transactions,
        "balance transaction",
        keep=lambda row: (
            in_time(row) and all(getattr(row, name) == value for name, value in wanted.items())
        ),
        write=shapes.balance_transaction,
    )
