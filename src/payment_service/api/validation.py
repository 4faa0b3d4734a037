"""Checks a request field by field and names every bad one at once, never with the value sent."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from payment_service.api.field_names import SHOWN_MAX, known_names
from payment_service.domain.errors import FieldError, InvalidRequest

_log = structlog.get_logger("validation")

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

# What pydantic calls a fault, in the words of our answers. The others say it themselves.
_WORDS: Mapping[str, str] = {
    "missing": "is required",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} entries",
    "literal_error": "must be {expected}",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
}
# Our own types raise errors of this kind, with words that are ready.
OWN_WORDS = "own_words"

_UNKNOWN_MAX = 20
# Every field of our largest request and its metadata could be bad; a caller mends its program, and
# not each of a thousand entries.
NAMED_MAX = 100


_THE_REST = FieldError("body", f"has more than {NAMED_MAX} bad fields, of which so many are named")


class Findings:
    """The bad fields of one request, collected and then raised together: all, up to NAMED_MAX."""

    def __init__(self) -> None:
        self._fields: dict[str, FieldError] = {}
        self._codes: list[str] = []

    def __bool__(self) -> bool:
        """Whether anything was noted."""
        return bool(self._fields)

    def fields(self, kind: type[M], sent: Mapping[str, Any]) -> M | None:
        """Return the fields of the request; None if one is bad, which is then noted."""
        try:
            return kind.model_validate(sent)
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                name = ".".join(str(part)[:SHOWN_MAX] for part in fault["loc"]) or "body"
                self.bad(name, _words(fault))
            return None

    def value(self, parse: Callable[[], T]) -> T | None:
        """Return what `parse` gives; None if it raises InvalidRequest, which is then noted."""
        try:
            return parse()
        except InvalidRequest as error:
            self.note(error.fields, error.reason_code)
            return None

    def note(self, found: Iterable[FieldError], code: str = InvalidRequest.code) -> None:
        """Note bad fields, each once: what is said of it first stands."""
        for bad in found:
            if bad.field in self._fields:
                continue
            if len(self._fields) >= NAMED_MAX:
                self._fields[_THE_REST.field] = _THE_REST
                return
            self._fields[bad.field] = bad
            self._codes.append(code)

    def bad(self, field: str, message: str, code: str = InvalidRequest.code) -> None:
        """Note a bad field."""
        self.note((FieldError(field, message),), code)

    def close(self) -> None:
        """Raise InvalidRequest if anything was noted; its code is the one fault's, if it is one."""
        if self._fields:
            code = self._codes[0] if len(self._codes) == 1 else InvalidRequest.code
            raise InvalidRequest(*self._fields.values(), code=code)


def checked(kind: type[M], sent: Mapping[str, Any]) -> M:
    """Return the fields of a request that has nothing else to be checked. Raises InvalidRequest."""
    findings = Findings()
    fields = findings.fields(kind, sent)
    findings.close()
    assert fields is not None
    return fields


def note_unknown(kind: type[BaseModel], sent: Mapping[str, Any]) -> None:
    """Say in a debug line which fields were sent that mean nothing here."""
    unknown = sent.keys() - known_names(kind)
    if unknown:
        names = sorted(name[:SHOWN_MAX] for name in unknown)[:_UNKNOWN_MAX]
        _log.debug("request.unknown_fields_ignored", fields=names)


def _words(fault: Any) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == OWN_WORDS:
        return str(fault["msg"])
    words = _WORDS.get(kind, "is not valid")
    if kind == "literal_error":
        # As JSON spells it: must be true, not True.
        context = {"expected": context["expected"].replace("True", "true")}
    return words.format_map(context) if context else words
