"""Catch up from Stripe: make the documents again that an older or lost database lacks.

Called before any door opens, so that no order is charged again which Stripe has charged already.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from payment_service.domain.event import is_foreign
from payment_service.domain.moment import Door, Moment
from payment_service.domain.news import EventsSeen, Intent, IntentSeen, RefundsSeen, SeenEvent
from payment_service.domain.payment import Payment
from payment_service.domain.refund import Refund
from payment_service.domain.refund_place import RefundPlace
from payment_service.domain.restoring import (
    gone_on,
    refund_of,
    restored,
    with_keys_left_out,
)
from payment_service.domain.steps import FindRefunds, ListMade, ReadIntent
from payment_service.flows.advance import PAYMENT, commit
from payment_service.flows.apply_event import apply_seen
from payment_service.flows.look_at import NotSeen, look_at_intent
from payment_service.flows.world import World
from payment_service.ports import AlreadyExists, GatewayUnavailable
from payment_service.storage.collections import PAYMENTS, REFUND_PLACES

# How wrong the machine's clock may have been when the copy was last written: no machine that talks
# to others keeps such a one for long.
MARGIN = timedelta(days=7)
# Stripe has no PaymentIntents from before.
NO_INTENTS_BEFORE = datetime(2018, 1, 1, tzinfo=UTC)
# A time in which more was made than a look may read is halved. A second is the shortest there is.
SPAN_MIN = timedelta(seconds=1)
INTENT_MADE = "payment_intent."


async def restore_payments(world: World, since: datetime | None) -> int:
    """Bring in what bears our mark and was made at Stripe since then; return of how many orders.

    since: when the database was last written, None when nobody knows. It may be done again from the
    start. Raises Unavailable: it is not done, and no door may open.
    """
    orders: dict[str, None] = {}
    intents: dict[str, None] = {}
    others: list[SeenEvent] = []
    async for seen in _made_since(world, since):
        if is_foreign(seen, service=world.service, livemode=world.livemode) or not seen.intent_id:
            continue
        intents[seen.intent_id] = None
        if seen.order_id and seen.type.startswith(INTENT_MADE):
            orders[seen.order_id] = None
            await _restore(world, seen, seen.order_id, seen.intent_id)
        else:
            others.append(seen)
    for intent_id in intents:
        await _restore_refunds(world, intent_id)
    for seen in others:
        with suppress(NotSeen):  # about nothing of ours; what is ours is looked at by the worker
            await apply_seen(world, seen, Door.SWEEP)
    for order_id in orders:
        await _leave_keys_out(world, order_id)
    return len(orders)


async def _made_since(world: World, since: datetime | None) -> AsyncIterator[SeenEvent]:
    """Yield what was made, the oldest first. Raises GatewayUnavailable."""
    begin = NO_INTENTS_BEFORE if since is None else since - MARGIN
    # Whatever it shows, its answer says what time it is at Stripe.
    await world.gateway.ask(ListMade(begin, begin + SPAN_MIN))
    end = world.clock.latest() + MARGIN
    if begin >= end:  # a time that has not come yet says nothing of when that was
        begin = NO_INTENTS_BEFORE
    span = end - begin
    while begin < end:
        until = min(begin + span, end)
        news = await world.gateway.ask(ListMade(begin, until))
        if isinstance(news, EventsSeen):
            for seen in news.events:
                yield seen
            begin, span = until, span * 2
        elif span <= SPAN_MIN:
            raise GatewayUnavailable("Stripe does not list what was made since")
        else:
            span /= 2


async def _restore(world: World, seen: SeenEvent, order_id: str, intent_id: str) -> None:
    intent = await _intent(world, order_id, intent_id)
    known = await world.store.get(PAYMENTS, order_id)
    if known is None:
        payment = restored(order_id, intent, seen.happened_at, world.moment(Door.SWEEP))
        if payment is not None:
            await world.store.insert(PAYMENTS, payment)
            world.witness.saw(None, payment, Door.SWEEP)
        return

    def go_on(payment: Payment, moment: Moment) -> Payment:
        return gone_on(payment, intent, moment)

    claimed = await commit(world, PAYMENT, known, go_on, Door.SWEEP, goes_on=False)
    with suppress(NotSeen):  # then the worker looks at it, which is due
        await look_at_intent(world, claimed.doc, intent_id, Door.SWEEP)


async def _intent(world: World, order_id: str, intent_id: str) -> Intent:
    news = await world.gateway.ask(ReadIntent(order_id, intent_id))
    if not isinstance(news, IntentSeen):
        raise GatewayUnavailable(f"Stripe does not show {intent_id}")
    return news.intent


async def _restore_refunds(world: World, intent_id: str) -> None:
    """Enter our own refunds under our own references, so that asking again finds them."""
    payment = await world.store.find_one(PAYMENTS, "intent_id", intent_id)
    if payment is None:
        return
    news = await world.gateway.ask(FindRefunds(payment.id, intent_id))
    if not isinstance(news, RefundsSeen):
        raise GatewayUnavailable(f"Stripe does not list the refunds of {intent_id}")
    found = [refund for one in news.refunds if (refund := refund_of(payment, one))]
    for refund in found:
        await _place(world, payment, refund)

    def with_refunds(current: Payment, moment: Moment) -> Payment:
        current = replace(current, refunds=(*current.refunds, *found))
        return PAYMENT.decide(current, FindRefunds(payment.id, intent_id), news, moment)

    await commit(world, PAYMENT, payment, with_refunds, Door.SWEEP, goes_on=False)


async def _place(world: World, payment: Payment, refund: Refund) -> None:
    place = RefundPlace(refund.id, 0, payment.id, refund.created_at)
    with suppress(AlreadyExists):
        await world.store.insert(REFUND_PLACES, place)


async def _leave_keys_out(world: World, order_id: str) -> None:
    payment = await world.store.get(PAYMENTS, order_id)
    if payment is not None:  # else its key was none of ours
        await commit(world, PAYMENT, payment, with_keys_left_out, Door.SWEEP, goes_on=False)
