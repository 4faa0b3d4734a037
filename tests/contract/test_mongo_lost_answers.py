"""A write that was applied although its answer was lost is ours, and never taken for another's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from payment_service.adapters.mongo import MongoStore, open_store
from payment_service.ports import AlreadyExists, StoreInDoubt, StoreUnavailable, VersionConflict
from tests.contract.things import THINGS, Thing
from tests.parts.mongo_proxy import Fault, MongoProxy, proxy_before
from tests.parts.mongo_server import port_of, with_database

# The driver itself repeats a write whose connection ended, under the same number, and the server
# knows that again. When the try has timed out the next one has a new number: only the mark tells.
BY_NUMBER, BY_MARK = Fault.LOSE_ANSWER, Fault.STALL
LOST = pytest.mark.parametrize("fault", [BY_NUMBER, BY_MARK])


@asynccontextmanager
async def behind_a_proxy(
    mongo_uri: str, *, timeout_s: float = 3, pool_max: int = 10
) -> AsyncIterator[tuple[MongoStore, MongoProxy, MongoStore]]:
    """Give a store behind a proxy, the proxy, and a store of somebody else before it."""
    async with proxy_before(port_of(mongo_uri)) as proxy:
        name = mongo_uri.partition("?")[0].rpartition("/")[2]
        ours = open_store(proxy.uri(name), [THINGS], pool_max=pool_max, timeout_s=timeout_s)
        theirs = open_store(
            with_database(mongo_uri, name), [THINGS], pool_max=pool_max, timeout_s=timeout_s
        )
        try:
            await theirs.ensure_schema()
            await ours.ping()
            yield ours, proxy, theirs
        finally:
            await ours.close()
            await theirs.close()


async def written(store: MongoStore, thing: Thing) -> None:
    async with asyncio.timeout(10):
        while await store.get(THINGS, thing.id) != thing:
            pass


@LOST
async def test_an_insert_whose_answer_was_lost_is_done(mongo_uri: str, fault: Fault) -> None:
    async with behind_a_proxy(mongo_uri) as (ours, proxy, theirs):
        proxy.plan("insert", fault)

        await ours.insert(THINGS, Thing("t", colour="red", serial="s"))

        assert proxy.seen["insert"] == 2
        assert await theirs.get(THINGS, "t") == Thing("t", colour="red", serial="s")


@LOST
async def test_a_replacement_whose_answer_was_lost_is_done(mongo_uri: str, fault: Fault) -> None:
    async with behind_a_proxy(mongo_uri) as (ours, proxy, theirs):
        await ours.insert(THINGS, Thing("t"))
        proxy.plan("update", fault)

        await ours.replace(THINGS, Thing("t", 1, colour="red"), expected_version=0)

        assert proxy.seen["update"] == 2
        assert await theirs.get(THINGS, "t") == Thing("t", 1, colour="red")


@LOST
async def test_a_removal_whose_answer_was_lost_is_done(mongo_uri: str, fault: Fault) -> None:
    async with behind_a_proxy(mongo_uri) as (ours, proxy, theirs):
        await ours.insert(THINGS, Thing("t"))
        proxy.plan("delete", fault)

        await ours.remove(THINGS, "t", expected_version=0)

        assert proxy.seen["delete"] == 2
        assert await theirs.get(THINGS, "t") is None


async def test_what_never_arrived_is_sent_again(mongo_uri: str) -> None:
    async with behind_a_proxy(mongo_uri) as (ours, proxy, theirs):
        for command in ("insert", "update", "find"):
            proxy.plan(command, Fault.RESET)

        await ours.insert(THINGS, Thing("t"))
        await ours.replace(THINGS, Thing("t", 1), expected_version=0)

        assert await ours.get(THINGS, "t") == await theirs.get(THINGS, "t") == Thing("t", 1)


@pytest.mark.parametrize("fault", Fault)
async def test_a_document_of_another_is_not_taken_for_ours(mongo_uri: str, fault: Fault) -> None:
    """Of the same id, version and content, even: only the mark tells."""
    async with behind_a_proxy(mongo_uri) as (ours, proxy, theirs):
        await theirs.insert(THINGS, Thing("t"))
        for command in ("insert", "update", "delete"):
            proxy.plan(command, fault)

        with pytest.raises(AlreadyExists):
            await ours.insert(THINGS, Thing("t"))
        await theirs.replace(THINGS, Thing("t", 1), expected_version=0)
        with pytest.raises(VersionConflict):
            await ours.replace(THINGS, Thing("t", 1), expected_version=0)
        with pytest.raises(VersionConflict):
            await ours.remove(THINGS, "t", expected_version=0)

        assert await theirs.get(THINGS, "t") == Thing("t", 1)


async def test_a_lost_insert_that_others_wrote_over_is_not_called_anothers(mongo_uri: str) -> None:
    """It was applied, taken up by another replica and replaced: AlreadyExists would be a lie."""
    async with behind_a_proxy(mongo_uri) as (ours, proxy, theirs):
        proxy.plan("insert", BY_MARK)
        writing = asyncio.create_task(ours.insert(THINGS, Thing("t")))
        await written(theirs, Thing("t"))
        await theirs.replace(THINGS, Thing("t", 1, colour="blue"), expected_version=0)

        with pytest.raises(StoreInDoubt, match="others have written since"):
            await writing

        assert await theirs.get(THINGS, "t") == Thing("t", 1, colour="blue")


async def test_a_lost_replacement_that_others_wrote_over_is_not_called_anothers(
    mongo_uri: str,
) -> None:
    async with behind_a_proxy(mongo_uri) as (ours, proxy, theirs):
        await ours.insert(THINGS, Thing("t"))
        proxy.plan("update", BY_MARK)
        red = Thing("t", 1, colour="red")
        writing = asyncio.create_task(ours.replace(THINGS, red, expected_version=0))
        await written(theirs, red)
        await theirs.replace(THINGS, Thing("t", 2, colour="blue"), expected_version=1)

        with pytest.raises(StoreInDoubt, match="others have written since"):
            await writing

        assert await theirs.get(THINGS, "t") == Thing("t", 2, colour="blue")


async def test_when_no_answer_comes_at_all_the_store_is_away_and_the_write_may_be_there(
    mongo_uri: str,
) -> None:
    async with behind_a_proxy(mongo_uri, timeout_s=1) as (ours, proxy, theirs):
        proxy.always("insert", Fault.LOSE_ANSWER)

        with pytest.raises(StoreInDoubt, match=r"^MongoDB: "):
            await ours.insert(THINGS, Thing("t", colour="red"))

        assert await theirs.get(THINGS, "t") == Thing("t", colour="red")


@pytest.mark.parametrize("command", ["insert", "find"])
async def test_a_silent_connection_does_not_use_up_the_time_of_the_others(
    mongo_uri: str, command: str
) -> None:
    async with behind_a_proxy(mongo_uri, timeout_s=3) as (ours, proxy, _):
        proxy.plan(command, Fault.STALL)

        await ours.insert(THINGS, Thing("t"))

        assert await ours.get(THINGS, "t") == Thing("t")


@pytest.mark.parametrize("pool_max", [1, 6])
async def test_the_time_of_a_call_is_bounded_whatever_is_silent(
    mongo_uri: str, pool_max: int
) -> None:
    async with behind_a_proxy(mongo_uri, timeout_s=1, pool_max=pool_max) as (ours, proxy, _):
        for command in ("insert", "find", "update", "delete", "ping"):
            proxy.always(command, Fault.STALL)
        loop = asyncio.get_running_loop()
        began_at = loop.time()

        heard = await asyncio.gather(
            ours.insert(THINGS, Thing("t")),
            ours.get(THINGS, "t"),
            ours.replace(THINGS, Thing("t", 1), expected_version=0),
            ours.remove(THINGS, "t", expected_version=0),
            ours.find_one(THINGS, "colour", "red"),
            ours.ping(),
            return_exceptions=True,
        )

        writing, reading = StoreInDoubt, StoreUnavailable
        kinds = [writing, reading, writing, writing, reading, reading]
        told = [type(h) for h in heard]
        if pool_max == 1:  # a write that waits in vain for the one connection was never sent
            assert all(kind in {mine, reading} for kind, mine in zip(told, kinds, strict=True))
        else:
            assert told == kinds
        assert loop.time() - began_at < 2


async def test_a_migration_whose_database_goes_away_says_so_in_seconds(mongo_uri: str) -> None:
    async with behind_a_proxy(mongo_uri, timeout_s=1) as (ours, proxy, _):
        proxy.always("listIndexes", Fault.RESET)

        async with asyncio.timeout(10):
            with pytest.raises(StoreUnavailable, match=r"^MongoDB: "):
                await ours.ensure_schema()
