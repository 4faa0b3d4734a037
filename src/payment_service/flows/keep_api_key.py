"""Keep API keys: make, list and revoke them, and note when they are used."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from payment_service.domain.api_key import ApiKey, revoked, used
from payment_service.domain.errors import NotFound
from payment_service.flows.newest import newest
from payment_service.flows.note_audit import note_audit
from payment_service.ports import Store, StoreUnavailable, VersionConflict
from payment_service.storage.collections import API_KEYS

# Whoever wins writes a use or a revocation; nobody does so often.
LOST_RACES_MAX = 20
# As many as the store gives at once.
_PAGE = 100


async def create_api_key(store: Store, key: ApiKey, *, who: str, why: str) -> None:
    """Keep a new key, and note who made it and why.

    Raises StoreUnavailable; AlreadyExists, which chance does not bring about.
    """
    await note_audit(
        store,
        once=f"api-key-created-{key.id}",
        what="api_key.created",
        who=who,
        why=why,
        subject=key.id,
        now=key.created_at,
    )
    await store.insert(API_KEYS, key)


async def list_api_keys(store: Store) -> Sequence[ApiKey]:
    """Return all keys, those that hold no longer too, the newest first."""
    found: list[ApiKey] = []
    cursor = None
    while True:
        page = await store.page(
            API_KEYS, equal={}, created_from=None, created_to=None, cursor=cursor, limit=_PAGE
        )
        found.extend(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return found


async def revoke_api_key(store: Store, id: str, now: datetime, *, who: str, why: str) -> ApiKey:
    """Return the key, revoked for ever; note who did it and why. Raises NotFound."""
    key = await _kept(store, id)
    if key.revoked_at is not None:
        return key
    await note_audit(
        store,
        once=f"api-key-revoked-{id}",
        what="api_key.revoked",
        who=who,
        why=why,
        subject=id,
        now=now,
    )
    return await _change(store, id, lambda key: revoked(key, now))


async def note_use(store: Store, id: str, now: datetime) -> ApiKey:
    """Return the key with its last use written down, if that is worth a write. Raises NotFound."""
    return await _change(store, id, lambda key: used(key, now))


async def _change(store: Store, id: str, change: Callable[[ApiKey], ApiKey]) -> ApiKey:
    for _ in range(LOST_RACES_MAX):
        key = await _kept(store, id)
        changed = change(key)
        if changed == key:
            return key
        written = replace(changed, version=key.version + 1)
        try:
            await store.replace(API_KEYS, written, expected_version=key.version)
        except VersionConflict:
            continue
        return written
    raise StoreUnavailable(f"lost {LOST_RACES_MAX} races for one API key")


async def _kept(store: Store, id: str) -> ApiKey:
    key = await newest(store, API_KEYS, id)
    if key is None:
        raise NotFound("There is no such API key.")
    return key
