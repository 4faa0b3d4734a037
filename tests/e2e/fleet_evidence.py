"""What the auditor is shown of a fleet: Stripe's books, what was told, and the database itself."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from payment_service.domain.event import Event, EventState
from payment_service.domain.payment import Payment
from payment_service.domain.refund import RefundStatus
from payment_service.ports import Collection, ColumnValue, Document, Page
from payment_service.records import to_json
from payment_service.storage.collections import EVENTS, PAYMENTS
from tests.parts.at_stripe import AtStripe
from tests.parts.http import Caller
from tests.parts.shoppers import Shopper
from tests.parts.stored import stored_customer
from tests.simulation.evidence import CustomerAtStripe, Evidence
from tests.simulation.inbox import Update
from tests.simulation.post import Acknowledged
from tests.simulation.rest import owed_at

D = TypeVar("D", bound=Document)
LOOK_EVERY_S = 1.0
PAGE = 100
UNSETTLED = frozenset({RefundStatus.ASKING, RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION})


class Readable(Protocol):
    """What is asked of a store here: the store itself, or somebody who reads its file."""

    async def get(self, collection: Collection[D], id: str) -> D | None:
        """Return the document as last committed."""
        ...

    async def page(
        self,
        collection: Collection[D],
        *,
        equal: Mapping[str, ColumnValue],
        created_from: datetime | None,
        created_to: datetime | None,
        cursor: str | None,
        limit: int,
    ) -> Page[D]:
        """Return one page, newest first."""
        ...


async def all_of(store: Readable, collection: Collection[Any]) -> list[Any]:
    """Return every document of a collection."""
    found: list[Any] = []
    cursor: str | None = None
    while True:
        page = await store.page(
            collection, equal={}, created_from=None, created_to=None, cursor=cursor, limit=PAGE
        )
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


async def come_to_rest(
    store: Readable, shoppers: Sequence[Shopper], *, within_s: float
) -> list[Any]:
    """Wait until nothing is owed to any document; return those to which something still is."""
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        documents = [
            *await all_of(store, PAYMENTS),
            *await all_of(store, EVENTS),
            *(await _customers_here(store, shoppers)).values(),
        ]
        owed = [document for document in documents if _is_owed(document)]
        if not owed or asyncio.get_running_loop().time() > deadline:
            return owed
        await asyncio.sleep(LOOK_EVERY_S)


def _is_owed(document: Document | None) -> bool:
    """Whether something must come to an end. A refund that was made is watched for days."""
    if isinstance(document, Event):
        return document.state is EventState.KEPT
    if isinstance(document, Payment) and not any(r.status in UNSETTLED for r in document.refunds):
        document = replace(document, refunds_look_at=None)
    return document is not None and owed_at(document) is not None


async def gather(
    store: Readable,
    stripe: AtStripe,
    orders: Caller,
    shoppers: Sequence[Shopper],
    *,
    at_rest: bool,
) -> Evidence:
    """Collect what there is."""
    ledger = await stripe.ledger()
    # First what was acknowledged, then what is kept: events come in all the time.
    acknowledged = _acknowledged(await stripe.deliveries())
    payments = {payment.id: payment for payment in await all_of(store, PAYMENTS)}
    events = {event.id: event for event in await all_of(store, EVENTS)}
    customers = await _customers_here(store, shoppers)
    told = [talk for shopper in shoppers for talk in shopper.told]
    asked_for = {talk.order_id for talk in told if talk.wish == "pay"}
    documents = [*payments.values(), *events.values(), *filter(None, customers.values())]
    return Evidence(
        ledger=ledger,
        customers=await _customers_at_stripe(stripe, shoppers),
        told=told,
        inbox=_updates((await orders.ask("GET", "/orders")).body, ledger),
        words=frozenset(),
        shown={order: payments.get(order) for order in sorted(asked_for)},
        shown_customers=customers,
        documents=[to_json(document) for document in documents],
        acknowledged=acknowledged,
        events=events,
        changed=frozenset(),
        all_is_heard=False,
        at_rest=at_rest,
    )


async def _customers_here(store: Readable, shoppers: Iterable[Shopper]) -> dict[str, Any]:
    return {one.email: await stored_customer(store, one.email) for one in shoppers}


async def _customers_at_stripe(
    stripe: AtStripe, shoppers: Iterable[Shopper]
) -> list[CustomerAtStripe]:
    return [
        CustomerAtStripe(
            email=shopper.email,
            cards=frozenset(one["cards"]),
            default_card=one["invoice_settings"]["default_payment_method"],
        )
        for shopper in shoppers
        for one in await stripe.customers(shopper.email)
    ]


def _updates(orders: Iterable[dict[str, Any]], ledger: dict[str, Any]) -> list[Update]:
    """Return what the OrderService heard. When it heard it is not known: the end stands for it."""
    taken: dict[str, int] = {}
    for intent in ledger["payment_intents"]:
        order = intent["metadata"].get("order_id")
        taken[order] = taken.get(order, 0) + intent["amount_received"]
    return [
        Update(
            order["orderId"], one["status"], one["idempotencyKey"], taken.get(order["orderId"], 0)
        )
        for order in orders
        for one in order["updates"]
    ]


def _acknowledged(deliveries: Iterable[dict[str, Any]]) -> list[Acknowledged]:
    return [
        Acknowledged(one["event"], one["type"], None)
        for one in deliveries
        if any(attempt["status"] == 200 for attempt in one["attempts"])
    ]
