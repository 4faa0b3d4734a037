"""What a caller sent, read once: JSON without surprises, no card numbers, a sane key."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import Headers

from payment_service.api.caller import ANYBODY, Caller
from payment_service.api.problems import InvalidJson, WrongContentType
from payment_service.domain.api_key import PREFIX as API_KEY_PREFIX
from payment_service.domain.card_fields import DEPTH_MAX, SHOWN_MAX, find_card_numbers_in
from payment_service.domain.card_number import holds_card_number, may_hold_card_number
from payment_service.domain.errors import FieldError, InvalidRequest, RawCardDataRefused
from payment_service.domain.split_card_number import names_of_split_number

# A numeric order id may well look like a card number. Stripe's ids never do, and a card number in
# place of one is a likely mistake.
IDENTIFIERS = frozenset({"orderId", "cursor"})

# More parameters than any endpoint has; parse_qsl refuses what is beyond.
_PARAMETERS_MAX = 50

# Every field of our largest request and its 46 metadata entries are 150 values. The rest is for a
# cart or an object of Stripe's that a client sends along; what walks over values is done in 2 ms.
VALUES_MAX = 1_600
# A body as large as this is searched at once: to find out whether it must be would cost as much.
_GLANCED_AT_MAX = 4 * 1024

# A number such as 4.2e15, which is no text's part.
_EXPONENT = re.compile(rb"[:,\[][\s-]{0,4}+[0-9.]++[Ee]")
# A string of JSON, or what begins like one and never ends.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_JSON_TYPE = re.compile(r"application/(?:json|[a-z0-9.+-]+\+json)")


@dataclass(frozen=True, slots=True)
class Incoming:
    """One request, read. `bearer_token` is for the OrderService only and is never written down.

    is_proved: whether the shop has said so of the order that an end user asks for.
    raw, signature: of an endpoint that takes a body as it is, and checks who signed it.
    """

    method: str
    route: str
    request_id: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    key: str | None = None
    bearer_token: str | None = field(default=None, repr=False)
    caller: Caller = ANYBODY
    is_proved: bool = False
    raw: bytes = field(default=b"", repr=False)
    signature: str = field(default="", repr=False)


def read_query(query_string: bytes) -> dict[str, str]:
    """Return the query's parameters. Raises InvalidRequest, RawCardDataRefused."""
    if not query_string:
        return {}
    try:
        pairs = parse_qsl(
            query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=_PARAMETERS_MAX
        )
    except ValueError:
        raise InvalidRequest(FieldError("query", "has too many parameters")) from None
    query = dict(pairs)
    if len(query) != len(pairs):
        raise InvalidRequest(FieldError("query", "names a parameter twice"))
    refuse_card_numbers(query)
    return query


def read_body(raw: bytes, content_type: str) -> dict[str, Any]:
    """Return the JSON object of a body.

    Raises WrongContentType, InvalidJson, RawCardDataRefused, InvalidRequest (nested too deep).
    """
    if not raw:
        raise InvalidJson("The body is empty; send a JSON object.")
    if content_type != "application/json":
        _check_content_type(content_type)
    has_many = _has_many_values(raw)
    try:
        # What makes objects of values is much slower than the decoder itself.
        body = json.loads(raw.decode()) if has_many else _decoder.decode(raw.decode())
        if b"\\u" in raw and not has_many:
            # Half of a surrogate pair is no character and could not be written.
            json.dumps(body, ensure_ascii=False, default=str).encode()
    except UnicodeError:
        raise InvalidJson("The body is not valid UTF-8 text.") from None
    except (ValueError, ArithmeticError, RecursionError):
        raise InvalidJson(
            "The body is not valid JSON (names must not repeat; NaN and Infinity are not JSON)."
        ) from None
    if not isinstance(body, dict):
        raise InvalidJson("The body must be a JSON object.")
    if has_many:
        raise InvalidRequest(FieldError("body", f"has more than {VALUES_MAX} values"))
    if needs_search(raw):
        refuse_card_numbers(body)
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and len(metadata) > 1:
        _refuse(f"metadata.{name[:SHOWN_MAX]}" for name in names_of_split_number(metadata))
    return body


def needs_search(raw: bytes) -> bool:
    """Whether there may be a card number in it, or more depth than can be searched.

    What JSON puts around a text parts it from the next, so that one search of a small body as it
    came spares most the search in every field: unless there are escapes or other scripts in it, or
    a number with an exponent.
    """
    if len(raw) > _GLANCED_AT_MAX or raw.count(b"{") + raw.count(b"[") > DEPTH_MAX:
        return True
    if not may_hold_card_number(raw):
        return _EXPONENT.search(raw) is not None
    is_plain = raw.isascii() and b"%" not in raw and b"\\" not in raw
    return not is_plain or holds_card_number(raw.decode()) or _EXPONENT.search(raw) is not None


def refuse_card_numbers(value: object) -> None:
    """Raise RawCardDataRefused, naming the fields, if there is a card number in it."""
    _refuse(find_card_numbers_in(value, IDENTIFIERS))


def _refuse(paths: Iterable[str]) -> None:
    paths = tuple(paths)
    if paths:
        told = "must not contain a card number; collect cards with Stripe.js and send the id"
        raise RawCardDataRefused(
            *(FieldError(path, told) for path in paths),
            message="A card number was sent where none may be. It was not kept.",
        )


def read_key(headers: Headers) -> str | None:
    """Return the idempotency key, None without one. Raises InvalidRequest."""
    key = headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidRequest(
            FieldError("Idempotency-Key", "must have 1 to 255 printable ASCII characters"),
            code="invalid_idempotency_key",
        )
    return key


def read_bearer_token(headers: Headers) -> str | None:
    """Return the caller's own bearer token, None without one; a key of ours is none, it is ours."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip()
    is_passed_on = scheme.lower() == "bearer" and not token.startswith(API_KEY_PREFIX)
    return token or None if is_passed_on else None


def _has_many_values(raw: bytes) -> bool:
    return _separators(raw) > VALUES_MAX and _separators(_STRING.sub(b"", raw)) > VALUES_MAX


def _separators(raw: bytes) -> int:
    """Return how many values there are, each object and list and all that is in one."""
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def _check_content_type(content_type: str) -> None:
    kind, _, parameters = content_type.lower().partition(";")
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(' "')
    if not _JSON_TYPE.fullmatch(kind.strip()) or charset not in {"", "utf-8", "utf8"}:
        raise WrongContentType("The body must be sent as application/json, in UTF-8.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        # Two readers of one text would disagree about which of them counts.
        raise ValueError("a name is there twice")
    return names


def _refuse_constant(_name: str) -> Any:
    raise ValueError("not JSON")


# Amounts are never binary floating point numbers, not even on the way in.
_decoder = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=Decimal, parse_constant=_refuse_constant
)
