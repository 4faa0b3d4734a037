"""Forgetting a customer: nothing of the person is left, the books stay, and no crash stops it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from payment_service.domain.errors import (
    CustomerHasOpenPayments,
    NotFound,
)
from payment_service.domain.moment import Door
from payment_service.domain.news import Denial, Rejected
from payment_service.domain.payment import FailureKind, State
from payment_service.domain.steps import CreateCustomer
from payment_service.domain.stored_request import StoredRequest
from payment_service.domain.stripe_errors import RefusedByStripe
from payment_service.domain.wishes import open_payment
from payment_service.flows.every import PAGE
from payment_service.flows.forget_customer import Forgotten, forget_customer
from payment_service.flows.keep_card import attach_card
from payment_service.flows.keep_customer import create_customer, customer_by_id, get_customer
from payment_service.flows.refund_payment import refund_payment
from payment_service.flows.take_event import Taken
from payment_service.ports import LINEARIZABLE, Collection, D, GatewayUnavailable, Page
from payment_service.storage.collections import AUDIT, PAYMENTS, REQUESTS
from tests.flows.buying import (
    AUTHENTICATING,
    VISA,
    always,
    let_stripe_answer,
    order,
    pay,
    payment_of,
    quiet,
    requests,
    soon,
)
from tests.flows.telling import seen_of, tell
from tests.flows.test_keep_customer import elsewhere
from tests.flows.watched_store import WatchedStore
from tests.parts.shop import Shop, open_shop
from tests.parts.stored import stored_text
from tests.parts.stripe_in_process import no_fault
from tests.parts.virtual_time import run

EMAIL, NAME, HOLDER = "zoe.quill@example.com", "Zoe Quill-Fontaine", "Zacharias Quillon"
WORDS = "a gift for uncle Bartholomew"
PERSON = (EMAIL, "zoe.quill", NAME, HOLDER, "Bartholomew")


async def forget(shop: Shop, *, email: str = EMAIL, wait_s: float = 60) -> Forgotten:
    return await forget_customer(
        shop.world, email, who="olga", why="she asked", deadline=soon(shop, wait_s)
    )


async def zoe(shop: Shop) -> str:
    """Return the id of a customer with a named card."""
    customer, _ = await create_customer(shop.world, EMAIL, NAME, deadline=soon(shop))
    assert customer.customer_id is not None
    await attach_card(
        shop.world,
        customer.customer_id,
        VISA,
        cardholder_name=HOLDER,
        is_default=True,
        deadline=soon(shop),
    )
    return customer.customer_id


async def bought(shop: Shop) -> str:
    """Return the id of a customer who has paid, been refunded, and been written about."""
    customer_id = await zoe(shop)
    payment = await pay(
        shop,
        order(
            None,
            customer_id=customer_id,
            description=WORDS,
            metadata={"for": WORDS},
            return_url="https://shop.example/?who=zoe.quill",
        ),
    )
    assert payment.state is State.SUCCEEDED
    await refund_payment(
        shop.world,
        payment,
        refund_id="ref_1",
        amount_minor=700,
        reason=f"{NAME} was sad",
        deadline=soon(shop),
        request_id="req_2",
    )
    await keep_answer(shop, customer_id)
    await quiet(shop)
    return customer_id


async def keep_answer(shop: Shop, customer_id: str, key: str = "key") -> None:
    now = shop.world.clock.now()
    later = now + timedelta(hours=24)
    body = {"json": f'{{"cardholder_name": "{HOLDER}"}}'}
    kept = StoredRequest(key, 0, "print", now, later, later, 200, body, subject=customer_id)
    await shop.world.store.insert(REQUESTS, kept)


async def shown_by_stripe(shop: Shop, customer_id: str) -> str:
    """Return all that Stripe still shows, but for its events, which it drops after 30 days."""
    listed = {"expand": ["data.latest_charge"]}
    found = [
        await elsewhere(shop, "get", "/v1/customers"),
        await elsewhere(shop, "get", f"/v1/customers/{customer_id}"),
        await elsewhere(shop, "get", "/v1/payment_intents", **listed),
        await elsewhere(shop, "get", "/v1/refunds"),
        await elsewhere(shop, "get", "/v1/setup_intents"),
    ]
    return str(found)


def left_of(person: tuple[str, ...], text: str) -> list[str]:
    return [word for word in person if word.lower() in text.lower()]


async def bare(shop: Shop) -> None:
    """Check that nothing of the person is stored, and all of the books is."""
    assert left_of(PERSON, stored_text(shop.world.store)) == []
    payment = await payment_of(shop)
    assert (payment.state, payment.received_minor, payment.refunded_minor) == (
        State.SUCCEEDED,
        10_000,
        700,
    )
    page = await shop.world.store.page(
        AUDIT, equal={}, created_from=None, created_to=None, cursor=None, limit=10
    )
    (entry,) = page.items
    assert (entry.what, entry.who, entry.why) == ("customer.forgotten", "olga", "she asked")
    assert entry.subject == payment.terms.customer_id
    assert entry.wake_at is None


def test_nothing_of_the_person_is_left_and_the_books_stay() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await bought(shop)
        before = await payment_of(shop)

        done = await forget(shop)

        assert done == Forgotten(customer_id, payments=1, worded=1, answers=1)
        await bare(shop)
        payment = await payment_of(shop)
        assert payment.history == before.history
        assert (payment.intent_id, payment.charge_id) == (before.intent_id, before.charge_id)
        shown = await shown_by_stripe(shop, customer_id)
        assert "('deleted', True)" in shown
        assert left_of((EMAIL, NAME), shown.replace(f"{NAME} was sad", "")) == []

    run(main)


def test_at_stripe_only_the_charge_and_callers_words_remain() -> None:
    """Stripe keeps its own books; decision 0016 says what is in them."""

    async def main() -> None:
        shop = await open_shop()
        customer_id = await bought(shop)
        card = (await elsewhere(shop, "get", "/v1/payment_methods", customer=customer_id))["data"]

        await forget(shop)

        detached = await elsewhere(shop, "get", f"/v1/payment_methods/{card[0]['id']}")
        assert detached["customer"] is None
        assert not detached["billing_details"]["name"]
        intents = (await elsewhere(shop, "get", "/v1/payment_intents"))["data"]
        assert [(intent["status"], intent["description"]) for intent in intents] == [
            ("succeeded", WORDS)
        ]

    run(main)


def test_neither_events_nor_use_bring_it_back() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await bought(shop)
        await forget(shop)

        for event_type in ("customer.deleted", "customer.created", "payment_method.detached"):
            seen = replace(seen_of(shop, event_type), type="customer.updated")
            assert await tell(shop, seen) is Taken.KEPT
        with pytest.raises(NotFound):
            await customer_by_id(shop.world, customer_id)
        with pytest.raises(NotFound):
            await get_customer(shop.world, EMAIL)
        refused = await pay(shop, order(VISA, id="ord_2", customer_id=customer_id))

        assert refused.failure is not None
        assert refused.failure.kind is FailureKind.REJECTED
        assert requests(shop).count("/v1/customers") == 1
        assert left_of(PERSON, stored_text(shop.world.store)) == []

    run(main)


def test_whoever_comes_back_is_a_new_customer() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await bought(shop)
        await forget(shop)

        again, made = await create_customer(shop.world, EMAIL, NAME, deadline=soon(shop))

        assert made
        assert again.customer_id not in {None, customer_id}
        assert again.former_customer_id is None

    run(main)


def test_nobody_unknown_is_forgotten() -> None:
    async def main() -> None:
        shop = await open_shop()

        with pytest.raises(NotFound):
            await forget(shop)
        assert requests(shop, "DELETE") == []

    run(main)


def test_one_whom_stripe_never_took_is_forgotten_without_asking_it() -> None:
    async def main() -> None:
        shop = await open_shop()
        let_stripe_answer(shop, CreateCustomer, Rejected(Denial("no", "No.")))
        with pytest.raises(RefusedByStripe):
            await create_customer(shop.world, EMAIL, NAME, deadline=soon(shop))

        assert await forget(shop) == Forgotten(None, 0, 0, 0)
        assert left_of(PERSON, stored_text(shop.world.store)) == []
        assert requests(shop, "DELETE") == []

    run(main)


# ---------------------------------------------------------------- refused


async def _action(shop: Shop, customer_id: str) -> None:
    await pay(shop, order(AUTHENTICATING, id="ord_2", customer_id=customer_id))


async def _hold(shop: Shop, customer_id: str) -> None:
    await pay(shop, order(VISA, id="ord_2", customer_id=customer_id, capture_method="manual"))


async def _doubt(shop: Shop, customer_id: str) -> None:
    shop.stripe.pick = always("delay")
    payment = await pay(shop, order(VISA, id="ord_2", customer_id=customer_id), wait_s=0.1)
    assert payment.state is State.ASKING


@pytest.mark.parametrize(
    ("begin", "why"),
    [(_action, "requires_action"), (_hold, "requires_capture"), (_doubt, "asking")],
)
def test_an_open_payment_is_named_and_nothing_moves(
    begin: Callable[[Shop, str], Awaitable[None]], why: str
) -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await bought(shop)
        await begin(shop, customer_id)
        before = stored_text(shop.world.store)

        with pytest.raises(CustomerHasOpenPayments, match=rf"ord_2 \({why}\)\.$"):
            await forget(shop)

        assert stored_text(shop.world.store) == before
        assert requests(shop, "DELETE") == []

    run(main)


def test_so_many_open_payments_are_not_all_named() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await zoe(shop)
        moment = shop.world.moment(Door.REQUEST)
        for number in range(PAGE + 1):
            open_order = order(id=f"o-{number:03}", customer_id=customer_id)
            await shop.world.store.insert(PAYMENTS, open_payment(open_order, "uid", moment))

        with pytest.raises(CustomerHasOpenPayments, match=r"\(asking\) and 81 more\.$"):
            await forget(shop)

    run(main)


def test_one_that_is_being_made_is_not_forgotten_yet() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = always("timeout_after")
        await create_customer(shop.world, EMAIL, NAME, deadline=soon(shop, 0.1))

        with pytest.raises(GatewayUnavailable):
            await forget(shop)
        shop.stripe.pick = no_fault
        await shop.work(300)
        assert (await forget(shop)).customer_id is not None

    run(main)


def test_whether_a_payment_is_open_is_asked_of_a_store_that_shows_all_that_was_written() -> None:
    """A primary that has just begun may lack a payment that somebody was told is written."""
    asked: set[tuple[str, bool]] = set()

    class Watched(WatchedStore):
        async def page(self, collection: Collection[D], **how: Any) -> Page[D]:
            asked.add((collection.name, LINEARIZABLE.get()))
            return await super().page(collection, **how)

        async def find_one(self, collection: Collection[D], column: str, value: str) -> D | None:
            asked.add((collection.name, LINEARIZABLE.get()))
            return await super().find_one(collection, column, value)

    async def main() -> None:
        shop = await open_shop()
        await bought(shop)
        shop.world = replace(shop.world, store=Watched(shop.world.store))

        await forget(shop)

        assert asked == {("payments", True), ("requests", True), ("customers", True)}
        assert LINEARIZABLE.get() is False

    run(main)
