"""A card number where none may be is refused and leaves no trace."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_service.api.incoming import needs_search
from payment_service.domain.card_number import holds_card_number
from tests.api.conftest import Api

NUMBER = "4242424242424242"
SPACED = "4242 4242 4242 4242"

PAYMENT = {"amount": 6522, "orderId": "order-1", "customerId": "cus_1"}


def without_trace(api: Api, lines: io.BytesIO, raw: bytes) -> bool:
    everywhere = lines.getvalue().decode() + raw.decode() + api.stored_text()
    return NUMBER not in everywhere and SPACED not in everywhere


@pytest.mark.parametrize(
    ("method", "path", "body", "fields"),
    [
        ("POST", "/customer", {"email": f"{NUMBER}@example.com"}, ["email"]),
        ("POST", "/customer", {"email": "a@example.com", "name": SPACED}, ["name"]),
        ("POST", "/payment-intent", {**PAYMENT, "description": f"card {SPACED}!"}, ["description"]),
        ("POST", "/payment-intent", {**PAYMENT, "amount": int(NUMBER)}, ["amount"]),
        ("POST", "/payment-intent", {**PAYMENT, "metadata": {"a": NUMBER}}, ["metadata.a"]),
        ("POST", "/payment-intent", {**PAYMENT, "metadata": {NUMBER: "a"}}, ["metadata.[hidden]"]),
        ("POST", "/payment-intent", {**PAYMENT, "card": [{"no": NUMBER}]}, ["card[0].no"]),
        (
            "POST",
            "/payment-method-details",
            {"last4": NUMBER, "cardType": SPACED},
            ["last4", "cardType"],
        ),
        ("POST", "/refund", {"orderId": "order-1", "reason": NUMBER}, ["reason"]),
        ("PUT", "/payment-method", {"isDefault": NUMBER}, ["isDefault"]),
        ("DELETE", "/payment-method", {"note": NUMBER}, ["note"]),
        ("DELETE", f"/payment-method?note={NUMBER}", None, ["note"]),
        ("POST", "/payment-intent", {**PAYMENT, "paymentMethodId": NUMBER}, ["paymentMethodId"]),
        (
            "POST",
            "/payment-method",
            {"customerId": "cus_1", "paymentMethodId": SPACED},
            ["paymentMethodId"],
        ),
        ("DELETE", f"/payment-method?paymentMethodId={NUMBER}", None, ["paymentMethodId"]),
        ("POST", "/customer", {"email": "a@example.com", "customerId": NUMBER}, ["customerId"]),
        ("POST", "/refund", {"paymentIntentId": NUMBER}, ["paymentIntentId"]),
        ("GET", f"/payment-methods/{NUMBER}", None, ["customerId"]),
        ("GET", f"/payments?currency={NUMBER}", None, ["currency"]),
        ("GET", f"/customer/{NUMBER}@example.com", None, ["email"]),
    ],
)
async def test_it_is_refused_wherever_it_stands(
    api: Api, lines: io.BytesIO, method: str, path: str, body: Any, fields: list[str]
) -> None:
    refused = await api.ask(
        method, f"/payment{path}", body=body, headers={"Idempotency-Key": "key-1"}
    )

    assert (refused.status, refused.code) == (400, "raw_card_data_refused")
    assert refused.bad_fields == fields
    assert without_trace(api, lines, refused.raw)
    assert api.shop.engine.ledger()["requests"] == []


async def test_order_ids_and_keys_may_look_like_one(api: Api) -> None:
    customer_id = await api.new_payer()
    asked = {"amount": 6522, "orderId": NUMBER, "customerId": customer_id}

    paid = await api.post("/payment/payment-intent", asked, idempotency_key=NUMBER)
    shown = await api.get(f"/payment/payments?orderId={NUMBER}")

    assert (paid.status, paid.data["orderId"]) == (200, NUMBER)
    assert shown.data[0]["orderId"] == NUMBER


async def test_an_order_that_looks_like_one_can_be_looked_up(api: Api) -> None:
    await api.pay(NUMBER)

    shown = await api.get(f"/payment/payment-intent/{NUMBER}")

    assert (shown.status, shown.data["orderId"]) == (200, NUMBER)


@pytest.mark.parametrize(
    "text",
    [
        r"\u0034242424242424242",
        "4242\u00a04242\u00a04242\u00a04242",
        "\uff14\uff12" * 8,
        "4242 - 4242 - 4242 - 4242",
        "4.2.4.2.4.2.4.2.4.2.4.2.4.2.4.2",
    ],
)
async def test_no_way_of_writing_it_slips_past_the_first_look(api: Api, text: str) -> None:
    raw = f'{{"amount": 6522, "orderId": "o", "description": "{text}"}}'

    refused = await api.ask("POST", "/payment/payment-intent", raw=raw.encode())

    assert (refused.status, refused.code) == (400, "raw_card_data_refused")
    assert refused.bad_fields == ["description"]


async def test_depth_is_bounded_even_where_nothing_looks_like_a_number(api: Api) -> None:
    raw = b'{"a":' * 500 + b"1" + b"}" * 500

    refused = await api.ask(
        "POST", "/payment/payment-intent", raw=raw, headers={"Idempotency-Key": "key-1"}
    )

    assert (refused.status, refused.bad_fields) == (400, ["a"])


async def test_what_is_nested_too_deep_to_be_searched_is_refused(api: Api) -> None:
    deep: Any = NUMBER
    for _ in range(20):
        deep = {"a": deep}

    refused = await api.post("/payment/payment-intent", {**PAYMENT, "metadata": deep})

    assert (refused.status, refused.bad_fields) == (400, ["metadata"])


@given(st.lists(st.sampled_from(["", " ", "-", ".", "/", " - ", "  ", "- "]), min_size=15))
def test_the_first_look_never_misses_what_the_search_finds(joints: list[str]) -> None:
    text = "".join(digit + joint for digit, joint in zip(NUMBER, [*joints, ""], strict=False))

    assert needs_search(json.dumps({"a": text}).encode()) or not holds_card_number(text)
