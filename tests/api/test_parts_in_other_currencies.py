"""A part is a part of the payment's own currency, whatever the operator's default is."""

from typing import Any

import pytest

from payment_service.api.app import ApiOptions
from payment_service.domain.money import AmountUnit
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop

# What is sent and what it is in the currency's minor unit: a currency without decimals, one that is
# sent like one with two, one with two and one with three.
CHARGED = [
    ("jpy", 500, 500, 200, 200),
    ("isk", 500, 50_000, 200, 20_000),
    ("eur", 500, 50_000, 200.50, 20_050),
    ("kwd", 5.25, 5_250, 2.25, 2_250),
]
SENT = ("currency", "amount", "amount_minor", "part", "part_minor")


@pytest.fixture
def api(shop: Shop) -> Api:
    return open_api(shop, ApiOptions(amount_unit=AmountUnit.MAJOR, default_currency="usd"))


def charged(api: Api) -> dict[str, Any]:
    """Return the one PaymentIntent in Stripe's books."""
    (intent,) = api.shop.engine.ledger()["payment_intents"]
    found: dict[str, Any] = intent
    return found


@pytest.mark.parametrize(SENT, CHARGED)
async def test_a_part_is_refunded_in_the_currency_of_its_payment(
    api: Api, currency: str, amount: float, amount_minor: int, part: float, part_minor: int
) -> None:
    paid = await api.pay(amount=amount, currency=currency)

    given = await api.post("/payment/refund", {"orderId": "order-1", "amount": part})

    assert (paid.status, given.status) == (200, 200)
    assert charged(api)["amount"] == amount_minor
    (refund,) = api.shop.engine.ledger()["refunds"]
    assert refund["amount"] == part_minor


@pytest.mark.parametrize(SENT, CHARGED)
async def test_a_part_is_captured_in_the_currency_of_its_payment(
    api: Api, currency: str, amount: float, amount_minor: int, part: float, part_minor: int
) -> None:
    held = await api.pay(amount=amount, currency=currency, captureMethod="manual")

    taken = await api.post("/payment/payment-intent/order-1/capture", {"amount": part})

    assert (held.status, taken.status) == (200, 200)
    payment = await api.get("/payment/payment-intent/order-1")
    assert (held.data["amount_capturable"], payment.data["amount_received"]) == (amount, part)
    (charge,) = charged(api)["charges"]
    assert charge["amount_captured"] == part_minor
    assert charged(api)["amount"] == amount_minor
