"""The settings of who may call: production leaves nothing to chance, and nothing contradicts."""

from collections.abc import Mapping

import pytest

from payment_service.setting_groups.tokens import jwt_algorithms
from payment_service.settings import InvalidSettings, load_settings
from tests.parts.identity_provider import public_pem
from tests.parts.live_settings import LIVE

JWKS = {
    "AUTH": "jwt",
    "AUTH_JWT_JWKS_URL": "https://id.example.com/keys",
    "AUTH_JWT_ISSUER": "https://id.example.com/",
    "AUTH_JWT_AUDIENCE": "payment-service",
}
BARE = {name: JWKS[name] for name in ("AUTH", "AUTH_JWT_ISSUER", "AUTH_JWT_AUDIENCE")}
SECRET = "x" * 32


def refused(environ: Mapping[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(environ)
    return {problem.name: problem.message for problem in caught.value.problems}


def test_development_asks_nobody() -> None:
    settings = load_settings({})

    assert (settings.auth, settings.metrics_port, settings.docs_enabled) == ("none", 0, True)
    assert settings.cors_origins == ""


@pytest.mark.parametrize("unset", [{}, {"AUTH": " "}])
def test_production_does_not_start_without_a_decision(unset: Mapping[str, str]) -> None:
    told = refused({**LIVE, **unset})

    assert list(told) == ["AUTH"]
    for word in ("api-key", "jwt", "none", "keys create"):
        assert word in told["AUTH"]


def test_nobody_asked_in_production_is_warned_of() -> None:
    assert load_settings({**LIVE, "AUTH": "none"}).warnings() == (
        "AUTH is none: whoever reaches this port may charge cards and refund",
    )
    assert load_settings({**LIVE, "AUTH": "api-key"}).warnings() == ()
    assert load_settings({**LIVE, "AUTH": "api-key", "METRICS_PORT": "0"}).warnings() == (
        "METRICS_PORT is 0: whoever reaches the main port may read /metrics",
    )


def test_both_ways_may_be_open() -> None:
    assert load_settings({**JWKS, "AUTH": " JWT, api-key "}).auth == "jwt,api-key"
    assert "none stands alone" in refused({**JWKS, "AUTH": "none,jwt"})["AUTH"]
    for wrong in ("basic", "jwt,", "jwt,jwt"):
        assert refused({**JWKS, "AUTH": wrong})["AUTH"].startswith("must be none, or api-key")


def test_a_token_needs_an_issuer_an_audience_and_one_source_of_keys() -> None:
    assert list(refused({"AUTH": "jwt"})) == [
        "AUTH_JWT_JWKS_URL",
        "AUTH_JWT_ISSUER",
        "AUTH_JWT_AUDIENCE",
    ]
    assert list(refused({**JWKS, "AUTH_JWT_SECRET": SECRET})) == ["AUTH_JWT_SECRET"]
    both = {**JWKS, "AUTH_JWT_PUBLIC_KEY": public_pem("key-1").decode()}
    assert list(refused(both)) == ["AUTH_JWT_PUBLIC_KEY"]


def test_keys_come_over_https_in_production() -> None:
    plain = {**JWKS, "AUTH_JWT_JWKS_URL": "http://id.internal/keys"}

    assert load_settings(plain).auth_jwt_jwks_url == "http://id.internal/keys"
    assert list(refused({**LIVE, **plain})) == ["AUTH_JWT_JWKS_URL"]


def test_a_public_key_may_stand_on_one_line_and_must_be_one() -> None:
    pem = public_pem("key-1").decode().strip()
    one_line = pem.replace("\n", "\\n")

    for text in (pem, one_line):
        assert load_settings({**BARE, "AUTH_JWT_PUBLIC_KEY": text}).auth_jwt_public_key == pem
    for wrong in ("abc", pem[:-40], pem.replace("PUBLIC", "PRIVATE")):
        assert list(refused({**BARE, "AUTH_JWT_PUBLIC_KEY": wrong})) == ["AUTH_JWT_PUBLIC_KEY"]


def test_a_secret_is_long_enough_and_never_shown() -> None:
    settings = load_settings({**BARE, "AUTH_JWT_SECRET": SECRET})

    assert SECRET not in f"{settings!r}{settings.model_dump_json()}"
    assert list(refused({**BARE, "AUTH_JWT_SECRET": SECRET[1:]})) == ["AUTH_JWT_SECRET"]


def test_algorithms_follow_the_source_of_keys_and_fit_it() -> None:
    by_secret = {**BARE, "AUTH_JWT_SECRET": SECRET}

    assert jwt_algorithms(load_settings(JWKS)) == {"RS256", "ES256"}
    assert jwt_algorithms(load_settings(by_secret)) == {"HS256"}
    pinned = load_settings({**JWKS, "AUTH_JWT_ALGORITHMS": "PS256, EdDSA"})
    assert jwt_algorithms(pinned) == {"PS256", "EdDSA"}
    for environ, named in ((JWKS, "HS256"), (JWKS, "RS256,HS512"), (by_secret, "RS256")):
        told = refused({**environ, "AUTH_JWT_ALGORITHMS": named})
        assert list(told) == ["AUTH_JWT_ALGORITHMS"]
    for wrong in ("none", "RS256,none", "rs256", "RS1"):
        assert list(refused({**JWKS, "AUTH_JWT_ALGORITHMS": wrong})) == ["AUTH_JWT_ALGORITHMS"]


def test_a_secret_is_long_enough_for_its_algorithms() -> None:
    by_secret = {**BARE, "AUTH_JWT_SECRET": SECRET}

    assert list(refused({**by_secret, "AUTH_JWT_ALGORITHMS": "HS256,HS512"})) == ["AUTH_JWT_SECRET"]
    load_settings({**by_secret, "AUTH_JWT_SECRET": SECRET * 2, "AUTH_JWT_ALGORITHMS": "HS512"})


def test_origins_are_named_one_by_one() -> None:
    settings = load_settings({"CORS_ORIGINS": "https://Shop.example.com/, http://localhost:3000"})

    assert settings.cors_origins == "https://shop.example.com,http://localhost:3000"
    for wrong in ("*", "https://*.example.com", "https://a.example,*", "null"):
        assert list(refused({"CORS_ORIGINS": wrong})) == ["CORS_ORIGINS"]


def test_metrics_have_a_port_of_their_own_in_production() -> None:
    assert load_settings({**LIVE, "AUTH": "none"}).metrics_port == 9090
    assert "is PORT itself" in refused({"METRICS_PORT": "9000"})["METRICS_PORT"]
    assert list(refused({"METRICS_PORT": "70000"})) == ["METRICS_PORT"]
