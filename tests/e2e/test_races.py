"""Races over real HTTP: identical payments and refunds that together exceed what was captured."""

import asyncio
from collections.abc import Iterator

import aiohttp
import pytest

from tests.parts.http import Caller, customer_with_card
from tests.parts.processes import Stack, stack

AT_ONCE = 50


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """One running stack for the module."""
    with stack({"LOG_LEVEL": "warning"}) as made:
        yield made


async def test_fifty_identical_payments_make_one_charge_and_fifty_equal_answers(
    running: Stack,
) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        service, sandbox = Caller(http, running.service_url), Caller(http, running.sandbox_url)
        customer_id, _ = await customer_with_card(service)
        body = {"amount": 4200, "orderId": "race-pay", "customerId": customer_id}

        heard = await asyncio.gather(
            *(service.ask("POST", "/payment/payment-intent", body) for _ in range(AT_ONCE))
        )

        ledger = (await sandbox.ask("GET", "/_sandbox/ledger")).body
    ours = [i for i in ledger["payment_intents"] if i["metadata"].get("order_id") == "race-pay"]
    assert [len(intent["charges"]) for intent in ours] == [1]
    assert {h.status for h in heard} == {200}
    assert {h.data["payment_intent_id"] for h in heard} == {ours[0]["id"]}
    assert {h.data["status"] for h in heard} == {"succeeded"}
    assert ours[0]["amount_received"] == 4200


async def test_of_fifty_refunds_of_sixty_percent_exactly_one_succeeds(running: Stack) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        service, sandbox = Caller(http, running.service_url), Caller(http, running.sandbox_url)
        customer_id, _ = await customer_with_card(service)
        body = {"amount": 1000, "orderId": "race-refund", "customerId": customer_id}
        paid = await service.ask("POST", "/payment/payment-intent", body)

        refund = {"orderId": "race-refund", "amount": 600}
        heard = await asyncio.gather(
            *(service.ask("POST", "/payment/refund", refund) for _ in range(AT_ONCE))
        )

        ledger = (await sandbox.ask("GET", "/_sandbox/ledger")).body
    assert sorted(h.status for h in heard) == [200] + [409] * (AT_ONCE - 1)
    assert {h.body["code"] for h in heard if h.status == 409} == {"refund_exceeds_remaining"}
    intent_id = paid.data["payment_intent_id"]
    at_stripe = [r for r in ledger["refunds"] if r["payment_intent"] == intent_id]
    assert [r["amount"] for r in at_stripe] == [600]
