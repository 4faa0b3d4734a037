"""What an event costs, beside the floor of the payment that it is about, measured in the same run.

    python -m bench.webhooks [--events 1600] [--rounds 3]

Eight senders post signed events as fast as they are answered. The sandbox delivers nothing itself,
nobody is told of orders and no worker runs, so the CPU of the service process, user and system,
from /proc, is that of the events alone: the answer and the applying after it.
"""

import argparse
import asyncio
import gc
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import aiohttp
import uvloop

from bench.pay import Payer, floor, keep_apart
from tests.parts.at_stripe import AtStripe, intent_of
from tests.parts.http import Caller, customer_with_card
from tests.parts.processes import WEBHOOK_SECRET, Stack, cpu_ms, stack
from tests.parts.senders import Senders

SETTINGS = {
    "WORKER_ENABLED": "false",
    "ORDER_SERVICE_URL": "",
    "BACK_FILL_EVERY_S": "0",
    "SWEEP_EVERY_S": "0",
}
# Whose events are posted over and over, as old news, each time under new ids.
PAID = 100
# A look costs several times as much as old news; fewer are as exact.
LOOKS_SHARE = 4
FLOOR_PAYMENTS = 800
FLOOR_CONCURRENCY = 16
# Applying goes on after the answers; it is over when no CPU is used for so long.
QUIET_S = 0.3
TIME_S_MAX = 540.0

_ids = count()
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one burst came to."""

    per_s: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Bench:
    """Everybody who takes part."""

    running: Stack
    http: aiohttp.ClientSession
    payer: Payer
    stripe: AtStripe

    async def pay(self, mark: str, payments: int, *, confirm: bool) -> list[Any]:
        """Make payments: paid at once, or for the payer's client to confirm."""
        service = Caller(self.http, self.running.service_url)
        made = []
        for number in range(payments):
            body = {
                "amount": 1000,
                "orderId": f"{mark}-{number}",
                "customerId": self.payer.customer_id,
                "confirm": confirm,
            }
            made.append((await service.ask("POST", "/payment/payment-intent", body)).data)
        return made

    async def burst(self, events: Sequence[Event], *, received: str) -> Measured:
        """Post all; return the rate of the answers and the CPU until all is applied."""
        senders = Senders(self.http, self.running.webhook_url, WEBHOOK_SECRET)
        pid = self.running.service.pid
        before, began = cpu_ms(pid), time.perf_counter()
        await senders.deliver(events)
        took_s = time.perf_counter() - began
        await quiet(pid)
        if senders.received != {received: len(events)}:
            raise SystemExit(f"not {received}: {senders.received} {senders.refused}")
        return Measured(len(events) / took_s, (cpu_ms(pid) - before) / len(events))


async def quiet(pid: int) -> None:
    """Return when the process has nothing to do any more."""
    used_ms = -1.0
    while used_ms != (now_ms := cpu_ms(pid)):
        used_ms = now_ms
        await asyncio.sleep(QUIET_S)


async def old_news(bench: Bench, mark: str, wanted: int) -> list[Event]:
    """Return events of payments that are paid, as most events are, under ids never used."""
    paid = await bench.pay(mark, PAID, confirm=True)
    theirs = {payment["payment_intent_id"] for payment in paid}
    known = [event for event in await bench.stripe.events() if intent_of(event) in theirs]
    return [{**known[n % len(known)], "id": f"evt_bench_{next(_ids)}"} for n in range(wanted)]


async def news(bench: Bench, mark: str, wanted: int) -> list[Event]:
    """Return events of payments that their payers confirmed, of which the service knows nothing."""
    waiting = await bench.pay(mark, wanted, confirm=False)
    for payment in waiting:
        await bench.stripe.confirm(payment, "pm_card_visa", "https://shop.example/paid")
    theirs = {payment["payment_intent_id"] for payment in waiting}
    return [
        event
        for event in await bench.stripe.events()
        if event["type"] == "payment_intent.succeeded" and intent_of(event) in theirs
    ]


async def measure(bench: Bench, options: argparse.Namespace) -> None:
    """Interleave the floor and the three kinds of events; print each round, then the medians."""
    found: dict[str, list[float]] = {"old news": [], "duplicates": [], "news": []}
    await bench.burst(await old_news(bench, "warm", options.events), received="kept")
    for number in range(options.rounds):
        known = await old_news(bench, f"old-{number}", options.events)
        fresh = await news(bench, f"new-{number}", options.events // LOOKS_SHARE)
        paid_ms = floor(bench.payer, FLOOR_PAYMENTS, FLOOR_CONCURRENCY, raw=False)
        print(f"round {number + 1}: the floor of a payment is {paid_ms:.2f} ms of CPU")
        bursts = (("old news", known, "kept"), ("duplicates", known, "known"))
        for kind, events, received in (*bursts, ("news", fresh, "kept")):
            measured = await bench.burst(events, received=received)
            found[kind].append(measured.cpu_ms)
            print(
                f"  {kind:10}  {measured.per_s:5.0f} events/s accepted  CPU ms per event "
                f"{measured.cpu_ms:.2f} (ratio to the floor {measured.cpu_ms / paid_ms:.2f}; "
                f"{1000 / measured.cpu_ms:.0f} events/s would fill a core)"
            )
    medians = (f"{kind} {statistics.median(ms):.2f}" for kind, ms in found.items())
    print("\nCPU ms per event, medians: " + "  ".join(medians))


async def main(options: argparse.Namespace) -> None:
    """Print the figures."""
    with stack(SETTINGS) as running:
        keep_apart(running)
        async with asyncio.timeout(TIME_S_MAX), aiohttp.ClientSession() as http:
            payer = Payer(running, *await customer_with_card(Caller(http, running.service_url)))
            bench = Bench(running, http, payer, AtStripe(http, running.sandbox_url))
            await measure(bench, options)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    gc.disable()  # the load must not pause by itself
    parser.add_argument("--events", type=int, default=1600, help="per round")
    parser.add_argument("--rounds", type=int, default=3)
    uvloop.run(main(parser.parse_args()))
