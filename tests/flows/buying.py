"""What the tests of the flows do again and again: order, pay, look into Stripe's books."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import aiohttp
import stripe
from aiohttp.client_reqrep import ConnectionKey

from payment_service.domain.news import News
from payment_service.domain.payment import Order, Payment, Terms
from payment_service.domain.steps import GatewayStep, TellOrders
from payment_service.domain.stripe_errors import RefusedByStripe
from payment_service.flows.find_payment import find_payment
from payment_service.flows.pay_order import pay_order
from payment_service.ports import Gateway, LeaveWhile
from stripe_sandbox.faults import Fault, FaultKind
from tests.flows.watched_store import WatchedStore
from tests.parts.orders_in_process import InProcessOrders
from tests.parts.shop import Shop, open_shop

VISA, DECLINING, AUTHENTICATING = (
    "pm_card_visa",
    "pm_card_chargeCustomerFail",
    "pm_card_threeDSecure2Required",
)
PATIENCE_S: Final = 10.0
CREATE: Final = ("POST", "/v1/payment_intents")


def order(
    card: str | None = VISA, *, id: str = "ord_1", key: str | None = None, **changed: Any
) -> Order:
    """Return a request to pay 100 dollars; without a card or a customer it is only created."""
    changed = {"confirm": card is not None or "customer_id" in changed, **changed}
    terms = Terms(amount_minor=10_000, currency="usd", customer_id=None)
    return Order(id, replace(terms, **changed), card, "req_1", key)


def soon(shop: Shop, seconds: float = PATIENCE_S) -> datetime:
    """Return how long a caller waits."""
    return shop.world.clock.now() + timedelta(seconds=seconds)


async def pay(shop: Shop, wanted: Order | None = None, wait_s: float = PATIENCE_S) -> Payment:
    """Pay the order, waiting at most this long; return the payment, refused or not."""
    paying = pay_order(shop.world, wanted or order(), deadline=soon(shop, wait_s))
    return await or_refused(paying)


async def or_refused(moving: Awaitable[Payment]) -> Payment:
    """Return a payment as it stands, though Stripe refused what was wanted of it."""
    try:
        return await moving
    except RefusedByStripe as refusal:
        payment: Payment = refusal.details["payment"]
        return payment


async def payment_of(shop: Shop, order_id: str = "ord_1") -> Payment:
    """Return the payment as it is stored now."""
    return await find_payment(shop.world, order_id)


async def quiet(shop: Shop) -> None:
    """Let what goes on in the background come to its end."""
    await shop.world.background.drain(600)


async def open_watched_shop(
    orders: InProcessOrders | None = None,
) -> tuple[Shop, WatchedStore]:
    """Return a shop, and its store with a lid to look under."""
    shop = await open_shop(orders=orders)
    store = WatchedStore(shop.world.store)
    shop.world = replace(shop.world, store=store)
    return shop, store


def intents(shop: Shop) -> list[dict[str, Any]]:
    """Return all PaymentIntents in Stripe's books, oldest first."""
    found: list[dict[str, Any]] = shop.engine.ledger()["payment_intents"]
    return found


def charges(shop: Shop) -> list[dict[str, Any]]:
    """Return all charges that took money."""
    return [charge for intent in intents(shop) for charge in intent["charges"] if charge["paid"]]


def refunds(shop: Shop) -> list[dict[str, Any]]:
    """Return all refunds in Stripe's books."""
    found: list[dict[str, Any]] = shop.engine.ledger()["refunds"]
    return found


def requests(shop: Shop, method: str = "POST") -> list[str]:
    """Return the paths of what was asked of Stripe."""
    return [r["path"] for r in shop.engine.ledger()["requests"] if r["method"] == method]


def faults(*kinds: FaultKind | None, on: tuple[str, str] = CREATE) -> Callable[..., Fault | None]:
    """Return a picker that hits the requests of one kind in turn; None lets one pass."""
    left = list(kinds)

    def pick(method: str, path: str) -> Fault | None:
        if (method, path) != on or not left:
            return None
        kind = left.pop(0)
        return Fault(kind) if kind else None

    return pick


def always(kind: FaultKind, method: str = "POST") -> Callable[[str, str], Fault | None]:
    """Return a picker that hits every request with this method; `*` is any."""
    return lambda asked, _path: Fault(kind) if method in {"*", asked} else None


def unreachable(_method: str, _path: str) -> None:
    """Stand for a picker when no connection can be made."""
    key = ConnectionKey(
        "stripe.invalid",
        443,
        is_ssl=True,
        ssl=True,
        proxy=None,
        proxy_auth=None,
        proxy_headers_hash=None,
    )
    cause = aiohttp.ClientConnectorError(key, OSError("connection refused"))
    refused = stripe.APIConnectionError("connection refused")  # type: ignore[no-untyped-call]
    raise refused from cause


@dataclass
class SlowOrders(InProcessOrders):
    """An OrderService that takes its time."""

    takes_s: float = 20

    async def tell(
        self,
        step: TellOrders,
        *,
        bearer_token: str | None,
        leave_while: LeaveWhile | None = None,
    ) -> News:
        await asyncio.sleep(self.takes_s)
        return await super().tell(step, bearer_token=bearer_token, leave_while=leave_while)


@dataclass
class Answering:
    """A gateway that answers one kind of step by itself, and leaves the rest to another."""

    gateway: Gateway
    to: type[GatewayStep]
    news: News

    async def ask(self, step: GatewayStep, *, leave_while: LeaveWhile | None = None) -> News:
        if isinstance(step, self.to):
            return self.news
        return await self.gateway.ask(step, leave_while=leave_while)


def let_stripe_answer(shop: Shop, to: type[GatewayStep], news: News) -> None:
    """Have Stripe answer this kind of step with what the sandbox has no reason to say."""
    gateway = Answering(shop.world.gateway, to, news)
    shop.world = replace(shop.world, gateway=gateway)
