"""Races over real HTTP: identical payments and refunds that together exceed what was captured.

On one process with its file, and across three processes on one database.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import aiohttp
import pytest

from tests.parts.fleet import fleet
from tests.parts.http import Caller, customer_with_card
from tests.parts.mongo_server import a_database
from tests.parts.processes import stack

AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Raced:
    """Where to race: the doors of one service, and its Stripe."""

    service_urls: tuple[str, ...]
    sandbox_url: str


@pytest.fixture(scope="module", params=["one process", "three processes"])
def running(request: pytest.FixtureRequest) -> Iterator[Raced]:
    """One running service for the module."""
    if request.param == "one process":
        with stack({"LOG_LEVEL": "warning"}) as made:
            yield Raced((made.service_url,), made.sandbox_url)
        return
    with a_database() as uri, fleet(uri, apis=3, workers=1) as many:
        yield Raced(many.api_urls, many.sandbox_url)


async def test_fifty_identical_payments_make_one_charge_and_fifty_equal_answers(
    running: Raced,
) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        doors = [Caller(http, url) for url in running.service_urls]
        sandbox = Caller(http, running.sandbox_url)
        customer_id, _ = await customer_with_card(doors[0])
        body = {"amount": 4200, "orderId": "race-pay", "customerId": customer_id, "confirm": True}

        heard = await asyncio.gather(
            *(
                doors[number % len(doors)].ask("POST", "/payment/payment-intent", body)
                for number in range(AT_ONCE)
            )
        )

        ledger = (await sandbox.ask("GET", "/_sandbox/ledger")).body
    ours = [i for i in ledger["payment_intents"] if i["metadata"].get("order_id") == "race-pay"]
    assert [len(intent["charges"]) for intent in ours] == [1]
    assert {h.status for h in heard} == {200}
    assert {h.data["payment_intent_id"] for h in heard} == {ours[0]["id"]}
    assert {h.data["status"] for h in heard} == {"succeeded"}
    assert ours[0]["amount_received"] == 4200


async def test_of_fifty_refunds_of_sixty_percent_exactly_one_succeeds(running: Raced) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        doors = [Caller(http, url) for url in running.service_urls]
        sandbox = Caller(http, running.sandbox_url)
        customer_id, _ = await customer_with_card(doors[0])
        body = {
            "amount": 1000,
            "orderId": "race-refund",
            "customerId": customer_id,
            "confirm": True,
        }
        paid = await doors[0].ask("POST", "/payment/payment-intent", body)

        refund = {"orderId": "race-refund", "amount": 600}
        heard = await asyncio.gather(
            *(
                doors[number % len(doors)].ask("POST", "/payment/refund", refund)
                for number in range(AT_ONCE)
            )
        )

        ledger = (await sandbox.ask("GET", "/_sandbox/ledger")).body
    assert sorted(h.status for h in heard) == [200] + [409] * (AT_ONCE - 1)
    assert {h.body["code"] for h in heard if h.status == 409} == {"refund_exceeds_remaining"}
    intent_id = paid.data["payment_intent_id"]
    at_stripe = [r for r in ledger["refunds"] if r["payment_intent"] == intent_id]
    assert [r["amount"] for r in at_stripe] == [600]
