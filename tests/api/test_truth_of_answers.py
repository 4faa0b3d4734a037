"""The status of an answer tells what became of what was asked, not how the payment stands."""

import asyncio
import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from payment_service.domain.moment import Door
from payment_service.flows.take_event import take_event
from stripe_sandbox.faults import Fault
from tests.api.asgi import Heard
from tests.api.conftest import Api
from tests.flows.telling import at_stripe, seen_of

CHALLENGED = "pm_card_threeDSecure2Required"
RATE_LIMIT = (429, {"code": "rate_limit"})
NO_PERMISSION = (
    403,
    {
        "message": "The provided key 'rk_test_1' does not have the required permissions for this "
        "endpoint on account 'acct_1'. Having the 'rak_charge_write' permission would allow this."
    },
)
Refused = tuple[int, Mapping[str, Any]]


def refuse(api: Api, path_end: str, how: Refused, method: str = "POST") -> None:
    """Let Stripe refuse whatever is asked with this method at such a path."""
    status, error = how
    kind = "card_error" if status == 402 else "invalid_request_error"
    body = {"error": {"type": kind, "message": "Stripe says no.", **error}}
    fault = Fault("answer", status=status, body=body)
    api.shop.stripe.pick = lambda asked, path: (
        fault if asked == method and path.endswith(path_end) else None
    )


async def hold(api: Api) -> str:
    """Let a payer's money be held for order-1; return the payer."""
    payer = await api.new_payer()
    held = await api.pay(customerId=payer, captureMethod="manual")
    assert held.data["status"] == "requires_capture"
    return payer


async def capture(api: Api) -> Heard:
    return await api.post("/payment/payment-intent/order-1/capture", {})


async def cancel(api: Api) -> Heard:
    return await api.post("/payment/payment-intent/order-1/cancel", {})


async def status_of(api: Api) -> str:
    shown = await api.get("/payment/payment-intent/order-1")
    status: str = shown.data["status"]
    return status


def errors_in(lines: io.BytesIO) -> list[dict[str, Any]]:
    logged = (json.loads(line) for line in lines.getvalue().splitlines())
    return [line for line in logged if line["level"] == "error"]


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        (RATE_LIMIT, 503, "stripe_unavailable"),
        ((402, {"code": "card_declined", "decline_code": "lost_card"}), 402, "capture_refused"),
        ((400, {"code": "charge_expired_for_capture"}), 409, "hold_expired"),
        ((400, {"code": "capture_charge_authorization_expired"}), 409, "hold_expired"),
        ((400, {"code": "payment_intent_unexpected_state"}), 409, "payment_not_capturable"),
        ((400, {}), 502, "stripe_refused"),
        (NO_PERMISSION, 502, "stripe_refused"),
    ],
)
async def test_a_capture_that_stripe_refuses_is_no_success(
    api: Api, how: Refused, status: int, code: str
) -> None:
    await hold(api)
    refuse(api, "/capture", how)

    heard = await capture(api)

    assert (heard.status, heard.code, heard.body["success"]) == (status, code, False)
    assert ("retry-after" in heard.headers) is (status == 503)
    api.hear()
    assert await status_of(api) == "requires_capture"
    await asyncio.sleep(600)
    await api.shop.work(60)
    assert await status_of(api) == "requires_capture", "it is not tried again by itself"
    assert (await capture(api)).data["status"] == "succeeded"


async def test_which_permission_our_key_lacks_is_an_error_in_the_log(
    api: Api, lines: io.BytesIO
) -> None:
    await hold(api)
    refuse(api, "/capture", NO_PERMISSION)

    await capture(api)

    [line] = errors_in(lines)
    assert (line["event"], line["step"]) == ("stripe.misconfigured", "CaptureIntent")
    assert line["permission"] == "rak_charge_write"
    assert "STRIPE_SECRET_KEY" in line["hint"]
    assert b"rk_test_1" not in lines.getvalue()


@pytest.mark.parametrize("code", ["payment_intent_unexpected_state", "status_transition_invalid"])
async def test_a_cancellation_that_stripe_refuses_is_409_after_a_look(api: Api, code: str) -> None:
    await hold(api)
    refuse(api, "/cancel", (400, {"code": code}))

    heard = await cancel(api)

    assert (heard.status, heard.code) == (409, "payment_not_cancelable")
    assert heard.data["status"] == "requires_capture"


async def test_a_cancellation_that_our_key_may_not_do_ends_at_once(api: Api) -> None:
    await hold(api)
    refuse(api, "/cancel", NO_PERMISSION)

    heard = await cancel(api)

    assert (heard.status, heard.code) == (502, "stripe_refused")
    shown = await api.get("/payment/payment-intent/order-1")
    assert shown.data["attempts"]["under_way"] is None


async def test_a_cancellation_that_meets_an_unseen_success_is_409_both_times(api: Api) -> None:
    waiting = await api.pay(paymentMethodId=CHALLENGED)
    api.shop.engine.authenticate(
        waiting.data["payment_intent_id"], passed=True, now=api.shop.stripe.now()
    )

    heard = [await cancel(api) for _ in range(2)]

    for one in heard:
        assert (one.status, one.code) == (409, "payment_not_cancelable")
        assert one.data["status"] == "succeeded"


@pytest.mark.parametrize("foreign", [True, False])
async def test_a_challenge_stands_when_another_card_cannot_be_tried(
    api: Api, *, foreign: bool
) -> None:
    other = await api.new_payer("other@example.com")
    [card] = (await api.get(f"/payment/payment-methods/{other}")).data
    payer = await api.new_payer()
    await api.pay(customerId=payer, paymentMethodId=CHALLENGED)
    named = card["payment_method_id"] if foreign else "pm_nope123"

    refused = await api.post("/payment/payment-intent/order-1/confirm", {"paymentMethodId": named})

    code = "card_not_usable" if foreign else "card_not_found"
    assert (refused.status, refused.code) == (400 if foreign else 404, code)
    assert await status_of(api) == "requires_action"


@pytest.mark.parametrize(
    ("card", "last4"), [("pm_card_mastercard", "4444"), ("pm_card_authenticationRequired", "3184")]
)
async def test_another_card_that_is_named_takes_the_place_of_one_that_waits(
    api: Api, card: str, last4: str
) -> None:
    payer = await api.new_payer()
    first = await api.pay(customerId=payer, paymentMethodId=CHALLENGED)
    same = await api.pay(customerId=payer, paymentMethodId=CHALLENGED)
    unnamed = await api.pay(customerId=payer)

    second = await api.pay(customerId=payer, paymentMethodId=card)

    assert first.data["status"] == same.data["status"] == unnamed.data["status"]
    assert first.data["payment_method"] == same.data["payment_method"]
    assert first.data["payment_method"] == unnamed.data["payment_method"]
    assert second.data["payment_method"] != first.data["payment_method"]
    wanted = "succeeded" if card == "pm_card_mastercard" else "requires_action"
    assert (second.status, second.data["status"]) == (200, wanted)
    [intent] = api.shop.engine.ledger()["payment_intents"]
    assert [one["card"]["last4"] for one in intent["confirmations"]] == ["3220", last4]


async def test_who_joins_another_try_goes_on_with_the_card_that_it_named(api: Api) -> None:
    payer = await api.new_payer()
    api.shop.stripe.pick = lambda method, path: (
        Fault("delay", delay_s=2) if (method, path) == ("POST", "/v1/payment_intents") else None
    )
    first = asyncio.create_task(
        api.pay(customerId=payer, paymentMethodId="pm_card_chargeDeclinedInsufficientFunds")
    )
    await asyncio.sleep(1)

    second = await api.pay(customerId=payer, paymentMethodId="pm_card_mastercard")

    assert (await first).status == 402
    assert (second.status, second.data["status"]) == (200, "succeeded")


async def test_a_refund_made_by_hand_meanwhile_is_seen_and_the_rest_is_told(api: Api) -> None:
    paid = await api.pay()
    intent = paid.data["payment_intent_id"]
    at_stripe(api.shop, "/v1/refunds", payment_intent=intent, amount=5522)

    refused = await api.post("/payment/refund", {"orderId": "order-1", "amount": 2000})

    assert (refused.status, refused.code) == (409, "refund_exceeds_remaining")
    assert refused.data["amount_refundable"] == 1000
    assert refused.body["message"] == "Not more than 1000 usd is left to refund."


async def test_an_empty_balance_is_said_and_the_refund_can_be_tried_again(api: Api) -> None:
    await api.pay()
    refuse(api, "/refunds", (400, {"code": "balance_insufficient"}))

    refused = await api.post("/payment/refund", {"orderId": "order-1"})

    assert (refused.status, refused.code) == (409, "refund_balance_insufficient")
    api.hear()
    again = await api.post("/payment/refund", {"orderId": "order-1"})
    assert (again.status, again.data["status"]) == (200, "succeeded")


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("insufficient_funds", "refund_balance_insufficient"),
        ("expired_or_canceled_card", "refund_failed"),
    ],
)
async def test_a_refund_that_fails_at_once_is_no_success(api: Api, reason: str, code: str) -> None:
    paid = await api.pay()
    intent = paid.data["payment_intent_id"]
    failed = {
        "id": "re_1",
        "object": "refund",
        "status": "failed",
        "amount": 6522,
        "currency": "usd",
        "created": 1,
        "payment_intent": intent,
        "failure_reason": reason,
        "metadata": {},
    }
    api.shop.stripe.pick = lambda _, path: (
        Fault("answer", status=200, body=failed) if path == "/v1/refunds" else None
    )

    refused = await api.post("/payment/refund", {"orderId": "order-1"})

    assert (refused.status, refused.code) == (409, code)
    assert refused.data["amount_refundable"] == 6522


async def test_a_double_click_refunds_once_when_it_says_what_is_left(api: Api) -> None:
    await api.pay()
    part = {"orderId": "order-1", "amount": 1000, "expectedRefundable": 6522}

    first, second = [await api.post("/payment/refund", part) for _ in range(2)]

    assert (first.status, first.data["amount_refundable"]) == (200, 5522)
    assert (second.status, second.code) == (409, "refundable_differs")
    assert second.body["message"].startswith("5522 usd is left to refund")
    assert len(api.shop.engine.ledger()["refunds"]) == 1


async def test_two_clicks_at_the_same_moment_refund_once(api: Api) -> None:
    await api.pay()
    part = {"orderId": "order-1", "amount": 1000, "expectedRefundable": 6522}

    heard = await asyncio.gather(*(api.post("/payment/refund", part) for _ in range(2)))

    assert sorted(one.status for one in heard) == [200, 409]
    assert len(api.shop.engine.ledger()["refunds"]) == 1


@pytest.mark.parametrize("expected", [None, 0, -1, "6522", True])
async def test_what_is_no_amount_is_not_expected(api: Api, expected: object) -> None:
    await api.pay()

    refused = await api.post(
        "/payment/refund", {"orderId": "order-1", "expectedRefundable": expected}
    )

    assert (refused.status, refused.bad_fields) == (400, ["expectedRefundable"])


async def test_a_payer_is_answered_as_soon_as_a_webhook_has_settled_the_payment(api: Api) -> None:
    payer = await api.new_payer()
    api.deafen("/v1/payment_intents")
    began = api.shop.world.clock.now()

    async def webhook() -> None:
        await asyncio.sleep(0.1)
        seen = seen_of(api.shop, "payment_intent.succeeded")
        await take_event(api.shop.world, seen, Door.WEBHOOK)
        api.hear()

    told = asyncio.create_task(webhook())
    api_hears = await api.pay(customerId=payer)
    await told

    assert (api_hears.status, api_hears.data["status"]) == (200, "succeeded")
    assert (api.shop.world.clock.now() - began).total_seconds() < 0.6
