"""The webhook's promise, on real processes: what was answered 200 is kept, whoever is killed.

Eight senders post a burst of signed events, a quarter of them twice and all in disorder, while the
service is killed with `kill -9` and started again. `BURST_WEBHOOKS` sets how many;
`make sim` runs it with 10,000.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from tests.parts.at_stripe import AtStripe, intent_of
from tests.parts.http import Caller, customer_with_card
from tests.parts.processes import WEBHOOK_SECRET, Stack, stack
from tests.parts.senders import Senders

WEBHOOKS = int(os.environ.get("BURST_WEBHOOKS", "2000"))
SEED = int(os.environ.get("BURST_SEED", "20261124"))
DISTINCT = WEBHOOKS * 3 // 4
# A payment has at least three events within a second, so there are some to spare.
PAYMENTS = WEBHOOKS // 4
BY_PAYERS = PAYMENTS * 3 // 5
# In shares of the answers that the senders are to get.
KILLED_AT = (0.3, 0.6)
SETTLED_WITHIN_S = 60.0
# Neither the list of events nor the sweep may find what the webhook is there to bring.
SETTINGS = {"BACK_FILL_EVERY_S": "0", "SWEEP_EVERY_S": "0", "LOG_LEVEL": "warning"}
# So some orders are told again, which counts once only when it comes under the same key.
UPDATES_HEARD_AND_FAILED = {"mode": "accept_then_500", "times": 20}
RETURN_URL = "https://shop.example/paid"

# What the payers pay with, over and over: most cards pay, one is declined, one wants 3-D Secure.
CARDS = (*["pm_card_visa"] * 8, "pm_card_chargeDeclined", "pm_card_threeDSecure2Required")
AT_ONCE = 8
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Town:
    """Everybody who takes part."""

    running: Stack
    service: Caller
    orders: Caller
    stripe: AtStripe
    senders: Senders


def test_no_event_answered_200_is_lost_or_counts_twice_when_the_service_is_killed() -> None:
    with stack(SETTINGS) as running:
        asyncio.run(_burst(running))


async def _burst(running: Stack) -> None:
    chance = random.Random(SEED)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        town = Town(
            running,
            Caller(http, running.service_url),
            Caller(http, running.orders_url),
            AtStripe(http, running.sandbox_url),
            Senders(http, running.webhook_url, WEBHOOK_SECRET),
        )
        await _payments_made(town)
        events = await _events_to_send(town)
        asked_before = len((await town.stripe.ledger())["requests"])
        await town.orders.ask("POST", "/_demo/behaviour", UPDATES_HEARD_AND_FAILED)

        burst = [*events, *chance.sample(events, WEBHOOKS - len(events))]
        chance.shuffle(burst)
        sending = asyncio.create_task(town.senders.deliver(burst))
        for share in KILLED_AT:
            await _killed_and_started(town, int(share * WEBHOOKS), sending)
        await sending
        await town.service.until(
            "GET", "/payment/events?state=kept", lambda h: not h.data, within_s=SETTLED_WITHIN_S
        )

        await _all_kept(town, events)
        await _payments_as_at_stripe(town)
        await _each_order_told_once(town)
        asked = (await town.stripe.ledger())["requests"][asked_before:]
        assert {request["method"] for request in asked} == {"GET"}, "an event made us do something"


async def _payments_made(town: Town) -> None:
    """Leave payments that only their events tell of, among others that need none."""
    customer_id, _ = await customer_with_card(town.service)
    made = await _in_turn(_opened(town, number, customer_id) for number in range(PAYMENTS))
    by_payers, by_us = made[:BY_PAYERS], made[BY_PAYERS:]
    assert {payment["status"] for payment in by_us} == {"succeeded"}
    await _in_turn(
        _confirmed(town, payment, CARDS[number % len(CARDS)])
        for number, payment in enumerate(by_payers)
    )
    intents = [payment["payment_intent_id"] for payment in by_us]
    await _in_turn(town.stripe.refund(intent_id, 100) for intent_id in intents[::6])
    await _in_turn(town.stripe.dispute(intent_id) for intent_id in intents[3::6])


async def _in_turn(work: Iterable[Awaitable[T]]) -> list[T]:
    """Do all of it, a few at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(waiting: Awaitable[T]) -> T:
        async with gate:
            return await waiting

    return await asyncio.gather(*map(one, work))


async def _opened(town: Town, number: int, customer_id: str) -> Any:
    """Create an order's payment: for its payer to confirm, or paid at once."""
    body = {
        "amount": 1000 + number,
        "orderId": f"order-{number}",
        "customerId": customer_id,
        "confirm": number >= BY_PAYERS,
    }
    heard = await town.service.ask("POST", "/payment/payment-intent", body)
    assert heard.status == 200, heard
    return heard.data


async def _confirmed(town: Town, payment: Any, card: str) -> None:
    answer = await town.stripe.confirm(payment, card, RETURN_URL)
    if answer.get("status") == "requires_action":
        await town.stripe.authenticate(payment["payment_intent_id"])


async def _events_to_send(town: Town) -> list[dict[str, Any]]:
    """Return as many as are wanted: all that bring news, and some of those that bring none."""
    events = await town.stripe.events()
    old_news = {
        intent["id"]
        for intent in (await town.stripe.ledger())["payment_intents"]
        if int(intent["metadata"]["order_id"].removeprefix("order-")) >= BY_PAYERS
        and not intent["amount_refunded"]
        and not intent["disputed"]
    }
    news = [event for event in events if intent_of(event) not in {None, *old_news}]
    old = [event for event in events if intent_of(event) in {None, *old_news}]
    assert len(news) < DISTINCT < len(events), (len(news), len(events))
    return [*news, *old[: DISTINCT - len(news)]]


async def _killed_and_started(town: Town, after: int, sending: asyncio.Task[None]) -> None:
    """Kill the service when so many posts are answered, and start it again under the posts."""
    await town.senders.until_answered(after)
    town.running.service.kill()
    assert not sending.done()
    await asyncio.to_thread(town.running.service.start)


async def _all_kept(town: Town, events: Sequence[dict[str, Any]]) -> None:
    senders = town.senders
    assert set(senders.answered) == {event["id"] for event in events}
    assert senders.answered.total() == WEBHOOKS
    assert senders.received.keys() == {"kept", "known", "ignored"}
    assert not senders.refused
    assert senders.unanswered, "nobody was sending when the service was killed"
    kept = await _pages(town, "/payment/events?limit=100")
    assert Counter(event["event_id"] for event in kept) == Counter(set(senders.answered))
    assert {event["state"] for event in kept} == {"applied", "ignored"}


async def _pages(town: Town, path: str) -> list[Any]:
    found: list[Any] = []
    cursor = ""
    while True:
        page = (await town.service.ask("GET", f"{path}{cursor}")).body
        found += page["data"]
        if page["nextCursor"] is None:
            return found
        cursor = f"&cursor={page['nextCursor']}"


async def _payments_as_at_stripe(town: Town) -> None:
    """Every payment shows what Stripe shows, and came to it once."""
    ledger = await town.stripe.ledger()
    assert len(ledger["payment_intents"]) == PAYMENTS
    by_door: Counter[str] = Counter()
    for intent in ledger["payment_intents"]:
        path = f"/payment/payment-intent/{intent['metadata']['order_id']}"
        shown = (await town.service.ask("GET", path)).data
        assert _shown(shown) == _shown_at_stripe(intent, ledger), shown
        assert sum(charge["paid"] for charge in intent["charges"]) <= 1
        succeeded = _doors(shown, "payment.succeeded")
        assert len(succeeded) == (intent["status"] == "succeeded"), shown["timeline"]
        by_door.update(succeeded)
        # Of these nothing but events tells.
        assert set(_doors(shown, "refund.", "dispute.")) <= {"webhook"}, shown["timeline"]
    assert by_door["webhook"], f"no payment needed its events: the test proves little: {by_door}"


def _doors(payment: Any, *kinds: str) -> list[str]:
    """Return through which doors such news came."""
    return [entry["by"] for entry in payment["timeline"] if entry["what"].startswith(kinds)]


def _shown(payment: Any) -> dict[str, Any]:
    return {
        "id": payment["payment_intent_id"],
        "status": payment["status"],
        "received": payment["amount_received"],
        "refunds": [(one["refund_id"], one["amount"]) for one in payment["refunds"]],
        "disputes": [(one["dispute_id"], one["amount"]) for one in payment["disputes"]],
    }


def _shown_at_stripe(intent: Any, ledger: Any) -> dict[str, Any]:
    def of_it(kind: str) -> list[tuple[str, int]]:
        return [(o["id"], o["amount"]) for o in ledger[kind] if o["payment_intent"] == intent["id"]]

    return {
        "id": intent["id"],
        "status": intent["status"],
        "received": intent["amount_received"],
        "refunds": of_it("refunds"),
        "disputes": of_it("disputes"),
    }


async def _each_order_told_once(town: Town) -> None:
    """One update per order that was paid, counted by its Idempotency-Key, and none for others."""
    ledger = await town.stripe.ledger()
    paid = {
        intent["metadata"]["order_id"]: 1
        for intent in ledger["payment_intents"]
        if intent["status"] == "succeeded"
    }
    heard = await town.orders.until(
        "GET", "/orders", lambda h: len(h.body) >= len(paid), within_s=SETTLED_WITHIN_S
    )
    assert {order["orderId"]: order["told"] for order in heard.body} == paid
    assert {order["status"] for order in heard.body} == {"PAYMENT RECEIVED"}
