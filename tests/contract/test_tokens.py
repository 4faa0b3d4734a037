"""What the TokenReader port promises: whom a token vouches for, and that nobody can make one up."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from payment_service.adapters.tokens import FixedKey, JwtReader, Keys, TokenRules, TrustedIssuer
from payment_service.domain.errors import (
    CredentialsExpired,
    CredentialsRefused,
    EmailNotVerified,
)
from payment_service.domain.identity import Identity
from tests.parts.identity_provider import (
    AUDIENCE,
    ISSUER,
    SERVICE_MARK,
    IdentityProvider,
    jwk,
    private_key,
    public_pem,
)

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
AT_NOON = int(NOON.timestamp())
SECRET = "a secret of more than 32 bytes, as it must be"


@pytest.fixture
def provider() -> IdentityProvider:
    return IdentityProvider(lambda: NOON)


def reader_of(keys: Keys, *algorithms: str) -> JwtReader:
    """Return a reader with keys of its own."""
    rules = TokenRules(
        ISSUER, frozenset({AUDIENCE}), frozenset(algorithms), service_claim=SERVICE_MARK
    )
    return JwtReader(TrustedIssuer(keys, rules))


async def read(
    provider: IdentityProvider, token: str, now: datetime = NOON, **rules: Any
) -> Identity:
    return await provider.reader(**rules).read(token, now)


async def refusal_of(provider: IdentityProvider, token: str, **rules: Any) -> str:
    with pytest.raises(CredentialsRefused) as refused:
        await read(provider, token, **rules)
    return refused.value.code


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def test_a_token_of_a_service_says_who_it_is_and_what_it_may(
    provider: IdentityProvider,
) -> None:
    first = await read(provider, provider.token(scope="openid payment.read"))
    other = await read(provider, provider.token(sub="another"))

    assert first.scopes == {"openid", "payment.read"}
    assert first.email is None
    assert first.name.startswith("jwt:")
    assert "checkout" not in first.name
    assert other.name != first.name


async def test_a_token_with_an_email_is_an_end_users(provider: IdentityProvider) -> None:
    identity = await read(provider, provider.user(" Jane@Example.COM "))

    assert identity.email == "jane@example.com"
    assert "jane" not in identity.name


async def test_whoever_gets_another_email_is_another_caller(provider: IdentityProvider) -> None:
    before = await read(provider, provider.user("jane@example.com", sub="7"))
    after = await read(provider, provider.user("bob@example.com", sub="7"))

    assert before.name != after.name


@pytest.mark.parametrize(
    "email",
    ["", "nobody", None, 7, [], ["a@x.org", "b@x.org"], [7], {"a@x.org": 1}, "\u212ajane@x.org"],
)
async def test_an_email_that_is_none_never_makes_a_service(
    provider: IdentityProvider, email: Any
) -> None:
    claims = {**provider.claims(), "email": email}
    token = jwt.encode(claims, private_key("key-1"), algorithm="RS256", headers={"kid": "key-1"})

    assert await refusal_of(provider, token) == "credentials_invalid"


@pytest.mark.parametrize("verified", [False, "false", 0, 1, "yes", []])
async def test_an_email_that_is_not_verified_is_nobodys(
    provider: IdentityProvider, verified: Any
) -> None:
    with pytest.raises(EmailNotVerified):
        await read(provider, provider.user("jane@example.com", email_verified=verified))


@pytest.mark.parametrize("verified", [True, "true", "True"])
async def test_an_email_that_is_verified_may_be_so_as_text(
    provider: IdentityProvider, verified: Any
) -> None:
    token = provider.user("jane@example.com", email_verified=verified)

    assert (await read(provider, token)).email == "jane@example.com"


async def test_an_email_of_which_nothing_is_said_is_verified_only_if_a_setting_says_so(
    provider: IdentityProvider,
) -> None:
    silent = provider.user("jane@example.com", email_verified=None)
    denied = provider.user("jane@example.com", email_verified=False)

    with pytest.raises(EmailNotVerified):
        await read(provider, silent)
    assert (await read(provider, silent, assume_email_verified=True)).email == "jane@example.com"
    with pytest.raises(EmailNotVerified):
        await read(provider, denied, assume_email_verified=True)
    other_name = provider.user("jane@example.com", email_verified=None, xms_edov=True)
    identity = await read(provider, other_name, email_verified_claim="xms_edov")
    assert identity.email == "jane@example.com"


async def test_claims_may_have_other_names(provider: IdentityProvider) -> None:
    token = provider.user("x@example.com", scope=None, scp=["payment.read"], mail="jane@x.org")

    identity = await read(provider, token, scope_claims=("scp",), email_claim="mail")

    assert identity.scopes == {"payment.read"}
    assert identity.email == "jane@x.org"


async def test_a_token_without_scopes_allows_nothing(provider: IdentityProvider) -> None:
    assert (await read(provider, provider.token(scope=None))).scopes == frozenset()
    assert (await read(provider, provider.token(scope=[]))).scopes == frozenset()


@pytest.mark.parametrize("claim", [7, True, {"payment.admin": True}, ["payment.read", 7], [[]]])
async def test_scopes_of_a_wrong_type_make_no_token(provider: IdentityProvider, claim: Any) -> None:
    assert await refusal_of(provider, provider.token(scope=claim)) == "credentials_invalid"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://id.example.com"},
        {"iss": [ISSUER]},
        {"iss": None},
        {"aud": "another-service"},
        {"aud": ["another-service"]},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 1e300},
        {"exp": 10**400},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"nbf": AT_NOON + 31},
        {"iat": AT_NOON + 31},
        {"nbf": "later"},
    ],
)
async def test_a_token_that_says_something_else_is_refused(
    provider: IdentityProvider, changed: dict[str, Any]
) -> None:
    assert await refusal_of(provider, provider.token(**changed)) == "credentials_invalid"


async def test_one_of_several_audiences_may_be_ours(provider: IdentityProvider) -> None:
    assert (await read(provider, provider.token(aud=["another", AUDIENCE]))).email is None


async def test_a_token_ends_and_begins_within_the_leeway(provider: IdentityProvider) -> None:
    token = provider.token(exp=AT_NOON + 10, nbf=AT_NOON + 30)

    assert (await read(provider, token)).email is None
    assert (await read(provider, token, NOON + timedelta(seconds=39.999))).email is None
    with pytest.raises(CredentialsExpired):
        await read(provider, token, NOON + timedelta(seconds=40))


async def test_what_is_remembered_ends_with_the_token(provider: IdentityProvider) -> None:
    reader = provider.reader(leeway_s=0)
    token = provider.token(exp=AT_NOON + 10)

    assert await reader.read(token, NOON) is await reader.read(token, NOON + timedelta(seconds=9))
    with pytest.raises(CredentialsExpired):
        await reader.read(token, NOON + timedelta(seconds=10))


async def test_a_token_of_no_signature_is_refused(provider: IdentityProvider) -> None:
    claims = provider.claims()
    for name in ("none", "None", "NONE", ""):
        unsigned = f"{part({'alg': name, 'kid': 'key-1'})}.{part(claims)}."
        assert await refusal_of(provider, unsigned) == "credentials_invalid"
        assert await refusal_of(provider, unsigned + "abc") == "credentials_invalid"


async def test_the_public_key_is_no_secret(provider: IdentityProvider) -> None:
    """HS256 over the public key: whoever takes the algorithm from the token falls for it."""
    signed = f"{part({'alg': 'HS256', 'kid': 'key-1'})}.{part(provider.claims())}"
    mac = hmac.digest(public_pem("key-1"), signed.encode(), sha256)
    forged = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    assert await refusal_of(provider, forged) == "credentials_invalid"
    careless = frozenset({"RS256", "HS256"})
    assert await refusal_of(provider, forged, algorithms=careless) == "credentials_invalid"
    fixed = reader_of(FixedKey(public_key=public_pem("key-1").decode()), *careless)
    with pytest.raises(CredentialsRefused):
        await fixed.read(forged, NOON)


async def test_a_key_of_somebody_else_or_of_another_name_does_not_count(
    provider: IdentityProvider,
) -> None:
    stolen_name = jwt.encode(
        provider.claims(), private_key("key-2"), algorithm="RS256", headers={"kid": "key-1"}
    )

    assert await refusal_of(provider, stolen_name) == "credentials_invalid"
    assert await refusal_of(provider, provider.token(kid="key-2")) == "credentials_invalid"
    assert await refusal_of(provider, provider.token(kid=None)) == "credentials_invalid"


async def test_a_key_that_comes_with_the_token_is_not_looked_at(provider: IdentityProvider) -> None:
    own = private_key("key-2")
    for header in ({"jwk": jwk("key-2")}, {"jku": "https://evil.example/keys"}):
        token = jwt.encode(provider.claims(), own, algorithm="RS256", headers=dict(header))
        assert await refusal_of(provider, token) == "credentials_invalid"
    assert provider.fetches == 2  # each by a reader that had no keys yet, and from where it is set


async def test_an_algorithm_that_is_not_pinned_is_refused(provider: IdentityProvider) -> None:
    token = jwt.encode(
        provider.claims(), private_key("key-1"), algorithm="PS256", headers={"kid": "key-1"}
    )

    assert await refusal_of(provider, token) == "credentials_invalid"
    # Published as a key for RS256, it is not one for PS256 either.
    wide = frozenset({"RS256", "PS256"})
    assert await refusal_of(provider, token, algorithms=wide) == "credentials_invalid"


@pytest.mark.parametrize("header", [{"crit": ["exp"], "exp": 1}, {"crit": ["b64"]}, {"b64": True}])
async def test_what_must_be_understood_and_is_not_is_refused(
    provider: IdentityProvider, header: dict[str, Any]
) -> None:
    signed = f"{part({'alg': 'RS256', 'kid': 'key-1', **header})}.{part(provider.claims())}"
    algorithm = jwt.get_algorithm_by_name("RS256")
    mac = algorithm.sign(signed.encode(), private_key("key-1"))
    token = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    assert await refusal_of(provider, token) == "credentials_invalid"


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "eyJ.eyJ.",
        "\u00e9",
        f"{part([])}.{part({})}.x",
        f"{part({'alg': ['RS256']})}.{part({})}.x",
        f"{part({'alg': 'RS256', 'kid': 7})}.{part({})}.x",
        f"{part({'alg': 'RS256', 'kid': 'k' * 300})}.{part({})}.x",
        "[" * 8000,
    ],
)
async def test_what_is_no_token_is_refused(provider: IdentityProvider, token: str) -> None:
    assert await refusal_of(provider, token) == "credentials_invalid"


async def test_a_token_that_is_too_long_is_not_looked_at(provider: IdentityProvider) -> None:
    long = provider.token(groups=["g" * 100] * 100)

    assert await refusal_of(provider, long) == "credentials_invalid"
    assert provider.fetches == 0


async def test_tokens_may_be_signed_with_a_secret_or_a_curve() -> None:
    provider = IdentityProvider(lambda: NOON)
    claims = provider.claims()
    curve = ec.generate_private_key(ec.SECP256R1())
    pem = curve.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    by_secret = reader_of(FixedKey(secret=SECRET), "HS256")
    by_curve = reader_of(FixedKey(public_key=pem), "RS256", "ES256")

    assert (await by_secret.read(jwt.encode(claims, SECRET, algorithm="HS256"), NOON)).email is None
    assert (await by_curve.read(jwt.encode(claims, curve, algorithm="ES256"), NOON)).email is None
    with pytest.raises(CredentialsRefused):
        await by_secret.read(jwt.encode(claims, f"{SECRET}.", algorithm="HS256"), NOON)
    with pytest.raises(CredentialsRefused):
        await by_curve.read(jwt.encode(claims, private_key("key-1"), algorithm="RS256"), NOON)


async def test_a_short_key_signs_nothing() -> None:
    provider = IdentityProvider(lambda: NOON)
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - the point
    pem = short.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    signed = f"{part({'alg': 'RS256'})}.{part(provider.claims())}"
    mac = jwt.get_algorithm_by_name("RS256").sign(signed.encode(), short)

    with pytest.raises(CredentialsRefused):
        await reader_of(FixedKey(public_key=pem), "RS256").read(
            f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}", NOON
        )
