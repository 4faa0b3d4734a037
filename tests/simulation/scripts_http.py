"""The usual stories, told by callers over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.simulation.clients import Clients
from tests.simulation.clients_http import HttpClients
from tests.simulation.stories import AMOUNT, ORDER

# The holder of the card has answered by then.
LATER_S = 30.0
Play = Callable[[Any, str], Awaitable[None]]


def over_http(play: Play) -> Play:
    """Return the story with its customer made first: nobody is charged there without one."""

    async def told(clients: Clients, card: str) -> None:
        assert isinstance(clients, HttpClients)
        await clients.own_customer()
        await play(clients, card)

    return told


async def asked_again_later(clients: HttpClients, card: str) -> None:
    """What was answered while the holder was asked is asked again when it is over."""
    await clients.pay(ORDER, AMOUNT, card)
    clients.outside.holder_answers(passed=True)
    await asyncio.sleep(LATER_S)
    await clients.confirm(ORDER, None)
    await clients.send_first_again(ORDER)


async def asked_again_when_canceled(clients: HttpClients, card: str) -> None:
    """As before, and the order was cancelled."""
    await clients.pay(ORDER, AMOUNT, card)
    await clients.cancel(ORDER)
    await clients.send_first_again(ORDER)
