"""Malformed HTTP, made up at random and sent over raw sockets to real processes.

`FUZZ_EXAMPLES` sets how many are made up; `make fuzz` makes forty thousand.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.parts import raw_http
from tests.parts.loop_watchdog import Stalls, watched_stack
from tests.parts.processes import free_port

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10")) * 40
CONNECTIONS = 5_000
# An answer to a made-up request is there sooner; one that waits for more says nothing.
QUIET_S = 0.03
GROWTH_MB, STALL_MS = 20.0, 50.0
HOST = b"Host: localhost\r\n"
LIVEZ = b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n"
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")

NUMBERS = st.sampled_from([b"0", b"1", b"2", b"-1", b"65537", b"ffffffffffffffff", b"9" * 30, b"x"])
PATHS = st.sampled_from(
    [
        *(b"/", b"/livez", b"/readyz", b"/metrics", b"/payment", b"/payment/customer", b"*"),
        *(b"/payment/payment-intent", b"/payment/webhook", b"//x", b"/%00", b"http://a/", b"a:1"),
        *(b"/_sandbox/faults", b"/v1/customers", b"/order/updateStatus", b"/" + b"a" * 9000),
    ]
)
METHODS = st.sampled_from(
    [
        b"GET",
        b"POST",
        b"PUT",
        b"DELETE",
        b"HEAD",
        b"OPTIONS",
        b"CONNECT",
        b"PRI",
        b"get",
        b"\x16\x03",
    ]
)
HEADERS = st.one_of(
    st.just(HOST),
    st.sampled_from(
        [
            *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n"),
            *(b"Connection: close\r\n", b"Connection: Upgrade\r\nUpgrade: websocket\r\n"),
            *(b"Expect: 100-continue\r\n", b"Content-Type: application/json\r\n", b": x\r\n"),
            *(b"X-Request-Id: \xff\r\n", b"X-Forwarded-For: 1, 2\r\n", b" folded: x\r\n"),
            *(
                b"X\x00: y\r\n",
                b"X-Long: " + b"a" * 9000 + b"\r\n",
                b"Authorization: Bearer \x80\r\n",
            ),
        ]
    ),
    NUMBERS.map(lambda number: b"Content-Length: %s\r\n" % number),
)
BODIES = st.one_of(
    st.binary(max_size=40),
    st.just(b'{"amount":1,"orderId":"o"}'),
    NUMBERS.map(lambda number: b"%s;x=y\r\na\r\n" % number),
    st.just(b"0\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n"),
    st.just(b"1\r\na\r\n" * 50),
)
HEADS = st.builds(
    lambda method, path, version, headers: (
        b"%s %s HTTP/%s\r\n%s\r\n" % (method, path, version, b"".join(headers))
    ),
    METHODS,
    PATHS,
    st.sampled_from([b"1.1", b"1.1", b"1.1", b"1.0", b"2.0", b"9"]),
    st.lists(HEADERS, max_size=6),
)
PIECES = st.lists(st.one_of(HEADS, HEADS, BODIES, st.just(LIVEZ), st.just(b"\r\n")), max_size=8)


@dataclass
class Watched:
    """The ports, and what watches over the loop of the service."""

    ports: dict[str, str]
    pid: int
    stalls: Stalls


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    metrics = free_port()
    environ = {"METRICS_PORT": str(metrics), "LOG_LEVEL": "error"}
    with watched_stack(tmp_path_factory.mktemp("watched"), environ) as (programs, stalls):
        ports = {
            "main": programs.service_url,
            "metrics": f"http://127.0.0.1:{metrics}",
            "sandbox": programs.sandbox_url,
            "orders": programs.orders_url,
        }
        for url in ports.values():
            for path in (b"livez", b"metrics", b"payment"):
                raw_http.ask(url, LIVEZ.replace(b"livez", path))
        yield Watched(ports, programs.service.pid, stalls)
        assert programs.service.log() == "", "an error was logged"


@pytest.mark.parametrize("port", ["main", "metrics", "sandbox", "orders"])
def test_no_bytes_bring_a_500_a_stall_or_growth(watched: Watched, port: str) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=EXAMPLES < 1000,
    )
    @given(PIECES, st.booleans(), st.booleans())
    def send(pieces: list[bytes], at_once: bool, ends: bool) -> None:  # noqa: FBT001 - made up
        with raw_http.once(watched.ports[port]) as client:
            for piece in [b"".join(pieces)] if at_once else pieces:
                client.send(piece)
            if ends:
                client.end()
            heard = client.all_that_comes(quiet_s=raw_http.WAIT_S if ends else QUIET_S)

        assert b"500" not in STATUS.findall(heard), heard

    raw_http.ask(watched.ports[port], LIVEZ)
    watched.stalls.forget()
    before = raw_http.rss_mb(watched.pid)
    send()

    assert raw_http.ask(watched.ports["main"], LIVEZ).status == 200
    assert watched.stalls.worst_ms() < STALL_MS
    assert raw_http.rss_mb(watched.pid) - before < GROWTH_MB


def test_5000_connections_find_the_process_as_it_was(watched: Watched) -> None:
    before = raw_http.rss_mb(watched.pid)
    watched.stalls.forget()
    with raw_http.many(watched.ports["main"], CONNECTIONS, [LIVEZ[:-3]]):
        assert raw_http.ask(watched.ports["metrics"], LIVEZ).status == 200
        assert raw_http.ask(watched.ports["main"], LIVEZ).status == 200
        assert raw_http.rss_mb(watched.pid) - before < GROWTH_MB
    assert watched.stalls.worst_ms() < STALL_MS
