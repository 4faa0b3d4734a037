"""What an operator sets up: keys by the command line, and a port for those who watch."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp

from tests.parts.http import Caller
from tests.parts.processes import Program, free_port, stack


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


async def test_a_key_is_made_used_listed_and_revoked() -> None:
    port = str(free_port())
    with stack({"AUTH": "api-key", "METRICS_PORT": port}) as running:
        path = {"SQLITE_PATH": running.service.environ["SQLITE_PATH"]}
        wish = ["keys", "create", "--name", "checkout", "--scopes", "payment.read"]

        beside = command(*wish, **path)
        running.service.stop()
        made = command(*wish, "--expires-in", "90d", **path)
        text = made.stdout.strip()
        running.service.start()
        async with aiohttp.ClientSession() as http:
            service, watched = Caller(http, running.service_url), Caller(http, _local(port))
            bearer = {"Authorization": f"Bearer {text}"}
            read = await service.ask("GET", "/payment/payments", headers=bearer)
            wrote = await service.ask("POST", "/payment/customer", {}, bearer)
            nobody = await service.ask("GET", "/payment/payments")
            metrics = await watched.ask("GET", "/metrics")
            hidden = await service.ask("GET", "/metrics", headers=bearer)
            probes = [(await watched.ask("GET", f"/{name}")).status for name in ("livez", "readyz")]
        running.service.stop()
        listed = command("keys", "list", **path)
        revoked = command("keys", "revoke", text.split("_")[1], **path)
        gone = command("keys", "list", **path)
        log = running.service.log()

    assert beside.returncode == 2
    assert "is in use by another process" in beside.stderr
    assert "Stop the service to do this with SQLite" in beside.stderr
    assert (read.status, wrote.status, nobody.status) == (200, 403, 401)
    assert (
        'http_requests_total{method="GET",route="/payment/payments",status="200"}' in metrics.body
    )
    assert (hidden.status, probes) == (404, [200, 200])
    assert "\tactive\tpayment.read\t" in listed.stdout
    assert "checkout" in listed.stdout
    assert (revoked.returncode, "\trevoked\t" in gone.stdout) == (0, True)
    secret = text.split("_")[2]
    assert secret not in log + listed.stdout + gone.stdout + revoked.stdout


def test_what_cannot_be_done_with_a_key_is_said(tmp_path: Path) -> None:
    path = {"SQLITE_PATH": str(tmp_path / "p.sqlite3")}

    def create(*more: str) -> str:
        ran = command("keys", "create", "--name", "x", *more, **path)
        assert ran.returncode == 2
        assert "Traceback" not in ran.stderr
        return ran.stderr

    assert "there is no scope" in create("--scopes", "payment.everything")
    assert "is no time such as 90d" in create("--scopes", "payment.read", "--expires-in", "soon")
    nameless = command("keys", "create", "--name", "", "--scopes", "payment.read", **path)
    assert (nameless.returncode, "name: must have" in nameless.stderr) == (2, True)
    unknown = command("keys", "revoke", "nope", **path)
    assert (unknown.returncode, "There is no such API key." in unknown.stderr) == (1, True)


def test_production_does_not_start_before_it_is_said_who_may_call() -> None:
    ran = command("serve", ENVIRONMENT="production", STRIPE_SECRET_KEY="rk_live_abcdef123456")

    assert ran.returncode == 2
    assert "AUTH: is not set" in ran.stderr


def test_a_taken_port_of_the_watchers_names_its_setting(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = str(other.getsockname()[1])
        for name in ("serve", "worker"):
            ran = command(
                name,
                PORT=str(free_port()),
                METRICS_PORT=taken,
                SQLITE_PATH=str(tmp_path / "p.sqlite3"),
            )

            assert ran.returncode == 2
            assert f"port {taken} on 127.0.0.1 is in use; set METRICS_PORT" in ran.stderr


async def test_a_worker_alone_can_be_watched(tmp_path: Path) -> None:
    port = str(free_port())
    environ = {
        "METRICS_PORT": port,
        "SQLITE_PATH": str(tmp_path / "p.sqlite3"),
        "LOG_FORMAT": "json",
    }
    worker = Program(
        ["payment_service", "worker"], f"{_local(port)}/readyz", environ, tmp_path / "log"
    )
    worker.start()
    try:
        async with aiohttp.ClientSession() as http:
            watched = Caller(http, _local(port))
            metrics = await watched.ask("GET", "/metrics")
            nothing = await watched.ask("GET", "/payment/payments")
    finally:
        code = worker.stop()

    assert "payment_service_worker_last_round_timestamp_seconds" in metrics.body
    assert (nothing.status, code) == (404, 0)


def _local(port: str) -> str:
    return f"http://127.0.0.1:{port}"
