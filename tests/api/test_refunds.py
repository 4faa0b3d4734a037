"""Giving money back: never more than was taken, and nothing guessed of an amount."""

import asyncio

import pytest

from tests.api.asgi import Heard
from tests.api.conftest import Api


async def refund(api: Api, **fields: object) -> Heard:
    return await api.post("/payment/refund", fields)


async def test_a_part_is_refunded_and_shown(api: Api) -> None:
    paid = await api.pay()

    given = await refund(api, orderId="order-1", amount=1000, reason="requested_by_customer")

    [at_stripe] = api.shop.engine.ledger()["refunds"]
    assert given.status == 200
    assert given.body == {
        "success": True,
        "data": {
            "refund_id": at_stripe["id"],
            "reference": given.data["reference"],
            "status": "succeeded",
            "amount": 1000,
            "currency": "usd",
            "payment_intent": paid.data["payment_intent_id"],
            "orderId": "order-1",
            "amount_refunded": 1000,
            "amount_refundable": 5522,
            "reason": "requested_by_customer",
            "created": given.data["created"],
        },
    }
    assert given.data["reference"].startswith("rfd_")


async def test_without_an_amount_all_that_is_left_is_refunded(api: Api) -> None:
    paid = await api.pay()
    await refund(api, orderId="order-1", amount=1000)

    rest = await refund(api, paymentIntentId=paid.data["payment_intent_id"])
    more = await refund(api, orderId="order-1")

    assert (rest.status, rest.data["amount"], rest.data["amount_refundable"]) == (200, 5522, 0)
    assert (more.status, more.code) == (409, "refund_exceeds_remaining")
    assert more.data["amount_refunded"] == 6522


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (None, "amount_null"),
        (0, "amount_not_positive"),
        (-1, "amount_not_positive"),
        (10.5, "amount_not_integer"),
        ("10", "amount_not_integer"),
        (True, "amount_not_integer"),
        (10**30, "amount_too_large"),
    ],
)
async def test_an_amount_that_is_none_is_400(api: Api, amount: object, code: str) -> None:
    await api.pay()

    refused = await refund(api, orderId="order-1", amount=amount)

    assert (refused.status, refused.code, refused.bad_fields) == (400, code, ["amount"])
    assert api.shop.engine.ledger()["refunds"] == []


async def test_more_than_is_left_is_409_with_the_payment(api: Api) -> None:
    await api.pay()

    refused = await refund(api, orderId="order-1", amount=6523)

    assert (refused.status, refused.code) == (409, "refund_exceeds_remaining")
    assert refused.body["message"] == "Not more than 6522 usd is left to refund."
    assert refused.data["amount_refundable"] == 6522
    assert api.shop.engine.ledger()["refunds"] == []


async def test_of_fifty_large_refunds_at_once_one_is_made(api: Api) -> None:
    await api.pay()

    given = await asyncio.gather(*(refund(api, orderId="order-1", amount=4000) for _ in range(50)))

    assert sorted(one.status for one in given) == [200] + [409] * 49
    assert [one["amount"] for one in api.shop.engine.ledger()["refunds"]] == [4000]


async def test_what_was_not_captured_cannot_be_refunded(api: Api) -> None:
    await api.pay(captureMethod="manual")

    refused = await refund(api, orderId="order-1")

    assert (refused.status, refused.code) == (409, "payment_not_refundable")
    assert refused.data["status"] == "requires_capture"


async def test_the_payment_is_named_once(api: Api) -> None:
    neither = await refund(api, amount=0)
    both = await refund(api, orderId="order-1", paymentIntentId="pi_1")
    nulls = await refund(api, orderId=None, paymentIntentId=None)
    nowhere = await refund(api, orderId="order-1")

    assert (neither.status, neither.bad_fields) == (400, ["paymentIntentId", "amount"])
    assert (both.status, both.bad_fields) == (400, ["paymentIntentId"])
    assert (nulls.status, nulls.bad_fields) == (400, ["paymentIntentId"])
    assert (nowhere.status, nowhere.code) == (404, "not_found")


async def test_an_order_called_like_a_payment_intent_is_not_refunded_in_its_place(
    api: Api,
) -> None:
    paid = await api.pay()
    await api.pay(paid.data["payment_intent_id"])

    refused = await refund(api, paymentIntentId=paid.data["payment_intent_id"])

    assert (refused.status, refused.code) == (404, "not_found")
    assert api.shop.engine.ledger()["refunds"] == []


async def test_a_reason_in_the_callers_own_words_is_kept(api: Api) -> None:
    await api.pay()

    given = await refund(api, orderId="order-1", reason="arrived broken")

    assert (given.status, given.data["reason"]) == (200, "arrived broken")


async def test_what_stripe_does_not_answer_in_time_is_202_and_becomes_known(api: Api) -> None:
    await api.pay()
    api.deafen("/v1/refunds")

    given = await refund(api, orderId="order-1", amount=1000)
    api.hear()
    await api.shop.work(60)
    shown = await api.get("/payment/payment-intent/order-1")

    [made] = shown.data["refunds"]
    assert (given.status, given.body["pending"]) == (202, True)
    assert given.data["status"] == "processing"
    assert made["reference"] == given.data["reference"]
    assert made["status"] == "succeeded"
    assert len(api.shop.engine.ledger()["refunds"]) == 1


async def test_a_refund_that_surely_failed_may_be_asked_again_under_the_same_key(
    api: Api,
) -> None:
    await api.pay()
    asked = {"orderId": "order-1", "amount": 4000}
    api.fault("rate_limit", "/v1/refunds", times=100)

    refused = await api.post("/payment/refund", asked, idempotency_key="r1")
    api.hear()
    given = await api.post("/payment/refund", asked, idempotency_key="r1")

    assert (refused.status, refused.code) == (503, "stripe_unavailable")
    assert (given.status, given.data["status"]) == (200, "succeeded")
    assert given.data["amount_refunded"] == 4000


async def test_a_payment_in_doubt_is_refused_a_refund_in_the_words_of_the_contract(
    api: Api,
) -> None:
    customer_id = await api.new_payer()
    api.deafen("/v1/payment_intents")
    await api.pay("order-2", customerId=customer_id)

    refused = await refund(api, orderId="order-2")

    assert (refused.status, refused.code) == (409, "payment_in_progress")
    assert refused.data["status"] == "processing"
    assert refused.body["message"] == "This payment is being worked on."


@pytest.mark.parametrize("currency", ["eur", "EUR", "xyz", "", 7, ["usd"]])
async def test_a_currency_that_is_not_the_payments_moves_nothing(
    api: Api, currency: object
) -> None:
    await api.pay("order-1")
    await api.pay("order-2", captureMethod="manual")

    refund = await api.post("/payment/refund", {"orderId": "order-1", "currency": currency})
    capture = await api.post("/payment/payment-intent/order-2/capture", {"currency": currency})

    for heard in (refund, capture):
        assert (heard.status, heard.bad_fields) == (400, ["currency"])
    assert api.shop.engine.ledger()["refunds"] == []
    same = await api.post("/payment/refund", {"orderId": "order-1", "currency": "USD"})
    assert (same.status, same.data["amount"]) == (200, 6522)
