"""What operators do in a life: they forget customers, and move the shop to another database."""

import asyncio
from datetime import datetime
from typing import Any, Final

from payment_service.adapters.sqlite import open_store
from payment_service.domain.card_refusals import Kind, Suspect
from payment_service.domain.customer import Customer
from payment_service.domain.errors import TooManyCardRefusals
from payment_service.flows.copy_shop import compare_shops, copy_shop
from payment_service.flows.find_refund import find_refund
from payment_service.flows.forget_customer import forget_customer
from payment_service.flows.guard_cards import lift_pause
from payment_service.flows.world import World
from payment_service.records import to_json
from payment_service.storage.collections import COLLECTIONS
from tests.parts.virtual_time import VirtualClock
from tests.simulation.clients import Clients
from tests.simulation.kinds import COPIED, FORGOTTEN, PAUSED
from tests.simulation.stories import AMOUNT, CARDS, EMAIL, ORDER
from tests.simulation.talking import Conversation, deadline, word_of_refund

# The last write of a killed process has reached the store by then, or never does.
QUIET_S: Final = 2.0
# Cards that may be refused before there is a pause, and what is tried all the same.
REFUSALS_MAX: Final = 3
TRIES: Final = 6
GUARDED: Final = {"card_refusals_max": REFUSALS_MAX}
_PAUSED_WORD: Final = f"refused_{TooManyCardRefusals.code}"


async def customer_forgotten(clients: Clients, card: str) -> None:
    """A customer pays, is forgotten while a refund is under way, and comes back as somebody new."""
    customer_id = await clients.customer(EMAIL)
    if customer_id is None:
        return
    await clients.attach(customer_id, card)
    await clients.pay(ORDER, AMOUNT, None, customer_id)
    await asyncio.gather(clients.refund(ORDER, 300, "rfd_1"), forget(clients, EMAIL))
    await asyncio.sleep(60)
    await forget(clients, EMAIL)
    await clients.pay("order-2", AMOUNT, card, customer_id)
    again = await clients.customer(EMAIL)
    if again is not None:
        await clients.pay("order-3", AMOUNT, card, again)


async def customer_comes_and_goes(clients: Clients, _card: str) -> None:
    """A customer is made, and forgotten before anything is bought."""
    await clients.customer(EMAIL)
    await forget(clients, EMAIL)


async def card_comes_and_goes(clients: Clients, card: str) -> None:
    """A customer adds a card and takes it away again."""
    customer_id = await clients.customer(EMAIL)
    added = await clients.attach(customer_id, card) if customer_id else None
    if customer_id and added:
        await clients.detach(customer_id, added)


async def forget(clients: Clients, email: str) -> str:
    """Forget a customer; return the last word. When it is `done`, nothing is left of the person."""

    async def ask(world: World) -> str:
        await forget_customer(
            world, email, who="an operator", why="asked to", deadline=deadline(world)
        )
        return "done"

    customers = [doc for doc in clients.town.shelf.newest.values() if isinstance(doc, Customer)]
    ids = {doc.customer_id for doc in customers if doc.email == email}
    word = await clients.talk(Conversation("forget", email, 0), ask)
    if word == "done":
        clients.town.happened.add(FORGOTTEN)
        clients.contradictions += _left_of(clients, email, ids)
    return word


def _left_of(clients: Clients, email: str, ids: set[str | None]) -> list[str]:
    documents = [to_json(doc) for doc in clients.town.shelf.newest.values()]
    found = [f"8 {email} was forgotten and is in a document" for d in documents if _has(d, email)]
    at_stripe = ids & clients.outside.customers()
    return [*found, *(f"8 {one} was forgotten and is at Stripe" for one in at_stripe)]


def _has(document: bytes, text: str) -> bool:
    return text.encode() in document


async def moves_house(clients: Clients, card: str) -> None:
    """The service is stopped in the middle of things, its documents copied, and it goes on."""
    paying = asyncio.ensure_future(clients.pay(ORDER, AMOUNT, card))
    await asyncio.sleep(0.15)
    await move(clients)
    await paying
    await clients.refund(ORDER, 300, "rfd_1")
    await move(clients)
    await clients.refund(ORDER, None, "rfd_2")


async def move(clients: Clients) -> None:
    """Stop every process, copy the shop to another store, compare both, and go on there."""
    town = clients.town
    async with town.closed:
        for _ in range(2):  # what was just starting is up, or dead, by the second time
            for process in town.processes:
                process.die()
            await asyncio.sleep(QUIET_S)
        source: Any = town.shelf.raw
        target = open_store(":memory:", COLLECTIONS)
        await target.ensure_schema()
        now: datetime = VirtualClock().now()
        await copy_shop(source, target, COLLECTIONS, now, _silent)
        compared = await compare_shops(source, target, COLLECTIONS, now, _silent)
        clients.contradictions += [f"a copy differs: {one}" for one in compared.differences]
        town.shelf.raw = target
        town.happened.add(COPIED)


def _silent(name: str, done: int, *, is_all: bool) -> None:
    """Tell nobody how far the copy is."""


async def cards_tried(clients: Clients, card: str) -> None:
    """Somebody tries one card after the other, until an operator lifts the pause."""
    customer_id = await clients.customer(EMAIL)
    if customer_id is None:
        return
    for _ in range(TRIES):
        if await clients.pay(ORDER, AMOUNT, card, customer_id) == _PAUSED_WORD:
            clients.town.happened.add(PAUSED)
    tried = clients.outside.refused_charges(ORDER)
    # Each process may let one more through, and a count that could not be written is not there.
    more = len(clients.town.processes) - 1 + len(clients.town.shelf.trouble.faults.hits)
    more += len(clients.town.line.faults.hits)
    if tried > REFUSALS_MAX + more:
        clients.contradictions.append(f"{tried} cards were tried, of {REFUSALS_MAX} that may be")

    async def lift(world: World) -> str:
        await lift_pause(world.store, Suspect(Kind.CUSTOMER, customer_id))
        return "done"

    await clients.talk(Conversation("lift", EMAIL, 0), lift)
    await clients.pay(ORDER, AMOUNT, CARDS["visa"], customer_id)


async def refunded_by_hand(clients: Clients, card: str) -> None:
    """Somebody refunds a part in the dashboard, and asks us for it by the id that Stripe shows."""
    await clients.pay(ORDER, AMOUNT, card)
    made = clients.outside.refunds_by_hand(ORDER, clients.prices.minor(ORDER, 300))
    if made is None:
        return

    async def ask(world: World) -> str:
        _, found = await find_refund(world, made)
        return word_of_refund(found)

    for _ in range(2):
        await clients.talk(Conversation("find_refund", ORDER, 0), ask)
        await clients.go_away(3600)
    # Where nothing tells us of it, what we look at because of our own shows it.
    await clients.refund(ORDER, 100, "rfd_1")
