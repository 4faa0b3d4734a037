"""Customers whose e-mail is changed in Stripe's dashboard, over real HTTP and webhooks."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.parts.http import Caller, customer_with_card
from tests.parts.processes import Stack, stack

BOB, ANN = "bob@shop.example", "ann@shop.example"
MIXED = "Mixed@Shop.Example"
# A webhook takes some milliseconds; a loaded machine may need much more.
LOOKS, EVERY_S = 200, 0.1


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    with stack(webhooks=True) as made:
        yield made


async def dashboard(http: aiohttp.ClientSession, running: Stack, path: str, **form: str) -> str:
    """Do something at Stripe without the service; return the id of what it was done to."""
    headers = {
        "Authorization": "Bearer sk_test_dashboard",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    url = f"{running.sandbox_url}{path}"
    async with http.post(url, data=urlencode(form), headers=headers) as answer:
        assert answer.status == 200
        return str((await answer.json())["id"])


async def test_a_customer_is_found_by_the_email_of_today_and_the_old_one_is_somebody_elses(
    running: Stack,
) -> None:
    async with aiohttp.ClientSession() as http:
        service = Caller(http, running.service_url)
        first, card = await customer_with_card(service, BOB)

        await dashboard(http, running, f"/v1/customers/{first}", email=ANN)
        for _ in range(LOOKS):
            if (await service.ask("GET", f"/payment/customer/{BOB}")).status == 404:
                break
            await asyncio.sleep(EVERY_S)
        somebody = await service.ask("POST", "/payment/customer", {"email": BOB})
        ann = await service.ask("GET", f"/payment/customer/{ANN}")
        order = {"orderId": "o-1", "amount": 5000, "paymentMethodId": card}
        pays = {**order, "customerId": somebody.data["customerId"]}
        paid = await service.ask("POST", "/payment/payment-intent", pays)

    assert somebody.status == 201
    assert somebody.data["customerId"] != first
    assert (ann.data["customerId"], ann.data["email"]) == (first, ANN)
    assert paid.status in {400, 404}


async def test_a_customer_that_only_stripe_knows_is_adopted_by_its_own_spelling(
    running: Stack,
) -> None:
    async with aiohttp.ClientSession() as http:
        service = Caller(http, running.service_url)
        there = await dashboard(http, running, "/v1/customers", email=MIXED)

        made = await service.ask("POST", "/payment/customer", {"email": MIXED})
        again = await service.ask("POST", "/payment/customer", {"email": MIXED.lower()})

    assert (made.status, made.data["customerId"]) == (200, there)
    assert (again.status, again.data["customerId"]) == (200, there)


async def test_a_change_is_made_here_and_at_stripe(running: Stack) -> None:
    async with aiohttp.ClientSession() as http:
        service = Caller(http, running.service_url)
        eve, _ = await customer_with_card(service, "eve@shop.example")
        path = f"/payment/customer/{eve}"

        taken = await service.ask("PUT", path, {"email": ANN})
        changed = await service.ask("PUT", path, {"email": "eva@shop.example", "name": "Eva"})
        shown = await service.ask("GET", "/payment/customer/eva@shop.example")
        gone = await service.ask("GET", "/payment/customer/eve@shop.example")

    assert (taken.status, taken.body["code"]) == (409, "email_taken")
    assert (changed.status, changed.data["name"]) == (200, "Eva")
    assert (shown.data["customerId"], gone.status) == (eve, 404)
