"""What is sent beside what is asked: never replayed to a slip, never let to contradict unheard."""

from typing import Any, Final

import pytest

from payment_service.api.app import ApiOptions
from payment_service.domain.money import AmountUnit
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop

KEY: Final = {"Idempotency-Key": "key-1"}
ORDER: Final = "/payment/payment-intent/order-1"
JPY_AND_KWD: Final = (("jpy", "500.00000000001", "500.5"), ("kwd", "65.21000000000001", "65.2155"))


async def test_a_slip_under_a_used_key_is_refused_by_name(api: Api) -> None:
    await api.pay()
    body = {"orderId": "order-1", "amount": 10}
    done = await api.ask("POST", "/payment/refund", body=body, headers=KEY)

    slipped = {**body, "amout": 10}
    refused = await api.ask("POST", "/payment/refund", body=slipped, headers=KEY)
    only = {"orderId": "order-1", "amout": 10}
    replaced = await api.ask("POST", "/payment/refund", body=only, headers=KEY)

    assert done.status == 200
    assert (refused.status, refused.bad_fields) == (400, ["amout"])
    assert (replaced.status, replaced.bad_fields) == (400, ["amout"])
    assert len(api.shop.engine.ledger()["refunds"]) == 1


async def test_another_unknown_field_under_a_used_key_is_another_request(api: Api) -> None:
    await api.pay()
    body = {"orderId": "order-1", "amount": 10}
    await api.ask("POST", "/payment/refund", body=body, headers=KEY)

    refused = await api.ask("POST", "/payment/refund", body={**body, "note": 1}, headers=KEY)

    assert (refused.status, refused.code) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/payment/refund", {"orderId": "order-1", "amount": 10, "currency": "eur"}, "currency"),
        ("/payment/refund", {"orderId": "order-1", "currency": 7}, "currency"),
        ("/payment/refund", {"orderId": "order-1", "customerId": "cus_other"}, "customerId"),
        (f"{ORDER}/capture", {"currency": "eur"}, "currency"),
        (f"{ORDER}/capture", {"Currency": "eur"}, "Currency"),
        (f"{ORDER}/capture", {"orderId": "order-2"}, "orderId"),
        (f"{ORDER}/cancel", {"amount": 1}, "amount"),
        (f"{ORDER}/confirm", {"amount": 1}, "amount"),
        (f"{ORDER}/confirm", {"amount": "x"}, "amount"),
        (f"{ORDER}/confirm", {"capture_method": "automatic"}, "capture_method"),
        (f"{ORDER}/cancel", {"paymentIntentId": "pi_other"}, "paymentIntentId"),
    ],
)
async def test_what_contradicts_the_payment_is_refused_by_name(
    api: Api, path: str, body: dict[str, Any], named: str
) -> None:
    await api.pay(captureMethod="manual")
    before = api.shop.engine.ledger()["payment_intents"]

    refused = await api.post(path, body)

    assert (refused.status, refused.bad_fields) == (400, [named])
    assert api.shop.engine.ledger()["payment_intents"] == before


async def test_what_agrees_with_the_payment_is_as_good_as_left_out(api: Api) -> None:
    held = await api.pay(captureMethod="manual")
    beside = {
        "currency": held.data["currency"].upper(),
        "customerId": held.data["customerId"],
        "description": "Order 1",
    }

    taken = await api.post(
        f"{ORDER}/capture",
        {**beside, "orderId": "order-1", "paymentIntentId": held.data["payment_intent_id"]},
    )
    back = await api.post("/payment/refund", {**beside, "orderId": "order-1", "amount": 10})

    assert (taken.status, back.status) == (200, 200)


async def test_names_of_metadata_are_the_callers_own(api: Api) -> None:
    paid = await api.pay(metadata={"amout": "1", "confirmation_token": "x"})

    assert paid.status == 200


@pytest.mark.parametrize("path", ["/payment/refund", f"{ORDER}/capture"])
async def test_a_name_that_is_there_twice_moves_no_money(api: Api, path: str) -> None:
    await api.pay(captureMethod="manual")

    refused = await api.ask("POST", path, raw=b'{"orderId":"order-1","amount":1,"amount":2}')

    assert (refused.status, refused.code) == (400, "invalid_json")


@pytest.mark.parametrize(("currency", "noisy", "precise"), JPY_AND_KWD)
async def test_noise_of_a_double_is_none_in_every_currency(
    shop: Shop, currency: str, noisy: str, precise: str
) -> None:
    api = open_api(shop, ApiOptions(amount_unit=AmountUnit.MAJOR))
    raw = '{"amount": %s, "orderId": "order-1", "currency": "%s"}'

    refused = await api.ask(
        "POST", "/payment/payment-intent", raw=(raw % (precise, currency)).encode()
    )
    made = await api.ask("POST", "/payment/payment-intent", raw=(raw % (noisy, currency)).encode())

    assert refused.status == 400
    assert made.status == 200, made.body


@pytest.mark.parametrize("field", ["amount", "expectedRefundable"])
@pytest.mark.parametrize(
    "text",
    [
        *("1e400", "1e-400", "1e999999999", "1e-999999999", "1e99999999999999999999"),
        *("NaN", "Infinity", '"NaN"', '"1e400"', "65.215", "-0.0", "true", "[]"),
    ],
)
async def test_no_strange_number_is_an_amount(shop: Shop, field: str, text: str) -> None:
    api = open_api(shop, ApiOptions(amount_unit=AmountUnit.MAJOR))
    await api.pay(amount=70)

    refused = await api.ask(
        "POST",
        "/payment/refund",
        raw=b'{"orderId":"order-1","%s":%s}' % (field.encode(), text.encode()),
    )

    assert refused.status == 400, refused.body
    assert api.shop.engine.ledger()["refunds"] == []


async def test_noise_is_none_where_a_part_is_taken_or_given_back(shop: Shop) -> None:
    api = open_api(shop, ApiOptions(amount_unit=AmountUnit.MAJOR))
    await api.pay(amount=70, captureMethod="manual")

    taken = await api.ask("POST", f"{ORDER}/capture", raw=b'{"amount":65.21000000000001}')
    part = b'"amount":30.000000000000004,"expectedRefundable":65.20999999999999'
    back = await api.ask("POST", "/payment/refund", raw=b'{"orderId":"order-1",%s}' % part)

    assert (taken.status, back.status) == (200, 200), (taken.body, back.body)
    assert api.shop.engine.ledger()["refunds"][0]["amount"] == 3000


# Names that answers use for a field, in other styles of writing and one slip away.
OF_ANSWERS: Final[dict[str, tuple[list[str], dict[str, Any], str]]] = {
    "payment-intent": (
        ["paymentMethod", "PaymentMethod", "payment-method", "payment_metod", "paymentMethods"],
        {"amount": 5000, "orderId": "order-2"},
        "paymentMethodId",
    ),
    "payment-intent/order-1/confirm": (["paymentMethod", "Payment_Method"], {}, "paymentMethodId"),
    "payment-intent/order-1/cancel": (["cancellationReason", "cancelation_reason"], {}, "reason"),
    "refund": (["paymentIntent", "payment_intnet"], {"orderId": "order-1"}, "paymentIntentId"),
}


@pytest.mark.parametrize(
    ("path", "name"), [(path, name) for path, (names, *_) in OF_ANSWERS.items() for name in names]
)
async def test_a_slip_of_a_name_of_our_answers_is_refused_too(
    api: Api, path: str, name: str
) -> None:
    _, body, meant = OF_ANSWERS[path]
    await api.pay("order-1")

    heard = await api.post(f"/payment/{path}", {**body, name: "pm_card_mastercard"})

    assert (heard.status, heard.bad_fields) == (400, [name])
    assert meant in heard.body["message"]
    assert api.shop.engine.ledger()["refunds"] == []
    assert len(api.shop.engine.ledger()["payment_intents"]) == 1


@pytest.mark.parametrize(
    "name",
    [
        *("amount_refunded", "amountRefundable", "amount_minor", "amountCents", "amountToRefund"),
        *("partialAmount", "amt", "refundAmt", "AMOUNT_TO_GIVE_BACK"),
    ],
)
async def test_where_no_amount_means_all_any_other_amount_is_refused(api: Api, name: str) -> None:
    await api.pay("order-1")
    await api.pay("order-2", captureMethod="manual")

    refund = await api.post("/payment/refund", {"orderId": "order-1", name: 1000})
    capture = await api.post("/payment/payment-intent/order-2/capture", {name: 1000})

    for heard in (refund, capture):
        assert (heard.status, heard.bad_fields) == (400, [name])
    assert api.shop.engine.ledger()["refunds"] == []


@pytest.mark.parametrize(("name", "value"), [("customer", "cus_of_another"), ("capture", False)])
async def test_what_stripe_calls_whom_to_charge_and_how_is_refused(
    api: Api, name: str, value: object
) -> None:
    heard = await api.pay("order-1", **{name: value})

    assert (heard.status, heard.bad_fields) == (400, [name])
    assert api.shop.engine.ledger()["payment_intents"] == []


@pytest.mark.parametrize(
    "query", ["amount=1000", "amout=1000", "orderId=order-9", "payment_intent=x"]
)
async def test_a_field_in_the_query_of_a_request_with_a_body_is_refused(
    api: Api, query: str
) -> None:
    await api.pay("order-1")

    heard = await api.post(f"/payment/refund?{query}", {"orderId": "order-1"})

    assert (heard.status, heard.bad_fields) == (400, [query.partition("=")[0]])
    assert api.shop.engine.ledger()["refunds"] == []
    harmless = await api.post("/payment/refund?_=1700000000", {"orderId": "order-1"})
    assert harmless.status == 200
