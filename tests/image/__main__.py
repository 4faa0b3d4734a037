"""`make image`: build the Dockerfile on a real engine, run it as the manifests do, and judge it.

Exit code 1: something is not as it must be. It needs root and Debian's apt, and takes minutes the
first time; var/image keeps the base for the next.
"""

import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import aiohttp

from tests.image.engine import TAG, Engine, EngineError
from tests.parts.dockerfile import ROOT, last_stage
from tests.parts.http import Caller, customer_with_card
from tests.parts.processes import free_port

FOLDER = ROOT / "var/image"
# The slow charge, and when the service is told to stop while it is under way.
CHARGE_S, TOLD_AFTER_S = 4.0, 1.0
START_S_MAX = 30.0
SERVICE, SANDBOX = "payment-image-service", "payment-image-sandbox"


class Judge:
    """Prints what was found, and remembers whether all of it was right."""

    def __init__(self) -> None:
        self.wrong = 0

    def finds(self, what: str, *, right: bool, seen: object = "") -> None:
        """Say whether something is as it must be."""
        self.wrong += not right
        print(f"{'right' if right else 'WRONG'}: {what}{f' ({seen})' if seen else ''}", flush=True)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long a step took."""
    begun = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - begun:.1f} s", flush=True)


def main() -> int:
    """Build, run, judge; everything that was started is removed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    engine, judge = Engine(FOLDER), Judge()
    try:
        engine.remove(SERVICE, SANDBOX)
        with timed("the base image, from Debian's packages"):
            base = engine.base()
        with timed("the image"):
            engine.build()
        more_mb = engine.size_mb(TAG) - engine.size_mb(base)
        print(f"the image is {more_mb:.0f} MB more than its base")
        asyncio.run(run(engine, judge))
    except EngineError as error:
        judge.finds(str(error), right=False)
    finally:
        engine.remove(SERVICE, SANDBOX)
    return 1 if judge.wrong else 0


async def run(engine: Engine, judge: Judge) -> None:
    """Pay an order in containers, and stop the service while another one is paid."""
    sandbox, port, metrics = (free_port() for _ in range(3))
    at = "http://127.0.0.1"
    here = ("--entrypoint", "stripe-sandbox")
    engine.start(SANDBOX, "--port", str(sandbox), options=here)
    volume = FOLDER / "volume"
    _empty_volume(volume)
    settings = {
        "NODE_ENV": "development",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "METRICS_PORT": str(metrics),
        "STRIPE_API_BASE": f"{at}:{sandbox}",
        "ORDER_SERVICE_URL": "",
    }
    given = [word for name, text in settings.items() for word in ("--env", f"{name}={text}")]
    async with aiohttp.ClientSession() as http:
        at_stripe, service = Caller(http, f"{at}:{sandbox}"), Caller(http, f"{at}:{port}")
        await _answers(at_stripe, "/_sandbox/health")
        with timed("the start of the service"):
            engine.start(SERVICE, options=(*given, "--volume", f"{volume}:/var/lib/payments"))
            await _answers(Caller(http, f"{at}:{metrics}"), "/readyz")
        _judge_bounds(engine, judge)
        customer_id, _ = await customer_with_card(service)
        order = {"amount": 6522, "customerId": customer_id, "orderId": "order-1", "confirm": True}
        paid = await service.ask("POST", "/payment/payment-intent", order)
        judge.finds("an order is paid", right=paid.status == 200, seen=paid.status)
        await _judge_stop(engine, judge, service, at_stripe, {**order, "orderId": "order-2"})


def _judge_bounds(engine: Engine, judge: Judge) -> None:
    """What the process is, what it may do, and what the health check says of it."""
    user = engine.exec(SERVICE, "id", "-u").stdout.strip()
    judge.finds("it runs as user 10001", right=user == "10001", seen=user)
    status = engine.exec(SERVICE, "cat", "/proc/1/status").stdout
    held = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    none_held = all(int(held[name], 16) == 0 for name in ("CapPrm", "CapEff", "CapBnd"))
    judge.finds("it has no capabilities", right=none_held, seen=held["CapEff"])
    for path in ("/opt/payment-service/x", "/x", "/etc/x"):
        wrote = engine.exec(SERVICE, "touch", path)
        judge.finds(f"it cannot write {path}", right=wrote.returncode != 0)
    health: list[str] = json.loads(last_stage("HEALTHCHECK")[0].text.partition(" CMD ")[2])
    with timed("the health check"):
        asked = engine.exec(SERVICE, *health)
    judge.finds("its health check passes", right=asked.returncode == 0, seen=asked.stderr.strip())


async def _judge_stop(
    engine: Engine, judge: Judge, service: Caller, at_stripe: Caller, order: dict[str, object]
) -> None:
    """SIGTERM during a slow charge: the payer is answered, and the process ends in order."""
    fault = {"method": "POST", "path": "/v1/payment_intents", "fault": "delay", "times": 1}
    await at_stripe.ask("POST", "/_sandbox/faults", {**fault, "delay_s": CHARGE_S})
    begun = time.monotonic()
    paying = asyncio.create_task(service.ask("POST", "/payment/payment-intent", order))
    await asyncio.sleep(TOLD_AFTER_S)
    engine.podman("kill", "--signal", "TERM", SERVICE)
    paid = await paying
    took_s = time.monotonic() - begun
    judge.finds(
        "a payment that was under way at SIGTERM is answered 200",
        right=paid.status == 200 and paid.data["status"] == "succeeded" and took_s >= CHARGE_S,
        seen=f"{paid.status} after {took_s:.1f} s",
    )
    code = await asyncio.to_thread(engine.exit_code, SERVICE)
    judge.finds("it ends with 0", right=code == 0, seen=code)


def _empty_volume(folder: Path) -> None:
    user, group = map(int, last_stage("USER")[0].text.split(":"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    os.chown(folder, user, group)


async def _answers(whom: Caller, path: str) -> None:
    """Wait until it answers 200. Raises EngineError after START_S_MAX."""
    deadline = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline:
        with suppress(aiohttp.ClientError):
            if (await whom.ask("GET", path)).status == 200:
                return
        await asyncio.sleep(0.1)
    raise EngineError(f"{whom.base}{path} does not answer")


if __name__ == "__main__":
    sys.exit(main())
