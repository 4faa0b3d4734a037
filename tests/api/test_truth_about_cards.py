"""Only the card that was meant is charged, and what is told of cards is so at Stripe."""

import asyncio
from typing import Any

import pytest

from stripe_sandbox.faults import Fault
from tests.api.conftest import Api
from tests.api.test_truth_of_answers import NO_PERMISSION, refuse
from tests.flows.telling import at_stripe


@pytest.mark.parametrize("named", [True, False])
async def test_a_card_that_was_detached_at_stripe_is_told_and_leaves_the_list(
    api: Api, *, named: bool
) -> None:
    payer = await api.new_payer()
    await api.post(
        "/payment/payment-method", {"customerId": payer, "paymentMethodId": "pm_card_mastercard"}
    )
    [default, other] = (await api.get(f"/payment/payment-methods/{payer}")).data
    gone = default["payment_method_id"]
    at_stripe(api.shop, f"/v1/payment_methods/{gone}/detach")

    refused = await api.pay(customerId=payer, paymentMethodId=gone if named else None)

    assert (refused.status, refused.code) == (400, "card_detached")
    [left] = (await api.get(f"/payment/payment-methods/{payer}")).data
    assert (left["payment_method_id"], left["is_default"]) == (other["payment_method_id"], True)
    assert (await api.pay(customerId=payer)).data["status"] == "succeeded"


@pytest.mark.parametrize("error", [{}, {"param": "invoice_settings[default_payment_method]"}])
async def test_a_default_that_stripe_refuses_is_as_it_was(api: Api, error: dict[str, str]) -> None:
    payer = await api.new_payer()
    await api.post(
        "/payment/payment-method", {"customerId": payer, "paymentMethodId": "pm_card_mastercard"}
    )
    [default, other] = (await api.get(f"/payment/payment-methods/{payer}")).data
    refuse(api, f"/customers/{payer}", (400, error))

    refused = await api.ask(
        "PUT",
        "/payment/payment-method",
        body={
            "customerId": payer,
            "paymentMethodId": other["payment_method_id"],
            "isDefault": True,
        },
    )

    assert (refused.status, refused.code) == (400, "card_not_usable")
    listed = (await api.get(f"/payment/payment-methods/{payer}")).data
    assert [card["payment_method_id"] for card in listed if card["is_default"]] == [
        default["payment_method_id"]
    ]


@pytest.mark.parametrize("what", ["attach", "detach", "default", "name"])
async def test_what_our_key_may_not_do_with_cards_is_502_and_nothing_is_owed(
    api: Api, what: str
) -> None:
    payer = await api.new_payer()
    second = {"customerId": payer, "paymentMethodId": "pm_card_mastercard"}
    card = (await api.post("/payment/payment-method", second)).data["payment_method_id"]
    before = (await api.get(f"/payment/payment-methods/{payer}")).data
    api.shop.stripe.pick = lambda method, _: (
        Fault("answer", status=403, body={"error": dict(NO_PERMISSION[1])})
        if method == "POST"
        else None
    )
    named = {"customerId": payer, "paymentMethodId": card}
    asked: dict[str, tuple[str, str, dict[str, Any]]] = {
        "attach": ("POST", "payment-method", {**named, "paymentMethodId": "pm_card_amex"}),
        "detach": ("DELETE", "payment-method", named),
        "default": ("PUT", "payment-method", {**named, "isDefault": True}),
        "name": (
            "POST",
            "payment-method-details",
            {
                **named,
                "cardholderName": "Jane",
                "last4": "4444",
                "cardType": "mastercard",
                "expiryDate": "12/30",
            },
        ),
    }
    method, path, body = asked[what]

    refused = await api.ask(method, f"/payment/{path}", body=body)

    assert (refused.status, refused.code) == (502, "stripe_refused")
    sent = len(api.shop.engine.ledger()["requests"])
    await asyncio.sleep(3600)
    await api.shop.work(60)
    posts = api.shop.engine.ledger()["requests"][sent:]
    assert [one["path"] for one in posts if one["method"] == "POST"] == []
    api.hear()
    after = (await api.get(f"/payment/payment-methods/{payer}")).data
    ids = [(one["payment_method_id"], one["is_default"]) for one in after]
    assert ids == [(one["payment_method_id"], one["is_default"]) for one in before]


async def test_without_a_named_card_the_client_gets_a_secret_and_nothing_is_charged(
    api: Api,
) -> None:
    payer = await api.new_payer()

    created = await api.post(
        "/payment/payment-intent", {"amount": 6522, "customerId": payer, "orderId": "order-1"}
    )

    assert (created.status, created.data["status"]) == (200, "requires_payment_method")
    assert created.data["client_secret"]
    assert api.shop.engine.ledger()["payment_intents"][0]["charges"] == []


@pytest.mark.parametrize("said", [{"confirm": True}, {"offSession": True}])
async def test_the_default_card_is_charged_when_that_is_said(
    api: Api, said: dict[str, bool]
) -> None:
    payer = await api.new_payer()

    asked = {"amount": 6522, "orderId": "order-1", "customerId": payer, **said}
    paid = await api.post("/payment/payment-intent", asked)

    assert (paid.status, paid.data["status"]) == (200, "succeeded")


async def test_who_has_no_default_card_cannot_have_it_charged(api: Api) -> None:
    customer_id = await api.new_customer()

    refused = await api.pay(customerId=customer_id)

    assert (refused.status, refused.bad_fields) == (400, ["paymentMethodId"])
    assert api.shop.engine.ledger()["payment_intents"] == []


async def test_an_order_that_is_paid_stays_so_when_its_card_is_gone(api: Api) -> None:
    payer = await api.new_payer()
    await api.pay(customerId=payer)
    [card] = (await api.get(f"/payment/payment-methods/{payer}")).data
    gone = {"customerId": payer, "paymentMethodId": card["payment_method_id"]}
    await api.ask("DELETE", "/payment/payment-method", body=gone)

    again = await api.pay(customerId=payer)

    assert (again.status, again.data["status"]) == (200, "succeeded")


@pytest.mark.parametrize("owed", ["its name", "the default"])
async def test_a_card_of_which_something_is_still_owed_at_stripe_is_told_as_pending(
    api: Api, owed: str
) -> None:
    payer = await api.new_payer()
    end = f"/customers/{payer}" if owed == "the default" else "/payment_methods/"
    api.shop.stripe.pick = lambda method, path: (
        Fault("rate_limit")
        if method == "POST" and end in path and not path.endswith("/attach")
        else None
    )
    details = {
        "customerId": payer,
        "paymentMethodId": "pm_card_mastercard",
        "cardholderName": "Jane",
        "last4": "4444",
        "cardType": "mastercard",
        "expiryDate": "12/30",
        "isDefault": owed == "the default",
    }

    told = await api.post("/payment/payment-method-details", details)

    assert (told.status, told.body["pending"]) == (202, True)
    api.shop.stripe.pick = lambda *_: None
    await api.shop.work(120)
    cards = (await api.get(f"/payment/payment-methods/{payer}")).data
    added = next(card for card in cards if card["card_last4"] == "4444")
    assert (added["cardholder_name"], added["is_default"]) == ("Jane", owed == "the default")
    [customer] = api.shop.engine.ledger()["customers"]
    [at_stripe_now] = [card for card in customer["cards"] if card["last4"] == "4444"]
    assert at_stripe_now["name"] == "Jane"
