"""The keys of an identity provider: fetched within bounds, seldom, and kept while it is away."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from aiohttp import web

from payment_service.adapters.tokens import Fetching, PublishedKeys
from payment_service.adapters.tokens.fetching import BYTES_MAX, CannotFetch
from payment_service.adapters.tokens.keys import FRESH, KEYS_MAX, STALE_MAX, UNKNOWN_KEY_EVERY
from payment_service.domain.errors import CredentialsRefused
from payment_service.ports import TokenKeysUnavailable
from tests.parts.identity_provider import IdentityProvider, jwk

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
LITTLE = timedelta(milliseconds=1)


@pytest.fixture
def provider() -> IdentityProvider:
    return IdentityProvider(lambda: NOON)


async def knows(keys: PublishedKeys, kid: str, now: datetime) -> bool:
    try:
        await keys.find(kid, "RS256", now)
    except CredentialsRefused:
        return False
    return True


async def test_keys_are_fetched_once_however_many_ask(provider: IdentityProvider) -> None:
    keys = PublishedKeys(provider.fetch)

    found = await asyncio.gather(*(knows(keys, "key-1", NOON) for _ in range(50)))

    assert all(found)
    assert provider.fetches == 1


async def test_a_new_key_is_fetched_when_it_is_first_seen(provider: IdentityProvider) -> None:
    keys = PublishedKeys(provider.fetch)
    assert await knows(keys, "key-1", NOON)
    provider.kids = ["key-1", "key-2"]

    assert await knows(keys, "key-2", NOON + UNKNOWN_KEY_EVERY)
    assert provider.fetches == 2


@pytest.mark.parametrize(
    "odd",
    [
        {"kty": []},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": "none"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "use": ["sig"]},
        {"kty": "RSA", "n": 5, "e": None},
        {"kty": "EC", "crv": ["P-256"]},
        "a word",
        None,
    ],
)
async def test_a_key_that_is_none_does_not_keep_out_those_beside_it(odd: Any) -> None:
    async def fetch() -> bytes:
        return json.dumps({"keys": [odd, jwk("key-1")]}).encode()

    assert await knows(PublishedKeys(fetch), "key-1", NOON)


async def test_a_fetch_that_fails_as_nobody_foresaw_is_told_in_the_log_and_tried_again(
    provider: IdentityProvider,
) -> None:
    odd: list[Exception] = [RuntimeError("foreseen by nobody")]

    async def fetch() -> bytes:
        if odd:
            raise odd.pop()
        return await provider.fetch()

    keys = PublishedKeys(fetch)
    with structlog.testing.capture_logs() as lines, pytest.raises(TokenKeysUnavailable):
        await keys.find("key-1", "RS256", NOON)

    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("token_keys.stumbled", "error")
    ]
    assert await knows(keys, "key-1", NOON + UNKNOWN_KEY_EVERY)


async def test_made_up_keys_do_not_make_us_hammer_the_provider(provider: IdentityProvider) -> None:
    keys = PublishedKeys(provider.fetch)
    assert await knows(keys, "key-1", NOON)

    for number in range(1000):
        at = NOON + number * timedelta(milliseconds=60)
        assert not await knows(keys, f"forged-{number}", at)
        assert await knows(keys, "key-1", at)

    assert provider.fetches == 6  # in a minute


async def test_a_withdrawn_key_is_forgotten_without_anybody_waiting(
    provider: IdentityProvider,
) -> None:
    keys = PublishedKeys(provider.fetch)
    assert await knows(keys, "key-1", NOON)
    provider.kids = ["key-2"]

    late = NOON + FRESH + LITTLE
    assert await knows(keys, "key-1", late)  # this one makes us fetch, beside it
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert not await knows(keys, "key-1", late)
    assert await knows(keys, "key-2", late)
    assert provider.fetches == 2


async def test_old_keys_hold_while_the_provider_is_away_but_not_for_ever(
    provider: IdentityProvider,
) -> None:
    keys = PublishedKeys(provider.fetch)
    assert await knows(keys, "key-1", NOON)
    provider.is_away = True

    assert await knows(keys, "key-1", NOON + STALE_MAX)
    await asyncio.sleep(0)
    with pytest.raises(TokenKeysUnavailable):
        await keys.find("key-1", "RS256", NOON + STALE_MAX + UNKNOWN_KEY_EVERY)
    provider.is_away = False
    assert await knows(keys, "key-1", NOON + STALE_MAX + 2 * UNKNOWN_KEY_EVERY)


async def test_without_any_keys_nothing_can_be_said(provider: IdentityProvider) -> None:
    keys = PublishedKeys(provider.fetch)
    provider.is_away = True

    for _ in range(10):
        with pytest.raises(TokenKeysUnavailable):
            await keys.find("key-1", "RS256", NOON)

    assert provider.fetches == 1
    await keys.close()


async def test_whoever_leaves_does_not_take_the_keys_along(provider: IdentityProvider) -> None:
    arrived = asyncio.Event()

    async def slow() -> bytes:
        await arrived.wait()
        return await provider.fetch()

    keys = PublishedKeys(slow)
    leaving = asyncio.create_task(knows(keys, "key-1", NOON))
    staying = asyncio.create_task(knows(keys, "key-1", NOON))
    await asyncio.sleep(0)
    leaving.cancel()
    arrived.set()

    assert await staying
    assert provider.fetches == 1


async def test_closing_leaves_off_a_fetch_that_is_under_way() -> None:
    async def never() -> bytes:
        await asyncio.Event().wait()
        raise AssertionError

    keys = PublishedKeys(never)
    asking = asyncio.create_task(knows(keys, "key-1", NOON))
    await asyncio.sleep(0)
    await keys.close()

    with pytest.raises(TokenKeysUnavailable):
        await asking


@pytest.mark.parametrize(
    "useless",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": [null, 7, {}]}',
        b"\xff",
        json.dumps({"keys": [{"kty": "oct", "kid": "key-1", "k": "c2VjcmV0"}]}).encode(),
        json.dumps({"keys": [{"kty": "RSA", "kid": "key-1", "n": "", "e": "AQAB"}]}).encode(),
        json.dumps({"keys": [{}] * (KEYS_MAX + 1)}).encode(),
    ],
)
async def test_a_list_that_is_none_does_not_replace_the_keys_we_have(
    provider: IdentityProvider, useless: bytes
) -> None:
    lists = [await provider.fetch(), useless]

    async def fetch() -> bytes:
        return lists.pop(0)

    keys = PublishedKeys(fetch)
    assert await knows(keys, "key-1", NOON)
    assert not await knows(keys, "other", NOON + UNKNOWN_KEY_EVERY)
    assert await knows(keys, "key-1", NOON + UNKNOWN_KEY_EVERY)
    assert lists == []


@pytest.mark.parametrize(
    "changed", [{"use": "enc"}, {"d": "AQAB"}, {"kid": 7}, {"kty": "oct"}, {"alg": "RS512"}]
)
async def test_a_key_that_is_not_for_this_is_not_used(changed: dict[str, object]) -> None:
    async def fetch() -> bytes:
        return json.dumps({"keys": [jwk("key-1", **changed), jwk("key-2")]}).encode()

    keys = PublishedKeys(fetch)

    assert not await knows(keys, "key-1", NOON)
    assert await knows(keys, "key-2", NOON)


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def fetching(answer: Answer, *, timeout_s: float = 5.0) -> AsyncIterator[Fetching]:
    app = web.Application()
    app.router.add_get("/keys", answer)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fetch = Fetching(f"http://127.0.0.1:{runner.addresses[0][1]}/keys", timeout_s=timeout_s)
    yield fetch
    await fetch.close()
    await runner.cleanup()


async def test_what_is_published_comes_over_http() -> None:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=b'{"keys": []}')

    async with fetching(answer) as fetch:
        assert await fetch() == await fetch() == b'{"keys": []}'


async def test_no_redirect_is_followed_and_no_error_is_taken_for_keys() -> None:
    async def moved(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://127.0.0.1:1/keys")

    async def broken(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=500, body=b'{"keys": []}')

    for answer, reason in ((moved, "http_302"), (broken, "http_500")):
        async with fetching(answer) as fetch:
            with pytest.raises(CannotFetch, match=reason):
                await fetch()


async def test_no_more_is_read_than_any_honest_list() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" " * BYTES_MAX)

    async with fetching(endless) as fetch:
        with pytest.raises(CannotFetch, match="too_large"):
            await fetch()


async def test_a_provider_that_does_not_answer_is_not_waited_for() -> None:
    async def silent(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with fetching(silent, timeout_s=0.1) as fetch:
        with pytest.raises(CannotFetch):
            await fetch()
    gone = Fetching("http://127.0.0.1:1/keys")
    with pytest.raises(CannotFetch):
        await gone()
    await gone.close()
