"""One client against a real process: whatever it sends, memory and time are bounded.

For each state of the parser 60 MB are offered on one connection; then 2,000 slow connections. Each
time the memory of the process is measured, and a probe and a payment are answered meanwhile.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count

import pytest

from tests.parts import raw_http
from tests.parts.loop_watchdog import Stalls, watched_stack
from tests.parts.processes import Program, free_port

OFFERED = 60_000_000
SLOW = 2_000
GROWTH_MB = 20.0
ANSWER_S = 1.0
TRIES = 3
STALL_MS = 50.0
# What a refused client may take to read its refusal, with the sweep's and a busy machine's time.
REFUSED_S = 2.0 + 2.0
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /payment/customer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
UPGRADE = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

# What is sent first, and what is sent then again and again.
STATES = {
    "request line": (b"GET /", b"a"),
    "many headers": (b"GET / HTTP/1.1\r\n", b"X-A: b\r\n"),
    "one header": (b"GET / HTTP/1.1\r\nX-A: ", b"a"),
    "body with a length": (POST + b"Content-Length: 60000000\r\n\r\n", b"a"),
    "body in chunks": (CHUNKED, b"1000\r\n" + b"a" * 4096 + b"\r\n"),
    "body in chunks of a byte": (CHUNKED, b"1\r\na\r\n"),
    "chunk extension": (CHUNKED + b"1;x=", b"a"),
    "chunk extensions": (CHUNKED, b"1;" + b"x" * 900 + b"\r\na\r\n"),
    "zeros of a chunk's size": (CHUNKED, b"0"),
    "many trailers": (CHUNKED + b"0\r\n", b"X-A: b\r\n"),
    "one trailer": (CHUNKED + b"0\r\nX-A: ", b"a"),
    "body waited for": (POST + b"Expect: 100-continue\r\nContent-Length: 60000000\r\n\r\n", b"a"),
    "line breaks": (b"", b"\r\n"),
    "garbage": (b"", b"\x00\xff"),
    "a hello of TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x13\x01"),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x00\x00\x00\x04"),
    "requests": (b"", b"GET /payment HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "probes": (b"", LIVEZ),
    "requests with bodies": (b"", POST + b"Content-Length: 2\r\n\r\n{}"),
    "behind the last request": (LIVEZ[:-2] + b"Connection: close\r\n\r\n", b"a"),
    "behind an upgrade": (UPGRADE, b"a"),
    "behind a tunnel": (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", b"a"),
}

# What each of the slow connections sends before it falls silent.
SLOWNESS = {
    "nothing": b"",
    "half a head": b"GET / HTTP/1.1\r\nX-A: " + b"a" * 20_000,
    "a byte of a body": POST + b"Content-Length: 1000\r\n\r\n{",
    "most of a body": POST + b"Content-Length: 61000\r\n\r\n" + b" " * 60_000,
    "idle": LIVEZ,
    "unread": b"GET /payment/api-docs.json HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "unread and asked on": b"GET /payment HTTP/1.1\r\nHost: localhost\r\n\r\n" * 16,
}


@dataclass
class Running:
    """The processes, and one customer with a card."""

    service: Program
    ports: dict[str, tuple[str, int]]
    stalls: Stalls
    customer: str = ""
    orders: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        return self.ports["main"][0]

    def post(self, path: str, body: Mapping[str, object]) -> raw_http.Answer:
        text = json.dumps(body).encode()
        head = b"POST /payment/%s HTTP/1.1\r\nHost: localhost\r\n" % path.encode()
        kind = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text)
        return raw_http.ask(self.url, head + kind + text)

    def buy(self) -> None:
        order = f"order-{next(self.orders)}"
        body = {"amount": 500, "customerId": self.customer, "orderId": order, "confirm": True}
        paid = self.post("payment-intent", body)
        assert paid.status == 200, paid

    def in_time(self, what: str, act: Callable[[], object]) -> None:
        """Do it in time. A neighbour on the machine may slow one try, not all of them."""
        tries: list[float] = []
        while len(tries) < TRIES and not (tries and tries[-1] < ANSWER_S):
            began = time.monotonic()
            act()
            tries.append(time.monotonic() - began)
        assert min(tries) < ANSWER_S, f"{what} took {tries} s"

    def probe(self, port: str) -> None:
        assert raw_http.ask(self.ports[port][0], LIVEZ).status == 200

    def serves_others(self) -> None:
        for port in ("main", "metrics"):
            self.in_time(f"/livez on the {port} port", partial(self.probe, port))
        self.in_time("a payment", self.buy)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    metrics = free_port()
    environ = {"METRICS_PORT": str(metrics), "LOG_LEVEL": "warning"}
    with watched_stack(tmp_path_factory.mktemp("watched"), environ) as (programs, stalls):
        pid = programs.service.pid
        ports = {
            "main": (programs.service_url, pid),
            "metrics": (f"http://127.0.0.1:{metrics}", pid),
            "sandbox": (programs.sandbox_url, programs.sandbox.pid),
            "orders": (programs.orders_url, programs.orders.pid),
        }
        made = Running(programs.service, ports, stalls)
        customer = made.post("customer", {"email": "ann@shop.example", "name": "Ann"})
        made = replace(made, customer=json.loads(customer.body)["data"]["customerId"])
        card = {"customerId": made.customer, "paymentMethodId": "pm_card_visa"}
        assert made.post("payment-method", card).status == 200
        for _ in range(20):
            made.buy()
        raw_http.ask(made.url, SLOWNESS["unread"])
        yield made


@pytest.mark.parametrize("port", ["main", "metrics", "sandbox", "orders"])
def test_60_mb_of_anything_on_one_connection_are_neither_kept_nor_waited_for(
    running: Running, port: str
) -> None:
    url, pid = running.ports[port]
    raw_http.ask(url, LIVEZ)
    before = raw_http.rss_mb(pid)
    running.stalls.forget()
    for name, (first, piece) in STATES.items():
        with raw_http.once(url) as client:
            client.send(first)
            client.flood(piece, OFFERED, within_s=REFUSED_S)
            grown = raw_http.rss_mb(pid) - before
            running.in_time(f"/livez after {name}", partial(running.probe, "main"))

            assert grown < GROWTH_MB, name
            assert client.is_closed(within_s=REFUSED_S), name
    running.serves_others()
    assert running.stalls.worst_ms() < STALL_MS
    assert raw_http.rss_mb(pid) - before < GROWTH_MB


@pytest.mark.parametrize("name", SLOWNESS)
def test_2000_slow_connections_cost_little_and_take_nobodys_place(
    running: Running, name: str
) -> None:
    url, pid = running.ports["main"]
    before = raw_http.rss_mb(pid)
    running.stalls.forget()
    with raw_http.many(url, SLOW, [SLOWNESS[name]]):
        running.serves_others()
        time.sleep(1)
        running.serves_others()

        assert raw_http.rss_mb(pid) - before < GROWTH_MB
    assert running.stalls.worst_ms() < STALL_MS


@pytest.mark.parametrize("port", ["metrics", "sandbox", "orders"])
@pytest.mark.parametrize("name", ["nothing", "half a head", "most of a body", "idle"])
def test_slow_connections_to_the_other_ports_do_no_more(
    running: Running, port: str, name: str
) -> None:
    url, pid = running.ports[port]
    before = raw_http.rss_mb(pid)
    with raw_http.many(url, SLOW, [SLOWNESS[name]]):
        running.serves_others()

        assert raw_http.rss_mb(pid) - before < GROWTH_MB


def test_probes_as_fast_as_they_can_be_asked_leave_payments_alone(running: Running) -> None:
    pid = running.service.pid
    before = raw_http.rss_mb(pid)
    until = time.monotonic() + 2
    asked = 0
    with raw_http.once(running.ports["metrics"][0]) as first, raw_http.once(running.url) as second:
        while time.monotonic() < until:
            for probe in (first, second):
                probe.send(LIVEZ + LIVEZ.replace(b"livez", b"readyz"))
                assert (probe.answer().status, probe.answer().status) == (200, 200)
                asked += 2
            if asked % 1000 < 4:
                running.in_time("a payment", running.buy)

    assert raw_http.rss_mb(pid) - before < GROWTH_MB
