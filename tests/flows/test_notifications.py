"""Notifications of the OrderService: mended at once, told with whoever's token, sent again."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from payment_service.domain.errors import NotFound, NotificationNotRetryable
from payment_service.domain.news import News, NoNews, OrderRefused
from payment_service.domain.notice import Notice, NoticeState
from payment_service.domain.sending_again import sent_again
from payment_service.domain.steps import TellOrders
from payment_service.flows.retry_notification import (
    retry_notification,
    retry_stored,
)
from payment_service.flows.tell_with_token import tell_with_token
from payment_service.flows.world import TokensTried
from payment_service.ports import LeaveWhile, VersionConflict
from payment_service.storage.collections import AUDIT, PAYMENTS
from tests.flows.buying import open_watched_shop, order, pay, payment_of, quiet
from tests.parts.orders_in_process import InProcessOrders
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run

REFUSED = OrderRefused("http_404", lasting=True)


class Deployed(InProcessOrders):
    """An OrderService whose route is missing until somebody mends it."""

    is_mended = False

    async def tell(
        self,
        step: TellOrders,
        *,
        bearer_token: str | None,
        leave_while: LeaveWhile | None = None,
    ) -> News:
        """Take one update, once it can."""
        if not self.is_mended:
            self.heard.append((step, bearer_token))
            return REFUSED
        return await super().tell(step, bearer_token=bearer_token, leave_while=leave_while)


class Picky(InProcessOrders):
    """An OrderService that refuses one order for ever."""

    async def tell(
        self,
        step: TellOrders,
        *,
        bearer_token: str | None,
        leave_while: LeaveWhile | None = None,
    ) -> News:
        """Take one update, unless it is of that order."""
        if step.order_id == "ord_1":
            self.heard.append((step, bearer_token))
            return REFUSED
        return await super().tell(step, bearer_token=bearer_token, leave_while=leave_while)


class HeldUp(InProcessOrders):
    """The way to an OrderService, on which each update is held up before it leaves."""

    def __init__(self, held_s: float) -> None:
        super().__init__()
        self._held_s = held_s
        self.may_leave: list[bool] = []

    async def tell(
        self,
        step: TellOrders,
        *,
        bearer_token: str | None,
        leave_while: LeaveWhile | None = None,
    ) -> News:
        """Take one update late, if it may still leave."""
        assert leave_while is not None
        await asyncio.sleep(self._held_s)
        self.may_leave.append(leave_while())
        return await super().tell(step, bearer_token=bearer_token, leave_while=leave_while)


async def first_notice(shop: Shop, order_id: str = "ord_1") -> Notice:
    return (await payment_of(shop, order_id)).notices[0]


@pytest.mark.parametrize("held_s", [29, 31])
def test_an_update_that_was_held_up_for_long_leaves_no_more(held_s: float) -> None:
    """What it says may have stopped being true, though the claim on it lasts for longer."""

    async def main() -> None:
        orders = HeldUp(held_s)
        shop = await open_shop(orders=orders)
        assert shop.world.policy.lease_s == 30 < shop.world.policy.notice_lease_s
        await pay(shop)
        await asyncio.sleep(held_s + 1)

        assert orders.may_leave == [held_s < shop.world.policy.lease_s]

    run(main)


def test_a_thousand_payments_hear_nothing_of_ten_minutes_of_404_but_a_short_delay() -> None:
    async def main() -> None:
        orders = Deployed()
        shop = await open_shop(orders=orders)
        ids = [f"ord_{number}" for number in range(1000)]
        for number, order_id in enumerate(ids):
            await pay(shop, order(id=order_id))
            if number % 100 == 99:
                await shop.work(60)
        tries_before = len(orders.heard)

        orders.is_mended = True
        await shop.work(120)

        told = {step.order_id for step in orders.accepted}
        assert told == set(ids)
        assert len(orders.accepted) == 1000
        assert tries_before < 1000 * 8  # an OrderService in trouble is left alone
        dead = await shop.world.store.page(
            PAYMENTS,
            equal={"notification": "dead"},
            created_from=None,
            created_to=None,
            cursor=None,
            limit=1,
        )
        assert dead.items == []

    run(main)


def test_one_that_somebody_is_at_is_hastened_the_next_time() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        shop.orders.script.extend([REFUSED] * 12)
        for number in range(3):
            await pay(shop, order(id=f"ord_{number}"))
        await shop.work(280)
        assert not shop.orders.script  # each was tried four times, and waits for four minutes now

        async def lost() -> None:
            raise VersionConflict

        store.before_writes.extend([None, None, None, lost])  # the fourth hastens the first
        await pay(shop, order(id="other"))
        await shop.work(61)
        assert not store.before_writes
        assert len(shop.orders.accepted) == 3
        await pay(shop, order(id="another"))
        await shop.work(35)

        assert len(shop.orders.accepted) == 5

    run(main)


def test_an_order_that_is_refused_alone_keeps_its_own_time() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.orders.script.append(REFUSED)
        await pay(shop)
        await quiet(shop)
        for number in range(50):
            await pay(shop, order(id=f"other_{number}"))
            await shop.work(1)

        tries = [step for step, _ in shop.orders.heard if step.order_id == "ord_1"]
        assert len(tries) == 2  # its own second one, after half a minute, is taken

    run(main)


def test_an_order_that_is_refused_for_ever_among_many_that_are_taken_is_not_hastened() -> None:
    async def main() -> None:
        orders = Picky()
        shop = await open_shop(orders=orders)
        await pay(shop)
        for number in range(30):
            await pay(shop, order(id=f"other_{number}"))
            await shop.work(20)

        tries = [step for step, _ in orders.heard if step.order_id == "ord_1"]
        assert len(orders.accepted) == 30
        assert 4 <= len(tries) <= 5  # at once, and after half a minute that doubles

    run(main)


def test_what_was_told_how_long_to_wait_is_not_hastened_to_before_that() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.orders.script.extend([OrderRefused("http_429", retry_after_s=3600)] * 3)
        for number in range(3):
            await pay(shop, order(id=f"ord_{number}"))
        await quiet(shop)

        await pay(shop, order(id="other"))
        await quiet(shop)
        await shop.work(3590)
        assert [step.order_id for step in shop.orders.accepted] == ["other"]

        await shop.work(60)
        assert len(shop.orders.accepted) == 1 + 3

    run(main)


def test_what_waits_for_a_token_is_told_with_the_next_one_that_comes() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.orders.script.append(OrderRefused("http_401", lasting=True))
        await pay(shop)
        await quiet(shop)

        await tell_with_token(shop.world, "ord_1", "fresh")
        await quiet(shop)
        await tell_with_token(shop.world, "ord_1", "fresh")
        await tell_with_token(shop.world, "no such order", "fresh")
        await quiet(shop)

        assert [token for _, token in shop.orders.heard] == [None, "fresh"]
        assert (await first_notice(shop)).state is NoticeState.TOLD

    run(main)


def test_a_token_that_is_refused_is_not_tried_again_for_a_minute_and_another_one_is() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.orders.script.extend([OrderRefused("http_401", lasting=True)] * 3)
        await pay(shop)
        await quiet(shop)

        for token in ("worn out", "worn out", "better", "worn out"):
            await tell_with_token(shop.world, "ord_1", token)
            await quiet(shop)

        assert [token for _, token in shop.orders.heard] == [None, "worn out", "better"]

    run(main)


def test_the_tokens_that_were_tried_are_forgotten_in_turn() -> None:
    async def main() -> None:
        tried, now = TokensTried(tries_max=2), (await open_shop()).world.clock.now()

        assert [tried.may_try("ord_1", token, now) for token in "abca"] == [True] * 4
        assert not tried.may_try("ord_1", "c", now)
        assert tried.may_try("ord_2", "c", now)
        assert tried.may_try("ord_2", "c", now + timedelta(minutes=1))

    run(main)


async def dead_shop() -> Shop:
    """Return a shop whose first order's notification is dead."""
    orders = Deployed()
    shop = await open_shop(orders=orders)
    await pay(shop)
    await shop.work(4 * 86_400, every_s=600)
    assert (await first_notice(shop)).state is NoticeState.DEAD
    orders.is_mended = True
    return shop


async def audited(shop: Shop) -> list[tuple[str, str, str]]:
    """Return what the audit says: what was done, by whom, to what."""
    page = await shop.world.store.page(
        AUDIT, equal={}, created_from=None, created_to=None, cursor=None, limit=10
    )
    return [(entry.what, entry.who, entry.subject) for entry in page.items]


def test_a_dead_notification_is_sent_again_once_and_the_audit_says_who_did_it() -> None:
    async def main() -> None:
        shop = await dead_shop()
        payment = await payment_of(shop)
        key = payment.notices[0].call.key

        _, notice = await retry_notification(shop.world, payment, key, again=False, who="ops")
        await quiet(shop)

        assert notice.state is NoticeState.OWED
        assert (await first_notice(shop)).state is NoticeState.TOLD
        assert [step.key for step in shop.orders.accepted] == [key]
        assert await audited(shop) == [("notification.retried", "ops", "ord_1")]

    run(main)


def test_what_was_delivered_or_does_not_exist_is_not_sent_again_unless_that_is_said() -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop)
        await quiet(shop)
        payment = await payment_of(shop)
        key = payment.notices[0].call.key

        async def retried(key: str, *, again: bool = False) -> None:
            await retry_notification(shop.world, payment, key, again=again, who="ops")
            await quiet(shop)

        with pytest.raises(NotificationNotRetryable):
            await retried(key)
        with pytest.raises(NotFound):
            await retried("another key")
        assert await audited(shop) == []
        await retried(key, again=True)
        assert [step.key for step in shop.orders.accepted] == [key, key]

    run(main)


def test_one_that_is_under_way_is_left_to_its_try() -> None:
    async def main() -> None:
        shop = await open_shop()
        payment = await pay(shop)
        under_way = payment.notices[0]
        assert under_way.call.in_flight

        _, notice = await retry_notification(
            shop.world, payment, under_way.call.key, again=False, who="ops"
        )
        await quiet(shop)

        assert notice == under_way
        assert await audited(shop) == []
        assert len(shop.orders.heard) == 1

    run(main)


def test_an_operator_owes_it_anew_in_the_database_alone_and_the_service_sends_it() -> None:
    async def main() -> None:
        shop = await dead_shop()
        stale = await payment_of(shop)
        key, now = stale.notices[0].call.key, shop.world.clock.now()
        store = shop.world.store

        first = await retry_stored(store, stale, key, now, who="ops", why="mended")
        again = await retry_stored(store, stale, key, now, who="ops", why="mended")
        await shop.work(5)
        delivered = await payment_of(shop)
        third = await retry_stored(store, delivered, key, now, who="ops", why="mended")

        assert (first, again) == (None, None)
        assert third is not None
        assert third.startswith("This notification was delivered.")
        assert [step.key for step in shop.orders.accepted] == [key]

    run(main)


def test_a_notification_that_a_later_one_followed_is_not_thrown_back() -> None:
    async def main() -> None:
        shop = await dead_shop()
        payment = await payment_of(shop)
        first = payment.notices[0]
        later = Notice("REFUNDED", NoticeState.TOLD, first.call)
        dropped = Notice("CANCELED", NoticeState.DROPPED, first.call)
        followed = replace(payment, notices=(first, later))
        now = shop.world.clock.now()
        with pytest.raises(NotificationNotRetryable):
            sent_again(followed, first.call.key, now, again=False)
        assert sent_again(followed, first.call.key, now, again=True).notices[0].call.due_at == now
        with pytest.raises(NotificationNotRetryable):
            sent_again(replace(payment, notices=(dropped,)), first.call.key, now, again=True)

    run(main)


def test_a_try_that_was_not_answered_is_not_hastened_by_a_token() -> None:
    async def main() -> None:
        shop = await open_shop()
        shop.orders.script.append(NoNews("timeout"))
        await pay(shop)
        await quiet(shop)

        await tell_with_token(shop.world, "ord_1", "fresh")
        await quiet(shop)

        assert len(shop.orders.heard) == 1

    run(main)
