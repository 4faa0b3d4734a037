"""A database that is older than what happened at Stripe: nothing of it is charged again."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from payment_service.domain.moment import Policy
from payment_service.domain.news import Intent, IntentSeen, NoNews
from payment_service.domain.payment import Payment, State
from payment_service.domain.refund import RefundStatus
from payment_service.domain.restoring import (
    ATTEMPTS_LEFT_OUT,
)
from payment_service.domain.steps import FindRefunds, ListMade, ReadIntent
from payment_service.flows.cancel import cancel
from payment_service.flows.capture import capture
from payment_service.flows.find_refund import find_refund
from payment_service.flows.refund_payment import refund_payment
from payment_service.flows.restore_payments import restore_payments
from payment_service.ports import GatewayUnavailable, LeaveWhile, StoreUnavailable
from payment_service.storage.collections import PAYMENTS
from tests.flows.buying import (
    DECLINING,
    VISA,
    charges,
    intents,
    let_stripe_answer,
    order,
    pay,
    payment_of,
    quiet,
    refunds,
    soon,
)
from tests.parts.shop import CountingIds, Shop, open_shop
from tests.parts.virtual_time import run


async def with_database_of(shop: Shop, *docs: Payment) -> Shop:
    """Return the shop on another database, which has these documents and nothing else."""
    other = await open_shop(shop.world.policy, shop.engine, shop.orders)
    other.world = replace(other.world, ids=CountingIds("later"))
    for doc in docs:
        await other.world.store.insert(PAYMENTS, replace(doc, version=0))
    return other


async def restored_shop(shop: Shop, *docs: Payment) -> Shop:
    other = await with_database_of(shop, *docs)
    await restore_payments(other.world, None)
    return other


def test_an_order_that_is_only_at_stripe_is_known_again_told_and_not_charged_again() -> None:
    async def main() -> None:
        shop = await open_shop()
        before = await pay(shop)
        await quiet(shop)
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]

        other = await restored_shop(shop)
        after = await payment_of(other)
        again = await pay(other)
        await other.work(10)

        assert (after.uid, after.intent_id, after.state) == (
            before.uid,
            before.intent_id,
            State.SUCCEEDED,
        )
        assert (after.received_minor, after.terms.same_deal(before.terms)) == (10_000, True)
        assert after.attempts_made == before.attempts_made + ATTEMPTS_LEFT_OUT
        assert again.state is State.SUCCEEDED
        assert len(charges(other)) == 1
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"] * 2

    run(main)


def test_an_order_of_before_that_was_paid_anew_since_is_shown_as_paid() -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop, order(None))
        canceled = await cancel(
            shop.world, await payment_of(shop), reason=None, request_id="r", deadline=soon(shop)
        )
        await pay(shop)

        other = await restored_shop(shop, canceled)
        await pay(other)

        assert canceled.state is State.CANCELED
        shown = await payment_of(other)
        assert (shown.state, shown.generation) == (State.SUCCEEDED, 2)
        assert len(charges(other)) == 1

    run(main)


def test_an_attempt_that_was_under_way_in_the_copy_is_found_as_it_ended() -> None:
    async def main() -> None:
        shop = await open_shop()
        older: list[Payment] = []
        store = shop.world.store
        keep = store.insert

        async def insert(collection: Any, doc: Any) -> None:
            await keep(collection, doc)
            if collection is PAYMENTS:
                older.append(doc)

        store.insert = insert  # type: ignore[method-assign]
        await pay(shop)

        other = await restored_shop(shop, *older)
        await other.work(60)

        assert older[0].state is State.ASKING
        assert (await payment_of(other)).state is State.SUCCEEDED
        assert len(charges(other)) == 1

    run(main)


def test_refunds_are_entered_under_our_own_references_so_that_asking_again_finds_them() -> None:
    async def main() -> None:
        shop = await open_shop(Policy(order_status_refunded="REFUNDED"))
        await pay(shop)
        copied = await payment_of(shop)
        for refund_id, amount in (("ref_1", 4_000), ("ref_2", 6_000)):
            await refund_payment(
                shop.world,
                await payment_of(shop),
                refund_id=refund_id,
                amount_minor=amount,
                reason=None,
                deadline=soon(shop),
            )

        for documents in ((), (copied,)):
            other = await restored_shop(shop, *documents)
            shown = await payment_of(other)
            _, found = await find_refund(other.world, "ref_1")
            _, again = await refund_payment(
                other.world,
                shown,
                refund_id="ref_2",
                amount_minor=6_000,
                reason=None,
                deadline=soon(other),
            )

            assert (found.amount_minor, found.status) == (4_000, RefundStatus.SUCCEEDED)
            assert again.status is RefundStatus.SUCCEEDED
            assert shown.refunded_minor == 10_000
            assert len(refunds(other)) == 2
            assert shown.notices[-1].status == "REFUNDED"

    run(main)


def test_a_hold_is_held_again_and_can_be_captured() -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop, order(capture_method="manual"))

        other = await restored_shop(shop)
        held = await payment_of(other)
        captured = await capture(
            other.world, held, amount_minor=None, request_id="r", deadline=soon(other)
        )

        assert (held.state, held.terms.capture_method) == (State.REQUIRES_CAPTURE, "manual")
        assert captured.state is State.SUCCEEDED

    run(main)


def test_a_declined_order_may_be_paid_again_under_keys_that_were_never_used() -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop, order(DECLINING))
        await pay(shop, order(DECLINING, key="again"))

        other = await restored_shop(shop)
        assert (await payment_of(other)).state is State.REQUIRES_PAYMENT_METHOD
        await pay(other, order(VISA))

        assert (await payment_of(other)).state is State.SUCCEEDED
        assert (len(intents(other)), len(charges(other))) == (1, 1)

    run(main)


def test_what_is_not_ours_or_not_made_by_a_key_of_ours_is_left_alone() -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop)
        other = await with_database_of(shop)
        other.world = replace(other.world, service="another-service")

        assert await restore_payments(other.world, None) == 0
        assert await other.world.store.get(PAYMENTS, "ord_1") is None

    run(main)


def test_an_intent_with_our_mark_and_a_strange_key_is_left_to_a_person() -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop)
        other = await with_database_of(shop)
        [seen] = intents(shop)
        strange = Intent(seen["id"], "succeeded", 10_000, 10_000, order_id="ord_1", key="odd")
        let_stripe_answer(other, ReadIntent, IntentSeen(strange))

        assert await restore_payments(other.world, None) == 1
        assert await other.world.store.get(PAYMENTS, "ord_1") is None

    run(main)


def test_a_dispute_that_was_opened_since_is_known_again() -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop, order("pm_card_createDispute"))
        await asyncio.sleep(60)

        other = await restored_shop(shop)

        [dispute] = (await payment_of(other)).disputes
        assert dispute.status == "needs_response"

    run(main)


def test_only_what_was_made_since_is_read_with_a_week_for_wrong_clocks() -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop)
        await asyncio.sleep(timedelta(days=9).total_seconds())
        other = await with_database_of(shop)

        now = other.world.clock.now()
        assert await restore_payments(other.world, now - timedelta(days=1)) == 0
        assert await restore_payments(other.world, now - timedelta(days=3)) == 1
        # Written by a clock that was years ahead: it says nothing.
        assert await restore_payments(other.world, now + timedelta(days=900)) == 1

    run(main)


def test_a_time_in_which_too_much_was_made_is_read_in_parts() -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop)
        other = await with_database_of(shop)
        asked: list[ListMade] = []
        gateway = other.world.gateway

        class Short:
            async def ask(self, step: Any, *, leave_while: LeaveWhile | None = None) -> Any:
                if isinstance(step, ListMade):
                    asked.append(step)
                    if step.until - step.since > timedelta(hours=1):
                        return NoNews("the list is longer than a look may read")
                return await gateway.ask(step, leave_while=leave_while)

        other.world = replace(other.world, gateway=Short())
        assert await restore_payments(other.world, other.world.clock.now()) == 1

        _, *read = [step for step in asked if step.until - step.since <= timedelta(hours=1)]
        assert all(one.until == two.since for one, two in pairwise(read))
        assert (await payment_of(other)).state is State.SUCCEEDED

    run(main)


class Dying:
    """A store that fails one of its writes, and with it whoever reads from Stripe."""

    def __init__(self, store: Any, in_writes: int) -> None:
        self._store = store
        self.left = in_writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def insert(self, collection: Any, doc: Any) -> None:
        self._count()
        await self._store.insert(collection, doc)

    async def replace(self, collection: Any, doc: Any, *, expected_version: int) -> None:
        self._count()
        await self._store.replace(collection, doc, expected_version=expected_version)

    def _count(self) -> None:
        self.left -= 1
        if not self.left:
            raise StoreUnavailable("the process dies")


def test_whoever_dies_in_the_midst_of_it_begins_again_and_ends_alike() -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop)
        await refund_payment(
            shop.world,
            await payment_of(shop),
            refund_id="ref_1",
            amount_minor=4_000,
            reason=None,
            deadline=soon(shop),
        )
        await pay(shop, order(id="ord_2"))
        deaths = 0
        for number in range(1, 20):
            other = await with_database_of(shop)
            store = Dying(other.world.store, number)
            dying = replace(other.world, store=store)
            with suppress(StoreUnavailable):
                await restore_payments(dying, None)
                break
            deaths += 1
            await restore_payments(other.world, None)
            await pay(other)
            await pay(other, order(id="ord_2"))

            shown = await payment_of(other)
            assert (shown.state, shown.refunded_minor) == (State.SUCCEEDED, 4_000)
            assert [refund.id for refund in shown.refunds] == ["ref_1"]
            assert (await payment_of(other, "ord_2")).state is State.SUCCEEDED
            assert (len(charges(other)), len(refunds(other))) == (2, 1)
        assert deaths >= 6

    run(main)


@pytest.mark.parametrize("unanswered", [ListMade, ReadIntent, FindRefunds])
def test_as_long_as_stripe_does_not_answer_no_door_opens(unanswered: type[Any]) -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop)
        other = await with_database_of(shop)
        let_stripe_answer(other, unanswered, NoNews("silence"))

        with pytest.raises(GatewayUnavailable):
            await restore_payments(other.world, other.world.clock.now())

    run(main)
