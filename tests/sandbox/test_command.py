"""The command: listens, says so in one line, and stops cleanly when told to."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

COMMAND = [sys.executable, "-m", "stripe_sandbox"]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_listens_until_it_is_stopped(stop: signal.Signals) -> None:
    command = [*COMMAND, "--port", "0", "--latency-ms", "1", "--rate-limit", "50", "--object-locks"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = line.removeprefix("stripe-sandbox listens on ").strip()

        with urllib.request.urlopen(f"{url}/_sandbox/health", timeout=5) as answer:  # noqa: S310 - our own
            assert json.load(answer) == {"status": "ok"}
        process.send_signal(stop)

        assert process.wait(timeout=5) == 0
        assert process.stdout.read() == ""


def test_it_need_not_give_out_the_ids_of_an_earlier_run_again() -> None:
    made = [_a_customer_of("--fresh-ids"), _a_customer_of("--seed", "0"), _a_customer_of()]

    assert made[0] != made[1]
    assert made[1] == made[2]


def _a_customer_of(*options: str) -> str:
    with subprocess.Popen(
        [*COMMAND, "--port", "0", *options], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("stripe-sandbox listens on ").strip()
        asked = urllib.request.Request(  # noqa: S310 - our own
            f"{url}/v1/customers", b"", {"Authorization": "Bearer sk_test_x"}
        )
        with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310 - our own
            customer_id: str = json.load(answer)["id"]
        process.terminate()
    return customer_id


def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = subprocess.run(
            [*COMMAND, "--port", str(port)], capture_output=True, text=True, check=False, timeout=10
        )

    assert run.returncode == 1
    assert run.stderr.startswith(f"cannot listen on 127.0.0.1:{port}: ")


def test_help_names_the_options() -> None:
    run = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True)

    for option in ("--host", "--port", "--latency-ms", "--rate-limit", "--seed"):
        assert option in run.stdout
    assert "--raw-card-numbers" in run.stdout


def test_the_page_of_the_bank_can_be_at_another_address() -> None:
    command = [*COMMAND, "--port", "0", "--public-url", "https://stripe.test"]
    form = (
        b"amount=1000&currency=usd&payment_method=pm_card_threeDSecure2Required&confirm=true"
        b"&return_url=https%3A%2F%2Fshop.example"
    )
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("stripe-sandbox listens on ").strip()
        asked = urllib.request.Request(  # noqa: S310 - our own
            f"{url}/v1/payment_intents", form, {"Authorization": "Bearer sk_test_x"}
        )
        with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310 - our own
            intent = json.load(answer)
        process.terminate()

        page = intent["next_action"]["redirect_to_url"]["url"]
        assert page == f"https://stripe.test/_sandbox/3ds/{intent['id']}"
        assert process.wait(timeout=5) == 0
