"""Paying without a card, with one that asks its holder, and when nobody can wait any longer."""

import asyncio

import pytest

from payment_service.domain.errors import NotFound
from payment_service.domain.payment import FailureKind, State
from payment_service.flows.keep_card import attach_card
from payment_service.flows.keep_customer import create_customer
from payment_service.ports import StoreUnavailable, VersionConflict
from tests.flows.buying import (
    AUTHENTICATING,
    DECLINING,
    VISA,
    always,
    charges,
    intents,
    open_watched_shop,
    order,
    pay,
    payment_of,
    quiet,
    requests,
    soon,
)
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run


async def store_is_down() -> None:
    raise StoreUnavailable("the disk is full")


# No card, the default card, a card that asks


def test_without_a_card_the_payment_is_only_created() -> None:
    async def main() -> None:
        shop = await open_shop()

        created = await pay(shop, order(None))

        assert (created.state, created.failure) == (State.REQUIRES_PAYMENT_METHOD, None)
        assert [intent["status"] for intent in intents(shop)] == ["requires_payment_method"]
        paid = await pay(shop)
        assert (paid.state, len(intents(shop)), len(charges(shop))) == (State.SUCCEEDED, 1, 1)

    run(main)


async def ann(shop: Shop) -> str:
    """Return the id of a customer with a default card."""
    customer, _ = await create_customer(shop.world, "ann@example.com", None, deadline=soon(shop))
    assert customer.customer_id is not None
    await attach_card(
        shop.world,
        customer.customer_id,
        VISA,
        cardholder_name=None,
        is_default=True,
        deadline=soon(shop),
    )
    return customer.customer_id


def test_without_a_card_in_the_request_the_customer_s_default_is_charged() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)

        paid = await pay(shop, order(None, customer_id=customer_id))
        created = await pay(shop, order(None, id="ord_2", customer_id=customer_id, confirm=False))

        assert paid.state is State.SUCCEEDED
        assert [intent["customer"] for intent in intents(shop)] == [customer_id, customer_id]
        assert created.state is State.REQUIRES_PAYMENT_METHOD

    run(main)


def test_a_customer_that_only_stripe_knows_is_charged_by_default_too() -> None:
    async def main() -> None:
        shop = await open_shop()
        customer_id = await ann(shop)
        stranger = await open_shop(engine=shop.engine)

        paid = await pay(stranger, order(None, customer_id=customer_id))

        assert paid.state is State.SUCCEEDED

    run(main)


def test_a_customer_that_nobody_knows_is_refused_by_stripe() -> None:
    async def main() -> None:
        shop = await open_shop()

        refused = await pay(shop, order(VISA, customer_id="cus_nobody"))

        assert refused.failure is not None
        assert (refused.failure.kind, refused.failure.code) == (
            FailureKind.REJECTED,
            "resource_missing",
        )
        with pytest.raises(NotFound) as unknown:
            await pay(shop, order(None, id="ord_2", customer_id="cus_nobody"))
        assert unknown.value.reason_code == "customer_not_found"

    run(main)


def test_a_card_that_asks_its_holder_waits_and_is_seen_paid() -> None:
    async def main() -> None:
        shop = await open_shop()
        waiting = await pay(shop, order(AUTHENTICATING))
        assert waiting.state is State.REQUIRES_ACTION
        assert waiting.intent_id is not None

        shop.engine.authenticate(waiting.intent_id, passed=True, now=shop.stripe.now())
        await shop.work(10)

        assert (await payment_of(shop)).state is State.SUCCEEDED
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]

    run(main)


def test_a_card_whose_holder_never_answers_expires_and_frees_the_order() -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop, order(AUTHENTICATING))

        await shop.work(3600 + 600, every_s=10)

        expired = await payment_of(shop)
        assert (expired.state, expired.cancellation_reason) == (State.CANCELED, "abandoned")
        paid = await pay(shop, order(VISA, amount_minor=5_000))
        assert (paid.state, paid.generation) == (State.SUCCEEDED, 2)
        assert [charge["amount"] for charge in charges(shop)] == [5_000]

    run(main)


# When the caller must not wait any longer


def test_at_the_deadline_the_caller_is_told_asking_and_the_truth_arrives_later() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = always("delay")  # 5 s
        before = shop.world.clock.now()

        asking = await pay(shop, wait_s=2)

        assert asking.state is State.ASKING
        assert (shop.world.clock.now() - before).total_seconds() == 2
        await quiet(shop)
        assert (await payment_of(shop)).state is State.SUCCEEDED
        assert len(charges(shop)) == 1

    run(main)


def test_who_asks_again_meanwhile_waits_for_the_same_attempt() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.stripe.pick = always("delay")

        asking, paid = await asyncio.gather(pay(shop, wait_s=2), pay(shop, wait_s=10))

        assert (asking.state, paid.state) == (State.ASKING, State.SUCCEEDED)
        assert len(requests(shop)) == 1

    run(main)


# When the store is down


def test_what_cannot_be_written_ahead_is_not_asked_of_stripe() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        store.before_writes.append(store_is_down)

        with pytest.raises(StoreUnavailable):
            await pay(shop)

        assert requests(shop) == []
        assert (await pay(shop)).state is State.SUCCEEDED

    run(main)


def test_money_whose_taking_cannot_be_written_is_told_as_asking_and_found_later() -> None:
    """It is not "nothing was done": the intention is written, and the money was taken."""

    async def main() -> None:
        shop, store = await open_watched_shop()
        store.before_writes.extend([None, store_is_down])

        asking = await pay(shop)

        assert (asking.state, len(charges(shop))) == (State.ASKING, 1)
        await shop.work(shop.world.policy.lease_s + 1)
        assert (await payment_of(shop)).state is State.SUCCEEDED
        assert (len(intents(shop)), len(charges(shop))) == (1, 1)

    run(main)


def test_an_order_whose_document_never_holds_still_is_given_back_untouched() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await pay(shop, order(DECLINING))

        async def somebody_is_faster() -> None:
            payment = await payment_of(shop)
            raise VersionConflict(payment.id)

        store.before_writes.extend([None] + [somebody_is_faster] * 100)

        with pytest.raises(StoreUnavailable):
            await pay(shop)

        assert charges(shop) == []

    run(main)
