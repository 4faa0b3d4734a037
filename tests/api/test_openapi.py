"""The document says what the service does: every route, every status, an example of each."""

import re
from typing import Any

import jsonschema_rs
import pytest
from starlette.routing import Route

from payment_service.api import answer_models as models
from payment_service.api.app import ApiOptions, all_endpoints
from payment_service.api.door import Gate
from payment_service.domain.money import AmountUnit
from tests.api.asgi import Heard
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop

# Served, and no part of what callers program against.
UNLISTED = {
    "/",
    "/payment",
    "/metrics",
    "/payment/api-docs",
    "/payment/api-docs/",
    "/payment/api-docs.json",
    "/payment/api-docs/{file}",
}


@pytest.fixture
async def document(api: Api) -> dict[str, Any]:
    heard = await api.get("/payment/api-docs.json")
    assert (heard.status, heard.headers["content-type"]) == (200, "application/json")
    found: dict[str, Any] = heard.body
    return found


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    whole = {**schema, "components": document["components"]}
    return jsonschema_rs.Draft202012Validator(whole)


async def test_every_route_is_in_the_document(api: Api, document: dict[str, Any]) -> None:
    app: Any = api.app
    routes = {
        f"{method} {route.path.replace(':path}', '}')}"
        for route in app.routes
        if isinstance(route, Route) and route.path not in UNLISTED
        for method in route.methods or ()
        if method != "HEAD"
    }

    assert routes == operations(document).keys()


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == "1.2.3"
    assert document["servers"] == [{"url": "/"}]


def test_every_request_and_every_answer_has_an_example_that_fits(
    document: dict[str, Any],
) -> None:
    for operation in operations(document).values():
        contents = [
            answer["content"]["application/json"] for answer in operation["responses"].values()
        ]
        if "requestBody" in operation:
            contents.append(operation["requestBody"]["content"]["application/json"])
        for content in contents:
            check = validator(document, content["schema"])
            assert content["examples"]
            for example in content["examples"].values():
                check.validate(example["value"])


def test_every_operation_says_what_may_go_wrong(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        statuses = set(operation["responses"])
        if name.startswith("GET"):
            assert "500" in statuses, name
        else:
            wanted = {"400", "413", "500", "503"}
            if name != "POST /payment/webhook":  # Stripe's body and key are not our callers'
                wanted |= {"409", "415", "422", "502"}
            assert wanted <= statuses, name
        for parameter in re.findall(r"{(\w+)}", name):
            assert parameter in [one["name"] for one in operation["parameters"]], name


def test_every_refusal_of_an_endpoint_is_shown_with_its_status(document: dict[str, Any]) -> None:
    by_name = {one["operationId"]: one["responses"] for one in operations(document).values()}

    for endpoint in all_endpoints(Gate()):
        for status, codes in endpoint.refusals.items():
            content = by_name[endpoint.name][str(status)]["content"]["application/json"]
            assert set(codes) <= content["examples"].keys()


def test_second_names_are_marked_as_deprecated(document: dict[str, Any]) -> None:
    payment = document["components"]["schemas"]["PaymentData"]["properties"]
    made = document["components"]["schemas"]["NewCustomerAnswer"]["properties"]

    deprecated = {name for name, field in payment.items() if field.get("deprecated")}
    assert deprecated == {"paymentIntentId", "clientSecret"}
    assert made["customerId"]["deprecated"] is True


def test_an_amount_says_what_it_means_besides_its_unit(document: dict[str, Any]) -> None:
    asked = document["components"]["schemas"]["AskedRefund"]["properties"]

    assert asked["expectedRefundable"]["description"] == (
        "What you believe to be left to refund. When another amount is left, nothing is refunded "
        "(409 `refundable_differs`), so that a double click refunds once. In the currency's minor "
        "unit (cents for usd)."
    )


async def test_the_document_says_which_unit_amounts_have(
    shop: Shop, document: dict[str, Any]
) -> None:
    major = open_api(shop, ApiOptions(amount_unit=AmountUnit.MAJOR))
    heard = await major.get("/payment/api-docs.json")

    def amount_of(found: dict[str, Any], name: str) -> Any:
        return found["components"]["schemas"][name]["properties"]["amount"]["type"]

    for name in ("AskedPayment", "AskedRefund", "PaymentData", "RefundData"):
        assert amount_of(document, name) == "integer"
        assert amount_of(heard.body, name) == "number"
    assert b'"amount":65.22' in heard.raw


async def test_the_answers_are_what_the_document_says(api: Api) -> None:
    customer_id = await api.new_payer()
    [card] = (await api.get(f"/payment/payment-methods/{customer_id}")).data
    paid = await api.pay("order-1", customerId=customer_id)
    waiting = await api.pay("order-2", paymentMethodId="pm_card_threeDSecure2Required")
    refused = await api.pay("order-3", paymentMethodId="pm_card_chargeDeclined")
    conflict = await api.pay("order-1")
    given = await api.post("/payment/refund", {"orderId": "order-1", "amount": 1000})
    asked = {"customerId": customer_id, "paymentMethodId": card["payment_method_id"]}
    removed = await api.ask("DELETE", "/payment/payment-method", body=asked)
    api.deafen("/v1/payment_intents")
    pending = await api.pay("order-4", customerId=customer_id, paymentMethodId="pm_card_visa")

    checked: list[tuple[type[models.Told], Heard]] = [
        (models.CustomerAnswer, await api.get("/payment/customer/jane@example.com")),
        (models.CardsAnswer, await api.get(f"/payment/payment-methods/{customer_id}")),
        (models.PaymentAnswer, paid),
        (models.PaymentAnswer, waiting),
        (models.ProblemAnswer, refused),
        (models.ProblemAnswer, conflict),
        (models.RefundAnswer, given),
        (models.DoneAnswer, removed),
        (models.PendingAnswer, pending),
        (models.FullPaymentAnswer, await api.get("/payment/payment-intent/order-1")),
        (models.FullPaymentAnswer, await api.get("/payment/payment-intent/order-4")),
        (models.PaymentsAnswer, await api.get("/payment/payments")),
        (models.ProblemAnswer, await api.get("/payment/nope")),
        (models.HealthAnswer, await api.get("/payment/")),
        (models.LiveAnswer, await api.get("/livez")),
        (models.ReadyAnswer, await api.get("/readyz")),
    ]
    for kind, heard in checked:
        kind.model_validate(heard.body)
