"""A shop moves from its file to MongoDB with one command, and goes on there."""

import asyncio
import subprocess
import sys
from pathlib import Path

import aiohttp

from tests.parts.http import Caller, customer_with_card
from tests.parts.mongo_server import a_database
from tests.parts.processes import Stack, migrate, stack


def copied(running: Stack, uri: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as an operator does, the password out of sight."""
    command = [sys.executable, "-m", "payment_service", "copy", *arguments]
    environ = {**running.service.environ, "MONGODB_URI": uri, "PATH": str(Path(sys.executable))}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


async def paid(running: Stack, order_id: str, customer_id: str | None = None) -> str:
    """Pay an order; return the customer's id."""
    async with aiohttp.ClientSession() as http:
        service = Caller(http, running.service_url)
        customer_id = customer_id or (await customer_with_card(service))[0]
        body = {"amount": 1250, "orderId": order_id, "customerId": customer_id, "confirm": True}
        heard = await service.ask("POST", "/payment/payment-intent", body)
        assert heard.data["status"] == "succeeded"
    return customer_id


async def refunded(running: Stack, order_id: str) -> int:
    async with aiohttp.ClientSession() as http:
        service = Caller(http, running.service_url)
        return (await service.ask("POST", "/payment/refund", {"orderId": order_id})).status


def test_a_shop_that_moved_to_mongodb_goes_on_where_it_was() -> None:
    with a_database() as uri, stack({"LOG_LEVEL": "warning"}) as running:
        customer_id = asyncio.run(paid(running, "order-1"))
        while_it_runs = copied(running, uri)
        running.service.stop()

        first, again = copied(running, uri), copied(running, uri)

        running.service.environ = {**running.service.environ, "MONGODB_URI": uri}
        migrate(running.service)
        running.service.start()
        asyncio.run(paid(running, "order-2", customer_id))
        assert asyncio.run(refunded(running, "order-1")) == 200
        running.service.stop()
        moved_on = copied(running, uri)

    assert (while_it_runs.returncode, "in use" in while_it_runs.stderr) == (2, True)
    assert first.returncode == 0, first.stderr
    assert "Both are the same." in first.stdout
    assert "payments\t1 here\t1 there" in first.stdout
    assert "usd received (minor units)\t1250 here\t1250 there" in first.stdout
    assert "0 documents copied" in again.stderr
    assert again.returncode == 0
    assert (moved_on.returncode, "They are NOT the same." in moved_on.stdout) == (1, True)
    assert "payments order-2 is not in the source" in moved_on.stderr


def test_a_copy_that_cannot_be_made_says_why_in_one_line(tmp_path: Path) -> None:
    def refused(*arguments: str, **environ: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "payment_service", "copy", *arguments]
        ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        return ran.returncode, ran.stderr.strip().splitlines()[-1]

    path = str(tmp_path / "shop.sqlite3")
    assert refused(SQLITE_PATH=path) == (
        2,
        "Not copied: MONGODB_URI is not set; set it, or say where with --to",
    )
    assert refused("--from", "postgres://x", SQLITE_PATH=path) == (
        2,
        "Not copied: an address begins with sqlite: or mongodb:// and does not end there",
    )
    code, line = refused("--to", "mongodb://u:verysecret@127.0.0.1:9/x", SQLITE_PATH=path)
    assert (code, line.startswith("Not copied: "), "verysecret" in line) == (2, True, False)
