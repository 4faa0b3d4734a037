"""Documents as bytes or plain values and back: only this room knows how one is written down."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import structlog
from prometheus_client import Counter

from payment_service.beyond import beyond, with_beyond
from payment_service.domain.schema import SCHEMA, NewerSchema

T = TypeVar("T")

# So many documents that cannot be read are told of once each; with more than that something else
# is wrong, and the log says it again.
TOLD_MAX = 10_000
UNREADABLE = Counter(
    "payment_service_documents_unreadable",
    "Stored documents that this release cannot read and passes over, counted once each.",
    ["collection"],
)
_log = structlog.get_logger("records")


class Unreadable:
    """Says which stored documents cannot be read: once each, however often they are come by."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def met(self, collection: str, id: object) -> None:
        """Log and count a document that is passed over, unless that was done before."""
        name = collection, str(id)
        if name in self._told:
            return
        if len(self._told) >= TOLD_MAX:
            self._told.clear()
        self._told.add(name)
        UNREADABLE.labels(collection).inc()
        _log.error("document.unreadable", collection=collection, id=id)


_encoder = msgspec.json.Encoder()
_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {}


def to_json(document: Any) -> bytes:
    """Return the document as JSON: fields by name, enums by value, times as RFC 3339."""
    if isinstance(document.schema, NewerSchema):
        return _encoder.encode(_with_unknown(msgspec.to_builtins(document), document.schema))
    return _encoder.encode(document)


def from_json(data: bytes | str, kind: type[T]) -> T:
    """Return the document that `to_json` wrote. Raises msgspec.ValidationError when it is not one.

    Fields that a newer version of this program wrote are kept in `schema`, and written again by
    `to_json`; missing ones take their defaults.
    """
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    document: Any = decoder.decode(data)
    if document.schema != SCHEMA:
        document = _of_other_schema(document, json.loads(data), msgspec.to_builtins(document))
    known: T = document
    return known


def to_plain(document: Any) -> dict[str, Any]:
    """Return the document as dictionaries, lists, strings, numbers and times in UTC."""
    plain: dict[str, Any] = msgspec.to_builtins(document, builtin_types=(datetime,))
    if isinstance(document.schema, NewerSchema):
        return _with_unknown(plain, document.schema)
    return plain


def from_plain(plain: Mapping[str, Any], kind: type[T]) -> T:
    """Return the document that `to_plain` made. Raises msgspec.ValidationError when it is not one.

    Fields that this version does not know fare as with `from_json`.
    """
    document: Any = msgspec.convert(plain, kind)
    if document.schema != SCHEMA:
        known = msgspec.to_builtins(document, builtin_types=(datetime,))
        document = _of_other_schema(document, plain, known)
    converted: T = document
    return converted


def _of_other_schema(document: Any, raw: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    if document.schema < SCHEMA:  # is of this one when it is written again
        return replace(document, schema=SCHEMA)
    return replace(document, schema=NewerSchema(document.schema, beyond(raw, known)))


def _with_unknown(plain: dict[str, Any], schema: NewerSchema) -> dict[str, Any]:
    return with_beyond({**plain, "schema": schema.number}, schema.unknown)
