"""Putting whole objects where their ids are, as `expand[]` asks.

What may be expanded is known from the kind of object alone, so a wrong path is refused before
anything is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from stripe_sandbox.engine.errors import invalid
from stripe_sandbox.engine.records import Record, Wire
from stripe_sandbox.engine.state import State

DEPTH_MAX = 4
# The refunds within an expanded charge, newest first.
REFUNDS_SHOWN_MAX = 10

# Kind of object -> property -> kind of what it names; "" for kinds that are never there.
_EXPANDABLE: Final[dict[str, dict[str, str]]] = {
    "payment_intent": {
        "application": "",
        "customer": "customer",
        "latest_charge": "charge",
        "on_behalf_of": "",
        "payment_method": "payment_method",
        "review": "",
    },
    "charge": {
        "application": "",
        "balance_transaction": "balance_transaction",
        "customer": "customer",
        "dispute": "dispute",
        "failure_balance_transaction": "",
        "on_behalf_of": "",
        "payment_intent": "payment_intent",
        "refunds": "list:refund",
        "review": "",
        "source_transfer": "",
    },
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "customer": "customer",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
        "payment_method": "payment_method",
        "source_transfer_reversal": "",
        "transfer_reversal": "",
    },
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "early_fraud_warning": {"charge": "charge", "payment_intent": "payment_intent"},
    "setup_intent": {
        "application": "",
        "customer": "customer",
        "latest_attempt": "",
        "mandate": "",
        "on_behalf_of": "",
        "payment_method": "payment_method",
        "single_use_mandate": "",
    },
    "payment_method": {"customer": "customer"},
    "customer": {
        "default_source": "",
        "invoice_settings": "invoice_settings",
        "test_clock": "",
    },
    "invoice_settings": {"default_payment_method": "payment_method"},
    "balance_transaction": {"source": "source"},
    "source": {},
    "event": {},
    "webhook_endpoint": {},
}


def check(paths: Sequence[str], kind: str) -> None:
    """Refuse a path that leads nowhere from an answer of this kind, `list:x` being a list of x."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEPTH_MAX:
            raise invalid(
                f"You cannot expand more than {DEPTH_MAX} levels of a property: {path}.",
                param="expand",
            )
        at = kind
        for step in steps:
            at = _next_kind(at, step, path)


def _next_kind(kind: str, step: str, path: str) -> str:
    if kind.startswith("list:"):
        if step == "data":
            return kind.removeprefix("list:")
    elif kind == "":
        return ""
    elif kind == "source" or step in _EXPANDABLE[kind]:
        return _EXPANDABLE[kind].get(step, "")
    raise invalid(f"This property cannot be expanded ({path}).")


def expand(state: State, answer: Wire, paths: Sequence[str]) -> Wire:
    """Return the answer with the objects in place."""
    for path in paths:
        answer = _expanded(state, answer, path.split("."))
    return answer


def _expanded(state: State, place: Wire, steps: list[str]) -> Wire:
    """Return a copy of `place` with what `steps` lead to in place."""
    name, rest = steps[0], steps[1:]
    value = _looked_up(state, place, name)
    if rest and isinstance(value, dict):
        value = _expanded(state, value, rest)
    elif rest and isinstance(value, list):
        value = [_expanded(state, element, rest) for element in value]
    if name in place:
        return {**place, name: value}
    # refunds is the one property that is absent unless expanded; it takes its place by name.
    fixed = {"id": place.get("id"), "object": place.get("object")}
    return fixed | dict(sorted({**place, name: value}.items()))


def _looked_up(state: State, place: Wire, name: str) -> Any:
    """Return the object an id stands for; anything else as it is."""
    if name == "refunds" and place.get("object") == "charge":
        return _refunds(state, place["id"])
    value = place.get(name)
    if not isinstance(value, str):
        return value
    record = find(state, value)
    return value if record is None else state.wire(record)


def _refunds(state: State, charge_id: str) -> Wire:
    ids = state.refunds_of.get(charge_id, [])
    rows = list(state.refunds.newest_first(among=ids))
    return {
        "object": "list",
        "data": [state.wire(row) for row in rows[:REFUNDS_SHOWN_MAX]],
        "has_more": len(rows) > REFUNDS_SHOWN_MAX,
        "url": f"/v1/charges/{charge_id}/refunds",
    }


def find(state: State, object_id: str) -> Record | None:
    """Find any object by its id."""
    prefix = object_id.partition("_")[0]
    match prefix:
        case "pi":
            return state.payment_intents.get(object_id)
        case "ch":
            return state.charges.get(object_id)
        case "cus":
            return state.customers.get(object_id)
        case "pm":
            return state.payment_methods.get(object_id)
        case "du":
            return state.disputes.get(object_id)
        case "re":
            return state.refunds.get(object_id)
        case "txn":
            return state.balance_transactions.get(object_id)
        case _:
            return None
