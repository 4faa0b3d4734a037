"""What every store promises of a document that is written. No test here knows an adapter."""

import asyncio
from dataclasses import replace

import pytest

from payment_service.domain.schema import SCHEMA, NewerSchema
from payment_service.ports import AlreadyExists, Store, StoreUnavailable, VersionConflict
from payment_service.storage.collections import CUSTOMERS, PAYMENTS, REQUESTS
from tests.contract.things import (
    LATER_THINGS,
    NOON,
    THINGS,
    LaterPart,
    LaterThing,
    Part,
    Thing,
    after,
    customer,
    paid,
    stored_request,
)


async def test_what_comes_back_is_what_was_written(store: Store) -> None:
    await store.insert(PAYMENTS, paid())
    await store.insert(CUSTOMERS, customer())
    await store.insert(REQUESTS, stored_request())

    assert await store.get(PAYMENTS, "order/1 ü?") == paid()
    assert await store.get(CUSTOMERS, "zoë@example.org") == customer()
    assert await store.get(REQUESTS, "hash_1") == stored_request()


async def test_nested_values_and_milliseconds_come_back(store: Store) -> None:
    parts = (Part("a", after(1)), Part("", None), Part("ß", after(999)))
    thing = Thing("t", created_at=after(1), wake_at=after(2), expires_at=after(3), parts=parts)

    await store.insert(THINGS, thing)

    assert await store.get(THINGS, "t") == thing


async def test_collections_do_not_see_each_other(store: Store) -> None:
    await store.insert(THINGS, Thing("1"))

    assert await store.get(CUSTOMERS, "1") is None


async def test_what_was_never_written_is_none(store: Store) -> None:
    assert await store.get(THINGS, "nobody") is None
    assert await store.find_one(THINGS, "colour", "red") is None
    assert await store.due(THINGS, NOON, 10) == []


async def test_what_a_later_release_wrote_survives_our_writes(store: Store) -> None:
    """While it is rolled out both work on the same documents."""
    parts = (LaterPart("lid", NOON, "pale"), LaterPart("box", None, "dark"))
    later = LaterThing("t", colour="red", weight={"kg": 3}, parts=parts)
    await store.insert(LATER_THINGS, later)

    read = await store.get(THINGS, "t")
    assert read is not None
    assert (read.colour, [part.name for part in read.parts]) == ("red", ["lid", "box"])
    ours = replace(read, version=1, colour="blue", parts=(*read.parts[1:], Part("new")))
    await store.replace(THINGS, ours, expected_version=0)

    found = await store.get(LATER_THINGS, "t")
    assert found is not None
    assert (found.colour, found.weight) == ("blue", {"kg": 3})
    assert found.parts == (LaterPart("box", None, "dark"), LaterPart("new"))
    assert found.schema == NewerSchema(SCHEMA + 1, {})
    again = await store.get(THINGS, "t")
    assert again is not None
    assert replace(again, schema=SCHEMA) == replace(ours, schema=SCHEMA)


async def test_a_second_insert_of_an_id_changes_nothing(store: Store) -> None:
    await store.insert(THINGS, Thing("t", colour="red"))

    with pytest.raises(AlreadyExists):
        await store.insert(THINGS, Thing("t", colour="blue"))

    assert await store.get(THINGS, "t") == Thing("t", colour="red")
    assert await store.find_one(THINGS, "colour", "blue") is None


async def test_of_concurrent_inserts_of_one_id_exactly_one_wins(store: Store) -> None:
    things = [Thing("t", size=number) for number in range(50)]

    heard = await asyncio.gather(*(store.insert(THINGS, t) for t in things), return_exceptions=True)

    winners = [t for t, h in zip(things, heard, strict=True) if h is None]
    assert len(winners) == 1
    assert [type(h) for h in heard if h is not None] == [AlreadyExists] * 49
    assert await store.get(THINGS, "t") == winners[0]


async def test_a_unique_value_belongs_to_one_document(store: Store) -> None:
    await store.insert(THINGS, Thing("a", serial="s1"))
    await store.insert(THINGS, Thing("b", serial="s2"))

    with pytest.raises(AlreadyExists):
        await store.insert(THINGS, Thing("c", serial="s1"))
    with pytest.raises(AlreadyExists):
        await store.replace(THINGS, Thing("b", 1, serial="s1"), expected_version=0)

    assert await store.get(THINGS, "b") == Thing("b", serial="s2")
    assert await store.get(THINGS, "c") is None
    assert await store.find_one(THINGS, "serial", "s1") == Thing("a", serial="s1")


async def test_none_may_repeat_where_values_are_unique(store: Store) -> None:
    await store.insert(THINGS, Thing("a"))
    await store.insert(THINGS, Thing("b"))

    assert await store.get(THINGS, "b") == Thing("b")


async def test_a_replacement_is_found_by_its_new_values_only(store: Store) -> None:
    await store.insert(THINGS, Thing("t", colour="red", wake_at=NOON))

    await store.replace(THINGS, Thing("t", 1, colour="blue"), expected_version=0)

    assert await store.get(THINGS, "t") == Thing("t", 1, colour="blue")
    assert await store.find_one(THINGS, "colour", "blue") == Thing("t", 1, colour="blue")
    assert await store.find_one(THINGS, "colour", "red") is None
    assert await store.due(THINGS, after(1000), 10) == []


async def test_a_stale_version_replaces_nothing(store: Store) -> None:
    await store.insert(THINGS, Thing("t", colour="red"))
    await store.replace(THINGS, Thing("t", 1, colour="blue"), expected_version=0)

    with pytest.raises(VersionConflict):
        await store.replace(THINGS, Thing("t", 1, colour="green"), expected_version=0)

    assert await store.get(THINGS, "t") == Thing("t", 1, colour="blue")


async def test_what_is_not_there_cannot_be_replaced(store: Store) -> None:
    with pytest.raises(VersionConflict):
        await store.replace(THINGS, Thing("t", 1), expected_version=0)

    assert await store.get(THINGS, "t") is None


async def test_of_concurrent_replacements_of_one_version_exactly_one_wins(store: Store) -> None:
    await store.insert(THINGS, Thing("t"))
    things = [Thing("t", 1, size=number) for number in range(50)]

    heard = await asyncio.gather(
        *(store.replace(THINGS, t, expected_version=0) for t in things), return_exceptions=True
    )

    winners = [t for t, h in zip(things, heard, strict=True) if h is None]
    assert len(winners) == 1
    assert [type(h) for h in heard if h is not None] == [VersionConflict] * 49
    assert await store.get(THINGS, "t") == winners[0]


async def test_a_replacement_must_be_the_next_version(store: Store) -> None:
    await store.insert(THINGS, Thing("t"))

    with pytest.raises(AssertionError):
        await store.replace(THINGS, Thing("t", 2), expected_version=0)

    assert await store.get(THINGS, "t") == Thing("t")


async def test_a_failed_write_takes_no_other_with_it(store: Store) -> None:
    await store.insert(THINGS, Thing("0"))

    heard = await asyncio.gather(
        store.insert(THINGS, Thing("1")),
        store.insert(THINGS, Thing("0")),
        store.replace(THINGS, Thing("0", 8), expected_version=7),
        store.insert(THINGS, Thing("2")),
        return_exceptions=True,
    )

    assert [type(h) for h in heard] == [type(None), AlreadyExists, VersionConflict, type(None)]
    assert await store.get(THINGS, "1") == Thing("1")
    assert await store.get(THINGS, "2") == Thing("2")


async def test_a_cancelled_write_is_whole_or_not_at_all(store: Store) -> None:
    writing = [asyncio.ensure_future(store.insert(THINGS, Thing(str(n)))) for n in range(20)]
    await asyncio.sleep(0)
    for write in writing[::2]:
        write.cancel()

    heard = await asyncio.gather(*writing, return_exceptions=True)

    for number, what in enumerate(heard):
        found = await store.get(THINGS, str(number))
        expected = {Thing(str(number))} if what is None else {Thing(str(number)), None}
        assert found in expected


async def test_removing_takes_the_expected_version_only(store: Store) -> None:
    await store.insert(THINGS, Thing("t", 3, colour="red", serial="s"))

    with pytest.raises(VersionConflict):
        await store.remove(THINGS, "t", expected_version=2)
    assert await store.get(THINGS, "t") == Thing("t", 3, colour="red", serial="s")

    await store.remove(THINGS, "t", expected_version=3)
    assert await store.get(THINGS, "t") is None
    assert await store.find_one(THINGS, "colour", "red") is None
    with pytest.raises(VersionConflict):
        await store.remove(THINGS, "t", expected_version=3)
    await store.insert(THINGS, Thing("t", serial="s"))


async def test_find_one_looks_in_the_declared_column(store: Store) -> None:
    await store.insert(PAYMENTS, paid())
    await store.insert(CUSTOMERS, customer())

    assert await store.find_one(PAYMENTS, "intent_id", "pi_1") == paid()
    assert await store.find_one(CUSTOMERS, "customer_id", "cus_1") == customer()
    assert await store.find_one(PAYMENTS, "intent_id", "pi_2") is None


async def test_making_the_schema_again_keeps_what_is_there(store: Store) -> None:
    await store.insert(THINGS, Thing("t"))

    await store.ensure_schema()

    assert await store.get(THINGS, "t") == Thing("t")


async def test_an_open_store_answers_a_ping_and_a_closed_one_does_nothing(store: Store) -> None:
    await store.ping()

    await store.close()
    await store.close()

    with pytest.raises(StoreUnavailable):
        await store.ping()
    with pytest.raises(StoreUnavailable):
        await store.get(THINGS, "t")
    with pytest.raises(StoreUnavailable):
        await store.insert(THINGS, Thing("t"))
    with pytest.raises(StoreUnavailable):
        await store.replace(THINGS, Thing("t", 1), expected_version=0)
