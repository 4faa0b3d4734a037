"""Tokens that hypothesis makes up: rightly signed with any claims, broken, or no tokens at all.

`FUZZ_EXAMPLES` sets how many of each; `make fuzz` makes a thousand.
"""

import base64
import io
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payment_service.adapters.tokens import FixedKey, JwtReader, TokenRules, TrustedIssuer
from payment_service.api.app import Access, Gate, build_app
from payment_service.logs import configure_logs
from tests.api.access import OPTIONS
from tests.api.asgi import Caller, Heard
from tests.parts.shop import open_shop
from tests.parts.strange_tokens import EMAIL_CLAIM, HEADERS, NAMES, ODD_CLAIMS, SECRET, sign

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))
ISSUERS, AUDIENCES = ("https://one.example", "two"), ("payment-service", "machines")
fuzzed = settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))


@asynccontextmanager
async def service() -> AsyncIterator[Caller]:
    """Open the service to tokens of two issuers, with every rule in use."""
    configure_logs("debug", "json", out=io.BytesIO())
    shop = await open_shop()

    def trusted(number: int, **rules: Any) -> TrustedIssuer:
        audience = frozenset({AUDIENCES[number]})
        named = TokenRules(ISSUERS[number], audience, frozenset({"HS256", "HS512"}), **rules)
        return TrustedIssuer(FixedKey(secret=SECRET), named)

    reader = JwtReader(
        trusted(0, scope_claims=("scope", "realm_access.roles", "scp"), service_claim=("gty", "x")),
        trusted(
            1,
            email_claim=EMAIL_CLAIM,
            assume_email_verified=True,
            end_user_scopes=frozenset({"payment.read"}),
            service_clients=frozenset({"checkout"}),
        ),
    )
    access = Access(api_keys=True, tokens=reader)
    try:
        yield Caller(build_app(shop.world, OPTIONS, gate=Gate(), access=access))
    finally:
        await shop.world.background.drain(1.0)
        await shop.world.store.close()


async def status_of(caller: Caller, token: str) -> Heard:
    return await caller.ask(
        "GET", "/payment/payments", headers={"Authorization": f"Bearer {token}"}
    )


@fuzzed
@given(changed=ODD_CLAIMS, gone=st.sets(st.sampled_from(NAMES), max_size=3), number=st.booleans())
async def test_no_claim_of_a_signed_token_brings_an_error_of_ours(
    changed: dict[str, Any], gone: set[str], *, number: bool
) -> None:
    good = {"iss": ISSUERS[number], "aud": AUDIENCES[number], "sub": "7", "exp": 4e9, "gty": "x"}
    claims = {name: value for name, value in good.items() if name not in gone}
    async with service() as caller:
        heard = await status_of(caller, sign({**claims, **changed}, {}))

    assert heard.status in {200, 401, 403}, heard.raw


@fuzzed
@given(header=HEADERS)
async def test_no_header_of_a_signed_token_brings_an_error_of_ours(header: dict[str, Any]) -> None:
    claims = {"iss": ISSUERS[0], "aud": AUDIENCES[0], "sub": "7", "exp": 4e9, "gty": "x"}
    async with service() as caller:
        heard = await status_of(caller, sign(claims, header))

    assert heard.status in {401, 403}, heard.raw  # it has no scope


@fuzzed
@given(
    at=st.integers(min_value=0, max_value=400),
    instead=st.text(st.characters(max_codepoint=255), max_size=3),
)
async def test_no_broken_token_is_let_in(at: int, instead: str) -> None:
    claims = {"iss": ISSUERS[0], "aud": AUDIENCES[0], "sub": "7", "exp": 4e9, "gty": "x"}
    token = sign({**claims, "scope": "payment.read"}, {})
    broken = f"{token[:at]}{instead}{token[at + 1 :]}"
    async with service() as caller:
        good = await status_of(caller, token)
        heard = await status_of(caller, broken)

    assert good.status == 200
    if broken.strip() != token:
        assert heard.status == 401, heard.raw


@fuzzed
@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda raw: raw + b".e30." + raw))
async def test_no_bytes_in_place_of_a_token_bring_an_error_of_ours(raw: bytes) -> None:
    async with service() as caller:
        heard = await status_of(caller, raw.decode("latin-1"))
        nested = await status_of(caller, base64.urlsafe_b64encode(raw).decode() + "." + "e30.e30")

    assert (heard.status, nested.status) == (401, 401)
