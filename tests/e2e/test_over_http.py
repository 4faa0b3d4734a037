"""Every endpoint over real HTTP with real processes, from first customer to last refund."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.parts.http import Caller, customer_with_card
from tests.parts.processes import Stack, stack


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """One running stack for the module."""
    with stack() as made:
        yield made


@pytest.fixture
async def service(running: Stack) -> AsyncIterator[Caller]:
    """A caller of the service."""
    async with aiohttp.ClientSession() as http:
        yield Caller(http, running.service_url)


async def test_a_customer_is_made_once_and_found_by_any_spelling_of_the_email(
    service: Caller,
) -> None:
    made = await service.ask(
        "POST", "/payment/customer", {"email": " Bea@Shop.example ", "name": "Bea"}
    )
    again = await service.ask("POST", "/payment/customer", {"email": "bea@shop.example"})
    found = await service.ask("GET", "/payment/customer/bea@shop.example")
    unknown = await service.ask("GET", "/payment/customer/nobody@shop.example")

    assert (made.status, again.status, found.status, unknown.status) == (201, 200, 200, 404)
    assert made.data["customerId"] == again.data["customerId"] == found.data["customerId"]
    assert made.body["customerId"] == made.data["customerId"]
    assert found.data["email"] == "bea@shop.example"
    assert unknown.body["success"] is False


async def test_cards_are_added_named_listed_chosen_and_removed(service: Caller) -> None:
    customer_id, first = await customer_with_card(service, "cards@shop.example")
    details = {
        "customerId": customer_id,
        "paymentMethodId": "pm_card_mastercard",
        "cardholderName": "Cara Ds",
        "last4": "0000",
        "cardType": "wrong",
        "expiryDate": "01/20",
    }

    second = await service.ask("POST", "/payment/payment-method-details", details)
    chosen = {
        "customerId": customer_id,
        "paymentMethodId": second.data["payment_method_id"],
        "isDefault": True,
    }
    default = await service.ask("PUT", "/payment/payment-method", chosen)
    listed = await service.ask("GET", f"/payment/payment-methods/{customer_id}")
    removed = await service.ask("DELETE", "/payment/payment-method", chosen)
    left = await service.ask("GET", f"/payment/payment-methods/{customer_id}")

    assert (second.status, default.status, removed.status) == (200, 200, 200)
    assert (second.data["card_brand"], second.data["card_last4"]) == ("mastercard", "4444")
    assert second.data["cardholder_name"] == "Cara Ds"
    assert [c["is_default"] for c in listed.data] == [True, False]
    assert listed.data[0]["payment_method_id"] == second.data["payment_method_id"]
    assert [(c["payment_method_id"], c["is_default"]) for c in left.data] == [(first, True)]


async def test_an_order_is_paid_shown_listed_and_refunded_in_parts(
    service: Caller, running: Stack
) -> None:
    customer_id, card_id = await customer_with_card(service, "order@shop.example")
    pay = {"amount": 6522, "customerId": customer_id, "orderId": "walk-1", "confirm": True}

    paid = await service.ask("POST", "/payment/payment-intent", pay)
    told = await Caller(service.http, running.orders_url).until(
        "GET", "/order/walk-1", lambda h: h.status == 200
    )
    part = await service.ask("POST", "/payment/refund", {"orderId": "walk-1", "amount": 2000})
    intent_id = paid.data["payment_intent_id"]
    rest = await service.ask("POST", "/payment/refund", {"paymentIntentId": intent_id})
    shown = await service.ask("GET", f"/payment/payment-intent/{intent_id}")
    by_order = await service.ask("GET", "/payment/payment-intent/walk-1")
    listed = await service.ask("GET", f"/payment/payments?customerId={customer_id}")

    assert (paid.status, paid.data["status"], paid.data["amount"]) == (200, "succeeded", 6522)
    assert paid.data["paymentIntentId"] == intent_id
    assert paid.data["payment_method"] == card_id
    assert told.body["status"] == "PAYMENT RECEIVED"
    assert (part.data["amount"], part.data["amount_refundable"]) == (2000, 4522)
    assert (rest.data["amount"], rest.data["amount_refundable"]) == (4522, 0)
    assert shown.data["amount_refunded"] == by_order.data["amount_refunded"] == 6522
    assert [row["orderId"] for row in listed.data] == ["walk-1"]


async def test_a_refused_card_is_402_and_another_card_pays_the_same_intent(
    service: Caller,
) -> None:
    customer_id, good = await customer_with_card(service, "second-try@shop.example")
    bad = await service.ask(
        "POST",
        "/payment/payment-method",
        {"customerId": customer_id, "paymentMethodId": "pm_card_chargeCustomerFail"},
    )
    pay = {"amount": 900, "customerId": customer_id, "orderId": "two-tries", "confirm": True}

    refused = await service.ask(
        "POST",
        "/payment/payment-intent",
        {**pay, "paymentMethodId": bad.data["payment_method_id"]},
    )
    paid = await service.ask("POST", "/payment/payment-intent", {**pay, "paymentMethodId": good})
    ledger = await service.ask("GET", "/payment/payment-intent/two-tries")

    assert (refused.status, refused.body["code"]) == (402, "card_declined")
    assert (paid.status, paid.data["status"]) == (200, "succeeded")
    assert ledger.data["payment_intent_id"] == paid.data["payment_intent_id"]


async def test_the_same_key_answers_again_and_another_body_is_refused(service: Caller) -> None:
    customer_id, _ = await customer_with_card(service, "key@shop.example")
    pay = {"amount": 700, "customerId": customer_id, "orderId": "keyed", "confirm": True}
    key = {"Idempotency-Key": "order-keyed-1"}

    first = await service.ask("POST", "/payment/payment-intent", pay, key)
    again = await service.ask("POST", "/payment/payment-intent", pay, key)
    other = await service.ask("POST", "/payment/payment-intent", {**pay, "amount": 701}, key)

    assert first.status == again.status == 200
    assert first.body == again.body
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")


async def test_three_d_secure_answers_with_the_client_secret_and_stores_none(
    service: Caller, running: Stack
) -> None:
    customer_id, _ = await customer_with_card(
        service, "3ds@shop.example", "pm_card_threeDSecure2Required"
    )
    pay = {"amount": 5000, "customerId": customer_id, "orderId": "challenge", "confirm": True}

    asked = await service.ask("POST", "/payment/payment-intent", pay)

    assert (asked.status, asked.data["status"]) == (200, "requires_action")
    assert asked.data["client_secret"] == asked.data["clientSecret"]
    assert asked.data["next_action"]["type"] == "use_stripe_sdk"
    secret = asked.data["client_secret"].split("_secret_")[1].encode()
    written = [
        path for path in running.folder.iterdir() if path.is_file() and secret in path.read_bytes()
    ]
    assert written == [], "a client secret was written down"


async def test_wrong_requests_name_every_bad_field_and_touch_nothing(service: Caller) -> None:
    bad = {"amount": 65.22, "currency": "xyz", "orderId": "", "customerId": 7}

    heard = await service.ask("POST", "/payment/payment-intent", bad)
    card = await service.ask(
        "POST",
        "/payment/customer",
        {"email": "c@shop.example", "name": "4242 4242 4242 4242"},
    )

    assert heard.status == 400
    fields = {error["field"] for error in heard.body["errors"]}
    assert fields == {"amount", "currency", "orderId", "customerId"}
    assert (card.status, card.body["code"]) == (400, "raw_card_data_refused")
    assert "4242" not in str(card.body)


async def test_health_documents_and_metrics_answer(service: Caller) -> None:
    root = await service.ask("GET", "/payment/")
    page = await service.ask("GET", "/payment/api-docs")
    document = await service.ask("GET", "/payment/api-docs.json")
    metrics = await service.ask("GET", "/metrics")

    assert (await service.ask("GET", "/livez")).status == 200
    assert (await service.ask("GET", "/readyz")).status == 200
    assert root.body["message"] == "I am healthy!"
    assert "swagger" in page.body.lower()
    assert document.body["openapi"].startswith("3.1")
    assert "payment_service_changes_total" in metrics.body


def test_sigterm_stops_the_service_cleanly_and_it_starts_again_on_the_same_database() -> None:
    with stack() as made:
        code = made.service.stop()
        made.service.start()

        assert code == 0
        assert "process.drained" in made.service.log()
