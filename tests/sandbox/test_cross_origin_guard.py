"""What a web page of somebody else's could make a browser send: the sandbox refuses it."""

import asyncio
from typing import Any

import pytest

from stripe_sandbox.engine import Config, Engine
from stripe_sandbox.http import Sandbox, serve
from tests.parts.raw_http import Answer, ask

FAULT = b'{"method": "POST", "path": "/v1/customers", "fault": "error_500_before"}'
PUBLIC = "https://stripe.test"


def heard(method: str, path: str, *headers: str, body: bytes = b"", host: str = "localhost") -> Any:
    """Ask a sandbox that is also reached as `sandbox` and under its public address."""

    async def run() -> Answer:
        sandbox = Sandbox(Engine(config=Config(public_url=PUBLIC)), hosts=("sandbox",))
        runner, port = await serve(sandbox, "127.0.0.1", 0)
        lines = [f"{method} {path} HTTP/1.1", *([f"Host: {host}"] if host else []), *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        raw = "\r\n".join([*lines, "", ""]).encode() + body
        try:
            return await asyncio.to_thread(ask, f"http://127.0.0.1:{port}", raw)
        finally:
            await runner.cleanup()

    return asyncio.run(run())


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json-patch",
        "",
    ],
)
def test_a_write_is_taken_as_json_only(kind: str) -> None:
    headers = [f"Content-Type: {kind}"] if kind else []

    refused = heard("POST", "/_sandbox/faults", *headers, body=FAULT)

    assert refused.status == 415
    assert b"application/json" in refused.body


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
def test_a_write_as_json_is_taken(kind: str) -> None:
    assert heard("POST", "/_sandbox/faults", f"Content-Type: {kind}", body=FAULT).status == 200


def test_a_write_without_a_body_needs_no_type_but_not_that_of_a_form() -> None:
    empty = "Content-Length: 0"

    assert heard("POST", "/_sandbox/reset", empty).status == 200
    assert heard("POST", "/_sandbox/reset", empty, "Content-Type: text/plain").status == 415
    assert heard("DELETE", "/_sandbox/faults").status == 200


@pytest.mark.parametrize("path", ["/_sandbox/ledger", "/v1/customers", "/_sandbox/3ds/pi_1"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:12111",
        "localhost.evil.example",
        "sandbox.evil",
        "[::bad",
        "a b",
    ],
)
def test_a_name_that_leads_here_by_rebinding_is_refused(path: str, host: str) -> None:
    assert heard("GET", path, host=host).status == 421


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST:1", "shop.localhost", "127.0.0.1:12111", "[::1]:80", "10.1.2.3"),
        *("sandbox", "sandbox:12111", "stripe.test"),
    ],
)
def test_names_of_its_own_and_addresses_are_answered(host: str) -> None:
    assert heard("GET", "/_sandbox/health", host=host).status == 200


def test_two_hosts_are_refused() -> None:
    assert heard("GET", "/_sandbox/ledger", "Host: localhost").status in {400, 421}


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://evil.example", 403),
        ("https://localhost", 403),
        ("http://localhost:1", 403),
        ("null", 403),
        ("http://localhost", 200),
        (PUBLIC, 200),
    ],
)
def test_a_page_of_another_origin_writes_nothing(origin: str, status: int) -> None:
    json = "Content-Type: application/json"

    assert heard("POST", "/_sandbox/faults", json, f"Origin: {origin}", body=FAULT).status == status
