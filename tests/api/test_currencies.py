"""Money of every sort through the whole API: exact at Stripe and in every answer, in either unit.

jpy has no decimals; kwd three, the last of them 0; isk is written at Stripe with two that are 00;
eur, huf and usd have two.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from payment_service.api.app import ApiOptions
from payment_service.domain.money import AmountUnit
from tests.api.asgi import Heard
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop


@dataclass(frozen=True, slots=True)
class Price:
    """An order's price, a part of it, and the rest: in minor units, and as written in major."""

    currency: str
    minor: tuple[int, int, int]
    major: tuple[str, str, str]

    def written(self, unit: AmountUnit) -> tuple[str, str, str]:
        """Return the three as they stand in JSON."""
        if unit is AmountUnit.MAJOR:
            return self.major
        whole, part, rest = (str(amount) for amount in self.minor)
        return whole, part, rest

    def nothing(self, unit: AmountUnit) -> str:
        """Return zero as it stands in JSON."""
        whole, decimals, _ = self.major[0].partition(".")
        assert whole
        places = len(self.major[0].partition(".")[2])
        return f"0.{'0' * places}" if decimals and unit is AmountUnit.MAJOR else "0"


PRICES = (
    Price("usd", (6522, 1050, 5472), ("65.22", "10.50", "54.72")),
    Price("eur", (9999, 1, 9998), ("99.99", "0.01", "99.98")),
    Price("jpy", (7001, 500, 6501), ("7001", "500", "6501")),
    Price("kwd", (65220, 10230, 54990), ("65.220", "10.230", "54.990")),
    Price("isk", (700100, 50000, 650100), ("7001.00", "500.00", "6501.00")),
    Price("ugx", (700100, 50000, 650100), ("7001.00", "500.00", "6501.00")),
    Price("huf", (1999950, 50025, 1949925), ("19999.50", "500.25", "19499.25")),
)
EVERY = [
    pytest.param(price, unit, default, id=f"{price.currency}-{unit}-{default}")
    for price in PRICES
    for unit in AmountUnit
    for default in ("usd", "jpy", "kwd")
]


def shop_in(shop: Shop, unit: AmountUnit, default: str) -> Api:
    return open_api(shop, ApiOptions(amount_unit=unit, default_currency=default))


async def ask(api: Api, path: str, **fields: str) -> Heard:
    """Send these fields; what is no number as it is written is sent as text."""
    raw = ",".join(f'"{name}":{value}' for name, value in fields.items())
    return await api.ask("POST", f"/payment/{path}", raw=f"{{{raw}}}".encode())


async def pay(api: Api, price: Price, unit: AmountUnit, **fields: str) -> Heard:
    customer_id = await api.new_payer()
    return await ask(
        api,
        "payment-intent",
        amount=price.written(unit)[0],
        currency=f'"{price.currency}"',
        orderId='"order-1"',
        customerId=f'"{customer_id}"',
        confirm="true",
        **fields,
    )


def says(answer: Heard, **amounts: str) -> list[str]:
    """Return which of these amounts are not in the answer's text, to the last zero."""
    text = answer.raw.decode()
    return [name for name, amount in amounts.items() if f'"{name}":{amount},' not in text]


def intent(api: Api) -> dict[str, Any]:
    [found] = api.shop.engine.ledger()["payment_intents"]
    made: dict[str, Any] = found
    return made


@pytest.mark.parametrize(("price", "unit", "default"), EVERY)
async def test_a_payment_is_charged_shown_and_listed_as_it_was_asked(
    shop: Shop, price: Price, unit: AmountUnit, default: str
) -> None:
    api = shop_in(shop, unit, default)

    paid = await pay(api, price, unit)
    read = await api.get("/payment/payment-intent/order-1")
    listed = await api.get("/payment/payments")

    whole, nothing = price.written(unit)[0], price.nothing(unit)
    assert (paid.status, paid.data["status"]) == (200, "succeeded")
    for answer in (paid, read, listed):
        assert (
            says(
                answer,
                amount=whole,
                amount_received=whole,
                amount_refundable=whole,
                amount_refunded=nothing,
                amount_capturable=nothing,
            )
            == []
        )
        assert f'"currency":"{price.currency}"' in answer.raw.decode()
    made = intent(api)
    assert (made["amount"], made["amount_received"]) == (price.minor[0], price.minor[0])
    assert [made["currency"], made["charges"][0]["currency"]] == [price.currency, price.currency]


@pytest.mark.parametrize(("price", "unit", "default"), EVERY)
async def test_a_part_of_a_hold_is_captured_in_the_payments_own_currency(
    shop: Shop, price: Price, unit: AmountUnit, default: str
) -> None:
    api = shop_in(shop, unit, default)
    whole, part, _ = price.written(unit)

    held = await pay(api, price, unit, captureMethod='"manual"')
    taken = await ask(api, "payment-intent/order-1/capture", amount=part)
    read = await api.get("/payment/payment-intent/order-1")

    assert says(held, amount_capturable=whole, amount_received=price.nothing(unit)) == []
    assert taken.status == 200
    for answer in (taken, read):
        assert says(answer, amount=whole, amount_received=part, amount_refundable=part) == []
    made = intent(api)
    assert (made["amount"], made["amount_received"]) == price.minor[:2]
    assert made["charges"][0]["amount_captured"] == price.minor[1]


@pytest.mark.parametrize(("price", "unit", "default"), EVERY)
async def test_a_part_and_then_the_rest_is_refunded_in_the_payments_own_currency(
    shop: Shop, price: Price, unit: AmountUnit, default: str
) -> None:
    api = shop_in(shop, unit, default)
    await pay(api, price, unit)
    whole, part, rest = price.written(unit)

    given = await ask(api, "refund", orderId='"order-1"', amount=part)
    found = await api.get(f"/payment/refund/{given.data['refund_id']}")
    left = await api.get("/payment/payment-intent/order-1")
    more = await ask(api, "refund", orderId='"order-1"', amount=whole)
    last = await ask(api, "refund", orderId='"order-1"')

    for answer in (given, found):
        assert says(answer, amount=part, amount_refunded=part, amount_refundable=rest) == []
        assert answer.data["currency"] == price.currency
    assert says(left, amount=whole, amount_refunded=part, amount_refundable=rest) == []
    assert more.status == 409
    assert more.body["message"] == f"Not more than {rest} {price.currency} is left to refund."
    assert says(last, amount=rest, amount_refunded=whole) == []
    refunds = api.shop.engine.ledger()["refunds"]
    assert [one["amount"] for one in refunds] == list(price.minor[1:])
    assert {one["currency"] for one in refunds} == {price.currency}


@pytest.mark.parametrize("default", ["usd", "eur", "jpy", "kwd", "isk", "huf"])
@pytest.mark.parametrize("unit", AmountUnit)
async def test_without_a_currency_the_default_one_is_charged(
    shop: Shop, unit: AmountUnit, default: str
) -> None:
    api = shop_in(shop, unit, default)
    customer_id = await api.new_payer()
    amount = "70000"

    paid = await ask(
        api,
        "payment-intent",
        amount=amount,
        orderId='"o"',
        customerId=f'"{customer_id}"',
        confirm="true",
    )

    decimals = {"jpy": 0, "kwd": 3}.get(default, 2) if unit is AmountUnit.MAJOR else 0
    assert (paid.status, paid.data["currency"]) == (200, default)
    made = intent(api)
    assert (made["amount"], made["currency"]) == (70000 * 10**decimals, default)


@pytest.mark.parametrize(
    ("currency", "whole", "part", "code"),
    [
        ("jpy", "7001", "500.5", "amount_too_precise"),
        ("kwd", "65.220", "10.235", "amount_invalid_for_currency"),
        ("isk", "7001", "500.5", "amount_invalid_for_currency"),
        ("usd", "65.22", "10.505", "amount_too_precise"),
    ],
)
@pytest.mark.parametrize("path", ["refund", "payment-intent/order-1/capture"])
async def test_a_part_that_the_payments_currency_does_not_have_is_refused(
    shop: Shop, path: str, currency: str, whole: str, part: str, code: str
) -> None:
    """The default currency has three decimals here, and would take each of them."""
    api = shop_in(shop, AmountUnit.MAJOR, "kwd")
    price = Price(currency, (0, 0, 0), (whole, part, part))
    holds = {"captureMethod": '"manual"'} if path.endswith("capture") else {}
    await pay(api, price, AmountUnit.MAJOR, **holds)
    before = intent(api)
    named = {} if holds else {"orderId": '"order-1"'}

    refused = await ask(api, path, amount=part, **named)

    assert (refused.status, refused.code, refused.bad_fields) == (400, code, ["amount"])
    assert intent(api) == before
    assert api.shop.engine.ledger()["refunds"] == []


@pytest.mark.parametrize("price", PRICES, ids=lambda price: price.currency)
@pytest.mark.parametrize("unit", AmountUnit)
async def test_a_dispute_is_shown_as_it_is_at_stripe(
    shop: Shop, price: Price, unit: AmountUnit
) -> None:
    api = shop_in(shop, unit, "usd")
    paid = await pay(api, price, unit)
    intent_id = paid.data["payment_intent_id"]
    api.shop.engine.open_dispute(intent_id, amount=price.minor[1], now=api.shop.stripe.now())

    refused = await ask(api, "refund", orderId='"order-1"')
    await api.shop.world.background.drain(1.0)
    shown = await api.get("/payment/payment-intent/order-1")

    part = price.written(unit)[1]
    [dispute] = shown.data["disputes"]
    assert (refused.status, dispute["currency"]) == (409, price.currency)
    assert says(shown, amount_disputed=part) == []
    assert f'"amount":{part},"currency":"{price.currency}"' in shown.raw.decode()
