"""Shoppers who buy at a fleet for a while, and remember word for word what they were told.

They know what a caller over HTTP knows: an answer can be lost, and who asks again may ask another
process.
"""

import asyncio
import random
from dataclasses import dataclass, field
from time import time
from typing import Any

import aiohttp

from payment_service.api.caller import ANYBODY
from payment_service.api.idempotency import derived_id, key_id
from tests.parts.at_stripe import AtStripe
from tests.parts.http import Caller
from tests.simulation.talking import AGAIN, Conversation, Heard

# Longer than the service's own deadline, shorter than a process that stands still.
ANSWER_S_MAX = 20.0
TRIES_MAX = 12
AGAIN_AFTER_S = 0.5
# What they pay with: most cards pay.
CARDS = (*["pm_card_visa"] * 6, "pm_card_chargeDeclined", "pm_card_threeDSecure2Required")
KEPT_CARDS = ("pm_card_visa", "pm_card_mastercard")
AMOUNT_MINOR_MAX = 9_000


@dataclass
class Shopper:
    """One customer, who wants one thing after the other.

    told: everything that was said to it.
    """

    number: int
    doors: list[Caller]
    stripe: AtStripe
    chance: random.Random
    told: list[Conversation] = field(default_factory=list)
    orders: int = 0
    customer_id: str = ""

    @property
    def email(self) -> str:
        """Whose customer this is."""
        return f"shopper-{self.number}@shop.example"

    async def shop(self, until: float) -> None:
        """Buy things until then (seconds of the running loop)."""
        await self._become_customer()
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            self.orders += 1
            await self._buy(f"order-{self.number}-{self.orders}")

    async def tidy_up(self) -> None:
        """Capture or let go of what is held still, because an answer was lost or time was over."""
        for order_id in sorted({talk.order_id for talk in self.told if talk.wish == "pay"}):
            status, shown = await self._ask("GET", f"/payment/payment-intent/{order_id}", None)
            if status == 200 and shown["data"]["status"] == "requires_capture":
                await self._finish_hold(order_id)

    async def _become_customer(self) -> None:
        body: dict[str, Any] = {"email": self.email, "name": "A Shopper"}
        made = await self._until_done("POST", "/payment/customer", body)
        self.customer_id = made["customerId"]
        for card in KEPT_CARDS:
            body = {"customerId": self.customer_id, "paymentMethodId": card}
            await self._until_done("POST", "/payment/payment-method", body)

    async def _buy(self, order_id: str) -> None:
        amount = self.chance.randint(100, AMOUNT_MINOR_MAX)
        body: dict[str, Any] = {
            "amount": amount,
            "orderId": order_id,
            "customerId": self.customer_id,
            "paymentMethodId": self.chance.choice(CARDS),
        }
        holds = self.chance.random() < 0.2
        if holds:
            body["captureMethod"] = "manual"
        clicks = 2 if self.chance.random() < 0.2 else 1
        asked = {
            "currency": "usd",
            "customer": self.customer_id,
            "card": body["paymentMethodId"],
            "capture_method": "manual" if holds else "automatic",
            "description": None,
            "metadata": {},
            "off_session": False,
            "return_url": None,
        }
        talks = [Conversation("pay", order_id, amount, asked=asked) for _ in range(clicks)]
        await asyncio.gather(
            *(self._talk(talk, "/payment/payment-intent", dict(body)) for talk in talks)
        )
        word = talks[0].last
        if word == "requires_action":
            await self._authenticate(order_id)
        if word == "requires_capture":
            await self._finish_hold(order_id)
        if word == "succeeded" and self.chance.random() < 0.5:
            await self._refund(order_id, amount)

    async def _authenticate(self, order_id: str) -> None:
        """Pass the challenge, most of the time; the rest is left to lapse."""
        if self.chance.random() < 0.7:
            shown = await self._until_done("GET", f"/payment/payment-intent/{order_id}")
            if shown.get("status") == "requires_action":
                await self.stripe.authenticate(shown["payment_intent_id"])

    async def _finish_hold(self, order_id: str) -> None:
        verb = self.chance.choice(("capture", "capture", "cancel"))
        path = f"/payment/payment-intent/{order_id}/{verb}"
        await self._talk(Conversation(verb, order_id, 0), path, {})

    async def _refund(self, order_id: str, amount: int) -> None:
        """Ask for one or two parts at once, which together may be too much."""
        parts = [self.chance.randint(1, amount) for _ in range(self.chance.randint(1, 2))]
        await asyncio.gather(
            *(self._refund_part(order_id, part, number) for number, part in enumerate(parts))
        )

    async def _refund_part(self, order_id: str, part: int, number: int) -> None:
        key = f"refund-{order_id}-{number}"
        seed = key_id(ANYBODY.name, key)
        talk = Conversation("refund", order_id, part, refund_id=derived_id("rfd", f"{seed}\n0"))
        body = {"orderId": order_id, "amount": part}
        await self._talk(talk, "/payment/refund", body, {"Idempotency-Key": key})

    async def _talk(
        self,
        talk: Conversation,
        path: str,
        body: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> None:
        """Ask until there is an answer that counts, and remember all of them."""
        self.told.append(talk)
        for _ in range(TRIES_MAX):
            asked_at = time()
            status, content = await self._ask("POST", path, body, headers)
            taken = await self._taken_minor(talk.order_id)
            talk.answers.append(Heard(word_of_answer(status, content), asked_at, time(), taken))
            # One that surely failed is made anew under the same key, by another reference.
            talk.refund_id = _reference(content) or talk.refund_id
            if talk.last not in AGAIN:
                return
            await asyncio.sleep(AGAIN_AFTER_S)

    async def _until_done(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Ask until it is done; return the data."""
        status, content = await self._ask(method, path, body)
        while status not in {200, 201}:
            assert status in {0, 202, 429, 503}, (path, status, content)
            await asyncio.sleep(AGAIN_AFTER_S)
            status, content = await self._ask(method, path, body)
        data: dict[str, Any] = content["data"]
        return data

    async def _ask(
        self, method: str, path: str, body: Any, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Ask any of the processes; return status 0 when the answer was lost."""
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                heard = await self.chance.choice(self.doors).ask(method, path, body, headers)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, {}
        return heard.status, heard.body

    async def _taken_minor(self, order_id: str) -> int:
        """Return what Stripe has taken for an order by now."""
        intents = await self.stripe.intents_of(self.customer_id)
        return sum(
            intent["amount_received"]
            for intent in intents
            if intent["metadata"].get("order_id") == order_id
        )


def _reference(content: Any) -> str | None:
    """Return by which reference a refund goes, None of any other answer."""
    data = content.get("data") if isinstance(content, dict) else None
    return data.get("reference") if isinstance(data, dict) else None


def word_of_answer(status: int, content: Any) -> str:
    """Return an answer in one word, as the auditor knows them."""
    match status:
        case 0:
            return "lost"
        case 200 | 201:
            return str(content["data"]["status"])
        case 202:
            return "processing"
        case 402:
            return "declined"
        case 429 | 503:
            return "away"
        case _:
            return f"refused_{content['code']}"
