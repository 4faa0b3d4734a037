"""Faults as the engine shows them: with the effect or without, saved or not; and the plan."""

from __future__ import annotations

from typing import Any

import pytest

from stripe_sandbox.engine import Fault
from stripe_sandbox.faults import FAULT_KINDS, FaultPlan, FaultRule, read_rule
from tests.sandbox.account import NO_REDIRECT, Account, request

PAID = {
    "amount": 1000,
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "confirm": True,
    **NO_REDIRECT,
}
# Kind -> outcome, status, payments after it, and after a retry under the key: status, payments,
# and whether it was a replay.
TABLE: dict[str, tuple[str, int, int, int, int, bool]] = {
    "timeout_before": ("timeout", 0, 0, 200, 1, False),
    "timeout_after": ("timeout", 0, 1, 200, 1, True),
    "reset_before": ("reset", 0, 0, 200, 1, False),
    "reset_after": ("reset", 0, 1, 200, 1, True),
    "error_500_before": ("answer", 500, 0, 500, 0, True),
    "error_500_after": ("answer", 500, 1, 500, 1, True),
    "error_503_before": ("answer", 503, 0, 200, 1, False),
    "error_503_after_key_forgotten": ("answer", 503, 1, 200, 2, False),
    "truncated_200": ("truncated", 200, 1, 200, 1, True),
    "rate_limit": ("answer", 429, 0, 200, 1, False),
    "lock_timeout": ("answer", 429, 0, 200, 1, False),
    "delay": ("answer", 200, 1, 200, 1, True),
    "answer": ("answer", 400, 0, 400, 0, True),
}


def payments(account: Account) -> int:
    return sum(intent["amount_received"] == 1000 for intent in account.books()["payment_intents"])


def test_every_kind_is_in_the_table() -> None:
    assert tuple(TABLE) == FAULT_KINDS


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_a_fault_does_what_its_name_says(kind: Any) -> None:
    account = Account()
    sent = request("POST", "/v1/payment_intents", PAID, key="k")
    outcome, status, paid, retry_status, paid_after, replayed = TABLE[kind]

    hit = account.engine.handle(sent, now=account.now, fault=Fault(kind))
    paid_at_once = payments(account)
    retried = account.engine.handle(sent, now=account.now)

    assert (hit.outcome, hit.status, paid_at_once) == (outcome, status, paid)
    assert (retried.status, payments(account)) == (retry_status, paid_after)
    assert retried.headers.get("Idempotent-Replayed") == ("true" if replayed else None)


@pytest.mark.parametrize(
    ("kind", "wait_s"),
    [("timeout_before", 120), ("timeout_after", 120), ("delay", 5), ("rate_limit", 0)],
)
def test_faults_take_their_time(kind: Any, wait_s: float) -> None:
    account = Account()
    sent = request("POST", "/v1/payment_intents", PAID)

    assert account.engine.handle(sent, now=account.now, fault=Fault(kind)).delay_s == wait_s
    assert account.engine.handle(sent, now=account.now, fault=Fault(kind, 0.5)).delay_s == 0.5


def test_a_cut_answer_is_half_of_the_whole_one() -> None:
    account = Account()
    sent = request("POST", "/v1/payment_intents", PAID, key="k")

    cut = account.engine.handle(sent, now=account.now, fault=Fault("truncated_200"))
    whole = account.engine.handle(sent, now=account.now)

    assert whole.body.startswith(cut.body)
    assert len(cut.body) == len(whole.body) // 2


def test_a_replay_is_lost_like_any_other_answer() -> None:
    account = Account()
    sent = request("POST", "/v1/payment_intents", PAID, key="k")
    account.engine.handle(sent, now=account.now)

    lost = account.engine.handle(sent, now=account.now, fault=Fault("reset_after"))

    assert (lost.outcome, payments(account)) == ("reset", 1)
    log = account.engine.ledger()["requests"][-1]
    assert (log["status"], log["replayed"]) == (None, True)


@pytest.mark.parametrize("kind", ["error_500_before", "error_500_after", "error_503_before"])
def test_errors_of_stripe_have_their_type(kind: Any) -> None:
    answer = Account().post("/v1/payment_intents", PAID, fault=Fault(kind))

    assert answer.error["type"] == "api_error"
    assert "code" not in answer.error


def test_an_ordered_answer_is_answered_word_for_word_and_kept_as_stripe_would() -> None:
    account = Account()
    body = {"error": {"type": "card_error", "code": "insufficient_funds", "message": "No."}}
    no = Fault("answer", status=402, body=body)

    refused = account.post("/v1/payment_intents", PAID, key="k", fault=no)
    again = account.post("/v1/payment_intents", PAID, key="k")

    assert (refused.status, refused.body) == (402, body)
    assert (again.status, again.raw) == (402, refused.raw)
    assert account.books()["payment_intents"] == []


@pytest.mark.parametrize("status", [401, 403, 409, 429, 502, 503, 504])
def test_an_ordered_answer_that_stripe_keeps_under_no_key_is_kept_under_none(status: int) -> None:
    account = Account()

    account.post("/v1/payment_intents", PAID, key="k", fault=Fault("answer", status=status))

    assert account.post("/v1/payment_intents", PAID, key="k").status == 200
    assert payments(account) == 1


def test_an_ordered_answer_stands_in_place_of_a_replay_once() -> None:
    account = Account()
    account.post("/v1/payment_intents", PAID, key="k")

    ordered = account.post("/v1/payment_intents", PAID, key="k", fault=Fault("answer", status=402))

    assert (ordered.status, ordered.error["type"]) == (402, "card_error")
    assert account.post("/v1/payment_intents", PAID, key="k").status == 200


def test_any_path_can_be_given_any_error() -> None:
    account = Account()
    intent = account.pay().body["id"]

    read = account.get(f"/v1/payment_intents/{intent}", fault=Fault("answer", status=404))
    refund = account.post(
        "/v1/refunds", {"payment_intent": intent}, fault=Fault("answer", status=402)
    )

    assert (read.status, read.error["type"]) == (404, "invalid_request_error")
    assert (refund.status, account.books()["refunds"]) == (402, [])


def test_what_is_ordered_is_read_with_its_status_and_body() -> None:
    ordered = rule(fault="answer", status=402, body={"error": {"code": "x"}})

    assert ordered.fault == Fault("answer", status=402, body={"error": {"code": "x"}})


@pytest.mark.parametrize(
    ("wish", "problems"),
    [
        ({"fault": "answer"}, {"status": "must be the status of an error, 400 to 599"}),
        (
            {"fault": "answer", "status": 200},
            {"status": "must be the status of an error, 400 to 599"},
        ),
        ({"fault": "answer", "status": 402, "body": []}, {"body": "must be a JSON object"}),
        ({"fault": "delay", "status": 402}, {"status": "needs the fault answer"}),
    ],
)
def test_an_answer_that_is_no_error_cannot_be_ordered(
    wish: dict[str, Any], problems: dict[str, str]
) -> None:
    assert read_rule(wish) == problems


def rule(**more: Any) -> FaultRule:
    read = read_rule({"method": "POST", "path": "/v1/*", "fault": "delay", **more})
    assert isinstance(read, FaultRule)
    return read


def test_the_first_pass_the_next_are_hit_and_the_rest_pass() -> None:
    plan = FaultPlan()
    plan.add(rule(skip=2, times=2))

    hit = [plan.take("POST", "/v1/customers") is not None for _ in range(6)]

    assert hit == [False, False, True, True, False, False]
    assert plan.rules == []


def test_a_rule_speaks_of_its_method_and_path_only() -> None:
    plan = FaultPlan()
    plan.add(rule(path="/v1/payment_intents/*/confirm"))

    assert plan.take("GET", "/v1/payment_intents/pi_1/confirm") is None
    assert plan.take("POST", "/v1/payment_intents") is None
    assert plan.take("POST", "/v1/payment_intents/pi_1/confirm") == Fault("delay")


def test_rules_take_turns_in_the_order_they_came() -> None:
    plan = FaultPlan()
    plan.add(rule(fault="reset_before"))
    plan.add(rule(fault="reset_after"))

    kinds = [
        fault.kind if fault else None for fault in (plan.take("POST", "/v1/x") for _ in range(3))
    ]

    assert kinds == ["reset_before", "reset_after", None]


def test_a_cleared_plan_hits_nothing() -> None:
    plan = FaultPlan()
    plan.add(rule())

    plan.clear()

    assert plan.take("POST", "/v1/customers") is None


@pytest.mark.parametrize(
    ("wish", "bad"),
    [
        ([], {""}),
        ({}, {"fault"}),
        ({"fault": "nope"}, {"fault"}),
        ({"fault": "delay", "colour": "red"}, {"colour"}),
        (
            {"method": 1, "path": "", "fault": [], "times": 0, "skip": -1, "delay_s": "x"},
            {"method", "path", "fault", "times", "skip", "delay_s"},
        ),
        ({"fault": "delay", "times": True, "delay_s": True}, {"times", "delay_s"}),
        ({"fault": "delay", "delay_s": float("inf")}, {"delay_s"}),
        ({"fault": "delay", "delay_s": float("nan")}, {"delay_s"}),
    ],
)
def test_every_bad_field_is_named(wish: object, bad: set[str]) -> None:
    problems = read_rule(wish)

    assert isinstance(problems, dict)
    assert problems.keys() == bad


def test_what_is_left_out_means_any_request_once() -> None:
    assert read_rule({"fault": "delay"}) == FaultRule("*", "*", Fault("delay"), times=1, skip=0)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("lock_timeout", 429),
        ("error_500_before", 500),
        ("error_500_after", 500),
        ("error_503_after_key_forgotten", 503),
    ],
)
def test_a_fault_in_place_of_a_replay_leaves_what_is_saved(kind: Any, status: int) -> None:
    account = Account()
    sent = request("POST", "/v1/payment_intents", PAID, key="k")
    first = account.engine.handle(sent, now=account.now)

    hit = account.engine.handle(sent, now=account.now, fault=Fault(kind))
    again = account.engine.handle(sent, now=account.now)

    assert (hit.status, again.body, payments(account)) == (status, first.body, 1)
