"""The usual stories, told by callers over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.simulation.clients import Clients
from tests.simulation.clients_http import HttpClients

Play = Callable[[Any, str], Awaitable[None]]


def over_http(play: Play) -> Play:
    """Return the story with its customer made first: nobody is charged there without one."""

    async def told(clients: Clients, card: str) -> None:
        assert isinstance(clients, HttpClients)
        await clients.own_customer()
        await play(clients, card)

    return told
