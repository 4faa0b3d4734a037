"""Real processes on free loopback ports: sandbox, demo OrderService, service. Always ended."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

# A cold start compiles nothing and opens a file: seconds even on a loaded machine.
START_S = 30.0
STOP_S = 30.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
WEBHOOK_SECRET = "whsec_made_up"


# Below the ports that the system gives to clients, one of which may take what was free just now;
# each process of a test run has ports of its own, and goes through them in turn.
PORTS_FROM, PORTS_EACH = 13_000, 1_500
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_turns = count(os.getpid())


def free_port() -> int:
    """Return a port that nobody listens on, and that nobody else is given for a while."""
    for _ in range(PORTS_EACH):
        port = PORTS_FROM + _WORKER * PORTS_EACH + next(_turns) % PORTS_EACH
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


@dataclass
class Program:
    """One program of ours, that can be started, killed and started again with the same settings.

    launcher: what stands before its arguments. folder: where it runs, None for here.
    """

    arguments: list[str]
    health_url: str
    environ: Mapping[str, str]
    log_path: Path
    launcher: tuple[str, ...] = (sys.executable, "-m")
    folder: Path | None = None
    child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process's id while it runs."""
        assert self.child is not None
        return self.child.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._begin()
        assert self.child is not None
        deadline = time.monotonic() + START_S
        while not _answers(self.health_url):
            if self.child.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.arguments} did not start:\n{self.log()[-2000:]}")
            time.sleep(0.05)

    def pause(self) -> None:
        """Let it stand still, as a machine does that is moved or out of memory."""
        assert self.child is not None
        self.child.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on, as if no time had passed."""
        assert self.child is not None
        self.child.send_signal(signal.SIGCONT)

    def run(self) -> None:
        """Run it to its own end, which must be a good one."""
        self._begin()
        assert self.child is not None
        assert self.child.wait(START_S) == 0, self.log()[-2000:]

    def kill(self) -> None:
        """End it as a power cut does."""
        assert self.child is not None
        self.child.kill()
        self.child.wait()

    def stop(self) -> int:
        """Ask it to stop; return its exit code."""
        if self.child is None or self.child.poll() is not None:
            return -1 if self.child is None else self.child.returncode
        self.child.terminate()
        try:
            return self.child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise

    def log(self) -> str:
        """Everything it has printed so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def _begin(self) -> None:
        with self.log_path.open("ab") as log:
            self.child = subprocess.Popen(
                [*self.launcher, *self.arguments],
                env={**_plain_environ(), **self.environ},
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )


@dataclass
class Stack:
    """Everything that a payment needs, running."""

    service: Program
    sandbox: Program
    orders: Program
    service_url: str
    sandbox_url: str
    orders_url: str
    folder: Path

    @property
    def webhook_url(self) -> str:
        """Where Stripe tells the service of what happened."""
        return f"{self.service_url}/payment/webhook"


@contextmanager
def stack(
    environ: Mapping[str, str] | None = None,
    *,
    webhooks: bool = False,
    launcher: tuple[str, ...] | None = None,
) -> Iterator[Stack]:
    """Run all three; yield where they are; end them and drop their files.

    webhooks: whether the sandbox delivers its events to the service by itself. launcher: what
    stands before the service's arguments, if it is not plain Python.
    """
    folder = Path(tempfile.mkdtemp(prefix="payment-service-"))
    made = _stack(folder, environ or {})
    if launcher is not None:
        made.service.launcher = launcher
    if webhooks:
        made.sandbox.arguments += ["--webhook-url", made.webhook_url]
        made.sandbox.arguments += ["--webhook-secret", WEBHOOK_SECRET]
    programs = [made.sandbox, made.orders, made.service]
    if "MONGODB_URI" in (environ or {}):
        migrate(made.service)
    try:
        for program in programs:
            program.start()
        yield made
    finally:
        for program in reversed(programs):
            program.stop()
        shutil.rmtree(folder, ignore_errors=True)


def migrate(replica: Program) -> None:
    """Make the database ready for a process with these settings."""
    once = Program(["payment_service", "migrate"], "", replica.environ, replica.log_path)
    once.run()


def _stack(folder: Path, environ: Mapping[str, str]) -> Stack:
    sandbox_port, orders_port, service_port = free_port(), free_port(), free_port()
    sandbox_url = f"http://127.0.0.1:{sandbox_port}"
    orders_url = f"http://127.0.0.1:{orders_port}"
    service_url = f"http://127.0.0.1:{service_port}"
    settings = {
        "PORT": str(service_port),
        "STRIPE_API_BASE": sandbox_url,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "ORDER_SERVICE_URL": f"{orders_url}/order",
        "SQLITE_PATH": str(folder / "payments.sqlite3"),
        "LOG_FORMAT": "json",
        # The sandbox takes as many as come, and tests are in a hurry.
        "STRIPE_REQUESTS_PER_S": "0",
        "STRIPE_REQUESTS_PER_ENDPOINT_S": "0",
        "RATE_LIMIT_PER_ADDRESS": "",
        "CARD_REFUSALS_MAX": "0",
        "SHED_DELAY_S": "0",
        **environ,
    }
    sandbox = ["stripe_sandbox", "--port", str(sandbox_port)]
    orders = ["payment_service", "demo-orders", "--port", str(orders_port)]
    serve = ["payment_service", "serve"]
    return Stack(
        service=Program(serve, f"{service_url}/livez", settings, folder / "service.log"),
        sandbox=Program(sandbox, f"{sandbox_url}/_sandbox/health", {}, folder / "sandbox.log"),
        orders=Program(orders, f"{orders_url}/health", {}, folder / "orders.log"),
        service_url=service_url,
        sandbox_url=sandbox_url,
        orders_url=orders_url,
        folder=folder,
    )


def cpu_ms(pid: int) -> float:
    """Return user and system CPU of this process alone, in ms, at a tick's precision."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / TICKS_PER_S


def _plain_environ() -> dict[str, str]:
    """Return the environment without the settings of whoever runs the tests."""
    keep = {"PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH"}
    return {name: value for name, value in os.environ.items() if name in keep}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - our own loopback address
            return True
    except OSError:
        return False
