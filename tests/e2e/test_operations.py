"""What an operator meets: wrong settings, taken ports, absent neighbours, stops and kills."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp

from tests.parts.http import Caller, customer_with_card
from tests.parts.processes import Program, Stack, free_port, stack

PAY = "/payment/payment-intent"


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


def test_wrong_settings_are_all_named_at_once_before_a_port_is_opened() -> None:
    ran = command("serve", PORT="99999", AMOUNT_UNIT="cents", STRIPE_SECRET_KEY="sk_live_abcdef")

    assert ran.returncode == 2
    assert all(name in ran.stderr for name in ("PORT", "AMOUNT_UNIT", "STRIPE_SECRET_KEY"))
    assert "sk_live_abcdef" not in ran.stderr + ran.stdout


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])

        ran = command("serve", PORT=port, SQLITE_PATH=str(tmp_path / "p.sqlite3"))

    assert ran.returncode == 2
    assert f"port {port} on 127.0.0.1 is in use; set PORT to another one" in ran.stderr


def test_a_database_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    ran = command("serve", PORT=str(free_port()), SQLITE_PATH=str(tmp_path / "file" / "p.sqlite3"))

    assert ran.returncode == 2
    assert "cannot be opened for writing" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_second_process_on_the_same_file_is_refused() -> None:
    with stack() as running:
        path = running.service.environ["SQLITE_PATH"]

        ran = command("serve", PORT=str(free_port()), SQLITE_PATH=path)

    assert ran.returncode == 2
    assert "payment-service cannot start" in ran.stderr


def test_every_command_explains_itself() -> None:
    for name in ("serve", "worker", "dev", "demo-orders", "migrate", "settings", "forget"):
        ran = command(name, "--help")

        assert ran.returncode == 0
        assert "Usage" in ran.stdout


def test_migrate_makes_the_database_and_settings_hides_secrets(tmp_path: Path) -> None:
    path = tmp_path / "made" / "p.sqlite3"

    migrated = command("migrate", SQLITE_PATH=str(path))
    shown = command("settings", ORDER_SERVICE_TOKEN="made-up-token")

    assert (migrated.returncode, path.exists()) == (0, True)
    assert "STRIPE_TIMEOUT_CHARGE_S=25.0" in shown.stdout
    assert "made-up-token" not in shown.stdout


async def test_sigterm_lets_a_running_payment_finish() -> None:
    with stack() as running:
        async with aiohttp.ClientSession() as http:
            service, sandbox = Caller(http, running.service_url), Caller(http, running.sandbox_url)
            customer_id, _ = await customer_with_card(service)
            await sandbox.ask("POST", "/_sandbox/latency", {"ms": 1500})
            body = {"amount": 800, "orderId": "late", "customerId": customer_id, "confirm": True}
            paying = asyncio.create_task(service.ask("POST", PAY, body))
            await asyncio.sleep(0.5)

            code = await asyncio.to_thread(running.service.stop)
            heard = await paying

    assert code == 0
    assert (heard.status, heard.data["status"]) == (200, "succeeded")


async def test_what_a_kill_left_in_doubt_is_settled_by_a_worker_alone() -> None:
    with stack() as running:
        async with aiohttp.ClientSession() as http:
            service, orders = Caller(http, running.service_url), Caller(http, running.orders_url)
            await _killed_in_doubt(running, service, Caller(http, running.sandbox_url))

            worker = _worker_of(running)
            worker.start()
            told = await orders.until("GET", "/order/doubt", lambda h: h.status == 200)
            worker.stop()
            assert "METRICS_PORT is 0: nobody can ask this worker" in worker.log()
            running.service.start()
            shown = await service.ask("GET", f"{PAY}/doubt")

    assert told.body["status"] == "PAYMENT RECEIVED"
    assert shown.data["status"] == "succeeded"


async def _killed_in_doubt(running: Stack, service: Caller, sandbox: Caller) -> None:
    """Leave an order that Stripe has charged and that we only know to have been asked for."""
    customer_id, _ = await customer_with_card(service)
    fault = {"method": "POST", "path": "/v1/payment_intents", "fault": "timeout_after", "times": 1}
    await sandbox.ask("POST", "/_sandbox/faults", fault)
    body = {"amount": 800, "orderId": "doubt", "customerId": customer_id, "confirm": True}
    paying = asyncio.create_task(service.ask("POST", PAY, body))
    await asyncio.sleep(0.5)
    running.service.kill()
    await asyncio.gather(paying, return_exceptions=True)


def _worker_of(running: Stack) -> Program:
    """The worker has no port: it is up when the sandbox is, which is always."""
    health_url = running.sandbox.health_url
    environ = running.service.environ
    log_path = running.folder / "worker.log"
    return Program(["payment_service", "worker"], health_url, environ, log_path)


async def test_stripe_away_is_503_and_the_same_request_pays_when_it_is_back() -> None:
    with stack() as running:
        async with aiohttp.ClientSession() as http:
            service = Caller(http, running.service_url)
            customer_id, card_id = await customer_with_card(service)
            body = {
                "amount": 800,
                "orderId": "away",
                "customerId": customer_id,
                "paymentMethodId": card_id,
            }
            sandbox = Caller(http, running.sandbox_url)
            fault = {"method": "POST", "path": "/v1/*", "fault": "rate_limit", "times": 100}
            await sandbox.ask("POST", "/_sandbox/faults", fault)
            limited = await service.ask("POST", PAY, body)
            await sandbox.ask("DELETE", "/_sandbox/faults")
            paid = await service.ask("POST", PAY, body)
            running.sandbox.kill()

            away = await service.ask("POST", PAY, {**body, "orderId": "away-2"})

    assert (limited.status, limited.body["code"]) == (503, "stripe_unavailable")
    assert "retry-after" in limited.headers
    assert (paid.status, paid.data["status"]) == (200, "succeeded")
    assert (away.status, away.body["code"]) == (503, "stripe_unavailable")


async def test_a_refused_key_is_502_and_says_nothing_of_the_key() -> None:
    with stack({"STRIPE_SECRET_KEY": "rk_test_bad"}) as running:
        running.sandbox.stop()
        running.sandbox.arguments += ["--accept-key", "sk_test_other"]
        running.sandbox.start()
        async with aiohttp.ClientSession() as http:
            service = Caller(http, running.service_url)

            heard = await service.ask("POST", "/payment/customer", {"email": "a@shop.example"})

        assert (heard.status, heard.body["code"]) == (502, "stripe_refused")
        assert "rk_test_bad" not in str(heard.body) + running.service.log()


async def test_an_orderservice_that_is_away_is_told_when_it_is_back() -> None:
    with stack() as running:
        running.orders.kill()
        async with aiohttp.ClientSession() as http:
            service = Caller(http, running.service_url)
            customer_id, _ = await customer_with_card(service)
            body = {"amount": 800, "orderId": "later", "customerId": customer_id, "confirm": True}

            paid = await service.ask("POST", PAY, body)
            await asyncio.sleep(1)
            running.orders.start()
            told = await Caller(http, running.orders_url).until(
                "GET", "/order/later", lambda h: h.status == 200, within_s=30
            )

    assert (paid.status, paid.data["status"]) == (200, "succeeded")
    assert told.body["told"] == 1
