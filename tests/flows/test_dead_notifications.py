"""A notification that is dead: what became of its order since decides whether it is sent again."""

import asyncio

import pytest

from payment_service.domain.errors import NotificationNotRetryable
from payment_service.domain.moment import Door, Policy
from payment_service.domain.news import News, OrderRefused
from payment_service.domain.notice import NoticeState
from payment_service.domain.steps import TellOrders
from payment_service.flows.retry_notification import retry_notification
from payment_service.flows.take_event import take_event
from payment_service.ports import LeaveWhile
from tests.flows.buying import AUTHENTICATING, order, pay, payment_of, quiet
from tests.flows.moving import void
from tests.flows.telling import at_stripe, seen_of
from tests.parts.orders_in_process import InProcessOrders
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run


class Slow(InProcessOrders):
    """An OrderService that refuses all, until it is mended, and then takes its time."""

    is_mended = False

    async def tell(
        self,
        step: TellOrders,
        *,
        bearer_token: str | None,
        leave_while: LeaveWhile | None = None,
    ) -> News:
        """Take one update slowly."""
        if not self.is_mended:
            return OrderRefused("http_404", lasting=True)
        await asyncio.sleep(20)
        return await super().tell(step, bearer_token=bearer_token, leave_while=leave_while)


async def until_it_is_dead(shop: Shop, orders: Slow) -> None:
    await shop.work(4 * 86_400, every_s=600)
    assert (await payment_of(shop)).notices[0].state is NoticeState.DEAD
    orders.is_mended = True


async def retried(shop: Shop, *, again: bool = False) -> None:
    payment = await payment_of(shop)
    key = payment.notices[0].call.key
    await retry_notification(shop.world, payment, key, again=again, who="ops")


def test_while_a_later_one_is_under_way_it_is_refused_or_waits_for_that() -> None:
    async def main() -> None:
        orders = Slow()
        shop = await open_shop(Policy(order_status_refunded="REFUNDED"), orders=orders)
        payment = await pay(shop)
        await until_it_is_dead(shop, orders)
        at_stripe(shop, "/v1/refunds", payment_intent=payment.intent_id)
        await take_event(shop.world, seen_of(shop, "refund.created"), Door.WEBHOOK)
        await asyncio.sleep(5)
        assert (await payment_of(shop)).notices[1].call.in_flight

        with pytest.raises(NotificationNotRetryable):
            await retried(shop)
        await retried(shop, again=True)
        await quiet(shop)

        assert orders.statuses_of("ord_1") == ["REFUNDED", "PAYMENT RECEIVED"]

    run(main)


def test_a_cancellation_is_not_told_of_an_order_that_is_being_paid_anew() -> None:
    async def main() -> None:
        orders = Slow()
        shop = await open_shop(Policy(order_status_canceled="CANCELLED"), orders=orders)
        await void(shop, await pay(shop, order("pm_card_chargeDeclined")))
        await until_it_is_dead(shop, orders)

        await pay(shop, order(AUTHENTICATING))
        with pytest.raises(NotificationNotRetryable):
            await retried(shop)
        await quiet(shop)

        assert orders.accepted == []
        assert (await payment_of(shop)).notices[0].state is NoticeState.DROPPED

    run(main)
