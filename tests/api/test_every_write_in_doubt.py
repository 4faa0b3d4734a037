"""Every operation, with each of its writes in doubt: that is never told as nothing done."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
import stripe

from payment_service.adapters.stripe import SignedEvents
from payment_service.api.app import ApiOptions, Gate, build_app
from payment_service.ports import Store, StoreInDoubt
from tests.api.asgi import Heard
from tests.api.beginnings import customer, held, nothing, paid, payer, unconfirmed
from tests.api.conftest import Api
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import epoch_s

NOTHING = "nothing was charged or changed"
SECRET = "whsec_made_up"
KEY = {"Idempotency-Key": "a key"}
# More writes than any operation needs.
WRITES_MAX = 12


class Losing:
    """The store; the answer to one of its next writes is lost, whether it stands or not."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.lose_in = 0
        self.stands = True
        self.lost: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def insert(self, collection: Any, doc: Any) -> None:
        await self._write(collection, lambda: self._store.insert(collection, doc))

    async def replace(self, collection: Any, doc: Any, *, expected_version: int) -> None:
        await self._write(
            collection,
            lambda: self._store.replace(collection, doc, expected_version=expected_version),
        )

    async def remove(self, collection: Any, id: str, *, expected_version: int) -> None:
        await self._write(
            collection,
            lambda: self._store.remove(collection, id, expected_version=expected_version),
        )

    async def _write(self, collection: Any, act: Callable[[], Awaitable[None]]) -> None:
        self.lose_in -= 1
        is_lost = self.lose_in == 0
        if not is_lost or self.stands:
            await act()
        if is_lost:
            self.lost.append(collection.name)
            raise StoreInDoubt("the answer was lost")


def card_of(customer_id: str, **more: Any) -> dict[str, Any]:
    return {"customerId": customer_id, **more}


Prepare = Callable[[Api], Awaitable[str]]
OPERATIONS: dict[str, tuple[Prepare, str, str, Callable[[str], dict[str, Any]]]] = {
    "pay": (
        payer,
        "POST",
        "/payment/payment-intent",
        lambda who: card_of(who, amount=6522, orderId="order-1"),
    ),
    "refund": (paid, "POST", "/payment/refund", lambda _: {"orderId": "order-1", "amount": 100}),
    "capture": (held, "POST", "/payment/payment-intent/order-1/capture", lambda _: {}),
    "cancel": (held, "POST", "/payment/payment-intent/order-1/cancel", lambda _: {}),
    "confirm": (
        unconfirmed,
        "POST",
        "/payment/payment-intent/order-1/confirm",
        lambda _: {"paymentMethodId": "pm_card_visa"},
    ),
    "customer": (nothing, "POST", "/payment/customer", lambda _: {"email": "a@example.com"}),
    "card": (
        customer,
        "POST",
        "/payment/payment-method",
        lambda who: card_of(who, paymentMethodId="pm_card_visa"),
    ),
    "setup": (customer, "POST", "/payment/setup-intent", card_of),
}


def open_losing(shop: Shop) -> Api:
    losing: Any = Losing(shop.world.store)
    reader = SignedEvents([SECRET], tolerance_s=300)
    shop.world = replace(shop.world, store=losing, event_reader=reader)
    gate = Gate()
    return Api(build_app(shop.world, ApiOptions(), gate=gate), shop, gate)


async def heard_with(number: int, *, stands: bool, what: str) -> tuple[Heard, list[str]]:
    """Do an operation in a shop of its own, with its n-th write in doubt."""
    prepare, method, path, body = OPERATIONS[what]
    shop = await open_shop()
    api = open_losing(shop)
    who = await prepare(api)
    await shop.world.background.drain(60)
    losing: Any = shop.world.store
    losing.lose_in, losing.stands = number, stands
    heard = await api.ask(method, path, body=body(who), headers=KEY)
    await shop.world.background.drain(60)
    await shop.work(300)
    return heard, losing.lost


@pytest.mark.parametrize("stands", [True, False])
@pytest.mark.parametrize("what", OPERATIONS)
async def test_an_operation_with_a_write_in_doubt_is_never_told_as_nothing_done(
    what: str, *, stands: bool
) -> None:
    struck = []
    for number in range(1, WRITES_MAX):
        heard, lost = await heard_with(number, stands=stands, what=what)
        struck += lost
        if not lost:
            break
        assert heard.status in {200, 201, 202, 503}, (what, number, lost, heard.body)
        assert NOTHING not in json.dumps(heard.body), (what, number, lost, heard.body)

    # The claim of the key, and what was asked for, were among them.
    assert struck[0] == "requests"
    assert len(set(struck)) >= 2


@pytest.mark.parametrize("stands", [True, False])
async def test_an_event_whose_keeping_is_in_doubt_is_sent_again_and_applied(
    shop: Shop, *, stands: bool
) -> None:
    api = open_losing(shop)
    await api.pay()
    [event] = [e for e in shop.engine.events if e["type"] == "payment_intent.succeeded"]
    raw = json.dumps(event).encode()
    header = stripe.WebhookSignature.generate_signature_header(raw.decode(), SECRET, int(epoch_s()))
    losing: Any = shop.world.store
    losing.lose_in, losing.stands = 1, stands
    signed = {"stripe-signature": header}

    first = await api.ask("POST", "/payment/webhook", raw=raw, headers=signed)
    second = await api.ask("POST", "/payment/webhook", raw=raw, headers=signed)
    await shop.work(120)

    assert losing.lost == ["events"]
    assert (first.status, NOTHING in first.body["message"]) == (503, False)
    assert second.status == 200
    [kept] = (await api.get("/payment/events")).data
    assert kept["state"] == "applied"
