"""`payment-service dev` as a newcomer uses it: started, its commands pasted, stopped."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from payment_service.dev import dev_environ, first_steps, run_dev
from payment_service.settings import load_settings
from tests.parts.at_stripe import AtStripe
from tests.parts.http import Caller
from tests.parts.mongo_server import a_database

COMMAND = str(Path(sys.executable).with_name("payment-service"))
# Longer than the command itself waits for its parts to start or stop.
END_S_MAX = 90.0
# The OrderService is told apart from the answer, but at once.
TOLD_S_MAX = 10.0
POLL_S = 0.05


@dataclass
class Dev:
    """A running `payment-service dev` and the ports it was given."""

    process: subprocess.Popen[str]
    service_port: int
    sandbox_port: int
    orders_port: int
    lines: list[str] = field(default_factory=list)

    def read_until(self, wanted: Callable[[], bool]) -> None:
        assert self.process.stdout is not None
        while not wanted():
            line = self.process.stdout.readline()
            assert line, "it ended:\n" + "\n".join(self.lines)
            self.lines.append(line.rstrip())

    def commands(self) -> list[str]:
        """What it printed to be pasted."""
        return [line for line in self.lines if line.startswith(("curl ", "CUSTOMER="))]

    def wait_until_ready(self) -> None:
        self.read_until(lambda: len(self.commands()) == 4)

    def end(self) -> tuple[int, str]:
        """Wait for the end; return its code and all that was said."""
        rest, _ = self.process.communicate(timeout=END_S_MAX)
        return self.process.returncode, "\n".join([*self.lines, rest])

    def nobody_listens(self) -> bool:
        return not any(map(listens, (self.service_port, self.sandbox_port, self.orders_port)))

    def ask(self, port: int, path: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TOLD_S_MAX)
        connection.request("GET", path)
        answer = connection.getresponse()
        shown = answer.read()
        connection.close()
        return answer.status, json.loads(shown)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


@contextmanager
def running(folder: Path, **environ: str) -> Iterator[Dev]:
    service_port, sandbox_port, orders_port = free_ports(3)
    options = ["--sandbox-port", str(sandbox_port), "--orders-port", str(orders_port)]
    with subprocess.Popen(
        [COMMAND, "dev", *options],
        cwd=folder,
        env={**os.environ, "PORT": str(service_port), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield Dev(process, service_port, sandbox_port, orders_port)
        finally:
            process.terminate()
            process.communicate(timeout=END_S_MAX)


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_the_printed_commands_pay_an_order_and_the_orderservice_is_told(
    tmp_path: Path, shell: str
) -> None:
    with running(tmp_path) as dev:
        dev.wait_until_ready()
        *pay, look = dev.commands()

        pasted = subprocess.run(
            [shell], input="\n".join(pay) + "\n", capture_output=True, text=True, check=True
        )

        customer, card, payment = pasted.stdout.splitlines()
        assert customer.startswith("cus_")
        assert json.loads(card)["data"]["card_last4"] == "4242"
        paid = json.loads(payment)["data"]
        assert (paid["status"], paid["amount"], paid["currency"]) == ("succeeded", 5000, "usd")
        order = seen_order(look)
        assert order["orderId"] == paid["orderId"]
        assert (order["status"], order["told"]) == ("PAYMENT RECEIVED", 1)
        _, ledger = dev.ask(dev.sandbox_port, "/_sandbox/ledger")
        (intent,) = ledger["payment_intents"]
        assert (intent["id"], intent["status"]) == (paid["payment_intent_id"], "succeeded")
        assert (tmp_path / "var" / "payments.sqlite3").exists()
        dev.process.send_signal(signal.SIGTERM)
        code, said = dev.end()

    assert (code, dev.nobody_listens()) == (0, True), said


def seen_order(look: str) -> Any:
    last = time.monotonic() + TOLD_S_MAX
    while True:
        shown = subprocess.run(
            ["sh", "-c", look], capture_output=True, text=True, check=True
        ).stdout
        order = json.loads(shown)
        if "status" in order or time.monotonic() > last:
            return order
        time.sleep(POLL_S)


async def test_a_payment_confirmed_by_its_payer_is_known_at_once_since_the_sandbox_tells(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as dev:
        dev.wait_until_ready()
        async with aiohttp.ClientSession() as http:
            service, sandbox, orders = (
                Caller(http, f"http://127.0.0.1:{port}")
                for port in (dev.service_port, dev.sandbox_port, dev.orders_port)
            )
            body = {"amount": 5000, "orderId": "by-payer", "confirm": False}
            created = await service.ask("POST", "/payment/payment-intent", body)

            payer = AtStripe(http, sandbox.base)
            await payer.confirm(created.data, "pm_card_visa", "https://shop.example/paid")

            # Not a look at the payment, which might be taken for what made it known.
            await orders.until(
                "GET", "/order/by-payer", lambda h: h.status == 200, within_s=TOLD_S_MAX
            )
            paid = await service.ask("GET", "/payment/payment-intent/by-payer")
    assert (created.data["status"], paid.data["status"]) == (
        "requires_payment_method",
        "succeeded",
    )
    news = [(entry["what"], entry["by"]) for entry in paid.data["timeline"]]
    assert ("payment.succeeded", "webhook") in news


def test_the_addresses_it_prints_answer(tmp_path: Path) -> None:
    with running(tmp_path) as dev:
        dev.wait_until_ready()

        addresses = {
            line.rsplit(maxsplit=1)[0].strip(): line.rsplit(maxsplit=1)[1]
            for line in dev.lines
            if line.startswith("  ") and "http://" in line
        }

        assert addresses == {
            "API docs": f"http://127.0.0.1:{dev.service_port}/payment/api-docs",
            "Stripe sandbox": f"http://127.0.0.1:{dev.sandbox_port}/_sandbox/ledger",
            "Demo orders": f"http://127.0.0.1:{dev.orders_port}/orders",
        }
        for address in addresses.values():
            status = subprocess.run(
                ["curl", "-s", "-L", "-o", os.devnull, "-w", "%{http_code}", address],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            assert status == "200", address


def test_a_new_mongodb_is_made_ready_by_itself(tmp_path: Path) -> None:
    with a_database() as uri, running(tmp_path, MONGODB_URI=uri) as dev:
        dev.wait_until_ready()

        status, _ = dev.ask(dev.service_port, "/readyz")

        assert status == 200
        assert not (tmp_path / "var").exists()


def test_a_database_that_is_away_starts_nothing_and_is_named(tmp_path: Path) -> None:
    uri = f"mongodb://127.0.0.1:{free_ports(1)[0]}/payments"

    with running(tmp_path, MONGODB_URI=uri, MONGODB_TIMEOUT_S="0.5") as dev:
        code, said = dev.end()

    assert (code, dev.nobody_listens()) == (2, True), said
    assert "payment-service cannot start: MongoDB: " in said
    assert "Traceback" not in said


def test_ctrl_c_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    with running(tmp_path) as dev:
        dev.read_until(lambda: bool(dev.lines))

        dev.process.send_signal(signal.SIGINT)
        code, said = dev.end()

    assert (code, dev.nobody_listens()) == (0, True), said


def test_a_part_that_dies_stops_the_others_and_is_named(tmp_path: Path) -> None:
    with running(tmp_path) as dev:
        dev.wait_until_ready()

        os.kill(pid_of_part(dev.process.pid, "demo-orders"), signal.SIGKILL)
        code, said = dev.end()

    assert (code, dev.nobody_listens()) == (1, True), said
    assert "the orders ended by itself with SIGKILL\n    The demo OrderService listens on" in said


def pid_of_part(parent: int, word: str) -> int:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    (pid,) = [
        int(child)
        for child in children.split()
        if word in Path(f"/proc/{child}/cmdline").read_text().split("\0")
    ]
    return pid


def test_a_taken_port_is_named_with_the_setting_that_changes_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    service_port, orders_port = free_ports(2)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        code = run_dev({"PORT": str(service_port)}, sandbox_port=port, orders_port=orders_port)

    assert code == 1
    assert capfd.readouterr().err == (
        f"payment-service dev: port {port} for the sandbox cannot be used: another program "
        "listens there, an earlier run perhaps; choose another with --sandbox-port\n"
    )


def test_one_port_for_two_parts_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    service_port, port = free_ports(2)

    code = run_dev({"PORT": str(service_port)}, sandbox_port=port, orders_port=port)

    assert code == 1
    assert "the sandbox wants it too; choose another with --orders-port" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"PORT": "many"}, "PORT: must be"),
        ({"ENVIRONMENT": "production"}, "ENVIRONMENT is production"),
        ({"STRIPE_SECRET_KEY": "sk_live_0123456789abcdef"}, "STRIPE_SECRET_KEY: is a live key"),
    ],
)
def test_settings_that_cannot_be_meant_start_nothing(
    capfd: pytest.CaptureFixture[str], environ: dict[str, str], named: str
) -> None:
    assert run_dev(environ) == 2
    assert named in capfd.readouterr().err


def test_what_the_user_set_wins_over_what_is_made_up() -> None:
    made_up = dev_environ({}, sandbox_port=1, orders_port=2)

    given = {
        "STRIPE_API_BASE": "http://127.0.0.1:3",
        "ORDER_SERVICE_URL": "",  # nobody is to be told
        "SQLITE_PATH": " ",  # as good as not set
        "HOME": "",
    }
    environ = dev_environ(given, sandbox_port=1, orders_port=2)

    assert made_up["STRIPE_API_BASE"] == "http://127.0.0.1:1"
    assert made_up["ORDER_SERVICE_URL"] == "http://127.0.0.1:2/order"
    assert environ == made_up | {
        "STRIPE_API_BASE": "http://127.0.0.1:3",
        "ORDER_SERVICE_URL": "",
        "HOME": "",
    }


def test_a_secret_in_a_file_is_not_made_up_beside_it() -> None:
    given = {"STRIPE_SECRET_KEY_FILE": "/run/secrets/key"}

    environ = dev_environ(given, sandbox_port=1, orders_port=2)

    assert "STRIPE_SECRET_KEY" not in environ
    assert environ["STRIPE_API_BASE"]


def test_at_stripe_nobody_can_sign_with_the_sandbox_secret() -> None:
    given = {"STRIPE_API_BASE": "https://api.stripe.com", "STRIPE_SECRET_KEY": "sk_test_own"}

    settings = load_settings(dev_environ(given, sandbox_port=1, orders_port=2))

    assert settings.stripe_webhook_secret is None


def test_the_commands_of_two_starts_name_different_orders_and_customers() -> None:
    first = first_steps("http://127.0.0.1:9000/payment", stamp=1)
    second = first_steps("http://127.0.0.1:9000/payment", stamp=2)

    assert [one == other for one, other in zip(first, second, strict=True)] == [False, True, False]
