"""What an answer of the OrderService means: whether an update was taken, and what an order shows.

A 2xx is not always a yes: frameworks answer 200 with `{"success": false}`, and a gateway in front
of an OrderService that is down answers 200 with a page.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from payment_service.domain.news import NoNews, OrderRefused, OrderTold

# The 4xx that speak of this moment and not of the update.
_PASSING = frozenset({408, 409, 425, 429})
# A gateway that gave up waiting: the OrderService behind it may have taken the update.
_GATEWAY_TIMEOUT = 504
# Whoever asks for more than a day means another thing; a notice waits for no longer anyway.
_RETRY_AFTER_MAX_S = 86_400.0
_SECONDS = re.compile(r"0*([0-9]+)")
# No number of seconds with more digits is below that.
_SECONDS_DIGITS = 9

_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_JSON_TYPE = re.compile(r"application/([a-z0-9.-]+\+)?json|text/json")
_HTML_BEGINNINGS = (b"<!doctype html", b"<html", b"<head", b"<body")
# Amounts are never binary floating point numbers.
_exact = msgspec.json.Decoder(Any, float_hook=Decimal)
_BOM = b"\xef\xbb\xbf"
# Why an update counts as not taken whose answer says so.
_PLAIN_NO = "success_false"
# What says no where `success` should be true or false.
_NO = (False, 0, "false", "no", "0")


def must_be_whole(content_type: str, begun: bytes) -> bool:
    """Whether an answer's body decides, so that it has to be read to its end.

    begun: as much of it as came first.
    """
    kind = _kind(content_type)
    return kind in _HTML_TYPES or _is_json(kind, begun) or _looks_like_html(begun)


def verdict(
    http_status: int, headers: Mapping[str, str], body: bytes, *, whole: bool
) -> OrderTold | OrderRefused | NoNews:
    """Say what became of an update. whole: whether `body` is all of the answer's body."""
    if http_status == _GATEWAY_TIMEOUT:
        return NoNews(f"http_{http_status}", retry_after_s=retry_after_s(headers))
    if not 200 <= http_status < 300:
        lasting = http_status < 500 and http_status not in _PASSING
        return OrderRefused(f"http_{http_status}", lasting, retry_after_s(headers))
    reason = _why_not_taken(headers.get("Content-Type", ""), body, whole=whole)
    if reason is None:
        return OrderTold()
    # Only a plain no says that the update was not taken; what cannot be read may have been a yes.
    may_have_arrived = reason != _PLAIN_NO
    after_s = retry_after_s(headers)
    return OrderRefused(
        reason, lasting=True, retry_after_s=after_s, may_have_arrived=may_have_arrived
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a `Retry-After`, of a date by the answer's own clock; None: none."""
    text = headers.get("Retry-After", "").strip()
    if seconds := _SECONDS.fullmatch(text):
        is_long = len(seconds[1]) > _SECONDS_DIGITS
        return _RETRY_AFTER_MAX_S if is_long else min(float(seconds[1]), _RETRY_AFTER_MAX_S)
    date = _date(text)
    if date is None:
        return None
    since = _date(headers.get("Date", "")) or datetime.now(UTC)
    return min(max((date - since).total_seconds(), 0.0), _RETRY_AFTER_MAX_S)


def shown_status(body: bytes, path: str) -> str | None:
    """Return the status that an order shows in this field (`data.status` goes down); None: none.

    An answer that says no shows no order.
    """
    try:
        found = _json(body)
    except ValueError:
        return None
    if _says_no(found):
        return None
    found = _at(found, path)
    return found.strip() if isinstance(found, str) and found.strip() else None


def shown_fields(body: bytes, *paths: str) -> list[Any] | None:
    """Return what an order shows in these fields, None where it has none; numbers are exact.

    None for an answer that says no: it shows no order. Raises ValueError: it cannot be read.
    """
    try:
        shown = _exact.decode(body.removeprefix(_BOM).strip())
    except RecursionError as error:
        raise ValueError from error
    if not isinstance(shown, dict):
        raise ValueError("no order")  # noqa: TRY004 - to the caller it is one more bad answer
    return None if _says_no(shown) else [_at(shown, path) for path in paths]


def _at(found: Any, path: str) -> Any:
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _why_not_taken(content_type: str, body: bytes, *, whole: bool) -> str | None:
    """Return why a 2xx is no yes; None: it is one."""
    kind, text = _kind(content_type), body.removeprefix(_BOM).strip()
    if not text and whole:
        return None
    if _is_json(kind, body):
        return _why_json_says_no(text, claims=_claims_json(kind), whole=whole)
    is_html = _looks_like_html(body) or (kind in _HTML_TYPES and b"<" in text)
    # Plain words under the type that web frameworks give them by default are a yes.
    return "answered_html" if is_html else None


def _why_json_says_no(text: bytes, *, claims: bool, whole: bool) -> str | None:
    try:
        answer = _json(text)
    except ValueError:
        return "answer_unreadable" if claims or not whole else None
    return _PLAIN_NO if _says_no(answer) else None


def _json(text: bytes) -> Any:
    """Return what a body says. Raises ValueError: it is no JSON, or none that can be read."""
    try:
        return msgspec.json.decode(text.removeprefix(_BOM).strip())
    except RecursionError as error:  # the others are ValueErrors already
        raise ValueError from error


def _says_no(answer: Any) -> bool:
    """Whether a field `success`, however its case (.NET writes `Success`), says no."""
    if not isinstance(answer, dict):
        return False
    said = (value for name, value in answer.items() if name.lower() == "success")
    return any((one.strip().lower() if isinstance(one, str) else one) in _NO for one in said)


def _is_json(kind: str, begun: bytes) -> bool:
    return _claims_json(kind) or begun.removeprefix(_BOM).lstrip()[:1] == b"{"


def _claims_json(kind: str) -> bool:
    return _JSON_TYPE.fullmatch(kind) is not None


def _looks_like_html(begun: bytes) -> bool:
    return begun.removeprefix(_BOM).lstrip()[:20].lower().startswith(_HTML_BEGINNINGS)


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, OverflowError, TypeError):
        return None
