"""Database or Stripe go away in the midst of it: "nothing was changed" is said only if so."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from payment_service.api.app import ApiOptions, Gate, build_app
from payment_service.ports import Store, StoreUnavailable
from stripe_sandbox.faults import Fault, FaultKind
from tests.api.asgi import Heard
from tests.api.beginnings import customer, held, paid, payer
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop, open_shop

NOTHING = "nothing was charged or changed"
KEY = {"Idempotency-Key": "a key"}
# More calls of the store, or of Stripe, than any operation needs.
CALLS_MAX = 60
WORK = frozenset({"insert", "replace", "remove", "get", "find_one", "page", "due"})


# What was heard, and what was done at Stripe meanwhile and later.
Outcome = tuple[Heard, list[str]]


class GoingAway:
    """The store; from one of its next calls on it cannot be reached."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.gone_in = -1
        self.is_gone = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in WORK:
            return found

        async def call(*values: Any, **named: Any) -> Any:
            self.gone_in -= 1
            self.is_gone = self.is_gone or self.gone_in == 0
            if self.is_gone:
                raise StoreUnavailable("it went away")
            return await found(*values, **named)

        return call


async def repriced(api: Api) -> str:
    assert (await api.pay(confirm=False)).status == 200
    return await api.new_payer()


async def deleted(api: Api) -> str:
    """Return a payer whom somebody has deleted in Stripe's dashboard."""
    who = await api.new_payer()
    gateway: Any = api.shop.world.gateway
    await gateway._client.raw_request_async("delete", f"/v1/customers/{who}")
    return who


def pays(who: str) -> dict[str, Any]:
    return {"customerId": who, "amount": 7000, "orderId": "order-1", "confirm": True}


OPERATIONS: dict[str, tuple[Callable[[Api], Awaitable[str]], str, Callable[[str], dict[str, Any]]]]
OPERATIONS = {
    "pay": (payer, "/payment-intent", pays),
    "pay again, repriced": (repriced, "/payment-intent", pays),
    "pay with a deleted customer": (deleted, "/payment-intent", pays),
    "refund": (paid, "/refund", lambda _: {"orderId": "order-1", "amount": 100}),
    "capture": (held, "/payment-intent/order-1/capture", lambda _: {}),
    "cancel": (held, "/payment-intent/order-1/cancel", lambda _: {}),
    "card": (
        customer,
        "/payment-method",
        lambda who: {"customerId": who, "paymentMethodId": "pm_card_visa", "cardholderName": "A"},
    ),
    "card of a deleted customer": (
        deleted,
        "/payment-method",
        lambda who: {"customerId": who, "paymentMethodId": "pm_card_visa"},
    ),
    "setup": (customer, "/setup-intent", lambda who: {"customerId": who}),
    "setup of a deleted customer": (deleted, "/setup-intent", lambda who: {"customerId": who}),
}


def effects(shop: Shop) -> list[str]:
    return [
        f"{entry['method']} {entry['path']}"
        for entry in shop.engine.ledger()["requests"]
        if entry["method"] != "GET" and entry["status"] == 200 and not entry["replayed"]
    ]


async def told(what: str, number: int, headers: dict[str, str]) -> Outcome | None:
    """Do it with the store gone from its n-th call on; return also what was done at Stripe."""
    prepare, path, body = OPERATIONS[what]
    shop = await open_shop()
    going: Any = GoingAway(shop.world.store)
    shop.world = replace(shop.world, store=going)
    gate = Gate()
    api = Api(build_app(shop.world, ApiOptions(), gate=gate), shop, gate)
    who = await prepare(api)
    await shop.world.background.drain(60)
    before = len(effects(shop))
    going.gone_in = number
    heard = await api.ask("POST", f"/payment{path}", body=body(who), headers=headers)
    was_gone, going.gone_in, going.is_gone = going.is_gone, -1, False
    await shop.world.background.drain(60)
    await shop.work(300)
    return (heard, effects(shop)[before:]) if was_gone else None


@pytest.mark.parametrize("headers", [KEY, {}], ids=["key", "no key"])
@pytest.mark.parametrize("what", OPERATIONS)
async def test_that_nothing_was_changed_is_said_only_when_nothing_was(
    what: str, headers: dict[str, str]
) -> None:
    said = 0
    for number in range(1, CALLS_MAX):
        outcome = await told(what, number, headers)
        if outcome is None:
            break
        heard, done = outcome
        if NOTHING in json.dumps(heard.body):
            said += 1
            assert not done, (number, heard.status)
    else:
        raise AssertionError("it never came to its end")

    assert said


async def told_without_stripe(what: str, number: int, kind: FaultKind) -> Outcome | None:
    """Do it with Stripe failing from the n-th request on; return also what was done there."""
    prepare, path, body = OPERATIONS[what]
    shop = await open_shop()
    api = open_api(shop)
    who = await prepare(api)
    await shop.world.background.drain(60)
    before, asked, honest = len(effects(shop)), count(1), shop.stripe.pick
    struck = []

    def pick(_method: str, path: str) -> Fault | None:
        if next(asked) < number:
            return None
        struck.append(path)
        return Fault(kind)

    shop.stripe.pick = pick
    heard = await api.ask("POST", f"/payment{path}", body=body(who))
    shop.stripe.pick = honest
    was_struck = bool(struck)
    await shop.world.background.drain(60)
    await shop.work(300)
    return (heard, effects(shop)[before:]) if was_struck else None


@pytest.mark.parametrize("kind", ["rate_limit", "error_500_before", "timeout_after"])
@pytest.mark.parametrize("what", OPERATIONS)
async def test_neither_is_it_when_stripe_goes_away(what: str, kind: FaultKind) -> None:
    for number in range(1, CALLS_MAX):
        outcome = await told_without_stripe(what, number, kind)
        if outcome is None:
            break
        heard, done = outcome
        assert NOTHING not in json.dumps(heard.body) or not done, (number, heard.status)
    else:
        raise AssertionError("it never came to its end")
