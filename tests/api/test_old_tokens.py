"""Tokens with an e-mail that is not the customer's any more: they reach nothing of it."""

from dataclasses import replace

from payment_service.ports import StoreUnavailable
from tests.api.access import Guarded, open_guarded
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
