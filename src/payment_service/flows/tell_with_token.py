"""Tell the OrderService what an order owes it, with the token of somebody who asks about the order.

Where we have no credentials of our own for it the caller's are passed on, and never kept: what
could not be told with one waits for the next caller who brings one.
"""

from dataclasses import replace

from payment_service.domain.moment import Door, Moment
from payment_service.domain.notice import due_with_token
from payment_service.domain.payment import Payment
from payment_service.flows.advance import PAYMENT, advance, commit
from payment_service.flows.world import World
from payment_service.storage.collections import PAYMENTS


async def tell_with_token(world: World, order_id: str, token: str) -> None:
    """Try what is owed of this order at once; does nothing when nothing waits for a token.

    Raises Unavailable: it is told later.
    """
    payment = await world.store.get(PAYMENTS, order_id)
    now = world.clock.now()
    if payment is None or _due(payment, world.moment(Door.REQUEST)) is payment:
        return
    if not world.tokens_tried.may_try(order_id, token, now):
        return
    claimed = await commit(world, PAYMENT, payment, _due, Door.REQUEST)
    await advance(world, PAYMENT, claimed, Door.WORKER, bearer_token=token)


def _due(payment: Payment, moment: Moment) -> Payment:
    notices = tuple(due_with_token(notice, moment.now) for notice in payment.notices)
    return payment if notices == payment.notices else replace(payment, notices=notices)
