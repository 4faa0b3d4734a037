"""The service on MongoDB, as an operator runs it: migrate, serve, and outlive kills of either."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import aiohttp
import pymongo
import pytest

from tests.parts.http import Caller, customer_with_card
from tests.parts.mongo_server import MongoServer, mongo_server
from tests.parts.processes import free_port, stack

ORDER = "/payment/payment-intent/order-1"


@pytest.fixture
def database() -> Iterator[MongoServer]:
    with mongo_server(durable=True) as server:
        yield server


def command(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours to its end."""
    return subprocess.run(
        [sys.executable, "-m", "payment_service", *arguments],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_start_before_migrate_says_what_to_run_and_one_after_it_serves(
    database: MongoServer,
) -> None:
    before = command("serve", MONGODB_URI=database.uri, PORT=str(free_port()))
    first = command("migrate", MONGODB_URI=database.uri)
    again = command("migrate", MONGODB_URI=database.uri)

    assert before.returncode == 2
    assert "payment-service cannot start: the MongoDB database is not as this" in before.stderr
    assert "run `payment-service migrate` first" in before.stderr
    assert "Traceback" not in before.stderr
    assert (first.returncode, again.returncode) == (0, 0)
    assert "up to date" in again.stdout


def test_listing_keys_leaves_the_indexes_of_a_shared_database_as_they_are(
    database: MongoServer,
) -> None:
    """They may be a newer release's, and making them anew takes an hour."""
    assert command("migrate", MONGODB_URI=database.uri).returncode == 0
    with pymongo.MongoClient[dict[str, Any]](database.uri) as client:
        payments = client.get_default_database()["payments"]
        payments.drop_index("status")

        listed = command("keys", "list", MONGODB_URI=database.uri)

        assert "status" not in payments.index_information()
    assert listed.returncode == 2
    assert "payments.status); run `payment-service migrate` first" in listed.stderr


def test_a_database_that_is_away_is_said_in_one_line_without_the_password() -> None:
    uri = f"mongodb://user:verysecret@127.0.0.1:{free_port()}/payments"

    ran = command("migrate", MONGODB_URI=uri, MONGODB_TIMEOUT_S="0.5")

    assert ran.returncode == 2
    assert "payment-service cannot start: MongoDB: ServerSelectionTimeoutError" in ran.stderr
    assert "verysecret" not in ran.stderr + ran.stdout
    assert "Traceback" not in ran.stderr


async def test_a_payment_outlives_a_kill_of_the_service_and_of_the_database(
    database: MongoServer,
) -> None:
    assert command("migrate", MONGODB_URI=database.uri).returncode == 0
    with stack({"MONGODB_URI": database.uri, "LOG_LEVEL": "warning"}) as running:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http:
            service = Caller(http, running.service_url)
            orders = Caller(http, running.orders_url)
            customer_id, _ = await customer_with_card(service)
            body = {
                "amount": 4200,
                "orderId": "order-1",
                "customerId": customer_id,
                "confirm": True,
            }
            paid = await service.ask("POST", "/payment/payment-intent", body)
            assert (paid.status, paid.data["status"]) == (200, "succeeded")
            await orders.until("GET", "/order/order-1", lambda heard: heard.status == 200)

            database.kill()
            away = await service.ask("GET", ORDER)
            assert (away.status, away.body["code"]) == (503, "database_unavailable")
            assert (await service.ask("GET", "/readyz")).status == 503
            database.start()
            back = await service.until("GET", ORDER, lambda heard: heard.status == 200)
            assert back.data["payment_intent_id"] == paid.data["payment_intent_id"]

            running.service.kill()
            running.service.start()
            again = await service.ask("POST", "/payment/payment-intent", body)
            assert again.data["payment_intent_id"] == paid.data["payment_intent_id"]
    assert "secret" not in running.service.log()
