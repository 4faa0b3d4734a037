"""More mistakes put in on purpose: about events, holds, refunds that come back, and disputes."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from payment_service.domain import event as events
from payment_service.domain.cursor import LEASE_S, Cursor, window
from payment_service.domain.event import EventState, Topic
from payment_service.domain.moment import Door, Moment
from payment_service.domain.news import (
    Denial,
    DisputesSeen,
    IntentSeen,
    News,
    NoNews,
    OrderRefused,
    OrderTold,
    RefundsSeen,
    Rejected,
    SeenEvent,
)
from payment_service.domain.payment import Payment, State
from payment_service.domain.steps import (
    CancelIntent,
    CaptureIntent,
    GatewayStep,
    ReadIntent,
    TellOrders,
)
from payment_service.flows.advance import PAYMENT, commit
from payment_service.flows.apply_event import apply_seen
from payment_service.flows.look_at import NotSeen
from payment_service.flows.payment_of_event import payment_of_event
from payment_service.flows.read_lists import BACK_FILL_LAG_S
from payment_service.flows.take_event import take_event
from payment_service.flows.world import World
from payment_service.ports import (
    AlreadyExists,
    Collection,
    Gateway,
    LeaveWhile,
    Orders,
    Unavailable,
)
from payment_service.storage.collections import CURSORS, EVENTS
from tests.simulation.planted import asking
from tests.simulation.town import Variant


async def answered_first(world: World, seen: SeenEvent, door: Door) -> None:
    """Say 200, and keep the event afterwards."""
    world.background.spawn(take_event(world, seen, door))


async def seen_is_done(world: World, seen: SeenEvent, door: Door) -> None:
    """Note that the event was seen, and never look at it again, whether it was applied or not."""
    moment = world.moment(door)
    event = events.ended(events.taken(seen, moment), EventState.APPLIED, moment)
    with suppress(AlreadyExists):
        await world.store.insert(EVENTS, event)
        world.background.spawn(_applied_from_memory(world, seen, door))


async def _applied_from_memory(world: World, seen: SeenEvent, door: Door) -> None:
    with suppress(NotSeen, Unavailable):
        await apply_seen(world, seen, door)


async def snapshot_is_truth(world: World, seen: SeenEvent, door: Door) -> None:
    """Believe what the event says, without looking at Stripe."""
    moment = world.moment(door)
    event = events.ended(events.taken(seen, moment), EventState.APPLIED, moment)
    with suppress(AlreadyExists):
        await world.store.insert(EVENTS, event)
    if events.topic_of(seen.type) is not Topic.INTENT or seen.status not in set(State):
        return
    with suppress(NotSeen):
        payment = await payment_of_event(world, seen)
        if payment is not None:
            await commit(world, PAYMENT, payment, _as_told(seen), door, goes_on=False)


def _as_told(seen: SeenEvent) -> Any:
    def told(payment: Payment, moment: Moment) -> Payment:
        told = replace(payment, status=State(seen.status or ""), attempt=None, look_at=None)
        return replace(told, intent_id=seen.intent_id)

    return told


async def capture_failed(gateway: Gateway, step: GatewayStep) -> News:
    """Take a capture without an answer for one that failed, and do not see that it did not.

    The next one has a fresh key.
    """
    news = await gateway.ask(step)
    is_look = isinstance(step, ReadIntent) and step.key is None
    if is_look and isinstance(news, IntentSeen) and news.intent.status == "succeeded":
        return NoNews("not seen")
    if isinstance(news, NoNews) and isinstance(step, CaptureIntent):
        return Rejected(Denial("processor_error", "Stripe did not answer."))
    return news


async def cancel_always_wins(gateway: Gateway, step: GatewayStep) -> News:
    """Take what cannot be cancelled any more for cancelled: it is over, after all."""
    news = await gateway.ask(step)
    if isinstance(step, CancelIntent) and isinstance(news, Rejected) and news.intent:
        return IntentSeen(replace(news.intent, status="canceled"))
    return news


async def returned_refund(gateway: Gateway, step: GatewayStep) -> News:
    """Never take back that a refund succeeded, though the bank returned it."""
    news = await gateway.ask(step)
    if not isinstance(news, RefundsSeen):
        return news
    given = (replace(r, status="succeeded") if r.status == "failed" else r for r in news.refunds)
    return replace(news, refunds=tuple(given))


async def no_disputes(gateway: Gateway, step: GatewayStep) -> News:
    """See no dispute, so that the money may be given back a second time."""
    news = await gateway.ask(step)
    return replace(news, disputes=()) if isinstance(news, DisputesSeen) else news


async def held_for_ever(gateway: Gateway, step: GatewayStep) -> News:
    """Go on showing a hold that has lapsed."""
    news = await gateway.ask(step)
    if isinstance(news, IntentSeen) and news.intent.cancellation_reason == "expired":
        return replace(news, intent=replace(news.intent, status="requires_capture"))
    return news


class Hasty:
    """The Store port, on which a cursor moves on before what it has read is kept."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def replace(
        self, collection: Collection[Any], doc: Any, *, expected_version: int
    ) -> None:
        """Write the claim of a window as if the window had been read."""
        if collection.name == CURSORS.name:
            doc = await self._moved(doc)
        await self._store.replace(collection, doc, expected_version=expected_version)

    async def _moved(self, cursor: Cursor) -> Cursor:
        before = await self._store.get(CURSORS, cursor.id)
        if before is None or before.read_until != cursor.read_until:
            return cursor
        claimed_at = cursor.due_at - timedelta(seconds=LEASE_S)
        read = window(cursor, claimed_at, lag_s=BACK_FILL_LAG_S)
        return replace(cursor, read_until=read[1]) if read else cursor


ANSWERED_FIRST: Final = Variant("an event is answered before it is kept", take=answered_first)
SEEN_IS_DONE: Final = Variant("an event that was seen is done", take=seen_is_done)
SNAPSHOT: Final = Variant("an event is believed", take=snapshot_is_truth)
CAPTURE_FAILED: Final = Variant(
    "a capture in doubt is taken for failed", gateway=asking(capture_failed)
)
CANCEL_WINS: Final = Variant("a cancellation always wins", gateway=asking(cancel_always_wins))
RETURNED: Final = Variant("a refund never comes back", gateway=asking(returned_refund))
NO_DISPUTES: Final = Variant("disputes are not looked at", gateway=asking(no_disputes))
HELD: Final = Variant("a lapsed hold is held", gateway=asking(held_for_ever))
HASTY: Final = Variant("the cursor moves first", store=Hasty)
STANDING_CLOCK: Final = Variant("the clock stands while its owner does", clock_stands=True)


class GivesUp:
    """The Orders port, with a mistake: what is not found will never be found."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    @property
    def needs_callers_token(self) -> bool:
        """As the port has it."""
        return self._orders.needs_callers_token

    async def tell(
        self, step: TellOrders, *, bearer_token: str | None, leave_while: LeaveWhile | None = None
    ) -> News:
        """Deliver one update, or let it go at a 404."""
        news = await self._orders.tell(step, bearer_token=bearer_token, leave_while=leave_while)
        is_missing = isinstance(news, OrderRefused) and news.reason == "http_404"
        return OrderTold() if is_missing else news


DROPPED_ON_404 = Variant("notice dropped on 404", orders=GivesUp)
