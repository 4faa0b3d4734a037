"""Documents as bytes or plain values and back: only this room knows how one is written down."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {}


def to_json(document: object) -> bytes:
    """Return the document as JSON: fields by name, enums by value, times as RFC 3339."""
    return _encoder.encode(document)


def from_json(data: bytes | str, kind: type[T]) -> T:
    """Return the document that `to_json` wrote. Raises msgspec.ValidationError when it is not one.

    Fields that this version does not know are passed over; missing ones take their defaults.
    """
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    document: T = decoder.decode(data)
    return document


def to_plain(document: object) -> dict[str, Any]:
    """Return the document as dictionaries, lists, strings, numbers and times in UTC."""
    plain: dict[str, Any] = msgspec.to_builtins(document, builtin_types=(datetime,))
    return plain


def from_plain(plain: Mapping[str, Any], kind: type[T]) -> T:
    """Return the document that `to_plain` made. Raises msgspec.ValidationError when it is not one.

    Fields that this version does not know are passed over; missing ones take their defaults.
    """
    return msgspec.convert(plain, kind)
