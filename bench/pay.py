"""What a payment costs, beside a floor measured in the same run, and what it adds to Stripe.

Sandbox, demo OrderService and service are processes of their own. Rounds of floor and service are
interleaved and compared as ratios, since shared machines are noisy; CPU is user and system time of
the service process alone, from /proc. `--mongodb` keeps payments on a server that speaks MongoDB's
wire protocol (`TEST_MONGODB_URI`, else one that is run for it, which is slow).
"""

import argparse
import asyncio
import contextlib
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp
import uvloop

from tests.parts.http import Caller, customer_with_card
from tests.parts.keys import make_key
from tests.parts.mongo_server import a_database
from tests.parts.processes import Stack, cpu_ms, stack

GATE_RATIO = 1.6
GATE_ADDED_P99_MS = 50.0
STRIPE_MS = 500
PAYERS = 200
ROUNDS_SLOW = 20

_orders = count()


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays, and where. headers: with which the caller shows who it is.

    floor_uri: where the floor keeps its payments, None in a file.

    Not where the service does, whose worker would settle them.
    """

    stack: Stack
    customer_id: str
    card_id: str
    floor_uri: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


async def pay(http: aiohttp.ClientSession, payer: Payer, mark: str) -> float:
    """Pay one order over HTTP; return how long the answer took, in ms."""
    body = {
        "amount": 1000,
        "currency": "usd",
        "orderId": f"bench-{mark}-{next(_orders)}",
        "customerId": payer.customer_id,
        "paymentMethodId": payer.card_id,
    }
    url = f"{payer.stack.service_url}/payment/payment-intent"
    began = time.perf_counter()
    async with http.post(url, json=body, headers=payer.headers) as answer:
        content = await answer.json()
    took_ms = (time.perf_counter() - began) * 1000
    if answer.status != 200 or content["data"]["status"] != "succeeded":
        raise SystemExit(f"not paid: {answer.status} {content}")
    return took_ms


async def at_once(payer: Payer, payments: int, concurrency: int, mark: str) -> list[float]:
    """Pay this often with this many payers, each paying again when its answer is there."""
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector) as http:

        async def some(times: int) -> list[float]:
            return [await pay(http, payer, mark) for _ in range(times)]

        each = payments // concurrency
        found = await asyncio.gather(*(some(each) for _ in range(concurrency)))
    return [ms for times in found for ms in times]


Ask = Callable[[aiohttp.ClientSession], Awaitable[float]]


async def ask_stripe(http: aiohttp.ClientSession, payer: Payer) -> float:
    """Ask the sandbox for something small; return how long the answer took, in ms."""
    url = f"{payer.stack.sandbox_url}/v1/customers/{payer.customer_id}"
    began = time.perf_counter()
    async with http.get(url, headers={"Authorization": "Bearer sk_test_bench"}) as answer:
        await answer.read()
    return (time.perf_counter() - began) * 1000


async def spread_out(ask: Ask, payers: int, rounds: int) -> list[float]:
    """Keep `payers` in flight against a slow Stripe, arriving evenly."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=payers * 2)) as http:

        async def later(delay_s: float) -> float:
            await asyncio.sleep(delay_s)
            return await ask(http)

        total, window_s = payers * rounds, rounds * STRIPE_MS / 1000
        return list(await asyncio.gather(*(later(i * window_s / total) for i in range(total))))


def floor(payer: Payer, payments: int, concurrency: int, *, raw: bool) -> float:
    """Run the floor in its own process; return its CPU in ms per payment."""
    arguments = [sys.executable, "-m", "bench.floor"]
    arguments += ["--stripe", payer.stack.sandbox_url, "--orders", payer.stack.orders_url]
    arguments += ["--customer", payer.customer_id, "--card", payer.card_id]
    arguments += ["--payments", str(payments), "--concurrency", str(concurrency)]
    arguments += ["--raw"] if raw else []
    arguments += ["--mongodb-uri", payer.floor_uri] if payer.floor_uri else []
    ran = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True)
    found: float = json.loads(ran.stdout)["cpu_ms"]
    return found


def percentiles(times_ms: list[float]) -> str:
    """Return p50, p95 and p99 as text."""
    cuts = statistics.quantiles(times_ms, n=100)
    return f"p50 {cuts[49]:.1f}  p95 {cuts[94]:.1f}  p99 {cuts[98]:.1f} ms"


async def cost(payer: Payer, options: argparse.Namespace) -> float:
    """Interleave floor and service; print each round and return the median ratio."""
    await at_once(payer, options.payments, options.concurrency, "warm")
    ratios: list[float] = []
    for number in range(options.rounds):
        bare = floor(payer, options.payments, options.concurrency, raw=True)
        with_objects = floor(payer, options.payments, options.concurrency, raw=False)
        before, began = cpu_ms(payer.stack.service.pid), time.perf_counter()
        times = await at_once(payer, options.payments, options.concurrency, f"r{number}")
        took = time.perf_counter() - began
        await asyncio.sleep(0.5)  # what is owed to the OrderService belongs to the payments
        ours = (cpu_ms(payer.stack.service.pid) - before) / len(times)
        ratios.append(ours / with_objects)
        print(
            f"round {number + 1}: {len(times) / took:.0f} payments/s  {percentiles(times)}\n"
            f"  CPU ms per payment: service {ours:.2f}  floor {with_objects:.2f} "
            f"(ratio {ours / with_objects:.2f})  floor on the raw path {bare:.2f} "
            f"(ratio {ours / bare:.2f})"
        )
    return statistics.median(ratios)


async def added_latency(payer: Payer) -> float:
    """Return the p99 that the service adds to a Stripe that takes 500 ms, 200 payers in flight."""
    async with aiohttp.ClientSession() as http:
        await http.post(f"{payer.stack.sandbox_url}/_sandbox/latency", json={"ms": STRIPE_MS})
    await spread_out(lambda http: pay(http, payer, "slow"), PAYERS, 2)
    alone = [ms - STRIPE_MS for ms in await spread_out(lambda h: ask_stripe(h, payer), PAYERS, 5)]
    before = cpu_ms(payer.stack.service.pid)
    times = await spread_out(lambda http: pay(http, payer, "slow"), PAYERS, ROUNDS_SLOW)
    used = (cpu_ms(payer.stack.service.pid) - before) / len(times)
    added = [ms - STRIPE_MS for ms in times]
    print(
        f"\n{PAYERS} payers in flight, Stripe at {STRIPE_MS} ms: added on top {percentiles(added)}"
        f"\n  of which a caller of the sandbox alone sees {percentiles(alone)}"
        f"\n  CPU ms per payment: service {used:.2f}"
    )
    return statistics.quantiles(added, n=100)[98]


def keep_apart(running: Stack) -> None:
    """Give the service cores of its own: the load must not compete with what it measures."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        print("one core only: load, sandbox and service share it")
        return
    for pid in (os.getpid(), running.sandbox.pid, running.orders.pid):
        _pin(pid, {cores[0]})
    _pin(running.service.pid, set(cores[1:]))


def _pin(pid: int, cores: set[int]) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


async def main(options: argparse.Namespace) -> None:
    """Print the figures and say whether the gates are kept."""
    with contextlib.ExitStack() as opened:
        uri = opened.enter_context(a_database()) if options.mongodb else None
        environ = {"MONGODB_URI": uri} if uri else {}
        environ |= {"AUTH": "api-key"} if options.api_key else {}
        running = opened.enter_context(stack(environ))
        keep_apart(running)
        headers = {"X-API-Key": make_key(running, "shop")} if options.api_key else {}
        async with aiohttp.ClientSession(headers=headers) as http:
            customer = await customer_with_card(Caller(http, running.service_url))
        floor_uri = opened.enter_context(a_database()) if uri else None
        payer = Payer(running, *customer, floor_uri, headers)
        ratio = await cost(payer, options)
        if uri is not None:
            print(f"\nCPU ratio {ratio:.2f} on MongoDB, its server not counted")
            return
        added_ms = await added_latency(payer)
    print(
        f"\nCPU ratio {ratio:.2f} (gate {GATE_RATIO})   added p99 {added_ms:.0f} ms "
        f"(gate {GATE_ADDED_P99_MS:.0f} on an idle machine)"
    )
    if ratio > GATE_RATIO:
        raise SystemExit("the CPU gate is not kept")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    gc.disable()  # the load must not pause by itself
    parser.add_argument("--payments", type=int, default=1600, help="per round")
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--api-key", action="store_true", help="ask as one caller that is known")
    parser.add_argument("--mongodb", action="store_true", help="keep payments there")
    uvloop.run(main(parser.parse_args()))
