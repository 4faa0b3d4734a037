"""Tokens that hypothesis makes up: rightly signed, with any claims and header."""

import base64
import json
from typing import Any

import jwt
from hypothesis import strategies as st

SECRET = "of-this-test-alone-and-signs-all-its-tokens"
EMAIL_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
NAMES = (
    *("iss", "aud", "sub", "exp", "nbf", "iat", "client_id", "azp", "appid", "cid", "scope", "scp"),
    *("email", "email_verified", EMAIL_CLAIM, "realm_access", "roles", "gty", "jti", "typ"),
)

TEXT = st.text(
    st.characters(exclude_categories=()) | st.sampled_from("\0\ud800\udfff\u202e. @/,"), max_size=20
)
NUMBER = st.integers() | st.floats() | st.sampled_from([10**400, -(10**30), 1e308, 2**63, True])
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
ODD_CLAIMS = st.dictionaries(st.sampled_from(NAMES) | TEXT, ANYTHING, max_size=8)
HEADERS = st.dictionaries(
    st.sampled_from(["kid", "typ", "crit", "b64", "cty", "jwk", "x5c"]) | TEXT, ANYTHING, max_size=3
)


def sign(claims: dict[str, Any], header: dict[str, Any]) -> str:
    """Return a token with these claims as they are, half surrogate pairs and NaN included."""
    signed = b".".join(map(_part, ({"alg": "HS256", **header}, claims)))
    signature = jwt.get_algorithm_by_name("HS256").sign(signed, SECRET.encode())
    return b".".join((signed, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()


def _part(value: Any) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
