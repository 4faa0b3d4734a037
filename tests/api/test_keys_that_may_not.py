"""What our key may not do at Stripe is the operator's to mend: told at once, and never 503."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from stripe_sandbox.faults import Fault
from tests.api.asgi import Heard
from tests.api.conftest import Api
from tests.api.test_truth_of_answers import CHALLENGED, NO_PERMISSION, refuse

DECLINED = "pm_card_visa_chargeDeclined"


async def timed(asking: Awaitable[Heard]) -> tuple[Heard, float]:
    """Return an answer, and after how many seconds it came."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    heard = await asking
    return heard, loop.time() - begun


@pytest.mark.parametrize("how", [NO_PERMISSION, (401, {"code": "api_key_expired"})])
@pytest.mark.parametrize(
    "what", ["create", "challenge", "confirm", "capture", "refund", "pay again", "refresh", "key"]
)
async def test_a_key_that_may_not_read_is_502(api: Api, what: str, how: Any) -> None:
    payer = await api.new_payer()
    await api.pay("open", customerId=payer, confirm=False)
    await api.pay("declined", customerId=payer, paymentMethodId=DECLINED)
    keyed: dict[str, Any] = {
        "body": {"orderId": "keyed", "customerId": payer, "amount": 1000, "confirm": False},
        "headers": {"idempotency-key": "key-1"},
    }
    await api.ask("POST", "/payment/payment-intent", **keyed)
    status, error = how
    body = {"error": {"type": "invalid_request_error", "message": "Stripe says no.", **error}}
    fault = Fault("answer", status=status, body=body)
    api.shop.stripe.pick = lambda method, _: fault if method == "GET" else None

    asked = {
        "create": lambda: api.pay("new", customerId=payer, confirm=False),
        "challenge": lambda: api.pay("new", customerId=payer, paymentMethodId=CHALLENGED),
        "confirm": lambda: api.post("/payment/payment-intent/open/confirm", {}),
        "capture": lambda: api.post("/payment/payment-intent/open/capture", {}),
        "refund": lambda: api.post("/payment/refund", {"orderId": "open"}),
        "pay again": lambda: api.pay("declined", customerId=payer, paymentMethodId=DECLINED),
        "refresh": lambda: api.get("/payment/payment-intent/open?refresh=true"),
        "key": lambda: api.ask("POST", "/payment/payment-intent", **keyed),
    }
    heard = await asked[what]()

    assert (heard.status, heard.code) == (502, "stripe_refused")
    assert "Stripe says no." not in heard.raw.decode()


async def test_an_expiry_that_our_key_may_not_carry_out_holds_up_nobody(api: Api) -> None:
    payer = await api.new_payer()
    await api.pay("order-1", customerId=payer, paymentMethodId=CHALLENGED)
    await api.pay("order-2", customerId=payer, paymentMethodId=CHALLENGED)
    refuse(api, "/cancel", NO_PERMISSION)
    await asyncio.sleep(2 * 3600)
    await api.shop.work(60, every_s=5)

    shown = await api.get("/payment/payment-intent/order-1")
    canceled, took_s = await timed(api.post("/payment/payment-intent/order-1/cancel", {}))
    paid = await api.pay("order-2", customerId=payer, paymentMethodId="pm_card_mastercard")

    assert shown.data["status"] == "requires_action"
    assert (canceled.status, canceled.code, took_s < 5) == (502, "stripe_refused", True)
    assert (paid.status, paid.data["status"]) == (200, "succeeded")


async def test_an_expiry_is_tried_again_once_our_key_may_carry_it_out(api: Api) -> None:
    payer = await api.new_payer()
    await api.pay(customerId=payer, paymentMethodId=CHALLENGED)
    refuse(api, "/cancel", NO_PERMISSION)
    await asyncio.sleep(2 * 3600)
    await api.shop.work(60, every_s=5)
    api.hear()
    await api.shop.work(2 * 3600, every_s=60)

    shown = await api.get("/payment/payment-intent/order-1")
    assert shown.data["status"] == "canceled"
