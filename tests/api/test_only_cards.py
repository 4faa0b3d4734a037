"""What is no card, and what is no e-mail at Stripe: refused as the caller's, with nothing left."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from payment_service.storage.collections import CUSTOMERS
from tests.api.conftest import Api

KEY = {"Authorization": "Bearer sk_test_sandbox"}


def at_stripe(api: Api, method: str, path: str, **form: Any) -> Any:
    heard = api.shop.stripe.deliver(method, f"https://stripe.invalid{path}", KEY, urlencode(form))
    return json.loads(heard.body)


@pytest.mark.parametrize("kind", ["link", "sepa_debit", "us_bank_account", "paypal"])
async def test_only_cards_are_kept_and_what_is_none_stays_unattached(api: Api, kind: str) -> None:
    customer = await api.new_customer()
    method = at_stripe(api, "post", "/v1/payment_methods", type=kind)["id"]
    named = {"customerId": customer, "paymentMethodId": method}
    details = {"cardholderName": "A B", "last4": "****", "cardType": "x", "expiryDate": "4/30"}

    added = await api.post("/payment/payment-method", named)
    detailed = await api.post("/payment/payment-method-details", {**named, **details})

    for heard in (added, detailed):
        assert (heard.status, heard.code) == (400, "card_not_usable")
        assert "only a card" in heard.body["message"]
    assert at_stripe(api, "get", f"/v1/payment_methods/{method}")["customer"] is None
    assert (await api.get(f"/payment/payment-methods/{customer}")).data == []


@pytest.mark.parametrize("kind", ["sepa_debit", "us_bank_account", "paypal"])
async def test_what_is_no_card_does_not_pay(api: Api, kind: str) -> None:
    customer = await api.new_customer()
    method = at_stripe(api, "post", "/v1/payment_methods", type=kind)["id"]

    heard = await api.pay(customerId=customer, paymentMethodId=method)

    assert (heard.status, heard.code) == (400, "card_not_usable")


@pytest.mark.parametrize("email", ["ann@shop..example", "ann@-shop.example", "ann.@shop.example"])
async def test_an_e_mail_that_stripe_refuses_is_the_callers_mistake_and_leaves_nothing(
    api: Api, email: str
) -> None:
    heard = await api.post("/payment/customer", {"email": email})

    assert (heard.status, heard.bad_fields) == (400, ["email"])
    assert api.shop.engine.ledger()["customers"] == []
    page = await api.shop.world.store.due(CUSTOMERS, api.shop.world.clock.now(), 10)
    assert page == []
    again = await api.post("/payment/customer", {"email": "ann@shop.example"})
    assert again.status == 201
