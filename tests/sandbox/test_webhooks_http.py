"""The deliverer over real HTTP: prompt, signed, retried, and unmoved by what receivers do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from stripe_sandbox.engine import Config, Engine
from stripe_sandbox.http import Sandbox, serve
from stripe_sandbox.webhooks import UNDER_WAY_MAX, is_loopback
from tests.sandbox.account import NO_REDIRECT
from tests.sandbox.live import Live, live
from tests.sandbox.receiver import PATIENCE_S, Receiver, receiver
from tests.sandbox.telling import SECRET

PATH = "/v1/customers"
PAY = {"amount": 500, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
# Soon enough to wait for.
QUICK = Config(webhook_retries_s=(0.02, 0.02))


@asynccontextmanager
async def listening(config: Config | None = None) -> AsyncIterator[tuple[Live, Receiver]]:
    """A sandbox and a receiver that is told of everything."""
    async with receiver() as took, live(config) as at:
        at.sandbox.engine.webhooks.listen(took.url, now=at.sandbox.now(), secret=SECRET)
        yield at, took


async def deliveries(at: Live, states: list[str]) -> Any:
    """Wait until the deliveries are in these states, and return them."""
    found: list[Any] = []
    async with asyncio.timeout(PATIENCE_S):
        while [one["state"] for one in found] != states:
            await asyncio.sleep(0.01)
            found = (await at.control("GET", "/webhooks"))[1]["deliveries"]
    return found


async def test_an_event_arrives_at_once_and_signed() -> None:
    async with listening() as (at, took):
        started = time.monotonic()
        _, customer = await at.post(PATH, {"name": "Ann"})

        event = await took.event()

        assert time.monotonic() - started < 1
        assert (event.type, event.data.object["id"]) == ("customer.created", customer["id"])
        assert took.agents == ["Stripe/1.0 (+https://stripe.com/docs/webhooks)"]
        await deliveries(at, ["delivered"])


async def test_an_endpoint_made_by_request_is_told_too() -> None:
    async with receiver() as took, live() as at:
        _, made = await at.post(
            "/v1/webhook_endpoints", {"url": took.url, "enabled_events": ["customer.created"]}
        )
        await at.post(PATH)

        assert (await took.event(secret=made["secret"])).type == "customer.created"


async def test_what_happens_later_arrives_without_a_request() -> None:
    async with listening(Config(settle_after_s=1.0)) as (at, took):
        await at.post("/v1/payment_intents", {**PAY, **NO_REDIRECT})

        await took.until(lambda: len(took.bodies) == 4)

        assert sorted(took.types) == [
            "charge.succeeded",
            "charge.updated",
            "payment_intent.created",
            "payment_intent.succeeded",
        ]


@pytest.mark.parametrize("answer", [500, 404, 302, 307, "cut", "nonsense"])
async def test_a_failure_is_tried_again(answer: int | str) -> None:
    async with listening(QUICK) as (at, took):
        took.answers = [answer]
        await at.post(PATH)

        [delivery] = await deliveries(at, ["delivered"])

        first, second = delivery["attempts"]
        assert (second["status"], second["why"]) == (200, None)
        assert first["status"] == (answer if isinstance(answer, int) else None)
        assert (first["why"] is None) == isinstance(answer, int)
        assert len(took.bodies) == 2


async def test_an_answer_without_end_is_success_by_its_status() -> None:
    async with listening() as (at, took):
        took.answers = ["endless"]
        await at.post(PATH)

        [delivery] = await deliveries(at, ["delivered"])

        assert [attempt["status"] for attempt in delivery["attempts"]] == [200]


async def test_a_receiver_that_hangs_holds_up_nobody_and_is_given_up_in_time() -> None:
    sandbox = Sandbox(Engine(QUICK), webhook_answer_within_s=0.3)
    async with receiver() as took:
        runner, port = await serve(sandbox, "127.0.0.1", 0)
        sandbox.engine.webhooks.listen(took.url, now=sandbox.now(), secret=SECRET)
        took.answers = ["hang"]
        async with aiohttp.ClientSession() as session:
            at = Live(sandbox, f"http://127.0.0.1:{port}", session)
            for _ in range(2):
                await at.post(PATH)
            await deliveries(at, ["taken", "delivered"])

            [hung, _] = await deliveries(at, ["delivered", "delivered"])
        await runner.cleanup()

    assert [one["status"] for one in hung["attempts"]] == [None, 200]
    assert hung["attempts"][0]["why"] == "no answer within 0.3 s"


async def test_nobody_there_is_a_failure_too() -> None:
    async with live(QUICK) as at:
        at.sandbox.engine.webhooks.listen("http://127.0.0.1:1/", now=at.sandbox.now())
        await at.post(PATH)

        [delivery] = await deliveries(at, ["failed"])

        assert [attempt["status"] for attempt in delivery["attempts"]] == [None] * 3
        assert (await at.post(PATH))[0] == 200


async def test_strangers_are_not_posted_to() -> None:
    async with live(Config(webhook_retries_s=())) as at:
        await at.post(
            "/v1/webhook_endpoints", {"url": "https://shop.example/", "enabled_events": ["*"]}
        )
        await at.post(PATH)

        [delivery] = await deliveries(at, ["failed"])

        [attempt] = delivery["attempts"]
        assert attempt["status"] is None
        assert "--webhook-anywhere" in attempt["why"]


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:8000/x", True),
        ("http://127.0.0.1/", True),
        ("https://127.9.9.9:1/", True),
        ("http://[::1]:80/", True),
        ("http://LOCALHOST/", True),
        ("http://127.0.0.1.shop.example/", False),
        ("http://localhost@shop.example/", False),
        ("http://192.168.0.1/", False),
        ("http://0.0.0.0/", False),
        ("http://shop.example/", False),
    ],
)
def test_this_machine_is_known_by_its_address(url: str, *, here: bool) -> None:
    assert is_loopback(url) is here


async def test_more_events_than_go_out_at_a_time_all_arrive_once() -> None:
    count = 3 * UNDER_WAY_MAX
    async with listening() as (at, took):
        await asyncio.gather(*(at.post(PATH) for _ in range(count)))

        await took.until(lambda: len(took.bodies) == count)

        await deliveries(at, ["delivered"] * count)
        assert len(set(took.bodies)) == count


async def test_the_server_stops_while_a_receiver_hangs() -> None:
    async with receiver() as took:
        async with live() as at:
            at.sandbox.engine.webhooks.listen(took.url, now=at.sandbox.now(), secret=SECRET)
            took.answers = ["hang"]
            await at.post(PATH)
            await took.until(lambda: len(took.bodies) == 1)
            started = time.monotonic()
        assert time.monotonic() - started < 2


async def test_time_that_is_moved_on_brings_the_retry() -> None:
    async with listening(Config(webhook_retries_s=(3600.0,))) as (at, took):
        took.answers = [500]
        await at.post(PATH)
        await deliveries(at, ["waiting"])

        await at.control("POST", "/clock", {"advance_s": 3601})

        await took.event(1)
        earlier, later = (int(one.split(",")[0][2:]) for one in took.signatures)
        assert later - earlier >= 3600
        await deliveries(at, ["delivered"])


async def test_it_is_shown_how_many_events_each_kind_of_fault_has_hit() -> None:
    async with listening() as (at, _):
        await at.control("POST", "/webhooks", {"fault": "drop", "type": "customer.*", "times": 3})
        await at.post(PATH)
        await at.post(PATH)
        await at.control("DELETE", "/webhooks")
        _, shown = await at.control("GET", "/webhooks")
        assert (shown["faults"], shown["hits"]) == ([], {"drop": 2})

        await at.control("POST", "/reset")
        _, shown = await at.control("GET", "/webhooks")
        assert shown["hits"] == {}


async def test_faults_are_set_shown_and_taken_back() -> None:
    async with listening() as (at, took):
        wish = {"fault": "drop", "type": "customer.*", "skip": 1}
        assert await at.control("POST", "/webhooks", wish) == (200, {"faults": 1})
        assert await at.control("POST", "/webhooks", {"fault": "delay"}) == (200, {"faults": 2})
        _, shown = await at.control("GET", "/webhooks")
        assert shown["faults"][0] == {**wish, "times": 1, "hits": 0}
        assert shown["endpoints"][0]["secrets"] == [SECRET]
        assert shown["hits"] == {}
        assert await at.control("DELETE", "/webhooks") == (200, {"faults": 0})

        await at.post(PATH)

        assert (await took.event()).type == "customer.created"
        status, answer = await at.control("POST", "/webhooks", {"fault": "nope"})
        assert (status, list(answer["fields"])) == (400, ["fault"])


async def test_an_event_is_sent_again_by_hand() -> None:
    async with listening() as (at, took):
        await at.control("POST", "/webhooks", {"fault": "drop"})
        await at.post(PATH)
        _, events = await at.get("/v1/events?delivery_success=false")
        event_id = events["data"][0]["id"]

        sent = await at.control("POST", "/webhooks/resend", {"event": event_id})

        assert sent == (200, {"deliveries": 1})
        assert (await took.event()).id == event_id
        await deliveries(at, ["lost", "delivered"])


async def test_a_secret_is_rolled_by_command() -> None:
    async with listening() as (at, took):
        [endpoint] = at.sandbox.engine.webhooks.endpoints
        wish = {"endpoint": endpoint.id, "keep_old_s": 60}

        status, answer = await at.control("POST", "/webhooks/roll", wish)
        await at.post(PATH)

        assert (status, answer["endpoint"]) == (200, endpoint.id)
        assert (await took.event(secret=answer["secret"])).id == (await took.event()).id


@pytest.mark.parametrize(
    ("path", "wish", "bad"),
    [
        ("/webhooks/roll", {}, ["endpoint"]),
        ("/webhooks/roll", {"endpoint": "we_x"}, ["endpoint"]),
        ("/webhooks/roll", {"endpoint": "we_x", "keep_old_s": 86_401}, ["keep_old_s"]),
        ("/webhooks/resend", None, [""]),
        ("/webhooks/resend", {"event": 1, "endpoint": 2, "a": 3}, ["a", "event", "endpoint"]),
        ("/webhooks/resend", {"event": "evt_x"}, ["event"]),
    ],
)
async def test_bad_commands_name_every_bad_field(path: str, wish: Any, bad: list[str]) -> None:
    async with live() as at:
        status, answer = await at.control("POST", path, wish)

        assert (status, list(answer["fields"])) == (400, bad)


async def test_a_reset_forgets_deliveries_and_faults_and_keeps_who_listens() -> None:
    async with listening() as (at, took):
        await at.post("/v1/webhook_endpoints", {"url": took.url + "/2", "enabled_events": ["*"]})
        await at.control("POST", "/webhooks", {"fault": "drop", "times": 9, "skip": 1})
        await at.post(PATH)
        await deliveries(at, ["delivered", "delivered"])

        await at.control("POST", "/reset")

        _, shown = await at.control("GET", "/webhooks")
        assert (shown["deliveries"], shown["faults"]) == ([], [])
        assert [one["url"] for one in shown["endpoints"]] == [took.url]
        await at.post(PATH)
        await deliveries(at, ["delivered"])
