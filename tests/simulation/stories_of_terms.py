"""What clients do in a life that asks for everything that can be asked for: words, cards, reasons.

Two customers are there, so that what is meant for one can be seen to reach the other.
"""

import asyncio
from typing import Final

from tests.simulation.clients import Clients
from tests.simulation.stories import AMOUNT, CARDS, EMAIL, ORDER, holder_thinks

OTHER_EMAIL: Final = "b@example.com"
OTHER_ORDER: Final = "order-2"
BACK: Final = "https://shop.example/back"


async def two_people(clients: Clients, card: str) -> tuple[str, str] | None:
    """Make two customers, the first with two cards, of which the second is the default."""
    ada = await clients.customer(EMAIL, "Ada Lovelace")
    grace = await clients.customer(OTHER_EMAIL, "Grace Hopper")
    if ada is None or grace is None:
        return None
    await clients.attach(ada, card, "A Lovelace")
    await clients.attach(ada, CARDS["mastercard"], "Lovelace and Co", is_default=True)
    return ada, grace


async def another_default(clients: Clients, card: str) -> None:
    """Somebody with a card adds another one, which is to be the default."""
    await two_people(clients, card)


async def everything_asked(clients: Clients, card: str) -> None:
    """Each pays an order in a currency of its own, and both get some of it back."""
    people = await two_people(clients, card)
    if people is None:
        return
    ada, grace = people
    await asyncio.gather(
        clients.pay(ORDER, AMOUNT, None, ada, return_url=BACK),
        clients.pay(OTHER_ORDER, 2 * AMOUNT, card, grace),
    )
    await clients.refund(ORDER, 300, "rfd_1", "duplicate")
    await clients.refund(OTHER_ORDER, 700, "rfd_2", "the goods came back")
    await clients.refund(OTHER_ORDER, None, "rfd_3", None)


async def everything_held(clients: Clients, card: str) -> None:
    """One hold is taken in part, the other one is let go of."""
    people = await two_people(clients, card)
    if people is None:
        return
    ada, grace = people
    for order_id, customer in ((ORDER, ada), (OTHER_ORDER, grace)):
        word = await clients.pay(
            order_id, AMOUNT, card, customer, capture_method="manual", return_url=BACK
        )
        if word == "requires_action":
            await holder_thinks(clients, passed=True)
    await asyncio.gather(clients.capture(ORDER, 600), clients.cancel(OTHER_ORDER, "duplicate"))
    await clients.refund(ORDER, 200, "rfd_1", "fraudulent")


async def everything_confirmed(clients: Clients, card: str) -> None:
    """A card is refused while its holder is away, who comes back and names another one."""
    people = await two_people(clients, CARDS["visa"])
    if people is None:
        return
    _, grace = people
    await clients.pay(ORDER, AMOUNT, card, grace, off_session=True, return_url=BACK)
    await asyncio.sleep(3)
    await clients.confirm(ORDER, CARDS["mastercard"])


async def everything_saved(clients: Clients, card: str) -> None:
    """The payer's client saves a card for the second customer, who is charged while away."""
    people = await two_people(clients, CARDS["visa"])
    if people is None:
        return
    _, grace = people
    await clients.set_up(grace)
    await asyncio.sleep(3)
    clients.outside.changed.add(OTHER_EMAIL)
    clients.outside.payer_saves(card)
    await holder_thinks(clients, passed=True)
    await asyncio.sleep(15)
    await clients.pay(ORDER, AMOUNT, None, grace, off_session=True)


async def everything_kept(clients: Clients, card: str) -> None:
    """Both customers save a card; the second one pays with hers."""
    people = await two_people(clients, CARDS["visa"])
    if people is None:
        return
    _, grace = people
    await clients.attach(grace, card, "Rear Admiral Hopper", is_default=True)
    await clients.pay(ORDER, AMOUNT, None, grace)
