"""What the auditor is shown of a life when it is over: the outside, and the raw documents."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from payment_service.domain.customer import Customer
from payment_service.domain.errors import NotFound
from payment_service.domain.payment import Payment
from payment_service.flows.find_payment import find_payment
from payment_service.flows.keep_customer import get_customer
from payment_service.flows.world import World
from payment_service.records import to_json
from stripe_sandbox.engine import Engine, Request
from tests.parts.virtual_time import epoch_s
from tests.simulation.clients import Clients, Conversation
from tests.simulation.inbox import Update


@dataclass(frozen=True, slots=True)
class CustomerAtStripe:
    """A customer as Stripe has it."""

    email: str
    cards: frozenset[str]
    default_card: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it. `shown`: what the service shows of each order or e-mail, None for nothing."""

    ledger: dict[str, Any]
    customers: list[CustomerAtStripe]
    told: list[Conversation]
    inbox: list[Update]
    shown: dict[str, Payment | None]
    shown_customers: dict[str, Customer | None]
    documents: list[bytes]
    at_rest: bool


async def gather(clients: Clients, *, at_rest: bool) -> Evidence:
    """Take the last look and collect what there is."""
    town = clients.town
    orders = {talk.order_id for talk in clients.conversations if talk.wish == "pay"}
    shown = {order: await clients.look(_look_at(order)) for order in sorted(orders)}
    emails = sorted(set(clients.emails))
    customers = {email: await clients.look(_look_at_customer(email)) for email in emails}
    return Evidence(
        ledger=town.engine.ledger(),
        customers=[one for email in emails for one in _customers(town.engine, email)],
        told=clients.conversations,
        inbox=town.inbox.accepted,
        shown=shown,
        shown_customers=customers,
        documents=[to_json(doc) for doc in town.shelf.newest.values()],
        at_rest=at_rest,
    )


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
