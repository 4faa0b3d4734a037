"""A real process whose clock is wrong by more than a day charges once and tells no lie."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.parts.http import Caller, Heard, customer_with_card
from tests.parts.preload import Shim, build_shim
from tests.parts.processes import Stack, stack

# Past the 24 h for which Stripe holds a key, in either direction.
FAR_S = 90_000
SETTINGS = {
    "STRIPE_TIMEOUT_CHARGE_S": "2",
    "STRIPE_TIMEOUT_REFUND_S": "2",
    "STRIPE_TIMEOUT_WRITE_S": "2",
    "STRIPE_TIMEOUT_READ_S": "2",
    "ORDER_SERVICE_TIMEOUT_S": "2",
    "PAYMENT_RESPONSE_DEADLINE_S": "3",
    "ORDER_STATUS_CANCELED": "CANCELED",
    "LOG_LEVEL": "warning",
}
# What is in doubt is settled within a lease (7 s) and the time that a list may lag (20 s).
SETTLED_WITHIN_S = 60.0


@dataclass
class Site:
    """Everything, running, and the switches of the service's clock."""

    stack: Stack
    shim: Shim
    service: Caller
    sandbox: Caller
    orders: Caller

    async def pay(self, order_id: str, customer_id: str | None) -> Heard:
        """Charge a customer's card, or, without one, open a payment for the payer's own client."""
        body: dict[str, Any] = {"amount": 1000, "orderId": order_id}
        if customer_id is not None:
            body |= {"customerId": customer_id, "confirm": True}
        heard = await self.service.ask("POST", "/payment/payment-intent", body)
        assert heard.status in {200, 202}, heard.body
        return heard

    async def fail_charges(self, fault: str, times: int) -> None:
        rule = {
            "method": "POST",
            "path": "/v1/payment_intents",
            "fault": fault,
            "times": times,
            "delay_s": 4,
        }
        assert (await self.sandbox.ask("POST", "/_sandbox/faults", rule)).status < 300

    async def settled(self, order_id: str) -> str:
        path = f"/payment/payment-intent/{order_id}"
        heard = await self.service.until(
            "GET",
            path,
            lambda h: h.status == 200 and h.data["status"] != "processing",
            within_s=SETTLED_WITHIN_S,
        )
        status: str = heard.data["status"]
        return status

    async def taken(self, order_id: str) -> list[int]:
        """Return what each of the order's PaymentIntents took."""
        books = (await self.sandbox.ask("GET", "/_sandbox/ledger")).body
        return [
            intent["amount_received"]
            for intent in books["payment_intents"]
            if intent["metadata"].get("order_id") == order_id
        ]

    async def told_of(self, order_id: str) -> list[str]:
        """What the OrderService was told, as soon as it was told anything."""
        heard = await self.orders.until("GET", f"/order/{order_id}", lambda h: h.status == 200)
        return [update["status"] for update in heard.body["updates"]]

    async def metric(self, name: str) -> float:
        text: str = (await self.service.ask("GET", "/metrics")).body
        found = [line for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(found[0].split()[1])


@asynccontextmanager
async def site(folder: Path, offset_s: float) -> AsyncIterator[Site]:
    """Run everything, the service under a clock that is wrong by so much."""
    shim = build_shim(folder)
    shim.clock_offset_s = offset_s
    environ = {**SETTINGS, **shim.environment(match="payments.sqlite3")}
    with stack(environ, webhooks=True) as running:
        async with aiohttp.ClientSession() as http:
            urls = (running.service_url, running.sandbox_url, running.orders_url)
            yield Site(running, shim, *(Caller(http, url) for url in urls))


@pytest.mark.parametrize("fault", ["error_500_after", "timeout_after"])
@pytest.mark.parametrize("offset_s", [FAR_S, -FAR_S])
async def test_a_charge_in_doubt_is_found_and_never_made_again(
    tmp_path: Path, offset_s: float, fault: str
) -> None:
    async with site(tmp_path, offset_s) as running:
        customer_id, _ = await customer_with_card(running.service)
        orders = {"of_customer": customer_id, "of_guest": None}
        await running.fail_charges(fault, times=len(orders))
        await asyncio.gather(*(running.pay(name, whose) for name, whose in orders.items()))

        states = await asyncio.gather(*(running.settled(name) for name in orders))
        again = await asyncio.gather(*(running.pay(name, whose) for name, whose in orders.items()))

        assert states == ["succeeded", "requires_payment_method"]
        assert [heard.data["status"] for heard in again] == states
        assert [await running.taken(name) for name in orders] == [[1000], [0]]
        assert await running.told_of("of_customer") == ["PAYMENT RECEIVED"]


@pytest.mark.parametrize("offset_s", [FAR_S, -FAR_S])
async def test_webhooks_are_taken_and_it_is_said_that_the_clock_is_wrong(
    tmp_path: Path, offset_s: float
) -> None:
    async with site(tmp_path, offset_s) as running:
        await customer_with_card(running.service)
        taken = 'payment_service_events_total{door="webhook",outcome="kept"}'

        async with asyncio.timeout(20):
            while 'outcome="kept"' not in (text := (await _metrics(running))):  # noqa: ASYNC110 - it is told to nobody
                await asyncio.sleep(0.1)

        assert taken in text
        assert "webhook_signature_invalid" not in running.stack.service.log()
        assert abs(await running.metric("payment_service_clock_ahead_seconds") - offset_s) < 5
        assert running.stack.service.log().count("clock.wrong") == 1
        ready = await running.service.ask("GET", "/readyz")
        assert ready.status == 200
        assert ready.body["clock"]["status"] == "wrong"
        assert abs(ready.body["clock"]["ahead_s"] - offset_s) < 5


async def _metrics(running: Site) -> str:
    text: str = (await running.service.ask("GET", "/metrics")).body
    return text


@pytest.mark.parametrize(
    ("before_s", "after_s"), [(FAR_S, 0), (-FAR_S, 0), (-FAR_S, FAR_S), (FAR_S, -FAR_S)]
)
async def test_a_clock_that_is_set_leaves_nothing_waiting_and_nothing_told_twice(
    tmp_path: Path, before_s: float, after_s: float
) -> None:
    async with site(tmp_path, before_s) as running:
        customer_id, _ = await customer_with_card(running.service)
        await running.fail_charges("error_500_after", times=1)
        await running.pay("order-1", customer_id)
        running.shim.clock_offset_s = after_s

        first = await running.settled("order-1")
        later = await running.pay("order-2", customer_id)

        assert (first, later.data["status"]) == ("succeeded", "succeeded")
        assert [await running.taken(name) for name in ("order-1", "order-2")] == [[1000], [1000]]
        assert await running.told_of("order-1") == ["PAYMENT RECEIVED"]
        assert await running.told_of("order-2") == ["PAYMENT RECEIVED"]


async def test_neither_does_a_clock_that_is_set_while_it_is_restarted(tmp_path: Path) -> None:
    async with site(tmp_path, FAR_S) as running:
        customer_id, _ = await customer_with_card(running.service)
        await running.fail_charges("error_500_after", times=1)
        await running.pay("order-1", customer_id)
        running.stack.service.kill()
        running.shim.clock_offset_s = 0
        running.stack.service.start()

        assert await running.settled("order-1") == "succeeded"
        assert await running.told_of("order-1") == ["PAYMENT RECEIVED"]
        assert await running.taken("order-1") == [1000]
