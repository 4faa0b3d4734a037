"""Tries to get at what is not one's own, by every field and door there is; all of them fail."""

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jwt
import pytest
import stripe

from payment_service.adapters.stripe import SignedEvents
from payment_service.api.endpoint import Endpoint
from payment_service.storage.collections import EVENTS
from stripe_sandbox.faults import Fault
from tests.api.access import Guarded, open_guarded
from tests.api.asgi import Heard
from tests.api.belongings import Belongings, asking_for, belongings
from tests.api.tries import ENDPOINTS, Try, tries
from tests.parts.identity_provider import private_key, public_pem
from tests.parts.shop import Shop
from tests.parts.virtual_time import epoch_s

JANE, BOB = "jane@example.com", "bob@example.com"
WEBHOOK, WEBHOOK_SECRET = "/payment/webhook", "whsec_of_this_test"
STRIPE_KEY = "sk_test_tests"  # what the shop's gateway is opened with

NUMBERS: tuple[Any, ...] = ("4242424242424242", "4000-0566-5566-5556", 5555555555554444)
# By their nature they may look like one, and are then no card numbers: api.md and `incoming`.
MAY_LOOK_LIKE_ONE = frozenset({"orderId", "cursor", "?orderId", "?cursor", "/id:path"})
NOT_FOUND_ELSEWHERE = frozenset({"/refundId", "/eventId"})

INJECTIONS: tuple[Any, ...] = (
    {"$gt": ""},
    {"$ne": None},
    {"$where": "sleep(1000)"},
    {"$regex": ".*"},
    ["bob@example.com"],
    None,
    True,
    -1,
    10**30,
    "",
    "' OR 1=1 --",
    '"; DROP TABLE payments; --',
    "1) UNION SELECT * FROM customers --",
    "a\0b",
    "\0",
    "%00",
    "%",
    "_%",
    "$gt",
    "../../etc/passwd",
    "..",
    "{{7*7}}${7*7}",
    "<script>alert(1)</script>",
    "a\r\nX-Injected: 1",
    "\u202e\ufeff",
    "x" * 5000,
)


@pytest.fixture
def api(shop: Shop) -> Guarded:
    reader = SignedEvents([WEBHOOK_SECRET], tolerance_s=300)
    shop.world = replace(shop.world, event_reader=reader)
    return open_guarded(shop)


def assert_tells_nothing(heard: Heard, *secrets: str) -> None:
    """Nothing configured, nothing of the code, nothing of the machine."""
    text = heard.raw.decode() + json.dumps(heard.headers)
    inside = ("Traceback", 'File "', ".py", "site-packages", "sqlite", "payment_service.", "mongo")
    for told in (STRIPE_KEY, WEBHOOK_SECRET, *inside, *secrets):
        assert told not in text


def documented(document: Mapping[str, Any], endpoint: Endpoint) -> set[int]:
    for methods in document["paths"].values():
        for operation in methods.values():
            if operation["operationId"] == endpoint.name:
                return {int(status) for status in operation["responses"]}
    raise AssertionError(endpoint.name)


async def send(api: Guarded, token: str, one: Try, **headers: str) -> Heard:
    named = {"Authorization": f"Bearer {token}", **headers}
    return await api.ask(one.endpoint.method, one.path, body=one.body, headers=named)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.name)
async def test_operators_and_statements_are_only_text_in_every_field_path_and_query(
    api: Guarded, endpoint: Endpoint
) -> None:
    bobs = await belongings(api, BOB, "order-of-bob")
    janes = await belongings(api, JANE, "order-of-jane")
    document = (await api.get("/payment/api-docs.json")).body
    expected = documented(document, endpoint)
    service, jane = api.provider.token(), api.provider.user(JANE, scope="payment.admin")
    tried = 0

    for bad in INJECTIONS:
        for one in tries(endpoint, janes, bad):
            for token in (service, jane):
                heard = await send(api, token, one)
                tried += 1
                assert heard.status < 500, (one, heard.raw)
                assert heard.status in expected | {404, 405}, (one, heard.raw)
                assert "x-injected" not in heard.headers
                assert_tells_nothing(heard, token)
                if token == jane:
                    assert_nothing_of(bobs, heard, one)
    assert tried > len(INJECTIONS)
    assert_untouched(
        bobs, await api.as_(service, "GET", f"/payment/payment-intent/{bobs.order_id}")
    )


def assert_nothing_of(bobs: Belongings, heard: Heard, one: Try) -> None:
    text = heard.raw.decode()
    for its in (bobs.customer_id, bobs.card_id, bobs.intent_id, bobs.refund_id, bobs.order_id):
        assert its not in text, one


def assert_untouched(bobs: Belongings, heard: Heard) -> None:
    assert (heard.data["status"], heard.data["amount"]) == ("succeeded", 6522)
    assert heard.data["amount_refunded"] == 1000
    assert heard.data["payment_intent_id"] == bobs.intent_id


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.name)
async def test_a_card_number_leaves_no_trace_wherever_it_is_sent(
    api: Guarded, lines: io.BytesIO, endpoint: Endpoint
) -> None:
    janes = await belongings(api, JANE, "order-of-jane")
    service = api.provider.token()
    before = len(api.shop.engine.ledger()["requests"])

    tried = [one for number in NUMBERS for one in tries(endpoint, janes, number)]
    for key, one in enumerate(tried):
        if one.place.partition(".")[0].partition("[")[0] in MAY_LOOK_LIKE_ONE:
            continue
        key_header = {"Idempotency-Key": f"key-{key}"} if endpoint.reads_body else {}
        heard = await send(api, service, one, **key_header)
        if one.place in NOT_FOUND_ELSEWHERE or (one.place[0] == "?" and endpoint.reads_body):
            assert heard.status in {200, 400, 404}, (one, heard.raw)
        else:
            assert (heard.status, heard.code) == (400, "raw_card_data_refused"), (one, heard.raw)
        assert_no_number(heard.raw.decode())
    await api.shop.world.background.drain(1.0)

    assert_no_number(lines.getvalue().decode())
    assert_no_number(api.stored_text())
    sent = api.shop.engine.ledger()["requests"][before:]
    assert_no_number(json.dumps(sent, default=str))


def assert_no_number(text: str) -> None:
    plain = text.replace("-", "").replace(" ", "")
    for number in NUMBERS:
        assert str(number).replace("-", "") not in plain


@pytest.mark.parametrize("place", ["key", "token", "request_id", "origin", "accept"])
async def test_a_card_number_in_a_header_is_not_written(
    api: Guarded, lines: io.BytesIO, place: str
) -> None:
    number = str(NUMBERS[0])
    headers = {
        "key": {"X-API-Key": number},
        "token": {"Authorization": f"Bearer {number}"},
        "request_id": {"X-Request-Id": number},
        "origin": {"Origin": number},
        "accept": {"Accept": number},
    }[place]

    await api.ask("GET", "/payment/payments", headers=headers)

    assert_no_number(lines.getvalue().decode())


def forged(api: Guarded) -> dict[str, str]:
    """Return tokens that each are good but for one thing."""
    provider = api.provider
    now = int(api.shop.world.clock.now().timestamp())
    good = provider.token()
    head, body, signature = good.split(".")
    other_body = provider.token(sub="root").split(".")[1]
    return {
        "expired": provider.token(exp=now - 31),
        "signed by another key": jwt.encode(
            provider.claims(), private_key("key-2"), algorithm="RS256", headers={"kid": "key-1"}
        ),
        "for another service": provider.token(aud="another"),
        "of another issuer": provider.token(iss="https://evil.example/"),
        "not yet valid": provider.token(nbf=now + 3600),
        "from the future": provider.token(iat=now + 3600),
        "without an end": provider.token(exp=None),
        "unsigned": jwt.encode(provider.claims(), "", algorithm="none", headers={"kid": "key-1"}),
        "signature taken away": f"{head}.{body}.",
        "body exchanged": f"{head}.{other_body}.{signature}",
        "signature of zeros": f"{head}.{body}.{'A' * len(signature)}",
        "with the public key as secret": _signed_with_public_key(provider.claims()),
        "too long": provider.token(groups=["g" * 100] * 100),
        "of an unknown key": provider.token(kid="key-2"),
        "with a path for a key": provider.token(header={"kid": "../../../../dev/null"}),
        "with SQL for a key": provider.token(header={"kid": "' UNION SELECT 'x"}),
        "a key cut off": "psk_aaaaaaaaaaaaaaaa_",
        "a key of ours in name": f"psk_{'a' * 16}_{'b' * 52}",
        "Stripe's key": STRIPE_KEY,
    }


def _signed_with_public_key(claims: dict[str, Any]) -> str:
    signer = jwt.get_algorithm_by_name("HS256")
    head, body, _ = jwt.encode(claims, "x" * 32, algorithm="HS256", headers={"kid": "key-1"}).split(
        "."
    )
    mac = signer.sign(f"{head}.{body}".encode(), public_pem("key-1"))
    return f"{head}.{body}.{jwt.utils.base64url_encode(mac).decode()}"


async def test_no_forged_token_opens_any_door_or_is_told_why(api: Guarded) -> None:
    good = await api.as_(api.provider.token(), "GET", "/payment/payments")
    assert good.status == 200

    for what, token in forged(api).items():
        for endpoint in ENDPOINTS:
            heard = await api.as_(token, endpoint.method, f"/payment{endpoint.path}")

            code = "credentials_expired" if what == "expired" else "credentials_invalid"
            assert (heard.status, heard.code) == (401, code), what
            assert set(heard.body) == {"success", "message", "code", "requestId"}
            assert_tells_nothing(heard, token)
    refused = {
        (await api.as_(token, "GET", "/payment/payments")).body["message"]
        for what, token in forged(api).items()
        if what != "expired"
    }
    assert len(refused) == 1


async def test_a_flood_of_unknown_keys_is_kept_from_the_provider(api: Guarded) -> None:
    assert (await api.as_(api.provider.token(), "GET", "/payment/payments")).status == 200

    for number in range(200):
        token = api.provider.token(kid="key-2", header={"kid": f"forged-{number}"})
        assert (await api.as_(token, "GET", "/payment/payments")).status == 401
    assert (await api.as_(api.provider.token(), "GET", "/payment/payments")).status == 200

    assert api.provider.fetches == 1


def event_of(api: Guarded) -> bytes:
    [event] = [one for one in api.shop.engine.events if one["type"] == "charge.refunded"][:1]
    return json.dumps(event).encode()


def signature(raw: bytes, secret: str = WEBHOOK_SECRET, *, age_s: int = 0) -> str:
    at = int(epoch_s()) - age_s
    made: str = stripe.WebhookSignature.generate_signature_header(raw.decode(), secret, at)
    return made


async def test_no_event_is_taken_that_stripe_did_not_sign_for_us_just_now(api: Guarded) -> None:
    await belongings(api, BOB, "order-of-bob")
    raw = event_of(api)
    good = signature(raw)
    time, mac = good.split(",")

    for bad_raw, header in [
        (raw, ""),
        (raw, "t=1,v1=00"),
        (raw, signature(raw, age_s=301)),
        (raw, signature(raw, age_s=-301)),
        (raw, signature(raw, "whsec_of_somebody_else")),
        (raw, signature(raw, "")),
        (raw + b" ", good),
        (raw.replace(b"charge.refunded", b"charge.captured"), good),
        (raw, f"{time},{mac.replace('v1=', 'v0=')}"),
        (raw, f"t={int(epoch_s()) + 10},{mac}"),
        (raw, mac),
        (raw, "\u00ff"),
    ]:
        heard = await api.ask("POST", WEBHOOK, raw=bad_raw, headers={"Stripe-Signature": header})
        assert (heard.status, heard.code) == (400, "webhook_signature_invalid")
        assert_tells_nothing(heard, mac[3:])
    service = api.provider.token()
    assert (await api.as_(service, "GET", "/payment/events")).data == []

    taken = await api.ask("POST", WEBHOOK, raw=raw, headers={"Stripe-Signature": good})
    again = await api.ask("POST", WEBHOOK, raw=raw, headers={"Stripe-Signature": good})
    await api.shop.world.background.drain(1.0)
    assert (taken.status, again.status) == (200, 200)
    assert again.body["received"] != "kept"  # a replay within the time changes nothing
    assert await api.shop.world.store.get(EVENTS, json.loads(raw)["id"]) is not None
    assert len((await api.as_(service, "GET", "/payment/events")).data) == 1


async def test_a_webhook_takes_no_credentials_for_a_signature(api: Guarded) -> None:
    await belongings(api, BOB, "order-of-bob")

    heard = await api.as_(api.provider.token(), "POST", WEBHOOK, json.loads(event_of(api)))

    assert heard.status == 400


async def test_no_answer_of_a_broken_neighbour_tells_a_secret(
    api: Guarded, lines: io.BytesIO
) -> None:
    janes = await belongings(api, JANE, "order-of-jane")
    service = api.provider.token()

    for kind in ("reset_before", "error_500_after", "truncated_200", "rate_limit"):
        api.shop.stripe.pick = lambda _, __, kind=kind: Fault(kind)  # type: ignore[misc]
        for endpoint in ENDPOINTS:
            path, body = asking_for(endpoint, janes)
            heard = await api.as_(service, endpoint.method, path, body)
            assert heard.status < 504
            assert_tells_nothing(heard, service)
    await api.shop.world.store.close()
    for endpoint in ENDPOINTS:
        path, body = asking_for(endpoint, janes)
        heard = await api.as_(service, endpoint.method, path, body)
        assert (heard.status, heard.code) == (503, "database_unavailable")
        assert_tells_nothing(heard, service)
    assert STRIPE_KEY not in lines.getvalue().decode()
