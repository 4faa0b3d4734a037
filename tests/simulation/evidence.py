"""What the auditor is shown of a life when it is over: the outside, and the raw documents."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote

from payment_service.domain.customer import Customer
from payment_service.domain.errors import NotFound
from payment_service.domain.event import Event
from payment_service.domain.moment import Policy
from payment_service.domain.payment import Payment
from payment_service.flows.find_payment import find_payment
from payment_service.flows.keep_customer import get_customer
from payment_service.flows.world import World
from payment_service.records import to_json
from stripe_sandbox.engine import Engine, Request
from tests.parts.virtual_time import epoch_s
from tests.simulation.clients import Clients
from tests.simulation.inbox import Update
from tests.simulation.post import Acknowledged
from tests.simulation.talking import Conversation
from tests.simulation.town import Town


@dataclass(frozen=True, slots=True)
class CustomerAtStripe:
    """A customer as Stripe has it."""

    email: str
    cards: frozenset[str]
    default_card: str | None


Found = dict[str, Any]
# Refunds of which the payer has the money, or is getting it.
LIVE = frozenset({"succeeded", "pending", "requires_action"})
# Faults after which an event never comes, or comes when the life is over.
UNHEARD = frozenset({"drop", "never_generated", "delay_for_hours"})


@dataclass(frozen=True, slots=True)
class Others:
    """What payers' clients and people in the dashboard did: see `Outside`."""

    confirmed: tuple[tuple[str, str], ...] = ()
    captured: frozenset[str] = frozenset()
    saved: tuple[str, ...] = ()
    chosen: tuple[tuple[str, str], ...] = ()
    refunded: frozenset[str] = frozenset()


# Clocks that are off by more than this may end what nobody has left alone for long.
CLOCKS_AGREE_S = 300
# The fault that answers with a refusal of its own making.
MADE_UP = "declined"
REFUSALS = frozenset({MADE_UP, "rejected", "rejected_unsaved", "unauthorized"})


@dataclass(frozen=True)
class Evidence:
    """All of it. `shown`: what the service shows of each order or e-mail, None for nothing.

    words: what the OrderService is told besides. acknowledged: events that were answered 200;
    events: those that are kept. changed: e-mails of customers whom others changed at Stripe.
    others: what was done at Stripe without us. renamed: which e-mail others gave to which customer,
    by its id. captures_itself: whether the service captures what
    is held before it lapses. clocks_agree: whether our clocks are right enough to say why a payment
    was canceled. answers_are_made_up: whether refusals came that Stripe did not write.
    names_are_refused: whether it may have been the name of a card that Stripe refused.
    all_is_heard: whether Stripe had a way to tell us everything.
    """

    ledger: dict[str, Any]
    customers: list[CustomerAtStripe]
    told: list[Conversation]
    inbox: list[Update]
    words: frozenset[str]
    shown: dict[str, Payment | None]
    shown_customers: dict[str, Customer | None]
    documents: list[bytes]
    acknowledged: list[Acknowledged]
    events: dict[str, Event]
    changed: frozenset[str]
    all_is_heard: bool
    at_rest: bool
    others: Others = Others()
    renamed: Mapping[str, str] = field(default_factory=dict)
    captures_itself: bool = False
    clocks_agree: bool = True
    answers_are_made_up: bool = False
    names_are_refused: bool = False

    def by_order(self) -> dict[str, list[Found]]:
        """Return the PaymentIntents of each order."""
        return self._intents

    @cached_property
    def _intents(self) -> dict[str, list[Found]]:
        orders: dict[str, list[Found]] = {}
        for intent in self.ledger["payment_intents"]:
            orders.setdefault(intent["metadata"].get("order_id"), []).append(intent)
        return orders

    @cached_property
    def talks(self) -> dict[str, list[Conversation]]:
        """What was told of each order, or under whatever else a conversation is filed."""
        talks: dict[str, list[Conversation]] = {}
        for talk in self.told:
            talks.setdefault(talk.order_id, []).append(talk)
        return talks

    def shown_state(self, order: str) -> str:
        """Return the state that the service shows of an order."""
        payment = self.shown.get(order)
        return "nothing" if payment is None else str(payment.state)


def talks_of(seen: Evidence, *wishes: str, order: str | None = None) -> list[Conversation]:
    """Return what was told about these wishes, of one order or of all."""
    told = seen.told if order is None else seen.talks.get(order, ())
    return [talk for talk in told if talk.wish in wishes]


def refunds_of(seen: Evidence, talk: Conversation, *, live: bool) -> list[Found]:
    """Return what Stripe did about this wish. Its id ends the key that Stripe was shown."""
    return [
        refund
        for refund in seen.ledger["refunds"]
        if (refund["status"] in LIVE or not live)
        and refund["metadata"].get("idempotency_key", "").endswith(f"-{talk.refund_id}")
    ]


def refund_asked(seen: Evidence, refund: Found) -> Conversation | None:
    """Return the wish that a refund at Stripe is of."""
    key = refund["metadata"].get("idempotency_key", "")
    talks = talks_of(seen, "refund")
    return next((talk for talk in talks if key.endswith(f"-{talk.refund_id}")), None)


async def gather(clients: Clients, *, at_rest: bool) -> Evidence:
    """Take the last look and collect what there is."""
    town = clients.town
    orders = {talk.order_id for talk in clients.conversations if talk.wish == "pay"}
    shown = {order: await clients.look(_look_at(order)) for order in sorted(orders)}
    emails = sorted({*clients.emails, *clients.outside.renamed.values()})
    customers = {email: await clients.look(_look_at_customer(email)) for email in emails}
    return Evidence(
        ledger=town.engine.ledger(),
        customers=[one for email in emails for one in _customers(town.engine, email)],
        told=clients.conversations,
        inbox=town.inbox.accepted,
        words=frozenset({status for status in _words(town.policy) if status}),
        shown=shown,
        shown_customers=customers,
        documents=[to_json(doc) for doc in town.shelf.newest.values()],
        acknowledged=town.post.acknowledged,
        events={doc.id: doc for doc in town.shelf.newest.values() if isinstance(doc, Event)},
        changed=frozenset(clients.outside.changed),
        all_is_heard=_all_is_heard(town),
        at_rest=at_rest,
        others=Others(
            tuple(clients.outside.confirmed),
            frozenset(clients.outside.captured),
            tuple(clients.outside.saved),
            tuple(clients.outside.chosen),
            frozenset(clients.outside.refunded),
        ),
        renamed=clients.outside.renamed,
        captures_itself=bool(town.policy.hold_auto_capture_s),
        clocks_agree=abs(town.life.skew_s) <= CLOCKS_AGREE_S and not town.life.jump,
        answers_are_made_up=MADE_UP in town.line.faults.hits,
        names_are_refused=not REFUSALS.isdisjoint(town.line.faults.hits),
    )


def _words(policy: Policy) -> tuple[str, ...]:
    return (
        policy.order_status_canceled,
        policy.order_status_refunded,
        policy.order_status_refund_failed,
    )


def _all_is_heard(town: Town) -> bool:
    """Whether nothing that others did at Stripe can have been missed.

    Lists tell of what was made and what happened; only what was never written down is not there.
    """
    hits = set(town.made.counter.hits)
    match town.life.news:
        case "silent":
            return False
        case "webhooks":
            return not hits & UNHEARD
        case _:
            return "never_generated" not in hits


def _look_at(order_id: str) -> Any:
    async def look(world: World) -> Payment | None:
        try:
            return await find_payment(world, order_id)
        except NotFound:
            return None

    return look


def _look_at_customer(email: str) -> Any:
    async def look(world: World) -> Customer | None:
        try:
            return await get_customer(world, email)
        except NotFound:
            return None

    return look


def _customers(engine: Engine, email: str) -> list[CustomerAtStripe]:
    found = _get(engine, "/v1/customers", f"email={quote(email)}&limit=100")
    return [
        CustomerAtStripe(
            email=email,
            cards=frozenset(
                card["id"]
                for card in _get(engine, "/v1/payment_methods", f"customer={one['id']}&type=card")
            ),
            default_card=one["invoice_settings"]["default_payment_method"],
        )
        for one in found
    ]


def _get(engine: Engine, path: str, query: str) -> list[dict[str, Any]]:
    headers = {"authorization": "Bearer sk_test_auditor"}
    answer = engine.handle(Request("GET", path, query, headers, b""), now=epoch_s())
    data: list[dict[str, Any]] = json.loads(answer.body)["data"]
    return data
