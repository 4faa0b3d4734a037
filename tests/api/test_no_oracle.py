"""What is somebody else's and what is not there cannot be told apart by an end user.

Every endpoint is asked for both, by each of its ids, with good, missing and bad fields beside it:
status, body, headers, what was asked of the database and what of Stripe must be the same. A new
endpoint or field comes here by itself.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest

from payment_service.api.endpoint import Endpoint, services_only
from payment_service.api.field_names import known_names
from payment_service.domain.refund_place import RefundPlace
from payment_service.storage.collections import PAYMENTS, REFUND_PLACES
from tests.api.access import OPTIONS, Guarded, open_guarded
from tests.api.asgi import Heard
from tests.api.belongings import NOBODYS, Belongings, asking_for, belongings
from tests.api.proving import BOB, JANE, Orders, open_proving
from tests.api.tries import ENDPOINTS
from tests.flows.watched_store import WatchedStore
from tests.parts.shop import Shop

THINGS = tuple(one.name for one in fields(Belongings))
BAD: tuple[Any, ...] = (7, "", {"$gt": ""}, ["x"], "\n", "x" * 3000, True, -1)
FILTERS = ("", "?limit=0", "?limit=1", "?status=succeeded", "?cursor=nope", "?refresh=true")
OWN = [one for one in ENDPOINTS if one.guard is not services_only]


@dataclass(frozen=True)
class Trace:
    """Everything of one answer that its caller can see, or time."""

    status: int
    body: str
    headers: Mapping[str, str]
    store: list[tuple[str, str]]
    stripe: list[tuple[str, str]]


async def traced(
    api: Guarded, store: WatchedStore, token: str, asked: tuple[str, str, Any], whose: Belongings
) -> Trace:
    method, path, body = asked
    requests = len(api.shop.engine.ledger()["requests"])
    store.asked.clear()
    heard = await api.as_(token, method, path, body)
    made = api.shop.engine.ledger()["requests"][requests:]
    return Trace(
        heard.status,
        _nameless(_told(heard), whose),
        {n: v for n, v in heard.headers.items() if n not in {"x-request-id", "content-length"}},
        list(store.asked),
        [(one["method"], _nameless(one["path"], whose)) for one in made],
    )


def _told(heard: Heard) -> str:
    return json.dumps({n: v for n, v in heard.body.items() if n != "requestId"}, default=str)


def _nameless(text: str, whose: Belongings) -> str:
    """Return a text without the ids that the caller has sent."""
    for name in THINGS:
        text = text.replace(getattr(whose, name), f"<{name}>")
    return text


def requests_for(endpoint: Endpoint, whose: Belongings) -> Iterator[tuple[str, str, Any]]:
    """Give requests for somebody's things: as they should be, and each thing wrong with them."""
    method = endpoint.method
    paths = {asking_for(endpoint, whose, thing)[0] for thing in ("order_id", "intent_id")}
    if "{refundId}" in endpoint.path:
        paths.add(f"/payment/refund/{whose.stripe_refund_id}")
    for path in sorted(paths):
        _, good = asking_for(endpoint, whose)
        if good is None:
            named = (f"?customerId={whose.customer_id}", f"?orderId={whose.order_id}")
            for query in (*FILTERS, *named):
                yield method, path + query, None
            continue
        yield method, path, good
        for name in sorted(known_names(endpoint.asks) if endpoint.asks else ()):
            yield method, path, {n: v for n, v in good.items() if n != name}
            for bad in (*BAD, None):
                yield method, path, {**good, name: bad}
        yield method, path, {**good, "amout": 1}
        yield method, path, []


def like(janes: Belongings, others: Belongings, names: tuple[str, ...]) -> Belongings:
    """Return Jane's things, but for some that are others'."""
    return replace(janes, **{name: getattr(others, name) for name in names})


async def compared(api: Guarded, store: WatchedStore, endpoint: Endpoint) -> int:
    bobs = await belongings(api, BOB, "order-of-bob")
    janes = await belongings(api, JANE, "order-of-jane")
    jane = api.provider.user(JANE, scope="payment.admin")
    tried = 0
    mixes = (THINGS, *((name,) for name in THINGS), ("order_id", "intent_id", "card_id"))
    for names in mixes:
        foreign, absent = like(janes, bobs, names), like(janes, NOBODYS, names)
        pairs = zip(requests_for(endpoint, foreign), requests_for(endpoint, absent), strict=True)
        for number, (theirs, nobodys) in enumerate(pairs):
            if theirs == nobodys or is_number(nobodys):
                continue
            fresh = json.loads(json.dumps(nobodys).replace("order-nope", f"order-nope-{number}"))
            one = await traced(api, store, jane, theirs, foreign)
            other = await traced(api, store, jane, fresh, absent)
            if is_claim(endpoint, other):
                continue
            assert one == other, (theirs, nobodys)
            tried += 1
    return tried


def is_number(asked: tuple[str, str, Any]) -> bool:
    """Whether an order is named by a number, which is a third one, and nobody's."""
    return isinstance(asked[2], dict) and asked[2].get("orderId") == 7


def is_claim(endpoint: Endpoint, absent: Trace) -> bool:
    """Whether an order that nobody had was claimed by asking for it.

    Only where no proof is asked for; that it says who came first is why there are proofs.
    """
    return endpoint.name == "pay_order" and ("insert", "payments") in absent.store


@pytest.mark.parametrize("endpoint", OWN, ids=lambda one: one.name)
async def test_foreign_and_absent_are_answered_alike_and_cost_the_same(
    shop: Shop, endpoint: Endpoint
) -> None:
    store = WatchedStore(shop.world.store)
    shop.world = replace(shop.world, store=store)
    api = open_guarded(shop, OPTIONS)

    tried = await compared(api, store, endpoint)

    has_things = endpoint.asks is not None or "{" in endpoint.path
    assert tried >= (2 if has_things else 0)


@pytest.mark.parametrize("kind", ["signed", "order-service"])
async def test_where_proofs_are_asked_for_no_order_can_be_probed_at_all(
    shop: Shop, kind: str
) -> None:
    store = WatchedStore(shop.world.store)
    shop.world = replace(shop.world, store=store)
    api = open_proving(shop, kind, orders=Orders())
    endpoint = next(one for one in OWN if one.name == "pay_order")

    await compared(api, store, endpoint)

    assert [p for p in api.shop.engine.ledger()["payment_intents"] if p["amount"] == 50] == []
    assert await shop.world.store.get(PAYMENTS, "order-nope-0") is None


async def test_an_order_without_a_card_to_charge_is_answered_alike(shop: Shop) -> None:
    api = open_guarded(shop, OPTIONS)
    await belongings(api, BOB, "order-of-bob")
    jane = api.provider.user(JANE)
    for made in (False, True):
        if made:
            await api.as_(jane, "POST", "/payment/customer", {"email": JANE})
        heard = [
            await api.as_(
                jane,
                "POST",
                "/payment/payment-intent",
                {"orderId": order_id, "amount": 6522, "confirm": True},
            )
            for order_id in ("order-of-bob", "order-nope")
        ]
        assert {(one.status, tuple(one.bad_fields)) for one in heard} == {
            (400, ("paymentMethodId",))
        }
        assert _told(heard[0]) == _told(heard[1])


@pytest.mark.parametrize("missing", ["amount", "orderId"])
async def test_what_is_wrong_with_a_request_is_said_before_whose_order_it_is(
    shop: Shop, missing: str
) -> None:
    api = open_guarded(shop, OPTIONS)
    await belongings(api, BOB, "order-of-bob")
    jane = api.provider.user(JANE)
    asked = {"amount": 6522, "orderId": "order-of-bob"}
    del asked[missing]

    heard = await api.as_(jane, "POST", "/payment/payment-intent", asked)

    assert (heard.status, heard.bad_fields) == (400, [missing])


async def test_a_service_that_calls_an_order_like_a_payment_shows_it_to_nobody(shop: Shop) -> None:
    """Her own payment is found, although an order of somebody else's has its id for a name."""
    api = open_guarded(shop, OPTIONS)
    janes = await belongings(api, JANE, "order-of-jane")
    bobs = await belongings(api, BOB, janes.intent_id)

    heard = await api.as_(
        api.provider.user(JANE), "GET", f"/payment/payment-intent/{janes.intent_id}"
    )

    assert bobs.order_id == janes.intent_id
    assert (heard.status, heard.data["orderId"]) == (200, "order-of-jane")


async def test_a_refund_that_was_never_made_is_none_of_her_own_payment_either(shop: Shop) -> None:
    api = open_guarded(shop, OPTIONS)
    janes = await belongings(api, JANE, "order-of-jane")
    never_made = RefundPlace("rfd_never", 0, janes.order_id, shop.world.clock.now())
    await shop.world.store.insert(REFUND_PLACES, never_made)
    jane = api.provider.user(JANE)

    heard = await api.as_(jane, "GET", "/payment/refund/rfd_never")
    second = await api.as_(
        api.provider.token(), "POST", "/payment/refund", {"orderId": janes.order_id, "amount": 700}
    )
    found = await api.as_(jane, "GET", f"/payment/refund/{second.data['reference']}")

    assert (heard.status, heard.code) == (404, "not_found")
    assert (found.status, found.data["refund_id"]) == (200, second.data["refund_id"])
