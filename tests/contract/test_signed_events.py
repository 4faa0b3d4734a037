"""The EventReader: only what Stripe signed for us, now, is an event; everything else is refused."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payment_service.adapters.stripe import SignedEvents
from payment_service.domain.errors import InvalidEvent, WebhookRefused
from payment_service.domain.news import SeenEvent

SECRET, OLD_SECRET = "whsec_new", "whsec_old"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
TOLERANCE_S = 300.0
EVENT: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_intent.succeeded",
    "created": NOW_S - 5,
    "livemode": False,
    "data": {
        "object": {
            "id": "pi_1",
            "object": "payment_intent",
            "status": "succeeded",
            "client_secret": "pi_1_secret_x",
            "metadata": {"service": "payment-service", "order_id": "ord_1"},
        }
    },
}
BODY = json.dumps(EVENT).encode()


def mark(body: bytes = BODY, secret: str = SECRET, at_s: int = NOW_S, text: str = "") -> str:
    """Return the v1 signature of a body. text: the time as it is signed, if not in plain digits."""
    signed = (text or str(at_s)).encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def signed(body: bytes = BODY, secret: str = SECRET, at_s: int = NOW_S) -> str:
    return f"t={at_s},v1={mark(body, secret, at_s)}"


def reader(*secrets: str) -> SignedEvents:
    return SignedEvents(secrets or (SECRET,), TOLERANCE_S)


def refused(body: bytes, signature: str, now: datetime = NOW, *secrets: str) -> str:
    with pytest.raises(WebhookRefused) as refusal:
        reader(*secrets).read(body, signature, now)
    assert refusal.value.reason_code == "webhook_signature_invalid"
    return str(refusal.value)


def test_what_stripe_signed_is_read_and_its_client_secret_is_not_kept() -> None:
    seen = reader().read(BODY, signed(), NOW)

    assert seen == SeenEvent(
        id="evt_1",
        type="payment_intent.succeeded",
        happened_at=NOW - timedelta(seconds=5),
        livemode=False,
        object_id="pi_1",
        status="succeeded",
        service="payment-service",
        order_id="ord_1",
        intent_id="pi_1",
    )
    assert "secret" not in repr(seen)


def test_while_a_secret_is_rotated_both_are_taken() -> None:
    both = reader(SECRET, OLD_SECRET)

    assert both.read(BODY, signed(), NOW) == both.read(BODY, signed(secret=OLD_SECRET), NOW)
    doubly = f"{signed(secret=OLD_SECRET)},v1={mark()}"  # as Stripe signs in these days
    assert reader().read(BODY, doubly, NOW).id == "evt_1"
    refused(BODY, signed(secret=OLD_SECRET))


def test_without_a_secret_nothing_is_an_event() -> None:
    with pytest.raises(WebhookRefused):
        SignedEvents((), TOLERANCE_S).read(BODY, signed(), NOW)


@pytest.mark.parametrize("off_s", [-300, -1, 0, 1, 300])
def test_a_signature_near_our_time_is_taken_whichever_clock_is_wrong(off_s: int) -> None:
    assert reader().read(BODY, signed(at_s=NOW_S + off_s), NOW).id == "evt_1"


@pytest.mark.parametrize("off_s", [-86_400, -301, 301, 86_400])
def test_a_signature_of_another_time_is_refused_past_and_future_alike(off_s: int) -> None:
    assert "too long ago, or in the future" in refused(BODY, signed(at_s=NOW_S + off_s))


OLD_S = NOW_S - 10_000
OLD = mark(at_s=OLD_S)
TRICKS = {
    "no header": "",
    "no time": f"v1={mark()}",
    "no signature": f"t={NOW_S}",
    "an empty signature": f"t={NOW_S},v1=",
    "an empty time": f"t=,v1={mark()}",
    "another scheme only": f"t={NOW_S},v0={mark()}",
    "a time of letters": f"t=now,v1={mark()}",
    "a negative time": f"t=-{NOW_S},v1={mark(text=f'-{NOW_S}')}",
    "a fraction": f"t={NOW_S}.0,v1={mark(text=f'{NOW_S}.0')}",
    "digits of another script": f"t=٣,v1={mark(text='٣')}",
    "superscript digits": f"t=²,v1={mark(text='²')}",
    "a time too long to be one": f"t={'9' * 5_000},v1={mark(text='9' * 5_000)}",
    "spaces": f" t={NOW_S}, v1={mark()}",
    "a space before the signature": f"t={NOW_S}, v1={mark()}",
    "other separators": f"t={NOW_S};v1={mark()}",
    "capitals": f"T={NOW_S},V1={mark()}",
    "an old one under a new time before it": f"t={NOW_S},t={OLD_S},v1={OLD}",
    "an old one under a new time after it": f"t={OLD_S},t={NOW_S},v1={OLD}",
    "an old one with a space before its time": f"t={NOW_S}, t={OLD_S},v1={OLD}",
    "an old one whose own time comes last": f"v1={OLD},t={NOW_S},t={OLD_S}",
    "only commas": ",,,,",
    "only equal signs": "t====,v1====",
    "not ASCII": f"t={NOW_S},v1=ü{mark()}",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_no_trick_with_the_header_helps(trick: str) -> None:
    refused(BODY, TRICKS[trick])


def test_what_comes_besides_the_right_signature_does_no_harm() -> None:
    crowd = f"t={NOW_S},v0=x,v1={'0' * 64},{signed().split(',')[1]},v2=y"

    assert reader().read(BODY, crowd, NOW).id == "evt_1"


@pytest.mark.parametrize(
    "body",
    [
        BODY.replace(b"ord_1", b"ord_2"),
        BODY + b" ",
        b" " + BODY,
        BODY.replace(b", ", b","),
        b"",
    ],
)
def test_a_body_of_which_one_byte_differs_is_refused(body: bytes) -> None:
    assert refused(body, signed()) == "The signature does not fit the body and our secrets."


def without(*path: str) -> bytes:
    event: dict[str, Any] = json.loads(BODY)
    part = event
    for name in path[:-1]:
        part = part[name]
    del part[path[-1]]
    return json.dumps(event).encode()


def changed(**fields: Any) -> bytes:
    return json.dumps(EVENT | fields).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"{",
        b"null",
        b"[]",
        b"7",
        b'"evt_1"',
        b"{}",
        without("id"),
        without("type"),
        without("created"),
        without("livemode"),
        without("data"),
        without("data", "object"),
        without("data", "object", "object"),
        changed(data=None),
        changed(data=[]),
        changed(data={"object": "pi_1"}),
        changed(data={"object": None}),
        changed(created="yesterday"),
        changed(created=None),
        b"[" * 100_000,
    ],
)
def test_what_is_signed_and_no_event_is_refused_not_raised(body: bytes) -> None:
    with pytest.raises(InvalidEvent, match=r"The body is no event\.") as refusal:
        reader().read(body, signed(body), NOW)
    assert refusal.value.reason_code == "invalid_event"


@pytest.mark.parametrize("body", [b"\xff\xfe", BODY + b"\xc3", BODY.decode().encode("utf-16")])
def test_what_is_not_utf_8_is_refused(body: bytes) -> None:
    assert refused(body, signed(body)) == "The body is not text."


def test_the_body_is_looked_at_only_after_the_signature() -> None:
    """Who does not know our secret learns nothing of what we make of a body."""
    assert refused(b"{", signed()) == refused(b"{}", signed())
