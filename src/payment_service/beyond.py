"""What a plain document has beyond what this program understands of it, taken out and put back.

Objects are compared field by field. What stands somewhere may be another thing by the time that it
is written (the next attempt in place of the last, a time line without its oldest entry), and must
not be given what was known of the one before. So things are found again by what they are called;
items of lists that have no name, by being what they were.
"""

from collections.abc import Mapping
from typing import Any

# How leftovers are kept: beside what the thing that they are of was known as.
_THING, _REST = "thing", "rest"
# What things are called by, the first of these that they have. A call is called by its key, and
# whatever has one (an attempt, a notice) by its call.
_NAMES = ("id", "key", "call", "number", "payment_method_id")


def beyond(raw: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `raw` that `known`, the same document as understood, has not."""
    rest: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in known:
            rest[name] = value
        elif left := _left(value, known[name]):
            rest[name] = left
    return rest


def with_beyond(plain: Mapping[str, Any], rest: Mapping[str, Any]) -> dict[str, Any]:
    """Return `plain` with those fields in their places, as far as those are still there."""
    whole = dict(plain)
    for name, left in rest.items():
        if name not in whole:
            whole[name] = left
            continue
        match whole[name]:
            case dict() as inner if _may_be_same(inner, left[_THING]):
                whole[name] = with_beyond(inner, left[_REST])
            case list() | tuple() as items:
                whole[name] = [_whole_item(item, left) for item in items]
    return whole


def _left(value: Any, known: Any) -> Any:
    match value, known:
        case dict(), dict():
            rest = beyond(value, known)
            return {_THING: known, _REST: rest} if rest else None
        case list() | tuple(), list() | tuple():
            pairs = zip(value, known, strict=True)
            return [left for item, as_known in pairs if (left := _left(item, as_known))]
    return None


def _whole_item(item: Any, lefts: list[dict[str, Any]]) -> Any:
    if isinstance(item, dict):
        for left in lefts:
            if _is_same(item, left[_THING]):
                return with_beyond(item, left[_REST])
    return item


def _is_same(item: Mapping[str, Any], was: Mapping[str, Any]) -> bool:
    name = _name(item)
    return item == was if name is None else name == _name(was)


def _may_be_same(thing: Mapping[str, Any], was: Mapping[str, Any]) -> bool:
    """Whether it is the one that was there: some have no name, or got it only since."""
    name = _name(was)
    return name is None or name == _name(thing)


def _name(thing: Mapping[str, Any]) -> Any:
    """Return what a thing is called, None if that cannot be told."""
    by = next((name for name in _NAMES if thing.get(name) is not None), None)
    if by is None:
        return None
    found = thing[by]
    return by, (_name(found) if isinstance(found, Mapping) else found)
