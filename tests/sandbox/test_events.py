"""The list of events, the channel by which lost webhooks are found again."""

from __future__ import annotations

from typing import Any

import pytest

from stripe_sandbox.engine import Config
from stripe_sandbox.engine.config import DAY_S
from tests.sandbox.account import START, Account
from tests.sandbox.telling import answer, due, hit, listening

PATH = "/v1/events"


def names(account: Account, **filters: Any) -> list[str]:
    """The names of the customers in a list of events, newest first."""
    events = account.get(PATH, filters).body["data"]
    return [event["data"]["object"]["name"] for event in events]


def test_whether_all_were_told_is_a_filter() -> None:
    account = Account(Config(webhook_retries_s=(5.0,)))
    account.customer(name="before")
    listening(account)
    hit(account, "drop", skip=2)
    for name in ("told", "failed", "lost"):
        account.customer(name=name)
    told, failed = due(account)
    answer(account, told, 200)
    answer(account, failed, 500)

    assert names(account, delivery_success=True) == ["told", "before"]
    assert names(account, delivery_success=False) == ["lost", "failed"]

    [again] = due(account, 5)
    answer(account, again, 200)

    assert names(account, delivery_success=False) == ["lost"]
    assert names(account, delivery_success=False, type="charge.*") == []
    pending = [event["pending_webhooks"] for event in account.get(PATH).body["data"]]
    assert pending == [1, 0, 0, 0]


def test_what_has_failed_for_good_is_not_delivered() -> None:
    account = Account(Config(webhook_retries_s=()))
    listening(account)
    account.customer(name="Ann")

    answer(account, due(account)[0], 500)

    assert names(account, delivery_success=False) == ["Ann"]
    assert names(account, delivery_success=True) == []


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        ({"gt": int(START)}, ["two", "one"]),
        ({"gte": int(START)}, ["two", "one", "zero"]),
        ({"lt": int(START) + 2}, ["one", "zero"]),
        ({"lte": int(START) + 1, "gt": int(START)}, ["one"]),
    ],
)
def test_events_are_found_by_time(bounds: dict[str, int], found: list[str]) -> None:
    account = Account()
    for name in ("zero", "one", "two"):
        account.customer(name=name)
        account.now += 1

    assert names(account, created=bounds) == found
    assert names(account, created=int(START) + 1) == ["one"]


def test_pages_walk_both_ways_within_a_filter() -> None:
    account = Account()
    for number in range(5):
        account.customer(name=f"{number}")
        account.pay()
    of_customers = {"type": "customer.created", "limit": 2}

    first = account.get(PATH, of_customers).body
    after = first["data"][-1]["id"]
    second = account.get(PATH, {**of_customers, "starting_after": after}).body
    back = account.get(PATH, {**of_customers, "ending_before": second["data"][0]["id"]}).body

    assert [one["data"]["object"]["name"] for one in first["data"]] == ["4", "3"]
    assert [one["data"]["object"]["name"] for one in second["data"]] == ["2", "1"]
    assert (first["has_more"], second["has_more"], back["has_more"]) == (True, True, False)
    assert back["data"] == first["data"]


def test_an_event_can_be_read_for_thirty_days() -> None:
    account = Account()
    account.customer()
    path = f"{PATH}/{account.engine.events[0]['id']}"

    account.now += 30 * DAY_S
    within = account.get(path)
    account.now += 1
    beyond = account.get(path)

    assert (within.status, beyond.status) == (200, 404)
    assert beyond.error["code"] == "resource_missing"
