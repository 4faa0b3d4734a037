"""`payment-service notifications`: what is listed and sent again, on the database alone."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from payment_service.adapters.sqlite import open_store
from payment_service.cli import app
from payment_service.domain.call import asked
from payment_service.domain.notice import Notice, NoticeState, owe
from payment_service.storage.collections import AUDIT, COLLECTIONS, PAYMENTS
from tests.contract.things import paid

NOW = datetime.now(UTC).replace(microsecond=0)
DEAD, PENDING, TOLD = NoticeState.DEAD, NoticeState.OWED, NoticeState.TOLD


def notice(number: int, state: NoticeState, failure: str | None, *, hours_ago: int) -> Notice:
    owed = owe("PAYMENT RECEIVED", f"key-{number}", NOW - timedelta(hours=hours_ago))
    return replace(owed, state=state, failure=failure)


NOTICES = (
    (notice(1, DEAD, "http_404", hours_ago=100),),
    (notice(2, DEAD, "http_401", hours_ago=80),),
    (notice(3, PENDING, "http_503", hours_ago=1),),
    (notice(4, TOLD, None, hours_ago=1),),
    (notice(5, DEAD, "http_404", hours_ago=90), notice(6, PENDING, None, hours_ago=1)),
)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "payments.db"
    monkeypatch.setenv("SQLITE_PATH", str(path))

    async def fill() -> None:
        store = open_store(str(path), COLLECTIONS)
        await store.check_schema()
        for number, notices in enumerate(NOTICES, 1):
            await store.insert(PAYMENTS, replace(paid(), id=f"order-{number}", notices=notices))
        await store.close()

    asyncio.run(fill())
    return path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["notifications", *words])


def keys(result: Result) -> set[str]:
    assert result.exit_code == 0, result.output
    return {line.split("\t")[1] for line in result.stdout.splitlines()}


@pytest.mark.parametrize(
    ("words", "listed"),
    [
        ((), {"key-3", "key-6"}),
        (("--state", "dead"), {"key-1", "key-2", "key-5"}),
        (("--state", "dead", "--code", "http_404"), {"key-1", "key-5"}),
        (("--state", "dead", "--since", "95h"), {"key-2", "key-5"}),
        (("--state", "dead", "--since", (NOW - timedelta(hours=85)).isoformat()), {"key-2"}),
        (("--state", "delivered"), {"key-4"}),
        (("--since", "30m"), set()),
    ],
)
@pytest.mark.usefixtures("database")
def test_notifications_are_listed_by_state_code_and_age(
    words: tuple[str, ...], listed: set[str]
) -> None:
    assert keys(run("list", *words)) == listed


@pytest.mark.parametrize("since", ["2 hours", "yesterday", "0h", "999999d"])
@pytest.mark.usefixtures("database")
def test_an_age_that_is_none_is_refused(since: str) -> None:
    result = run("list", "--since", since)

    assert result.exit_code == 2
    assert "no age such as 2h" in result.output


def test_the_dead_are_owed_anew_and_the_audit_says_who_did_it_and_why(database: Path) -> None:
    asked = ("retry", "--code", "http_404", "--by", "Olga P.", "--reason", "route mended")

    rehearsal = run(*asked, "--dry-run")
    still_dead = keys(run("list", "--state", "dead"))
    done = run(*asked)

    assert keys(rehearsal) == keys(done) == {"key-1", "key-5"}
    assert "2 notifications would be sent again, 0 skipped." in rehearsal.stderr
    assert "2 notifications will be sent again, 0 skipped." in done.stderr
    assert still_dead == {"key-1", "key-2", "key-5"}
    assert keys(run("list", "--state", "dead")) == {"key-2"}
    assert keys(run("list")) == {"key-1", "key-3", "key-5", "key-6"}
    assert asyncio.run(audited(database)) == {
        ("notification.retried", "Olga P.", "route mended", "order-1"),
        ("notification.retried", "Olga P.", "route mended", "order-5"),
    }


def under_way(owed: Notice) -> Notice:
    return replace(owed, call=asked(owed.call, NOW, lease_s=60))


async def put(path: Path, order_id: str, *notices: Notice) -> None:
    store = open_store(str(path), COLLECTIONS)
    await store.insert(PAYMENTS, replace(paid(), id=order_id, uid=order_id, notices=notices))
    await store.close()


@pytest.mark.parametrize(
    ("state", "notices", "why"),
    [
        (
            "dead",
            (notice(7, DEAD, "http_410", hours_ago=90), notice(8, TOLD, None, hours_ago=1)),
            "A later notification of this order was delivered",
        ),
        (
            "dead",
            (
                notice(7, DEAD, "http_410", hours_ago=90),
                under_way(notice(8, PENDING, None, hours_ago=1)),
            ),
            "A later notification of this order is being sent",
        ),
        (
            "pending",
            (under_way(notice(7, PENDING, "http_410", hours_ago=1)),),
            "It is being sent at this moment.",
        ),
    ],
)
def test_a_rehearsal_skips_what_is_skipped_and_both_say_why(
    database: Path, state: str, notices: tuple[Notice, ...], why: str
) -> None:
    asyncio.run(put(database, "order-7", *notices))
    asked_for = ("retry", "--state", state, "--code", "http_410")

    rehearsal, done = run(*asked_for, "--dry-run"), run(*asked_for)

    assert keys(rehearsal) == keys(done) == set()
    for result in (rehearsal, done):
        assert f"order-7\tkey-7\tskipped: {why}" in result.stderr
    assert "0 notifications would be sent again, 1 skipped." in rehearsal.stderr
    assert "0 notifications will be sent again, 1 skipped." in done.stderr
    assert asyncio.run(audited(database)) == set()


async def audited(path: Path) -> set[tuple[str, str, str, str]]:
    store = open_store(str(path), COLLECTIONS)
    try:
        page = await store.page(
            AUDIT, equal={}, created_from=None, created_to=None, cursor=None, limit=10
        )
        return {(entry.what, entry.who, entry.why, entry.subject) for entry in page.items}
    finally:
        await store.close()
