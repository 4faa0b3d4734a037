"""What is special about a store in MongoDB: its documents, its indexes, and its address."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC
from time import monotonic
from typing import Any

import pytest
from bson import Int64
from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from structlog.testing import capture_logs

from payment_service.adapters.mongo import MongoStore, SchemaNotReady, StoreTooNew, open_store
from payment_service.adapters.mongo.schema import SCHEMA
from payment_service.domain.notice import owe
from payment_service.ports import Collection, StoreUnavailable
from payment_service.storage.collections import COLLECTIONS, PAYMENTS
from tests.contract.things import NOON, THINGS, Thing, after, paid
from tests.parts.mongo_server import let_go_of_sockets
from tests.parts.processes import free_port

Plain = dict[str, Any]
# How long the driver looks for a server when nobody tells it.
DRIVERS_PATIENCE_S = 30.0


@asynccontextmanager
async def opened(
    uri: str, collections: Iterable[Collection[Any]] = (THINGS,)
) -> AsyncIterator[MongoStore]:
    store = open_store(uri, collections, pool_max=5, timeout_s=30)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def shell(uri: str) -> AsyncIterator[AsyncDatabase[Plain]]:
    """Look at the database as an operator does."""
    async with AsyncMongoClient[Plain](uri) as client:
        options: CodecOptions[Plain] = CodecOptions(tz_aware=True, tzinfo=UTC)
        yield client.get_default_database().with_options(options)


# ---------------------------------------------------------------- documents


async def test_an_operator_finds_dates_numbers_and_the_order_as_they_are(mongo_uri: str) -> None:
    async with opened(mongo_uri, COLLECTIONS) as store, shell(mongo_uri) as database:
        await store.ensure_schema()
        await store.insert(PAYMENTS, paid())

        (found,) = await database["payments"].find().to_list()

    body = found["body"]
    assert list(found) == ["_id", "version", "write", "columns", "body"]
    assert (found["_id"], found["version"]) == (paid().id, paid().version)
    assert body["created_at"] == NOON
    assert (type(body["terms"]["amount_minor"]), body["terms"]["amount_minor"]) == (
        Int64,
        2**53 + 1,
    )
    assert body["terms"]["metadata"] == {"Schlüssel": "Wert", "": "empty"}
    assert found["columns"] == {
        "intent_id": "pi_1",
        "customer_id": "cus_1",
        "status": "succeeded",
        "currency": "eur",
        "created_at": int(NOON.timestamp() * 1000),
        "wake_at": NOON,
    }


async def test_every_write_leaves_a_mark_of_its_own(mongo_uri: str) -> None:
    async with opened(mongo_uri) as store, shell(mongo_uri) as database:
        await store.ensure_schema()
        marks = set()
        await store.insert(THINGS, Thing("t"))
        for version in range(1, 4):
            marks.add((await database["things"].find_one({}) or {})["write"])
            await store.replace(THINGS, Thing("t", version), expected_version=version - 1)

    assert len(marks) == 3


async def test_what_is_none_is_in_no_index(mongo_uri: str) -> None:
    async with opened(mongo_uri) as store, shell(mongo_uri) as database:
        await store.ensure_schema()
        await store.insert(THINGS, Thing("t", wake_at=NOON, colour="red"))
        await store.replace(THINGS, Thing("t", 1), expected_version=0)

        found = await database["things"].find_one({}) or {}

    assert list(found["columns"]) == ["created_at"]


async def test_documents_that_cannot_be_read_do_not_stop_the_others(mongo_uri: str) -> None:
    async with opened(mongo_uri) as store, shell(mongo_uri) as database:
        await store.ensure_schema()
        for number in range(6):
            thing = Thing(str(number), created_at=after(number), wake_at=after(number))
            await store.insert(THINGS, thing)
        for unreadable in ("1", "2"):
            await database["things"].update_one({"_id": unreadable}, {"$unset": {"body.id": ""}})

        with capture_logs() as logs:
            due = await store.due(THINGS, after(9), 3)
            seen: list[str] = []
            cursor = None
            while cursor is not None or not seen:
                page = await store.page(
                    THINGS, equal={}, created_from=None, created_to=None, cursor=cursor, limit=2
                )
                seen += [t.id for t in page.items]
                cursor = page.next_cursor

    assert [t.id for t in due] == ["0", "3", "4"]
    assert seen == ["5", "4", "3", "0"]
    assert {(line["event"], line["collection"], line["id"]) for line in logs} == {
        ("document.unreadable", "things", unreadable) for unreadable in ("1", "2")
    }


# ---------------------------------------------------------------- indexes


async def test_a_start_refuses_a_database_without_indexes_and_makes_none(mongo_uri: str) -> None:
    async with opened(mongo_uri) as store, shell(mongo_uri) as database:
        with pytest.raises(SchemaNotReady, match=r"things\.wake_at.*`payment-service migrate`"):
            await store.check_schema()
        assert await database.list_collection_names() == []

        await store.ensure_schema()
        await store.check_schema()

        await database["things"].drop_index("colour")
        with pytest.raises(SchemaNotReady, match=r"\(things\.colour\)"):
            await store.check_schema()


async def test_an_index_that_is_not_as_declared_is_made_anew_and_others_stay(
    mongo_uri: str,
) -> None:
    async with opened(mongo_uri) as store, shell(mongo_uri) as database:
        things = database["things"]
        await things.create_index([("columns.serial", 1)], name="serial")
        await things.create_index([("body.text", 1)], name="the operators own")

        with pytest.raises(SchemaNotReady, match=r"things\.serial"):
            await store.check_schema()
        await store.ensure_schema()
        await store.check_schema()

        assert set(await things.index_information()) == {
            "_id_",
            "the operators own",
            "wake_at",
            "expires_at",
            "serial",
            "colour",
            "size",
            "created_at",
        }
        await store.insert(THINGS, Thing("t", expires_at=NOON))
        assert (await things.index_information())["serial"]["unique"] is True
        assert (await things.index_information())["expires_at"]["expireAfterSeconds"] == 0


async def test_values_that_are_not_unique_stop_the_migration(mongo_uri: str) -> None:
    loose = replace(THINGS, unique=frozenset())
    async with opened(mongo_uri, [loose]) as store:
        await store.ensure_schema()
        await store.insert(loose, Thing("a", serial="s"))
        await store.insert(loose, Thing("b", serial="s"))

    async with opened(mongo_uri) as store:
        with pytest.raises(StoreUnavailable, match="MongoDB: "):
            await store.ensure_schema()


async def test_a_database_of_a_newer_version_is_refused(mongo_uri: str) -> None:
    async with opened(mongo_uri) as store, shell(mongo_uri) as database:
        await store.ensure_schema()
        await database["schema"].update_one({}, {"$set": {"version": SCHEMA + 1}})

        with pytest.raises(StoreTooNew, match="newer version"):
            await store.check_schema()
        with pytest.raises(StoreTooNew, match="newer version"):
            await store.ensure_schema()


async def test_a_database_of_an_older_version_wants_to_be_migrated(mongo_uri: str) -> None:
    async with opened(mongo_uri) as store, shell(mongo_uri) as database:
        await store.ensure_schema()
        await database["schema"].update_one({}, {"$set": {"version": SCHEMA - 1}})

        with pytest.raises(SchemaNotReady, match="an older schema"):
            await store.check_schema()
        await store.ensure_schema()
        await store.check_schema()


async def test_a_migration_after_another_has_nothing_to_do(mongo_uri: str) -> None:
    async with opened(mongo_uri, COLLECTIONS) as one, opened(mongo_uri, COLLECTIONS) as other:
        for store in (one, other):
            await store.ensure_schema()
        began_at = monotonic()
        await one.ensure_schema()
        await other.check_schema()

        assert monotonic() - began_at < 1


async def test_many_migrations_at_once_may_all_find_the_same_index_wrong(mongo_uri: str) -> None:
    async with AsyncExitStack() as stack, shell(mongo_uri) as database:
        stores = [await stack.enter_async_context(opened(mongo_uri)) for _ in range(4)]
        for store in stores:  # from here on all of them are connected
            await store.ensure_schema()
        await database["things"].drop_index("colour")
        await database["things"].create_index("columns.colour", name="colour")

        await asyncio.gather(*(store.ensure_schema() for store in stores))

        await stores[0].check_schema()


# ---------------------------------------------------------------- the address

SECRET = "verysecret"


@pytest.mark.parametrize(
    "uri",
    [
        f"mongodb://user:{SECRET}@/payments",
        f"mongodb://user:{SECRET}@db:port/payments",
        f"mongodb://us@er:{SECRET}@db/payments",
        f"mongodb://user:{SECRET}@db/payments?replicaSet",
        f"mongodb://user:{SECRET}%ZZ@db/payments?authMechanism={SECRET}",
        f"mongodb://user:{SECRET}@db/payments?tls={SECRET}",
        f"mongodb+srv://user:{SECRET}@db:27017/payments",
        f"http://user:{SECRET}@db/payments",
    ],
)
async def test_an_address_that_is_none_is_refused_without_being_repeated(uri: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_store(uri, [THINGS], pool_max=1, timeout_s=1)

    assert str(caught.value) == "MONGODB_URI cannot be read as an address of MongoDB"
    assert caught.value.__suppress_context__


async def test_an_address_with_a_certificate_that_is_not_there_is_refused_in_one_line() -> None:
    uri = f"mongodb://user:{SECRET}@host/payments?tls=true&tlsCAFile=/nowhere/ca.pem"

    with pytest.raises(StoreUnavailable, match="MONGODB_URI names a file that cannot") as caught:
        open_store(uri, COLLECTIONS, pool_max=1, timeout_s=1)

    assert SECRET not in str(caught.value)


async def test_a_database_that_is_away_is_said_by_its_host_and_no_more() -> None:
    port = free_port()
    uri = f"mongodb://user:{SECRET}@127.0.0.1:{port}/payments"
    store = open_store(uri, [THINGS], pool_max=1, timeout_s=1)
    began_at = monotonic()

    with pytest.raises(StoreUnavailable) as caught:
        await store.get(THINGS, "t")
    took_s = monotonic() - began_at
    await store.close()
    await let_go_of_sockets()

    assert took_s < DRIVERS_PATIENCE_S / 3
    assert str(caught.value).startswith(
        f"MongoDB: ServerSelectionTimeoutError: 127.0.0.1:{port}: [Errno "
    )
    assert SECRET not in f"{caught.value} {caught.value!r} {store!r} {store.__dict__}"
    assert caught.value.__suppress_context__


async def test_the_address_cannot_weaken_what_the_store_promises(mongo_uri: str) -> None:
    weak = f"{mongo_uri}&w=1&journal=false&readPreference=secondary&retryWrites=true"
    async with opened(weak) as store:
        of_a_write = store._database.write_concern.document

        assert of_a_write == {"w": "majority", "j": True}
        assert store._database.read_concern.document == {"level": "majority"}
        assert store._database.read_preference.mode == 0
        assert store._client.options.retry_writes is False


async def test_an_address_without_a_database_means_payments(mongo_address: str) -> None:
    async with opened("mongodb://127.0.0.1:1/?connectTimeoutMS=1") as store:
        assert store._database.name == "payments"


async def test_a_migration_fills_columns_that_were_declared_since(mongo_uri: str) -> None:
    """An older release wrote the documents; a filter over the new column must find them."""
    older = {name: PAYMENTS.columns[name] for name in PAYMENTS.columns if name != "notification"}
    old = replace(PAYMENTS, columns=older)
    owed = (owe("PAYMENT RECEIVED", "key", NOON),)
    async with opened(mongo_uri, [old]) as store, shell(mongo_uri) as database:
        await store.ensure_schema()
        for number in range(3):
            await store.insert(old, replace(paid(), id=f"order-{number}", notices=owed))
        await store.insert(old, replace(paid(), id="owes-nothing"))
        await database["payments"].update_one(
            {"_id": "order-2"}, {"$set": {"body.notices": "no list"}}
        )

    async with opened(mongo_uri, [PAYMENTS]) as store, shell(mongo_uri) as database:
        await store.ensure_schema()
        marks = {one["_id"]: one async for one in database["payments"].find()}
        await store.ensure_schema()

        assert [one["_id"] async for one in database["payments"].find(PENDING)] == [
            "order-0",
            "order-1",
        ]
        found = await store.get(PAYMENTS, "order-0")
        assert found is not None
        await store.replace(PAYMENTS, replace(found, version=1), expected_version=0)
        assert marks["order-0"]["version"] == 0


PENDING = {"columns.notification": "pending"}
