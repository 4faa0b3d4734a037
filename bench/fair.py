"""What one caller with many connections costs another one: payments alone, and beside a flood.

Two callers with keys of their own. One pays at a steady pace; the other asks as fast as it is
answered, from a process of its own, on hundreds of connections, whatever it is that it asks for.
The pace is below what Stripe allows, so that alone nobody waits. Ratios of two figures of the same
run count; service, load and sandbox are pinned as in `bench.pay`.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import aiohttp
import uvloop

from bench.pay import keep_apart
from bench.wire import Wires, open_wires
from tests.parts.http import Caller, customer_with_card
from tests.parts.keys import make_key
from tests.parts.processes import Stack, cpu_ms, stack

GATE_RATIO = 2.0
# Eight a second is a third of what Stripe allows at one endpoint.
PACE_S = 0.125
# So that the flood has filled whatever it can fill.
SETTLE_S = 3.0

_numbers = count()


@dataclass(frozen=True, slots=True)
class Asker:
    """A caller with its key, a customer with a card, and a paid order."""

    url: str
    key: str
    customer_id: str
    card_id: str
    order_id: str = ""

    def request(self, method: str, path: str, body: object = None) -> bytes:
        """Return a request as it goes over the wire."""
        content = b"" if body is None else json.dumps(body).encode()
        return (
            f"{method} /payment{path} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {self.key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        ).encode() + content

    def payment(self, mark: str, **more: object) -> bytes:
        """Return a payment of an order of its own."""
        body = {"amount": 1000, "currency": "usd", "orderId": f"{mark}-{next(_numbers)}"}
        body |= {"customerId": self.customer_id, "paymentMethodId": self.card_id, **more}
        return self.request("POST", "/payment-intent", body)


FLOODS: dict[str, Callable[[Asker], bytes]] = {
    "payments": lambda a: a.payment("flood"),
    "unconfirmed intents": lambda a: a.payment("idle", confirm=False, paymentMethodId=None),
    "looks at Stripe": lambda a: a.request("GET", f"/payment-intent/{a.order_id}?refresh=true"),
    "cards": lambda a: a.request(
        "POST", "/payment-method", {"customerId": a.customer_id, "paymentMethodId": "pm_card_visa"}
    ),
    "setup intents": lambda a: a.request("POST", "/setup-intent", {"customerId": a.customer_id}),
    "refunds": lambda a: a.request("POST", "/refund", {"orderId": a.order_id, "amount": 1}),
    "reads": lambda a: a.request("GET", f"/payment-intent/{a.order_id}"),
    "lists": lambda a: a.request("GET", "/payments?limit=100"),
    "bad requests": lambda a: a.request("POST", "/refund", {"amuont": 1}),
}


async def pay_at_a_pace(wires: Wires, asker: Asker, payments: int) -> tuple[list[float], int]:
    """Pay this often at fixed times; return how long each answer took, in ms, and the failures."""
    failed = 0
    times: list[float] = []

    async def one() -> None:
        nonlocal failed
        began = time.perf_counter()
        failed += await wires.ask(asker.payment("pay")) != 200
        times.append((time.perf_counter() - began) * 1000)

    tasks = []
    for _ in range(payments):
        tasks.append(asyncio.create_task(one()))
        await asyncio.sleep(PACE_S)
    await asyncio.gather(*tasks)
    return times, failed


async def flood(asker: Asker, kind: str, connections: int) -> None:
    """Ask on all connections, each again as soon as it is answered, until standard input ends."""
    wires = await open_wires(asker.url, connections)
    statuses: Counter[int] = Counter()

    async def on_and_on() -> None:
        while True:
            statuses[await wires.ask(FLOODS[kind](asker))] += 1

    began = time.perf_counter()
    tasks = [asyncio.create_task(on_and_on()) for _ in range(connections)]
    await asyncio.to_thread(sys.stdin.read)
    took_s = time.perf_counter() - began
    for task in tasks:
        task.cancel()
    wires.close()
    rates = {status: round(n / took_s, 1) for status, n in sorted(statuses.items())}
    print(f"    the flood was answered, a second: {rates}", flush=True)


def begin_flood(asker: Asker, kind: str, connections: int) -> subprocess.Popen[bytes]:
    """Run the flood in its own process."""
    given = [asker.url, asker.key, asker.customer_id, asker.card_id, asker.order_id]
    arguments = ["--flood", kind, "--connections", str(connections), *given]
    return subprocess.Popen([sys.executable, "-m", "bench.fair", *arguments], stdin=subprocess.PIPE)


async def beside(
    running: Stack, payer: Asker, other: Asker, kind: str, options: argparse.Namespace
) -> float:
    """Print what payments cost alone and beside a flood of this kind; return the median's ratio."""
    wires = await open_wires(payer.url, 16)
    alone, _ = await pay_at_a_pace(wires, payer, options.payments)
    flooding = begin_flood(other, kind, options.connections)
    await asyncio.sleep(SETTLE_S)
    before, began = cpu_ms(running.service.pid), time.perf_counter()
    flooded, failed = await pay_at_a_pace(wires, payer, options.payments)
    busy = (cpu_ms(running.service.pid) - before) / (time.perf_counter() - began) / 10
    wires.close()
    assert flooding.stdin is not None
    flooding.stdin.close()
    await asyncio.to_thread(flooding.wait)
    ratio = statistics.median(flooded) / statistics.median(alone)
    print(
        f"{kind}: alone {said(alone)}, beside it {said(flooded)}: ratio {ratio:.2f}; "
        f"{failed} of {len(flooded)} refused, CPU {busy:.0f} %",
        flush=True,
    )
    return ratio if not failed else float("inf")


def said(times_ms: list[float]) -> str:
    """Return median and p95 as text."""
    return f"{statistics.median(times_ms):.1f} (p95 {statistics.quantiles(times_ms, n=20)[18]:.1f})"


async def caller(running: Stack, key: str, name: str) -> Asker:
    """Return a caller who has a customer with a card, and has paid an order."""
    url = running.service_url
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as http:
        ids = await customer_with_card(Caller(http, url), f"{name}@shop.example")
        body = {"amount": 900_000, "orderId": f"{name}-first", "currency": "usd"}
        body |= {"customerId": ids[0], "paymentMethodId": ids[1]}
        paid = await Caller(http, url).ask("POST", "/payment/payment-intent", body)
        assert paid.status == 200, paid.body
    return Asker(url, key, *ids, f"{name}-first")


async def main(options: argparse.Namespace) -> None:
    """Print the figures and say whether the gate is kept."""
    limits = {
        "AUTH": "api-key",
        "LOG_LEVEL": "warning",
        "SHED_DELAY_S": "0.1",
        "STRIPE_REQUESTS_PER_S": "100",
        "STRIPE_REQUESTS_PER_ENDPOINT_S": "25",
        "CARD_REFUSALS_MAX": "10",
    }
    kinds = options.kinds.split(",") if options.kinds else list(FLOODS)
    ratios = {}
    cores = os.sched_getaffinity(0)
    for kind in kinds:  # what one flood leaves behind must not count for the next
        os.sched_setaffinity(0, cores)
        with stack(limits) as running:
            keys = [make_key(running, name) for name in ("shop", "batch")]
            keep_apart(running)
            payer = await caller(running, keys[0], "shop")
            other = await caller(running, keys[1], "batch")
            ratios[kind] = await beside(running, payer, other, kind, options)
    worst = max(ratios, key=lambda kind: ratios[kind])
    print(f"\nthe worst flood, {worst}: ratio {ratios[worst]:.2f} (gate {GATE_RATIO})")
    if ratios[worst] > GATE_RATIO:
        raise SystemExit("the gate is not kept")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=48, help="alone, and beside each flood")
    parser.add_argument("--connections", type=int, default=300)
    parser.add_argument("--kinds", default="", help=f"with commas, of: {', '.join(FLOODS)}")
    parser.add_argument("--flood", default="", help="be the flood; with the caller's data after it")
    parser.add_argument("asker", nargs="*")
    chosen = parser.parse_args()
    if chosen.flood:
        uvloop.run(flood(Asker(*chosen.asker), chosen.flood, chosen.connections))
    else:
        uvloop.run(main(chosen))
