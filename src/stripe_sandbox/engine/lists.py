"""Pages of a table: newest first, walked by cursors that are ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.errors import ApiError, invalid
from stripe_sandbox.engine.records import Record, Wire
from stripe_sandbox.engine.state import State
from stripe_sandbox.engine.tables import Row, Table

LIMIT_DEFAULT = 10
LIMIT_MAX = 100


def missing_object(noun: str, object_id: str, *, param: str, status: int, saved: bool) -> ApiError:
    """Refuse an id that names nothing: 404 in the path, 400 anywhere else."""
    return invalid(
        f"No such {noun}: '{object_id}'",
        param=param,
        code="resource_missing",
        status=status,
        saved=None if saved else False,
    )


def not_in_path(call: Call, noun: str, object_id: str, param: str) -> ApiError:
    """Refuse an id in the path."""
    saved = call.state.config.missing_object_saved
    return missing_object(noun, object_id, param=param, status=404, saved=saved)


def not_in_parameter(call: Call, noun: str, object_id: str, param: str) -> ApiError:
    """Refuse an id given as a parameter."""
    saved = call.state.config.missing_object_saved
    return missing_object(noun, object_id, param=param, status=400, saved=saved)


def page(
    call: Call,
    table: Table[Row],
    noun: str,
    *,
    keep: Callable[[Row], bool],
    among: Sequence[str] | None = None,
    write: Callable[[Row], Wire],
) -> Wire:
    """Return one page. With `among`, only rows of these ids are looked at."""
    after, before = call.get("starting_after"), call.get("ending_before")
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor is not None and table.get(cursor) is None:
            raise not_in_parameter(call, noun, cursor, name)
    if after is not None and before is not None:
        raise invalid(
            "Received both starting_after and ending_before parameters. Please pass in only one."
        )
    asked = call.get("limit")
    limit = LIMIT_DEFAULT if asked is None else max(1, min(asked, LIMIT_MAX))
    walk = table.newest_first(after, among)
    if before is not None:
        walk = table.oldest_first(before, among)
    rows = list(islice(_kept(walk, keep), limit + 1))
    found = rows[:limit]
    if before is not None:
        found.reverse()
    return {
        "object": "list",
        "data": [write(row) for row in found],
        "has_more": len(rows) > limit,
        "url": call.path,
    }


def _kept(walk: Iterator[Row], keep: Callable[[Row], bool]) -> Iterator[Row]:
    return (row for row in walk if keep(row))


def of_charges(
    state: State, owned: Mapping[str, list[str]], charge_id: str | None, intent_id: str | None
) -> list[str] | None:
    """Return the ids of what a charge, or the charges of an intent, own; None for no filter."""
    if charge_id is not None:
        return owned.get(charge_id, [])
    if intent_id is None:
        return None
    charges = state.charges_of.get(intent_id, [])
    return [owned_id for charge in charges for owned_id in owned.get(charge, [])]


def created_within(call: Call) -> Callable[[Record], bool]:
    """Return the test for the `created` filter."""
    bounds = call.get("created") or {}
    low = max(bounds.get("gte", 0), bounds.get("gt", -1) + 1)
    high = min(bounds.get("lte", 1 << 62), bounds.get("lt", 1 << 62) - 1)
    return lambda row: low <= row.created <= high
