"""The test clock, which only goes forwards, and the switches that need no restart."""

from __future__ import annotations

import time
from dataclasses import fields
from typing import Any

import pytest

from stripe_sandbox.engine import Config
from stripe_sandbox.engine.config import LIVE_RETRIES_S
from stripe_sandbox.switches import FIXED
from tests.sandbox.account import NO_REDIRECT, Account
from tests.sandbox.live import Live, live

INTENTS = "/v1/payment_intents"
PAY = {"amount": 500, "currency": "usd", "confirm": True, **NO_REDIRECT}


async def pay(at: Live, card: str = "visa", **more: Any) -> Any:
    status, intent = await at.post(INTENTS, {**PAY, "payment_method": f"pm_card_{card}", **more})
    assert status == 200, intent
    return intent


async def types(at: Live) -> list[str]:
    """The types of all events, oldest first."""
    _, listed = await at.get("/v1/events?limit=100")
    return [event["type"] for event in reversed(listed["data"])]


async def test_an_hour_later_is_an_hour_later() -> None:
    async with live() as at:
        _, before = await at.control("GET", "/clock")

        status, after = await at.control("POST", "/clock", {"advance_s": 3600})

        assert (status, before["ahead_s"], after["ahead_s"]) == (200, 0, 3600)
        assert 3600 <= after["now"] - before["now"] < 3610
        _, customer = await at.post("/v1/customers")
        assert abs(customer["created"] - time.time() - 3600) < 10


async def test_the_clock_can_be_set_to_a_moment() -> None:
    async with live() as at:
        moment = int(time.time()) + 86_400

        status, clock = await at.control("POST", "/clock", {"now": moment})

        assert status == 200
        assert 0 <= clock["now"] - moment < 5


async def test_what_was_to_happen_later_happens_at_once_and_in_order() -> None:
    async with live() as at:
        held = await pay(at, capture_method="manual")
        await pay(at)
        slow = await pay(at, "pendingRefund")
        await at.post("/v1/refunds", {"payment_intent": slow["id"]})
        before = len(await types(at))

        await at.control("POST", "/clock", {"advance_s": 8 * 86_400})

        assert (await at.get(f"{INTENTS}/{held['id']}"))[1]["status"] == "canceled"
        happened = (await types(at))[before:]
        assert happened.index("charge.updated") < happened.index("refund.updated")
        assert happened[-2:] == ["charge.expired", "payment_intent.canceled"]


async def test_keys_are_forgotten_a_day_later() -> None:
    async with live() as at:
        _, first = await at.post("/v1/customers", key="k")
        await at.control("POST", "/clock", {"advance_s": 86_399})
        _, replayed = await at.post("/v1/customers", key="k")
        await at.control("POST", "/clock", {"advance_s": 2})
        _, anew = await at.post("/v1/customers", key="k")

        assert first["id"] == replayed["id"] != anew["id"]


@pytest.mark.parametrize(
    ("wish", "bad"),
    [
        (None, [""]),
        ({}, [""]),
        ({"advance_s": 1, "now": 2}, [""]),
        ({"advance_s": -1}, ["advance_s"]),
        ({"advance_s": "1"}, ["advance_s"]),
        ({"advance_s": 1e9}, ["advance_s"]),
        ({"now": 1_000_000_000}, ["now"]),
        ({"now": 1_790_000_000_000}, ["now"]),
        ({"hours": 1}, ["hours"]),
    ],
)
async def test_time_goes_forwards_only(wish: Any, bad: list[str]) -> None:
    async with live() as at:
        status, answer = await at.control("POST", "/clock", wish)

        assert (status, list(answer["fields"])) == (400, bad)
        assert (await at.control("GET", "/clock"))[1]["ahead_s"] == 0


async def test_a_reset_puts_clock_and_switches_back() -> None:
    async with live(Config(object_locks=True)) as at:
        await at.control("POST", "/clock", {"advance_s": 3600})
        await at.control("POST", "/switches", {"object_locks": False, "settle_after_s": 9})

        await at.control("POST", "/reset")

        assert (await at.control("GET", "/clock"))[1]["ahead_s"] == 0
        _, shown = await at.control("GET", "/switches")
        assert (shown["object_locks"], shown["settle_after_s"]) == (True, 2)


async def test_limits_are_switched_on_and_off() -> None:
    async with live() as at:
        limits = {"rate_limit_per_s": 2, "endpoint_rate_limit_per_s": None}
        status, shown = await at.control("POST", "/switches", limits)
        assert (status, shown["rate_limit_per_s"]) == (200, 2)
        limited = [(await at.post("/v1/customers"))[0] for _ in range(4)]

        await at.control("POST", "/switches", {"rate_limit_per_s": None})

        assert limited[:2] == [200, 200]
        assert 429 in limited
        assert [(await at.post("/v1/customers"))[0] for _ in range(4)] == [200] * 4


async def test_all_that_can_be_switched_is_shown_and_can_be_given_back() -> None:
    async with live() as at:
        _, shown = await at.control("GET", "/switches")

        assert shown.keys() == {one.name for one in fields(Config)} - FIXED
        assert shown["webhook_retries_s"] == list(LIVE_RETRIES_S)
        assert await at.control("POST", "/switches", shown) == (200, shown)
        assert at.sandbox.engine.config == Config()


def test_a_switch_changes_what_the_engine_does_from_then_on() -> None:
    account = Account()
    first = account.pay(49)

    account.engine.switch(minimum_amounts=False)

    assert (first.status, account.pay(49).status) == (400, 200)


@pytest.mark.parametrize(
    ("wish", "bad"),
    [
        ([], [""]),
        ({"api_version": "2026-10-28.endive", "colour": "red"}, ["api_version", "colour"]),
        ({"object_locks": 1, "rate_limit_per_s": 0}, ["object_locks", "rate_limit_per_s"]),
        ({"rate_limit_per_s": True}, ["rate_limit_per_s"]),
        ({"settle_after_s": -1, "webhook_retries_s": 5}, ["settle_after_s", "webhook_retries_s"]),
        ({"webhook_retries_s": [1, None]}, ["webhook_retries_s"]),
        ({"in_use_type": "api_error"}, ["in_use_type"]),
        ({"secret_key_required_status": 404}, ["secret_key_required_status"]),
    ],
)
async def test_a_bad_switch_is_named_and_nothing_is_switched(wish: Any, bad: list[str]) -> None:
    async with live() as at:
        status, answer = await at.control("POST", "/switches", wish)

        assert (status, list(answer["fields"])) == (400, bad)
        assert at.sandbox.engine.config == Config()
