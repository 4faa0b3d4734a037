"""Documents as bytes and back: the one place that knows how a document is written down."""

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
