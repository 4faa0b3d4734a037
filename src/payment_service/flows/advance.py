"""The one corridor: the only place that asks the outside for an effect and commits what came of it.

Write down what you are about to do. Do it. Write down what you learned. Owe the rest to the outbox.
A request, an event and the worker differ only in how they get here.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from payment_service.domain import corridor, corridor_customers
from payment_service.domain.call import LAPSED
from payment_service.domain.corridor_refunds import lease_of
from payment_service.domain.customer import Customer
from payment_service.domain.errors import NotFound
from payment_service.domain.moment import Door, Moment
from payment_service.domain.news import CustomerSeen, News, NoNews, NotExecuted, NothingFound
from payment_service.domain.payment import Payment
from payment_service.domain.steps import (
    EmailStep,
    FindCustomer,
    FindDisputes,
    FindIntent,
    FindRefunds,
    ReadCustomer,
    ReadIntent,
    Step,
    TellOrders,
)
from payment_service.flows.guard_cards import note_refusals
from payment_service.flows.hold_email import hold_email
from payment_service.flows.mended import heard_back
from payment_service.flows.newest import newest
from payment_service.flows.stripe_time import know_time
from payment_service.flows.world import World
from payment_service.ports import (
    AlreadyExists,
    Collection,
    Document,
    StoreUnavailable,
    VersionConflict,
)
from payment_service.storage.collections import CUSTOMERS, PAYMENTS

D = TypeVar("D", Payment, Customer)

# Steps without effect, which only say what was there when they were made.
LOOKS = (ReadIntent, FindIntent, FindRefunds, FindCustomer)
# Looks that are followed whatever they show: to be right, nothing may have been written since.
EXACT_LOOKS = (FindDisputes, ReadCustomer)

# Each lost race means that another writer won, so this many in a row is not contention.
LOST_RACES_MAX = 1000


@dataclass(frozen=True, slots=True)
class Corridor(Generic[D]):
    """The rules by which one kind of document goes on."""

    collection: Collection[D]
    next_step: Callable[[D, Moment], Step | None]
    asking: Callable[[D, Any, Moment], D]
    decide: Callable[[D, Any, News, Moment], D]
    orphaned: Callable[[D, Moment], D]


PAYMENT: Corridor[Payment] = Corridor(
    PAYMENTS, corridor.next_step, corridor.asking, corridor.decide, corridor.orphaned
)
CUSTOMER: Corridor[Customer] = Corridor(
    CUSTOMERS,
    corridor_customers.next_step,
    corridor_customers.asking,
    corridor_customers.decide,
    corridor_customers.orphaned,
)


@dataclass(frozen=True, slots=True)
class Claimed(Generic[D]):
    """A document as written, and the step that was claimed in the same write, if any.

    until: when the step may not leave any more.
    """

    doc: D
    step: Step | None
    until: datetime | None = None


def claim(way: Corridor[D], doc: D, moment: Moment) -> Claimed[D]:
    """Return the document with its next step written ahead; nothing has left the process yet."""
    step = way.next_step(doc, moment)
    if step is None:
        return Claimed(doc, None)
    # The claim on a notice may last for longer. It leaves as early as anything else all the same:
    # a word that was held up for long may have stopped being true.
    leaves_within_s = min(lease_of(step, moment.policy), moment.policy.lease_s)
    until = moment.now + timedelta(seconds=leaves_within_s)
    return Claimed(way.asking(doc, step, moment), step, until)


async def commit(
    world: World,
    way: Corridor[D],
    doc: D,
    change: Callable[[D, Moment], D],
    door: Door,
    *,
    goes_on: bool = True,
) -> Claimed[D]:
    """Write the change, and the claim of the step after it, onto the newest version there is.

    The loser of a race reloads and decides again. goes_on: False leaves the step after it to
    whoever comes next, and whatever the time is. Raises what `change` raises, StoreUnavailable,
    GatewayUnavailable: Stripe's time is not known; NotFound: a customer was forgotten meanwhile.
    """
    for _ in range(LOST_RACES_MAX):
        if goes_on:
            await know_time(world)
        moment = world.moment(door)
        changed = change(doc, moment)
        next_claim = claim(way, changed, moment) if goes_on else Claimed(changed, None)
        if next_claim.doc is doc:
            return next_claim
        written = replace(next_claim.doc, version=doc.version + 1)
        try:
            await world.store.replace(way.collection, written, expected_version=doc.version)
        except VersionConflict:
            doc = await reload(world, way, doc)
            continue
        except AlreadyExists as error:  # of two that were faster than the look before, one has it
            raise StoreUnavailable("another document is this customer of Stripe's") from error
        world.witness.saw(doc, written, door)
        world.changes.written(place(way.collection, written), written)
        await note_refusals(world, doc, written)
        return replace(next_claim, doc=written)
    raise StoreUnavailable(f"lost {LOST_RACES_MAX} races for one document")


async def advance(
    world: World,
    way: Corridor[D],
    claimed: Claimed[D],
    door: Door,
    *,
    bearer_token: str | None = None,
) -> D:
    """Carry out the claimed step, commit what came of it, and so on until nothing is due.

    Nobody waits for the OrderService, neither a payer nor a payment in doubt that is due behind
    this one: that goes on in the background.
    """
    while claimed.step is not None:
        if isinstance(claimed.step, TellOrders):
            world.background.spawn(_tell(world, way, claimed, claimed.step, bearer_token))
            return claimed.doc
        claimed = await take_step(world, way, claimed, claimed.step, door, bearer_token)
    return claimed.doc


async def _tell(
    world: World, way: Corridor[D], claimed: Claimed[D], step: TellOrders, bearer_token: str | None
) -> None:
    told = await take_step(world, way, claimed, step, Door.WORKER, bearer_token)
    assert isinstance(told.doc, Payment), "only payments owe notices"
    await heard_back(world, told.doc, step.key, was_refused=_was_refused(claimed.doc, step))
    await advance(world, way, told, Door.WORKER, bearer_token=bearer_token)


def _was_refused(doc: Document, step: TellOrders) -> bool:
    notices = doc.notices if isinstance(doc, Payment) else ()
    return any(n.call.key == step.key and n.failure is not None for n in notices)


async def take_step(
    world: World,
    way: Corridor[D],
    claimed: Claimed[D],
    step: Step,
    door: Door,
    bearer_token: str | None = None,
) -> Claimed[D]:
    """Carry out the claimed step and commit what came of it; raises what `commit` raises."""

    def heard(news: News) -> Callable[[D, Moment], D]:
        def change(doc: D, moment: Moment) -> D:
            news_now = still_true(news, doc)
            # Whoever took the lapsed claim over knows no less; its own claim must stand.
            taken_over = doc.version != claimed.doc.version and _lapsed(world, claimed)
            if taken_over and isinstance(news_now, NoNews | NotExecuted):
                return doc
            return way.decide(doc, step, news_now, moment)

        return change

    def still_true(news: News, doc: D) -> News:
        # A look that outlived its claim was overtaken if somebody wrote since: what it did not
        # see may have been done after it.
        if doc.version == claimed.doc.version:
            return news
        overtaken = _lapsed(world, claimed) and isinstance(step, LOOKS)
        return NoNews("overtaken") if overtaken or isinstance(step, EXACT_LOOKS) else news

    try:
        with _under_way(world, way, claimed.doc, step):
            news = await _perform(world, claimed, step, bearer_token)
    except asyncio.CancelledError:  # we are being stopped: give the claim back, in doubt
        stopped = heard(NoNews("stopped"))
        await asyncio.shield(commit(world, way, claimed.doc, stopped, door, goes_on=False))
        raise
    return await commit(world, way, claimed.doc, heard(news), door)


@contextmanager
def _under_way(world: World, way: Corridor[D], doc: D, step: Step) -> Iterator[None]:
    """Tell this process's other walkers to keep away, even if the clock says the claim lapsed.

    Only of what is asked of Stripe: an OrderService that hangs must hold up nobody.
    """
    if isinstance(step, TellOrders):
        yield
        return
    here = place(way.collection, doc)
    world.under_way[here] += 1
    try:
        yield
    finally:
        world.under_way[here] -= 1
        if not world.under_way[here]:
            del world.under_way[here]


def place(collection: Collection[Any], doc: Document) -> str:
    """Return the name of a document among all documents."""
    return f"{collection.name}/{doc.id}"


async def _perform(world: World, claimed: Claimed[D], step: Step, bearer_token: str | None) -> News:
    def is_ours() -> bool:
        # Whoever slept through its own claim (a stopped process, a machine that stood still) must
        # not send, for others may be at it already. The lease also bounds how old a key may become
        # between the decision to use it and its request.
        return not _lapsed(world, claimed)

    if not is_ours():
        return NotExecuted(LAPSED)
    if isinstance(step, TellOrders):
        return await world.orders.tell(step, bearer_token=bearer_token, leave_while=is_ours)
    if isinstance(step, EmailStep):
        return await hold_email(world, step)
    news = await world.gateway.ask(step, leave_while=is_ours)
    if isinstance(step, FindCustomer) and isinstance(news, CustomerSeen):
        return await _unless_anothers(world, claimed.doc, news)
    return news


async def _unless_anothers(world: World, doc: Document, news: CustomerSeen) -> News:
    """Return what was found for a document, unless it is another document's customer already."""
    other = await world.store.find_one(CUSTOMERS, "stripe_id", news.customer.id)
    return news if other is None or other.id == doc.id else NothingFound(news.request_id)


def _lapsed(world: World, claimed: Claimed[D]) -> bool:
    """Whether a claim may be over: judged by the latest that it can be."""
    return claimed.until is not None and world.clock.latest() >= claimed.until


async def reload(world: World, way: Corridor[D], doc: D) -> D:
    """Return the newest version. Raises NotFound: a customer was forgotten meanwhile."""
    found = await newest(world.store, way.collection, doc.id)
    if found is None and isinstance(doc, Customer):
        raise NotFound("This customer was forgotten.")
    assert found is not None, "a payment was removed"
    return found
