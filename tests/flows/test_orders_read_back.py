"""An OrderService whose orders can be read: what is paid is told, a later status stays."""

import pytest

from payment_service.domain.moment import Policy
from payment_service.domain.news import News, NoNews, OrderRefused, OrderTold
from payment_service.domain.notice import NoticeState
from payment_service.domain.steps import TellOrders
from payment_service.ports import LeaveWhile
from tests.flows.buying import order, pay, payment_of, quiet
from tests.flows.moving import void
from tests.parts.orders_in_process import InProcessOrders
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run

PAID, LATER = "PAYMENT RECEIVED", "OUT FOR DELIVERY"


class Readable(InProcessOrders):
    """An OrderService with the status of its orders, which is read as the HTTP adapter reads it.

    lost: how many of the next updates never arrive. late: what those that do are answered.
    """

    def __init__(self) -> None:
        super().__init__()
        self.status: dict[str, str] = {}
        self.written: list[str] = []
        self.lost = 0
        self.late: list[News] = []

    async def tell(
        self,
        step: TellOrders,
        *,
        bearer_token: str | None,
        leave_while: LeaveWhile | None = None,
    ) -> News:
        """Take one update, unless the order shows it already."""
        self.heard.append((step, bearer_token))
        shown = self.status.get(step.order_id, "ORDER PLACED")
        if step.read_back and step.is_shown_by(shown):
            return OrderTold(was_shown=True)
        if self.lost:
            self.lost -= 1
            return NoNews("timeout")
        self.status[step.order_id] = step.status
        self.written.append(step.status)
        return self.late.pop(0) if self.late else OrderTold()


async def settled(shop: Shop) -> None:
    await quiet(shop)
    await shop.work(600)
    await quiet(shop)


def test_an_order_that_was_told_canceled_and_is_paid_anew_is_told_though_a_try_was_lost() -> None:
    async def main() -> None:
        orders = Readable()
        shop = await open_shop(Policy(order_status_canceled="CANCELLED"), orders=orders)
        await void(shop, await pay(shop, order("pm_card_chargeDeclined")))
        await quiet(shop)
        assert orders.status["ord_1"] == "CANCELLED"

        orders.lost = 1
        await pay(shop)
        await settled(shop)

        assert orders.written == ["CANCELLED", PAID]
        assert [n.state for n in (await payment_of(shop)).notices] == [NoticeState.TOLD] * 2

    run(main)


@pytest.mark.parametrize("reason", ["answer_unreadable", "answered_html"])
def test_a_later_status_stays_after_an_update_that_was_taken_and_answered_with_what_is_no_yes(
    reason: str,
) -> None:
    async def main() -> None:
        orders = Readable()
        shop = await open_shop(orders=orders)
        orders.late.extend([OrderRefused(reason, lasting=True, may_have_arrived=True)] * 2)
        await pay(shop)
        await quiet(shop)

        orders.status["ord_1"] = LATER
        await settled(shop)

        assert (orders.written, orders.status["ord_1"]) == ([PAID], LATER)
        assert (await payment_of(shop)).notices[0].state is NoticeState.TOLD

    run(main)


def test_a_later_status_stays_though_a_refund_that_fails_is_called_like_a_payment() -> None:
    async def main() -> None:
        orders = Readable()
        policy = Policy(order_status_refunded="REFUNDED", order_status_refund_failed=PAID)
        shop = await open_shop(policy, orders=orders)
        orders.late.append(NoNews("timeout"))
        await pay(shop)
        await quiet(shop)

        orders.status["ord_1"] = LATER
        await settled(shop)

        assert (orders.written, orders.status["ord_1"]) == ([PAID], LATER)

    run(main)
