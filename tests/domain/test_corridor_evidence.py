"""What a refusal or an empty list proves, and what it does not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from payment_service.domain import call as calls
from payment_service.domain import corridor
from payment_service.domain.news import Declined, IntentSeen, NoNews, NothingFound, Rejected
from payment_service.domain.payment import FailureKind, Operation, Payment, State
from payment_service.domain.steps import FindIntent, ReadIntent
from tests.domain.papers import (
    DENIAL,
    REFUSAL,
    asked,
    at,
    call_of,
    canceled,
    cancelling,
    confirming,
    heard,
    in_doubt,
    intent,
    moment,
    opened,
)

BEGUN_S = 60.0  # when the confirmations and cancellations of `papers` begin
MOVED = ["requires_action", "processing", "requires_capture", "requires_reauthorization"]


def shown(status: str) -> State:
    """Return how we take a status."""
    return State(status) if status in set(State) else State.PROCESSING


@pytest.mark.parametrize("status", [*MOVED, "succeeded", "canceled"])
def test_a_refusal_that_shows_the_payment_on_its_way_is_no_failure(status: str) -> None:
    rejected = heard(confirming(), Rejected(REFUSAL, intent(status)), BEGUN_S)
    declined = heard(opened(), Declined(DENIAL, intent(status)), 0)

    assert (rejected.state, rejected.failure) == (shown(status), None)
    assert (declined.state, declined.failure) == (shown(status), None)


@pytest.mark.parametrize("status", MOVED)
def test_a_refusal_that_may_be_an_old_one_says_only_what_is_final(status: str) -> None:
    rejected = heard(in_doubt(confirming(), BEGUN_S), Rejected(REFUSAL, intent(status)), BEGUN_S)
    declined = heard(confirming(), Declined(DENIAL, intent(status), replayed=True), BEGUN_S)

    assert rejected.state is State.ASKING
    assert declined.state is State.REQUIRES_PAYMENT_METHOD
    assert declined.wake_at == at(BEGUN_S)  # it is looked at once


def test_a_cancellation_that_stripe_refuses_in_the_very_state_it_was_in_has_failed() -> None:
    action = replace(cancelling(), status=State.REQUIRES_ACTION)

    payment = heard(action, Rejected(REFUSAL, intent("requires_action")), BEGUN_S)

    assert payment.failure is not None
    assert (payment.state, payment.failure.kind) == (
        State.REQUIRES_ACTION,
        FailureKind.REJECTED,
    )
    assert payment.entered_at == action.entered_at


def test_a_refusal_of_another_payment_intent_says_nothing_of_ours() -> None:
    payment = heard(confirming(), Rejected(REFUSAL, intent("succeeded", id="pi_2")), BEGUN_S)

    assert payment.failure is not None
    assert payment.failure.kind is FailureKind.REJECTED


def test_a_list_read_before_another_door_found_the_payment_begins_no_second_one() -> None:
    """Its operation would be a creation, under a new key: a second PaymentIntent, and a charge."""
    doubted = heard(opened(), NoNews("lost"), 0)
    looking, step = asked(doubted, 0)
    assert isinstance(step, FindIntent)
    call = replace(call_of(looking), dead_end="idempotency_error")
    assert looking.attempt is not None
    found = replace(looking, intent_id="pi_1", attempt=replace(looking.attempt, call=call))

    payment = corridor.decide(found, step, NothingFound(), moment(1))

    assert payment.attempt is not None
    assert (payment.attempt.operation, payment.attempts_made) == (Operation.CREATE, 1)
    assert payment.attempt.call.key == call.key


@pytest.mark.parametrize(
    ("dead_end", "seconds"), [("http_500", 20), ("idempotency_error", 120), ("card_gone", 120)]
)
def test_only_an_error_saved_under_the_key_says_that_no_try_is_under_way(
    dead_end: str, seconds: float
) -> None:
    call = calls.begin_call("key", at(0))
    call = calls.asked(call, at(0), lease_s=30)
    call = calls.heard_nothing(call, at(0), dead_end=dead_end)

    assert not calls.is_over(call, at(seconds - 1), ask_for_s=900)
    assert calls.is_over(call, at(seconds), ask_for_s=900)


@pytest.mark.parametrize("begin", [confirming, cancelling])
def test_an_error_saved_under_key_after_key_is_asked_for_less_and_less_often(
    begin: Callable[[], Payment],
) -> None:
    payment = begin()
    untouched = IntentSeen(intent("requires_payment_method", charge_id=payment.charge_id))
    seconds, asks = BEGUN_S, 0
    while seconds < 4 * 3600:
        assert payment.wake_at is not None
        seconds = max(seconds, (payment.wake_at - at(0)).total_seconds())
        looks = isinstance(corridor.next_step(payment, moment(seconds)), ReadIntent)
        asks += not looks
        saved_error = NoNews("http_500", dead_end="http_500")
        payment = heard(payment, untouched if looks else saved_error, seconds)

    assert payment.attempt is not None
    assert payment.attempt.operation is Operation.CANCEL
    assert asks < 150


def test_a_success_that_comes_after_all_was_given_up_is_the_truth() -> None:
    """A clock that jumped made everybody believe that no try could be under way any more."""
    payment, step = asked(opened(), 0)
    payment = replace(payment, status=State.CANCELED, attempt=None, cancellation_reason="abandoned")

    late = corridor.decide(payment, step, IntentSeen(intent("succeeded")), moment(1000))

    assert (late.state, late.received_minor, late.intent_id) == (State.SUCCEEDED, 10_000, "pi_1")
    assert [n.status for n in late.notices] == ["PAYMENT RECEIVED"]
    assert "payment.given_up_wrongly" in [entry.what for entry in late.history]


@pytest.mark.parametrize("newer", [canceled, opened])
def test_money_of_an_attempt_that_was_left_behind_is_told_to_a_person(
    newer: Callable[[], Payment],
) -> None:
    _, step = asked(opened(), 0)
    payment = replace(newer(), attempts_made=2, intent_id="pi_2")
    if payment.attempt is not None:
        call = replace(payment.attempt.call, key="pay_1-2-create")
        payment = replace(payment, attempt=replace(payment.attempt, call=call))

    late = corridor.decide(payment, step, IntentSeen(intent("succeeded")), moment(1000))

    assert (late.state, late.attempt) == (payment.state, payment.attempt)
    assert late.history[-1].what == "payment.contradicted"
