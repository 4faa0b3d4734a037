"""Every bad field of a request at once, by its name on the wire, never with its value."""

from typing import Any

import pytest

from tests.api.conftest import Api

GOOD = {"amount": 6522, "orderId": "order-1", "customerId": "cus_1", "confirm": True}


async def test_all_that_is_wrong_is_said_at_once(api: Api) -> None:
    refused = await api.post(
        "/payment/payment-intent",
        {
            "amount": "sixty",
            "customerId": "not an id",
            "paymentMethodId": 7,
            "orderId": "",
            "currency": "money",
            "returnUrl": "javascript:alert(1)",
            "captureMethod": "later",
            "confirm": 1,
            "description": "x" * 1001,
            "metadata": {"order_id": "mine"},
        },
    )

    assert (refused.status, refused.code) == (400, "invalid_request")
    assert refused.body["success"] is False
    assert sorted(refused.bad_fields) == [
        "amount",
        "captureMethod",
        "confirm",
        "currency",
        "customerId",
        "description",
        "metadata",
        "orderId",
        "paymentMethodId",
        "returnUrl",
    ]
    for sent in ("sixty", "not an id", "money", "javascript", "later", "mine", "xxx"):
        assert sent not in refused.raw.decode()


async def test_what_is_missing_is_said_at_once(api: Api) -> None:
    refused = await api.post("/payment/payment-intent", {})

    assert refused.body["errors"] == [
        {"field": "amount", "message": "is required"},
        {"field": "orderId", "message": "is required"},
    ]
    assert refused.body["message"] == "amount: is required; orderId: is required"


async def test_null_is_the_same_as_absent(api: Api) -> None:
    customer_id = await api.new_payer()
    nothing = dict.fromkeys(
        (
            "currency",
            "paymentMethodId",
            "returnUrl",
            "captureMethod",
            "description",
            "metadata",
        )
    )

    paid = await api.pay("order-1", customerId=customer_id, **nothing)

    assert (paid.status, paid.data["status"], paid.data["currency"]) == (200, "succeeded", "usd")
    created = await api.pay("order-2", customerId=customer_id, **nothing, confirm=None)
    assert (created.status, created.data["status"]) == (200, "requires_payment_method")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("orderId", "x" * 201),
        ("orderId", "a\nb"),
        ("orderId", " a"),
        ("orderId", 7.5),
        ("orderId", None),
        ("customerId", "x" * 256),
        ("customerId", "../charges"),
        ("customerId", "cus_1\n"),
        ("returnUrl", "/back"),
        ("returnUrl", "ftp://shop.example"),
        ("returnUrl", "https://shop.example/a b"),
        ("returnUrl", "https://[shop.example"),
        ("returnUrl", "https://shop.example/" + "x" * 2048),
        ("captureMethod", True),
        ("confirm", "yes"),
        ("description", ["a"]),
        ("metadata", []),
        ("metadata", {f"key{number}": "a" for number in range(47)}),
        ("metadata", {"x" * 41: "a"}),
        ("metadata", {"": "a"}),
        ("metadata", {"a[b]": "a"}),
        ("metadata", {"a": "x" * 501}),
        ("metadata", {"service": "a"}),
        ("metadata", {"idempotency_key": "a"}),
        ("metadata", {"request_id": "a"}),
        ("metadata.a", {"a": 1}),
        ("metadata.a", {"a": None}),
        ("currency", 840),
        ("currency", "us"),
    ],
)
async def test_each_limit_is_kept(api: Api, field: str, value: Any) -> None:
    asked = {**GOOD, field.partition(".")[0]: value}

    refused = await api.post("/payment/payment-intent", asked)

    assert (refused.status, refused.bad_fields) == (400, [field])
    assert api.shop.engine.ledger()["requests"] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("orderId", "x" * 200),
        ("orderId", "Bestellung Nr. 7 \u2013 \u65e5\u672c"),
        ("returnUrl", "http://localhost:3000/back?order=1#paid"),
        ("captureMethod", "automatic_async"),
        ("description", "x" * 1000),
        ("description", "two\nlines"),
        ("metadata", {f"key{number}": "x" * 500 for number in range(46)}),
        ("metadata", {"x" * 40: ""}),
    ],
)
async def test_what_is_just_within_a_limit_is_taken(api: Api, field: str, value: Any) -> None:
    customer_id = await api.new_payer()

    paid = await api.post(
        "/payment/payment-intent", {**GOOD, "customerId": customer_id, field: value}
    )

    assert (paid.status, paid.data["status"]) == (200, "succeeded")


async def test_a_card_is_not_charged_without_its_customer(api: Api) -> None:
    refused = await api.pay("order-1", customerId=None, paymentMethodId="pm_card_visa")

    assert (refused.status, refused.bad_fields) == (400, ["customerId"])


async def test_the_name_of_a_field_is_cut_and_its_brackets_are_no_pattern(api: Api) -> None:
    refused = await api.pay("order-1", customerId="cus_1", metadata={"{x}" * 1000: 1})

    [bad] = refused.body["errors"]
    assert bad == {
        "field": "metadata." + ("{x}" * 20),
        "message": "must be a string",
    }
