"""Paying an order: once, whatever is asked and however often."""

import asyncio

import pytest

from tests.api.conftest import Api


async def test_an_order_is_paid_by_the_customers_default_card(api: Api) -> None:
    customer_id = await api.new_payer()
    card = (await api.get(f"/payment/payment-methods/{customer_id}")).data[0]

    paid = await api.pay("order-1", customerId=customer_id)

    intent_id = paid.data["payment_intent_id"]
    assert paid.status == 200
    assert paid.body == {
        "success": True,
        "data": {
            "payment_intent_id": intent_id,
            "paymentIntentId": intent_id,
            "status": "succeeded",
            "amount": 6522,
            "currency": "usd",
            "orderId": "order-1",
            "customerId": customer_id,
            "payment_method": card["payment_method_id"],
            "amount_received": 6522,
            "amount_refunded": 0,
            "amount_refundable": 6522,
            "amount_capturable": 0,
            "capture_method": "automatic",
            "capture_before": None,
            "created": paid.data["created"],
        },
    }
    assert paid.data["created"].endswith("Z")
    assert api.shop.orders.statuses_of("order-1") == ["PAYMENT RECEIVED"]


async def test_everything_that_may_be_said_reaches_stripe(api: Api) -> None:
    customer_id = await api.new_payer()

    paid = await api.post(
        "/payment/payment-intent",
        {
            "amount": 6522,
            "currency": "EUR",
            "orderId": "order-1",
            "customerId": customer_id,
            "paymentMethodId": "pm_card_visa",
            "captureMethod": "manual",
            "returnUrl": "https://shop.example/back?order=1",
            "description": "Two books",
            "metadata": {"cart": "7"},
            "automatic_payment_methods": {"enabled": True},
        },
        x_request_id="checkout-1",
    )

    [intent] = api.shop.engine.ledger()["payment_intents"]
    assert (paid.status, paid.data["status"]) == (200, "requires_capture")
    assert (paid.data["currency"], paid.data["capture_method"]) == ("eur", "manual")
    assert intent["metadata"]["cart"] == "7"
    assert intent["metadata"]["order_id"] == "order-1"
    assert intent["metadata"]["request_id"] == "checkout-1"


async def test_fifty_at_once_charge_once(api: Api) -> None:
    customer_id = await api.new_payer()

    paid = await asyncio.gather(*(api.pay("order-1", customerId=customer_id) for _ in range(50)))

    [intent] = api.shop.engine.ledger()["payment_intents"]
    assert {one.status for one in paid} == {200}
    assert {one.data["payment_intent_id"] for one in paid} == {intent["id"]}
    assert len(intent["charges"]) == 1


async def test_other_terms_for_a_paid_order_are_409_with_the_payment(api: Api) -> None:
    customer_id = await api.new_payer()
    paid = await api.pay("order-1", customerId=customer_id)

    dearer = await api.pay("order-1", customerId=customer_id, amount=6523)
    in_euro = await api.pay("order-1", customerId=customer_id, currency="eur")
    by_another = await api.pay("order-1")

    for refused in (dearer, in_euro, by_another):
        assert (refused.status, refused.code) == (409, "order_already_paid")
        assert refused.data == paid.data
    assert len(api.shop.engine.ledger()["payment_intents"]) == 1


async def test_other_terms_while_it_is_being_paid_are_409_with_the_payment(api: Api) -> None:
    waiting = await api.pay("order-1", paymentMethodId="pm_card_threeDSecure2Required")
    customer_id = waiting.data["customerId"]

    dearer = await api.pay("order-1", customerId=customer_id, amount=6523)

    assert (dearer.status, dearer.code) == (409, "payment_in_progress")
    assert dearer.data["status"] == "requires_action"
    assert "client_secret" not in dearer.data


async def test_three_d_secure_gives_the_payers_client_what_it_needs(api: Api) -> None:
    waiting = await api.pay("order-1", paymentMethodId="pm_card_threeDSecure2Required")

    secret = waiting.data["client_secret"]
    assert (waiting.status, waiting.data["status"]) == (200, "requires_action")
    assert secret.startswith(waiting.data["payment_intent_id"] + "_secret_")
    assert waiting.data["clientSecret"] == secret
    assert waiting.data["next_action"]["type"] == "use_stripe_sdk"
    assert secret not in api.stored_text()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"confirm": False}, "requires_payment_method"),
        ({"confirm": False, "customerId": None}, "requires_payment_method"),
        ({"confirm": None, "customerId": None}, "requires_payment_method"),
        ({"confirm": None}, "requires_payment_method"),
        ({"confirm": False, "paymentMethodId": "pm_card_visa"}, "requires_confirmation"),
    ],
)
async def test_without_a_charge_the_payment_is_created_for_the_payers_client(
    api: Api, fields: dict[str, object], status: str
) -> None:
    created = await api.pay("order-1", **fields)

    assert (created.status, created.data["status"]) == (200, status)
    assert created.data["client_secret"].startswith(created.data["payment_intent_id"])
    assert created.data["amount_received"] == 0
    assert api.shop.orders.accepted == []


async def test_a_customer_without_a_card_gets_a_payment_to_confirm(api: Api) -> None:
    customer_id = await api.new_customer()

    created = await api.pay("order-1", customerId=customer_id, confirm=None)

    assert (created.status, created.data["status"]) == (200, "requires_payment_method")
    assert "client_secret" in created.data


async def test_after_a_refused_card_another_one_pays_on_the_same_payment_intent(api: Api) -> None:
    refused = await api.pay("order-1", paymentMethodId="pm_card_chargeDeclinedInsufficientFunds")
    shown = await api.get("/payment/payment-intent/order-1")
    paid = await api.pay(
        "order-1", customerId=shown.data["customerId"], paymentMethodId="pm_card_visa"
    )

    [intent] = api.shop.engine.ledger()["payment_intents"]
    assert (refused.status, refused.code) == (402, "card_declined")
    assert refused.body == {
        "success": False,
        "message": "Your card has insufficient funds.",
        "code": "card_declined",
        "declineCode": "insufficient_funds",
        "adviceCode": "try_again_later",
        "networkDeclineCode": "51",
        "requestId": refused.headers["x-request-id"],
    }
    assert shown.data["status"] == "requires_payment_method"
    assert shown.data["last_error"] == {
        "code": "card_declined",
        "declineCode": "insufficient_funds",
        "message": "Your card has insufficient funds.",
        "adviceCode": "try_again_later",
        "networkDeclineCode": "51",
    }
    assert (paid.status, paid.data["status"]) == (200, "succeeded")
    assert paid.data["payment_intent_id"] == intent["id"]
    assert "last_error" not in paid.data


async def test_after_a_refused_card_the_payers_client_may_go_on_instead(api: Api) -> None:
    await api.pay("order-1", paymentMethodId="pm_card_chargeDeclined")
    customer_id = (await api.get("/payment/payment-intent/order-1")).data["customerId"]

    created = await api.pay("order-1", customerId=customer_id, confirm=False)

    assert (created.status, created.data["status"]) == (200, "requires_payment_method")
    assert "client_secret" in created.data


async def test_what_stripe_does_not_answer_in_time_is_202_and_becomes_known(api: Api) -> None:
    customer_id = await api.new_payer()
    api.deafen("/v1/payment_intents")

    paid = await api.pay("order-1", customerId=customer_id)
    api.hear()
    await api.shop.work(60)
    shown = await api.get("/payment/payment-intent/order-1")

    assert paid.status == 202
    assert paid.body == {
        "success": True,
        "pending": True,
        "message": paid.body["message"],
        "data": {"orderId": "order-1", "status": "processing"},
    }
    assert shown.data["status"] == "succeeded"
    assert len(api.shop.engine.ledger()["payment_intents"]) == 1
