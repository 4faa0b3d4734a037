"""Orders whose terms the shop has signed: they are what is paid, and nobody else pays them."""

import io
from dataclasses import replace
from typing import Any

import pytest

from payment_service.api.app import ApiOptions
from payment_service.domain.money import AmountUnit
from tests.api.access import Guarded, open_guarded
from tests.api.proving import (
    BOB,
    CARD,
    JANE,
    PAY,
    live_intents,
    open_proving,
    pay,
    proof,
    serve,
)
from tests.parts.order_proofs import token_proof
from tests.parts.shop import Shop

CHARGE: dict[str, Any] = {"confirm": True, "paymentMethodId": CARD}


@pytest.fixture
def api(shop: Shop) -> Guarded:
    return open_proving(shop)


@pytest.mark.parametrize("name", ["orderProof", "order_proof", "orderToken", "order_token"])
async def test_the_amount_is_the_shops_and_the_browser_need_not_say_it(
    api: Guarded, name: str
) -> None:
    heard = await pay(api, JANE, None, amount=None, **CHARGE, **{name: proof(api)})

    assert (heard.status, heard.data["orderId"]) == (200, "order-1")
    assert (heard.data["amount"], heard.data["currency"]) == (6522, "usd")
    assert heard.data["status"] == "succeeded"


async def test_a_token_proves_as_well_and_what_is_equal_may_be_said_too(api: Guarded) -> None:
    made = await api.as_(api.provider.user(JANE), "POST", "/payment/customer", {"email": JANE})
    customer = made.data["customerId"]
    now = api.shop.world.clock.now()
    signed = token_proof(now, customer=customer, currency="EUR", orderId=17, iat=now.timestamp())

    heard = await pay(
        api,
        JANE,
        "17",
        currency="eur",
        customerId=customer,
        captureMethod="automatic",
        orderProof=signed,
        **CHARGE,
    )

    assert (heard.status, heard.data["orderId"], heard.data["currency"]) == (200, "17", "eur")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"amount": 50}, "amount"),
        ({"amount": 6521}, "amount"),
        ({"amount": "6522"}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": {"$gt": 0}}, "amount"),
        ({"amount": None, "currency": "jpy"}, "currency"),
        ({"currency": "eur"}, "currency"),
        ({"currency": ["usd"]}, "currency"),
        ({"order_id": "order-2"}, "orderId"),
        ({"order_id": {"a": 1}}, "orderId"),
        ({"customerId": "cus_nope"}, "customerId"),
        ({"customerId": ["cus_nope"]}, "customerId"),
        ({"captureMethod": "manual"}, "captureMethod"),
        ({"captureMethod": [1]}, "captureMethod"),
    ],
)
async def test_what_the_browser_says_otherwise_is_refused_by_name(
    api: Guarded, said: dict[str, Any], field: str
) -> None:
    heard = await pay(api, JANE, **{"order_id": "order-1", "orderProof": proof(api), **said})

    assert (heard.status, heard.code) == (400, "order_proof_differs")
    assert heard.bad_fields == [field]
    assert api.shop.engine.ledger()["payment_intents"] == []


async def test_every_difference_is_named_at_once(api: Guarded) -> None:
    heard = await pay(
        api, JANE, "order-2", amount=50, currency="eur", customerId="cus_1", orderProof=proof(api)
    )

    assert heard.bad_fields == ["orderId", "customerId", "currency", "amount"]


async def test_without_a_proof_nothing_is_claimed(api: Guarded, lines: io.BytesIO) -> None:
    heard = await pay(api, JANE)
    empty = await pay(api, JANE, orderProof="")

    assert (heard.status, heard.code) == (403, "order_proof_required")
    assert (empty.status, empty.code) == (403, "order_proof_invalid")
    assert '"reason":"missing"' in lines.getvalue().decode().replace(" ", "")
    assert api.shop.engine.ledger()["payment_intents"] == []


async def test_a_proof_for_somebody_else_is_as_none(api: Guarded, lines: io.BytesIO) -> None:
    none = await pay(api, BOB)

    for customer in (JANE, "cus_of_jane", "no e-mail"):
        heard = await pay(api, BOB, orderProof=proof(api, customer=customer))
        assert (heard.status, heard.code) == (403, "order_proof_required")
        assert heard.body["message"] == none.body["message"]
    both = await pay(api, BOB, orderProof=proof(api, customer=BOB, email=JANE))
    assert (both.status, both.code) == (403, "order_proof_required")
    assert "another_customer" in lines.getvalue().decode()


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": 1},
        {"exp": None},
        {"secret": "another-secret-that-has-32-characters-too"},
        {"amount": 0},
        {"amount": -5},
        {"amount": 65.225},
        {"amount": "6522"},
        {"amount": True},
        {"currency": "xxx"},
        {"currency": 7},
        {"orderId": ""},
        {"orderId": " order-1"},
        {"orderId": ["order-1"]},
        {"orderId": True},
        {"orderId": "pi_1"},
        {"captureMethod": "later"},
        {"captureMethod": {"a": 1}},
    ],
)
async def test_a_proof_that_is_not_valid_pays_nothing_and_the_log_says_why(
    api: Guarded, lines: io.BytesIO, changed: dict[str, Any]
) -> None:
    signed = proof(api, **changed)

    heard = await pay(api, JANE, None, amount=None, orderProof=signed)

    expected = {(403, "order_proof_invalid"), (400, "invalid_request")}
    assert (heard.status, heard.code) in expected
    assert changed.get("orderId") == "pi_1" or heard.status == 403
    text = lines.getvalue().decode()
    assert heard.status == 400 or "order_proof.refused" in text
    assert signed not in text
    assert JANE not in text
    assert api.shop.engine.ledger()["payment_intents"] == []


@pytest.mark.parametrize("bad", [7, True, {"a": 1}, ["x"], "x" * 5000, "v1.x.y", "eyJ.eyJ.x"])
async def test_what_is_no_proof_is_an_invalid_one(api: Guarded, bad: Any) -> None:
    heard = await pay(api, JANE, orderProof=bad)

    assert (heard.status, heard.code) == (403, "order_proof_invalid")


async def test_a_proof_sent_twice_pays_once(api: Guarded) -> None:
    signed = proof(api)

    first = await pay(api, JANE, orderProof=signed, **CHARGE)
    again = await pay(api, JANE, orderProof=signed, **CHARGE)
    stolen = await pay(api, BOB, orderProof=signed, **CHARGE)

    assert (first.data["status"], again.data["status"]) == ("succeeded", "succeeded")
    assert (stolen.status, stolen.code) == (403, "order_proof_required")
    assert len(live_intents(api)) == 1


async def test_a_new_proof_changes_what_an_order_costs_until_it_is_paid(api: Guarded) -> None:
    await pay(api, JANE, orderProof=proof(api))

    cheaper = await pay(api, JANE, amount=None, orderProof=proof(api, amount=500), **CHARGE)
    late = await pay(api, JANE, orderProof=proof(api), **CHARGE)

    assert (cheaper.status, cheaper.data["amount"]) == (200, 500)
    assert (late.status, late.code) == (409, "order_already_paid")
    assert [one["amount_received"] for one in live_intents(api)] == [500]


async def test_the_shop_says_whether_money_is_only_held(api: Guarded) -> None:
    signed = proof(api, captureMethod="manual")

    held = await pay(api, JANE, orderProof=signed, **CHARGE)

    assert (held.status, held.data["status"]) == (200, "requires_capture")


async def test_a_service_needs_no_proof_and_takes_what_is_proved(api: Guarded) -> None:
    await pay(api, JANE, orderProof=proof(api))
    made = await api.as_(api.provider.token(), "POST", "/payment/customer", {"email": BOB})

    taken = await serve(api, customerId=made.data["customerId"], amount=700, orderProof="nonsense")
    janes = await pay(api, JANE, orderProof=proof(api))

    assert (taken.status, taken.data["amount"]) == (200, 700)
    assert (janes.status, janes.code) == (404, "not_found")
    assert [one["amount"] for one in live_intents(api)] == [700]


async def test_an_order_that_was_canceled_goes_to_whom_the_shop_says(api: Guarded) -> None:
    await pay(api, JANE, orderProof=proof(api))
    await api.as_(api.provider.user(JANE), "POST", f"{PAY}/order-1/cancel", {})

    heard = await pay(api, BOB, orderProof=proof(api, customer=BOB), **CHARGE)

    assert (heard.status, heard.data["status"]) == (200, "succeeded")


async def test_amounts_of_proofs_are_in_the_unit_of_all_amounts(shop: Shop) -> None:
    api = open_proving(shop, amount_unit=AmountUnit.MAJOR)

    heard = await pay(api, JANE, amount=None, orderProof=proof(api, amount=65.22), **CHARGE)
    same = await pay(api, JANE, amount=65.22, orderProof=proof(api, amount=65.22), **CHARGE)

    assert (heard.status, same.status, str(heard.data["amount"])) == (200, 200, "65.22")
    assert [one["amount_received"] for one in live_intents(api)] == [6522]


async def test_where_nothing_can_be_checked_a_proof_says_nothing(shop: Shop) -> None:
    api = open_guarded(shop, ApiOptions(version="1.2.3", mode="test"))

    heard = await pay(api, JANE, amount=50, orderProof="whatever")

    assert (heard.status, heard.data["amount"]) == (200, 50)


async def test_a_shop_that_cannot_check_what_it_asks_for_takes_nothing(shop: Shop) -> None:
    api = open_proving(shop)
    shop.world = replace(shop.world, order_proofs=None)
    api = open_guarded(shop, replace(ApiOptions(), order_proof="signed"))

    heard = await pay(api, JANE, orderProof="whatever")

    assert (heard.status, heard.code) == (403, "order_proof_required")


async def test_a_proof_that_is_sent_counts_also_where_none_is_asked_for(shop: Shop) -> None:
    """So that a shop's pages may send proofs before they are asked for."""
    api = open_proving(shop, "none")

    proved = await pay(api, JANE, amount=50, orderProof=proof(api))
    wrong = await pay(api, JANE, orderProof=proof(api, exp=1))
    without = await pay(api, JANE, amount=50)

    assert (proved.status, proved.bad_fields) == (400, ["amount"])
    assert (wrong.status, wrong.code) == (403, "order_proof_invalid")
    assert (without.status, without.data["amount"]) == (200, 50)


@pytest.mark.parametrize("kind", ["none", "signed"])
@pytest.mark.parametrize(
    ("field", "value"),
    [("offSession", True), ("offSession", "true"), ("metadata", {"paid": "yes"})],
)
async def test_what_only_the_shop_may_say_is_refused_to_an_end_user_by_name(
    shop: Shop, kind: str, field: str, value: Any
) -> None:
    api = open_proving(shop, kind)
    said: dict[str, Any] = {
        field: value,
        "orderProof": proof(api),
        "paymentMethodId": CARD,
        "confirm": True,
    }

    heard = await pay(api, JANE, **said)

    assert (heard.status, heard.code, heard.bad_fields) == (403, "service_required", [field])
    assert api.shop.engine.ledger()["payment_intents"] == []


async def test_what_says_nothing_is_no_word_of_the_shops(api: Guarded) -> None:
    nothing: dict[str, Any] = {"offSession": False, "metadata": {}, "description": "two books"}

    heard = await pay(api, JANE, orderProof=proof(api), **nothing, **CHARGE)

    assert heard.status == 200


async def test_only_a_service_may_call_a_payment_fraudulent(api: Guarded) -> None:
    await pay(api, JANE, orderProof=proof(api))
    path, fraud = f"{PAY}/order-1/cancel", {"reason": "fraudulent"}

    janes = await api.as_(api.provider.user(JANE), "POST", path, fraud)
    services = await api.as_(api.provider.token(), "POST", path, fraud)

    assert (janes.status, janes.code, janes.bad_fields) == (403, "service_required", ["reason"])
    assert (services.status, services.data["status"]) == (200, "canceled")
