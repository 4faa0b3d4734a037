"""Real processes on a disk that fails, or that is taken away: what they told stays true.

The shim fails what the service does to its database file and write-ahead log. `kill` is the death
after which the log is read anew.
"""

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.parts.http import Caller, Heard, customer_with_card
from tests.parts.preload import Shim, build_shim
from tests.parts.processes import Stack, stack

# What is in doubt is looked at again after the lease of the claim, which is over in seconds.
SETTINGS = {
    "STRIPE_TIMEOUT_CHARGE_S": "2",
    "STRIPE_TIMEOUT_REFUND_S": "2",
    "STRIPE_TIMEOUT_WRITE_S": "2",
    "STRIPE_TIMEOUT_READ_S": "2",
    "ORDER_SERVICE_TIMEOUT_S": "2",
    "LOG_LEVEL": "info",
}
NOTHING = "nothing was charged or changed"
UNUSABLE, OUTDATED = 2, 3


@dataclass
class Shop:
    """Everything that runs, and who asks it."""

    running: Stack
    service: Caller
    sandbox: Caller
    orders: Caller
    customer_id: str

    @property
    def file(self) -> Path:
        return self.running.folder / "payments.sqlite3"

    async def pay(self, order: str, *, capture: str = "automatic") -> Heard:
        asked = {
            "amount": 1000,
            "orderId": order,
            "customerId": self.customer_id,
            "captureMethod": capture,
            "confirm": True,
        }
        return await self.service.ask("POST", "/payment/payment-intent", asked)

    async def move(self, order: str, what: str) -> Heard:
        return await self.service.ask("POST", f"/payment/payment-intent/{order}/{what}", {})

    async def at_stripe(self, order: str) -> list[dict[str, Any]]:
        ledger = (await self.sandbox.ask("GET", "/_sandbox/ledger")).body
        return [i for i in ledger["payment_intents"] if i["metadata"].get("order_id") == order]

    async def settled(self, order: str) -> Heard:
        """Return how the order is shown once it is not in doubt any more."""
        return await self.service.until(
            "GET",
            f"/payment/payment-intent/{order}",
            lambda heard: heard.status == 404 or heard.data["status"] != "processing",
        )


@pytest.fixture
def shim(tmp_path: Path) -> Shim:
    return build_shim(tmp_path)


@pytest.fixture
def running(shim: Shim) -> Iterator[Stack]:
    environ = {**SETTINGS, **shim.environment(match="payments.sqlite3")}
    with stack(environ, webhooks=True) as everything:
        yield everything


@asynccontextmanager
async def open_shop(running: Stack) -> AsyncIterator[Shop]:
    # A connection of its own for each request: the service is restarted in between.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http:
        service = Caller(http, running.service_url)
        customer_id, _ = await customer_with_card(service)
        sandbox, orders = Caller(http, running.sandbox_url), Caller(http, running.orders_url)
        yield Shop(running, service, sandbox, orders, customer_id)


def audit(told: Heard, shown: Heard, intents: list[dict[str, Any]], done: str) -> None:
    """What was told, what is shown at rest, and what Stripe has, must be one story."""
    happened = [intent for intent in intents if intent["status"] == done]
    assert len(happened) <= 1
    if shown.status == 200:
        assert (shown.data["status"] == done) == bool(happened)
    else:
        assert not happened
    match told.status:
        case 200:
            assert (told.data["status"] == done) == bool(happened)
        case 202:
            assert told.data["status"] == "processing"
        case 503:
            assert told.body["code"] == "database_unavailable"
            assert NOTHING not in told.body["message"] or not happened
        case _:
            raise AssertionError(told)


@pytest.mark.parametrize(("error", "times"), [(errno.EIO, 1), (errno.EIO, -1), (errno.ENOSPC, -1)])
async def test_a_payment_on_a_disk_that_does_not_sync_is_told_as_it_turns_out(
    running: Stack, shim: Shim, error: int, times: int
) -> None:
    async with open_shop(running) as shop:
        shim.fail_sync(error, times=times)
        told = await shop.pay("order-1")
        running.service.kill()
        shim.heal()
        running.service.start()

        shown = await shop.settled("order-1")
        audit(told, shown, await shop.at_stripe("order-1"), "succeeded")
        again = await shop.pay("order-1")
        shown = await shop.settled("order-1")

        assert again.status in {200, 202}
        assert shown.data["status"] == "succeeded"
        assert len(await shop.at_stripe("order-1")) == 1


@pytest.mark.parametrize(
    ("what", "done"), [("capture", "succeeded"), ("cancel", "canceled")], ids=["capture", "cancel"]
)
@pytest.mark.parametrize("times", [1, -1])
async def test_neither_is_a_capture_nor_a_cancel_told_as_nothing_that_happens_after_the_restart(
    running: Stack, shim: Shim, what: str, done: str, times: int
) -> None:
    async with open_shop(running) as shop:
        held = await shop.pay("order-1", capture="manual")
        assert held.data["status"] == "requires_capture"
        shim.fail_sync(errno.EIO, times=times)
        told = await shop.move("order-1", what)
        running.service.kill()
        shim.heal()
        running.service.start()

        shown = await shop.settled("order-1")
        audit(told, shown, await shop.at_stripe("order-1"), done)


async def test_a_disk_that_heals_is_ready_again_and_its_failure_was_said_once(
    running: Stack, shim: Shim
) -> None:
    async with open_shop(running) as shop:
        shim.fail_sync(errno.EIO)
        await shop.pay("order-1")
        for number in range(5):
            assert (await shop.pay(f"order-{number}")).status in {202, 503}
        not_ready = await shop.service.until("GET", "/readyz", lambda heard: heard.status == 503)
        assert NOTHING in not_ready.body["message"]
        shim.heal()
        await shop.service.until("GET", "/readyz", lambda heard: heard.status == 200)

        assert (await shop.pay("order-9")).status == 200
        metrics = (await shop.service.ask("GET", "/metrics")).body
        assert "payment_service_database_up 1.0" in metrics
        assert 'payment_service_database_failures_total{cause="sync_failed"} 1.0' in metrics
        log = running.service.log()
        assert log.count('"database.failed"') == 1
        assert log.count('"database.recovered"') == 1


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EROFS])
async def test_a_disk_that_takes_no_writes_shows_in_readiness_before_any_payer_comes(
    running: Stack, shim: Shim, error: int
) -> None:
    async with open_shop(running) as shop:
        assert (await shop.service.ask("GET", "/readyz")).status == 200
        shim.fail_write(error)
        await shop.service.until("GET", "/readyz", lambda heard: heard.status == 503, within_s=5)
        shim.heal()
        await shop.service.until("GET", "/readyz", lambda heard: heard.status == 200)


def remove(file: Path, _copy: Path) -> None:
    file.unlink()


def remove_all(file: Path, _copy: Path) -> None:
    for name in ("", "-wal", "-shm"):
        Path(f"{file}{name}").unlink()


def put_copy(file: Path, copy: Path) -> None:
    remove_all(file, copy)
    shutil.copy(copy, file)


def put_copy_over(file: Path, copy: Path) -> None:
    new = file.with_name("new")
    shutil.copy(copy, new)
    new.rename(file)


def cut_log(file: Path, _copy: Path) -> None:
    os.truncate(f"{file}-wal", 0)


@pytest.mark.parametrize("lose", [remove, remove_all, put_copy, put_copy_over, cut_log])
async def test_a_file_that_is_not_the_one_any_more_is_noticed_and_never_charged_from_again(
    running: Stack, lose: Callable[[Path, Path], None]
) -> None:
    async with open_shop(running) as shop:
        running.service.stop()
        copy = shop.file.with_name("older-copy")
        shutil.copy(shop.file, copy)
        running.service.start()
        assert (await shop.pay("order-1")).data["status"] == "succeeded"

        lose(shop.file, copy)
        told = await shop.pay("order-2")
        assert told.status in {202, 503}
        assert told.status == 202 or not await shop.at_stripe("order-2")
        await shop.service.until("GET", "/readyz", lambda heard: heard.status == 503, within_s=5)
        assert '"cause":"file_replaced"' in running.service.log()
        running.service.kill()

        assert await refused(running) == OUTDATED
        running.service.environ = {**running.service.environ, "SQLITE_ACCEPT_OUTDATED": "true"}
        running.service.start()
        for order in ("order-1", "order-2"):
            await shop.pay(order)
            assert (await shop.settled(order)).data["status"] == "succeeded"
            assert len(await shop.at_stripe(order)) == 1
            await shop.orders.until("GET", f"/order/{order}", lambda heard: heard.status == 200)


async def refused(running: Stack) -> int:
    """Return with which code the service ends instead of starting."""
    program = running.service
    process = await asyncio.create_subprocess_exec(
        *program.launcher,
        *program.arguments,
        env=dict(program.environ),
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    _, said = await asyncio.wait_for(process.communicate(), 30)
    assert "SQLITE_ACCEPT_OUTDATED" in said.decode()
    assert process.returncode is not None
    return process.returncode
