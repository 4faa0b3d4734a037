"""All that a real process prints in a day of everything, at debug: whole lines, and no secret."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import takewhile
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.parts.at_stripe import AtStripe
from tests.parts.http import Caller, Heard
from tests.parts.processes import WEBHOOK_SECRET, Stack, stack

STRIPE_KEY = "sk_test_wholelogkey51"
CLIENT_SECRET = "the client's own secret"
EMAIL_KEY = "0123456789abcdef0123456789abcdef"
STATIC_TOKEN = "static-token-not-used"
CALLERS_TOKEN = "callers.own-token_1"
EMAIL, NAME, CARDHOLDER = "zoe.quill@shop.example", "Zoe Quill-Fontaine", "Zacharias Quillon"
WORDS = "a gift for uncle Bartholomew"
CARD, CVC = "4242424242424242", "7319"
FORGED = "whsec_forgedforged"
PAY = "/payment/payment-intent"


@asynccontextmanager
async def token_endpoint(given: list[str]) -> AsyncIterator[str]:
    async def token(_request: web.Request) -> web.Response:
        given.append(f"opaque{len(given)}token5tail")
        return web.json_response({"access_token": given[-1], "expires_in": 3600})

    app = web.Application()
    app.router.add_post("/token", token)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/token"
    await runner.cleanup()


class Day:
    """One run of everything, and what was received in it that nobody may read afterwards."""

    def __init__(self, here: Stack, http: aiohttp.ClientSession) -> None:
        self.service = Caller(http, here.service_url)
        self.stripe = AtStripe(http, here.sandbox_url)
        self.orders = Caller(http, here.orders_url)
        self.sandbox = Caller(http, here.sandbox_url)
        self.received: set[str] = set()

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Heard:
        heard = await self.service.ask(method, path, body, headers or None)
        self.received |= set(client_secrets(heard.body))
        return heard

    async def run(self) -> None:
        customer = await self.ask("POST", "/payment/customer", {"email": EMAIL, "name": NAME})
        customer_id: str = customer.data["customerId"]
        await self.ask("GET", f"/payment/customer/{EMAIL}")
        await self.ask("GET", "/payment/customer/zoe.quill%2Bnew@shop.example")
        await self.cards(customer_id)
        await self.payments(customer_id)
        await self.mistakes(customer_id)
        await self.trouble(customer_id)

    async def cards(self, customer_id: str) -> None:
        shown = {"last4": "4242", "cardType": "visa", "expiryDate": "12/30"}
        card = {"customerId": customer_id, "paymentMethodId": "pm_card_visa", **shown}
        named = {**card, "cardholderName": CARDHOLDER}
        assert (await self.ask("POST", "/payment/payment-method-details", named)).status == 200
        await self.ask("POST", "/payment/setup-intent", {"customerId": customer_id})

    async def payments(self, customer_id: str) -> None:
        pay = {"amount": 5000, "customerId": customer_id, "confirm": True}
        words = {"description": WORDS, "metadata": {"for": WORDS}, EMAIL: 1}
        paid = await self.ask(
            "POST", PAY, {**pay, **words, "orderId": "o-1"}, Authorization=f"Bearer {CALLERS_TOKEN}"
        )
        assert paid.data["status"] == "succeeded"
        intent_id = paid.data["payment_intent_id"]
        await self.ask("POST", "/payment/refund", {"orderId": "o-1", "amount": 700})
        await self.stripe.refund(intent_id, 300)
        await self.stripe.dispute(intent_id)
        secure = await self.ask(
            "POST",
            PAY,
            {**pay, "orderId": "o-2", "paymentMethodId": "pm_card_threeDSecure2Required"},
        )
        assert secure.data["status"] == "requires_action"
        await self.stripe.authenticate(secure.data["payment_intent_id"])
        await self.settled("o-2", "succeeded")
        refused = {**pay, "orderId": "o-3", "paymentMethodId": "pm_card_chargeCustomerFail"}
        assert (await self.ask("POST", PAY, refused)).status == 402

    async def mistakes(self, customer_id: str) -> None:
        http, base = self.service.http, self.service.base
        form = {"Content-Type": "application/json", "Authorization": "Basic enQ6YmFzaWNzZWNyZXQ="}
        broken = f'{{"email": "{EMAIL}", "cvc": "{CVC}", "card": "{CARD}'
        async with http.post(f"{base}{PAY}", data=broken, headers=form) as answer:
            assert answer.status == 400
        number = "4242 4242 4242 4242"
        raw = {"amount": 1, "customerId": customer_id, "orderId": "o-4", "paymentMethodId": number}
        assert (await self.ask("POST", PAY, {**raw, "cvc": CVC, CARD: EMAIL})).status == 400
        event = json.dumps({"id": "evt_forged", "data": {"email": EMAIL, "number": CARD}})
        signed = {"Stripe-Signature": f"t=1,v1={FORGED}", "Content-Type": "application/json"}
        hook = f"{base}/payment/webhook"
        async with http.post(hook, data=event, headers=signed) as answer:
            assert answer.status == 400
        async with http.get(f"{base}/payment/{EMAIL}?client_secret={CLIENT_SECRET}") as answer:
            assert answer.status == 404

    async def trouble(self, customer_id: str) -> None:
        await self.orders.ask("POST", "/_demo/behaviour", {"mode": "fail", "times": 2})
        fault = {"method": "POST", "path": "/v1/payment_intents", "times": 1}
        await self.sandbox.ask("POST", "/_sandbox/faults", {**fault, "fault": "error_500_after"})
        pay = {"amount": 900, "customerId": customer_id, "orderId": "o-5", "confirm": True}
        await self.ask("POST", PAY, pay)
        await self.settled("o-5", "succeeded")
        told = await self.orders.until("GET", "/order/o-5", lambda heard: heard.status == 200)
        assert told.body["status"] == "PAYMENT RECEIVED"

    async def settled(self, order_id: str, status: str) -> None:
        path = f"{PAY}/{order_id}"
        await self.service.until("GET", path, lambda heard: heard.data["status"] == status)


def client_secrets(body: Any) -> Iterator[str]:
    """Give the secret part of every client secret in an answer."""
    if isinstance(body, dict):
        for name, value in body.items():
            if name in {"client_secret", "clientSecret"} and value:
                yield value.split("_secret_")[1]
            yield from client_secrets(value)


async def test_a_whole_day_prints_whole_lines_and_no_secret() -> None:
    tokens: list[str] = []
    async with token_endpoint(tokens) as token_url, aiohttp.ClientSession() as http:
        settings = {
            "STRIPE_SECRET_KEY": STRIPE_KEY,
            "ORDER_SERVICE_TOKEN": STATIC_TOKEN,
            "ORDER_SERVICE_TOKEN_URL": token_url,
            "ORDER_SERVICE_CLIENT_ID": "us",
            "ORDER_SERVICE_CLIENT_SECRET": CLIENT_SECRET,
            "LOG_EMAIL_KEY": EMAIL_KEY,
            "LOG_LEVEL": "debug",
            "STRIPE_LOG": "debug",
            "BACK_FILL_EVERY_S": "1",
            "PYTHONASYNCIODEBUG": "1",
        }
        with stack(settings, webhooks=True) as here:
            day = Day(here, http)
            await day.run()
            await asyncio.to_thread(here.service.stop)
            text = here.service.log()

    lines = [json.loads(line) for line in text.splitlines()]
    check_lines(lines)
    check_events(lines)
    secrets = day.received | set(tokens) | {STRIPE_KEY, WEBHOOK_SECRET, CLIENT_SECRET, EMAIL_KEY}
    secrets |= {STATIC_TOKEN, CALLERS_TOKEN, FORGED, CARD, "4242 4242", CVC, "basicsecret"}
    secrets |= {"enQ6YmFzaWNzZWNyZXQ", EMAIL, "zoe.quill", "shop.example"}
    secrets |= {NAME, CARDHOLDER, WORDS, "Bartholomew"}
    assert len(day.received) >= 2
    assert len(tokens) == 1
    assert sorted(secret for secret in secrets if secret.lower() in text.lower()) == []


def is_about_time(line: Any) -> bool:
    return line["path"] == "/v1/payment_intents" and line.get("params", {}) in ({}, {"limit": 1})


def check_lines(lines: list[Any]) -> None:
    for line in lines:
        assert list(line)[:3] == ["time", "level", "event"]
        assert line["level"] in {"debug", "info", "warning", "error", "critical"}
        assert line["time"].endswith("Z")
    answered = [line for line in lines if line["event"] == "request.answered"]
    assert all(line["request_id"] for line in answered)
    # Whoever asks Stripe does it for a request, or for a document, or reads a list of Stripe's; at
    # its start a process asks what time it is there.
    asked = [line for line in lines if line["event"].startswith(("stripe.", "orders.", "token."))]
    asked = asked[len(list(takewhile(is_about_time, asked))) :]
    names = {"request_id", "order_id", "uid", "event_id", "document_id"}
    assert [line for line in asked if not names & line.keys()] == []
    assert all(line["stripe_request_id"] for line in asked if line["event"] == "stripe.answered")


def check_events(lines: list[Any]) -> None:
    seen = {line["event"] for line in lines}
    wanted = {"settings.doubtful", "service.started", "service.stopping", "process.drained"}
    wanted |= {"request.answered", "request.unknown_fields_ignored", "stripe.answered"}
    wanted |= {"stripe.asked", "stripe.refused", "orders.answered", "orders.refused"}
    wanted |= {"token.fetched", "payment.succeeded", "payment.requires_action", "order.told"}
    wanted |= {"payment.declined", "refund.succeeded", "event.kept", "event.applied"}
    assert sorted(wanted - seen) == []
    assert any(event.startswith("dispute.") for event in seen)
    begun = next(line for line in lines if line["event"] == "create.begun")
    told = next(line for line in lines if line["event"] == "order.told")
    assert told["request_id"] == begun["request_id"], "what goes on after the answer is told so"


@pytest.mark.parametrize("level", ["info", "warning"])
async def test_a_louder_level_prints_less(level: str) -> None:
    with stack({"LOG_LEVEL": level, "ORDER_SERVICE_TOKEN": "of-ours"}) as here:
        async with aiohttp.ClientSession() as http:
            await Caller(http, here.service_url).ask("GET", "/payment/payments")
        await asyncio.to_thread(here.service.stop)
        lines = [json.loads(line) for line in here.service.log().splitlines()]

    assert {line["level"] for line in lines} == ({"info"} if level == "info" else set())
