"""The application where orders are proved, and a shop's back end that proves them."""

from dataclasses import dataclass, field, replace
from typing import Any

from payment_service.adapters.tokens.order_proofs import SignedProofs
from payment_service.api.app import ApiOptions
from payment_service.domain.order_proof import ShownOrder
from payment_service.ports import OrdersUnavailable
from tests.api.access import OPTIONS, Guarded, open_guarded
from tests.api.asgi import Heard
from tests.parts.order_proofs import SECRET, plain_proof
from tests.parts.shop import Shop

JANE, BOB = "jane@example.com", "bob@example.com"
PAY = "/payment/payment-intent"
CARD = "pm_card_visa"


@dataclass
class Orders:
    """An OrderService that shows orders, in this process; `away` says why it does not."""

    orders: dict[str, ShownOrder] = field(default_factory=dict)
    away: str = ""
    asked: list[str] = field(default_factory=list)

    async def read(self, order_id: str) -> ShownOrder | None:
        self.asked.append(order_id)
        if self.away:
            raise OrdersUnavailable(self.away)
        return self.orders.get(order_id)


def open_proving(
    shop: Shop, kind: str = "signed", *, orders: Orders | None = None, **options: Any
) -> Guarded:
    """Put the application before a shop; an end user needs a proof of this kind."""
    reader = orders if orders is not None else shop.world.order_reader
    shop.world = replace(shop.world, order_proofs=SignedProofs([SECRET]), order_reader=reader)
    chosen: ApiOptions = replace(OPTIONS, order_proof=kind, **options)
    return open_guarded(shop, chosen)


def proof(api: Guarded, **changed: Any) -> str:
    """Return what the shop signs for an order, now."""
    return plain_proof(api.shop.world.clock.now(), **changed)


async def pay(api: Guarded, email: str, order_id: str | None = "order-1", **fields: Any) -> Heard:
    """Let an end user ask to pay an order: 65.22 by default, only created."""
    asked = {"amount": 6522, "orderId": order_id, "confirm": False, **fields}
    sent = {name: value for name, value in asked.items() if value is not None}
    return await api.as_(api.provider.user(email), "POST", PAY, sent)


async def serve(api: Guarded, order_id: str = "order-1", **fields: Any) -> Heard:
    """Let a service ask to pay an order: 65.22 by default, only created."""
    asked = {"amount": 6522, "orderId": order_id, "confirm": False, **fields}
    return await api.as_(api.provider.token(), "POST", PAY, asked)


def live_intents(api: Guarded, order_id: str = "order-1") -> list[Any]:
    """Return the PaymentIntents of an order that could still be paid, or were."""
    return [
        one
        for one in api.shop.engine.ledger()["payment_intents"]
        if one["metadata"].get("order_id") == order_id and one["status"] != "canceled"
    ]
