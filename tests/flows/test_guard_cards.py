"""Nobody tries out stolen cards here: after so many refusals no other is tried for a while."""

from dataclasses import replace
from typing import Any

import pytest

from payment_service.domain.card_refusals import Kind, Suspect, with_refusal
from payment_service.domain.errors import TooManyCardRefusals
from payment_service.domain.moment import Policy
from payment_service.domain.payment import State
from payment_service.domain.stripe_errors import RefusedByStripe
from payment_service.flows.confirm_payment import confirm_payment
from payment_service.flows.guard_cards import TRIED_FROM, lift_pause
from payment_service.flows.keep_card import attach_card
from payment_service.flows.keep_customer import create_customer
from payment_service.flows.set_up_card import set_up_card
from payment_service.flows.world import Suspects
from payment_service.ports import StoreUnavailable, VersionConflict
from payment_service.storage.collections import CARD_TALLIES
from tests.flows.buying import (
    DECLINING,
    VISA,
    open_watched_shop,
    order,
    pay,
    payment_of,
    requests,
    soon,
)
from tests.flows.telling import at_stripe, tell
from tests.flows.watched_store import WatchedStore
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run

POLICY = Policy(card_refusals_max=3, card_refusals_window_s=600, card_refusals_pause_s=3600)
OTHER_CARD = "pm_card_mastercard"


async def customer_of(shop: Shop, email: str = "jane@example.com") -> str:
    """Make a customer; return its id at Stripe."""
    customer, _ = await create_customer(shop.world, email, None, deadline=soon(shop))
    return customer.customer_id or ""


async def refuse(shop: Shop, times: int = 3, mark: str = "", **terms: Any) -> None:
    """Let a card be refused as often."""
    for number in range(times):
        paid = await pay(shop, order(DECLINING, id=f"refused-{mark}{number}", **terms))
        assert paid.state is State.REQUIRES_PAYMENT_METHOD


async def save(shop: Shop, customer_id: str) -> None:
    """Save a card that its bank will not have attached."""
    await attach_card(
        shop.world,
        customer_id,
        "pm_card_chargeDeclined",
        cardholder_name=None,
        is_default=False,
        deadline=soon(shop),
    )


def replica(shop: Shop) -> Shop:
    """Return another process over the same database."""
    return replace(shop, world=replace(shop.world, suspects=Suspects()))


def test_after_so_many_refusals_nothing_of_the_customers_is_tried_until_the_pause_is_over() -> None:
    async def scenario() -> None:
        shop = await open_shop(POLICY)
        jane, joe = await customer_of(shop), await customer_of(shop, "joe@example.com")
        await refuse(shop, customer_id=jane)
        asked = len(requests(shop))

        with pytest.raises(TooManyCardRefusals) as refused:
            await pay(shop, order(VISA, id="ord_2", customer_id=jane))
        with pytest.raises(TooManyCardRefusals):
            await attach_card(
                shop.world,
                jane,
                OTHER_CARD,
                cardholder_name=None,
                is_default=False,
                deadline=soon(shop),
            )
        with pytest.raises(TooManyCardRefusals):
            await set_up_card(shop.world, jane, request_id="req_1", deadline=soon(shop))
        with pytest.raises(TooManyCardRefusals):
            await confirm_payment(
                shop.world,
                await payment_of(shop, "refused-0"),
                payment_method_id=VISA,
                return_url=None,
                request_id="req_1",
                retry_key=None,
                deadline=soon(shop),
            )

        assert refused.value.details["retry_after_s"] == 3600
        assert len(requests(shop)) == asked, "nothing was asked of Stripe"
        assert (await pay(shop, order(VISA, id="ord_3", customer_id=joe))).state is State.SUCCEEDED
        await shop.world.clock.sleep(3600)
        assert (await pay(shop, order(VISA, id="ord_2", customer_id=jane))).state is State.SUCCEEDED
        assert [kind for kind, _, _ in shop.witness.pauses] == ["customer", "card"]

    run(scenario)


def test_a_card_that_was_refused_too_often_is_not_tried_for_anybody() -> None:
    async def scenario() -> None:
        shop = await open_shop(POLICY)
        await refuse(shop)

        with pytest.raises(TooManyCardRefusals):
            await pay(shop, order(DECLINING, id="ord_2"))
        assert (await pay(shop, order(VISA, id="ord_2"))).state is State.SUCCEEDED

    run(scenario)


def test_a_default_card_that_was_refused_too_often_is_not_tried_for_whoever_names_none() -> None:
    """It is the same card, whether somebody names it or leaves that to us."""

    async def scenario() -> None:
        shop = await open_shop(POLICY)
        jane = await customer_of(shop)
        _, card = await attach_card(
            shop.world, jane, VISA, cardholder_name=None, is_default=True, deadline=soon(shop)
        )
        suspect = Suspect(Kind.CARD, card.payment_method_id)
        tally = None
        for _ in range(3):
            tally = with_refusal(tally, suspect, shop.world.clock.now(), POLICY)
        assert tally is not None
        await shop.world.store.insert(CARD_TALLIES, replace(tally, version=0))
        shop.world.suspects.add(suspect.id)
        before = requests(shop)

        with pytest.raises(TooManyCardRefusals):
            await pay(shop, order(None, customer_id=jane))
        assert requests(shop) == before

    run(scenario)


def test_an_address_from_which_too_many_were_refused_tries_no_other_customer() -> None:
    async def scenario() -> None:
        shop = await open_shop(POLICY)
        TRIED_FROM.set("192.0.2.1")
        await refuse(shop)

        with pytest.raises(TooManyCardRefusals):
            await pay(shop, order(VISA, id="ord_2"))
        TRIED_FROM.set("192.0.2.2")
        assert (await pay(shop, order(VISA, id="ord_2"))).state is State.SUCCEEDED
        assert await shop.world.store.get(CARD_TALLIES, Suspect(Kind.ADDRESS, "192.0.2.1").id)

    run(scenario)


def test_two_refusals_lock_nobody_out_and_are_forgotten() -> None:
    async def scenario() -> None:
        shop = await open_shop(POLICY)
        jane = await customer_of(shop)
        await refuse(shop, 2, customer_id=jane)

        assert (await pay(shop, order(VISA, id="a", customer_id=jane))).state is State.SUCCEEDED
        await shop.world.clock.sleep(601)
        assert (await pay(shop, order(VISA, id="b", customer_id=jane))).state is State.SUCCEEDED
        assert Suspect(Kind.CUSTOMER, jane).id not in shop.world.suspects
        tallies = [Suspect(Kind.CUSTOMER, jane).id, Suspect(Kind.CARD, DECLINING).id]
        assert all([await shop.world.store.get(CARD_TALLIES, one) for one in tallies])
        await shop.world.store.drop_expired(CARD_TALLIES, shop.world.clock.now())
        assert not any([await shop.world.store.get(CARD_TALLIES, one) for one in tallies])

    run(scenario)


def test_the_same_request_again_counts_no_refusal_twice() -> None:
    async def scenario() -> None:
        shop = await open_shop(POLICY)
        jane = await customer_of(shop)
        wanted = order(DECLINING, key="key-1", customer_id=jane)
        for _ in range(5):
            await pay(shop, wanted)

        tally = await shop.world.store.get(CARD_TALLIES, Suspect(Kind.CUSTOMER, jane).id)
        assert tally is not None
        assert len(tally.refused_at) == 1

    run(scenario)


def test_another_replica_lets_one_try_through_and_no_more() -> None:
    async def scenario() -> None:
        shop = await open_shop(POLICY)
        jane = await customer_of(shop)
        await refuse(shop, customer_id=jane)
        other = replica(shop)

        await refuse(other, 1, "there", customer_id=jane)
        with pytest.raises(TooManyCardRefusals):
            await pay(other, order(VISA, id="ord_2", customer_id=jane))

    run(scenario)


def test_refusals_are_counted_together_by_all_replicas() -> None:
    async def scenario() -> None:
        shop = await open_shop(POLICY)
        jane = await customer_of(shop)
        for mark in ("a", "b", "c"):
            await refuse(replica(shop), 1, mark, customer_id=jane)

        assert [kind for kind, _, _ in shop.witness.pauses] == ["customer", "card"]

    run(scenario)


def test_what_the_payers_client_tried_counts_when_an_event_tells_of_it() -> None:
    async def scenario() -> None:
        shop = await open_shop(POLICY)
        jane = await customer_of(shop)
        for number in range(3):
            wanted = order(None, id=f"by-client-{number}", confirm=False, customer_id=jane)
            payment = await pay(shop, wanted)
            path = f"/v1/payment_intents/{payment.intent_id}/confirm"
            at_stripe(shop, path, payment_method=DECLINING)
            await tell(shop, "payment_intent.payment_failed")

        with pytest.raises(TooManyCardRefusals):
            await pay(shop, order(VISA, id="ord_2", customer_id=jane))

    run(scenario)


def test_a_card_that_the_bank_will_not_have_attached_counts() -> None:
    async def scenario() -> None:
        shop = await open_shop(POLICY)
        jane = await customer_of(shop)
        for _ in range(3):
            with pytest.raises(RefusedByStripe):
                await save(shop, jane)

        with pytest.raises(TooManyCardRefusals):
            await set_up_card(shop.world, jane, request_id="req_1", deadline=soon(shop))
        assert "card" in [kind for kind, _, _ in shop.witness.pauses]

    run(scenario)


def test_a_card_that_was_refused_too_often_is_not_saved_for_another_customer_either() -> None:
    """Whoever tries cards makes a new customer sooner than a new card."""

    async def scenario() -> None:
        shop = await open_shop(POLICY)
        jane = await customer_of(shop)
        for _ in range(3):
            with pytest.raises(RefusedByStripe):
                await save(shop, jane)
        joe = await customer_of(shop, "joe@example.com")
        before = requests(shop)

        with pytest.raises(TooManyCardRefusals):
            await save(shop, joe)
        assert requests(shop) == before, "the bank was asked once more"

    run(scenario)


def test_an_operator_lets_somebody_try_again() -> None:
    async def scenario() -> None:
        shop = await open_shop(POLICY)
        jane = await customer_of(shop)
        await refuse(shop, customer_id=jane)
        suspect = Suspect(Kind.CUSTOMER, jane)

        assert await lift_pause(shop.world.store, suspect)
        assert not await lift_pause(shop.world.store, suspect)
        assert (await pay(shop, order(VISA, id="ord_2", customer_id=jane))).state is State.SUCCEEDED

    run(scenario)


def test_an_honest_payment_costs_no_look_and_no_write_more() -> None:
    async def scenario() -> None:
        shop, store = await open_watched_shop()
        shop.world = replace(shop.world, policy=POLICY)
        await pay(shop, order(VISA))
        with_guard = list(store.writes)

        plain, plain_store = await open_watched_shop()
        await pay(plain, order(VISA))

        assert with_guard == plain_store.writes
        assert not any(name == CARD_TALLIES.name for name, _ in with_guard)

    run(scenario)


def test_without_a_guard_nothing_is_counted() -> None:
    async def scenario() -> None:
        shop, store = await open_watched_shop()
        await refuse(shop, 5)

        assert (await pay(shop, order(VISA, id="ord_2"))).state is State.SUCCEEDED
        assert not any(name == CARD_TALLIES.name for name, _ in store.writes)

    run(scenario)


class Troubled(WatchedStore):
    """Its tallies cannot be written: somebody else always does, or the database is away."""

    error: type[Exception] = StoreUnavailable

    async def insert(self, collection: Any, doc: Any) -> None:
        if collection is CARD_TALLIES:
            raise self.error
        await super().insert(collection, doc)


@pytest.mark.parametrize("error", [StoreUnavailable, VersionConflict])
def test_a_tally_that_cannot_be_written_changes_nothing_of_the_payment(
    error: type[Exception],
) -> None:
    async def scenario() -> None:
        shop = await open_shop(POLICY)
        store = Troubled(shop.world.store)
        store.error = error
        shop.world = replace(shop.world, store=store)

        await refuse(shop, 4)

        assert shop.witness.pauses == []

    run(scenario)


def test_only_so_many_suspects_are_remembered_the_newest() -> None:
    suspects = Suspects(suspects_max=2)
    for name in ("a", "b", "b", "c"):
        suspects.add(name)
    suspects.discard("x")

    assert ["a" in suspects, "b" in suspects, "c" in suspects] == [False, True, True]
