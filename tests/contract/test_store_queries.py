"""What every store promises of finding documents: due, by page, and over. Knows no adapter."""

import asyncio
from datetime import UTC, datetime

import pytest

from payment_service.ports import ColumnValue, Store
from payment_service.storage.collections import PAYMENTS
from tests.contract.things import NOON, THINGS, Thing, after, paid


async def test_due_documents_come_longest_due_first(store: Store) -> None:
    for name, wake in {"c": 2, "a": 0, "late": 11, "d": 10, "b": 1}.items():
        await store.insert(THINGS, Thing(name, wake_at=after(wake)))
    await store.insert(THINGS, Thing("never"))

    async def due(limit: int) -> list[str]:
        return [t.id for t in await store.due(THINGS, after(10), limit)]

    assert await due(100) == ["a", "b", "c", "d"]
    assert await due(2) == ["a", "b"]


async def test_what_is_due_late_can_be_asked_for_alone(store: Store) -> None:
    for name, wake in {"c": 2, "a": 0, "d": 10, "b": 1}.items():
        await store.insert(THINGS, Thing(name, wake_at=after(wake)))
    await store.insert(THINGS, Thing("never"))
    for_ever = datetime(9999, 1, 1, tzinfo=UTC)

    async def late(later_than: int, limit: int = 100) -> list[str]:
        found = await store.due(THINGS, for_ever, limit, later_than=after(later_than))
        return [t.id for t in found]

    assert await late(0) == ["b", "c", "d"]
    assert await late(1, limit=1) == ["c"]
    assert await late(10) == []


async def test_a_claimed_document_is_not_due_until_its_lease_ends(store: Store) -> None:
    await store.insert(THINGS, Thing("t", wake_at=NOON))

    await store.replace(THINGS, Thing("t", 1, wake_at=after(30_000)), expected_version=0)

    assert await store.due(THINGS, after(29_999), 1) == []
    assert await store.due(THINGS, after(30_000), 1) == [Thing("t", 1, wake_at=after(30_000))]


async def pages(
    store: Store,
    limit: int = 10,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
    **equal: ColumnValue,
) -> list[list[str]]:
    """Return the ids of all pages."""
    seen: list[list[str]] = []
    cursor = None
    while cursor is not None or not seen:
        page = await store.page(
            THINGS,
            equal=equal,
            created_from=created_from,
            created_to=created_to,
            cursor=cursor,
            limit=limit,
        )
        seen.append([t.id for t in page.items])
        cursor = page.next_cursor
    return seen


async def test_pages_show_everything_once_while_others_insert(store: Store) -> None:
    # Three share each millisecond, so that the id must break the tie.
    ids = [f"{number:03}" for number in range(101)]
    for number, name in enumerate(ids):
        await store.insert(THINGS, Thing(name, created_at=after(number // 3)))

    seen: list[str] = []
    cursor = None
    sizes = []
    while cursor is not None or not seen:
        page = await store.page(
            THINGS, equal={}, created_from=None, created_to=None, cursor=cursor, limit=25
        )
        seen += [t.id for t in page.items]
        sizes.append(len(page.items))
        cursor = page.next_cursor
        await store.insert(THINGS, Thing(f"new {len(seen)}", created_at=after(1000)))

    assert seen == ids[::-1]
    assert sizes == [25, 25, 25, 25, 1]


async def test_a_last_page_that_is_full_says_that_it_is_the_last(store: Store) -> None:
    for number in range(4):
        await store.insert(THINGS, Thing(f"ü{number}", created_at=after(number)))

    assert await pages(store, limit=2) == [["ü3", "ü2"], ["ü1", "ü0"]]
    assert await pages(store, limit=4) == [["ü3", "ü2", "ü1", "ü0"]]
    assert await pages(store, colour="red") == [[]]


async def test_filters_hold_together_and_on_every_page(store: Store) -> None:
    for number in range(12):
        colour = ("red", "blue", None)[number % 3]
        thing = Thing(f"{number:02}", created_at=after(number), colour=colour, size=number % 2)
        await store.insert(THINGS, thing)

    assert await pages(store, 2, colour="red") == [["09", "06"], ["03", "00"]]
    assert await pages(store, colour="red", size=1) == [["09", "03"]]
    assert await pages(store, size=1, colour=None) == [["11", "05"]]
    assert await pages(store, colour=None) == [["11", "08", "05", "02"]]
    assert await pages(store, size=0, created_from=after(8)) == [["10", "08"]]


async def test_both_ends_of_a_span_of_time_belong_to_it(store: Store) -> None:
    for number in range(5):
        await store.insert(THINGS, Thing(str(number), created_at=after(number)))

    assert await pages(store, created_from=after(1), created_to=after(3)) == [["3", "2", "1"]]
    assert await pages(store, created_from=after(4)) == [["4"]]
    assert await pages(store, created_to=after(0)) == [["0"]]
    assert await pages(store, created_from=after(3), created_to=after(1)) == [[]]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "not a cursor",
        "ü",
        "💳",
        "\ud800",
        "AAAA",
        "MTIz",
        "Og",
        "YTpi",
        "MTo",
        "MTIzOmE=",
        " MTIzOmE",
        "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OmE",
        "x" * 9999,
    ],
)
async def test_a_cursor_that_is_not_ours_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(ValueError, match=r"^This cursor is not ours\.$"):
        await store.page(
            THINGS, equal={}, created_from=None, created_to=None, cursor=cursor, limit=1
        )


async def test_what_is_over_is_dropped_and_nothing_else(store: Store) -> None:
    await store.insert(THINGS, Thing("over", expires_at=after(-1)))
    await store.insert(THINGS, Thing("just over", expires_at=NOON))
    await store.insert(THINGS, Thing("not yet", expires_at=after(1)))
    await store.insert(THINGS, Thing("never"))

    await store.drop_expired(THINGS, NOON)
    await store.drop_expired(THINGS, NOON)

    assert await pages(store) == [["not yet", "never"]]


async def test_more_than_one_batch_is_dropped_in_one_call(store: Store) -> None:
    await asyncio.gather(
        *(store.insert(THINGS, Thing(str(n), expires_at=NOON)) for n in range(1001))
    )

    await store.drop_expired(THINGS, NOON)

    assert await pages(store) == [[]]


async def test_where_nothing_expires_nothing_is_dropped(store: Store) -> None:
    await store.insert(PAYMENTS, paid())

    await store.drop_expired(PAYMENTS, after(10**10))

    assert await store.get(PAYMENTS, paid().id) == paid()
