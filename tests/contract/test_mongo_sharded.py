"""A unique index where documents are spread over shards: it cannot be had, and stops nobody."""

from typing import Any

import pytest

from payment_service.adapters.mongo import open_store
from payment_service.adapters.mongo.errors import SchemaNotReady
from payment_service.adapters.mongo.schema import SCHEMA
from payment_service.ports import StoreUnavailable
from tests.contract.things import THINGS
from tests.parts.mongo_script import DONE, OK, Answer, Plain, refused, scripted_mongo, shown

CANNOT_CREATE_INDEX = 67


class Shards:
    """What the cluster keeps of indexes. why: with what it refuses a unique one, 0 takes it."""

    def __init__(self, why: int = CANNOT_CREATE_INDEX) -> None:
        self.why = why
        self.indexes: dict[str, Plain] = {}

    def __call__(self, command: Plain) -> Answer:
        match next(iter(command)):
            case "listIndexes":
                return shown(*self.indexes.values())
            case "createIndexes":
                wanted: list[Any] = command["indexes"]
                if self.why and any(index.get("unique") for index in wanted):
                    return refused(self.why)
                self.indexes |= {index["name"]: index for index in wanted}
                return OK
            case "find" if command["find"] == "schema":
                return shown({"_id": "payment-service", "version": SCHEMA})
            case "find":
                return shown()
            case _:
                return DONE


async def test_where_documents_are_spread_a_unique_index_is_a_plain_one() -> None:
    shards = Shards()
    async with scripted_mongo(shards, is_router=True) as server:
        store = open_store(server.uri, [THINGS], pool_max=2, timeout_s=2)
        with pytest.raises(SchemaNotReady):
            await store.check_schema()

        await store.ensure_schema()
        await store.check_schema()
        await store.ensure_schema()
        await store.close()

    assert "serial" in shards.indexes
    assert not shards.indexes["serial"].get("unique")
    assert len(server.named("createIndexes")) == 3  # the plain ones, the refusal, and instead of it


async def test_a_unique_index_that_cannot_be_made_for_another_reason_is_an_error() -> None:
    async with scripted_mongo(Shards(why=11000), is_router=True) as server:
        store = open_store(server.uri, [THINGS], pool_max=2, timeout_s=2)

        with pytest.raises(StoreUnavailable):
            await store.ensure_schema()
        await store.close()


async def test_where_nothing_is_spread_a_plain_index_does_not_stand_for_a_unique_one() -> None:
    shards = Shards()
    async with scripted_mongo(shards) as server:
        store = open_store(server.uri, [THINGS], pool_max=2, timeout_s=2)
        await store.ensure_schema()

        with pytest.raises(SchemaNotReady, match=r"things\.serial"):
            await store.check_schema()
        await store.close()
