"""What a MongoDB server refuses: for a moment, since another was first, or for good."""

from typing import Any

import pytest
from pymongo import AsyncMongoClient

from payment_service.adapters.mongo import open_store
from payment_service.adapters.mongo.errors import ServerNotSupported
from payment_service.adapters.mongo.self_test import WRITERS
from payment_service.ports import (
    LINEARIZABLE,
    AlreadyExists,
    NotStorable,
    StoreInDoubt,
    StoreUnavailable,
)
from tests.contract.test_mongo_answers import TIMEOUT_S, WRITES, in_turn, opened, told
from tests.contract.things import NOON, THINGS, Thing
from tests.parts.mongo_script import (
    DONE,
    DUPLICATE,
    Answer,
    Cut,
    Plain,
    refused,
    scripted_mongo,
    shown,
)

# ---------------------------------------------------------------- a moment mends it

PASSING = [
    6, 7, 24, 43, 46, 50, 63, 89, 91, 112, 133, 134, 150, 175, 189, 202, 211, 216, 217, 237, 246,
    249, 262, 365, 391, 9001, 10107, 11600, 11601, 11602, 13388, 13435, 13436,
]  # fmt: skip


@pytest.mark.parametrize("code", PASSING)
async def test_what_a_server_says_in_passing_is_asked_again(code: int) -> None:
    answers = {
        "find": in_turn(refused(code), then=shown()),
        "insert": in_turn(refused(code), then=DONE),
        "update": in_turn(refused(code), then=DONE),
        "delete": in_turn(refused(code), then=DONE),
    }
    async with opened(lambda c: answers[next(iter(c))](), timeout_s=5) as (store, server):
        assert await store.get(THINGS, "t") is None
        for command in WRITES:
            assert await told(store, command) is None, command
            assert len(server.named(command)) == 2


# ---------------------------------------------------------------- kept out by an id or a value


async def test_an_insert_that_was_kept_out_by_one_that_no_majority_has_yet_is_tried_again() -> None:
    """And done, when the other is rolled back. The server does not say which key it was."""
    inserts = in_turn(DUPLICATE, DUPLICATE, then=DONE)

    async with opened(lambda c: inserts() if "insert" in c else shown(), timeout_s=5) as (
        store,
        server,
    ):
        await store.insert(THINGS, Thing("t", serial="s"))

        assert len(server.named("insert")) == 3


async def test_an_insert_that_was_kept_out_by_one_that_shows_later_is_anothers() -> None:
    theirs = {"_id": "t", "version": 0, "write": "theirs"}
    shows = in_turn(shown(), shown(), shown(), then=shown(theirs))

    async with opened(lambda c: DUPLICATE if "insert" in c else shows(), timeout_s=5) as (store, _):
        with pytest.raises(AlreadyExists):
            await store.insert(THINGS, Thing("t", serial="s"))


async def test_an_insert_whose_unique_value_another_document_has_is_anothers() -> None:
    theirs = {"_id": "other", "version": 3, "write": "theirs"}

    def script(command: Plain) -> Answer:
        if "insert" in command:
            return DUPLICATE
        return shown(theirs) if "$or" in command["filter"] else shown()

    async with opened(script) as (store, server):
        with pytest.raises(AlreadyExists):
            await store.insert(THINGS, Thing("t", serial="s"))
        assert server.named("find")[0]["filter"] == {
            "_id": {"$ne": "t"},
            "$or": [{"columns.serial": {"$eq": "s"}}],
        }


async def test_an_insert_in_doubt_that_its_own_unique_value_keeps_out_is_done() -> None:
    """The first try was applied, and its answer lost; the majority shows it a moment later."""
    ours: list[Any] = []

    def script(command: Plain) -> Answer:
        if "insert" in command:
            ours.append({**command["documents"][0]})
            return Cut.CLOSE if len(ours) == 1 else DUPLICATE
        return shown(ours[0]) if len(ours) > 2 and "$or" not in command["filter"] else shown()

    async with opened(script, timeout_s=5) as (store, _):
        await store.insert(THINGS, Thing("t", serial="s"))

    assert len(ours) == 3
    assert ours[0] == ours[1] == ours[2]


async def test_an_insert_in_doubt_whose_value_another_has_by_now_is_not_called_lost() -> None:
    """Ours may have been there first, and gone again: whoever took it down knows that, not we."""
    inserts = in_turn(Cut.CLOSE, then=DUPLICATE)
    theirs = {"_id": "other", "version": 0, "write": "theirs"}

    def script(command: Plain) -> Answer:
        if "insert" in command:
            return inserts()
        return shown(theirs) if "$or" in command["filter"] else shown()

    async with opened(script) as (store, _):
        with pytest.raises(StoreInDoubt):
            await store.insert(THINGS, Thing("t", serial="s"))


# ---------------------------------------------------------------- a primary that has just begun


async def test_whoever_decides_by_what_is_missing_is_not_shown_an_old_picture() -> None:
    """A fresh primary's majority picture lacks what the one before was told by a majority."""
    stored: list[Plain] = []

    def script(command: Plain) -> Answer:
        if "insert" in command:
            stored.extend(command["documents"])
            return DONE
        level = command["readConcern"]["level"]
        return shown(*stored) if level == "linearizable" else shown()

    async with opened(script) as (store, _):
        await store.insert(THINGS, Thing("t", colour="red"))

        async def seen() -> list[object]:
            page = await store.page(
                THINGS,
                equal={"colour": "red"},
                created_from=None,
                created_to=None,
                cursor=None,
                limit=10,
            )
            return [
                *page.items,
                await store.get(THINGS, "t"),
                await store.find_one(THINGS, "colour", "red"),
                *await store.due(THINGS, NOON, 10),
                *await store.walk(THINGS, after="", limit=10),
            ]

        assert await seen() == [None, None]
        token = LINEARIZABLE.set(True)
        assert await seen() == [Thing("t", colour="red")] * 5
        LINEARIZABLE.reset(token)


async def test_a_server_that_is_alone_is_not_asked_for_the_others_word() -> None:
    def script(command: Plain) -> Answer:
        if command["readConcern"]["level"] == "linearizable":
            return refused(123, codeName="NotAReplicaSet")
        return shown()

    async with opened(script) as (store, server):
        token = LINEARIZABLE.set(True)
        assert await store.get(THINGS, "t") is None
        assert await store.get(THINGS, "t") is None
        LINEARIZABLE.reset(token)

        levels = [command["readConcern"]["level"] for command in server.heard]
        assert levels == ["linearizable", "majority", "majority"]


# ---------------------------------------------------------------- words, and what no server takes


async def test_a_server_that_is_too_old_is_said_with_the_drivers_words() -> None:
    async with scripted_mongo(lambda _: shown(), wire=(0, 5)) as server:
        store = open_store(server.uri, [THINGS], pool_max=1, timeout_s=TIMEOUT_S)

        with pytest.raises(
            StoreUnavailable, match=r"^MongoDB: ConfigurationError: .*wire version 5"
        ):
            await store.get(THINGS, "t")
        await store.close()


HALF = "\ud83d"  # of a surrogate pair, as JSON may carry it


@pytest.mark.parametrize(
    ("thing", "what"),
    [
        (Thing("t", parts=(), colour="x" * 17 * 1024 * 1024), "DocumentTooLarge"),
        (Thing("t", colour=f"secret {HALF}"), "UnicodeEncodeError"),
        (Thing(f"t{HALF}"), "UnicodeEncodeError"),
        (Thing("t", size=2**63), "OverflowError"),
    ],
)
async def test_a_document_that_no_server_takes_is_refused_in_the_ports_words(
    thing: Thing, what: str
) -> None:
    async with opened(lambda _: DONE) as (store, server):
        with pytest.raises(NotStorable, match=f"^MongoDB: {what}$"):
            await store.insert(THINGS, thing)
        replacement = Thing(thing.id, 1, colour=thing.colour, size=thing.size)
        with pytest.raises(NotStorable, match=f"^MongoDB: {what}$"):
            await store.replace(THINGS, replacement, expected_version=0)
        assert server.heard == []


async def test_a_look_up_by_what_is_no_text_is_refused_in_the_ports_words() -> None:
    async with opened(lambda _: shown()) as (store, _):
        for looking in (
            store.get(THINGS, HALF),
            store.find_one(THINGS, "colour", HALF),
            store.remove(THINGS, HALF, expected_version=0),
        ):
            with pytest.raises(NotStorable, match="UnicodeEncodeError"):
                await looking


# ---------------------------------------------------------------- a server that cannot be relied on


@pytest.mark.parametrize("winners", [0, 2, 16])
async def test_a_server_on_which_not_exactly_one_writer_wins_is_refused(winners: int) -> None:
    told_so: list[Plain] = []

    def script(command: Plain) -> Answer:
        match next(iter(command)):
            case "insert":
                told_so.append(command["documents"][0])
                return DONE if len(told_so) <= winners else DUPLICATE
            case "find":
                return shown(*told_so[:1])
            case _:
                return DONE

    async with scripted_mongo(script) as server:
        store = open_store(server.uri, [THINGS], pool_max=20, timeout_s=5, self_test=True)
        with pytest.raises(ServerNotSupported, match=f"of one version of a document {winners} "):
            await store.ensure_schema()
        await store.close()
        (removed,) = server.named("delete")

    assert removed["deletes"][0]["q"] == {"_id": told_so[0]["_id"]}, "nothing is left behind"
    assert server.named("createIndexes") == []


async def test_a_server_that_lets_two_replace_the_same_version_is_refused(mongo_uri: str) -> None:
    """And one that does not is not, and keeps nothing of the test."""
    store = open_store(mongo_uri, [THINGS], pool_max=20, timeout_s=30, self_test=True)
    await store.ensure_schema()
    await store.check_schema()
    async with AsyncMongoClient[Plain](mongo_uri) as client:
        left = await client.get_default_database()["schema"].find().to_list()
    assert [document["_id"] for document in left] == ["payment-service"]
    await store.close()

    def script(command: Plain) -> Answer:
        match next(iter(command)):
            case "insert":
                sent.append(command["documents"][0])
                return DONE if len(sent) == 1 else DUPLICATE
            case "find":
                return shown(sent[-1] if len(sent) > WRITERS else sent[0])
            case "update":
                sent.append(command["updates"][0]["u"])
                return DONE
            case _:
                return DONE

    sent: list[Plain] = []
    async with scripted_mongo(script) as server:
        store = open_store(server.uri, [THINGS], pool_max=20, timeout_s=5, self_test=True)
        with pytest.raises(ServerNotSupported, match=f"document {WRITERS} were told"):
            await store.ensure_schema()
        await store.close()
