"""What each answer of a MongoDB server, or none, means for a write: done, not done, or in doubt."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from pymongo.errors import AutoReconnect, NotPrimaryError
from pymongo.network_layer import PyMongoProtocol

from payment_service.adapters.mongo import MongoStore, open_store
from payment_service.adapters.mongo.errors import (
    CLOSED_BEFORE_SENDING,
    may_be_applied,
)
from payment_service.adapters.mongo.patience import Patience
from payment_service.ports import (
    AlreadyExists,
    StoreInDoubt,
    StoreUnavailable,
    VersionConflict,
)
from tests.contract.things import THINGS, Thing
from tests.parts.mongo_script import (
    DONE,
    DUPLICATE,
    NOTHING_MATCHED,
    Answer,
    Cut,
    Plain,
    ScriptedMongo,
    refused,
    scripted_mongo,
    shown,
)
from tests.parts.mongo_server import let_go_of_sockets, mongo_server
from tests.parts.processes import free_port

# Each call ends within it; what is tried again is, several times.
TIMEOUT_S = 0.9
WRITES = ("insert", "update", "delete")
write_each_way = pytest.mark.parametrize("command", WRITES)


async def written(store: MongoStore, command: str) -> None:
    """Make the write that this command carries."""
    if command == "insert":
        await store.insert(THINGS, Thing("t"))
    elif command == "update":
        await store.replace(THINGS, Thing("t", 1), expected_version=0)
    else:
        await store.remove(THINGS, "t", expected_version=0)


async def told(store: MongoStore, command: str) -> type[Exception] | None:
    """Return exactly what the write raised."""
    try:
        await written(store, command)
    except (AlreadyExists, VersionConflict, StoreUnavailable) as error:
        return type(error)
    return None


async def connected(store: MongoStore) -> None:
    """Return when there is a connection: on a busy machine a short limit may pass before."""
    async with asyncio.timeout(30):
        while True:
            with suppress(StoreUnavailable):
                return await store.ping()


@asynccontextmanager
async def opened(
    script: Callable[[Plain], Answer], *, timeout_s: float = TIMEOUT_S, pool_max: int = 5
) -> AsyncIterator[tuple[MongoStore, ScriptedMongo]]:
    async with scripted_mongo(script) as server:
        store = open_store(server.uri, [THINGS], pool_max=pool_max, timeout_s=timeout_s)
        try:
            await connected(store)
            yield store, server
        finally:
            await store.close()


def in_turn(*answers: Answer, then: Answer) -> Callable[[], Answer]:
    """Return what gives these answers one by one, and the last for ever."""
    left = iter(answers)
    return lambda: next(left, then)


# ---------------------------------------------------------------- may stand, so it is doubt

# What the second try may be told after the first was applied and its answer lost.
AFTERWARDS = [365, 211, 13, 217, 24, 112, 202, 13388, 91, 10107, 50, 8000]


@write_each_way
@pytest.mark.parametrize("code", AFTERWARDS)
async def test_a_write_whose_answer_was_lost_is_in_doubt_whatever_is_answered_later(
    command: str, code: int
) -> None:
    writes = in_turn(Cut.CLOSE, then=refused(code))

    async with opened(lambda c: writes() if next(iter(c)) == command else shown()) as (store, _):
        assert await told(store, command) is StoreInDoubt


@write_each_way
async def test_a_write_whose_answer_was_lost_bears_the_same_mark_when_it_is_sent_again(
    command: str,
) -> None:
    writes = in_turn(Cut.CLOSE, then=DONE)

    async with opened(lambda _: writes(), timeout_s=5) as (store, server):
        assert await told(store, command) is None

        first, second = server.named(command)
        for sent in (first, second):
            sent.pop("maxTimeMS")  # what is left of the time
            sent.pop("lsid", None)
        assert first == second
        assert "txnNumber" not in first, "the driver would repeat it by itself, and tell nobody"


@write_each_way
@pytest.mark.parametrize("code", [6, 7, 89, 9001, 91, 189, 11600, 11602, 50, 262, 211, 202, 8, 1])
async def test_an_answer_that_does_not_say_whether_the_write_was_begun_is_doubt(
    command: str, code: int
) -> None:
    async with opened(lambda _: refused(code)) as (store, _):
        assert await told(store, command) is StoreInDoubt


@write_each_way
async def test_a_write_of_which_the_majority_is_not_known_is_doubt(command: str) -> None:
    concern = {"code": 64, "errmsg": "waiting for replication timed out"}

    async with opened(lambda _: DONE | {"writeConcernError": concern}) as (store, _):
        assert await told(store, command) is StoreInDoubt


@write_each_way
@pytest.mark.parametrize("cut", Cut)
async def test_no_answer_at_all_is_doubt(command: str, cut: Cut) -> None:
    async with opened(lambda _: cut) as (store, _):
        assert await told(store, command) is StoreInDoubt


# ---------------------------------------------------------------- surely not done


@write_each_way
@pytest.mark.parametrize("code", [10107, 13435, 13436, 10058, 112, 24, 365, 13388])
async def test_a_write_that_was_refused_before_it_began_is_not_doubt(
    command: str, code: int
) -> None:
    # A server that is not the primary any more is looked at again before the next try.
    async with opened(lambda _: refused(code), timeout_s=2) as (store, server):
        assert await told(store, command) is StoreUnavailable
        assert len(server.named(command)) > 1, "it may be taken in a moment"


@write_each_way
@pytest.mark.parametrize(
    "labels", [["NoWritesPerformed"], ["SystemOverloadedError", "RetryableError"]]
)
async def test_a_write_that_the_server_says_it_did_not_do_is_not_doubt(
    command: str, labels: list[str]
) -> None:
    async with opened(lambda _: refused(91, errorLabels=labels)) as (store, _):
        assert await told(store, command) is StoreUnavailable


@write_each_way
async def test_a_write_that_is_forbidden_is_told_at_once(command: str) -> None:
    async with opened(lambda _: refused(13)) as (store, server):
        with pytest.raises(StoreUnavailable, match=r"^MongoDB: OperationFailure 13 Code13$"):
            await written(store, command)
        assert len(server.named(command)) == 1


@pytest.mark.parametrize("command", ["update", "delete"])
async def test_a_write_that_matched_nothing_is_not_doubt_because_nobody_can_be_asked_whose_stands(
    command: str,
) -> None:
    async with opened(lambda c: NOTHING_MATCHED if next(iter(c)) == command else Cut.CLOSE) as (
        store,
        _,
    ):
        assert await told(store, command) is StoreUnavailable


async def test_an_insert_that_was_kept_out_is_not_doubt_because_nobody_can_be_asked() -> None:
    async with opened(lambda c: DUPLICATE if "insert" in c else Cut.CLOSE) as (store, _):
        assert await told(store, "insert") is StoreUnavailable


# ---------------------------------------------------------------- never left


@write_each_way
async def test_a_write_that_waited_in_vain_for_a_connection_is_not_doubt(command: str) -> None:
    has_it = asyncio.Event()

    def script(_: Plain) -> Answer:
        has_it.set()
        return Cut.STALL

    async with opened(script, pool_max=1, timeout_s=1) as (store, server):
        reading = asyncio.create_task(store.get(THINGS, "t"))
        await asyncio.wait_for(has_it.wait(), 5)
        waiting = asyncio.create_task(told(store, command))
        # The reader's tries take the only connection one after the other.
        with pytest.raises(StoreUnavailable):
            await reading
        sent = bool(server.named(command))

        assert await waiting is (StoreInDoubt if sent else StoreUnavailable)


async def test_a_write_is_not_sent_with_hardly_any_time_left_to_hear_of_it() -> None:
    patience = Patience(timeout_s=1, turns=1)
    tries = 0

    async def late(_doubt: bool) -> None:  # noqa: FBT001 - as Patience calls it
        nonlocal tries
        tries += 1
        await asyncio.sleep(0.85)
        raise NotPrimaryError("not primary", {"code": 10107})

    with pytest.raises(StoreUnavailable):
        await patience.settle(late)

    assert tries == 1


@write_each_way
async def test_a_write_for_which_no_connection_can_be_made_is_not_doubt(command: str) -> None:
    uri = f"mongodb://127.0.0.1:{free_port()}/payments?directConnection=true"
    store = open_store(uri, [THINGS], pool_max=2, timeout_s=TIMEOUT_S)

    assert await told(store, command) is StoreUnavailable
    await store.close()
    await let_go_of_sockets()


async def test_a_write_to_a_server_that_does_not_even_greet_is_not_doubt() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    uri = f"mongodb://127.0.0.1:{listener.sockets[0].getsockname()[1]}/?directConnection=true"
    store = open_store(uri, [THINGS], pool_max=2, timeout_s=TIMEOUT_S)

    assert {await told(store, command) for command in WRITES} == {StoreUnavailable}
    await store.close()
    listener.close()
    await let_go_of_sockets()


async def test_writes_after_the_server_was_killed_while_nobody_used_it_are_not_doubt() -> None:
    """Thirty of thirty: what is told as doubt is a payer who waits for nothing."""
    heard: list[type[Exception] | None] = []
    for _ in range(3):
        with mongo_server() as server:
            store = open_store(server.uri, [THINGS], pool_max=10, timeout_s=TIMEOUT_S)
            await store.ensure_schema()
            await asyncio.gather(*(store.insert(THINGS, Thing(f"{n}")) for n in range(10)))
            await asyncio.sleep(0.3)

            server.kill()
            heard += await asyncio.gather(*(told(store, "insert") for _ in range(10)))
            await store.close()
        await let_go_of_sockets()

    assert heard == [StoreUnavailable] * 30


async def test_the_driver_still_says_so_when_a_connection_was_closed_before_a_byte_left() -> None:
    """`may_be_applied` knows it by these words; another release of the driver may have others."""

    async def ended(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    listener = await asyncio.start_server(ended, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(PyMongoProtocol, "127.0.0.1", port)
    transport.abort()

    with pytest.raises(OSError, match=f"^{CLOSED_BEFORE_SENDING}$") as caught:
        await protocol.write(b"a command")
    error = AutoReconnect("lost")
    error.__cause__ = caught.value
    assert not may_be_applied(error, sent=True)
    error.__cause__ = OSError("connection closed")
    assert may_be_applied(error, sent=True)
    listener.close()
