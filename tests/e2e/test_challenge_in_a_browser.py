"""3-D Secure as its payer meets it: the bank's page in a real browser, and back to the shop."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from playwright.async_api import Page, async_playwright

from tests.parts.http import Caller, customer_with_card
from tests.parts.processes import Stack, stack

# The webhook is there at once; this is for a machine that is busy with all the other tests.
KNOWN_WITHIN_S = 10.0


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """One running stack for the module, whose sandbox delivers its webhooks."""
    with stack(webhooks=True) as made:
        yield made


@pytest.fixture
async def service(running: Stack) -> AsyncIterator[Caller]:
    """A caller of the service."""
    async with aiohttp.ClientSession() as http:
        yield Caller(http, running.service_url)


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """An empty page in Debian's Chromium, with nothing kept of earlier ones."""
    program = shutil.which("chromium")
    if program is None and os.environ.get("CI"):
        pytest.fail("chromium is not installed, and in CI this must not be skipped")
    if program is None:
        pytest.skip("chromium is not installed")
    # Chromium refuses to run its own sandbox as root, and a container has no room for its memory.
    flags = ["--no-sandbox", "--disable-dev-shm-usage"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=flags)
        yield await browser.new_page()
        await browser.close()


async def challenged(service: Caller, running: Stack, order: str) -> Any:
    """Return the payment of an order whose card wants to see its holder."""
    customer_id, _ = await customer_with_card(
        service, f"{order}@shop.example", "pm_card_threeDSecure2Required"
    )
    body = {
        "amount": 5000,
        "orderId": order,
        "customerId": customer_id,
        "confirm": True,
        "returnUrl": f"{running.orders_url}/health?of={order}",
    }
    asked = await service.ask("POST", "/payment/payment-intent", body)
    assert (asked.status, asked.data["status"]) == (200, "requires_action"), asked
    return asked.data


async def pressed(page: Page, payment: Any, button: str) -> dict[str, list[str]]:
    """Open the bank's page, press a button; return with what the payer came back to the shop."""
    await page.goto(payment["next_action"]["redirect_to_url"]["url"])
    assert "50.00 USD" in await page.inner_text("main")
    await page.get_by_role("button", name=button).click()
    await page.wait_for_url("**/health?**")
    return parse_qs(urlsplit(page.url).query)


async def test_a_challenge_that_is_completed_pays_the_order(
    page: Page, service: Caller, running: Stack
) -> None:
    payment = await challenged(service, running, "completed")

    came_back = await pressed(page, payment, "Complete")

    assert came_back == {
        "of": ["completed"],
        "payment_intent": [payment["payment_intent_id"]],
        "payment_intent_client_secret": [payment["client_secret"]],
        "redirect_status": ["succeeded"],
    }
    paid = await service.until(
        "GET",
        f"/payment/payment-intent/{payment['payment_intent_id']}",
        lambda h: h.data["status"] == "succeeded",
        within_s=KNOWN_WITHIN_S,
    )
    assert paid.data["amount_received"] == 5000
    told = await Caller(service.http, running.orders_url).until(
        "GET", "/order/completed", lambda h: h.status == 200, within_s=KNOWN_WITHIN_S
    )
    assert (told.body["status"], told.body["told"]) == ("PAYMENT RECEIVED", 1)


async def test_a_challenge_that_is_failed_takes_no_money_and_leaves_the_order_to_be_paid(
    page: Page, service: Caller, running: Stack
) -> None:
    payment = await challenged(service, running, "failed")

    came_back = await pressed(page, payment, "Fail")

    assert came_back["redirect_status"] == ["failed"]
    path = f"/payment/payment-intent/{payment['payment_intent_id']}"
    left = await service.until(
        "GET", path, lambda h: h.data["status"] != "requires_action", within_s=KNOWN_WITHIN_S
    )
    assert (left.data["status"], left.data["amount_received"]) == ("requires_payment_method", 0)
    told = await Caller(service.http, running.orders_url).ask("GET", "/order/failed")
    assert told.status == 404
