"""Apply an event: fetch what it names, and walk that through the corridor like any other news."""

from collections.abc import Callable
from dataclasses import replace

from payment_service.domain import event as events
from payment_service.domain.event import Event, EventState, Topic
from payment_service.domain.moment import Door, Moment
from payment_service.domain.news import EventsSeen, Rejected, SeenEvent
from payment_service.domain.payment import Payment
from payment_service.domain.steps import ReadNamed
from payment_service.flows.follow_customer import follow_customer
from payment_service.flows.look_at import NotSeen, look_at_disputes, look_at_intent, look_at_refunds
from payment_service.flows.payment_of_event import payment_of_event
from payment_service.flows.world import World
from payment_service.ports import MAY_WAIT, Unavailable, VersionConflict
from payment_service.storage.collections import EVENTS


async def apply_in_line(world: World, event: Event) -> None:
    """Apply an event that the caller has claimed, when its turn comes; write down how it went.

    Never raises: what cannot be applied now is put off, and is dead at the end of all patience.
    """
    MAY_WAIT.set(True)  # a flood of events must not hold up payers; this task is the event's own
    async with world.appliers:
        if event.due_at is None or world.clock.latest() >= event.due_at:
            return  # it waited too long in line: it is due for whoever looks next
        try:
            state = await apply_seen(world, event.seen, event.door)
            change = _as_ended(state)
        except (NotSeen, Unavailable) as error:
            change = _as_put_off(str(error))
        except Exception as error:  # noqa: BLE001 - the loop edge of events: one, not all of them
            world.witness.stumbled(event.id, error)
            change = _as_put_off(type(error).__name__)
        try:
            await _write(world, event, change)
        except Unavailable:  # the claim lapses, and somebody applies it again
            return


async def apply_seen(world: World, seen: SeenEvent, door: Door) -> EventState:
    """Return what became of it: applied, foreign, or ignored.

    Raises NotSeen, Unavailable: not yet; the same again later is right.
    """
    topic = events.topic_of(seen.type)
    if events.is_ignored(seen):
        return EventState.IGNORED
    if seen.object_type is not None:
        return await _apply_thin(world, seen, seen.object_type, door)
    if topic is Topic.CUSTOMER:
        return await follow_customer(world, seen, door)
    payment = await payment_of_event(world, seen)
    if payment is None:
        return EventState.FOREIGN
    if seen.intent_id is None:  # it bears our mark and says not what of ours it is about
        return EventState.IGNORED
    if not events.is_old_news(payment, seen):
        await _look(world, payment, topic, seen.intent_id, door)
    return EventState.APPLIED


async def _look(
    world: World, payment: Payment, topic: Topic | None, intent_id: str, door: Door
) -> None:
    match topic:
        case Topic.INTENT:
            await look_at_intent(world, payment, intent_id, door)
        case Topic.REFUNDS if intent_id == payment.intent_id:
            await look_at_refunds(world, payment, intent_id, door)
        case Topic.DISPUTES if intent_id == payment.intent_id:
            await look_at_disputes(world, payment, intent_id, door)
        case _:  # of a PaymentIntent that the order has left behind, or not adopted yet
            payment = await look_at_intent(world, payment, intent_id, door)
            if payment.intent_id == intent_id:
                raise NotSeen("adopted_just_now")


async def _apply_thin(world: World, thin: SeenEvent, object_type: str, door: Door) -> EventState:
    """Apply a thin event: fetch what it names, and go on as with an event that carries it."""
    event_type = thin.type.removeprefix(events.THIN_PREFIX)
    news = await world.gateway.ask(ReadNamed(object_type, thin.object_id, event_type))
    match news:
        case EventsSeen(events=(named,)):
            whole = replace(named, id=thin.id, livemode=thin.livemode)
        case Rejected():  # there is no such object, or not on our account
            return EventState.IGNORED
        case _:
            raise NotSeen(getattr(news, "reason", None) or type(news).__name__)
    if events.is_foreign(whole, service=world.service, livemode=world.livemode):
        return EventState.FOREIGN
    return await apply_seen(world, whole, door)


def _as_ended(state: EventState) -> Callable[[Event, Moment], Event]:
    return lambda event, moment: events.ended(event, state, moment)


def _as_put_off(why: str) -> Callable[[Event, Moment], Event]:
    return lambda event, moment: events.put_off(event, why, moment)


async def _write(world: World, event: Event, change: Callable[[Event, Moment], Event]) -> None:
    """Write how it went, unless another one that applied it was faster."""
    current: Event | None = event
    while current is not None and current.state is EventState.KEPT:
        changed = change(current, world.moment(current.door))
        written = events.next_version(changed)
        try:
            await world.store.replace(EVENTS, written, expected_version=current.version)
        except VersionConflict:
            current = await world.store.get(EVENTS, event.id)
            continue
        outcome = "put_off" if written.state is EventState.KEPT else str(written.state)
        world.witness.heard(outcome, written.seen, written.door)
        return
