"""Takes a token apart and finds claims in it; believes nothing, and refuses what has a wrong type.

Every claim comes from somebody else's program, so each one may be absent, of any type, or of any
size that a token may have.
"""

import base64
import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final

from payment_service.domain.errors import CredentialsRefused

# RFC 7515, 3.1: three parts of base64url without padding. Five are an encrypted token, and an empty
# third one is a token that nobody signed.
_SIGNED = re.compile(r"([\w-]+)\.([\w-]+)\.([\w-]+)", re.ASCII)
_KID_MAX = 255
# RFC 8725, 3.11: what is signed for another purpose (a logout, say) names another type.
_TYPES = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})
# The year 9999, past which no calendar here goes.
SECONDS_MAX = 253_402_300_800
# What no claim has, not even one that is null.
ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a token says of itself; its signature was not looked at."""

    algorithm: str
    kid: str | None
    claims: dict[str, Any]


def refused(reason: str, **fields: str) -> CredentialsRefused:
    """Return the refusal of a token, with the reason for the log alone."""
    return CredentialsRefused().noting(reason=reason, **fields)


def take_apart(token: str) -> Unverified:
    """Return what the token says. Raises CredentialsRefused: it is no signed token as we know it.

    That is one with anything in its header that must be understood and is not, with a key twice in
    an object, with half a surrogate pair, or with a number that is none.
    """
    parts = _SIGNED.fullmatch(token)
    if parts is None:
        raise refused("not_a_signed_token")
    header, claims = _json_object(parts[1]), _json_object(parts[2])
    _decoded(parts[3])
    algorithm, kid, kind = header.get("alg"), header.get("kid", ABSENT), header.get("typ", "JWT")
    if not isinstance(algorithm, str):
        raise refused("algorithm")
    # `crit` asks for more than signatures, and what is not understood must be refused.
    if "crit" in header or "b64" in header:
        raise refused("header")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise refused("type")
    if kid is ABSENT:
        return Unverified(algorithm, None, claims)
    if not isinstance(kid, str) or len(kid) > _KID_MAX:
        raise refused("header")
    return Unverified(algorithm, kid, claims)


def find(claims: dict[str, Any], name: str) -> Any:
    """Return the claim of this name, or ABSENT.

    A name at the top goes before a path whose dots lead down (`realm_access.roles`), for names may
    be URLs. Raises CredentialsRefused: what the path leads through is no object.
    """
    return _found(claims, name, name)


def text_claim(claims: dict[str, Any], name: str) -> str | None:
    """Return a text that is not empty, None when there is none. Raises CredentialsRefused."""
    value = claims.get(name, ABSENT)
    if value is ABSENT:
        return None
    if not isinstance(value, str) or not value or any(character < " " for character in value):
        raise refused("claim", claim=name)
    return value


def texts_claim(claims: dict[str, Any], name: str) -> frozenset[str]:
    """Return one text or a list of them, none when there is none. Raises CredentialsRefused."""
    value = find(claims, name)
    if value is ABSENT:
        return frozenset()
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in listed):
        raise refused("claim", claim=name)
    return frozenset(listed)


def seconds_claim(claims: dict[str, Any], name: str) -> float | None:
    """Return a time in seconds since 1970, None when there is none. Raises CredentialsRefused."""
    value = claims.get(name, ABSENT)
    if value is ABSENT:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused("claim", claim=name)
    if not -SECONDS_MAX < value < SECONDS_MAX:
        raise refused("claim", claim=name)
    return float(value)


def _found(value: dict[str, Any], path: str, whole: str) -> Any:
    if path in value:
        return value[path]
    for dot in (place for place, character in enumerate(path) if character == "."):
        inner = value.get(path[:dot], ABSENT)
        if inner is ABSENT:
            continue
        if not isinstance(inner, dict):
            raise refused("claim", claim=whole)
        found = _found(inner, path[dot + 1 :], whole)
        if found is not ABSENT:
            return found
    return ABSENT


def _json_object(part: str) -> dict[str, Any]:
    try:
        text = _decoded(part).decode()
        value = json.loads(
            text, object_pairs_hook=once_each, parse_float=_finite, parse_constant=_finite
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair cannot be
    except (ValueError, RecursionError) as error:
        raise refused("malformed") from error
    if not isinstance(value, dict):
        raise refused("malformed")
    return value


def _decoded(part: str) -> bytes:
    """Return the bytes of a part, which has no other spelling. Raises CredentialsRefused."""
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError as error:
        raise refused("malformed") from error
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != part:
        raise refused("malformed")
    return raw


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object. RFC 7519, 4: two readers must not see two values of one claim."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a number that JSON knows")
    return number
