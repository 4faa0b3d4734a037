"""Operators' commands on the SQLite file of a service that runs, as they type them."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import aiohttp

from payment_service.adapters.store_socket.server import CONNECTIONS_MAX
from tests.parts.http import Caller, customer_with_card
from tests.parts.operator_relay import answers_lost
from tests.parts.processes import Stack, stack

# What the guide promises of a key that is revoked; and what a busy machine may take besides.
REVOKED_WITHIN_S, MARGIN_S = 3.0, 5.0
# How a command ends of which nobody knows whether it was done.
IN_DOUBT = 4


def command(here: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "payment_service", *arguments],
        env={**_found_by(), **here.service.environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _found_by() -> dict[str, str]:
    """Return what a program needs to find ours."""
    return {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}


def listening_at(here: Stack) -> Path:
    return Path(f"{here.service.environ['SQLITE_PATH']}.sock")


async def test_the_first_key_is_made_used_and_revoked_without_a_stop() -> None:
    with stack({"AUTH": "api-key"}) as here:
        pid = here.service.pid
        scopes = ("--scopes", "payment.read")
        made = command(here, "keys", "create", "--name", "first", *scopes, "--by", "Olga P.")
        key = made.stdout.strip()
        headers = {"Authorization": f"Bearer {key}"}
        async with aiohttp.ClientSession() as http:
            service = Caller(http, here.service_url)
            read = await service.ask("GET", "/payment/payments", headers=headers)
            listed = command(here, "keys", "list")
            revoked = command(here, "keys", "revoke", key.split("_")[1], "--reason", "leaked")
            began = time.monotonic()
            refused = False
            while not refused and time.monotonic() - began < REVOKED_WITHIN_S + MARGIN_S:
                after = await service.ask("GET", "/payment/payments", headers=headers)
                refused = after.status == 401
            unknown = command(here, "keys", "revoke", "nobodys")
        mode = stat.S_IMODE(listening_at(here).stat().st_mode)
        was_running = here.service.pid == pid
        log = here.service.log()
        here.service.stop()
        is_left = listening_at(here).exists()

    assert (made.returncode, read.status) == (0, 200), made.stderr
    assert "\tactive\tpayment.read\t" in listed.stdout
    assert revoked.returncode == 0
    assert refused
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert (mode, was_running, is_left) == (0o600, True, False)
    assert key.split("_")[2] not in log + listed.stdout + revoked.stdout


async def test_refusals_are_lifted_and_notifications_listed_while_it_runs() -> None:
    with stack({"CARD_REFUSALS_MAX": "1"}) as here:
        async with aiohttp.ClientSession() as http:
            service = Caller(http, here.service_url)
            customer_id, _ = await customer_with_card(service, "zoe@shop.example")
            order = {"amount": 900, "orderId": "o-1", "customerId": customer_id, "confirm": True}
            declined = {**order, "paymentMethodId": "pm_card_chargeDeclined"}
            first = await service.ask("POST", "/payment/payment-intent", declined)
            paused = await service.ask("POST", "/payment/payment-intent", order)
            lifted = command(here, "lift-refusals", "customer", customer_id)
            paid = await service.ask("POST", "/payment/payment-intent", order)
            listed = command(here, "notifications", "list", "--state", "delivered")

    assert (first.status, paused.status, lifted.returncode) == (402, 429, 0), lifted.stderr
    assert paid.data["status"] == "succeeded"
    assert (listed.returncode, listed.stdout.split("\t")[0]) == (0, "o-1"), listed.stderr


def test_commands_work_at_once_and_after_the_process_was_killed() -> None:
    with stack({"AUTH": "api-key"}) as here:
        wish = ["keys", "create", "--scopes", "payment.read", "--name"]
        made: list[subprocess.CompletedProcess[str]] = []
        threads = [
            threading.Thread(target=lambda name=name: made.append(command(here, *wish, name)))
            for name in ("one", "two", "three")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        here.service.kill()
        was_left = listening_at(here).exists()
        alone = command(here, *wish, "four")
        here.service.start()
        listed = command(here, "keys", "list")

    assert [one.returncode for one in (*made, alone)] == [0] * 4, [one.stderr for one in made]
    assert was_left
    assert {line.split("\t")[-1] for line in listed.stdout.splitlines()} == {
        *("one", "two", "three", "four")
    }


def test_a_write_whose_answer_is_lost_is_told_as_one_that_may_be_done() -> None:
    with stack({"AUTH": "api-key"}) as here:
        made = command(here, "keys", "create", "--name", "first", "--scopes", "payment.read")
        key_id = made.stdout.split("_")[1]
        with answers_lost(listening_at(here), "replace"):
            revoked = command(here, "keys", "revoke", key_id)
        with answers_lost(listening_at(here), "ping"):
            listed = command(here, "keys", "list")
        after = command(here, "keys", "list")

    assert (revoked.returncode, revoked.stdout) == (IN_DOUBT, "")
    assert "It may have been done" in revoked.stderr
    assert "cannot be opened" not in revoked.stderr
    assert listed.returncode == 2
    assert "may have been done" not in listed.stderr
    assert "\trevoked\t" in after.stdout


def test_a_service_that_is_killed_while_it_forgets_leaves_that_in_doubt() -> None:
    with stack() as here:
        here.sandbox.pause()
        run = subprocess.Popen(
            [sys.executable, "-m", "payment_service", "forget", "zoe@shop.example", "--yes"],
            env={**_found_by(), **here.service.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(3)  # it has asked, and the service waits for Stripe
        here.service.kill()
        _, said = run.communicate(timeout=60)
        os.kill(here.sandbox.pid, signal.SIGCONT)

    assert run.returncode == IN_DOUBT
    assert "It may have been done" in said
    assert "cannot start" not in said


def test_a_start_says_who_has_the_file_and_another_files_name_is_left_alone() -> None:
    with stack() as here:
        second = command(here, "serve")
        here.service.stop()
        taken = listening_at(here)
        taken.write_text("somebody's notes")
        here.service.start()
        log = here.service.log()
        beside = command(here, "keys", "list")
        kept = taken.read_text()

    assert second.returncode == 2
    assert "is in use" in second.stderr
    assert '"operator_socket.unavailable"' in log or "operator_socket.unavailable" in log
    assert kept == "somebody's notes"
    assert (beside.returncode, "is in use by another process" in beside.stderr) == (2, True)


def test_a_very_long_path_is_no_hindrance(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    with stack({"AUTH": "api-key", "SQLITE_PATH": str(folder / "p.sqlite3")}) as here:
        made = command(here, "keys", "create", "--name", "first", "--scopes", "payment.read")

    assert made.returncode == 0, made.stderr


def test_what_speaks_another_language_is_let_go() -> None:
    with stack({"AUTH": "api-key"}) as here:
        strangers: list[socket.socket] = []
        for sent in (b"\xff\xff\xff\xff", b"\x00\x00\x00\x02{]", b"GET / HTTP/1.1\r\n\r\n"):
            stranger = socket.socket(socket.AF_UNIX)
            stranger.settimeout(10)
            stranger.connect(str(listening_at(here)))
            stranger.sendall(sent)
            strangers.append(stranger)
        ends = [_read_to_end(stranger) for stranger in strangers]
        made = command(here, "keys", "create", "--name", "first", "--scopes", "payment.read")

    assert all(b"release" in end for end in ends)
    assert made.returncode == 0, made.stderr


def test_a_command_beside_too_many_others_says_so_at_once() -> None:
    with stack({"AUTH": "api-key"}) as here:
        others = [socket.socket(socket.AF_UNIX) for _ in range(CONNECTIONS_MAX)]
        for other in others:
            other.settimeout(10)
            other.connect(str(listening_at(here)))
            assert other.recv(4096)
        refused = command(here, "keys", "list")
        for other in others:
            other.close()
        listed = command(here, "keys", "list")

    assert (refused.returncode, "too many commands" in refused.stderr) == (2, True)
    assert listed.returncode == 0, listed.stderr


def _read_to_end(stranger: socket.socket) -> bytes:
    said = b""
    with stranger:
        while part := stranger.recv(4096):
            said += part
    return said
