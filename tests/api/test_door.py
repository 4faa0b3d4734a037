"""The outer door: request ids, limits, log lines, and nothing of our own faults."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from payment_service.api.app import ApiOptions, build_app
from payment_service.api.door import Door, Gate
from payment_service.api.meters import Meters
from tests.api.asgi import Caller
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop


def logged(lines: io.BytesIO, event: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [line for line in found if line["event"] == event]


@pytest.mark.parametrize("given", ["a", "checkout-7f3a:1.2_B", "x" * 128])
async def test_a_sane_request_id_is_taken(api: Api, lines: io.BytesIO, given: str) -> None:
    heard = await api.get("/payment/payment-intent/nope", x_request_id=given)

    [line] = logged(lines, "request.answered")
    assert heard.headers["x-request-id"] == given
    assert heard.body["requestId"] == given
    assert line["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "caf\u00e9", "<script>"])
async def test_any_other_request_id_is_replaced(api: Api, given: str) -> None:
    heard = await api.get("/payment/", x_request_id=given)

    assert heard.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/payment/", 200),
        ("GET", "/payment/nope", 404),
        ("PATCH", "/payment/refund", 405),
        ("POST", "/payment/refund", 400),
        ("GET", "/metrics", 200),
    ],
)
async def test_every_answer_carries_a_request_id(
    api: Api, method: str, path: str, status: int
) -> None:
    heard = await api.ask(method, path)

    assert heard.status == status
    assert heard.headers["x-request-id"]


async def test_an_unknown_path_is_404_in_the_envelope(api: Api) -> None:
    for path in ("/payment/nope", "/nope", "/payment/refund/", "/payment/api-docs/nope.js"):
        heard = await api.get(path)

        assert heard.status == 404
        assert heard.body == {
            "success": False,
            "message": "There is no such path.",
            "code": "unknown_path",
            "requestId": heard.headers["x-request-id"],
        }


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/payment/payment-intent", "POST"),
        ("POST", "/payment/payment-intent/order-1", "GET, HEAD"),
        ("PATCH", "/payment/payment-method", "DELETE, POST, PUT"),
        ("DELETE", "/livez", "GET, HEAD"),
        ("OPTIONS", "/payment/refund", "POST"),
        # An order's id may hold slashes, but this is nearer.
        ("DELETE", "/payment/payment-intent/order-1/cancel", "POST"),
    ],
)
async def test_a_wrong_method_is_405_and_names_the_right_ones(
    api: Api, method: str, path: str, allowed: str
) -> None:
    heard = await api.ask(method, path)

    assert (heard.status, heard.code) == (405, "method_not_allowed")
    assert heard.headers["allow"] == allowed


async def test_head_is_a_get_without_its_body(api: Api) -> None:
    heard = await api.ask("HEAD", "/livez")

    assert (heard.status, heard.raw) == (200, b"")
    assert heard.headers["content-length"] == "15"


BIG = b'{"email": "' + b"a" * 64 * 1024 + b'"}'


async def test_a_body_over_64_kib_is_413_however_it_comes(api: Api) -> None:
    told = await api.ask("POST", "/payment/customer", raw=BIG)
    untold = await api.ask("POST", "/payment/customer", pieces=[BIG[:40000], BIG[40000:]])
    lied = await api.ask("POST", "/payment/customer", raw=BIG, headers={"Content-Length": "x"})

    for heard in (told, untold, lied):
        assert (heard.status, heard.code) == (413, "body_too_large")
        assert heard.headers["connection"] == "close"


async def test_a_body_in_pieces_is_read_whole(api: Api) -> None:
    heard = await api.ask(
        "POST", "/payment/customer", pieces=[b'{"email": "ja', b"", b'ne@example.com"}']
    )

    assert heard.status == 201


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=a",
        "application/json; charset=latin-1",
        "",
    ],
)
async def test_a_body_that_is_not_said_to_be_json_is_415(api: Api, content_type: str) -> None:
    heard = await api.ask(
        "POST", "/payment/customer", raw=b"{}", headers={"Content-Type": content_type}
    )

    assert (heard.status, heard.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type",
    ["Application/JSON", "application/json; charset=UTF-8", "application/merge-patch+json"],
)
async def test_json_may_be_called_by_its_other_names(api: Api, content_type: str) -> None:
    heard = await api.ask(
        "POST",
        "/payment/customer",
        raw=b'{"email": "jane@example.com"}',
        headers={"Content-Type": content_type},
    )

    assert heard.status == 201


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b'{"amount": NaN}',
        b'{"amount": -Infinity}',
        b'{"amount": 1e99999999999999999999}',
        b'{"amount": ' + b"9" * 5000 + b"}",
        b'{"orderId": "a", "orderId": "b"}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"orderId": "\xff"}',
        b'{"orderId": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"[" * 60000,
        b'{"a":' * 12000,
    ],
)
async def test_what_is_no_json_object_is_400(api: Api, raw: bytes) -> None:
    heard = await api.ask("POST", "/payment/payment-intent", raw=raw)

    assert (heard.status, heard.code) == (400, "invalid_json")
    assert "errors" not in heard.body


async def test_a_log_line_names_the_template_not_the_path(api: Api, lines: io.BytesIO) -> None:
    await api.get("/payment/customer/secret.person@example.com")

    [line] = logged(lines, "request.answered")
    assert line["route"] == "/payment/customer/{customer}"
    assert (line["method"], line["status"], line["code"]) == ("GET", 404, "not_found")
    assert line["duration_ms"] >= 0
    assert b"secret.person" not in lines.getvalue()


@pytest.mark.parametrize("path", ["payment-intent/{id}", "refund/{refundId}", "unmatched"])
async def test_a_path_of_kilobytes_is_not_found_and_leaves_its_template_only(
    api: Api, lines: io.BytesIO, path: str
) -> None:
    long = "secret.person" * 630  # 8 KB
    route = path if path == "unmatched" else f"/payment/{path}"

    heard = await api.get(f"/payment/{path.partition('/')[0]}/{long}")

    [line] = logged(lines, "request.answered")
    assert (heard.status, line["route"]) == (404, route)
    assert b"secret.person" not in lines.getvalue()
    assert len(lines.getvalue()) < 500


async def test_unknown_fields_are_ignored_and_named_for_whoever_debugs(
    api: Api, lines: io.BytesIO
) -> None:
    asked = {"email": "jane@example.com", "automatic_payment_methods": {"enabled": True}}

    made = await api.post("/payment/customer", asked)

    [line] = logged(lines, "request.unknown_fields_ignored")
    assert made.status == 201
    assert line["level"] == "debug"
    assert line["fields"] == ["automatic_payment_methods"]


async def test_the_callers_token_is_passed_on_and_never_written(
    api: Api, lines: io.BytesIO
) -> None:
    customer_id = await api.new_payer()
    asked = {"amount": 6522, "orderId": "order-1", "customerId": customer_id, "confirm": True}

    await api.post("/payment/payment-intent", asked, authorization="Bearer of-the-caller-77")

    assert [token for _, token in api.shop.orders.heard] == ["of-the-caller-77"]
    assert b"of-the-caller-77" not in lines.getvalue()
    assert "of-the-caller-77" not in api.stored_text()


async def test_requests_are_counted_by_template(api: Api) -> None:
    await api.get("/payment/customer/jane@example.com")
    await api.get("/payment/customer/bob@example.com")
    await api.ask("BREW", "/payment/nope")

    heard = await api.get("/metrics")

    lines = heard.raw.decode().splitlines()
    route = 'method="GET",route="/payment/customer/{customer}"'
    assert f'http_requests_total{{{route},status="404"}} 2.0' in lines
    assert f"http_request_duration_seconds_count{{{route}}} 2.0" in lines
    assert 'http_requests_total{method="OTHER",route="unmatched",status="404"} 1.0' in lines
    assert "jane" not in heard.raw.decode()


async def test_while_stopping_new_requests_are_sent_away(api: Api) -> None:
    api.gate.close()

    paid = await api.post("/payment/customer", {"email": "jane@example.com"})
    live, ready = await api.get("/livez"), await api.get("/readyz")

    assert (paid.status, paid.code) == (503, "shutting_down")
    assert paid.headers["retry-after"] == "5"
    assert live.status == 200
    assert (ready.status, ready.code) == (503, "shutting_down")
    assert api.shop.engine.ledger()["requests"] == []


async def test_a_bug_shows_nothing_of_itself(shop: Shop, lines: io.BytesIO) -> None:
    async def broken(_scope: Any, _receive: Any, _send: Any) -> None:
        raise RuntimeError("the reason of it")

    heard = await Caller(door_before(broken, shop)).get("/payment/")

    [line] = logged(lines, "request.failed")
    assert heard.status == 500
    assert heard.body == {
        "success": False,
        "message": "Something went wrong on our side. It is logged under the requestId.",
        "code": "internal_error",
        "requestId": heard.headers["x-request-id"],
    }
    assert "the reason of it" in line["exception"]


async def test_a_bug_after_the_answer_began_breaks_the_connection(shop: Shop) -> None:
    async def broken(_scope: Any, _receive: Any, send: Callable[..., Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("too late")

    with pytest.raises(RuntimeError, match="too late"):
        await Caller(door_before(broken, shop)).get("/payment/")


async def test_a_body_that_does_not_come_is_not_waited_for(shop: Shop, lines: io.BytesIO) -> None:
    api = open_api(shop, ApiOptions(body_read_s=5))
    heard: list[Any] = []

    async def never() -> Any:
        await shop.world.clock.sleep(10_000)

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        heard.append(message)

    def scope() -> dict[str, Any]:
        return {
            "type": "http",
            "method": "POST",
            "path": "/payment/refund",
            "headers": [(b"content-length", b"10")],
        }

    await api.app(scope(), never, send)
    await api.app(scope(), gone, send)
    await asyncio.sleep(0)

    assert [message.get("status") for message in heard] == [408, None]
    codes = [line["code"] for line in logged(lines, "request.answered")]
    assert codes == ["body_too_slow", "caller_left"]


async def test_hooks_that_are_handed_in_run_at_start_and_stop(shop: Shop) -> None:
    seen: list[str] = []

    @contextlib.asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        seen.append("start")
        yield
        seen.append("stop")

    app = build_app(shop.world, ApiOptions(), lifespan=lifespan)
    incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        seen.append(message["type"])

    await app({"type": "lifespan"}, receive, send)

    assert seen == ["start", "lifespan.startup.complete", "stop", "lifespan.shutdown.complete"]


def door_before(app: Any, shop: Shop) -> Door:
    meters = Meters(CollectorRegistry())
    return Door(app, ids=shop.world.ids, gate=Gate(), meters=meters, options=ApiOptions())
