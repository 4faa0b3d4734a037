"""However a request ends it is counted out again: one that is not would be load for ever."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.types import Message, Receive, Scope, Send

from payment_service.api.app import ApiOptions
from payment_service.api.door import Door, Gate
from payment_service.api.meters import Meters
from payment_service.domain.errors import NotFound, TooManyCardRefusals
from payment_service.ports import GatewayUnavailable, StoreInDoubt, StoreUnavailable
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop

OFTEN = 100
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def scope(*, length: int = 2, path: str = "/payment/refund") -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": [(b"content-length", str(length).encode())],
        "client": ("127.0.0.1", 50_000),
    }


async def body() -> Message:
    return {"type": "http.request", "body": b"{}", "more_body": False}


async def gone() -> Message:
    return {"type": "http.disconnect"}


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def hear(_message: Message) -> None:
    """Take the answer."""


async def broken(_message: Message) -> None:
    raise ConnectionResetError


def door_before(app: Any, shop: Shop, gate: Gate, options: ApiOptions | None = None) -> Door:
    meters = Meters(CollectorRegistry())
    return Door(app, ids=shop.world.ids, gate=gate, meters=meters, options=options or ApiOptions())


def raising(error: BaseException) -> App:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise error

    return app


async def answers(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def begins_and_fails(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError


ENDS: dict[str, App] = {
    "refused": raising(NotFound("no")),
    "too many cards": raising(TooManyCardRefusals("no", retry_after_s=1)),
    "the database is away": raising(StoreUnavailable()),
    "in doubt": raising(StoreInDoubt()),
    "Stripe is away": raising(GatewayUnavailable()),
    "a fault of ours": raising(RuntimeError("a fault")),
    "a cancelled request": raising(asyncio.CancelledError()),
    "the process is told to end": raising(SystemExit(1)),
    "a time-out": raising(TimeoutError()),
    "a fault in the middle of an answer": begins_and_fails,
    "answered": answers,
}


@pytest.mark.parametrize("send", [hear, broken])
@pytest.mark.parametrize("end", ENDS)
async def test_a_request_is_counted_out_however_it_ends(shop: Shop, end: str, send: Send) -> None:
    gate = Gate()
    counted: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        counted.append(gate.inside)
        await ENDS[end](scope, receive, send)

    door = door_before(app, shop, gate)
    for _ in range(OFTEN):
        with suppress(BaseException):
            await door(scope(), body, send)

    assert counted == [1] * OFTEN, "each was inside, and alone"
    assert gate.inside == 0


async def test_a_request_that_is_cancelled_while_it_is_inside_is_counted_out(shop: Shop) -> None:
    gate = Gate()

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await asyncio.Event().wait()

    door = door_before(app, shop, gate)
    tasks = [asyncio.ensure_future(door(scope(), body, hear)) for _ in range(OFTEN)]
    await asyncio.sleep(0)
    assert gate.inside == OFTEN

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert gate.inside == 0


@pytest.mark.parametrize(
    ("asked", "receive"),
    [
        (scope(length=10**9), body),  # 413
        (scope(length=10), never),  # 408
        (scope(length=10), gone),  # nobody waits for the answer
    ],
    ids=["too large", "too slow", "left"],
)
async def test_a_request_that_never_got_in_is_not_counted(
    shop: Shop, asked: dict[str, Any], receive: Receive
) -> None:
    gate = Gate()

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError("it got in")

    door = door_before(app, shop, gate)
    for _ in range(OFTEN):
        await door({**asked}, receive, hear)
    gate.close()
    for _ in range(OFTEN):
        await door(scope(), body, hear)

    assert gate.inside == 0


async def test_after_a_hundred_refusals_of_every_kind_nobody_is_inside(shop: Shop) -> None:
    api = open_api(shop, ApiOptions(rate_limit_per_address="900/minute"))
    gateway: Any = shop.world.gateway
    api.deafen("/v1/payment_methods")
    jane = await api.new_customer()

    async def refusals(api: Api) -> list[int]:
        return [
            (await api.get("/payment/nope")).status,
            (await api.ask("PATCH", "/payment/refund")).status,
            (await api.ask("POST", "/payment/refund", raw=b"{")).status,
            (await api.post("/payment/refund", {})).status,
            (await api.get("/payment/payment-intent/nope")).status,
            (await api.post("/payment/payment-method", {"customerId": jane})).status,
            (await api.ask("POST", "/payment/refund", raw=b"x" * 10**6)).status,
        ]

    seen = [await refusals(api) for _ in range(OFTEN)]

    assert {tuple(row[:-1]) for row in seen} == {(404, 405, 400, 400, 404, 400)}
    assert (api.gate.inside, gateway.payers_waiting) == (0, 0)
