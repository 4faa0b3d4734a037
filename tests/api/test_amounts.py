"""Amounts are whole minor units, or exact decimals where the operator wants them; never a guess."""

import pytest

from payment_service.api.app import ApiOptions
from payment_service.domain.money import AmountUnit
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop


@pytest.fixture
def major(shop: Shop) -> Api:
    return open_api(shop, ApiOptions(amount_unit=AmountUnit.MAJOR))


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (b"65.22", b"usd", "amount_not_integer"),
        (b"65.00", b"usd", "amount_not_integer"),
        (b"6.5e3", b"usd", "amount_not_integer"),
        (b'"6522"', b"usd", "amount_not_integer"),
        (b"true", b"usd", "amount_not_integer"),
        (b"null", b"usd", "amount_not_integer"),
        (b"0", b"usd", "amount_not_positive"),
        (b"-1", b"usd", "amount_not_positive"),
        (b"49", b"usd", "amount_too_small"),
        (b"100000000", b"usd", "amount_too_large"),
        (b"65221", b"kwd", "amount_invalid_for_currency"),
        (b"550", b"isk", "amount_invalid_for_currency"),
    ],
)
async def test_in_minor_units_anything_else_is_refused_with_its_own_code(
    api: Api, amount: bytes, currency: bytes, code: str
) -> None:
    raw = b'{"amount": %s, "currency": "%s", "orderId": "o", "customerId": "c"}'

    refused = await api.ask("POST", "/payment/payment-intent", raw=raw % (amount, currency))

    assert (refused.status, refused.code, refused.bad_fields) == (400, code, ["amount"])
    assert api.shop.engine.ledger()["requests"] == []


async def test_the_refusal_says_what_to_send_instead(api: Api) -> None:
    refused = await api.pay(customerId="cus_1", amount=65.22)

    [bad] = refused.body["errors"]
    assert "65.22 dollars is 6522" in bad["message"]


@pytest.mark.parametrize(
    ("amount", "currency", "minor", "shown"),
    [
        (b"65.22", b"usd", 6522, b"65.22"),
        (b"65.2", b"usd", 6520, b"65.20"),
        (b"65", b"usd", 6500, b"65.00"),
        (b"6.522e1", b"usd", 6522, b"65.22"),
        (b"500", b"jpy", 500, b"500"),
        (b"65.220", b"kwd", 65220, b"65.220"),
        (b"0.57", b"usd", 57, b"0.57"),
    ],
)
async def test_in_major_units_decimals_are_exact_both_ways(
    major: Api, amount: bytes, currency: bytes, minor: int, shown: bytes
) -> None:
    customer_id = (await major.new_payer()).encode()
    raw = b'{"amount": %s, "currency": "%s", "orderId": "o", "customerId": "%s", "confirm": true}'

    paid = await major.ask(
        "POST", "/payment/payment-intent", raw=raw % (amount, currency, customer_id)
    )

    [intent] = major.shop.engine.ledger()["payment_intents"]
    assert (paid.status, intent["amount"]) == (200, minor)
    assert b'"amount":%s,' % shown in paid.raw
    assert b'"amount_received":%s,' % shown in paid.raw


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (b"65.222", "amount_too_precise"),
        (b'"65.22"', "amount_not_decimal"),
        (b"0.00", "amount_not_positive"),
        (b"0.49", "amount_too_small"),
        (b"1e400", "amount_too_large"),
        (b"1e-400", "amount_too_precise"),
    ],
)
async def test_in_major_units_what_the_currency_does_not_have_is_refused(
    major: Api, amount: bytes, code: str
) -> None:
    raw = b'{"amount": %s, "orderId": "o", "customerId": "c"}' % amount

    refused = await major.ask("POST", "/payment/payment-intent", raw=raw)

    assert (refused.status, refused.code) == (400, code)


async def test_refunds_and_conflicts_speak_the_same_unit(major: Api) -> None:
    await major.pay(amount=65.22)

    given = await major.post("/payment/refund", {"orderId": "order-1", "amount": 10.5})
    refused = await major.post("/payment/refund", {"orderId": "order-1", "amount": 60})
    listed = await major.get("/payment/payments")

    assert b'"amount_refunded":10.50,"amount_refundable":54.72' in given.raw
    assert refused.body["message"] == "Not more than 54.72 usd is left to refund."
    assert b'"amount_refundable":54.72' in listed.raw


async def test_of_several_faults_none_hides_another(api: Api) -> None:
    refused = await api.pay(customerId="cus_1", amount=0, currency="xxx")
    unknown_minimum = await api.pay(customerId="cus_1", amount=1, currency="xxx")

    assert refused.bad_fields == ["currency", "amount"]
    assert unknown_minimum.bad_fields == ["currency"]
