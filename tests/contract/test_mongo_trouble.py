"""Many writers at once, fail-over, and a database that is killed: nobody is told what is not so."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from payment_service.adapters.mongo import MongoStore, open_store
from payment_service.adapters.mongo.patience import CLOSE_S_MAX
from payment_service.ports import (
    AlreadyExists,
    StoreInDoubt,
    StoreUnavailable,
    VersionConflict,
)
from tests.contract.things import THINGS, Part, Thing
from tests.parts.mongo_server import let_go_of_sockets, mongo_server

WRITERS, POOL_MAX, ROUNDS = 20, 10, 20


@asynccontextmanager
async def opened(uri: str, *, timeout_s: float = 20) -> AsyncIterator[MongoStore]:
    store = open_store(uri, [THINGS], pool_max=POOL_MAX, timeout_s=timeout_s)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def failing(uri: str, *, times: int, commands: list[str], **how: Any) -> AsyncIterator[None]:
    """Let the server fail the next commands of these names."""
    async with AsyncMongoClient[dict[str, Any]](uri) as client:
        await client.admin.command(
            "configureFailPoint",
            "failCommand",
            mode={"times": times},
            data={"failCommands": commands, **how},
        )
        try:
            yield
        finally:
            await client.admin.command("configureFailPoint", "failCommand", mode="off")


async def heard(call: Awaitable[None]) -> type[Exception] | None:
    """Return what a write raised of what the port allows it to."""
    try:
        await call
    except (AlreadyExists, VersionConflict, StoreUnavailable) as error:
        return type(error)
    return None


# ---------------------------------------------------------------- many at once


async def test_of_many_writers_over_two_clients_exactly_one_wins_each_round(mongo_uri: str) -> None:
    async with opened(mongo_uri) as one, opened(mongo_uri) as other:
        await one.ensure_schema()
        await one.insert(THINGS, Thing("t"))
        for version in range(1, 11):
            things = [Thing("t", version, size=number) for number in range(WRITERS)]

            told = await asyncio.gather(
                *(
                    heard((one, other)[n % 2].replace(THINGS, t, expected_version=version - 1))
                    for n, t in enumerate(things)
                )
            )

            winners = [t for t, what in zip(things, told, strict=True) if what is None]
            assert told.count(VersionConflict) == WRITERS - 1
            assert [await one.get(THINGS, "t"), await other.get(THINGS, "t")] == winners * 2


async def test_who_waits_for_a_connection_is_not_overtaken_by_those_who_have_one(
    mongo_uri: str,
) -> None:
    async with opened(mongo_uri) as store:
        await store.ensure_schema()
        chains = [Chain(store, str(number), last=ROUNDS) for number in range(POOL_MAX + 2)]
        writing = [asyncio.create_task(chain.write()) for chain in chains]

        await asyncio.wait(writing, return_when=asyncio.FIRST_COMPLETED)
        done = [chain.done for chain in chains]

        await asyncio.gather(*writing)
        assert min(done) >= ROUNDS // 2


async def test_of_many_inserts_over_two_clients_exactly_one_wins(mongo_uri: str) -> None:
    async with opened(mongo_uri) as one, opened(mongo_uri) as other:
        await one.ensure_schema()
        things = [Thing("t", size=number) for number in range(WRITERS)]

        told = await asyncio.gather(
            *(heard((one, other)[n % 2].insert(THINGS, t)) for n, t in enumerate(things))
        )

        assert told.count(AlreadyExists) == WRITERS - 1
        assert await other.get(THINGS, "t") == things[told.index(None)]


async def test_closing_waits_for_the_writes_under_way(mongo_uri: str) -> None:
    async with opened(mongo_uri) as store, opened(mongo_uri) as other:
        await store.ensure_schema()
        writing = [
            asyncio.create_task(store.insert(THINGS, Thing(str(number)))) for number in range(40)
        ]
        await asyncio.sleep(0)

        await store.close()

        assert await asyncio.gather(*writing) == [None] * 40
        assert await other.get(THINGS, "39") == Thing("39")


@pytest.mark.parametrize("under_way", [0, 1])
async def test_closing_does_not_wait_for_a_server_that_hangs(under_way: int) -> None:
    with mongo_server() as server:
        async with opened(server.uri, timeout_s=30) as store:
            await store.ensure_schema()
            server.pause()
            writes = [store.insert(THINGS, Thing(str(number))) for number in range(under_way)]
            writing = [asyncio.create_task(heard(write)) for write in writes]
            await asyncio.sleep(0.1)
            began = time.monotonic()

            await store.close()

            assert time.monotonic() - began < CLOSE_S_MAX + 1
            server.go_on()
            # Written or not: whoever asked is told, or told that it is not known.
            assert set(await asyncio.gather(*writing)) <= {None, StoreUnavailable}


# ---------------------------------------------------------------- fail-over

# What a node says while it stops being the primary, and while it goes down.
NOT_PRIMARY, STEPPED_DOWN, SHUTTING_DOWN, NOT_YET_MAJORITY = 10107, 189, 91, 134


@pytest.mark.parametrize("code", [NOT_PRIMARY, STEPPED_DOWN, SHUTTING_DOWN])
async def test_a_write_refused_by_a_primary_that_goes_is_tried_again(
    mongo_uri: str, code: int
) -> None:
    async with opened(mongo_uri) as store:
        await store.ensure_schema()
        async with failing(mongo_uri, times=2, commands=["insert", "update"], errorCode=code):
            await store.insert(THINGS, Thing("t"))
            await store.replace(THINGS, Thing("t", 1), expected_version=0)

        assert await store.get(THINGS, "t") == Thing("t", 1)


@pytest.mark.parametrize("code", [NOT_PRIMARY, NOT_YET_MAJORITY])
async def test_a_read_refused_by_a_primary_that_goes_is_tried_again(
    mongo_uri: str, code: int
) -> None:
    async with opened(mongo_uri) as store:
        await store.ensure_schema()
        await store.insert(THINGS, Thing("t"))
        async with failing(mongo_uri, times=2, commands=["find"], errorCode=code):
            assert await store.get(THINGS, "t") == Thing("t")


@pytest.mark.parametrize("code", [64, SHUTTING_DOWN])
async def test_a_write_that_was_applied_but_not_yet_by_the_majority_is_known_again(
    mongo_uri: str, code: int
) -> None:
    error = {"code": code, "errmsg": "waiting for replication timed out"}
    async with opened(mongo_uri) as store:
        await store.ensure_schema()
        for commands in (["insert"], ["update"], ["delete"]):
            async with failing(mongo_uri, times=1, commands=commands, writeConcernError=error):
                match commands:
                    case ["insert"]:
                        await store.insert(THINGS, Thing("t"))
                    case ["update"]:
                        await store.replace(THINGS, Thing("t", 1), expected_version=0)
                        assert await store.get(THINGS, "t") == Thing("t", 1)
                    case _:
                        await store.remove(THINGS, "t", expected_version=1)

        assert await store.get(THINGS, "t") is None


async def test_what_no_time_mends_is_said_at_once_without_the_servers_words(mongo_uri: str) -> None:
    async with opened(mongo_uri) as store:
        await store.ensure_schema()
        async with failing(mongo_uri, times=1, commands=["insert"], errorCode=13):
            with pytest.raises(StoreUnavailable) as caught:
                await store.insert(THINGS, Thing("t", colour="secret"))

        assert str(caught.value) == "MongoDB: OperationFailure 13 Unauthorized"
        assert await store.get(THINGS, "t") is None


async def test_a_primary_that_steps_down_in_the_middle_is_waited_for(mongo_uri: str) -> None:
    async with opened(mongo_uri) as store, AsyncMongoClient[dict[str, Any]](mongo_uri) as client:
        await store.ensure_schema()

        async def chain(name: str) -> None:
            await store.insert(THINGS, Thing(name))
            for version in range(1, 30):
                await store.replace(THINGS, Thing(name, version), expected_version=version - 1)

        chains = [asyncio.create_task(chain(str(number))) for number in range(5)]
        await asyncio.sleep(0.05)
        await client.admin.command("replSetStepDown", 2, force=True)

        assert not any(one.done() for one in chains)
        await asyncio.gather(*chains)
        for number in range(5):
            assert await store.get(THINGS, str(number)) == Thing(str(number), 29)


async def test_a_primary_that_stays_away_is_not_waited_for_longer_than_told(
    mongo_uri: str,
) -> None:
    async with opened(mongo_uri, timeout_s=1) as store:
        await store.ensure_schema()
        async with AsyncMongoClient[dict[str, Any]](mongo_uri) as client:
            await client.admin.command("replSetStepDown", 4, force=True)
        loop = asyncio.get_running_loop()
        began_at = loop.time()

        with pytest.raises(StoreUnavailable):
            await store.insert(THINGS, Thing("t"))

        assert loop.time() - began_at < 2
    async with opened(mongo_uri) as store:  # and the next test finds a primary
        assert await store.get(THINGS, "t") is None
        await store.insert(THINGS, Thing("t"))


# ---------------------------------------------------------------- a database that is killed

# AFTER: so many versions are written after the kill.
CHAINS, AFTER = 12, 20


class Chain:
    """Writes one document version after version, and remembers what it was told.

    done: the last version that was acknowledged, -1 none. tried: the last that was sent. last:
    where it ends.
    """

    def __init__(self, store: MongoStore, name: str, last: int = 10**6) -> None:
        self._store = store
        self.name = name
        self.done = -1
        self.tried = -1
        self.told: type[Exception] | None = None
        self.last = last

    def thing(self, version: int) -> Thing:
        """Return a version with enough in it to be torn."""
        text = f"{self.name}/{version} " * 100
        return Thing(self.name, version, colour=text, parts=(Part(text), Part(text)))

    async def write(self) -> None:
        """Write up to the last, or until something is raised."""
        while self.told is None and self.tried < self.last:
            self.tried += 1
            thing = self.thing(self.tried)
            if self.tried == 0:
                self.told = await heard(self._store.insert(THINGS, thing))
            else:
                before = self.tried - 1
                self.told = await heard(self._store.replace(THINGS, thing, expected_version=before))
            if self.told is None:
                self.done = self.tried


async def until_each_wrote(chains: list[Chain], versions: int) -> None:
    """Return when so many versions of each are acknowledged, however slow the machine is."""
    while min(chain.done for chain in chains) < versions:
        assert {chain.told for chain in chains} == {None}
        await asyncio.sleep(0.01)


async def test_what_was_acknowledged_survives_a_kill_and_the_rest_is_whole_or_absent() -> None:
    with mongo_server(durable=True) as server:
        # No write runs out of time before the kill, on whatever machine: closing ends them after.
        async with opened(server.uri, timeout_s=60) as store:
            await store.ensure_schema()
            chains = [Chain(store, str(number)) for number in range(CHAINS)]
            writing = [asyncio.create_task(chain.write()) for chain in chains]
            await until_each_wrote(chains, 2)
            server.kill()
            await store.close()
            await asyncio.gather(*writing)
        await let_go_of_sockets()

        await asyncio.to_thread(server.start)
        async with opened(server.uri) as store:
            found = [await store.get(THINGS, chain.name) for chain in chains]

        assert {chain.told for chain in chains} <= {StoreUnavailable, StoreInDoubt}
        for chain, thing in zip(chains, found, strict=True):
            version = -1 if thing is None else thing.version
            maybe = {chain.tried} if chain.told is StoreInDoubt else set()
            assert version in {chain.done} | maybe
            assert thing is None or thing == chain.thing(version)


async def test_a_database_that_is_killed_and_comes_back_in_time_costs_time_and_nothing_else() -> (
    None
):
    """Its memory of the numbers of writes is gone: only the marks tell what was done."""
    with mongo_server(durable=True) as server:
        async with opened(server.uri, timeout_s=60) as store:
            await store.ensure_schema()
            chains = [Chain(store, str(number)) for number in range(CHAINS)]
            writing = [asyncio.create_task(chain.write()) for chain in chains]
            await until_each_wrote(chains, 2)
            server.kill()
            for chain in chains:
                chain.last = chain.tried + AFTER
            await asyncio.to_thread(server.start)
            await asyncio.gather(*writing)

            assert [(chain.told, chain.done) for chain in chains] == [
                (None, chain.last) for chain in chains
            ]
            for chain in chains:
                assert await store.get(THINGS, chain.name) == chain.thing(chain.last)
