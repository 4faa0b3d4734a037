"""One e-mail has one customer, however it is written and whoever made it."""

import asyncio

import pytest

from payment_service.domain.steps import CreateCustomer
from tests.api.conftest import Api
from tests.api.test_truth_of_answers import NO_PERMISSION, refuse


async def test_a_new_customer_is_201_and_repeats_its_id_beside_the_data(api: Api) -> None:
    made = await api.post("/payment/customer", {"email": "jane@example.com", "name": "Jane"})

    customer_id = made.data["customerId"]
    assert made.status == 201
    assert customer_id.startswith("cus_")
    assert made.body == {
        "success": True,
        "data": {"customerId": customer_id},
        "customerId": customer_id,
    }


async def test_the_same_email_however_it_is_written_is_the_same_customer(api: Api) -> None:
    first = await api.post("/payment/customer", {"email": "jane@example.com"})
    again = await api.post("/payment/customer", {"email": "  Jane@Example.COM "})

    assert (first.status, again.status) == (201, 200)
    assert first.body == again.body


async def test_two_at_once_make_one_customer_at_stripe(api: Api) -> None:
    asked = {"email": "jane@example.com"}
    made = await asyncio.gather(*(api.post("/payment/customer", asked) for _ in range(5)))

    assert {one.status for one in made} <= {200, 201}
    assert len({one.data["customerId"] for one in made}) == 1
    created = [r for r in api.shop.engine.ledger()["requests"] if r["path"] == "/v1/customers"]
    assert [r["method"] for r in created].count("POST") == 1


async def test_a_customer_is_shown_by_its_email(api: Api) -> None:
    customer_id = await api.new_payer()

    shown = await api.get("/payment/customer/Jane@example.com")

    cards = await api.get(f"/payment/payment-methods/{customer_id}")
    assert shown.status == 200
    assert shown.body == {
        "success": True,
        "data": {
            "customerId": customer_id,
            "email": "jane@example.com",
            "name": None,
            "defaultPaymentMethodId": cards.data[0]["payment_method_id"],
        },
        "customerId": customer_id,
    }


async def test_a_customer_that_only_stripe_knows_is_adopted(api: Api) -> None:
    step = CreateCustomer(key="elsewhere", email="bob@example.com", name="Bob")
    await api.shop.world.gateway.ask(step)

    shown = await api.get("/payment/customer/bob@example.com")
    again = await api.post("/payment/customer", {"email": "bob@example.com"})

    assert shown.data["name"] == "Bob"
    assert again.status == 200
    assert again.data["customerId"] == shown.data["customerId"]


async def test_nobody_with_this_email_is_404(api: Api) -> None:
    shown = await api.get("/payment/customer/nobody@example.com")

    assert (shown.status, shown.code) == (404, "not_found")


async def test_what_is_no_email_is_400(api: Api) -> None:
    shown = await api.get("/payment/customer/nobody")
    made = await api.post("/payment/customer", {"email": "nobody"})
    neither = await api.post("/payment/customer", {"email": 7, "name": "a\nb"})

    assert (shown.status, shown.bad_fields) == (400, ["email"])
    assert (made.status, made.bad_fields) == (400, ["email"])
    assert (neither.status, neither.bad_fields) == (400, ["email", "name"])


async def test_while_stripe_cannot_be_reached_it_is_503_or_pending_never_a_failure(
    api: Api,
) -> None:
    api.fault("timeout_before", "/v1/customers", method="GET")
    looked_for = await api.get("/payment/customer/jane@example.com")
    api.fault("error_500_before", "/v1/customers", times=1000)
    made = await api.post("/payment/customer", {"email": "jane@example.com"})

    assert (looked_for.status, looked_for.code) == (503, "stripe_unavailable")
    assert looked_for.headers["retry-after"] == "5"
    assert made.status == 202
    assert made.body["pending"] is True
    assert made.data == {"email": "jane@example.com", "status": "processing"}


async def test_a_customer_that_only_the_second_request_could_make_is_new(api: Api) -> None:
    refuse(api, "/v1/customers", NO_PERMISSION)
    asked = {"email": "ann@shop.example"}

    first = await api.post("/payment/customer", asked)
    api.shop.stripe.pick = lambda *_: None
    second = await api.post("/payment/customer", asked)
    third = await api.post("/payment/customer", asked)

    assert first.status == 502
    assert (second.status, third.status) == (201, 200)


@pytest.mark.parametrize("how", ["post", "get"])
async def test_an_email_that_stripe_will_not_look_for_is_400_and_names_the_field(
    api: Api, how: str
) -> None:
    refuse(api, "/v1/customers", (400, {"code": "email_invalid", "param": "email"}), "GET")

    if how == "post":
        refused = await api.post("/payment/customer", {"email": "bob@shop.example"})
    else:
        refused = await api.get("/payment/customer/bob@shop.example")

    assert (refused.status, refused.code, refused.bad_fields) == (400, "email_invalid", ["email"])
    assert api.shop.engine.ledger()["customers"] == []


async def test_what_else_stripe_refuses_in_the_look_is_502(api: Api) -> None:
    refuse(api, "/v1/customers", (400, {"code": "parameter_unknown", "param": "limit"}), "GET")

    refused = await api.post("/payment/customer", {"email": "bob@shop.example"})

    assert (refused.status, refused.code) == (502, "stripe_refused")
