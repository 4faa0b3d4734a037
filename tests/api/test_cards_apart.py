"""A request about one card is answered by what became of that card, at Stripe, and of no other."""

from collections.abc import Awaitable

import pytest

from stripe_sandbox.faults import Fault
from tests.api.asgi import Heard
from tests.api.conftest import Api
from tests.api.test_keys_that_may_not import timed
from tests.api.test_truth_of_answers import refuse
from tests.flows.telling import at_stripe

AMEX = "pm_card_amex"


async def two_cards(api: Api) -> tuple[str, str, str]:
    """Return a customer, the default card and another one."""
    payer = await api.new_payer()
    assert (await attach(api, payer, "pm_card_mastercard")).status == 200
    cards = (await api.get(f"/payment/payment-methods/{payer}")).data
    return payer, cards[0]["payment_method_id"], cards[1]["payment_method_id"]


def attach(api: Api, payer: str, card: str) -> Awaitable[Heard]:
    return api.post("/payment/payment-method", {"customerId": payer, "paymentMethodId": card})


def choose(api: Api, payer: str, card: str) -> Awaitable[Heard]:
    body = {"customerId": payer, "paymentMethodId": card, "isDefault": True}
    return api.ask("PUT", "/payment/payment-method", body=body)


def remove(api: Api, payer: str, card: str) -> Awaitable[Heard]:
    body = {"customerId": payer, "paymentMethodId": card}
    return api.ask("DELETE", "/payment/payment-method", body=body)


def name(api: Api, payer: str, card: str) -> Awaitable[Heard]:
    body = {"customerId": payer, "paymentMethodId": card, "cardholderName": "A B"}
    body |= {"last4": "4242", "cardType": "visa", "expiryDate": "12/30"}
    return api.post("/payment/payment-method-details", body)


def limit(api: Api, path_end: str) -> None:
    limited = Fault("rate_limit")
    api.shop.stripe.pick = lambda method, path: (
        limited if method == "POST" and path.endswith(path_end) else None
    )


@pytest.mark.parametrize(
    ("busy", "what"),
    [
        ("naming", "attach"),
        ("naming", "choose"),
        ("naming", "remove"),
        ("removing", "attach"),
        ("removing", "choose"),
    ],
)
async def test_nobody_waits_for_what_goes_on_about_another_card(
    api: Api, busy: str, what: str
) -> None:
    payer, default, other = await two_cards(api)
    third = (await attach(api, payer, "pm_card_discover")).data["payment_method_id"]
    if busy == "naming":
        limit(api, f"/payment_methods/{default}")
        assert (await name(api, payer, default)).status == 202
    else:
        limit(api, f"/payment_methods/{default}/detach")
        assert (await remove(api, payer, default)).status == 202

    acts = {
        "attach": lambda: attach(api, payer, AMEX),
        "choose": lambda: choose(api, payer, third),
        "remove": lambda: remove(api, payer, other),
    }
    heard, took_s = await timed(acts[what]())

    assert (heard.status, took_s < 5) == (200, True)
    [customer] = api.shop.engine.ledger()["customers"]
    there = {card["id"] for card in customer["cards"]}
    assert {
        "attach": len(there) == 4,
        "choose": customer["default_payment_method"] == third,
        "remove": other not in there,
    }[what]


@pytest.mark.parametrize("named", [False, True])
async def test_a_card_whose_twin_was_detached_at_stripe_is_attached(
    api: Api, *, named: bool
) -> None:
    payer = await api.new_payer()
    [card] = (await api.get(f"/payment/payment-methods/{payer}")).data
    at_stripe(api.shop, f"/v1/payment_methods/{card['payment_method_id']}/detach")

    added = await (name if named else attach)(api, payer, "pm_card_visa")

    assert added.status == 200
    assert added.data["payment_method_id"] != card["payment_method_id"]
    [customer] = api.shop.engine.ledger()["customers"]
    assert [one["id"] for one in customer["cards"]] == [added.data["payment_method_id"]]
    assert customer["default_payment_method"] == added.data["payment_method_id"]


async def test_a_card_whose_twin_stripe_does_not_know_any_more_is_attached(api: Api) -> None:
    payer = await api.new_payer()
    [card] = (await api.get(f"/payment/payment-methods/{payer}")).data
    at_stripe(api.shop, f"/v1/payment_methods/{card['payment_method_id']}/detach")
    missing = (404, {"code": "resource_missing", "param": "payment_method"})
    refuse(api, f"/v1/payment_methods/{card['payment_method_id']}", missing, method="GET")

    added = await attach(api, payer, "pm_card_visa")

    assert added.status == 200
    [customer] = api.shop.engine.ledger()["customers"]
    assert [one["id"] for one in customer["cards"]] == [added.data["payment_method_id"]]


async def test_a_card_whose_twin_is_there_is_not_attached_again(api: Api) -> None:
    payer = await api.new_payer()

    added = await attach(api, payer, "pm_card_visa")

    [customer] = api.shop.engine.ledger()["customers"]
    assert [one["id"] for one in customer["cards"]] == [added.data["payment_method_id"]]


async def test_a_default_that_was_changed_at_stripe_unheard_is_set_there(api: Api) -> None:
    payer, default, other = await two_cards(api)
    form = {"invoice_settings[default_payment_method]": other}
    at_stripe(api.shop, f"/v1/customers/{payer}", **form)

    heard = await choose(api, payer, default)

    [customer] = api.shop.engine.ledger()["customers"]
    assert (heard.status, heard.data["is_default"]) == (200, True)
    assert customer["default_payment_method"] == default
