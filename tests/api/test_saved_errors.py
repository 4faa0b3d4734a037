"""An error that Stripe has saved under a key, whichever it is: its replay tells no more, ever."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from stripe_sandbox.faults import Fault
from tests.api.asgi import Heard
from tests.api.conftest import Api
from tests.flows.telling import at_stripe

FAILED = {"error": {"type": "api_error", "message": "A dependency failed."}}
Saved = tuple[int, Mapping[str, Any]]
SAVED: tuple[Saved, ...] = (
    (500, FAILED),
    (410, FAILED),
    (424, FAILED),
    (501, FAILED),
    *((status, body) for status in (400, 402, 404) for body in ({}, {"error": "no"})),
    (402, {"error": {"code": "card_declined", "payment_intent": "pi_1"}}),
    (400, {"error": {"code": "payment_intent_unexpected_state", "payment_intent": "pi_1"}}),
    (404, {"error": {"code": "resource_missing", "payment_intent": ["pi_1"]}}),
)
# A new key is safe: what is asked for is done well within a payer's patience.
SOON_S = 8
# It is not: first Stripe's lists must have had the time to show what there is.
LISTED_S = 25


def once(api: Api, path_end: str, saved: Saved) -> None:
    """Let Stripe answer the next request there like this, and save that under its key."""
    status, body = saved
    left = [Fault("answer", status=status, body=body)]

    def pick(method: str, path: str) -> Fault | None:
        is_hit = method == "POST" and path.endswith(path_end) and left
        return left.pop() if is_hit else None

    api.shop.stripe.pick = pick


async def timed(asking: Awaitable[Heard]) -> tuple[Heard, float]:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    return await asking, loop.time() - begun


def charges(api: Api) -> list[bool]:
    """Return of each charge that was paid whether it was captured."""
    intents = api.shop.engine.ledger()["payment_intents"]
    return [c["captured"] for intent in intents for c in intent["charges"] if c["paid"]]


async def no_customer(api: Api) -> str:
    return ""


async def paid(api: Api) -> str:
    customer_id = await api.new_payer()
    assert (await api.pay(customerId=customer_id)).status == 200
    return customer_id


async def unconfirmed(api: Api) -> str:
    customer_id = await api.new_payer()
    card = "pm_card_visa"
    made = await api.pay(customerId=customer_id, paymentMethodId=card, confirm=False)
    assert made.status == 200
    return customer_id


async def held(api: Api) -> str:
    customer_id = await api.new_payer()
    assert (await api.pay(customerId=customer_id, captureMethod="manual")).status == 200
    return customer_id


@dataclass(frozen=True)
class Asked:
    """Something that is asked for: what comes before it, and where at Stripe the error hits."""

    name: str
    before: Callable[[Api], Awaitable[str]]
    path_end: str
    path: str
    body: Callable[[str], dict[str, Any]]
    method: str = "POST"

    async def ask(self, api: Api, customer_id: str) -> Heard:
        path = self.path.format(customer=customer_id)
        return await api.ask(self.method, path, body=self.body(customer_id))


ORDER = "/payment/payment-intent/order-1"
PAY = Asked(
    "pay",
    lambda api: api.new_payer(),
    "/v1/payment_intents",
    "/payment/payment-intent",
    lambda c: {"amount": 6522, "orderId": "order-1", "confirm": True, "customerId": c},
)
REFUND = Asked("refund", paid, "/v1/refunds", "/payment/refund", lambda _: {"orderId": "order-1"})
DONE_ANEW = (
    Asked("confirm", unconfirmed, "/confirm", f"{ORDER}/confirm", lambda _: {}),
    Asked("capture", held, "/capture", f"{ORDER}/capture", lambda _: {}),
    Asked("cancel", held, "/cancel", f"{ORDER}/cancel", lambda _: {}),
    Asked(
        "attach",
        lambda api: api.new_payer(),
        "/attach",
        "/payment/payment-method",
        lambda c: {"customerId": c, "paymentMethodId": "pm_card_amex"},
    ),
    Asked(
        "setup",
        lambda api: api.new_payer(),
        "/v1/setup_intents",
        "/payment/setup-intent",
        lambda c: {"customerId": c},
    ),
    Asked(
        "customer",
        no_customer,
        "/v1/customers",
        "/payment/customer",
        lambda _: {"email": "ann@shop.example"},
    ),
    Asked(
        "update",
        lambda api: api.new_payer(),
        "",
        "/payment/customer/{customer}",
        lambda _: {"email": "jane@example.com", "name": "Ann"},
        "PUT",
    ),
)


@pytest.mark.parametrize("saved", SAVED, ids=str)
@pytest.mark.parametrize("asked", DONE_ANEW, ids=lambda asked: asked.name)
async def test_what_may_be_done_under_a_new_key_is_done_at_once(
    api: Api, asked: Asked, saved: Saved
) -> None:
    customer_id = await asked.before(api)
    once(api, asked.path_end, saved)

    heard, took_s = await timed(asked.ask(api, customer_id))

    assert (heard.status in {200, 201}, took_s < SOON_S) == (True, True), (heard.body, took_s)
    assert len(charges(api)) <= 1
    assert len(api.shop.engine.ledger()["customers"]) == 1
    assert heard.data.get("status") in {None, "succeeded", "canceled", "requires_payment_method"}


@pytest.mark.parametrize("saved", SAVED, ids=str)
@pytest.mark.parametrize("asked", [PAY, REFUND], ids=lambda asked: asked.name)
async def test_what_may_be_done_twice_under_a_new_key_is_503_once_it_is_known_not_to_be(
    api: Api, asked: Asked, saved: Saved
) -> None:
    customer_id = await asked.before(api)
    once(api, asked.path_end, saved)

    heard, took_s = await timed(asked.ask(api, customer_id))

    assert (heard.status, heard.code) == (503, "stripe_unavailable")
    assert took_s < LISTED_S
    again, took_s = await timed(asked.ask(api, customer_id))
    assert (again.status, again.data["status"], took_s < 1) == (200, "succeeded", True)
    assert charges(api) == [True]
    assert len(api.shop.engine.ledger()["refunds"]) == (1 if asked is REFUND else 0)


def asked_under(api: Api, path: str) -> list[str]:
    """Return the keys under which it was posted there, each once, in order."""
    requests = api.shop.engine.ledger()["requests"]
    keys = [r["idempotency_key"] for r in requests if (r["method"], r["path"]) == ("POST", path)]
    return list(dict.fromkeys(keys))


@pytest.mark.parametrize("saved", [SAVED[0], SAVED[2], (402, {})], ids=str)
@pytest.mark.parametrize("asked", [PAY, REFUND], ids=lambda asked: asked.name)
async def test_what_stripe_does_after_all_is_found_and_not_done_again(
    api: Api, asked: Asked, saved: Saved
) -> None:
    """Stripe says that it may bring about later what it has answered with an error."""
    customer_id = await asked.before(api)
    once(api, asked.path_end, saved)

    waiting = asyncio.create_task(asked.ask(api, customer_id))
    await asyncio.sleep(10)
    [key] = asked_under(api, asked.path_end)
    marks = {"service": "payment-service", "order_id": "order-1", "idempotency_key": key}
    form = {f"metadata[{name}]": mark for name, mark in marks.items()}
    if asked is REFUND:
        [intent] = api.shop.engine.ledger()["payment_intents"]
        form["payment_intent"] = intent["id"]
    else:
        [customer] = api.shop.engine.ledger()["customers"]
        card_id = customer["default_payment_method"]
        form |= {"customer": customer_id, "payment_method": card_id, "confirm": "true"}
        form |= {"amount": "6522", "currency": "usd", "automatic_payment_methods[enabled]": "true"}
        form["automatic_payment_methods[allow_redirects]"] = "never"
    at_stripe(api.shop, asked.path_end, **form)

    heard = await waiting
    assert (heard.status, heard.data["status"]) == (200, "succeeded")
    assert charges(api) == [True]
    assert len(api.shop.engine.ledger()["refunds"]) == (1 if asked is REFUND else 0)


@pytest.mark.parametrize("status", [409, 429, 502, 503, 504])
async def test_an_error_that_is_not_saved_is_asked_past_under_the_same_key(
    api: Api, status: int
) -> None:
    await paid(api)
    once(api, "/v1/refunds", (status, FAILED))

    heard, took_s = await timed(api.post("/payment/refund", {"orderId": "order-1"}))

    assert (heard.status, took_s < SOON_S) == (200, True)
    assert len(asked_under(api, "/v1/refunds")) == 1
