"""Reading what has happened. Events are written by whatever makes them happen."""

from __future__ import annotations

from typing import Final

from stripe_sandbox.engine import lists
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.config import DAY_S
from stripe_sandbox.engine.errors import invalid
from stripe_sandbox.engine.records import Event, Wire
from stripe_sandbox.engine.state import State

# Events can be read for this long.
LISTED_FOR_S: Final = 30 * DAY_S
TYPES_MAX: Final = 20


def retrieve(call: Call) -> Wire:
    """Return an event."""
    event = call.state.events.get(call.ids[0])
    if event is None or event.created < _oldest(call):
        raise lists.not_in_path(call, "event", call.ids[0], "id")
    return write(call.state, event)


def list_all(call: Call) -> Wire:
    """List events by type, by several types, by time, and by whether they have arrived."""
    one, several = call.get("type"), call.get("types")
    if one is not None and several is not None:
        raise invalid("You may only specify one of these parameters: type, types.")
    types = several if several is not None else [one] if one is not None else None
    if types is not None and len(types) > TYPES_MAX:
        raise invalid(f"You can filter by up to {TYPES_MAX} types.", param="types")
    in_time = lists.created_within(call)
    arrived = call.get("delivery_success")
    oldest = _oldest(call)
    return lists.page(
        call,
        call.state.events,
        "event",
        keep=lambda row: (
            row.created >= oldest
            and (types is None or any(_fits(row.type, wanted) for wanted in types))
            and (arrived is None or arrived == (not call.state.webhooks.pending(row.id)))
            and in_time(row)
        ),
        write=lambda row: write(call.state, row),
    )


def write(state: State, event: Event) -> Wire:
    """Write an event with the number of endpoints that have not taken it."""
    return {**state.wire(event), "pending_webhooks": state.webhooks.pending(event.id)}


def _oldest(call: Call) -> int:
    return call.cause.now - LISTED_FOR_S


def _fits(event_type: str, wanted: str) -> bool:
    """Compare with a type, or with a group of them such as `charge.*`."""
    if wanted.endswith(".*"):
        return event_type.startswith(wanted[:-1])
    return event_type == wanted
