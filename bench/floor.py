"""The floor: what one payment costs when nothing but its outside calls is done.

A bare script without any framework or rule: one call to Stripe through the official SDK on aiohttp,
the same two writes into the same store, one PUT to the OrderService and the write after it. It is
what a service could cost at the least, in the same language on the same machine.
"""

import argparse
import asyncio
import json
import os
import resource
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import aiohttp
import stripe
import uvloop

from payment_service.adapters import mongo
from payment_service.adapters.sqlite import open_store
from payment_service.domain.moment import Door, Moment, Policy
from payment_service.domain.payment import Order, Payment, Terms
from payment_service.domain.wishes import open_payment
from payment_service.ports import Store
from payment_service.storage.collections import COLLECTIONS, PAYMENTS


async def pay(
    number: int,
    *,
    store: Store,
    client: stripe.StripeClient,
    http: aiohttp.ClientSession,
    options: argparse.Namespace,
) -> None:
    """Do what must be done for one payment, and nothing else."""
    terms = Terms(1000, "usd", options.customer)
    order = Order(f"floor-{os.getpid()}-{number}", terms, options.card, f"req-{number}")
    moment = Moment(datetime.now(UTC), Door.REQUEST, Policy())
    payment: Payment = open_payment(order, f"pay_{number}", moment)
    await store.insert(PAYMENTS, payment)
    params = {
        "amount": 1000,
        "currency": "usd",
        "confirm": True,
        "customer": options.customer,
        "payment_method": options.card,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "metadata": {"order_id": order.id, "service": "floor"},
    }
    key = {"idempotency_key": f"floor-{os.getpid()}-{number}"}
    if options.raw:
        await client.raw_request_async("post", "/v1/payment_intents", **params, **key)
    else:
        await client.v1.payment_intents.create_async(params, key)  # type: ignore[arg-type]
    paid = replace(payment, version=1)
    await store.replace(PAYMENTS, paid, expected_version=0)
    body = json.dumps({"orderId": order.id, "status": "PAYMENT RECEIVED"}).encode()
    url = f"{options.orders}/order/updateStatus"
    async with http.put(url, data=body, headers={"Content-Type": "application/json"}) as got:
        await got.read()
    await store.replace(PAYMENTS, replace(paid, version=2), expected_version=1)


def _store(mongodb_uri: str | None) -> Store:
    if mongodb_uri is not None:
        return mongo.open_store(mongodb_uri, COLLECTIONS, pool_max=50, timeout_s=30)
    return open_store(str(Path(tempfile.mkdtemp()) / "floor.sqlite3"), COLLECTIONS)


async def main(options: argparse.Namespace) -> None:
    """Pay as often as asked, at the concurrency asked for, and print the CPU it took as JSON."""
    store = _store(options.mongodb_uri)
    await store.ensure_schema()
    connector = aiohttp.TCPConnector(limit=256)
    client = stripe.StripeClient(
        "sk_test_floor",
        http_client=stripe.AIOHTTPClient(connector=connector),
        base_addresses={"api": options.stripe},
        max_network_retries=0,
    )
    async with aiohttp.ClientSession() as http:
        numbers = count()

        async def some(payments: int) -> None:
            for _ in range(payments):
                await pay(next(numbers), store=store, client=client, http=http, options=options)

        async def all_of(payments: int) -> None:
            each = payments // options.concurrency
            await asyncio.gather(*(some(each) for _ in range(options.concurrency)))

        await all_of(options.warm_up)
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        await all_of(options.payments)
        after, took = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - began
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(json.dumps({"cpu_ms": cpu_s * 1000 / options.payments, "s": took}))
    await connector.close()
    await store.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stripe", required=True)
    parser.add_argument("--orders", required=True)
    parser.add_argument("--customer", required=True)
    parser.add_argument("--card", required=True)
    parser.add_argument("--payments", type=int, default=1600)
    parser.add_argument("--warm-up", type=int, default=320)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--mongodb-uri", help="where payments are kept, else in a file")
    parser.add_argument("--raw", action="store_true", help="the SDK's raw request path")
    uvloop.run(main(parser.parse_args()))
