"""Stripe's senders: each event is posted, signed anew each time, until it is answered 200."""

import asyncio
import json
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import stripe

SENDERS = 8
# Stripe waits longer before it tries again; here it would only make the test longer.
AGAIN_AFTER_S = 0.1


@dataclass(slots=True)
class Senders:
    """Posts to one webhook, and keeps count of what it was answered.

    answered: how often each event was answered 200. received: what those answers said.
    refused: other statuses. unanswered: how often the connection failed or broke.
    """

    http: aiohttp.ClientSession
    url: str
    secret: str
    answered: Counter[str] = field(default_factory=Counter)
    received: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def deliver(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Post all, several at a time; what is not answered 200 goes to the end of the queue."""
        queue = deque(events)

        async def send() -> None:
            while queue:
                event = queue.popleft()
                if not await self.post(event):
                    queue.append(event)
                    await asyncio.sleep(AGAIN_AFTER_S)

        await asyncio.gather(*(send() for _ in range(SENDERS)))

    async def until_answered(self, times: int) -> None:
        """Return when there have been so many answers of 200."""
        while self.received.total() < times:
            self._heard.clear()
            await self._heard.wait()

    async def post(self, event: Mapping[str, Any]) -> bool:
        """Post once; say whether it was answered 200."""
        body = json.dumps(event)
        signed = stripe.WebhookSignature.generate_signature_header(body, self.secret)
        headers = {"Stripe-Signature": signed, "Content-Type": "application/json"}
        try:
            async with self.http.post(self.url, data=body, headers=headers) as answer:
                content = await answer.json()
        except aiohttp.ClientError:
            self.unanswered += 1
            return False
        if answer.status != 200:
            self.refused[answer.status] += 1
            return False
        self.answered[event["id"]] += 1
        self.received[content["received"]] += 1
        self._heard.set()
        return True
