"""Plain values as BSON and back: every field name storable, every whole number of one width.

MongoDB gives a meaning to field names that begin with `$` (one of a caller's metadata called `$ref`
would be read back as a reference, or refused), reads dots as paths and allows no NUL. In such names
these characters, and the `%` that marks them, are written as in an address: `$gt` is `%24gt`.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from types import NoneType
from typing import Any

from bson import Int64

_CODES = {"%": "%25", "$": "%24", ".": "%2E", "\0": "%00"}
_CODED = str.maketrans(_CODES)
_PLAIN = {code: character for character, code in _CODES.items()}
_SPECIAL = frozenset(_CODES)
# Most values are of these, and looking saves a call for each.
_AS_THEY_ARE = frozenset({str, NoneType, bool, datetime, float})
# A few hundred names of ours come again and again; callers' names must not fill the memory.
_NAMES_KEPT = 1024


def to_bson(value: Any) -> Any:
    """Return the value with storable field names and 64-bit numbers; dates and text as they are."""
    kind = type(value)
    if kind is dict:
        return {
            _stored_name(name): item if type(item) in _AS_THEY_ARE else to_bson(item)
            for name, item in value.items()
        }
    if kind is int:
        return Int64(value)
    if kind in {list, tuple}:
        return [to_bson(item) for item in value]
    return value


def from_bson(value: Any) -> Any:
    """Return what `to_bson` was given."""
    if isinstance(value, Mapping):
        return {
            _plain_name(name): item if type(item) in _AS_THEY_ARE else from_bson(item)
            for name, item in value.items()
        }
    if type(value) is Int64:
        return int(value)
    if type(value) is list:
        return [from_bson(item) for item in value]
    return value


@lru_cache(_NAMES_KEPT)
def _stored_name(name: str) -> str:
    return name if _SPECIAL.isdisjoint(name) else name.translate(_CODED)


def _plain_name(name: str) -> str:
    if "%" not in name:
        return name
    for code in ("%24", "%2E", "%00", "%25"):  # the mark itself last: `%2524` was `%24`
        name = name.replace(code, _PLAIN[code])
    return name
