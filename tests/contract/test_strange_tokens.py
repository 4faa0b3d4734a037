"""Tokens that are rightly signed and strange: a refusal each, whatever stands in them."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from payment_service.domain.errors import CredentialsRefused
from tests.parts.identity_provider import AUDIENCE, ISSUER, IdentityProvider, private_key

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture
def provider() -> IdentityProvider:
    return IdentityProvider(lambda: NOON)


def signed(payload: str, header: str = '{"alg":"RS256","kid":"key-1"}') -> str:
    """Return a token of these very texts, with a good signature."""
    text = f"{part(header)}.{part(payload)}"
    signature = jwt.get_algorithm_by_name("RS256").sign(text.encode(), private_key("key-1"))
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def part(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


async def reason_of(provider: IdentityProvider, token: str) -> str:
    with pytest.raises(CredentialsRefused) as refused:
        await provider.reader().read(token, NOON)
    return refused.value.log_fields["reason"]


@pytest.mark.parametrize(
    ("changed", "claim"),
    [
        ({"aud": 7}, "aud"),
        ({"aud": [AUDIENCE, 7]}, "aud"),
        ({"aud": {AUDIENCE: 1}}, "aud"),
        ({"aud": True}, "aud"),
        ({"exp": "2026-02-01"}, "exp"),
        ({"exp": [2e9]}, "exp"),
        ({"exp": 10**300}, "exp"),
        ({"nbf": True}, "nbf"),
        ({"iat": {}}, "iat"),
        ({"sub": ["checkout"]}, "sub"),
        ({"sub": "a\0b"}, "sub"),
        ({"client_id": 7}, "client_id"),
        ({"azp": ""}, "azp"),
        ({"appid": ["x"]}, "appid"),
        ({"cid": {}}, "cid"),
        ({"scope": {"payment.admin": True}}, "scope"),
        ({"scope": [None]}, "scope"),
    ],
)
async def test_a_claim_of_a_wrong_type_makes_no_token_and_is_named_in_the_log(
    provider: IdentityProvider, changed: dict[str, Any], claim: str
) -> None:
    with pytest.raises(CredentialsRefused) as refused:
        await provider.reader().read(provider.token(**changed), NOON)

    noted = refused.value.log_fields
    assert (noted["reason"], noted["claim"], noted["issuer"]) == ("claim", claim, ISSUER)


@pytest.mark.parametrize(
    "instead",
    [
        '"scope":"payment.read","scope":"payment.admin"',
        '"scope":"\\ud800"',
        '"deep":{"a":["\\udfff"]}',
        '"\\ud800":1',
        '"exp":NaN',
        '"any":Infinity',
        '"any":-Infinity',
        '"any":1e400',
        '"any":' + "9" * 4400,
        '"any":' + "[" * 2000 + "]" * 2000,
        '"any":' + '[{"":' * 600 + "1" + "}]" * 600,
        '"any":01',
        '"any":',
    ],
)
async def test_a_payload_that_two_readers_could_read_in_two_ways_makes_no_token(
    provider: IdentityProvider, instead: str
) -> None:
    good = json.dumps(provider.claims())
    assert (await provider.reader().read(signed(good), NOON)).is_service

    assert await reason_of(provider, signed(f"{good[:-1]},{instead}}}")) == "malformed"


@pytest.mark.parametrize(
    "payload", ["", "null", "[]", '"text"', "7", "\ufeff{}", "{}{}", "{'a':1}"]
)
async def test_a_payload_that_is_no_object_makes_no_token(
    provider: IdentityProvider, payload: str
) -> None:
    assert await reason_of(provider, signed(payload)) in {"malformed", "not_a_signed_token"}


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ('{"alg":"none","kid":"key-1"}', "algorithm"),
        ('{"alg":"rs256","kid":"key-1"}', "algorithm"),
        ('{"alg":"HS256","kid":"key-1"}', "algorithm"),
        ('{"alg":7,"kid":"key-1"}', "algorithm"),
        ('{"kid":"key-1"}', "algorithm"),
        ('{"alg":"none","alg":"RS256","kid":"key-1"}', "malformed"),
        ('{"alg":"RS256","kid":["key-1"]}', "header"),
        ('{"alg":"RS256","kid":null}', "header"),
        ('{"alg":"RS256","kid":"\\ud800"}', "malformed"),
        ('{"alg":"RS256","kid":"key-1\\u0000"}', "unknown_key"),
        ('{"alg":"RS256"}', "unknown_key"),
        ('{"alg":"RS256","kid":"key-1","crit":["exp"]}', "header"),
        ('{"alg":"RS256","kid":"key-1","crit":[]}', "header"),
        ('{"alg":"RS256","kid":"key-1","b64":false}', "header"),
        ('{"alg":"RS256","kid":"key-1","typ":7}', "type"),
        ('{"alg":"RS256","kid":"key-1","typ":"logout+jwt"}', "type"),
        ('{"alg":"RS256","kid":"key-1","typ":"dpop+jwt"}', "type"),
        ("[]", "malformed"),
        ("{", "malformed"),
    ],
)
async def test_a_header_that_asks_for_something_else_makes_no_token(
    provider: IdentityProvider, header: str, reason: str
) -> None:
    assert await reason_of(provider, signed(json.dumps(provider.claims()), header)) == reason


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"])
async def test_both_types_of_access_tokens_are_taken(provider: IdentityProvider, kind: str) -> None:
    header = json.dumps({"alg": "RS256", "kid": "key-1", "typ": kind})

    assert (await provider.reader().read(signed(json.dumps(provider.claims()), header), NOON)).name


async def test_a_token_of_more_or_less_than_three_parts_is_refused(
    provider: IdentityProvider,
) -> None:
    token = provider.token()
    header, payload, signature = token.split(".")
    for other in (
        f"{token}.x.y",  # as an encrypted one has
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{header}..{signature}",
        f"{token}=",
        f"{header}.{payload}.{signature[:-2]}+/",
        f"{header}.{payload} .{signature}",
    ):
        assert await reason_of(provider, other) == "not_a_signed_token"
