"""Stripe's webhook: what is let in, what is kept before the answer, and what it brings about."""

import json
from dataclasses import replace
from typing import Any

import pytest
import stripe

from payment_service.adapters.stripe import SignedEvents
from payment_service.api.options import WEBHOOK_BODY_MAX
from payment_service.api.webhooks import BAD_POSTS_MAX
from payment_service.storage.collections import EVENTS
from tests.api.asgi import Heard
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop
from tests.parts.virtual_time import epoch_s

SECRET, OLD_SECRET = "whsec_new", "whsec_old"
PATH = "/payment/webhook"


@pytest.fixture
def api(shop: Shop) -> Api:
    """The application with a webhook, in the middle of a rotation of its secret."""
    reader = SignedEvents([SECRET, OLD_SECRET], tolerance_s=300)
    shop.world = replace(shop.world, event_reader=reader)
    return open_api(shop)


def signed(raw: bytes, secret: str = SECRET, *, age_s: int = 0) -> dict[str, str]:
    at = int(epoch_s()) - age_s
    header = stripe.WebhookSignature.generate_signature_header(raw.decode(), secret, at)
    return {"stripe-signature": header}


async def post(api: Api, event: Any, secret: str = SECRET, *, age_s: int = 0) -> Heard:
    raw = json.dumps(event).encode()
    return await api.ask("POST", PATH, raw=raw, headers=signed(raw, secret, age_s=age_s))


def newest(api: Api, event_type: str) -> dict[str, Any]:
    return next(e for e in reversed(api.shop.engine.events) if e["type"] == event_type)


async def test_an_event_is_kept_before_it_is_answered_and_applied_apart_from_that(
    api: Api,
) -> None:
    await api.pay("order-1", confirm=False)
    intent = api.shop.engine.ledger()["payment_intents"][0]["id"]
    stripe_path = f"/v1/payment_intents/{intent}/confirm"
    payer = "payment_method=pm_card_visa"
    api.shop.stripe.deliver("post", f"https://x{stripe_path}", KEY, payer)

    heard = await post(api, newest(api, "payment_intent.succeeded"))
    await api.shop.world.background.drain(1.0)

    assert (heard.status, heard.body) == (200, {"success": True, "received": "kept"})
    (kept,) = (await api.get("/payment/events")).data
    assert (kept["state"], kept["by"], kept["tries"]) == ("applied", "webhook", 1)
    paid = await api.get("/payment/payment-intent/order-1")
    assert (paid.data["status"], paid.data["amount_received"]) == ("succeeded", 6522)
    assert paid.data["timeline"][-2]["by"] == "webhook"


KEY = {"Authorization": "Bearer sk_test_sandbox"}


async def test_the_same_event_again_is_known_and_changes_nothing(api: Api) -> None:
    await api.pay()
    event = newest(api, "payment_intent.succeeded")
    await post(api, event)

    again = await post(api, event)

    assert (again.status, again.body["received"]) == (200, "known")


@pytest.mark.parametrize(
    ("secret", "age_s", "status"),
    [(OLD_SECRET, 0, 200), (SECRET, 299, 200), (SECRET, 301, 400), (SECRET, -301, 400)],
)
async def test_both_secrets_count_while_one_is_rotated_and_no_old_or_future_signature(
    api: Api, secret: str, age_s: int, status: int
) -> None:
    await api.pay()

    heard = await post(api, newest(api, "charge.succeeded"), secret, age_s=age_s)

    assert heard.status == status


async def test_a_forged_event_is_refused_and_kept_nowhere(api: Api) -> None:
    await api.pay()
    event = newest(api, "payment_intent.succeeded")

    forged = await post(api, event, "whsec_guessed")
    unsigned = await api.ask("POST", PATH, raw=json.dumps(event).encode())

    assert (forged.status, forged.code) == (400, "webhook_signature_invalid")
    assert (unsigned.status, unsigned.code) == (400, "webhook_signature_invalid")
    assert await api.shop.world.store.get(EVENTS, event["id"]) is None


async def test_bad_posts_are_held_back_while_good_ones_pass(api: Api) -> None:
    await api.pay()
    event = newest(api, "payment_intent.succeeded")
    for _ in range(BAD_POSTS_MAX):
        assert (await post(api, event, "whsec_guessed")).status == 400

    refused = await post(api, event, "whsec_guessed")
    good = await post(api, event)

    assert (refused.status, refused.code) == (429, "too_many_requests")
    assert refused.headers["retry-after"] == "60"
    assert good.status == 200


async def test_an_event_of_another_system_on_the_account_is_answered_and_not_kept(
    api: Api,
) -> None:
    foreign = {
        "id": "evt_foreign",
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": int(epoch_s()),
        "livemode": False,
        "data": {
            "object": {
                "id": "pi_theirs",
                "object": "payment_intent",
                "status": "succeeded",
                "metadata": {"service": "another-shop", "order_id": "order-1"},
            }
        },
    }

    heard = await post(api, foreign)

    assert (heard.status, heard.body["received"]) == (200, "foreign")
    assert await api.shop.world.store.get(EVENTS, "evt_foreign") is None


async def test_an_event_of_no_interest_is_kept_and_acknowledged(api: Api) -> None:
    event = {
        "id": "evt_payout",
        "object": "event",
        "type": "payout.paid",
        "created": int(epoch_s()),
        "livemode": False,
        "data": {"object": {"id": "po_1", "object": "payout"}},
    }

    heard = await post(api, event)

    assert (heard.status, heard.body["received"]) == (200, "ignored")
    kept = await api.get("/payment/events/evt_payout")
    assert (kept.data["state"], kept.data["type"]) == ("ignored", "payout.paid")


async def test_a_client_secret_in_an_event_reaches_neither_the_store_nor_the_log(
    api: Api, lines: Any
) -> None:
    await api.pay()
    event = newest(api, "payment_intent.succeeded")
    assert "_secret_" in event["data"]["object"]["client_secret"]

    await post(api, event)

    assert "_secret_" not in api.stored_text()
    assert b"_secret_" not in lines.getvalue()


async def test_a_body_of_stripes_may_be_larger_than_a_callers_but_not_without_end(
    api: Api,
) -> None:
    large = b'{"id": "' + b"x" * (WEBHOOK_BODY_MAX - 10) + b'"}'

    fits = await api.ask("POST", PATH, raw=large[:-1], headers=signed(b"{}"))
    too_large = await api.ask("POST", PATH, raw=large + b" ", headers=signed(b"{}"))

    assert fits.status == 400
    assert (too_large.status, too_large.code) == (413, "body_too_large")


async def test_without_a_secret_the_webhook_is_closed(shop: Shop) -> None:
    closed = open_api(shop)

    heard = await closed.ask("POST", PATH, raw=b"{}")

    assert (heard.status, heard.code) == (404, "webhooks_not_configured")


async def test_a_store_that_is_away_makes_stripe_send_it_again(api: Api) -> None:
    await api.pay()
    await api.shop.world.background.drain(1.0)
    await api.shop.world.store.close()

    heard = await post(api, newest(api, "payment_intent.succeeded"))

    assert heard.status == 503
