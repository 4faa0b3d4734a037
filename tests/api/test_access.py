"""Who may come in: every door but the open ones asks who calls, and says no in one way."""

import asyncio
import io
import json
from datetime import timedelta
from typing import Any

import pytest

from payment_service.api.app import ApiOptions, all_endpoints
from payment_service.api.caller import Scope
from payment_service.api.callers import KEY_REMEMBERED
from payment_service.api.door import Gate
from payment_service.api.endpoint import Endpoint, everybodys
from payment_service.domain.api_key import NOTE_USE_EVERY
from payment_service.flows.keep_api_key import revoke_api_key
from payment_service.storage.collections import API_KEYS
from tests.api.access import Guarded, open_guarded
from tests.parts.shop import Shop

ENDPOINTS = all_endpoints(Gate())
CLOSED = [endpoint for endpoint in ENDPOINTS if endpoint.scope is not None]
OPEN = {"health", "livez", "readyz", "take_event"}


@pytest.fixture
def api(shop: Shop) -> Guarded:
    return open_guarded(shop)


def target_of(endpoint: Endpoint) -> str:
    path = endpoint.path.replace("{id:path}", "order-1").replace("{customer:path}", "a@example.com")
    for name in ("customerId", "refundId", "eventId"):
        path = path.replace(f"{{{name}}}", "cus_1")
    return f"/payment{path}"


def test_only_these_are_open_to_anybody() -> None:
    assert {endpoint.name for endpoint in ENDPOINTS} - {one.name for one in CLOSED} == OPEN
    assert {endpoint.name for endpoint in ENDPOINTS if endpoint.guard is everybodys} == OPEN
    # The door looks them up as they are.
    assert not [one for one in ENDPOINTS if one.scope is None and "{" in one.path]


@pytest.mark.parametrize("endpoint", CLOSED, ids=lambda endpoint: endpoint.name)
async def test_every_other_endpoint_asks_who_calls(api: Guarded, endpoint: Endpoint) -> None:
    body: Any = {} if endpoint.reads_body else None

    heard = await api.ask(endpoint.method, target_of(endpoint), body=body)

    assert (heard.status, heard.code) == (401, "credentials_missing")
    assert heard.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("endpoint", CLOSED, ids=lambda endpoint: endpoint.name)
@pytest.mark.parametrize("scope", list(Scope))
async def test_every_endpoint_needs_its_scope_which_includes_the_lesser_ones(
    api: Guarded, endpoint: Endpoint, scope: Scope
) -> None:
    body: Any = {} if endpoint.reads_body else None
    token = api.provider.token(scope=f"openid {scope}")

    heard = await api.as_(token, endpoint.method, target_of(endpoint), body)

    order = list(Scope)
    assert endpoint.scope is not None
    if order.index(scope) >= order.index(endpoint.scope):
        assert heard.status in {200, 400, 404}
        return
    assert (heard.status, heard.code) == (403, "insufficient_scope")
    wanted = f'Bearer error="insufficient_scope", scope="{endpoint.scope}"'
    assert heard.headers["www-authenticate"] == wanted


async def test_reading_writing_and_settling_are_three_things() -> None:
    for endpoint in CLOSED:
        wanted = Scope.READ if endpoint.method == "GET" else Scope.WRITE
        if endpoint.path.startswith("/events") or "/notifications/" in endpoint.path:
            wanted = Scope.ADMIN
        assert endpoint.scope is wanted, endpoint.name


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/payment", 200),
        ("GET", "/payment/", 200),
        ("GET", "/livez", 200),
        ("HEAD", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("POST", "/payment/webhook", 404),  # no secret is set here
        ("GET", "/payment/api-docs", 200),
        ("GET", "/payment/api-docs/", 200),
        ("GET", "/payment/api-docs.json", 200),
        ("GET", "/payment/api-docs/swagger-ui.css", 200),
    ],
)
async def test_the_open_doors_are_open(api: Guarded, method: str, path: str, status: int) -> None:
    assert (await api.ask(method, path)).status == status


async def test_what_is_not_served_is_not_open_either(shop: Shop) -> None:
    api = open_guarded(shop, ApiOptions(docs_enabled=False, metrics_here=False))
    token = api.provider.token()

    for path in ("/payment/api-docs", "/payment/api-docs.json", "/payment/api-docs/x", "/metrics"):
        assert (await api.get(path)).status == 401
        assert (await api.as_(token, "GET", path)).code == "unknown_path"
    assert (await api.get("/payment/nope")).status == 401


async def test_nothing_of_a_body_is_read_before_it_is_known_who_sends_it(shop: Shop) -> None:
    api = open_guarded(shop)
    heard: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("the body was read")

    async def send(message: Any) -> None:
        heard.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/payment/refund",
        "headers": [(b"content-length", b"9999999")],
    }
    await api.app(scope, receive, send)

    assert heard[0]["status"] == 401


async def test_a_key_lets_its_bearer_in_by_either_header(api: Guarded) -> None:
    _, text = await api.new_key()

    for headers in (
        {"Authorization": f"Bearer {text}"},
        {"Authorization": f"bearer  {text} "},
        {"X-API-Key": text},
        {"X-API-Key": text, "Authorization": f"Bearer {text}"},
    ):
        assert (await api.ask("GET", "/payment/payments", headers=headers)).status == 200


async def test_a_good_token_in_the_place_of_a_key_is_refused(api: Guarded) -> None:
    """That header is often somebody else's: a gateway's, say, with a token that is not for us."""
    heard = await api.ask("GET", "/payment/payments", headers={"X-API-Key": api.provider.token()})

    assert (heard.status, heard.code) == (401, "credentials_invalid")


async def test_two_credentials_that_differ_are_refused_whichever_is_good(api: Guarded) -> None:
    (_, one), (_, two) = await api.new_key(), await api.new_key()
    token = api.provider.token()

    for bearer, key in ((one, two), (token, one)):
        headers = {"Authorization": f"Bearer {bearer}", "X-API-Key": key}
        heard = await api.ask("GET", "/payment/payments", headers=headers)
        assert (heard.status, heard.code) == (400, "ambiguous_credentials")


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Basic dXNlcjp3b3Jk"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer psk_"},
        {"Authorization": "Bearer a b"},
        {"Authorization": ""},
        {"X-API-Key": "of-somebody-else"},
        {"X-API-Key": ""},
        {"X-API-Key": "psk_' OR 1=1 --"},
        {"Authorization": "Bearer " + "x" * 20_000},
    ],
)
async def test_what_proves_nothing_is_refused(api: Guarded, headers: dict[str, str]) -> None:
    heard = await api.ask("GET", "/payment/payments", headers=headers)

    assert (heard.status, heard.code) == (401, "credentials_invalid")
    assert heard.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_only_the_ways_that_are_set_lead_in(shop: Shop) -> None:
    keys_only = open_guarded(shop, tokens=False)
    tokens_only = open_guarded(shop, api_keys=False)
    _, key = await keys_only.new_key()
    token = tokens_only.provider.token()

    assert (await keys_only.as_(key, "GET", "/payment/payments")).status == 200
    assert (await keys_only.as_(token, "GET", "/payment/payments")).status == 401
    assert (await tokens_only.as_(token, "GET", "/payment/payments")).status == 200
    assert (await tokens_only.as_(key, "GET", "/payment/payments")).status == 401


async def test_an_expired_key_says_so_and_a_wrong_one_does_not_say_why(api: Guarded) -> None:
    key, text = await api.new_key(lives_for=timedelta(hours=1))
    mangled = text[:-1] + "a"
    unknown = text.replace(key.id, "z" * 16)
    await api.shop.world.clock.sleep(3600)

    expired = await api.as_(text, "GET", "/payment/payments")
    wrong = [await api.as_(one, "GET", "/payment/payments") for one in (mangled, unknown)]

    assert (expired.status, expired.code) == (401, "credentials_expired")
    assert [(one.status, one.code) for one in wrong] == [(401, "credentials_invalid")] * 2
    assert len({one.body["message"] for one in wrong}) == 1


async def test_a_revoked_key_is_refused_within_seconds(api: Guarded) -> None:
    key, text = await api.new_key()
    assert (await api.as_(text, "GET", "/payment/payments")).status == 200
    world = api.shop.world
    await revoke_api_key(world.store, key.id, world.clock.now(), who="olga", why="it leaked")

    await api.shop.world.clock.sleep(KEY_REMEMBERED.total_seconds())

    assert (await api.as_(text, "GET", "/payment/payments")).status == 401


async def test_the_last_use_is_noted_once_in_a_while(api: Guarded) -> None:
    key, text = await api.new_key()

    async def noted() -> Any:
        await asyncio.sleep(0)
        await api.shop.world.background.drain(1.0)
        kept = await api.shop.world.store.get(API_KEYS, key.id)
        assert kept is not None
        return kept.version, kept.used_at

    first = api.shop.world.clock.now()
    for _ in range(5):
        await api.as_(text, "GET", "/payment/payments")
    version, used_at = await noted()
    assert version == 1
    assert first <= used_at
    await api.shop.world.clock.sleep(NOTE_USE_EVERY.total_seconds())
    await api.as_(text, "GET", "/payment/payments")
    assert (await noted())[0] == 2


async def test_a_key_of_ours_is_never_passed_on_and_a_token_is(api: Guarded) -> None:
    _, key = await api.new_key()
    token = api.provider.token()
    for number, credentials in enumerate((key, token)):
        made = await api.as_(
            credentials, "POST", "/payment/customer", {"email": f"{number}@example.com"}
        )
        customer_id = made.data["customerId"]
        card = {"customerId": customer_id, "paymentMethodId": "pm_card_visa"}
        await api.as_(credentials, "POST", "/payment/payment-method", card)
        asked = {"amount": 6522, "orderId": f"order-{number}", **card}
        paid = await api.as_(credentials, "POST", "/payment/payment-intent", asked)
        assert paid.data["status"] == "succeeded"

    assert [passed for _, passed in api.shop.orders.heard] == [None, token]


async def test_no_key_and_no_token_is_ever_written(api: Guarded, lines: io.BytesIO) -> None:
    key, text = await api.new_key()
    token = api.provider.token()
    for credentials in (text, token, text[:-1] + "a", token + "x"):
        await api.as_(credentials, "POST", "/payment/customer", {"email": "jane@example.com"})
    await api.shop.world.background.drain(1.0)

    written = lines.getvalue().decode() + api.stored_text()
    assert f'"caller":"key:{key.name}"' in written
    for secret in (text, text[-52:], token, token.split(".")[2]):
        assert secret not in written


async def test_a_key_that_takes_anothers_place_by_its_name_repeats_nothing(api: Guarded) -> None:
    """Keys are changed while requests are under way: the same refund must not be made twice."""
    (_, old), (_, new) = await api.new_key(), await api.new_key()
    made = await api.as_(old, "POST", "/payment/customer", {"email": "jane@example.com"})
    customer_id = made.data["customerId"]
    card = {"customerId": customer_id, "paymentMethodId": "pm_card_visa"}
    await api.as_(old, "POST", "/payment/payment-method", card)
    asked = {"amount": 1000, "orderId": "order-1", **card}
    await api.as_(old, "POST", "/payment/payment-intent", asked)

    part = {"orderId": "order-1", "amount": 100}
    heard = [
        await api.ask(
            "POST",
            "/payment/refund",
            body=part,
            headers={"Authorization": f"Bearer {key}", "Idempotency-Key": "refund-1"},
        )
        for key in (old, new)
    ]

    assert heard[0].data == heard[1].data
    assert heard[1].data["amount_refunded"] == 100


async def test_who_calls_is_said_in_the_log(api: Guarded, lines: io.BytesIO) -> None:
    await api.as_(api.provider.user("jane@example.com"), "GET", "/payment/payments")

    [line] = [
        found
        for found in map(json.loads, lines.getvalue().splitlines())
        if found["event"] == "request.answered"
    ]
    assert line["caller"].startswith("jwt:")
    assert "jane" not in json.dumps(line)


async def test_without_the_providers_keys_it_is_503_and_not_401(api: Guarded) -> None:
    api.provider.is_away = True

    heard = await api.as_(api.provider.token(), "GET", "/payment/payments")

    assert (heard.status, heard.code) == (503, "identity_provider_unavailable")
    assert heard.headers["retry-after"] == "5"


async def test_an_email_that_is_not_verified_is_403(api: Guarded) -> None:
    token = api.provider.user("jane@example.com", email_verified=False)

    heard = await api.as_(token, "GET", "/payment/payments")

    assert (heard.status, heard.code) == (403, "email_not_verified")


async def test_callers_do_not_share_idempotency_keys(api: Guarded) -> None:
    for token in (api.provider.token(), api.provider.token(sub="another")):
        heard = await api.ask(
            "POST",
            "/payment/customer",
            body={"email": "jane@example.com"},
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "1"},
        )
        assert "idempotent-replayed" not in heard.headers
