"""Faults of webhooks: what is lost, doubled, late, out of order, or never was; and the plan."""

from __future__ import annotations

import pytest

from stripe_sandbox.engine import WebhookFault, WebhookFaultRule
from stripe_sandbox.engine.config import DAY_S
from stripe_sandbox.engine.webhooks import BATCH_WAITS_S
from stripe_sandbox.webhook_faults import WebhookFaultPlan, read_rule
from tests.sandbox.account import Account
from tests.sandbox.telling import answer, body, due, hit, listening, told

PAID = "payment_intent.succeeded"


def names(account: Account, wait_s: float = 0) -> list[str]:
    """Take what is due, and return the names of the customers it speaks of."""
    attempts = due(account, wait_s)
    for attempt in attempts:
        answer(account, attempt)
    return [body(attempt)["data"]["object"]["name"] for attempt in attempts]


def customers(account: Account, *wanted: str) -> None:
    for name in wanted:
        account.customer(name=name)


def test_a_dropped_event_is_never_told_and_can_still_be_found() -> None:
    account = Account()
    listening(account)
    hit(account, "drop", PAID)
    account.pay()
    account.pay()

    assert told(account, 4 * DAY_S).count(PAID) == 1
    lost = account.get("/v1/events", {"delivery_success": False}).body["data"]
    assert [(event["type"], event["pending_webhooks"]) for event in lost] == [(PAID, 1)]


def test_a_duplicate_is_the_same_event_several_times() -> None:
    account = Account()
    listening(account)
    hit(account, "duplicate", "customer.created", count=3)
    customers(account, "Ann")

    attempts = due(account, 1)

    assert len(attempts) == 3
    assert len({attempt.event_id for attempt in attempts}) == 1
    assert len({attempt.id for attempt in attempts}) == 3
    assert len({attempt.body for attempt in attempts}) == 1
    for attempt in attempts:
        answer(account, attempt)
    assert account.engine.events[0]["pending_webhooks"] == 0


def test_a_copy_that_fails_is_not_tried_again() -> None:
    account = Account()
    listening(account)
    hit(account, "duplicate")
    customers(account, "Ann")
    for attempt in due(account, 1):
        answer(account, attempt, 500)

    assert [attempt.number for attempt in due(account, 60)] == [2]


def test_two_events_for_one_change_differ_in_nothing_but_their_id() -> None:
    account = Account()
    listening(account)
    hit(account, "two_events", PAID)
    account.pay()

    first, second = (one for one in due(account, 1) if body(one)["type"] == PAID)

    assert first.event_id != second.event_id
    assert {**body(first), "id": ""} == {**body(second), "id": ""}
    listed = account.get("/v1/events", {"type": PAID}).body["data"]
    assert {event["id"] for event in listed} == {first.event_id, second.event_id}


def test_an_event_that_was_never_generated_is_nowhere() -> None:
    account = Account()
    listening(account)
    hit(account, "never_generated", PAID)

    paid = account.pay()

    assert paid.body["status"] == "succeeded"
    assert PAID not in told(account)
    assert account.get("/v1/events", {"type": PAID}).body["data"] == []
    assert PAID not in account.event_types()


def test_a_delay_holds_up_the_first_attempt() -> None:
    account = Account()
    listening(account)
    hit(account, "delay", delay_s=40)
    customers(account, "slow", "quick")

    assert names(account) == ["quick"]
    assert names(account, 39.9) == []
    assert names(account, 0.1) == ["slow"]


def test_a_batch_arrives_in_reversed_order() -> None:
    account = Account()
    listening(account)
    hit(account, "reorder", count=3)

    customers(account, "1", "2")
    assert names(account) == []
    customers(account, "3", "4")

    assert names(account, 1) == ["3", "4", "2", "1"]


def test_batches_follow_each_other_as_often_as_asked() -> None:
    account = Account()
    listening(account)
    hit(account, "reorder", count=2, times=2)

    customers(account, *"12345")

    assert sorted(names(account, 1)) == list("12345")
    assert account.engine.webhooks.faults.rules == []
    hit(account, "reorder")
    customers(account, *"67")
    assert names(account, 1) == ["7", "6"]


def test_a_batch_that_does_not_fill_goes_out_in_its_time_all_the_same() -> None:
    account = Account()
    listening(account)
    hit(account, "reorder", count=9)
    customers(account, "1", "2")

    assert names(account, BATCH_WAITS_S - 1) == []
    assert names(account, 2) == ["2", "1"]
    customers(account, "3")
    assert names(account, BATCH_WAITS_S) == ["3"]


def test_a_shuffle_depends_on_nothing_but_the_seed() -> None:
    orders = []
    for _ in range(2):
        account = Account()
        listening(account)
        hit(account, "reorder", count=8, order="shuffled")
        customers(account, *"12345678")
        orders.append(names(account, 1))

    assert orders[0] == orders[1]
    assert sorted(orders[0]) == list("12345678")
    assert orders[0] not in (list("12345678"), list("87654321"))


def test_a_fault_hits_all_endpoints_and_only_its_types() -> None:
    account = Account()
    listening(account)
    listening(account)
    hit(account, "drop", "payment_intent.*", times=2)
    account.pay()

    assert told(account, 1) == ["charge.succeeded", "charge.succeeded"]


def test_a_reset_takes_faults_back() -> None:
    account = Account()
    listening(account)
    hit(account, "drop", times=9)

    account.engine.reset()
    customers(account, "Ann")

    assert names(account) == ["Ann"]


def test_what_is_sent_by_hand_comes_on_top() -> None:
    account = Account()
    listening(account)
    customers(account, "Ann")
    event_id = account.engine.events[0]["id"]
    [first] = due(account)
    answer(account, first, 500)

    sent = account.engine.resend_webhook(event_id, None, account.now)
    [by_hand] = due(account)
    answer(account, by_hand, 200)

    assert (sent, by_hand.event_id, by_hand.number) == (1, event_id, 1)
    assert account.engine.events[0]["pending_webhooks"] == 1
    assert [attempt.number for attempt in due(account, 5)] == [2]
    assert account.engine.resend_webhook("evt_x", None, account.now) is None


def test_the_first_pass_the_next_are_hit_and_the_rest_pass() -> None:
    plan = WebhookFaultPlan()
    plan.add(WebhookFaultRule("charge.*", WebhookFault("drop"), times=2, skip=1))

    hits = [plan.take("charge.failed") is not None for _ in range(5)]

    assert hits == [False, True, True, False, False]
    assert plan.take("customer.created") is None


@pytest.mark.parametrize(
    ("wish", "bad"),
    [
        (None, {""}),
        ({}, {"fault"}),
        ({"fault": "nope"}, {"fault"}),
        ({"fault": ["drop"]}, {"fault"}),
        ({"fault": "drop", "count": 3}, {"count"}),
        ({"fault": "reorder", "delay_s": 3}, {"delay_s"}),
        ({"fault": "delay", "delay_s": -1, "colour": 1}, {"delay_s", "colour"}),
        ({"fault": "reorder", "count": 1, "order": "up"}, {"count", "order"}),
        ({"fault": "duplicate", "count": 101}, {"count"}),
        ({"fault": "drop", "type": "", "times": 0, "skip": True}, {"type", "times", "skip"}),
    ],
)
def test_every_bad_field_is_named(wish: object, bad: set[str]) -> None:
    problems = read_rule(wish)

    assert isinstance(problems, dict)
    assert problems.keys() == bad


def test_what_is_left_out_means_any_event_once() -> None:
    rule = read_rule({"fault": "reorder"})

    assert rule == WebhookFaultRule("*", WebhookFault("reorder", count=2), times=1, skip=0)
