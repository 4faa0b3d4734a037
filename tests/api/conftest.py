"""The whole application in one process, in virtual time, its log lines in reach."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import structlog

from payment_service.api.app import ApiOptions, Gate, build_app
from payment_service.logs import configure_logs
from stripe_sandbox.faults import Fault, FaultKind
from tests.api.asgi import Caller, Heard
from tests.parts.shop import Shop, open_shop
from tests.parts.stored import stored_text
from tests.parts.stripe_in_process import FaultPicker, no_fault
from tests.parts.virtual_time import VirtualLoop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Hours of waiting pass at once."""
    return {"virtual": VirtualLoop}


@pytest.fixture(autouse=True)
def lines() -> Iterator[io.BytesIO]:
    """All that is logged, at debug level."""
    out = io.BytesIO()
    configure_logs("debug", "json", out=out)
    yield out
    structlog.reset_defaults()


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """Everything but the HTTP door."""
    shop = await open_shop()
    yield shop
    await shop.world.background.drain(1.0)
    await shop.world.store.close()


@dataclass(frozen=True, slots=True)
class Api(Caller):
    """The application, and the shop behind it."""

    shop: Shop
    gate: Gate

    async def new_customer(self, email: str = "jane@example.com") -> str:
        """Make a customer and return its id."""
        made = await self.post("/payment/customer", {"email": email})
        customer_id: str = made.data["customerId"]
        return customer_id

    async def new_payer(self, email: str = "jane@example.com", card: str = "pm_card_visa") -> str:
        """Make a customer with a card and return the customer's id."""
        customer_id = await self.new_customer(email)
        asked = {"customerId": customer_id, "paymentMethodId": card}
        added = await self.post("/payment/payment-method", asked)
        assert added.status == 200
        return customer_id

    async def pay(self, order_id: str = "order-1", **fields: object) -> Heard:
        """Pay an order; the default is 65.22 dollars by a new customer's visa card.

        A default card is charged only when that is said.
        """
        if "customerId" not in fields:
            fields["customerId"] = await self.new_payer(
                f"payer-{len(self.shop.witness.seen)}@example.com"
            )
        names_card = fields.get("paymentMethodId") is not None
        said = {"confirm": True} if "confirm" not in fields and not names_card else {}
        asked = {"amount": 6522, "orderId": order_id, **said, **fields}
        return await self.post("/payment/payment-intent", asked)

    def fault(self, kind: FaultKind, path: str, *, times: int = 1, method: str = "POST") -> None:
        """Let the next requests to a path of Stripe's fail like this."""
        left = [times]

        def pick(asked_method: str, asked_path: str) -> Fault | None:
            if asked_method != method or asked_path != path or not left[0]:
                return None
            left[0] -= 1
            return Fault(kind)

        self.shop.stripe.pick = pick

    def deafen(self, path: str) -> None:
        """Let every request to a path of Stripe's, or below it, work but stay unanswered."""
        self.shop.stripe.pick = lambda _, asked: (
            Fault("timeout_after") if asked.startswith(path) else None
        )

    def only_reads_fail(self) -> FaultPicker:
        """Return what lets every look at Stripe fail."""
        return lambda method, _: Fault("error_500_before") if method == "GET" else None

    def hear(self) -> None:
        """Let Stripe answer again."""
        self.shop.stripe.pick = no_fault

    def stored_text(self) -> str:
        """All that is in the database, as text."""
        return stored_text(self.shop.world.store)

    def lane(self) -> Any:
        """What holds the connection to the database."""
        store: Any = self.shop.world.store
        return store._writer


def open_api(shop: Shop, options: ApiOptions | None = None) -> Api:
    """Put the application before a shop."""
    gate = Gate()
    options = options or ApiOptions(version="1.2.3", mode="test")
    return Api(build_app(shop.world, options, gate=gate), shop, gate)


@pytest.fixture
def api(shop: Shop) -> Api:
    """The application as it is by default."""
    return open_api(shop)
