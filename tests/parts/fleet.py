"""Many processes of ours on one database, beside one sandbox and one OrderService."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.parts.processes import WEBHOOK_SECRET, Program, free_port, migrate

# A rehearsal of minutes: what takes half a minute, an hour or a day in earnest takes seconds here.
QUICK = {
    "STRIPE_TIMEOUT_CHARGE_S": "3",
    "STRIPE_TIMEOUT_REFUND_S": "3",
    "STRIPE_TIMEOUT_WRITE_S": "3",
    "STRIPE_TIMEOUT_READ_S": "3",
    "ORDER_SERVICE_TIMEOUT_S": "2",
    "PAYMENT_RESPONSE_DEADLINE_S": "15",
    "PAYER_EXPECTS_CHARGE_S": "60",
    "ACTION_EXPIRES_S": "20",
    "PAYMENT_EXPIRES_S": "20",
    "BACK_FILL_EVERY_S": "3",
    "SWEEP_EVERY_S": "10",
    "LOG_LEVEL": "warning",
    "LOG_FORMAT": "json",
}


@dataclass(frozen=True, slots=True)
class Fleet:
    """Everything, running. `apis` take requests and have no worker; `workers` take none."""

    apis: tuple[Program, ...]
    workers: tuple[Program, ...]
    sandbox: Program
    orders: Program
    api_urls: tuple[str, ...]
    sandbox_url: str
    orders_url: str

    @property
    def replicas(self) -> tuple[Program, ...]:
        """All processes of the service."""
        return (*self.apis, *self.workers)


@contextmanager
def fleet(
    database_uri: str, *, apis: int, workers: int, environ: Mapping[str, str] | None = None
) -> Iterator[Fleet]:
    """Run all of it on this database, whose schema is made first; end it and drop its files."""
    folder = Path(tempfile.mkdtemp(prefix="payment-fleet-"))
    made = _fleet(folder, database_uri, apis, workers, {**QUICK, **(environ or {})})
    try:
        migrate(made.apis[0])
        for program in (made.sandbox, made.orders, *made.replicas):
            program.start()
        yield made
    finally:
        for program in (*reversed(made.replicas), made.orders, made.sandbox):
            program.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _fleet(
    folder: Path, database_uri: str, apis: int, workers: int, environ: Mapping[str, str]
) -> Fleet:
    ports = [free_port() for _ in range(apis)]
    urls = tuple(f"http://127.0.0.1:{port}" for port in ports)
    sandbox_port, orders_port = free_port(), free_port()
    sandbox_url = f"http://127.0.0.1:{sandbox_port}"
    orders_url = f"http://127.0.0.1:{orders_port}"
    settings = {
        "MONGODB_URI": database_uri,
        "STRIPE_API_BASE": sandbox_url,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "ORDER_SERVICE_URL": f"{orders_url}/order",
        **environ,
    }

    def replica(role: str, number: int, port: int) -> Program:
        metrics_port = free_port()
        own = {"PORT": str(port), "METRICS_PORT": str(metrics_port), "WORKER_ENABLED": "false"}
        health_url = f"http://127.0.0.1:{metrics_port}/livez"
        log = folder / f"{role}-{number}.log"
        return Program(["payment_service", role], health_url, {**settings, **own}, log)

    sandbox = ["stripe_sandbox", "--port", str(sandbox_port)]
    sandbox += ["--webhook-url", f"{urls[0]}/payment/webhook", "--webhook-secret", WEBHOOK_SECRET]
    orders = ["payment_service", "demo-orders", "--port", str(orders_port)]
    return Fleet(
        apis=tuple(replica("serve", number, port) for number, port in enumerate(ports)),
        workers=tuple(replica("worker", number, free_port()) for number in range(workers)),
        sandbox=Program(sandbox, f"{sandbox_url}/_sandbox/health", {}, folder / "sandbox.log"),
        orders=Program(orders, f"{orders_url}/health", {}, folder / "orders.log"),
        api_urls=urls,
        sandbox_url=sandbox_url,
        orders_url=orders_url,
    )
