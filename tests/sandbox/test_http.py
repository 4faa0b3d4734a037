"""The sandbox over HTTP: what each fault does to a connection, latency, and the control plane."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest

from stripe_sandbox.engine import Config
from tests.sandbox.account import KEY, NO_REDIRECT
from tests.sandbox.live import FORM, Live, live

PATH = "/v1/customers"


async def customers(at: Live) -> int:
    _, answer = await at.get(PATH)
    return len(answer["data"])


def test_answers_carry_stripes_headers() -> None:
    async def run() -> None:
        async with live() as at:
            headers = {"Authorization": KEY, "Idempotency-Key": "k"}
            async with at.session.post(at.url + PATH, data=b"name=Ann", headers=headers) as answer:
                body = await answer.json()
            assert (answer.status, body["name"]) == (200, "Ann")
            assert answer.headers["Content-Type"] == "application/json"
            assert answer.headers["Request-Id"] == answer.headers["Original-Request"]
            assert answer.headers["Stripe-Version"] == "2026-10-28.endive"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "made", "error"),
    [
        ("timeout_before", 0, aiohttp.ServerDisconnectedError),
        ("timeout_after", 1, aiohttp.ServerDisconnectedError),
        ("reset_before", 0, aiohttp.ClientOSError),
        ("reset_after", 1, aiohttp.ClientOSError),
    ],
)
def test_a_lost_answer_is_lost_on_the_connection(
    kind: str, made: int, error: type[Exception]
) -> None:
    async def run() -> None:
        async with live() as at:
            await at.fault(kind, delay_s=0.05)
            started = time.monotonic()
            with pytest.raises(error):
                await at.post(PATH)
            assert time.monotonic() - started > 0.04
            assert await customers(at) == made
            status, _ = await at.post(PATH)
            assert status == 200

    asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "status", "made"),
    [
        ("error_500_before", 500, 0),
        ("error_500_after", 500, 1),
        ("error_503_before", 503, 0),
        ("error_503_after_key_forgotten", 503, 1),
        ("rate_limit", 429, 0),
        ("lock_timeout", 429, 0),
    ],
)
def test_errors_of_stripe_are_answers(kind: str, status: int, made: int) -> None:
    async def run() -> None:
        async with live() as at:
            await at.fault(kind)
            hit, answer = await at.post(PATH)
            assert (hit, "error" in answer) == (status, True)
            assert await customers(at) == made

    asyncio.run(run())


def test_a_cut_answer_is_framed_and_is_no_json() -> None:
    async def run() -> None:
        async with live() as at:
            await at.fault("truncated_200")
            headers = {"Authorization": KEY, "Content-Type": FORM}
            async with at.session.post(at.url + PATH, data=b"", headers=headers) as answer:
                body = await answer.read()
            assert answer.status == 200
            with pytest.raises(json.JSONDecodeError):
                json.loads(body)
            assert await customers(at) == 1

    asyncio.run(run())


def test_a_delay_holds_up_the_answer_but_not_the_effect_nor_others() -> None:
    async def run() -> None:
        async with live() as at:
            await at.fault("delay", delay_s=0.2)
            slow = asyncio.create_task(at.post(PATH, key="k"))
            await asyncio.sleep(0.05)
            assert await customers(at) == 1
            assert not slow.done()
            status, _ = await slow
            assert status == 200

    asyncio.run(run())


def test_latency_keeps_keys_in_flight_and_lets_others_through() -> None:
    async def run() -> None:
        async with live() as at:
            await at.control("POST", "/latency", {"ms": 150})
            first = asyncio.create_task(at.post(PATH, key="k"))
            await asyncio.sleep(0.03)
            started = time.monotonic()
            others = await asyncio.gather(*(at.post(PATH) for _ in range(20)))
            assert time.monotonic() - started < 1
            status, answer = await at.post(PATH, key="k2")
            assert (status, [code for code, _ in others]) == (200, [200] * 20)
            assert (await first)[0] == 200

            busy = asyncio.create_task(at.post(PATH, key="k3"))
            await asyncio.sleep(0.03)
            status, answer = await at.post(PATH, key="k3")
            assert (status, answer["error"]["code"]) == (409, "idempotency_key_in_use")
            assert (await busy)[0] == 200

    asyncio.run(run())


def test_what_a_client_asked_for_is_done_though_it_has_gone() -> None:
    async def run() -> None:
        async with live() as at:
            await at.control("POST", "/latency", {"ms": 80})
            gone = asyncio.create_task(at.post(PATH, {"name": "Ann"}, key="k"))
            await asyncio.sleep(0.03)
            gone.cancel()
            await asyncio.sleep(0.1)
            await at.control("POST", "/latency", {"ms": 0})
            assert await customers(at) == 1
            status, answer = await at.post(PATH, {"name": "Ann"}, key="k")
            assert (status, answer["name"]) == (200, "Ann")
            assert await customers(at) == 1

    asyncio.run(run())


def test_locks_hold_between_the_two_halves() -> None:
    async def run() -> None:
        async with live(Config(object_locks=True)) as at:
            _, made = await at.post(PATH)
            await at.control("POST", "/latency", {"ms": 80})
            path = f"{PATH}/{made['id']}"
            answers = await asyncio.gather(*(at.post(path, {"name": "x"}) for _ in range(2)))
            assert sorted(status for status, _ in answers) == [200, 429]

    asyncio.run(run())


def test_the_ledger_speaks_of_payments_and_requests() -> None:
    async def run() -> None:
        async with live() as at:
            paid = {"amount": 500, "currency": "usd", "payment_method": "pm_card_visa"}
            _, intent = await at.post(
                "/v1/payment_intents", {**paid, "confirm": True, **NO_REDIRECT}, key="k"
            )
            status, ledger = await at.control("GET", "/ledger")
            assert status == 200
            assert ledger["payment_intents"][0]["id"] == intent["id"]
            assert ledger["requests"] == [
                {
                    "method": "POST",
                    "path": "/v1/payment_intents",
                    "idempotency_key": "k",
                    "status": 200,
                    "replayed": False,
                }
            ]

    asyncio.run(run())


def test_reset_forgets_objects_faults_and_latency() -> None:
    async def run() -> None:
        async with live() as at:
            await at.post(PATH)
            await at.fault("reset_before")
            await at.control("POST", "/latency", {"ms": 10_000})
            status, _ = await at.control("POST", "/reset")
            assert status == 200
            assert at.sandbox.latency_ms == 0
            assert await customers(at) == 0
            assert (await at.post(PATH))[0] == 200

    asyncio.run(run())


def test_faults_in_force_are_shown_with_how_many_requests_each_kind_has_hit() -> None:
    async def run() -> None:
        async with live() as at:
            await at.fault("error_500_before", times=2)
            await at.fault("rate_limit")
            assert (await at.post(PATH))[0] == 500
            left = {"method": "POST", "path": "/v1/customers", "times": 1, "skip": 0}
            faults = [{**left, "fault": "error_500_before"}, {**left, "fault": "rate_limit"}]
            shown = {"faults": faults, "hits": {"error_500_before": 1}}
            assert await at.control("GET", "/faults") == (200, shown)

            assert await at.control("DELETE", "/faults") == (200, {"faults": 0})
            shown = {"faults": [], "hits": {"error_500_before": 1}}
            assert await at.control("GET", "/faults") == (200, shown)

            await at.control("POST", "/reset")
            assert await at.control("GET", "/faults") == (200, {"faults": [], "hits": {}})

    asyncio.run(run())


def test_faults_can_be_taken_back() -> None:
    async def run() -> None:
        async with live() as at:
            await at.fault("reset_before", times=5)
            assert await at.control("DELETE", "/faults") == (200, {"faults": 0})
            assert (await at.post(PATH))[0] == 200

    asyncio.run(run())


@pytest.mark.parametrize(
    ("path", "wish", "bad"),
    [
        ("/faults", {"fault": "nope", "times": 0}, ["fault", "times"]),
        ("/faults", None, [""]),
        ("/latency", {"ms": -1}, ["ms"]),
        ("/latency", {"ms": "x", "s": 1}, ["s", "ms"]),
        ("/latency", [], [""]),
        ("/authenticate", {}, ["payment_intent"]),
        ("/authenticate", {"payment_intent": "pi_x"}, ["payment_intent"]),
        ("/authenticate", {"payment_intent": "pi_x", "passed": 1, "x": 1}, ["x", "passed"]),
    ],
)
def test_bad_commands_name_every_bad_field(path: str, wish: Any, bad: list[str]) -> None:
    async def run() -> None:
        async with live() as at:
            status, answer = await at.control("POST", path, wish)
            assert (status, list(answer["fields"])) == (400, bad)
            assert (at.sandbox.faults.rules, at.sandbox.latency_ms) == ([], 0)

    asyncio.run(run())


def test_the_holder_of_a_card_can_be_played() -> None:
    async def run() -> None:
        async with live() as at:
            card = {"payment_method": "pm_card_threeDSecure2Required", "confirm": True}
            _, intent = await at.post(
                "/v1/payment_intents", {"amount": 500, "currency": "usd", **card, **NO_REDIRECT}
            )
            assert intent["status"] == "requires_action"
            status, answer = await at.control(
                "POST", "/authenticate", {"payment_intent": intent["id"]}
            )
            assert (status, answer["status"]) == (200, "succeeded")

    asyncio.run(run())


def test_health_and_unknown_commands() -> None:
    async def run() -> None:
        async with live() as at:
            assert await at.control("GET", "/health") == (200, {"status": "ok"})
            status, _ = await at.control("GET", "/nope")
            assert status == 404

    asyncio.run(run())
