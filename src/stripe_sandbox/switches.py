"""The commands that change how this Stripe behaves while it runs: its switches and its clock."""

from __future__ import annotations

from dataclasses import fields
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin, get_type_hints

from stripe_sandbox.engine import Config
from stripe_sandbox.faults import is_seconds
from stripe_sandbox.wishes import BadFields, read_object, refuse

if TYPE_CHECKING:
    from stripe_sandbox.http import Sandbox

# What is settled once the first object is there, or the first key.
FIXED: Final = frozenset(
    {
        "accepted_keys",
        "account",
        "api_version",
        "events_kept",
        "idempotency_retention_s",
        "merchant",
        "public_url",
        "raw_card_refusal_code",
        "requests_kept",
    }
)
# The clock goes no further than this at once. A year is beyond all that Stripe does later; more is
# milliseconds taken for seconds.
ADVANCE_MAX_S: Final = 366 * 86_400.0


def show_switches(sandbox: Sandbox, _wish: Any) -> dict[str, Any]:
    """Show all that can be switched, as it is."""
    config = sandbox.engine.config
    return {one.name: getattr(config, one.name) for one in fields(config) if one.name not in FIXED}


def set_switches(sandbox: Sandbox, wish: Any) -> dict[str, Any]:
    """Switch, until the next reset."""
    names = tuple(one.name for one in fields(Config) if one.name not in FIXED)
    wish, problems = read_object(wish, *names)
    kinds = get_type_hints(Config)
    changes = {}
    for name in (name for name in wish if name in names):
        try:
            changes[name] = _read(kinds[name], wish[name])
        except ValueError as error:
            problems[name] = str(error)
    refuse(problems)
    sandbox.engine.switch(**changes)
    sandbox.engine.webhooks.on_change()
    return show_switches(sandbox, None)


def show_clock(sandbox: Sandbox, _wish: Any) -> dict[str, Any]:
    """Show what time it is here, and how far that is ahead of the wall clock."""
    return {"now": sandbox.now(), "ahead_s": sandbox.ahead_s}


def set_clock(sandbox: Sandbox, wish: Any) -> dict[str, Any]:
    """Go on in time; what was to happen until then happens at once, in order."""
    wish, problems = read_object(wish, "advance_s", "now")
    given = [name for name in ("advance_s", "now") if name in wish]
    if len(given) != 1 and not problems:
        raise BadFields({"": "must have one of advance_s and now"})
    for name in given:
        if not is_seconds(wish[name]):
            problems[name] = "must be a number of seconds, 0 or more: time goes forwards only"
    refuse(problems)
    step_s = wish["advance_s"] if "advance_s" in wish else wish["now"] - sandbox.now()
    if step_s < 0:
        raise BadFields({"now": f"is before {sandbox.now():.3f}: time goes forwards only"})
    if step_s > ADVANCE_MAX_S:
        raise BadFields({given[0]: f"is more than {ADVANCE_MAX_S:.0f} s ahead"})
    sandbox.ahead_s += step_s
    sandbox.engine.advance(sandbox.now())
    sandbox.engine.webhooks.on_change()
    return show_clock(sandbox, None)


def _read(kind: Any, value: Any) -> Any:
    """Read a value as the kind of its field. Raises ValueError with what it must be."""
    if get_origin(kind) is Literal:
        return _checked(
            value,
            value in get_args(kind) and not isinstance(value, bool),
            f"must be one of {', '.join(map(str, get_args(kind)))}",
        )
    if kind is bool:
        return _checked(value, isinstance(value, bool), "must be true or false")
    if kind is float:
        return float(_checked(value, is_seconds(value), "must be a number of seconds, 0 or more"))
    if get_origin(kind) is tuple:
        good = isinstance(value, list) and all(is_seconds(one) for one in value)
        return tuple(map(float, _checked(value, good, "must be a list of numbers of seconds")))
    # Those that are left are limits: an integer, and null for none where there may be none.
    counts = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    unlimited = value is None and NoneType in get_args(kind)
    return _checked(
        value, counts or unlimited, "must be an integer of at least 1, or null for no limit"
    )


def _checked(value: Any, good: bool, demand: str) -> Any:  # noqa: FBT001 - reads as a sentence
    if not good:
        raise ValueError(demand)
    return value
