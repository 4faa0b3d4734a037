"""Tokens with an e-mail that is not the customer's any more: they reach nothing of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from payment_service.flows.forget_customer import forget_customer
from payment_service.ports import StoreUnavailable
from tests.api.access import Guarded, open_guarded
from tests.api.asgi import Heard
from tests.flows.telling import at_stripe, tell
from tests.flows.watched_store import WatchedStore
from tests.parts.shop import Shop

BOB, ANN, EVE = "bob@shop.example", "ann@shop.example", "eve@shop.example"


async def customer_with_card(api: Guarded) -> str:
    """Return Stripe's id of Bob's customer."""
    service = api.provider.token()
    made = await api.as_(service, "POST", "/payment/customer", {"email": BOB})
    bob: str = made.data["customerId"]
    card = {"customerId": bob, "paymentMethodId": "pm_card_visa"}
    await api.as_(service, "POST", "/payment/payment-method", card)
    return bob


async def test_an_event_that_came_while_a_change_waited_locks_the_old_token_out(
    shop: Shop,
) -> None:
    store = WatchedStore(shop.world.store)
    shop.world = replace(shop.world, store=store)
    api = open_guarded(shop)
    service, old = api.provider.token(), api.provider.user(BOB)
    bob = await customer_with_card(api)
    await api.as_(service, "POST", "/payment/customer", {"email": EVE})

    async def away() -> None:
        raise StoreUnavailable("away")

    store.before_writes.extend([None, away])  # the wish is written, and not claimed
    pending = await api.as_(service, "PUT", f"/payment/customer/{bob}", {"email": EVE})
    at_stripe(shop, f"/v1/customers/{bob}", email=ANN)
    await tell(shop, "customer.updated")
    await shop.work(60)

    order = {"amount": 500, "orderId": "o-1", "customerId": bob, "confirm": True}
    cards = await api.as_(old, "GET", f"/payment/payment-methods/{bob}")
    paid = await api.as_(old, "POST", "/payment/payment-intent", order)
    anns = await api.as_(api.provider.user(ANN), "GET", f"/payment/payment-methods/{bob}")
    assert (pending.status, cards.status, paid.status) == (202, 404, 404)
    assert (anns.status, len(anns.data)) == (200, 1)
    assert shop.engine.ledger()["payment_intents"] == []


async def kept(api: Guarded, token: str, method: str, path: str, body: object) -> Heard:
    """Ask under the key of before."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "checkout-1"}
    return await api.ask(method, path, body=body, headers=headers)


async def moved_to_ann(api: Guarded, customer_id: str) -> None:
    at_stripe(api.shop, f"/v1/customers/{customer_id}", email=ANN)
    await tell(api.shop, "customer.updated")


ORDER = {"amount": 6522, "orderId": "o-1", "confirm": False}


@pytest.mark.parametrize("is_named", [True, False])
async def test_a_key_of_before_the_move_gives_no_payment_and_no_secret(
    shop: Shop, *, is_named: bool
) -> None:
    api = open_guarded(shop)
    old = api.provider.user(BOB)
    bob = await customer_with_card(api)
    order = {**ORDER, "customerId": bob} if is_named else ORDER
    first = await kept(api, old, "POST", "/payment/payment-intent", order)
    await moved_to_ann(api, bob)
    asked_before = len(shop.engine.ledger()["requests"])

    again = await kept(api, old, "POST", "/payment/payment-intent", order)

    without_key = await api.as_(old, "POST", "/payment/payment-intent", order)
    assert first.data["client_secret"]
    assert (again.status, again.code) == (404, without_key.code)
    assert "idempotent-replayed" not in again.headers
    assert bob not in str(again.body)
    assert len(shop.engine.ledger()["requests"]) == asked_before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/payment/customer/{bob}", {"name": "Bob"}),
        ("POST", "/payment/setup-intent", {"customerId": "{bob}"}),
        ("POST", "/payment/payment-intent/o-1/cancel", {}),
        ("DELETE", "/payment/payment-method", {"customerId": "{bob}", "paymentMethodId": "{card}"}),
    ],
)
async def test_a_key_of_before_the_move_gives_no_answer_about_the_customer(
    shop: Shop, method: str, path: str, body: dict[str, str]
) -> None:
    api = open_guarded(shop)
    old = api.provider.user(BOB)
    bob = await customer_with_card(api)
    [card] = (await api.as_(old, "GET", f"/payment/payment-methods/{bob}")).data
    named = {"bob": bob, "card": card["payment_method_id"]}
    asked = {name: text.format(**named) for name, text in body.items()}
    await api.as_(old, "POST", "/payment/payment-intent", {**ORDER, "customerId": bob})
    first = await kept(api, old, method, path.format(bob=bob), asked)
    await moved_to_ann(api, bob)

    again = await kept(api, old, method, path.format(bob=bob), asked)

    assert (first.status, again.status) == (200, 404)


async def test_who_asks_for_a_customer_by_a_key_of_before_the_move_gets_their_own(
    shop: Shop,
) -> None:
    api = open_guarded(shop)
    old = api.provider.user(BOB)
    first = await kept(api, old, "POST", "/payment/customer", {"email": BOB})
    await moved_to_ann(api, first.data["customerId"])

    again = await kept(api, old, "POST", "/payment/customer", {"email": BOB})

    assert (first.status, again.status) == (201, 201)
    assert again.data["customerId"] != first.data["customerId"]


async def test_their_own_answers_are_given_again_also_after_they_were_forgotten(
    shop: Shop,
) -> None:
    api = open_guarded(shop)
    mine = api.provider.user(BOB)
    bob = await customer_with_card(api)
    order = {**ORDER, "customerId": bob}
    first = await kept(api, mine, "POST", "/payment/payment-intent", order)

    again = await kept(api, mine, "POST", "/payment/payment-intent", order)
    await api.as_(api.provider.token(), "POST", "/payment/payment-intent/o-1/cancel", {})
    deadline = shop.world.clock.now() + timedelta(seconds=60)
    await forget_customer(shop.world, BOB, who="olga", why="asked", deadline=deadline)
    forgotten = await kept(api, mine, "POST", "/payment/payment-intent", order)

    assert again.body == first.body
    assert (forgotten.status, forgotten.data["orderId"]) == (200, "o-1")
    for heard in (again, forgotten):
        assert heard.headers["idempotent-replayed"] == "true"


async def test_a_service_hears_its_answer_again_after_the_move(shop: Shop) -> None:
    api = open_guarded(shop)
    service = api.provider.token()
    bob = await customer_with_card(api)
    order = {**ORDER, "customerId": bob}
    first = await kept(api, service, "POST", "/payment/payment-intent", order)
    await moved_to_ann(api, bob)

    again = await kept(api, service, "POST", "/payment/payment-intent", order)

    assert again.body == first.body
    assert again.headers["idempotent-replayed"] == "true"
