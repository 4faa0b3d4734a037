"""The guide's settings of each identity provider, with tokens as that provider makes them."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import jwt
import pytest

from payment_service.api.app import Gate, build_app
from payment_service.api.refusal_lines import LINES_MAX, PER
from payment_service.composing import open_access
from payment_service.flows.keep_api_key import revoke_api_key
from payment_service.settings import load_settings
from tests.api.access import OPTIONS, open_guarded
from tests.api.asgi import Heard
from tests.api.conftest import Api
from tests.house.tree import ROOT, read
from tests.parts.identity_provider import private_key, public_pem
from tests.parts.live_settings import LIVE
from tests.parts.provider_tokens import (
    JANE,
    PROVIDERS,
    Claims,
    Provider,
    platform_service,
    platform_user,
)
from tests.parts.shop import Shop

PLATFORM = "A platform of your own, and several issuers"
SECRET = "a secret of more than 32 bytes, as it must be".replace(" ", "-")
Signed = Callable[[Claims], str]

every_provider = pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.heading)


def block_of(heading: str, language: str) -> str:
    """Return the block of settings under a heading of the guide."""
    guide = read(ROOT / "docs/guides/authentication.md")
    section = guide.split(f"### {heading}\n", 1)[1].split("\n### ", 1)[0]
    found = re.search(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1]


def settings_of(heading: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block_of(heading, "ini").splitlines())


@asynccontextmanager
async def guarded(shop: Shop, environ: dict[str, str]) -> AsyncIterator[Api]:
    """Put the application before a shop, as these settings have it."""
    gate = Gate()
    async with open_access(load_settings(environ)) as access:
        yield Api(build_app(shop.world, OPTIONS, gate=gate, access=access), shop, gate)


@asynccontextmanager
async def with_settings_of(provider: Provider, shop: Shop) -> AsyncIterator[tuple[Api, Signed]]:
    """Yield the application as the guide sets it up, and who signs tokens as the provider does.

    Only the key is given instead of fetched: no test may ask that address.
    """
    environ = settings_of(provider.heading)
    assert environ.pop("AUTH_JWT_JWKS_URL").startswith("https://")
    key = {"AUTH_JWT_PUBLIC_KEY": public_pem("key-1").decode()}

    def signed(claims: Claims) -> str:
        headers = {"kid": "key-1", "typ": None, **dict(provider.header)}
        return jwt.encode(
            in_time(shop, claims), private_key("key-1"), algorithm="RS256", headers=headers
        )

    async with guarded(shop, {**environ, **key}) as api:
        yield api, signed


def in_time(shop: Shop, claims: Claims) -> Claims:
    now = int(shop.world.clock.now().timestamp())
    return {**claims, "iat": now, "nbf": now, "exp": now + 3600}


async def as_(api: Api, token: str, method: str, path: str, body: Any = None) -> Heard:
    return await api.ask(method, path, body=body, headers={"Authorization": f"Bearer {token}"})


def test_every_block_lets_production_start() -> None:
    for provider in PROVIDERS:
        environ = {**LIVE, **settings_of(provider.heading)}
        assert load_settings(environ).warnings() == (), provider.heading


@every_provider
async def test_an_end_user_reaches_what_is_their_own_and_a_service_everything(
    shop: Shop, provider: Provider
) -> None:
    async with with_settings_of(provider, shop) as (api, signed):
        user, service = signed(provider.user()), signed(provider.service())

        bobs = await as_(api, service, "POST", "/payment/customer", {"email": "bob@example.com"})
        mine = await as_(api, user, "POST", "/payment/customer", {"email": JANE})
        others = await as_(api, user, "POST", "/payment/customer", {"email": "bob@example.com"})
        listed = await as_(api, service, "GET", "/payment/payments")
        events = [(await as_(api, who, "GET", "/payment/events")).status for who in (user, service)]

    assert (bobs.status, mine.status, listed.status) == (201, 201, 200)
    assert others.status == 404
    assert events == [404, 200]


@every_provider
async def test_the_token_of_an_end_user_without_its_email_is_nobodys(
    shop: Shop, provider: Provider
) -> None:
    """Whatever else is in it: what it lacks never makes it a service's."""
    async with with_settings_of(provider, shop) as (api, signed):
        claims = {
            name: value
            for name, value in provider.user().items()
            if value != JANE and "email" not in name
        }
        heard = await as_(api, signed(claims), "GET", "/payment/payments")

    assert (heard.status, heard.code) == (403, "neither_user_nor_service")


@every_provider
async def test_an_email_that_the_provider_has_not_verified_is_refused(
    shop: Shop, provider: Provider
) -> None:
    environ = settings_of(provider.heading)
    claim = environ.get("AUTH_JWT_EMAIL_VERIFIED_CLAIM", "email_verified")
    async with with_settings_of(provider, shop) as (api, signed):
        denied = await as_(api, signed({**provider.user(), claim: False}), "GET", "/payment/cards")
        silent = {name: value for name, value in provider.user().items() if name != claim}
        heard = await as_(api, signed(silent), "GET", "/payment/payments")

    assert (denied.status, denied.code) == (403, "email_not_verified")
    is_assumed = environ.get("AUTH_JWT_EMAIL_VERIFIED") == "assumed"
    assert heard.status == (200 if is_assumed else 403)


@every_provider
async def test_the_mark_of_a_service_does_not_make_one_of_an_end_user(
    shop: Shop, provider: Provider
) -> None:
    async with with_settings_of(provider, shop) as (api, signed):
        both = signed({**provider.service(), **provider.user(), "gty": "client-credentials"})
        heard = await as_(api, both, "POST", "/payment/customer", {"email": "bob@example.com"})

    assert heard.status in {403, 404}


def platform_settings() -> dict[str, str]:
    """Return the guide's issuers, their secrets in the table: no such file is here."""
    toml = block_of(PLATFORM, "toml")
    paths = re.findall(r'^secret_file = "(.*)"$', toml, re.MULTILINE)
    for number, path in enumerate(paths):
        toml = toml.replace(f'secret_file = "{path}"', f'secret = "{SECRET}-{number}"')
    assert len(paths) == 2
    return {"AUTH": "jwt", "AUTH_JWT_ISSUERS": toml}


async def test_tokens_of_a_platform_without_subjects_and_scopes_are_taken_by_settings(
    shop: Shop,
) -> None:
    def signed(claims: Claims, number: int) -> str:
        return jwt.encode(in_time(shop, claims), f"{SECRET}-{number}", algorithm="HS256")

    async with guarded(shop, platform_settings()) as api:
        user, service = signed(platform_user(), 0), signed(platform_service(), 1)
        mine = await as_(api, user, "POST", "/payment/customer", {"email": JANE})
        others = await as_(api, user, "POST", "/payment/customer", {"email": "bob@example.com"})
        events = await as_(api, service, "GET", "/payment/events")
        forged = [
            await as_(api, signed(claims, number), "GET", "/payment/payments")
            for claims, number in (
                (platform_user(), 1),
                (platform_service(), 0),
                ({**platform_service(), "iss": "https://shop.example.com"}, 0),
                ({**platform_user(), "client_id": "order-service"}, 1),
            )
        ]
        stranger = signed({**platform_service(), "client_id": "web-shop"}, 1)
        unknown = await as_(api, stranger, "GET", "/payment/payments")

    assert (mine.status, others.status, events.status) == (201, 404, 200)
    assert [(one.status, one.code) for one in forged] == [(401, "credentials_invalid")] * 4
    assert (unknown.status, unknown.code) == (403, "neither_user_nor_service")


async def test_the_log_says_why_and_the_answer_does_not(shop: Shop, lines: Any) -> None:
    def signed(**changed: Any) -> str:
        return jwt.encode(
            in_time(shop, {**platform_user(), **changed}), f"{SECRET}-0", algorithm="HS256"
        )

    email = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
    tried = {
        "issuer": signed(iss="https://shop.example.com/"),
        "audience": signed(aud="other"),
        "signature": signed()[:-4] + "AAAA",
        "claim": signed(client_id=7),
        "email": signed(**{email: "nobody"}),
        "email_not_verified": signed(email_verified=False),
        "malformed": signed(name="\ud800"),
        "not_a_signed_token": "nonsense",
    }
    async with guarded(shop, platform_settings()) as api:
        heard = [await as_(api, token, "GET", "/payment/payments") for token in tried.values()]

    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    refusals = [line for line in told if line["event"] == "credentials.refused"]
    assert [line["reason"] for line in refusals] == list(tried)
    assert {line["level"] for line in refusals} == {"info"}
    assert [line.get("issuer") for line in refusals][:2] == [
        "https://shop.example.com/",
        "https://shop.example.com",
    ]
    assert JANE not in lines.getvalue().decode()
    for answer, token in zip(heard, tried.values(), strict=True):
        assert answer.status in {401, 403}
        assert token not in lines.getvalue().decode()
    same = {answer.body["message"] for answer in heard if answer.status == 401}
    assert same == {"These credentials are not valid."}


async def test_a_flood_of_bad_tokens_does_not_fill_the_log(shop: Shop, lines: Any) -> None:
    def refusals() -> list[dict[str, Any]]:
        told = [json.loads(line) for line in lines.getvalue().splitlines()]
        return [line for line in told if line["event"] == "credentials.refused"]

    async with guarded(shop, platform_settings()) as api:
        for number in range(LINES_MAX + 5):
            await as_(api, f"nonsense-{number}", "GET", "/payment/payments")
        other = await as_(api, "a.b.c", "GET", "/payment/payments")
        first = refusals()
        await asyncio.sleep(PER.total_seconds())
        await as_(api, "nonsense", "GET", "/payment/payments")

    assert other.status == 401
    assert [line["reason"] for line in first] == ["not_a_signed_token"] * LINES_MAX + ["malformed"]
    (last,) = refusals()[len(first) :]
    assert (last["reason"], last["left_out"]) == ("not_a_signed_token", 5)


async def test_the_log_says_why_a_key_or_a_scheme_is_refused(shop: Shop, lines: Any) -> None:
    api = open_guarded(shop)
    revoked, written = await api.new_key()
    world = api.shop.world
    await revoke_api_key(world.store, revoked.id, world.clock.now(), who="olga", why="for a test")
    brief, brief_text = await api.new_key(lives_for=timedelta(seconds=1))
    await asyncio.sleep(2)
    tried = {
        "revoked": ({"Authorization": f"Bearer {written}"}, revoked.id),
        "expired": ({"X-API-Key": brief_text}, brief.id),
        "wrong_secret": ({"X-API-Key": brief_text[:-1] + "a"}, brief.id),
        "unknown": ({"X-API-Key": f"psk_{'z' * 16}_{'a' * 52}"}, None),
        "malformed": ({"X-API-Key": "psk_"}, None),
        "no_api_key_of_ours": ({"X-API-Key": "x"}, None),
        "scheme": ({"Authorization": "Basic dXNlcjp3b3Jk"}, None),
        "too_long": ({"Authorization": "Bearer " + "x" * 20_000}, None),
    }

    heard = [
        await api.ask("GET", "/payment/payments", headers=headers) for headers, _ in tried.values()
    ]

    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    refusals = [line for line in told if line["event"] == "credentials.refused"]
    assert [(line["reason"], line.get("key_id")) for line in refusals] == [
        (reason, key_id) for reason, (_, key_id) in tried.items()
    ]
    assert [line["kind"] for line in refusals] == ["api_key"] * 5 + ["token"] * 3
    assert {answer.status for answer in heard} == {401}
    assert {answer.code for answer in heard} == {"credentials_invalid", "credentials_expired"}
