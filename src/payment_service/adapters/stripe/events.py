"""Stripe's events, snapshot and thin, as the domain's values: whose they are and what they name.

What signed bytes hold is Stripe's, and still not trusted to be of the types that it documents: an
event that is written down must be one that can be read again.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from payment_service.adapters.stripe.objects import (
    Json,
    expanded_id_of,
    named_by,
    storable,
    time_of,
)
from payment_service.domain.news import SeenEvent

# Stripe's ids have at most so many characters, and so have the names of its types of events.
NAME_MAX = 255
# Thin events are objects of API v2; their times are texts.
THIN = "v2.core.event"


def event_of(body: Json) -> SeenEvent:
    """Return an event: whose it is and what it names, not what it says.

    Raises KeyError, TypeError, ValueError, AttributeError: it is none.
    """
    if not isinstance(body, Mapping):
        raise TypeError("an event is an object")
    kind = body.get("object")
    is_thin = isinstance(kind, str) and kind.startswith(THIN)
    seen = _thin(body) if is_thin else _snapshot(body)
    return storable(
        replace(
            seen,
            id=_name(body["id"]),
            livemode=_flag(body["livemode"]),
            account=_account(body.get("context") if is_thin else body.get("account")),
        )
    )


def _snapshot(body: Json) -> SeenEvent:
    """Return an event that carries its object as it was then."""
    about, before = body["data"]["object"], body["data"].get("previous_attributes") or {}
    seen = named_by(about, type=_name(body["type"]), happened_at=time_of(body["created"]))
    was_with = None
    if about.get("object") == "payment_method":
        was_with = expanded_id_of(before.get("customer"))
    return replace(seen, customer_id=seen.customer_id or was_with)


def _thin(body: Json) -> SeenEvent:
    """Return an event that only names its object, or none."""
    related = body.get("related_object") or {}
    kind, its_id = related.get("type") or "", related.get("id") or ""
    return SeenEvent(
        id="",
        type=_name(body["type"]),
        happened_at=_moment(body["created"]),
        livemode=False,
        object_id=_name(its_id) if its_id else "",
        intent_id=its_id or None if kind == "payment_intent" else None,
        customer_id=its_id or None if kind == "customer" else None,
        payment_method_id=its_id or None if kind == "payment_method" else None,
        object_type=_name(kind) if kind else "",
    )


def _name(value: Any) -> str:
    """Return an id or type. Raises TypeError, ValueError."""
    if not isinstance(value, str):
        raise TypeError("no text where a name stands")
    if not (0 < len(value) <= NAME_MAX and value.isprintable()):
        raise ValueError("no name of Stripe's")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return value


def _account(value: Any) -> str | None:
    return None if value is None or value == "" else _name(value)


def _moment(value: Any) -> datetime:
    if not isinstance(value, str):
        return time_of(value)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    return moment
