"""How long a stop takes: one grace for all that is under way, and no more."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from tests.parts.http import Caller, customer_with_card
from tests.parts.mongo_server import mongo_server
from tests.parts.processes import stack

PAY = "/payment/payment-intent"
GRACE_S = 3
# What closing the rest takes, on a busy machine too; far less than a second grace.
CLOSING_S = 2.5


@contextmanager
def taking_no_longer_than(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


async def test_a_payment_that_outlasts_the_grace_does_not_make_the_stop_take_another() -> None:
    with stack({"SHUTDOWN_GRACE_S": str(GRACE_S)}) as running:
        async with aiohttp.ClientSession() as http:
            service, sandbox = Caller(http, running.service_url), Caller(http, running.sandbox_url)
            customer_id, _ = await customer_with_card(service)
            await sandbox.ask("POST", "/_sandbox/latency", {"ms": 20_000})
            body = {"amount": 800, "orderId": "slow", "customerId": customer_id, "confirm": True}
            paying = asyncio.create_task(service.ask("POST", PAY, body))
            await asyncio.sleep(0.5)

            with taking_no_longer_than(GRACE_S + CLOSING_S):
                code = await asyncio.to_thread(running.service.stop)
            paying.cancel()
            await asyncio.gather(paying, return_exceptions=True)
        log = running.service.log()

    assert code == 0
    assert '"cancelled":1' in log.replace(" ", ""), "what was under way is given back"


async def test_a_database_that_hangs_does_not_hold_up_the_stop() -> None:
    with mongo_server() as database:
        environ = {
            "MONGODB_URI": database.uri,
            "MONGODB_TIMEOUT_S": "30",
            "SHUTDOWN_GRACE_S": str(GRACE_S),
        }
        with stack(environ) as running:
            async with aiohttp.ClientSession() as http:
                await customer_with_card(Caller(http, running.service_url))
                database.pause()
                try:
                    await asyncio.sleep(1.5)  # by now the worker has asked
                    with taking_no_longer_than(GRACE_S + CLOSING_S):
                        code = await asyncio.to_thread(running.service.stop)
                finally:
                    database.go_on()

    assert code == 0
