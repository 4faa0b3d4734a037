"""What one setting may be: the types of `settings`, each with its words for people.

Every check refuses without repeating the value, which may be a secret in the wrong place.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, get_args
from urllib.parse import urlsplit

import annotated_types
from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a setting may be, in words: for errors, the reference page and `.env.example`."""

    text: str


def allowed_of(field: FieldInfo) -> str:
    """Say in words what the field may be, from its type and its limits."""
    for item in field.metadata:
        if isinstance(item, Allowed):
            return item.text
    if field.annotation is bool:
        return "true or false"
    if field.annotation in {int, float}:
        low = next(item.ge for item in field.metadata if isinstance(item, annotated_types.Ge))
        high = next(item.le for item in field.metadata if isinstance(item, annotated_types.Le))
        noun = "a whole number" if field.annotation is int else "a number"
        return f"{noun} from {low} to {high}"
    words: tuple[Any, ...] = get_args(field.annotation)
    if words and all(isinstance(word, str) for word in words):
        return " or ".join([", ".join(words[:-1]), words[-1]])
    return "text"


def example_of(field: FieldInfo) -> str:
    return str(field.examples[0]) if field.examples else ""


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_is_sane = parts.port is None or parts.port > 0
    except ValueError:
        port_is_sane = False
    if (
        not port_is_sane
        or parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.username is not None
        or parts.query
        or parts.fragment
    ):
        raise ValueError
    return value.rstrip("/")


def _origin(value: str) -> str:
    url = _url(value)
    if urlsplit(url).path:
        raise ValueError
    return url


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _matching(pattern: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError
        return value

    return AfterValidator(check)


def _secret_matching(pattern: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: SecretStr | None) -> SecretStr | None:
        if value is not None and not compiled.fullmatch(value.get_secret_value()):
            raise ValueError
        return value

    return AfterValidator(check)


Word = BeforeValidator(_lower)
Origin = Annotated[str, AfterValidator(_origin), Allowed("an http(s) address without a path")]
Url = Annotated[
    str,
    AfterValidator(lambda value: _url(value) if value else value),
    Allowed("an http(s) address without user or query, or empty"),
]
Host = Annotated[str, _matching(r"[A-Za-z0-9._:-]+"), Allowed("a host name or address")]
Prefix = Annotated[
    str,
    _matching(r"(/[A-Za-z0-9._~-]+)*"),
    Allowed("a path that begins with / and does not end with it, or empty"),
]
FilePath = Annotated[str, _matching(r"[^\0]+"), Allowed("a file's path")]
Currency = Annotated[
    str, Word, _matching(r"[a-z]{3}"), Allowed("a three-letter currency code of ISO 4217")
]
ServiceName = Annotated[
    str,
    _matching(r"[A-Za-z0-9._-]{1,50}"),
    Allowed("1 to 50 letters, digits, dots, dashes or underscores"),
]
StripeKey = Annotated[
    SecretStr,
    _secret_matching(r"(sk|rk)_(test|live)_[A-Za-z0-9_]+"),
    Allowed("a secret (sk_) or restricted (rk_) key of Stripe"),
]
# RFC 6750's alphabet of a bearer token; anything else cannot travel in the header.
Token = Annotated[
    SecretStr | None,
    _secret_matching(r"[A-Za-z0-9._~+/=-]+"),
    Allowed("a bearer token: letters, digits and -._~+/="),
]
# How often, in the notation of the limits library, as far as anybody needs it.
Rate = Annotated[
    str,
    Word,
    _matching(r"([1-9][0-9]{0,8}/(second|minute|hour|day))?"),
    Allowed("a number, / and second, minute, hour or day, or empty"),
]
# Stripe's secrets of webhook endpoints; while one is rotated the old one lives on beside it.
WebhookSecrets = Annotated[
    SecretStr | None,
    _secret_matching(r"whsec_[A-Za-z0-9+/=_-]+(,\s*whsec_[A-Za-z0-9+/=_-]+){0,3}"),
    Allowed("one to four signing secrets (whsec_), separated by commas"),
]
# What the OrderService calls a status: words in capitals, as a rule.
OrderStatus = Annotated[
    str,
    _matching(r"[A-Za-z0-9 _-]{0,50}"),
    Allowed("up to 50 letters, digits, spaces, dashes or underscores, or empty"),
]
