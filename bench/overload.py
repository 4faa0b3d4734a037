"""What the service does when three times as much comes as it can do, beside its best.

The best throughput is found by a closed loop, before and after, since machines drift. Then payments
come at fixed times, whether or not answers do (no coordinated omission: the time of a payment
counts from when it should have been sent): first as many as that, of which what is accepted is the
rate that can be sustained, then three times as many as can be. Load, sandbox and OrderService have
one core, the service the other. Three gates, each a ratio of two figures of the same run.
"""

import argparse
import asyncio
import gc
import json
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp
import uvloop

from bench.pay import Payer, at_once, keep_apart, percentiles
from bench.wire import Wires, open_wires
from tests.parts.http import Caller, customer_with_card
from tests.parts.processes import cpu_ms, stack

GATE_THROUGHPUT = 0.8
GATE_P99 = 3.0
GATE_MEMORY = 1.5
# Enough to keep the service busy all the time, too few to be refused by a slow one.
CLOSED_LOOP = 32
# So that nothing is compiled or connected for the first time any more.
WARM_UP, WARM_UP_AT_ONCE = 1600, 64
# More than can be under way in time; what waits for one of them waits on the clock.
CONNECTIONS = 512
# Those that come at once are sent together, for a sleep is no more exact.
TICK_S = 0.005

_orders = count()


@dataclass
class Flood:
    """What became of payments that came at fixed times."""

    offered_per_s: float
    took_s: float = 0.0
    cpu_ms: float = 0.0
    rss_mb: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    accepted_ms: list[float] = field(default_factory=list)
    shed_ms: list[float] = field(default_factory=list)

    @property
    def accepted_per_s(self) -> float:
        """How many were paid a second."""
        return len(self.accepted_ms) / self.took_s

    @property
    def p99_ms(self) -> float:
        """What 99 of 100 accepted ones took at the most."""
        return statistics.quantiles(self.accepted_ms, n=100)[98]

    def said(self, name: str) -> str:
        """Say it in two lines."""
        shed = percentiles(self.shed_ms) if len(self.shed_ms) > 1 else "none"
        return (
            f"{name}: offered {self.offered_per_s:.0f}/s, accepted {self.accepted_per_s:.0f}/s  "
            f"{percentiles(self.accepted_ms)}\n"
            f"  shed {self.statuses[503]} ({shed})  others "
            f"{ {s: n for s, n in self.statuses.items() if s not in {200, 503}} or 'none' }  "
            f"RSS {self.rss_mb:.0f} MB  CPU {self.cpu_ms / self.took_s / 10:.0f} %"
        )


async def flood(payer: Payer, offered_per_s: float, *, seconds: float) -> Flood:
    """Let payments come at this rate for so long; wait for all answers."""
    found = Flood(offered_per_s)
    total = int(offered_per_s * seconds)
    pid = payer.stack.service.pid
    used = cpu_ms(pid)
    wires = await open_wires(payer.stack.service_url, CONNECTIONS)
    began = time.perf_counter()

    async def one(number: int) -> None:
        status = await wires.ask(request(payer, f"flood-{next(_orders)}"))
        took_ms = (time.perf_counter() - began - number / offered_per_s) * 1000
        found.statuses[status] += 1
        if status == 200:
            found.accepted_ms.append(took_ms)
        elif status == 503:
            found.shed_ms.append(took_ms)

    sent: list[asyncio.Task[None]] = []
    while len(sent) < total:
        due = min(int((time.perf_counter() - began) * offered_per_s) + 1, total)
        sent += [asyncio.create_task(one(number)) for number in range(len(sent), due)]
        found.rss_mb = max(found.rss_mb, rss_mb(pid))
        await asyncio.sleep(TICK_S)
    await asyncio.gather(*sent)
    wires.close()
    found.took_s = time.perf_counter() - began
    found.cpu_ms = cpu_ms(pid) - used
    return found


def request(payer: Payer, order_id: str) -> bytes:
    """Return a payment as it goes over the wire."""
    body = json.dumps(
        {
            "amount": 1000,
            "currency": "usd",
            "orderId": order_id,
            "customerId": payer.customer_id,
            "paymentMethodId": payer.card_id,
        }
    ).encode()
    return (
        b"POST /payment/payment-intent HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )


async def closed_loop(payer: Payer, payments: int) -> float:
    """Return how many payments a second a closed loop gets, the median of three rounds."""
    rates = []
    for _ in range(3):
        wires = await open_wires(payer.stack.service_url, CLOSED_LOOP)

        async def some(wires: Wires = wires) -> int:
            """Pay, again and again; what is refused is not paid."""
            orders = (f"closed-{next(_orders)}" for _ in range(payments // CLOSED_LOOP))
            return sum([await wires.ask(request(payer, order)) == 200 for order in orders])

        began = time.perf_counter()
        paid = await asyncio.gather(*(some() for _ in range(CLOSED_LOOP)))
        rates.append(sum(paid) / (time.perf_counter() - began))
        wires.close()
    return statistics.median(rates)


def rss_mb(pid: int) -> float:
    """Return what memory the process holds now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


async def once(payer: Payer, options: argparse.Namespace) -> tuple[float, float, float]:
    """Print one round; return what is kept of throughput, and p99 and memory beside normal ones."""
    best = await closed_loop(payer, options.payments)
    print(f"\nbest, a closed loop of {CLOSED_LOOP}: {best:.0f} payments/s")
    normal = await flood(payer, best, seconds=options.seconds)
    print(normal.said("at that rate"))
    # What comes when it likes, and not when there is room, leaves some of it unused.
    sustainable = normal.accepted_per_s
    print(f"sustainable: {sustainable:.0f} payments/s")
    over = await flood(payer, sustainable * options.times, seconds=options.seconds)
    print(over.said(f"at {options.times:g} times that"))
    best_after = await closed_loop(payer, options.payments)
    print(f"best, again: {best_after:.0f} payments/s")
    kept = over.accepted_per_s / statistics.mean((best, best_after))
    return kept, over.p99_ms / normal.p99_ms, over.rss_mb / normal.rss_mb


async def main(options: argparse.Namespace) -> None:
    """Print the figures and say whether the gates are kept; the median round counts."""
    with stack({"LOG_LEVEL": "warning", "SHED_DELAY_S": options.delay_s}) as running:
        keep_apart(running)
        async with aiohttp.ClientSession() as http:
            payer = Payer(running, *await customer_with_card(Caller(http, running.service_url)))
        await at_once(payer, WARM_UP, WARM_UP_AT_ONCE, "warm")
        found = [await once(payer, options) for _ in range(options.rounds)]
    throughput, slower, memory = (statistics.median(ratios) for ratios in zip(*found, strict=True))
    print(
        f"\nthroughput kept {throughput:.2f} (gate {GATE_THROUGHPUT})   accepted p99 "
        f"{slower:.2f} times normal (gate {GATE_P99})   memory {memory:.2f} times (gate "
        f"{GATE_MEMORY})"
    )
    if throughput < GATE_THROUGHPUT or slower > GATE_P99 or memory > GATE_MEMORY:
        raise SystemExit("a gate is not kept")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    gc.disable()  # the load must not pause by itself
    parser.add_argument("--payments", type=int, default=1600, help="per closed round")
    parser.add_argument("--seconds", type=float, default=16.0, help="per flood")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--delay-s", default="0.1", help="SHED_DELAY_S of the service")
    parser.add_argument("--times", type=float, default=3.0, help="how much too much comes")
    uvloop.run(main(parser.parse_args()))
