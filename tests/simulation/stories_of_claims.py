"""What clients do in a life where several want one order: two end users, and the shop.

An end user's word holds the order only unpaid and for a while; the shop's takes it at once.
"""

import asyncio
from typing import Final

from tests.simulation.clients import Clients
from tests.simulation.stories import AMOUNT, CARDS, ORDER
from tests.simulation.stories_of_terms import two_people

# Longer than a claim may last in these lives, with the looks that end it.
LAPSED_S: Final = 400.0
CLAIMS: Final = {"unproved_claim_expires_s": 300.0}


async def claimed_and_taken(clients: Clients, card: str) -> None:
    """An end user claims somebody else's order; the shop takes it for whose it is."""
    people = await two_people(clients, CARDS["visa"])
    if people is None:
        return
    ada, grace = people
    await clients.claim(ORDER, AMOUNT - 500, card, ada)
    await asyncio.sleep(3)
    await clients.pay(ORDER, AMOUNT, CARDS["visa"], grace)


async def claimed_while_taken(clients: Clients, card: str) -> None:
    """Both come at once, and the end user's own client pays what it can."""
    people = await two_people(clients, CARDS["visa"])
    if people is None:
        return
    ada, grace = people

    async def claims() -> None:
        await clients.claim(ORDER, AMOUNT - 500, None, ada)
        clients.outside.payer_confirms(ORDER, card)

    async def takes() -> None:
        await asyncio.sleep(0.4)
        await clients.pay(ORDER, AMOUNT, CARDS["visa"], grace)

    await asyncio.gather(claims(), takes())


async def claim_lapses(clients: Clients, card: str) -> None:
    """A claim is left alone, and another end user pays the order."""
    people = await two_people(clients, CARDS["visa"])
    if people is None:
        return
    ada, grace = people
    await clients.claim(ORDER, AMOUNT - 500, card, ada)
    await asyncio.sleep(LAPSED_S)
    await clients.claim(ORDER, AMOUNT, CARDS["visa"], grace)


async def claim_is_confirmed(clients: Clients, card: str) -> None:
    """The shop asks for the same as the end user, whose card was refused; it is the shop's word."""
    people = await two_people(clients, CARDS["visa"])
    if people is None:
        return
    ada, _ = people
    await clients.claim(ORDER, AMOUNT, card, ada)
    await asyncio.sleep(3)
    await clients.pay(ORDER, AMOUNT, None, ada, confirm=False)
    await asyncio.sleep(LAPSED_S)
    await clients.claim(ORDER, AMOUNT, CARDS["visa"], ada)
