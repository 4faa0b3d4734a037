"""The sandbox's engine behind the official SDK, without a socket: a transport for `open_stripe`."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import stripe

from payment_service.adapters.stripe import StripeGateway, TimeLimits, open_stripe
from payment_service.adapters.stripe.dates import Timekeeper
from stripe_sandbox.engine import Delivery, Engine, Request
from stripe_sandbox.faults import Fault

FaultPicker = Callable[[str, str], Fault | None]


def no_fault(_method: str, _path: str) -> None:
    """Let every request pass."""


class InProcessStripe(stripe.HTTPClient):
    """The SDK's HTTP client over an engine. `pick` says which fault hits a request, if any."""

    name = "in-process"

    def __init__(
        self, engine: Engine, now: Callable[[], float], pick: FaultPicker = no_fault
    ) -> None:
        super().__init__()
        self.engine = engine
        self.now = now
        self.pick = pick

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send one request; the effect happens here, what the caller hears may not be all of it."""
        return await heard(self.deliver(method, url, headers, post_data))

    def deliver(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any
    ) -> Delivery:
        """Let the engine handle the request, under the fault picked for it."""
        request = request_of(method, url, headers, post_data)
        fault = self.pick(request.method, request.path)
        return self.engine.handle(request, now=self.now(), fault=fault)

    def sleep_async(self, secs: float) -> Any:
        """Required by the SDK; we switch its retries off."""
        return asyncio.sleep(secs)

    async def close_async(self) -> None:
        """Nothing to close."""


def request_of(method: str, url: str, headers: Mapping[str, str], post_data: Any) -> Request:
    """Return what the engine takes for what the SDK sends."""
    parts = urlsplit(url)
    body = post_data or b""
    return Request(
        method=method.upper(),
        path=parts.path,
        query=parts.query,
        headers={name.lower(): value for name, value in headers.items()},
        body=body.encode() if isinstance(body, str) else body,
    )


async def heard(delivery: Delivery) -> tuple[bytes, int, Mapping[str, str]]:
    """Return, or raise, what a client of the real thing would hear of this delivery."""
    if delivery.delay_s:
        await asyncio.sleep(delivery.delay_s)
    if delivery.outcome in {"timeout", "reset"}:
        cause = aiohttp.ServerDisconnectedError()
        lost = stripe.APIConnectionError("connection lost")  # type: ignore[no-untyped-call]
        raise lost from cause
    headers = {name.title(): value for name, value in delivery.headers.items()}
    return delivery.body, delivery.status, headers


def open_in_process(http: stripe.HTTPClient, time: Timekeeper | None = None) -> StripeGateway:
    """Return the shipped gateway on such a transport. time: who hears Stripe's time."""
    return open_stripe(
        api_key="sk_test_tests",
        api_base="http://stripe.invalid",
        service="payment-service",
        limits=TimeLimits(),
        http=http,
        time=time,
    )
