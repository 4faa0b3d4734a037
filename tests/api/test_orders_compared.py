"""Orders that the OrderService shows: an end user pays their own, at what it costs."""

import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from payment_service.domain.order_proof import ShownOrder
from tests.api.access import OPTIONS, Guarded, open_guarded
from tests.api.proving import BOB, CARD, JANE, Orders, live_intents, open_proving, pay, proof, serve
from tests.parts.shop import Shop

CHARGE: dict[str, Any] = {"confirm": True, "paymentMethodId": CARD}
JANES = ShownOrder(6522, "usd", JANE)


@pytest.fixture
def orders() -> Orders:
    return Orders({"order-1": JANES})


@pytest.fixture
def api(shop: Shop, orders: Orders) -> Guarded:
    return open_proving(shop, "order-service", orders=orders)


@pytest.mark.parametrize(
    "shown",
    [
        JANES,
        ShownOrder(6522, "USD", " Jane@Example.com"),
        ShownOrder(6522, None, JANE),
    ],
)
async def test_an_order_is_paid_that_is_the_callers(
    api: Guarded, orders: Orders, shown: ShownOrder
) -> None:
    orders.orders["order-1"] = shown

    heard = await pay(api, JANE, **CHARGE)

    assert (heard.status, heard.data["status"], heard.data["amount"]) == (200, "succeeded", 6522)


async def test_a_customer_may_be_known_by_the_id_at_stripe(api: Guarded, orders: Orders) -> None:
    made = await api.as_(api.provider.user(JANE), "POST", "/payment/customer", {"email": JANE})
    orders.orders["order-1"] = replace(JANES, customer=made.data["customerId"])

    assert (await pay(api, JANE, **CHARGE)).status == 200


async def test_an_order_of_another_currency_is_paid_in_it(api: Guarded, orders: Orders) -> None:
    orders.orders["order-1"] = replace(JANES, currency="eur")

    heard = await pay(api, JANE, **CHARGE)

    assert (heard.status, heard.data["currency"]) == (200, "eur")


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({"amount": 50}, ["amount"]),
        ({"currency": "eur"}, ["currency"]),
        ({"amount": 50, "currency": "eur"}, ["currency", "amount"]),
    ],
)
async def test_other_terms_than_the_orders_are_refused_by_name(
    api: Guarded, said: dict[str, Any], fields: list[str]
) -> None:
    heard = await pay(api, JANE, **said)

    assert (heard.status, heard.code) == (400, "order_proof_differs")
    assert heard.bad_fields == fields
    assert api.shop.engine.ledger()["payment_intents"] == []


@pytest.mark.parametrize("customer", [BOB, None, "", 7, ["jane@example.com"], {"email": JANE}])
async def test_what_is_not_theirs_is_as_if_it_were_not_there(
    api: Guarded, orders: Orders, customer: Any
) -> None:
    orders.orders["order-1"] = ShownOrder(6522, "usd", customer)

    foreign = await pay(api, JANE)
    absent = await pay(api, JANE, "order-2")

    assert (foreign.status, foreign.code) == (absent.status, absent.code) == (404, "not_found")
    assert foreign.body["message"] == absent.body["message"]
    assert api.shop.engine.ledger()["payment_intents"] == []


async def test_somebody_elses_amount_is_not_told(api: Guarded, orders: Orders) -> None:
    orders.orders["order-1"] = ShownOrder("unreadable", "usd", BOB)

    assert (await pay(api, JANE, amount=50)).code == "not_found"


@pytest.mark.parametrize("amount", [None, "6522", -1, True, Decimal("6522.5"), {"value": 6522}])
async def test_an_order_whose_amount_cannot_be_read_is_not_paid(
    api: Guarded, orders: Orders, amount: Any, lines: io.BytesIO
) -> None:
    orders.orders["order-1"] = replace(JANES, amount=amount)

    heard = await pay(api, JANE)

    assert (heard.status, heard.code) == (503, "order_service_unavailable")
    assert "amount_unreadable" in lines.getvalue().decode()
    assert api.shop.engine.ledger()["payment_intents"] == []


async def test_nothing_is_paid_while_the_order_service_is_away(
    api: Guarded, orders: Orders
) -> None:
    orders.away = "no_connection"

    heard = await pay(api, JANE, **CHARGE)

    assert (heard.status, heard.code) == (503, "order_service_unavailable")
    assert heard.headers["retry-after"]
    assert api.shop.engine.ledger()["payment_intents"] == []


async def test_without_an_order_service_nothing_is_paid(shop: Shop) -> None:
    api = open_guarded(shop, replace(OPTIONS, order_proof="order-service"))

    assert (await pay(api, JANE)).status == 503


async def test_a_bad_request_does_not_ask_the_order_service(api: Guarded, orders: Orders) -> None:
    for bad in ({"amount": "x"}, {"order_id": "\n"}, {"customerId": "cus_nope"}):
        assert (await pay(api, JANE, **{"order_id": "order-1", **bad})).status in {400, 404}

    assert orders.asked == []


async def test_a_service_is_not_compared(api: Guarded, orders: Orders) -> None:
    made = await api.as_(api.provider.token(), "POST", "/payment/customer", {"email": BOB})

    heard = await serve(api, "order-9", customerId=made.data["customerId"])

    assert (heard.status, orders.asked) == (200, [])


async def test_whose_order_it_is_takes_it_over_from_who_claimed_it(
    shop: Shop, api: Guarded
) -> None:
    await pay(open_guarded(shop), BOB, amount=50)

    heard = await pay(api, JANE, **CHARGE)

    assert (heard.status, heard.data["amount"]) == (200, 6522)
    assert [one["amount"] for one in live_intents(api)] == [6522]


async def test_a_proof_of_the_shop_spares_the_look(api: Guarded, orders: Orders) -> None:
    heard = await pay(api, JANE, "order-7", orderProof=proof(api, orderId="order-7"))

    assert (heard.status, orders.asked) == (200, [])
