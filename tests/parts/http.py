"""A caller of the service over real HTTP."""

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer: status, headers in lower case, decoded body."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def data(self) -> Any:
        """The envelope's data."""
        return self.body["data"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Asks one base URL. Raises aiohttp.ClientError when there is no answer."""

    http: aiohttp.ClientSession
    base: str

    async def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Heard:
        """Send one request, JSON in and out."""
        url = f"{self.base}{path}"
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            content_type = answer.headers.get("content-type", "")
            content = await (answer.json() if "json" in content_type else answer.text())
            names = {name.lower(): value for name, value in answer.headers.items()}
            return Heard(answer.status, names, content)

    async def until(self, method: str, path: str, wanted: Any, *, within_s: float = 60.0) -> Heard:
        """Ask again and again until `wanted(answer)`; fail loudly after the time is over."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while True:
            heard = await self.ask(method, path)
            if wanted(heard):
                return heard
            if loop.time() > deadline:
                raise AssertionError(f"{path} is still {heard.status} {heard.body}")
            await asyncio.sleep(0.1)


async def customer_with_card(
    service: Caller, email: str = "ann@shop.example", card: str = "pm_card_visa"
) -> tuple[str, str]:
    """Return the ids of a new customer and of its card."""
    customer = await service.ask("POST", "/payment/customer", {"email": email, "name": "Ann"})
    customer_id: str = customer.data["customerId"]
    body = {"customerId": customer_id, "paymentMethodId": card}
    attached = await service.ask("POST", "/payment/payment-method", body)
    card_id: str = attached.data["payment_method_id"]
    return customer_id, card_id
