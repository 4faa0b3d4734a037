"""The wiring of compose.yaml on this machine: its own commands and settings, started by hand.

Names become loopback and ports become free ones; MongoDB is the one that tests run.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.manifests.test_compose import ours, words_of
from tests.parts.http import Caller, customer_with_card
from tests.parts.mongo_server import any_mongo, with_database
from tests.parts.processes import Program, free_port

MODULES = {"payment-service": "payment_service", "stripe-sandbox": "stripe_sandbox"}
PLACE = re.compile(r"(?:sandbox|orders|service|127\.0\.0\.1):(9000|9001|12111)")


class ByHand:
    """The programs of compose.yaml, on ports of their own."""

    def __init__(self, folder: Path, mongodb_uri: str) -> None:
        self._folder = folder
        self._mongodb_uri = mongodb_uri
        self._ports = {port: free_port() for port in (9000, 9001, 12111)}
        self._metrics_ports = {name: free_port() for name in ("service", "worker")}

    def place(self, text: str) -> str:
        """Return the text with every place of the composition where it is here."""
        here = PLACE.sub(lambda found: f"127.0.0.1:{self._ports[int(found[1])]}", text)
        alone = re.sub(r"--port=(\d+)", lambda found: f"--port={self._ports[int(found[1])]}", here)
        return alone.replace("0.0.0.0", "127.0.0.1")

    def url(self, port: int) -> str:
        return self.place(f"http://127.0.0.1:{port}")

    def program(self, name: str) -> Program:
        one = ours()[name]
        program, *arguments = map(self.place, words_of(one))
        settings = {key: self.place(text) for key, text in one.get("environment", {}).items()}
        # Each container has a 9090 of its own; this machine has one.
        metrics = str(self._metrics_ports.get(name, 0))
        mine = {"PORT": str(self._ports[9000]), "METRICS_PORT": metrics}
        mine["MONGODB_URI"] = self._mongodb_uri
        health_url = self.place(one["healthcheck"].get("test", [""])[-1]).replace("9090", metrics)
        log = self._folder / f"{name}.log"
        return Program([MODULES[program], *arguments], health_url, {**settings, **mine}, log)


@pytest.fixture
def by_hand(tmp_path: Path) -> Iterator[ByHand]:
    with any_mongo() as uri:
        made = ByHand(tmp_path, with_database(uri, "compose_by_hand"))
        made.program("migrate").run()
        programs = [made.program(name) for name in ("sandbox", "orders", "service", "worker")]
        try:
            for program in programs:
                program.start()
            yield made
        finally:
            stopped = [program.stop() for program in reversed(programs)]
        assert stopped == [0, 0, 0, 0]


async def test_an_order_is_paid_and_told_and_the_event_arrives(by_hand: ByHand) -> None:
    async with aiohttp.ClientSession() as http:
        service = Caller(http, by_hand.url(9000))
        customer_id, _ = await customer_with_card(service)
        order = {"amount": 6522, "customerId": customer_id, "orderId": "order-1", "confirm": True}
        paid = await service.ask("POST", "/payment/payment-intent", order)
        orders = Caller(http, by_hand.url(9001))
        told = await orders.until("GET", "/order/order-1", lambda heard: heard.status == 200)
        events = await service.until(
            "GET",
            "/payment/events",
            lambda heard: any(
                event["type"] == "payment_intent.succeeded" and event["state"] == "applied"
                for event in heard.data
            ),
        )

    assert (paid.status, paid.data["status"]) == (200, "succeeded")
    assert told.body["status"] == "PAYMENT RECEIVED"
    assert events.status == 200
