"""The promise, with many processes on one database, any of which is killed at any time.

Three take requests and two work, while shoppers buy, Stripe fails in every way and events come late
or not at all. Every second or so one of the five is killed or stands still for longer than its
claims last. In the end the auditor of the simulation judges what it sees from outside.
`FLEET_S` sets for how long; `make sim` lets it run for two minutes.
"""

import asyncio
import os
import random

import aiohttp

from payment_service.adapters.mongo import open_store
from payment_service.storage.collections import COLLECTIONS
from tests.e2e.fleet_evidence import come_to_rest, gather
from tests.parts.at_stripe import AtStripe
from tests.parts.fleet import Fleet, fleet
from tests.parts.http import Caller
from tests.parts.mongo_server import a_database
from tests.parts.processes import Program
from tests.parts.shoppers import Shopper
from tests.simulation.auditor import judge

FLEET_S = float(os.environ.get("FLEET_S", "15"))
SEED = int(os.environ.get("FLEET_SEED", "20261124"))
SHOPPERS = 6
SETTLED_WITHIN_S = 120.0
# Every fault of the sandbox but the one that forgets a key, which together with a process that
# stands still is beyond what can be borne (see `TOO_MUCH` in the simulation).
FAULTS = (
    "timeout_before",
    "timeout_after",
    "reset_before",
    "reset_after",
    "error_500_before",
    "error_500_after",
    "error_503_before",
    "truncated_200",
    "rate_limit",
    "lock_timeout",
    "delay",
)
WEBHOOK_FAULTS = ("drop", "duplicate", "two_events", "delay", "reorder", "never_generated")
# Claims last for the slowest call and five seconds more: 8 s here.
STANDS_STILL_S = 10.0
MISHAP_EVERY_S = (0.3, 1.5)
DOWN_S = (0.0, 1.5)


def test_of_a_fleet_that_is_killed_at_random_no_money_and_no_order_is_lost() -> None:
    with a_database() as uri, fleet(uri, apis=3, workers=2) as running:
        asyncio.run(_life(running, uri))


async def _life(running: Fleet, uri: str) -> None:
    chance = random.Random(SEED)
    store = open_store(uri, COLLECTIONS, pool_max=10, timeout_s=30)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        stripe = AtStripe(http, running.sandbox_url)
        sandbox, orders = Caller(http, running.sandbox_url), Caller(http, running.orders_url)
        doors = [Caller(http, url) for url in running.api_urls]
        shoppers = [
            Shopper(number, doors, stripe, random.Random(f"{SEED}-{number}"))
            for number in range(SHOPPERS)
        ]
        end = asyncio.get_running_loop().time() + FLEET_S
        async with asyncio.TaskGroup() as tasks:
            for shopper in shoppers:
                tasks.create_task(shopper.shop(end))
            tasks.create_task(_mishaps(running, sandbox, chance, end))
        await sandbox.ask("DELETE", "/_sandbox/faults")
        await sandbox.ask("DELETE", "/_sandbox/webhooks")

        await come_to_rest(store, shoppers, within_s=SETTLED_WITHIN_S)
        for shopper in shoppers:
            await shopper.tidy_up()
        owed = await come_to_rest(store, shoppers, within_s=SETTLED_WITHIN_S)
        seen = await gather(store, stripe, orders, shoppers, at_rest=not owed)
    await store.close()
    paid = [p for p in seen.shown.values() if p is not None and p.received_minor]
    assert len(paid) > SHOPPERS, "hardly anything was paid: the test proves nothing"
    assert (judge(seen), [str(document) for document in owed]) == ([], [])


async def _mishaps(running: Fleet, sandbox: Caller, chance: random.Random, end: float) -> None:
    """Let something go wrong again and again; at the end everybody runs."""
    loop = asyncio.get_running_loop()
    victims = {number: asyncio.Lock() for number in range(len(running.replicas))}
    async with asyncio.TaskGroup() as tasks:
        while loop.time() < end:
            await _plan_faults(sandbox, chance)
            number = chance.choice(list(victims))
            if not victims[number].locked():
                victim = running.replicas[number]
                tasks.create_task(_mishap(victim, victims[number], chance))
            await asyncio.sleep(chance.uniform(*MISHAP_EVERY_S))


async def _mishap(victim: Program, lock: asyncio.Lock, chance: random.Random) -> None:
    async with lock:
        if chance.random() < 0.2:
            victim.pause()
            await asyncio.sleep(STANDS_STILL_S)
            victim.go_on()
            return
        victim.kill()
        await asyncio.sleep(chance.uniform(*DOWN_S))
        await asyncio.to_thread(victim.start)


async def _plan_faults(sandbox: Caller, chance: random.Random) -> None:
    """Let the next of some requests, and of some events, go wrong."""
    fault = {
        "method": chance.choice(("POST", "GET")),
        "path": "/v1/*",
        "fault": chance.choice(FAULTS),
        "times": 1,
        "skip": chance.randrange(8),
        "delay_s": 2,
    }
    assert (await sandbox.ask("POST", "/_sandbox/faults", fault)).status == 200
    rule = {"type": "*", "fault": chance.choice(WEBHOOK_FAULTS), "times": 1, "skip": 0}
    assert (await sandbox.ask("POST", "/_sandbox/webhooks", rule)).status == 200
