"""The demo OrderService as its own process, and as its users see it."""

import http.client
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from payment_service.demo_orders import (
    BODY_BYTES_MAX,
    ORDERS_MAX,
    UPDATES_MAX,
    DemoOrders,
    HeardOrder,
    StatusUpdate,
)

# A cold start on a busy machine; it is never waited for in full.
STOP_S_MAX = 20.0
SERVE = (
    "import sys; from payment_service.demo_orders import run_demo_orders; "
    "sys.exit(run_demo_orders('127.0.0.1', int(sys.argv[1])))"
)
UPDATE = {"orderId": "order-1", "status": "PAYMENT RECEIVED"}


@dataclass
class Demo:
    """A running one."""

    process: subprocess.Popen[str]
    port: int

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=STOP_S_MAX)

    def ask(self, method: str, path: str, content: object = None, **headers: str) -> Any:
        """Return the status and the answer."""
        connection = self.connect()
        connection.request(method, path, json.dumps(content), headers)
        answer = connection.getresponse()
        shown = answer.read()
        connection.close()
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(shown) if is_json else None

    def tell(self, times: int = 1) -> list[int]:
        return [self.ask("PUT", "/order/updateStatus", UPDATE)[0] for _ in range(times)]

    def behave(self, **how: object) -> int:
        status: int = self.ask("POST", "/_demo/behaviour", how)[0]
        return status


def start(port: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SERVE, str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def started() -> Iterator[Demo]:
    with start(0) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(
            r"The demo OrderService listens on (http://127\.0\.0\.1:(\d+)); "
            r"ORDER_SERVICE_URL=\1/order\n",
            line,
        )
        try:
            assert found, line
            yield Demo(process, int(found[2]))
        finally:
            process.kill()


@pytest.fixture
def own() -> Iterator[Demo]:
    """One that the test may end."""
    with started() as demo:
        yield demo


@pytest.fixture(scope="module")
def shared() -> Iterator[Demo]:
    with started() as demo:
        yield demo


@pytest.fixture
def demo(shared: Demo) -> Demo:
    """One that has heard nothing."""
    assert shared.ask("POST", "/_demo/reset") == (200, {"status": "ok"})
    return shared


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_takes_updates_until_it_is_told_to_stop(own: Demo, number: signal.Signals) -> None:
    assert own.ask("GET", "/health") == (200, {"status": "ok"})
    assert own.tell() == [200]

    own.process.send_signal(number)

    assert own.process.communicate(timeout=STOP_S_MAX) == ("", "")
    assert own.process.returncode == 0


def test_an_update_left_hanging_does_not_keep_it_from_stopping(own: Demo) -> None:
    assert own.behave(mode="hang", delay_s=600) == 200
    connection = own.connect()
    connection.request("PUT", "/order/updateStatus", json.dumps(UPDATE))

    own.process.send_signal(signal.SIGTERM)

    assert own.process.wait(STOP_S_MAX) == 0
    connection.close()


def test_a_taken_port_is_said_in_one_line(demo: Demo) -> None:
    with start(demo.port) as second:
        said = second.communicate(timeout=STOP_S_MAX)

    assert second.returncode == 1
    assert said == (
        "",
        f"The demo OrderService cannot listen on 127.0.0.1:{demo.port}: the port is taken\n",
    )


def test_a_repeat_is_accepted_and_not_shown_twice(demo: Demo) -> None:
    update = UPDATE | {"more": "is ignored"}
    for key in ("first", "first", "second"):
        told, _ = demo.ask("PUT", "/order/updateStatus", update, **{"Idempotency-Key": key})
        assert told == 200

    _, order = demo.ask("GET", "/order/order-1")

    assert (order["orderId"], order["status"]) == ("order-1", "PAYMENT RECEIVED")
    assert [shown["idempotencyKey"] for shown in order["updates"]] == ["first", "second"]
    assert (order["told"], order["received"]) == (2, 3)
    assert demo.ask("GET", "/orders") == (200, [order])


def test_nothing_is_shown_of_an_order_it_did_not_hear_of(demo: Demo) -> None:
    assert demo.ask("GET", "/order/order-1")[0] == 404
    assert demo.ask("GET", "/orders") == (200, [])


@pytest.mark.parametrize(
    ("update", "named"),
    [
        ({"status": "PAID"}, "orderId"),
        ({"orderId": 7, "status": "PAID"}, "orderId"),
        ({"orderId": "", "status": "PAID"}, "orderId"),
        ({"orderId": "order-1"}, "status"),
        ([], "array"),
    ],
)
def test_a_wrong_update_is_refused_by_name(demo: Demo, update: object, named: str) -> None:
    status, answer = demo.ask("PUT", "/order/updateStatus", update)

    assert status == 400
    assert named in answer["message"]
    assert demo.ask("GET", "/orders") == (200, [])


def test_an_update_that_is_too_large_is_refused(demo: Demo) -> None:
    update = UPDATE | {"more": "x" * BODY_BYTES_MAX}

    assert demo.ask("PUT", "/order/updateStatus", update)[0] == 413
    assert demo.ask("GET", "/orders") == (200, [])


def test_it_misbehaves_so_often_and_until_told_otherwise(demo: Demo) -> None:
    assert demo.behave(mode="fail", times=2) == 200
    assert demo.tell(3) == [503, 503, 200]
    assert demo.behave(mode="refuse", status=404) == 200
    assert demo.tell(3) == [404, 404, 404]
    assert demo.ask("DELETE", "/_demo/behaviour")[0] == 200
    assert demo.tell() == [200]
    assert demo.behave(mode="hang", delay_s=0, times=1) == 200
    assert demo.tell(2) == [504, 200]
    assert demo.behave(mode="accept_then_500") == 200
    assert demo.tell() == [500]

    _, order = demo.ask("GET", "/order/order-1")
    assert (order["told"], order["received"]) == (4, 4)  # without keys nothing is a repeat


def test_a_reset_forgets_orders_and_behaviour(demo: Demo) -> None:
    assert demo.tell() == [200]
    assert demo.behave(mode="fail") == 200

    assert demo.ask("POST", "/_demo/reset")[0] == 200

    assert demo.ask("GET", "/orders") == (200, [])
    assert demo.tell() == [200]


@pytest.mark.parametrize(
    "behaviour",
    [
        {},
        {"mode": "sulk"},
        {"mode": "fail", "status": 404},
        {"mode": "refuse", "status": 500},
        {"mode": "fail", "times": 0},
        {"mode": "hang", "delay": 3},
    ],
)
def test_a_wrong_behaviour_is_refused(demo: Demo, behaviour: dict[str, object]) -> None:
    assert demo.behave(**behaviour) == 400
    assert demo.tell() == [200]


def test_an_order_remembers_its_latest_updates() -> None:
    order = HeardOrder("order-1")

    for number in range(UPDATES_MAX + 1):
        order.hear("PAYMENT RECEIVED", f"key-{number}")

    assert [update["idempotencyKey"] for update in order.updates] == [
        f"key-{number}" for number in range(1, UPDATES_MAX + 1)
    ]
    assert (order.told, order.received) == (UPDATES_MAX + 1, UPDATES_MAX + 1)


def test_only_so_many_orders_are_remembered() -> None:
    demo = DemoOrders()

    for number in range(ORDERS_MAX + 1):
        demo._hear(StatusUpdate(f"order-{number}", "PAYMENT RECEIVED"), key=None)

    assert len(demo._orders) == ORDERS_MAX
    assert "order-0" not in demo._orders
