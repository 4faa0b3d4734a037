"""What a plain document has beyond what this program understands of it, taken out and put back.

Objects are compared field by field. Lists change in between (a time line drops its oldest entry),
so their items are found again by their `id`, and those that have none by being what they were.
"""

from collections.abc import Mapping
from typing import Any

# How the leftovers of a list's items are kept: beside what each item was known as.
_ITEM, _REST = "item", "rest"


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
            case dict() as inner:
                whole[name] = with_beyond(inner, left)
            case list() | tuple() as items:
                whole[name] = [_whole_item(item, left) for item in items]
    return whole


def _left(value: Any, known: Any) -> Any:
    match value, known:
        case dict(), dict():
            return beyond(value, known)
        case list() | tuple(), list() | tuple():
            pairs = zip(value, known, strict=True)
            return [
                {_ITEM: as_known, _REST: left}
                for item, as_known in pairs
                if (left := _left(item, as_known))
            ]
    return None


def _whole_item(item: Any, lefts: list[dict[str, Any]]) -> Any:
    if isinstance(item, dict):
        for left in lefts:
            if _is_same(item, left[_ITEM]):
                return with_beyond(item, left[_REST])
    return item


def _is_same(item: Mapping[str, Any], was: Mapping[str, Any]) -> bool:
    return item["id"] == was["id"] if "id" in item and "id" in was else item == was
