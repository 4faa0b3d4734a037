"""Only the card that was named is charged, and only held if a hold was asked for."""

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.test_truth_of_answers import CHALLENGED

DECLINED = "pm_card_visa_chargeDeclined"
MASTERCARD = "pm_card_mastercard"


def charges(api: Api) -> list[tuple[str, bool]]:
    """Return of each charge the brand of its card, and whether the money was taken."""
    return [
        (charge["card"]["brand"], charge["captured"])
        for intent in api.shop.engine.ledger()["payment_intents"]
        for charge in intent["charges"]
        if charge["paid"]
    ]


@pytest.mark.parametrize("first", [{"paymentMethodId": DECLINED}, {"confirm": False}])
@pytest.mark.parametrize(
    ("before", "now", "status"),
    [("automatic", "manual", "requires_capture"), ("manual", "automatic", "succeeded")],
)
async def test_who_asks_for_a_hold_is_not_charged_and_the_reverse(
    api: Api, first: dict[str, Any], before: str, now: str, status: str
) -> None:
    payer = await api.new_payer()
    await api.pay(customerId=payer, captureMethod=before, **first)

    heard = await api.pay(customerId=payer, paymentMethodId=MASTERCARD, captureMethod=now)

    assert (heard.status, heard.data["status"]) == (200, status)
    assert charges(api) == [("mastercard", now == "automatic")]


async def test_a_hold_is_not_given_to_who_may_still_pay_by_3_d_secure(api: Api) -> None:
    payer = await api.new_payer()
    await api.pay(customerId=payer, paymentMethodId=CHALLENGED)

    heard = await api.pay(customerId=payer, paymentMethodId=MASTERCARD, captureMethod="manual")

    assert (heard.status, heard.code, charges(api)) == (409, "payment_in_progress", [])


@pytest.mark.parametrize(
    "first",
    [
        {"paymentMethodId": "pm_card_visa", "confirm": False},
        {"paymentMethodId": CHALLENGED},
        {"paymentMethodId": DECLINED},
        {"confirm": False},
    ],
)
async def test_the_card_that_was_named_last_is_the_one_that_is_confirmed(
    api: Api, first: dict[str, Any]
) -> None:
    payer = await api.new_payer()
    await api.pay(customerId=payer, **first)

    named = await api.pay(customerId=payer, paymentMethodId=MASTERCARD, confirm=False)
    again = await api.pay(customerId=payer, paymentMethodId=MASTERCARD, confirm=False)
    confirmed = await api.post("/payment/payment-intent/order-1/confirm", {})

    assert named.data["status"] == "requires_confirmation"
    assert again.data["payment_intent_id"] == named.data["payment_intent_id"]
    assert (confirmed.status, charges(api)) == (200, [("mastercard", True)])


async def test_all_is_not_captured_when_a_part_was(api: Api) -> None:
    payer = await api.new_payer()
    await api.pay(customerId=payer, captureMethod="manual")
    path = "/payment/payment-intent/order-1/capture"
    part = await api.post(path, {"amount": 3000})

    assert (part.status, part.data["amount_received"]) == (200, 3000)
    assert (await api.post(path, {"amount": 3000})).status == 200
    for body in ({}, {"amount": 6522}):
        heard = await api.post(path, body)
        assert (heard.status, heard.code) == (409, "payment_not_capturable")


async def test_an_off_session_charge_that_waits_for_its_payer_is_402(api: Api) -> None:
    payer = await api.new_payer()
    await api.pay(customerId=payer, paymentMethodId=CHALLENGED)

    heard = await api.pay(customerId=payer, paymentMethodId=CHALLENGED, offSession=True)

    assert (heard.status, heard.code) == (402, "authentication_required")
    assert heard.data["status"] == "requires_action"


@pytest.mark.parametrize(
    ("method", "code"), [("automatic", "order_already_paid"), ("manual", "payment_in_progress")]
)
async def test_a_confirmation_with_a_card_that_is_not_charged_is_no_success(
    api: Api, method: str, code: str
) -> None:
    payer = await api.new_payer()
    await api.pay(customerId=payer, paymentMethodId="pm_card_visa", captureMethod=method)
    path = "/payment/payment-intent/order-1/confirm"

    for card in (MASTERCARD, "pm_nope123"):
        heard = await api.post(path, {"paymentMethodId": card})
        assert (heard.status, heard.code) == (409, code)
    assert (await api.post(path, {"paymentMethodId": "pm_card_visa"})).status == 200
    assert (await api.post(path, {})).status == 200
