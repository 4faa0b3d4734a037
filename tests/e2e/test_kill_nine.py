"""The promise, on real processes: kill -9 among concurrent payments under faults loses nothing.

Stripe tells of it all by webhook meanwhile, as unreliably as it can.
`KILL_NINE_PAYMENTS` sets how many payments are in flight; `make sim` runs it with 200.
"""

import asyncio
import os
import random
from collections import Counter
from typing import Any

import aiohttp

from tests.parts.http import Caller, Heard, customer_with_card
from tests.parts.mongo_server import a_database
from tests.parts.processes import Stack, stack

PAYMENTS = int(os.environ.get("KILL_NINE_PAYMENTS", "60"))
SEED = int(os.environ.get("KILL_NINE_SEED", "20261123"))
# Every fault that the sandbox knows; each hits some of the charges.
FAULTS = (
    "timeout_before",
    "timeout_after",
    "reset_before",
    "reset_after",
    "error_500_before",
    "error_500_after",
    "error_503_before",
    "error_503_after_key_forgotten",
    "truncated_200",
    "rate_limit",
    "lock_timeout",
    "delay",
)
# Every fault of webhooks; each hits some of the events.
WEBHOOK_FAULTS = ("drop", "duplicate", "two_events", "delay", "reorder", "never_generated")
SETTLED_WITHIN_S = 60.0
# Time-outs in the test's own time: the shipped defaults, and the leases that must outlast the
# longest of them, would only make it longer.
SETTINGS = {
    "STRIPE_TIMEOUT_CHARGE_S": "3",
    "STRIPE_TIMEOUT_REFUND_S": "3",
    "STRIPE_TIMEOUT_WRITE_S": "3",
    "STRIPE_TIMEOUT_READ_S": "3",
    "ORDER_SERVICE_TIMEOUT_S": "3",
    "LOG_LEVEL": "warning",
}


def test_kill_nine_among_concurrent_payments_charges_once_and_loses_nothing() -> None:
    with stack(SETTINGS, webhooks=True) as running:
        asyncio.run(_life(running))


def test_neither_does_it_with_the_payments_on_mongodb() -> None:
    """Others might be at work there, so what the dead one had claimed waits for its lease."""
    with a_database() as uri, stack({**SETTINGS, "MONGODB_URI": uri}, webhooks=True) as running:
        asyncio.run(_life(running))


async def _life(running: Stack) -> None:
    chance = random.Random(SEED)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        service = Caller(http, running.service_url)
        sandbox = Caller(http, running.sandbox_url)
        orders = Caller(http, running.orders_url)
        customer_id, _ = await customer_with_card(service)
        await _plan_faults(sandbox, chance)

        payers = [
            asyncio.create_task(_pay(service, customer_id, number, chance))
            for number in range(PAYMENTS)
        ]
        await asyncio.sleep(chance.uniform(0.2, 0.6))
        running.service.kill()
        told = await asyncio.gather(*payers)
        running.service.start()
        await sandbox.ask("DELETE", "/_sandbox/faults")

        states = await asyncio.gather(*(_at_rest(service, number) for number in range(PAYMENTS)))
        ledger = (await sandbox.ask("GET", "/_sandbox/ledger")).body
        charged = _charged(ledger)
        assert max(charged.values(), default=0) <= 1, "an order was charged twice"
        for number, (state, was_told) in enumerate(zip(states, told, strict=True)):
            order = f"order-{number}"
            assert (state == "succeeded") == (charged[order] == 1), (order, state, charged[order])
            assert was_told != "succeeded" or state == "succeeded", order
            if state == "succeeded":
                await orders.until(
                    "GET", f"/order/{order}", lambda h: h.status == 200, within_s=SETTLED_WITHIN_S
                )
            else:
                assert (await orders.ask("GET", f"/order/{order}")).status == 404, order
        assert charged, "nothing was charged at all: the test proves nothing"


async def _plan_faults(sandbox: Caller, chance: random.Random) -> None:
    for kind in FAULTS:
        fault = {
            "method": "POST",
            "path": "/v1/payment_intents*",
            "fault": kind,
            "times": max(PAYMENTS // 30, 1),
            "skip": chance.randrange(PAYMENTS // 4),
            "delay_s": 2,
        }
        assert (await sandbox.ask("POST", "/_sandbox/faults", fault)).status < 300
    for kind in WEBHOOK_FAULTS:
        rule = {
            "type": "*",
            "fault": kind,
            "times": max(PAYMENTS // 10, 1),
            "skip": chance.randrange(PAYMENTS),
        }
        assert (await sandbox.ask("POST", "/_sandbox/webhooks", rule)).status < 300


async def _pay(service: Caller, customer_id: str, number: int, chance: random.Random) -> str | None:
    """Pay one order; None when the service died before it answered."""
    await asyncio.sleep(chance.uniform(0, 0.5))
    body = {
        "amount": 1000 + number,
        "orderId": f"order-{number}",
        "customerId": customer_id,
        "confirm": True,
    }
    try:
        heard = await service.ask("POST", "/payment/payment-intent", body)
    except aiohttp.ClientError:
        return None
    status: str | None = heard.body.get("data", {}).get("status")
    return status


async def _at_rest(service: Caller, number: int) -> str | None:
    """Return the state that a payment comes to by itself; None for one that was never begun."""

    def settled(heard: Heard) -> bool:
        return heard.status == 404 or bool(heard.data["status"] != "processing")

    path = f"/payment/payment-intent/order-{number}"
    heard = await service.until("GET", path, settled, within_s=SETTLED_WITHIN_S)
    state: str | None = None if heard.status == 404 else heard.data["status"]
    return state


def _charged(ledger: dict[str, Any]) -> Counter[str]:
    """Return how many PaymentIntents took money for each order."""
    return Counter(
        intent["metadata"]["order_id"]
        for intent in ledger["payment_intents"]
        if intent["amount_received"] > 0
    )
