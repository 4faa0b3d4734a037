"""Whoever else is at Stripe: the payer's own client, a person in the dashboard, and its books."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

SHOP = {"Authorization": "Bearer sk_test_dashboard"}
PAYER = {"Authorization": "Bearer pk_test_payer"}
# As many as Stripe lists at once.
PAGE = 100
# A sandbox next door has answered by then, unless it was told to fail.
AGAIN_AFTER_S = 2.0


@dataclass(frozen=True, slots=True)
class AtStripe:
    """Asks a sandbox what the payment service must not know of beforehand."""

    http: aiohttp.ClientSession
    base: str

    async def confirm(self, payment: Mapping[str, Any], card: str, return_url: str) -> Any:
        """Confirm as Stripe.js does: with the client secret that the shop handed to its payer."""
        form = {
            "client_secret": payment["client_secret"],
            "payment_method": card,
            "return_url": return_url,
        }
        path = f"/v1/payment_intents/{payment['payment_intent_id']}/confirm"
        return await self._ask("POST", path, PAYER, form)

    async def authenticate(self, intent_id: str) -> None:
        """Pass 3-D Secure without a browser."""
        await self._command("authenticate", {"payment_intent": intent_id, "passed": True})

    async def refund(self, intent_id: str, amount_minor: int) -> None:
        """Refund in the dashboard."""
        form = {"payment_intent": intent_id, "amount": str(amount_minor)}
        made = await self._ask("POST", "/v1/refunds", SHOP, form)
        assert made["status"] == "succeeded", made

    async def dispute(self, intent_id: str) -> None:
        """Have the payer's bank take the money back."""
        await self._command("dispute", {"payment_intent": intent_id})

    async def events(self) -> list[dict[str, Any]]:
        """Return all events, in the order in which they happened."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = await self._ask("GET", f"/v1/events?limit={PAGE}{after}", SHOP)
            found += page["data"]
            if not page["has_more"]:
                return found[::-1]
            after = f"&starting_after={found[-1]['id']}"

    async def intents_of(self, customer_id: str) -> list[dict[str, Any]]:
        """Return a customer's newest PaymentIntents."""
        return await self._list(f"/v1/payment_intents?customer={customer_id}&limit={PAGE}")

    async def customers(self, email: str) -> list[dict[str, Any]]:
        """Return the customers with this e-mail, each with the ids of its cards as `cards`."""
        found: list[dict[str, Any]] = []
        for one in await self._list(f"/v1/customers?email={email}&limit=100"):
            path = f"/v1/payment_methods?customer={one['id']}&type=card&limit=100"
            cards = await self._list(path)
            found.append({**one, "cards": [card["id"] for card in cards]})
        return found

    async def deliveries(self) -> list[dict[str, Any]]:
        """Return all deliveries of events to webhooks, with what they were answered."""
        found: list[dict[str, Any]] = (await self._ask("GET", "/_sandbox/webhooks", {}))[
            "deliveries"
        ]
        return found

    async def ledger(self) -> Any:
        """Return what became of the money, and all requests."""
        return await self._ask("GET", "/_sandbox/ledger", {})

    async def _list(self, path: str) -> list[dict[str, Any]]:
        """Return a list, asked for again while a fault that was meant for others strikes it."""
        while True:
            try:
                async with asyncio.timeout(AGAIN_AFTER_S):
                    answer = await self._ask("GET", path, SHOP)
                found: list[dict[str, Any]] = answer["data"]
            except (aiohttp.ClientError, OSError, KeyError, ValueError):
                continue
            return found

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str], form: Any = None
    ) -> Any:
        url = f"{self.base}{path}"
        async with self.http.request(method, url, headers=headers, data=form) as answer:
            return await answer.json()

    async def _command(self, name: str, wish: Mapping[str, Any]) -> None:
        async with self.http.post(f"{self.base}/_sandbox/{name}", json=wish) as answer:
            assert answer.status == 200, await answer.text()


def intent_of(event: Mapping[str, Any]) -> str | None:
    """Return the id of the PaymentIntent that an event is about, if it is about one."""
    about = event["data"]["object"]
    its_id: str | None = about["id"] if about["object"] == "payment_intent" else None
    return its_id or about.get("payment_intent")
