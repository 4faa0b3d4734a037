"""The commands that play banks, networks and card holders, over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.sandbox.account import NO_REDIRECT
from tests.sandbox.live import Live, live


async def paid(at: Live, card: str = "visa", **parameters: Any) -> Any:
    wish = {
        "amount": 5000,
        "currency": "usd",
        "payment_method": f"pm_card_{card}",
        "confirm": True,
        **NO_REDIRECT,
        **parameters,
    }
    status, intent = await at.post("/v1/payment_intents", wish)
    assert status == 200, intent
    return intent


async def commanded(at: Live, path: str, wish: Any) -> Any:
    status, answer = await at.control("POST", path, wish)
    assert status == 200, answer
    return answer


def test_a_payment_is_disputed_by_command() -> None:
    async def run() -> None:
        async with live() as at:
            intent = await paid(at)

            opened = await commanded(at, "/dispute", {"payment_intent": intent["id"]})
            wish = {
                "payment_intent": intent["latest_charge"],
                "reason": "duplicate",
                "amount": 700,
                "inquiry": True,
            }
            asked = await commanded(at, "/dispute", wish)

            assert (opened["reason"], opened["amount"]) == ("fraudulent", 5000)
            assert (asked["reason"], asked["amount"]) == ("duplicate", 700)
            assert asked["status"] == "warning_needs_response"
            _, found = await at.get(f"/v1/disputes?payment_intent={intent['id']}")
            assert [row["id"] for row in found["data"]] == [asked["id"], opened["id"]]

    asyncio.run(run())


def test_a_payment_is_warned_of_by_command() -> None:
    async def run() -> None:
        async with live() as at:
            intent = await paid(at)

            one = await commanded(at, "/fraud-warning", {"payment_intent": intent["id"]})
            wish = {"charge": intent["latest_charge"], "fraud_type": "made_with_lost_card"}
            other = await commanded(at, "/fraud-warning", wish)

            assert (one["fraud_type"], other["fraud_type"]) == ("misc", "made_with_lost_card")
            _, found = await at.get("/v1/radar/early_fraud_warnings")
            assert len(found["data"]) == 2

    asyncio.run(run())


def test_a_refund_is_moved_by_command() -> None:
    async def run() -> None:
        async with live() as at:
            intent = await paid(at)
            _, refund = await at.post("/v1/refunds", {"payment_intent": intent["id"]})

            await commanded(at, "/refund", {"refund": refund["id"], "status": "requires_action"})
            wish = {"refund": refund["id"], "status": "failed", "failure_reason": "declined"}
            after = await commanded(at, "/refund", wish)

            assert (after["status"], after["failure_reason"]) == ("failed", "declined")
            status, answer = await at.control("POST", "/refund", {**wish, "status": "pending"})
            assert (status, list(answer["fields"])) == (400, ["failure_reason"])
            status, answer = await at.control(
                "POST", "/refund", {"refund": refund["id"], "status": "pending"}
            )
            assert (status, list(answer["fields"])) == (400, ["refund"])

    asyncio.run(run())


def test_a_card_is_renewed_by_command() -> None:
    async def run() -> None:
        async with live() as at:
            _, customer = await at.post("/v1/customers")
            _, card = await at.post(
                "/v1/payment_methods/pm_card_visa/attach", {"customer": customer["id"]}
            )

            wish = {"payment_method": card["id"], "exp_month": 1, "exp_year": 2033}
            after = await commanded(at, "/card-updated", wish)

            assert (after["card"]["exp_month"], after["card"]["exp_year"]) == (1, 2033)

    asyncio.run(run())


def test_a_setup_is_authenticated_by_command() -> None:
    async def run() -> None:
        async with live() as at:
            wish = {"payment_method": "pm_card_threeDSecure2Required", "confirm": True}
            _, intent = await at.post("/v1/setup_intents", {**wish, **NO_REDIRECT})

            after = await commanded(at, "/authenticate", {"setup_intent": intent["id"]})

            assert (intent["status"], after["status"]) == ("requires_action", "succeeded")

    asyncio.run(run())


def test_commands_go_by_the_clock_of_the_sandbox() -> None:
    async def run() -> None:
        async with live() as at:
            intent = await paid(at)
            clock = await commanded(at, "/clock", {"advance_s": 86_400})

            dispute = await commanded(at, "/dispute", {"payment_intent": intent["id"]})

            assert 0 <= dispute["created"] - int(clock["now"]) <= 5
            assert dispute["created"] - intent["created"] >= 86_400

    asyncio.run(run())


@pytest.mark.parametrize(
    ("path", "wish", "bad"),
    [
        ("/dispute", [], [""]),
        ("/dispute", {}, ["payment_intent"]),
        ("/dispute", {"payment_intent": "pi_x"}, ["payment_intent"]),
        (
            "/dispute",
            {"payment_intent": "pi_x", "x": 1, "reason": "bored", "amount": 0, "inquiry": 1},
            ["x", "reason", "amount", "inquiry"],
        ),
        ("/fraud-warning", {}, ["payment_intent"]),
        ("/fraud-warning", {"charge": "ch_x"}, ["charge"]),
        ("/fraud-warning", {"charge": "ch_x", "fraud_type": "x"}, ["fraud_type"]),
        ("/refund", {}, ["refund", "status"]),
        ("/refund", {"refund": "re_x", "status": ["failed"]}, ["status"]),
        ("/refund", {"refund": "re_x", "status": "pending"}, ["refund"]),
        ("/card-updated", {}, ["payment_method", "exp_month", "exp_year"]),
        (
            "/card-updated",
            {"payment_method": "pm_x", "exp_month": 13, "exp_year": 31},
            ["exp_month", "exp_year"],
        ),
        (
            "/card-updated",
            {"payment_method": "pm_x", "exp_month": 1, "exp_year": 2031},
            ["payment_method"],
        ),
        ("/authenticate", {"setup_intent": 1}, ["setup_intent"]),
        ("/authenticate", {"setup_intent": "seti_x"}, ["setup_intent"]),
        ("/authenticate", {"setup_intent": "x", "payment_intent": "y"}, ["payment_intent"]),
    ],
)
def test_bad_commands_name_every_bad_field(path: str, wish: Any, bad: list[str]) -> None:
    async def run() -> None:
        async with live() as at:
            status, answer = await at.control("POST", path, wish)
            assert (status, list(answer["fields"])) == (400, bad)
            assert at.sandbox.engine.events == []

    asyncio.run(run())


def test_only_what_was_taken_can_be_disputed_and_no_more() -> None:
    async def run() -> None:
        async with live() as at:
            held = await paid(at, capture_method="manual")
            taken = await paid(at)
            for wish, bad in (
                ({"payment_intent": held["id"]}, "payment_intent"),
                ({"payment_intent": taken["id"], "amount": 5001}, "amount"),
            ):
                status, answer = await at.control("POST", "/dispute", wish)
                assert (status, list(answer["fields"])) == (400, [bad])
            assert at.sandbox.engine.ledger()["disputes"] == []

    asyncio.run(run())
