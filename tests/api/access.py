"""The application where callers must say who they are, and everything with which they may."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

from payment_service.api.app import Access, ApiOptions, Gate, build_app
from payment_service.domain.api_key import ApiKey, new_api_key, written
from payment_service.flows.keep_api_key import create_api_key
from tests.api.asgi import Heard
from tests.api.conftest import Api
from tests.parts.identity_provider import IdentityProvider
from tests.parts.shop import Shop

_KEY_IDS = map("".join, product("abcdefghijklmnopqrstuvwxyz", repeat=16))
OPTIONS = ApiOptions(version="1.2.3", mode="test")


@dataclass(frozen=True, slots=True)
class Guarded(Api):
    """The application with its doors closed, its shop, and its identity provider."""

    provider: IdentityProvider

    async def as_(self, token: str, method: str, target: str, body: Any = None) -> Heard:
        """Ask with a bearer token or key."""
        return await self.ask(
            method, target, body=body, headers={"Authorization": f"Bearer {token}"}
        )

    async def new_key(
        self, scopes: tuple[str, ...] = ("payment.admin",), *, lives_for: timedelta | None = None
    ) -> tuple[ApiKey, str]:
        """Make an API key; return what is kept of it, and what its bearer sends."""
        key_id, secret = next(_KEY_IDS), "s" * 52
        now = self.shop.world.clock.now()
        key = new_api_key(key_id, secret, name="x", scopes=scopes, now=now, lives_for=lives_for)
        await create_api_key(self.shop.world.store, key, who="olga", why="for a test")
        return key, written(key_id, secret)


def open_guarded(
    shop: Shop, options: ApiOptions = OPTIONS, *, api_keys: bool = True, tokens: bool = True
) -> Guarded:
    """Put the application before a shop, behind locked doors."""
    gate = Gate()
    provider = IdentityProvider(shop.world.clock.now)
    access = Access(api_keys, provider.reader() if tokens else None)
    return Guarded(build_app(shop.world, options, gate=gate, access=access), shop, gate, provider)
