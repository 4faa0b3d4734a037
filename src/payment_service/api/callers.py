"""Finds out who calls, before anything of the request but its headers is read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from payment_service.api.caller import Caller, all_scopes_of
from payment_service.api.credentials import is_api_key, read_credentials
from payment_service.api.refusal_lines import RefusalLines
from payment_service.domain.api_key import NOTE_USE_EVERY, ApiKey, check, read_written
from payment_service.domain.errors import (
    CredentialsMissing,
    CredentialsRefused,
    EmailNotVerified,
    NeitherUserNorService,
    NotFound,
)
from payment_service.flows.keep_api_key import note_use
from payment_service.flows.world import World
from payment_service.ports import TokenReader, Unavailable
from payment_service.storage.collections import API_KEYS

# A revoked key is refused by every replica after this; a key in use costs one read in as long.
KEY_REMEMBERED = timedelta(seconds=3)
# More keys than one process sees in that time. Made-up ones must not push out those in use: only
# keys that are there are remembered.
KEYS_REMEMBERED_MAX = 1000

_log = structlog.get_logger("access")


@dataclass(frozen=True, slots=True)
class Access:
    """How callers may show who they are; at least one way.

    api_keys: by keys of ours. tokens: by what an identity provider says, None not so.
    """

    api_keys: bool
    tokens: TokenReader | None


class Callers:
    """Knows callers by their credentials, and says in the log why it does not know one."""

    def __init__(self, world: World, access: Access) -> None:
        self._world = world
        self._tokens = access.tokens
        self._api_keys = access.api_keys
        self._known: dict[str, tuple[ApiKey, datetime]] = {}
        self._noted: dict[str, datetime] = {}
        self._refusals = RefusalLines()

    async def find(self, headers: Iterable[tuple[bytes, bytes]]) -> Caller:
        """Return who sent these headers.

        Raises CredentialsMissing, CredentialsRefused, CredentialsExpired, AmbiguousCredentials,
        EmailNotVerified, NeitherUserNorService, and Unavailable: it cannot be found out now.
        """
        is_key = False
        try:
            credentials = read_credentials(headers)
            is_key = is_api_key(credentials)
            return await (self._by_key if is_key else self._by_token)(credentials)
        except CredentialsMissing:
            raise
        except (CredentialsRefused, EmailNotVerified, NeitherUserNorService) as refusal:
            self._refusals.write(refusal, self._world.clock.now(), is_api_key=is_key)
            raise

    async def _by_token(self, credentials: str) -> Caller:
        if self._tokens is None:
            raise CredentialsRefused().noting(reason="tokens_not_accepted")
        identity = await self._tokens.read(credentials, self._world.clock.now())
        scopes = all_scopes_of(identity.scopes)
        return Caller(identity.name, scopes, identity.email, is_service=identity.is_service)

    async def _by_key(self, credentials: str) -> Caller:
        if not self._api_keys:
            raise CredentialsRefused().noting(reason="api_keys_not_accepted")
        key_id, secret = read_written(credentials)
        now = self._world.clock.now()
        key = check(await self._key(key_id, now), secret, now)
        self._note(key, now)
        # By its name, so that what was asked with a key is not done again with the one after it.
        return Caller(f"key:{key.name}", all_scopes_of(key.scopes), is_service=True)

    async def _key(self, id: str, now: datetime) -> ApiKey | None:
        known = self._known.get(id)
        if known is not None and now < known[1]:
            return known[0]
        key = await self._world.store.get(API_KEYS, id)
        if key is None:
            self._known.pop(id, None)
            return None
        if len(self._known) >= KEYS_REMEMBERED_MAX:
            self._known.clear()
        self._known[id] = key, now + KEY_REMEMBERED
        return key

    def _note(self, key: ApiKey, now: datetime) -> None:
        """Have the use written down beside the request, if nobody did so lately."""
        noted = max(filter(None, (self._noted.get(key.id), key.used_at)), default=None)
        if noted is not None and now - noted < NOTE_USE_EVERY:
            return
        if len(self._noted) >= KEYS_REMEMBERED_MAX:
            self._noted.clear()
        self._noted[key.id] = now
        self._world.background.spawn(self._write_use(key.id, now))

    async def _write_use(self, id: str, now: datetime) -> None:
        try:
            await note_use(self._world.store, id, now)
        except (NotFound, Unavailable) as error:  # it is told by the next use
            _log.warning("api_key.use_not_noted", key_id=id, reason=type(error).__name__)
