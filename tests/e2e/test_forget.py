"""`payment-service forget`, as an operator types it, on the database's own file."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp

from tests.parts.http import Caller, customer_with_card
from tests.parts.processes import Stack, stack

EMAIL = "zoe.quill@shop.example"
PAY = "/payment/payment-intent"


def forget(here: Stack, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "payment_service", "forget", *arguments],
        env={
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
            **here.service.environ,
        },
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def raw(here: Stack) -> bytes:
    path = Path(here.service.environ["SQLITE_PATH"])
    return b"".join(found.read_bytes() for found in path.parent.glob(f"{path.name}*"))


async def pay(service: Caller, customer_id: str, order_id: str, **more: Any) -> Any:
    body = {"amount": 800, "orderId": order_id, "customerId": customer_id, "confirm": True, **more}
    return await service.ask("POST", PAY, body)


async def test_a_customer_is_forgotten_and_the_books_are_there_when_we_start_again() -> None:
    with stack() as here:
        async with aiohttp.ClientSession() as http:
            service, sandbox = Caller(http, here.service_url), Caller(http, here.sandbox_url)
            customer_id, _ = await customer_with_card(service, EMAIL)
            await pay(service, customer_id, "paid", description=f"for {EMAIL}")

            await asyncio.to_thread(here.service.stop)
            assert EMAIL.encode() in raw(here), "else this test shows nothing"
            done = await asyncio.to_thread(
                forget, here, EMAIL.upper(), "--yes", "--by", "olga", "--reason", "she asked"
            )
            again = await asyncio.to_thread(forget, here, EMAIL, "--yes")
            left = raw(here)
            here.service.start()

            shown = await service.ask("GET", f"{PAY}/paid")
            gone = await service.ask("GET", f"/payment/customer/{EMAIL}")
            headers = {"Authorization": "Bearer sk_test_dashboard"}
            path = f"/v1/customers/{customer_id}"
            at_stripe = await sandbox.ask("GET", path, headers=headers)

    assert (done.returncode, done.stderr) == (0, "")
    assert f"Kept: 1 payments, under the customer id {customer_id}." in done.stdout
    assert EMAIL not in done.stdout.lower()
    assert (again.returncode, "Nothing to forget" in again.stderr) == (1, True)
    assert b"zoe.quill" not in left.lower()
    assert b"olga" in left
    assert b"she asked" in left
    assert (shown.data["status"], shown.data["description"]) == ("succeeded", None)
    assert shown.data["customerId"] == customer_id
    assert gone.status == 404
    assert at_stripe.body == {"id": customer_id, "object": "customer", "deleted": True}


async def test_a_customer_is_forgotten_while_the_service_runs() -> None:
    with stack() as here:
        async with aiohttp.ClientSession() as http:
            service = Caller(http, here.service_url)
            customer_id, _ = await customer_with_card(service, EMAIL)
            await pay(service, customer_id, "paid", description=f"for {EMAIL}")

            done = await asyncio.to_thread(forget, here, EMAIL, "--yes", "--by", "olga")
            shown = await service.ask("GET", f"{PAY}/paid")
            gone = await service.ask("GET", f"/payment/customer/{EMAIL}")
            again = await asyncio.to_thread(forget, here, EMAIL, "--yes")
            await asyncio.to_thread(here.service.stop)
            erased = await asyncio.to_thread(forget, here, EMAIL, "--yes")
            left = raw(here)

    assert (done.returncode, "stop the service and run the same" in done.stderr) == (0, True)
    assert f"Kept: 1 payments, under the customer id {customer_id}." in done.stdout
    assert (shown.data["status"], shown.data["description"]) == ("succeeded", None)
    assert gone.status == 404
    assert (again.returncode, "Nothing to forget" in again.stderr) == (1, True)
    assert erased.returncode == 1
    assert b"zoe.quill" not in left.lower()
    assert b"olga" in left


async def test_it_asks_first_and_does_not_pull_the_card_from_under_a_payment() -> None:
    with stack() as here:
        async with aiohttp.ClientSession() as http:
            service = Caller(http, here.service_url)
            customer_id, _ = await customer_with_card(service, EMAIL)
            held = await pay(service, customer_id, "held", captureMethod="manual")
            assert held.data["status"] == "requires_capture"
            await asyncio.to_thread(here.service.stop)

            no = await asyncio.to_thread(forget, here, EMAIL, typed="n\n")
            open_payment = await asyncio.to_thread(forget, here, EMAIL, typed="y\n")
            here.service.start()
            shown = await service.ask("GET", f"/payment/customer/{EMAIL}")

    assert (no.returncode, "This cannot be undone" in no.stdout) == (1, True)
    assert open_payment.returncode == 1
    assert "Not forgotten: These orders are not settled: held (requires_capture)." in (
        open_payment.stderr
    )
    assert shown.status == 200


async def test_when_stripe_is_away_it_says_so_and_ends_when_run_again() -> None:
    with stack() as here:
        async with aiohttp.ClientSession() as http:
            service = Caller(http, here.service_url)
            await customer_with_card(service, EMAIL)
            await asyncio.to_thread(here.service.stop)
            environ = {**here.service.environ, "STRIPE_API_BASE": "http://127.0.0.1:1"}
            there, here.service.environ = here.service.environ, environ

            away = await asyncio.to_thread(forget, here, EMAIL, "--yes", "--patience-s", "1")
            here.service.environ = there
            done = await asyncio.to_thread(forget, here, EMAIL, "--yes")

    assert (away.returncode, "Run it again." in away.stderr) == (1, True)
    assert done.returncode == 0
