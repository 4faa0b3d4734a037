"""A card number in a header, in pieces, or in other digits: none is kept, sent on or logged."""

import io
import json
from typing import Any
from urllib.parse import quote

import pytest

from payment_service.api.request_ids import sane_request_id
from tests.api.conftest import Api

NUMBER = "4242424242424242"
FULL_WIDTH = "\uff14\uff12" * 8
PAYMENT: dict[str, Any] = {"amount": 6522, "orderId": "order-1"}


def everything(api: Api, lines: io.BytesIO) -> str:
    """Return all that was logged, stored and sent to Stripe, without escapes."""
    asked = json.dumps(api.shop.engine.ledger()["requests"], default=str)
    text = lines.getvalue().decode() + api.stored_text() + asked
    return text.replace("\\uff14", "\uff14").replace("\\uff12", "\uff12")


# The request id

LIKE_ONE = [
    NUMBER,
    "4242-4242-4242-4242",
    "4242.4242.4242.4242",
    "4242:4242:4242:4242",
    "4242_4242_4242_4242",
    f"req_{NUMBER}",
    "378282246310005",
    "4-2-4-2-4-2-4-2-4-2-4-2-4-2-4-2",
]


@pytest.mark.parametrize("given", LIKE_ONE)
async def test_a_request_id_that_looks_like_a_card_number_is_replaced(
    api: Api, lines: io.BytesIO, given: str
) -> None:
    customer_id = await api.new_payer()
    paid = await api.post(
        "/payment/payment-intent", {**PAYMENT, "customerId": customer_id}, x_request_id=given
    )

    assert paid.status == 200
    assert paid.headers["x-request-id"].startswith("req_")
    assert paid.headers["x-request-id"] != given
    assert given not in everything(api, lines)


@pytest.mark.parametrize(
    "given",
    [
        "550e8400-e29b-41d4-a716-446655440000",
        "42424242-4242-4242-8242-424242424242",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "1-67891233-abcdef012345678912345678",
        "01J9ZK3M4N5P6Q7R8S9T4242AB",
        "1764000000000",
        "2001:db8:4242:4242",
    ],
)
def test_ids_that_systems_make_stay(given: str) -> None:
    assert sane_request_id(given.encode()) == given


# In pieces


@pytest.mark.parametrize(
    ("metadata", "fields"),
    [
        ({"a": "42424242", "b": "42424242"}, ["metadata.a", "metadata.b"]),
        ({"b": "4242 4242", "x": "hello", "a": "4242 4242"}, ["metadata.b", "metadata.a"]),
        ({"card_b": "24242", "card_a": "42424242424"}, ["metadata.card_a", "metadata.card_b"]),
    ],
)
async def test_a_number_split_over_metadata_is_refused(
    api: Api, lines: io.BytesIO, metadata: dict[str, str], fields: list[str]
) -> None:
    refused = await api.post("/payment/payment-intent", {**PAYMENT, "metadata": metadata})

    assert (refused.status, refused.code) == (400, "raw_card_data_refused")
    assert refused.bad_fields == fields
    assert "4242" not in everything(api, lines)


async def test_numbers_of_different_things_are_taken_beside_each_other(api: Api) -> None:
    metadata = {"cart": "42424242", "customer": "42424242", "ean": "4006381333931", "n": "1"}

    made = await api.post("/payment/payment-intent", {**PAYMENT, "metadata": metadata})

    assert made.status == 200


# Otherwise joined, and other digits


@pytest.mark.parametrize("joint", ["_", "*", "x", "    ", "\t", "\u00a0", "\u200b", "%20", "-"])
@pytest.mark.parametrize("field", ["description", "metadata", "returnUrl"])
async def test_a_number_is_refused_whatever_joins_its_groups(
    api: Api, lines: io.BytesIO, field: str, joint: str
) -> None:
    number = joint.join(["4242"] * 4)
    value: Any = (
        {"note": f"card {number}"} if field == "metadata" else f"https://a.example/?{number}"
    )
    refused = await api.post("/payment/payment-intent", {**PAYMENT, field: value})

    assert (refused.status, refused.code) == (400, "raw_card_data_refused")
    assert refused.bad_fields == ["metadata.note" if field == "metadata" else field]
    assert number not in everything(api, lines)


@pytest.mark.parametrize(
    "order_id", [FULL_WIDTH, " ".join([FULL_WIDTH[:4]] * 4), "4242_4242_4242_4242", NUMBER]
)
async def test_an_order_id_may_look_like_a_number_and_is_hidden_in_the_log(
    api: Api, lines: io.BytesIO, order_id: str
) -> None:
    """Shops number their orders as they like; ours is to keep them and not to write them out."""
    paid = await api.pay(order_id)
    shown = await api.get(f"/payment/payments?orderId={quote(order_id)}")

    log = lines.getvalue().decode().replace("\\uff14", "\uff14").replace("\\uff12", "\uff12")
    assert (paid.status, paid.data["orderId"], shown.data[0]["orderId"]) == (
        200,
        order_id,
        order_id,
    )
    assert order_id not in log
    assert "card:4242" in log
