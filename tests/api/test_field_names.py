"""A name that is one slip away from a field is refused by name; what real clients send is taken."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from payment_service.api import asked
from payment_service.api.app import ApiOptions
from payment_service.api.field_names import UNKNOWN_MAX, known_names, renamed, slips, twice_named
from payment_service.domain.money import AmountUnit
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop

MONEY: Final[Mapping[str, type[BaseModel]]] = {
    "payment-intent": asked.AskedPayment,
    "payment-intent/order-1/confirm": asked.AskedConfirmation,
    "payment-intent/order-1/capture": asked.AskedCapture,
    "payment-intent/order-1/cancel": asked.AskedCancellation,
    "refund": asked.AskedRefund,
    "payment-method": asked.AskedCard,
    "payment-method-details": asked.AskedCardDetails,
    "setup-intent": asked.AskedCustomerId,
}
_STRIPES: Final = (
    "application_fee_amount",
    "onBehalfOf",
    "payment_method_types",
    "paymentMethodData",
    "statement_descriptor",
    "off-session",
    "amount_to_capture",
)
LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABC_-0"


@st.composite
def slipped(draw: st.DrawFn) -> tuple[str, str, str]:
    """Return an endpoint, one of its fields, and that field one edit, case or style away."""
    path = draw(st.sampled_from(sorted(MONEY)))
    known = known_names(MONEY[path])
    field = draw(st.sampled_from(sorted(known)))
    at = draw(st.integers(0, len(field) - 1))
    letter = draw(st.sampled_from(LETTERS))
    variants = {
        "other case": field.swapcase(),
        "first letter": field[0].upper() + field[1:],
        "snake": "".join(f"_{c.lower()}" if c.isupper() else c for c in field),
        "kebab": "".join(f"-{c.lower()}" if c.isupper() else c for c in field),
        "less": field[:at] + field[at + 1 :],
        "more": field[:at] + letter + field[at:],
        "other": field[:at] + letter + field[at + 1 :],
        "swapped": field[:at] + field[at : at + 2][::-1] + field[at + 2 :],
        "edit and case": (field[:at] + letter + field[at:]).upper(),
    }
    return path, field, variants[draw(st.sampled_from(sorted(variants)))]


@given(slipped())
@settings(max_examples=2000, deadline=None)
def test_every_slip_of_every_field_that_moves_money_is_named(slip: tuple[str, str, str]) -> None:
    path, field, sent = slip
    kind = MONEY[path]
    if sent in renamed(kind, {sent: 1}) and sent not in known_names(kind):
        [bad] = slips(kind, [sent])

        assert bad.field == sent
        assert any(name in bad.message for name in known_names(kind)), (field, bad)


@pytest.mark.parametrize("path", MONEY)
async def test_a_slip_moves_no_money(api: Api, path: str) -> None:
    await api.pay(captureMethod="manual")
    before = api.shop.engine.ledger()["payment_intents"]

    for field in sorted(known_names(MONEY[path])):
        for name in (field[1:], f"{field}x", field.upper()):
            refused = await api.post(f"/payment/{path}", {name: 1})
            assert refused.status == 400, (path, name, refused.body)
            assert name in refused.bad_fields

    assert api.shop.engine.ledger()["payment_intents"] == before


@pytest.mark.parametrize("name", ["amout", "Amount", "refund_amount", "AMOUNT", "amount "])
async def test_a_refund_with_a_slip_gives_nothing_back(api: Api, name: str) -> None:
    await api.pay()

    refused = await api.post("/payment/refund", {"orderId": "order-1", name: 1000})

    assert (refused.status, refused.bad_fields) == (400, [name])
    assert api.shop.engine.ledger()["refunds"] == []


@pytest.mark.parametrize(
    "name",
    ["confirmationToken", "confirmation_token", "transfer_data", "setupFutureUsage", *_STRIPES],
)
async def test_what_moves_money_at_stripe_is_refused_by_name(api: Api, name: str) -> None:
    refused = await api.pay(**{name: "x"})

    assert (refused.status, refused.bad_fields) == (400, [name])


async def test_what_our_answers_call_a_field_is_understood(api: Api) -> None:
    payer = await api.new_payer()
    held = await api.pay(customerId=payer, capture_method="manual", payment_method="pm_card_amex")
    assert (held.status, held.data["status"]) == (200, "requires_capture")
    await api.post("/payment/payment-intent/order-1/capture", {})

    back = await api.post(
        "/payment/refund", {"payment_intent": held.data["payment_intent_id"], "amount": 10}
    )

    assert (back.status, back.data["amount"]) == (200, 10)
    [intent] = api.shop.engine.ledger()["payment_intents"]
    assert intent["confirmations"][-1]["card"]["last4"] == "0005"


async def test_a_field_under_two_names_must_say_the_same(api: Api) -> None:
    both = {"captureMethod": "manual", "capture_method": "automatic"}

    refused = await api.pay(**both)
    agreed = await api.pay("order-2", **{**both, "capture_method": "manual"})

    assert (refused.status, refused.bad_fields) == (400, ["capture_method", "captureMethod"])
    assert agreed.data["status"] == "requires_capture"


@pytest.mark.parametrize("query", ["notifications=dead", "state=x", "Status=succeeded", "q=1"])
async def test_a_filter_that_is_not_known_shows_nobodys_payments(api: Api, query: str) -> None:
    refused = await api.get(f"/payment/payments?{query}")

    assert (refused.status, refused.bad_fields) == (400, [query.partition("=")[0]])


async def test_more_unknown_fields_than_anybody_sends_are_refused(api: Api) -> None:
    many: dict[str, Any] = {f"extra{number}": 1 for number in range(UNKNOWN_MAX + 1)}

    refused = await api.pay(**many)

    assert (refused.status, refused.bad_fields) == (400, ["body"])


async def test_strict_requests_have_no_field_that_is_not_known(shop: Shop) -> None:
    strict = open_api(shop, ApiOptions(strict_requests=True))

    refused = await strict.post(
        "/payment/customer", {"email": "a@shop.example", "emial": 1, "comment": "x"}
    )

    assert (refused.status, sorted(refused.bad_fields)) == (400, ["comment", "emial"])


def recorded(payer: str, card: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give what an existing front end and an existing OrderService send, as it was recorded."""
    details = {"cardholderName": "A B", "last4": "****", "cardType": "unknown"}
    yield (
        "POST",
        "payment-intent",
        {
            "amount": 65.21,
            "currency": "usd",
            "description": "Order 7",
            "customerId": payer,
            "orderId": "order-1",
            "paymentMethodId": card,
        },
    )
    yield (
        "POST",
        "payment-method-details",
        {
            "customerId": payer,
            "paymentMethodId": card,
            **details,
            "expiryDate": "4/27",
            "isDefault": False,
        },
    )
    named = {"customerId": payer, "paymentMethodId": card}
    yield "PUT", "payment-method", {**named, "isDefault": True}
    yield "POST", "refund", {"orderId": "order-1", "amount": 10.5}
    yield "POST", "refund", {"orderId": "order-1"}
    yield "DELETE", "payment-method", named


async def test_what_existing_clients_send_is_taken(shop: Shop) -> None:
    api = open_api(shop, ApiOptions(amount_unit=AmountUnit.MAJOR))
    payer = await api.new_payer()
    [card] = (await api.get(f"/payment/payment-methods/{payer}")).data
    for method, path, body in recorded(payer, card["payment_method_id"]):
        heard = await api.ask(
            method,
            f"/payment/{path}",
            body={**body, "automatic_payment_methods": {"enabled": True}},
            headers={"Authorization": "Bearer null"},
        )
        assert heard.status == 200, (path, heard.body)
    payment = await api.get("/payment/payment-intent/order-1")
    assert payment.data["amount_refunded"] == payment.data["amount"]


async def test_what_clients_without_types_send_is_taken_as_meant(api: Api) -> None:
    payer = await api.new_payer()
    [card] = (await api.get(f"/payment/payment-methods/{payer}")).data
    named = {"customerId": payer, "paymentMethodId": card["payment_method_id"]}

    paid = await api.pay(orderId=77, returnUrl="", description="", **named)
    chosen = await api.ask("PUT", "/payment/payment-method", body={**named, "isDefault": "true"})
    made = await api.post("/payment/customer", {"email": "new@shop.example", "name": ""})

    assert (paid.status, paid.data["orderId"]) == (200, "77")
    assert (chosen.status, made.status) == (200, 201)


@pytest.mark.parametrize("order_id", [True, 7.5, -1, 10**18, None, ["a"]])
async def test_what_is_no_text_and_no_plain_number_is_no_order(api: Api, order_id: object) -> None:
    refused = await api.pay(orderId=order_id)

    assert (refused.status, refused.bad_fields) == (400, ["orderId"])


@pytest.mark.parametrize(
    ("amount", "minor"), [("65.21000000000001", 6521), ("30.000000000000004", 3000)]
)
async def test_the_noise_of_a_double_is_no_precision(shop: Shop, amount: str, minor: int) -> None:
    api = open_api(shop, ApiOptions(amount_unit=AmountUnit.MAJOR))
    raw = b'{"amount": %s, "orderId": "order-1"}' % amount.encode()

    made = await api.ask("POST", "/payment/payment-intent", raw=raw)
    refused = await api.ask("POST", "/payment/payment-intent", raw=raw.replace(b"0000", b"5000"))

    assert made.status == 200
    assert api.shop.engine.ledger()["payment_intents"][0]["amount"] == minor
    assert (refused.status, refused.code) == (400, "amount_too_precise")


def test_two_names_with_one_value_are_one_field() -> None:
    sent = {"paymentMethodId": "pm_1", "payment_method": "pm_1"}
    other = {**sent, "payment_method": "pm_2"}

    assert renamed(asked.AskedPayment, sent) == {"paymentMethodId": "pm_1"}
    assert list(twice_named(asked.AskedPayment, sent)) == []
    named = [bad.field for bad in twice_named(asked.AskedPayment, other)]
    assert named == ["payment_method", "paymentMethodId"]
