"""The same lives with the documents on a real server, fewer of them.

Virtual time stands still while the server is asked, so each of these lives is as it is in memory.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pymongo
import pytest

from payment_service.adapters import mongo
from payment_service.ports import Store
from payment_service.storage.collections import COLLECTIONS
from tests.parts.mongo_server import a_database, kept_for_ever
from tests.parts.store_in_a_thread import RealLoop, ThreadedStore
from tests.simulation.campaign import tally
from tests.simulation.lives import gates, random_life
from tests.simulation.living import Outcome, live
from tests.simulation.plan import Life, read_life
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.test_crash_everywhere import complaints
from tests.simulation.town import HONEST

# Each life costs the server some tens of writes, so these are few: of each story the first, and
# those in which the process is killed at one gate in so many.
GATES_ONE_IN = 24
CRASH_MAX = 48
RANDOM_LIVES = 12


@pytest.fixture(scope="module")
def lived() -> Iterator[Callable[[Life], Outcome]]:
    """Return how to live a life on a server; each finds an empty database."""
    real = RealLoop()
    with a_database() as uri, pymongo.MongoClient[dict[str, Any]](uri) as client:
        database = client.get_default_database()
        kept = kept_for_ever(COLLECTIONS)
        store = ThreadedStore(real, lambda: mongo.open_store(uri, kept, pool_max=4, timeout_s=30))

        def emptied() -> Store:
            for collection in COLLECTIONS:
                database[collection.name].delete_many({})
            return store

        yield lambda life: live(life, replace(HONEST, shelf=emptied))
        asyncio.run(store.close())
    real.stop()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_crash_costs_money_or_an_order(scenario: str, lived: Callable[[Life], Outcome]) -> None:
    plain = Life(scenario, SCENARIOS[scenario].cards[0], retry=True)
    known = live(plain)
    lives = [replace(plain, crash=(gate,)) for gate in gates(known, CRASH_MAX)]

    assert complaints(tally(map(lived, [plain, *lives[::GATES_ONE_IN]]))) == []


def test_neither_do_several_at_once(lived: Callable[[Life], Outcome]) -> None:
    assert complaints(tally(lived(random_life(seed)) for seed in range(RANDOM_LIVES))) == []


def test_a_life_on_a_server_is_the_life_in_memory(lived: Callable[[Life], Outcome]) -> None:
    life = read_life("refund_all/visa/fault=2:timeout_after/crash=7a/retry")

    assert lived(life).trace == live(life).trace
