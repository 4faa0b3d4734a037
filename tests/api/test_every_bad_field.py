"""All that is bad about one request is named in one answer, and nothing moves."""

from typing import Any, Final

import pytest

from payment_service.api.app import ApiOptions, all_endpoints
from payment_service.api.door import Gate
from payment_service.api.endpoint import Endpoint
from payment_service.api.field_names import INNER_MAX, LENGTH_MAX, known_names
from payment_service.api.validation import NAMED_MAX
from payment_service.domain.money import AmountUnit
from tests.api.access import open_guarded
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop

PAY: Final = "/payment/payment-intent"
REFUND: Final = "/payment/refund"
BAD_KEY: Final = {"Idempotency-Key": "x" * 256}
WRITES: Final = [one for one in all_endpoints(Gate()) if one.asks is not None and one.reads_body]


def target(endpoint: Endpoint) -> str:
    """Return the address of an endpoint, of things that need not be there."""
    path = endpoint.path.replace("{id:path}", "order-1").replace("{customer:path}", "cus_1")
    return "/payment" + path.replace("{key}", "paid")


@pytest.mark.parametrize("endpoint", WRITES, ids=lambda one: one.name)
async def test_what_is_bad_about_key_query_and_names_is_named_with_the_bad_fields(
    shop: Shop, endpoint: Endpoint
) -> None:
    api = open_api(shop, ApiOptions(strict_requests=True))
    assert endpoint.asks is not None
    known = sorted(known_names(endpoint.asks))
    bad: dict[str, Any] = {name: [] for name in known}

    alone = await api.ask(endpoint.method, target(endpoint), body=bad)
    slip = f"{known[0]}s"
    everything = await api.ask(
        endpoint.method,
        f"{target(endpoint)}?{known[0].upper()}=1",
        body={**bad, slip: 1, "comment": 1},
        headers=BAD_KEY,
    )

    assert set(known) <= set(alone.bad_fields)
    beside = ["Idempotency-Key", known[0].upper(), slip, "comment"]
    assert (everything.status, everything.code) == (400, "invalid_request")
    assert sorted(everything.bad_fields) == sorted([*alone.bad_fields, *beside])


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, ["paymentIntentId"]),
        ({"reason": 5}, ["paymentIntentId", "reason"]),
        ({"reason": 5, "amount": 0}, ["amount", "paymentIntentId", "reason"]),
        ({"orderId": "order-1", "currency": 7, "amount": None}, ["amount", "currency"]),
        ({"orderId": "order-9", "currency": "money"}, ["currency"]),
        ({"orderId": "", "paymentIntentId": "pi_1"}, ["orderId", "paymentIntentId"]),
    ],
)
async def test_a_refund_names_every_bad_field(
    api: Api, body: dict[str, Any], named: list[str]
) -> None:
    refused = await api.post(REFUND, body)

    assert (refused.status, sorted(refused.bad_fields)) == (400, named)


CARD: Final = {"paymentMethodId": "pm_card_visa"}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"orderId": "", "amount": 1000, **CARD}, ["customerId", "orderId"]),
        ({"orderId": "", "amount": 1000, **CARD, "confirm": False}, ["orderId"]),
        ({"orderId": "", "amount": 1000, **CARD, "confirm": 5}, ["confirm", "orderId"]),
        ({"amount": 10.5, "confirm": True}, ["amount", "customerId", "orderId"]),
        (
            {"orderId": "", "amount": 1000, "offSession": True, "confirm": False},
            ["offSession", "orderId"],
        ),
        (
            {"orderId": "", "amount": 10.5, "paymentMethodId": "pm_1", "payment_method": "pm_2"},
            ["amount", "customerId", "orderId", "paymentMethodId", "payment_method"],
        ),
    ],
)
async def test_a_payment_names_every_bad_field(
    api: Api, body: dict[str, Any], named: list[str]
) -> None:
    refused = await api.post(PAY, body)

    assert (refused.status, sorted(refused.bad_fields)) == (400, named)
    assert api.shop.engine.ledger()["payment_intents"] == []


async def test_a_change_of_a_customer_names_every_bad_field(api: Api) -> None:
    refused = await api.ask("PUT", "/payment/customer/cus%201", body={"name": 5, "Email": "x"})
    nothing = await api.ask("PUT", "/payment/customer/cus%201", body={"nmae": "Ann"})

    assert sorted(refused.bad_fields) == ["Email", "customerId", "name"]
    assert sorted(nothing.bad_fields) == ["customerId", "email"]


async def test_a_list_names_every_bad_filter(api: Api) -> None:
    refused = await api.get("/payment/payments?limit=0&status=x&createdTo=x&currency=x&notify=1")

    named = ["createdTo", "currency", "limit", "notify", "status"]
    assert (refused.status, sorted(refused.bad_fields)) == (400, named)


async def test_all_that_contradicts_the_payment_is_named_at_once(shop: Shop) -> None:
    api = open_api(shop, ApiOptions(amount_unit=AmountUnit.MAJOR))
    await api.pay(amount=7000, currency="jpy")
    wrong = {"currency": "eur", "customerId": "cus_other", "captureMethod": "manual"}
    parts = {"amount": 10.5, "expectedRefundable": 70.5}

    refused = await api.post(REFUND, {"orderId": "order-1", **wrong, **parts})
    moved = await api.post(f"{PAY}/order-1/capture", {**wrong, "amount": 10.5})
    canceled = await api.post(f"{PAY}/order-1/cancel", {**wrong, "amount": 10.5})

    assert (refused.status, sorted(refused.bad_fields)) == (400, sorted([*wrong, *parts]))
    for heard in (moved, canceled):
        assert (heard.status, sorted(heard.bad_fields)) == (400, sorted([*wrong, "amount"]))
    assert api.shop.engine.ledger()["refunds"] == []


async def test_an_end_user_hears_of_every_bad_field_and_of_none_that_is_known(shop: Shop) -> None:
    api = open_guarded(shop)
    await api.as_(api.provider.token(), "POST", "/payment/customer", {"email": "a@shop.example"})
    token = api.provider.user("a@shop.example")
    wrong = {"orderId": "pi_1", "amount": 10.5, **CARD}

    refused = await api.as_(token, "POST", PAY, wrong)
    slipped = await api.as_(token, "POST", PAY, {**wrong, "curency": "eur"})

    assert (refused.status, sorted(refused.bad_fields)) == (400, ["amount", "orderId"])
    assert sorted(slipped.bad_fields) == ["amount", "curency", "orderId"]
    assert api.shop.engine.ledger()["payment_intents"] == []


# A name that speaks of an amount, however long, in whatever script and with whatever beside it.
AMOUNTS: Final = (
    "partial_refund_amount_in_smallest_currency_unit",
    "\uff41\uff4d\uff4f\uff55\uff4e\uff54",
    "\uff21\uff2d\uff34",
    "a.m.o.u.n.t",
    "am\u200bount",
    "a\u0301mount",
    "refund[am\u00adount]",
    "amount" + "_" * 50,
    "x" * (LENGTH_MAX + 1) + "amount",
)


@pytest.mark.parametrize("name", AMOUNTS, ids=ascii)
async def test_an_amount_by_a_name_of_any_length_and_script_moves_nothing(
    api: Api, name: str
) -> None:
    await api.pay("order-1")
    await api.pay("order-2", captureMethod="manual")

    refund = await api.post(REFUND, {"orderId": "order-1", name: 100})
    capture = await api.post(f"{PAY}/order-2/capture", {name: 100})

    for heard in (refund, capture):
        assert (heard.status, heard.bad_fields) == (400, [name[:60]])
    assert api.shop.engine.ledger()["refunds"] == []
    assert (await api.get(f"{PAY}/order-2")).data["status"] == "requires_capture"


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ({"refund": {"amount": 1000}}, ["refund.amount"]),
        ({"data": {"Amout": 100, "id": 1}}, ["data.Amout"]),
        (
            {"items": [{"id": 1}, {"refund_amount": 5}, {"refund_amount": 6}]},
            ["items.refund_amount"],
        ),
        ({"part": {"value": 10, "currency": "usd"}}, ["part.currency"]),
        ({"automatic_payment_methods": {"amt": 1}}, ["automatic_payment_methods.amt"]),
        ({"a": {"\uff41mount": 1}, "b": {"amount": 2}}, ["a.\uff41mount", "b.amount"]),
        ({"a": {"x" * (LENGTH_MAX + 1): 1}}, ["a." + "x" * 60]),
        ({"a": [{f"x{n}": 1} for n in range(INNER_MAX + 1)]}, ["body"]),
    ],
    ids=str,
)
async def test_an_amount_inside_a_field_that_is_not_known_moves_nothing(
    api: Api, field: dict[str, Any], named: list[str]
) -> None:
    await api.pay("order-1")
    await api.pay("order-2", captureMethod="manual")

    refund = await api.post(REFUND, {"orderId": "order-1", **field})
    capture = await api.post(f"{PAY}/order-2/capture", field)

    for heard in (refund, capture):
        assert (heard.status, heard.bad_fields) == (400, named)
    assert api.shop.engine.ledger()["refunds"] == []
    assert (await api.get(f"{PAY}/order-2")).data["status"] == "requires_capture"


async def test_expected_refundable_inside_another_field_is_no_word_against_a_double_click(
    api: Api,
) -> None:
    await api.pay("order-1")

    asked = {"orderId": "order-1", "options": {"expectedRefundable": 6522}}
    refused = await api.post(REFUND, asked)

    assert (refused.status, refused.bad_fields) == (400, ["options.expectedRefundable"])


@pytest.mark.parametrize(
    "field",
    [
        {"metadata": {"amount": "1", "x" * 300: ""}},
        {"automatic_payment_methods": {"enabled": True}},
        {"cart": {"lines": [{"amount": 1}]}},  # deeper than one level is somebody else's
        {"items": [{"id": n, "name": "x"} for n in range(500)]},
        {"x" * LENGTH_MAX: 1},
        {"\u540d\u524d": "\u592a\u90ce", "": 1, "_": 1},
    ],
    ids=str,
)
async def test_what_speaks_of_no_amount_is_still_ignored(api: Api, field: dict[str, Any]) -> None:
    await api.pay("order-1")

    back = await api.post(REFUND, {"orderId": "order-1", "amount": 10, **field})

    assert (back.status, back.data["amount"]) == (200, 10)


async def test_an_amount_inside_another_field_of_a_payment_is_the_callers_own(api: Api) -> None:
    paid = await api.pay(cart={"amount": 5})

    assert (paid.status, paid.data["amount"]) == (200, 6522)


async def test_the_bad_entries_of_a_large_metadata_are_named_up_to_a_bound(api: Api) -> None:
    def with_entries(count: int) -> dict[str, Any]:
        return {"metadata": {f"k{n}": n for n in range(count)}, "orderId": "", "amount": 500}

    many = await api.post(PAY, with_entries(NAMED_MAX))
    more = await api.post(PAY, with_entries(NAMED_MAX + 1))

    assert (many.status, more.status) == (400, 400)
    assert many.bad_fields == ["orderId", *(f"metadata.k{n}" for n in range(NAMED_MAX - 1)), "body"]
    assert more.bad_fields == ["orderId", "metadata"]
