"""Keeping API keys: made, listed, revoked, and their uses noted, whoever else writes them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payment_service.adapters.sqlite import open_store
from payment_service.domain.api_key import ApiKey, new_api_key
from payment_service.domain.errors import NotFound
from payment_service.flows.keep_api_key import (
    LOST_RACES_MAX,
    create_api_key,
    list_api_keys,
    note_use,
    revoke_api_key,
)
from payment_service.ports import Store, StoreUnavailable, VersionConflict
from payment_service.storage.collections import API_KEYS, AUDIT, COLLECTIONS

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
DEED = {"who": "olga", "why": "a new shop"}


def key(number: int = 0) -> ApiKey:
    return new_api_key(
        f"{number:016d}",
        "b" * 52,
        name="shop",
        scopes=("payment.read",),
        now=NOON + timedelta(seconds=number),
        lives_for=None,
    )


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    store = open_store(":memory:", COLLECTIONS)
    await store.ensure_schema()
    yield store
    await store.close()


async def test_all_keys_are_listed_the_newest_first_on_however_many_pages(store: Store) -> None:
    for number in range(120):
        await create_api_key(store, key(number), **DEED)

    listed = await list_api_keys(store)

    assert [one.id for one in listed] == [key(number).id for number in reversed(range(120))]


async def test_a_key_is_revoked_for_ever(store: Store) -> None:
    await create_api_key(store, key(), **DEED)

    revoked = await revoke_api_key(store, key().id, NOON, **DEED)
    again = await revoke_api_key(store, key().id, NOON + timedelta(days=1), **DEED)

    assert revoked == again == await store.get(API_KEYS, key().id)
    assert revoked.revoked_at == NOON


async def audit(store: Store) -> list[tuple[str, str, str, str, datetime]]:
    page = await store.page(
        AUDIT, equal={}, created_from=None, created_to=None, cursor=None, limit=10
    )
    noted = [(one.what, one.subject, one.who, one.why, one.created_at) for one in page.items]
    return noted[::-1]


async def test_the_audit_says_who_made_and_revoked_a_key_once_each(store: Store) -> None:
    later = NOON + timedelta(days=1)

    await create_api_key(store, key(), **DEED)
    await revoke_api_key(store, key().id, later, who="otto", why="it leaked")
    await revoke_api_key(store, key().id, later + timedelta(days=1), who="olga", why="is it gone?")

    assert await audit(store) == [
        ("api_key.created", key().id, "olga", "a new shop", NOON),
        ("api_key.revoked", key().id, "otto", "it leaked", later),
    ]


async def test_a_key_is_not_revoked_unless_the_audit_can_say_so(store: Store) -> None:
    await create_api_key(store, key(), **DEED)

    with pytest.raises(StoreUnavailable):
        await revoke_api_key(WithoutAudit(store), key().id, NOON, **DEED)
    with pytest.raises(StoreUnavailable):
        await create_api_key(WithoutAudit(store), key(1), **DEED)

    assert await list_api_keys(store) == [key()]


class WithoutAudit:
    """The store, which takes no new documents: its disk is full."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def insert(self, collection: Any, doc: Any) -> None:
        raise StoreUnavailable(f"no room for {collection.name} {doc.id}")


async def test_a_key_that_is_not_there_cannot_be_revoked(store: Store) -> None:
    with pytest.raises(NotFound):
        await revoke_api_key(store, key().id, NOON, **DEED)


async def test_a_use_and_a_revocation_at_once_are_both_kept(store: Store) -> None:
    await create_api_key(store, key(), **DEED)
    overtaken = Overtaken(store, times=1)

    await revoke_api_key(overtaken, key().id, NOON, **DEED)

    kept = await store.get(API_KEYS, key().id)
    assert kept is not None
    assert (kept.used_at, kept.revoked_at, kept.version) == (NOON, NOON, 2)


async def test_a_key_that_changes_without_end_is_given_up(store: Store) -> None:
    await create_api_key(store, key(), **DEED)
    overtaken = Overtaken(store, times=LOST_RACES_MAX)

    with pytest.raises(StoreUnavailable):
        await revoke_api_key(overtaken, key().id, NOON, **DEED)


class Overtaken:
    """The store, where somebody notes a use of the key just before each of our writes."""

    def __init__(self, store: Store, *, times: int) -> None:
        self._store = store
        self._times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def replace(self, collection: Any, doc: Any, *, expected_version: int) -> None:
        if self._times:
            self._times -= 1
            current = await self._store.get(API_KEYS, doc.id)
            assert current is not None
            theirs = replace(current, used_at=NOON, version=current.version + 1)
            await self._store.replace(API_KEYS, theirs, expected_version=current.version)
            with pytest.raises(VersionConflict):
                await self._store.replace(collection, doc, expected_version=expected_version)
            raise VersionConflict
        await self._store.replace(collection, doc, expected_version=expected_version)


async def test_a_use_is_written_once_in_a_while(store: Store) -> None:
    await create_api_key(store, key(), **DEED)

    await note_use(store, key().id, NOON)
    same = await note_use(store, key().id, NOON + timedelta(minutes=1))
    later = await note_use(store, key().id, NOON + timedelta(minutes=6))

    assert (same.used_at, same.version) == (NOON, 1)
    assert (later.used_at, later.version) == (NOON + timedelta(minutes=6), 2)
