"""What every store promises of going through all of it."""

from dataclasses import replace

import pytest

from payment_service.ports import Store
from tests.contract.things import THINGS, Thing

# As their UTF-8 bytes are ordered.
IDS = ["!", "A", "Z", "_", "a", "aa", "b", "ü", "支", "💳"]


async def test_all_documents_are_gone_through_in_the_order_of_their_ids(store: Store) -> None:
    for id_ in reversed(IDS):
        await store.insert(THINGS, Thing(id_))

    walked: list[str] = []
    after = ""
    while batch := await store.walk(THINGS, after=after, limit=3):
        assert len(batch) <= 3
        walked += [thing.id for thing in batch]
        after = walked[-1]

    assert walked == IDS


async def test_what_is_written_meanwhile_behind_the_walk_is_seen_and_before_it_is_not(
    store: Store,
) -> None:
    for id_ in ("b", "d"):
        await store.insert(THINGS, Thing(id_))
    assert [t.id for t in await store.walk(THINGS, after="", limit=1)] == ["b"]

    await store.insert(THINGS, Thing("a"))
    await store.insert(THINGS, Thing("c"))
    await store.replace(THINGS, replace(Thing("d"), version=1, colour="red"), expected_version=0)

    assert await store.walk(THINGS, after="b", limit=9) == [
        Thing("c"),
        Thing("d", version=1, colour="red"),
    ]


@pytest.mark.parametrize("limit", [1, 100])
async def test_a_walk_through_nothing_is_over_at_once(store: Store, limit: int) -> None:
    assert await store.walk(THINGS, after="", limit=limit) == []
