"""Callers over HTTP who show API keys, and the operator who makes and revokes them."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from payment_service.api.app import Access
from payment_service.domain.api_key import new_api_key, written
from payment_service.flows.keep_api_key import create_api_key, revoke_api_key
from payment_service.flows.world import World
from payment_service.ports import AlreadyExists
from tests.api.asgi import Heard
from tests.simulation.clients import Clients
from tests.simulation.clients_http import HttpClients
from tests.simulation.kinds import KEY_REVOKED, KEY_ROTATED, REVOKED_WORK
from tests.simulation.stories import AMOUNT, ORDER

NAME: Final = "shop"
OTHER_ORDER: Final = "order-2"
# Longer than a process remembers a key, and than a store shows an older picture.
REFUSED_AFTER_S: Final = 20.0
# The request is at Stripe by then.
UNDER_WAY_S: Final = 0.15
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz"


@dataclass
class KeyedClients(HttpClients):
    """The callers of one life, who have to say who they are."""

    access: Access | None = field(default_factory=lambda: Access(api_keys=True, tokens=None))
    name: str = f"key:{NAME}"
    _keys: int = 0

    async def new_key(self) -> str:
        """Have a key made; return its id. From now on requests are sent with it."""
        key_id, secret = _ALPHABET[self._keys] * 16, _ALPHABET[self._keys] * 52
        self._keys += 1

        async def make(world: World) -> None:
            now = world.clock.now()
            key = new_api_key(
                key_id, secret, name=NAME, scopes=("payment.write",), now=now, lives_for=None
            )
            try:
                await create_api_key(world.store, key, who="an operator", why="for the shop")
            except AlreadyExists:  # an earlier try did it
                return

        await self.look(make)
        self.headers = {"x-api-key": written(key_id, secret)}
        return key_id

    async def revoke(self, key_id: str) -> None:
        """Have a key revoked."""

        async def end(world: World) -> None:
            now = world.clock.now()
            await revoke_api_key(world.store, key_id, now, who="an operator", why="it was rotated")

        await self.look(end)

    async def shown_to(self, headers: dict[str, str], order_id: str) -> Heard:
        """Return what whoever sends these headers is shown of an order, or why it is not."""

        async def ask(world: World) -> Heard:
            path = f"/payment/payment-intent/{order_id}"
            return await self._app(world).ask("GET", path, headers=headers)

        while True:
            answer = await self.look(ask)
            if answer is not None and answer.status < 500:  # else the store is away
                return answer
            await asyncio.sleep(1)


async def keys_rotated(clients: Clients, card: str) -> None:
    """A key is used, gets a successor, and is revoked while a charge that it asked for goes on."""
    assert isinstance(clients, KeyedClients)
    first = await clients.new_key()
    old = clients.headers
    customer_id = await clients.own_customer()
    await clients.pay(ORDER, AMOUNT, card, customer_id)
    was_let_in = (await clients.shown_to(old, ORDER)).status != 401
    paying = asyncio.ensure_future(clients.pay(OTHER_ORDER, AMOUNT, card, customer_id))
    await asyncio.sleep(UNDER_WAY_S)
    await clients.new_key()
    await clients.revoke(first)
    await asyncio.sleep(REFUSED_AFTER_S)
    refused = await clients.shown_to(old, ORDER)
    if refused.status != 401:
        clients.contradictions.append(f"10 a revoked key was answered {refused.status}")
    elif was_let_in:
        clients.town.happened.add(KEY_REVOKED)
    if await clients.send_first_again(ORDER):
        clients.town.happened.add(KEY_ROTATED)
    word = await paying
    await clients.refund(ORDER, 300, "rfd_1")
    shown = await clients.shown_to(clients.headers, OTHER_ORDER)
    if word == "succeeded" and shown.data["status"] == "succeeded":
        clients.town.happened.add(REVOKED_WORK)
