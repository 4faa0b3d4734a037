"""Which adapter the settings choose, and what follows from the choice."""

from pathlib import Path

from payment_service.adapters.mongo import MongoStore
from payment_service.adapters.sqlite import SqliteStore
from payment_service.composing import open_database, policy_of
from payment_service.settings import load_settings

MONGO = {"MONGODB_URI": "mongodb://127.0.0.1:1/payments", "MONGODB_TIMEOUT_S": "7"}


async def test_mongodb_wins_over_sqlite_when_it_is_set(tmp_path: Path) -> None:
    path = tmp_path / "payments.sqlite3"
    sqlite = {"SQLITE_PATH": str(path)}

    shared = open_database(load_settings({**sqlite, **MONGO}))
    assert not path.exists()
    own = open_database(load_settings(sqlite))

    assert isinstance(shared, MongoStore)
    assert isinstance(own, SqliteStore)
    assert (shared.exclusive, own.exclusive) == (False, True)
    await shared.close()
    await own.close()


def test_a_claim_outlives_the_slowest_try_and_on_mongodb_its_own_write_too() -> None:
    assert policy_of(load_settings({})).lease_s == 30
    assert policy_of(load_settings(MONGO)).lease_s == 37
