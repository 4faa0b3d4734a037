"""What others' words make of a payment: an attempt under way, one given up, an orphan at Stripe."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from payment_service.domain import corridor
from payment_service.domain.call import KEY_HELD_S
from payment_service.domain.corridor_attempts import CONTRADICTED, heard_of
from payment_service.domain.news import (
    Declined,
    IntentSeen,
    NoNews,
    NotExecuted,
    NothingFound,
    Rejected,
)
from payment_service.domain.notice import NoticeState
from payment_service.domain.payment import FailureKind, Operation, Payment, State
from payment_service.domain.steps import CancelIntent, FindIntent, PaymentStep
from payment_service.domain.wishes import cancel_payment, pay_again
from tests.domain.papers import (
    DENIAL,
    OTHER_CARD,
    REFUSAL,
    asked,
    at,
    call_of,
    canceled,
    cancelling,
    capturing,
    confirming,
    declined,
    heard,
    held,
    intent,
    moment,
    opened,
    order,
    paid,
    waiting,
)

KEY = "pay_1-1-create"
STATUSES = (
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "succeeded",
    "canceled",
    "a_word_of_tomorrow",
)
FINAL_ONLY = {"succeeded": State.SUCCEEDED, "canceled": State.CANCELED}
ON_ITS_WAY = {
    "requires_action": State.REQUIRES_ACTION,
    "processing": State.PROCESSING,
    "requires_capture": State.REQUIRES_CAPTURE,
    "a_word_of_tomorrow": State.PROCESSING,
    **FINAL_ONLY,
}
# The operation under way, and what of it an event settles when the look was made for this attempt.
UNDER_WAY: dict[Operation, tuple[Callable[[], Payment], dict[str, State]]] = {
    Operation.CREATE: (opened, ON_ITS_WAY),
    Operation.CONFIRM: (confirming, ON_ITS_WAY),
    Operation.CAPTURE: (capturing, FINAL_ONLY),
    Operation.CANCEL: (cancelling, FINAL_ONLY),
}


def under_way(operation: Operation) -> tuple[Payment, PaymentStep]:
    """Return a payment with this operation asked for and not answered yet, and its step."""
    return asked(UNDER_WAY[operation][0](), 60)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("operation", Operation)
def test_an_attempt_under_way_is_settled_by_what_it_has_surely_brought_about(
    operation: Operation, status: str
) -> None:
    payment, _ = under_way(operation)

    after = heard_of(payment, intent(status, key=KEY), moment(61), seen_with=call_of(payment).key)

    assert after.state is UNDER_WAY[operation][1].get(status, State.ASKING)
    assert after.intent_id == "pi_1"
    assert (after.attempt is None) == (after.state is not State.ASKING)


@pytest.mark.parametrize("seen_with", [None, "pay_1-0-create"])
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("operation", Operation)
def test_a_look_made_before_the_attempt_settles_it_only_by_what_is_final(
    operation: Operation, status: str, seen_with: str | None
) -> None:
    payment, _ = under_way(operation)

    after = heard_of(payment, intent(status, key=KEY), moment(61), seen_with=seen_with)

    assert after.state is FINAL_ONLY.get(status, State.ASKING)
    assert after.intent_id == "pi_1"


@pytest.mark.parametrize("operation", Operation)
def test_the_owner_s_answer_to_what_an_event_has_settled_changes_nothing(
    operation: Operation,
) -> None:
    payment, step = under_way(operation)
    success = intent("succeeded", key=KEY)
    after = heard_of(payment, success, moment(61), seen_with=call_of(payment).key)

    late = corridor.decide(after, step, IntentSeen(success), moment(62))

    assert late == after
    assert [n.status for n in late.notices] == ["PAYMENT RECEIVED"]


def test_a_creation_that_the_issuer_refused_is_known_by_its_event() -> None:
    payment, _ = asked(opened(retry_key="mine"), 0)
    refused = intent("requires_payment_method", key=KEY, last_error=DENIAL, charge_id="ch_1")

    after = heard_of(payment, refused, moment(1), seen_with=KEY)

    assert after.failure is not None
    assert (after.state, after.failure.kind, after.failure.retry_key) == (
        State.REQUIRES_PAYMENT_METHOD,
        FailureKind.DECLINED,
        "mine",
    )


def test_a_refusal_of_the_client_s_own_card_does_not_end_the_try_with_another() -> None:
    """The event of a refusal just before ours must tell nobody that ours was declined."""
    payment, step = asked(confirming(), 60)
    theirs = intent("requires_payment_method", last_error=DENIAL, charge_id="ch_of_the_client")

    after = heard_of(payment, theirs, moment(61), seen_with=call_of(payment).key)
    assert (after.state, after.failure) == (State.ASKING, None)
    ours = intent("succeeded", payment_method_id=OTHER_CARD)
    after = corridor.decide(after, step, IntentSeen(ours), moment(62))

    assert (after.state, after.payment_method_id) == (State.SUCCEEDED, OTHER_CARD)


def test_an_authentication_that_was_asked_for_before_is_not_the_new_card_s() -> None:
    payment = replace(confirming(), status=State.REQUIRES_ACTION)
    payment, _ = asked(payment, 60)
    key = call_of(payment).key

    old = heard_of(payment, intent("requires_action"), moment(61), seen_with=key)
    new = heard_of(
        payment, intent("requires_action", payment_method_id=OTHER_CARD), moment(61), seen_with=key
    )

    assert (old.state, new.state) == (State.ASKING, State.REQUIRES_ACTION)


# Nothing under way


@pytest.mark.parametrize(
    ("begin", "status"),
    [
        (declined, "succeeded"),
        (declined, "requires_action"),
        (waiting, "requires_payment_method"),
        (held, "canceled"),
        (held, "succeeded"),
    ],
)
def test_what_others_did_is_followed(begin: Callable[[], Payment], status: str) -> None:
    payment = heard_of(begin(), intent(status), moment(90), seen_with=None)

    assert payment.state is State(status)


@pytest.mark.parametrize("status", STATUSES)
def test_news_of_a_payment_that_is_at_its_end_moves_nothing(status: str) -> None:
    for payment in (paid(), canceled()):
        after = heard_of(payment, intent(status), moment(90), seen_with=None)

        contradicts = status == "succeeded" and payment.status is State.CANCELED
        assert after.late_intent_id == ("pi_1" if contradicts else None)
        noted = replace(payment, history=after.history, updated_at=after.updated_at)
        assert replace(noted, late_intent_id=after.late_intent_id) == after
        assert (after.history[-1].what == CONTRADICTED) is contradicts


def test_a_contradiction_is_noted_once() -> None:
    payment = canceled()
    for second in (90, 91, 92):
        payment = heard_of(payment, intent("succeeded"), moment(second), seen_with=None)

    assert [line.what for line in payment.history].count(CONTRADICTED) == 1


def test_money_of_a_payment_intent_that_was_left_behind_is_noted_for_a_person() -> None:
    payment = heard_of(paid(), intent("succeeded", id="pi_0"), moment(9), seen_with=None)

    assert payment.history[-1].what == CONTRADICTED
    assert (payment.state, payment.intent_id) == (State.SUCCEEDED, "pi_1")


@pytest.mark.parametrize("status", STATUSES)
def test_one_that_was_left_behind_never_becomes_the_payment_s(status: str) -> None:
    again = pay_again(canceled(), order(), moment(60))
    assert again is not None

    after = heard_of(again, intent(status, key=KEY), moment(61), seen_with="pay_1-2-create")

    assert (after.state, after.intent_id, after.attempt) == (State.ASKING, None, again.attempt)


# Given up, and there after all


def given_up(**policy: Any) -> Payment:
    """Return a payment that was given up since Stripe's list did not show it."""
    payment, seconds = opened(), 0.0
    while payment.state is State.ASKING:
        payment, step = asked(payment, seconds, **policy)
        news = NothingFound() if "Find" in type(step).__name__ else NoNews("lost")
        payment = corridor.decide(payment, step, news, moment(seconds, **policy))
        if payment.wake_at is not None:
            seconds = max(seconds, (payment.wake_at - at(0)).total_seconds())
    assert (payment.state, payment.intent_id) == (State.CANCELED, None)
    return payment


def refused() -> Payment:
    """Return a payment that Stripe would not make, as far as its answer says."""
    return heard(opened(), Rejected(REFUSAL), 0)


def test_a_late_success_of_what_was_given_up_is_believed() -> None:
    policy: dict[str, Any] = {"order_status_canceled": "CANCELED"}
    payment = given_up(**policy)

    after = heard_of(
        payment, intent("succeeded", key=KEY), moment(KEY_HELD_S, **policy), seen_with=None
    )

    assert (after.state, after.received_minor, after.intent_id) == (
        State.SUCCEEDED,
        10_000,
        "pi_1",
    )
    # The order never hears what was not true.
    assert [(n.status, n.state) for n in after.notices] == [
        ("CANCELED", NoticeState.DROPPED),
        ("PAYMENT RECEIVED", NoticeState.OWED),
    ]
    assert [line.what for line in after.history][-2:] == [
        "payment.given_up_wrongly",
        "payment.succeeded",
    ]


def test_a_late_cancellation_of_what_was_given_up_confirms_it() -> None:
    after = heard_of(given_up(), intent("canceled", key=KEY), moment(KEY_HELD_S), seen_with=None)

    assert (after.state, after.intent_id, after.attempt) == (State.CANCELED, "pi_1", None)


def refused_anew() -> Payment:
    """Return a payment whose first attempt was given up, and whose second Stripe refused."""
    again = pay_again(given_up(), order(), moment(KEY_HELD_S))
    assert again is not None
    return heard(again, Rejected(REFUSAL), KEY_HELD_S)


@pytest.mark.parametrize("status", ["succeeded", "canceled", "requires_capture", "processing"])
def test_news_of_an_older_attempt_settles_no_payment_that_was_asked_for_anew(status: str) -> None:
    """What it was asked for may be another amount; the payment of today can still be paid."""
    payment = refused_anew()
    _, late = asked(opened(), 0)
    look = FindIntent(KEY, "ord_1", customer_id="cus_1", since=at(0), until=at(0))
    news = IntentSeen(intent(status, key=KEY))

    for step in (late, look):
        after = corridor.decide(payment, step, news, moment(KEY_HELD_S + 1))

        assert (after.state, after.intent_id, after.received_minor) == (
            State.REQUIRES_PAYMENT_METHOD,
            None,
            0,
        )
        assert after.notices == payment.notices
        assert (after.history[-1].what == CONTRADICTED) == (status == "succeeded")


def test_a_look_that_comes_late_shows_what_the_newest_attempt_did() -> None:
    payment = refused_anew()
    look = FindIntent("pay_1-2-create", "ord_1", customer_id="cus_1", since=at(0), until=at(0))
    news = IntentSeen(intent("succeeded", key="pay_1-2-create"))

    assert corridor.decide(payment, look, news, moment(KEY_HELD_S + 1)).state is State.SUCCEEDED


def test_a_late_success_of_an_attempt_before_the_newest_one_is_for_a_person_to_look_at() -> None:
    """The order was paid anew meanwhile: to believe both would be to show one and owe another."""
    _, late = asked(opened(), 0)
    again = pay_again(given_up(), order(), moment(KEY_HELD_S))
    assert again is not None
    ended = cancel_payment(
        heard(again, Rejected(REFUSAL), KEY_HELD_S), None, "req_3", moment(KEY_HELD_S)
    )
    assert ended is not None

    after = corridor.decide(ended, late, IntentSeen(intent("succeeded")), moment(KEY_HELD_S + 1))

    assert (after.state, after.intent_id, after.received_minor) == (State.CANCELED, None, 0)
    assert after.notices == ended.notices
    assert after.history[-1].what == CONTRADICTED


@pytest.mark.parametrize("status", [status for status in STATUSES if status not in FINAL_ONLY])
def test_an_orphan_of_what_was_given_up_is_cancelled_since_that_was_said(status: str) -> None:
    after = heard_of(given_up(), intent(status, key=KEY), moment(KEY_HELD_S), seen_with=None)

    assert (after.state, after.intent_id) == (State.ASKING, "pi_1")
    step = corridor.next_step(after, moment(KEY_HELD_S))
    assert isinstance(step, CancelIntent)
    assert (step.intent_id, step.reason) == ("pi_1", "abandoned")


def test_what_was_cancelled_before_it_was_begun_is_cancelled_at_stripe_too() -> None:
    """The creation was refused as far as we heard, and the caller cancelled what was left of it."""
    ended = cancel_payment(refused(), "duplicate", "req_2", moment(1))
    assert ended is not None

    after = heard_of(ended, intent("requires_action", key=KEY), moment(2), seen_with=None)

    assert after.attempt is not None
    assert after.attempt.operation is Operation.CANCEL


def test_one_that_was_only_refused_goes_on_where_stripe_has_it() -> None:
    """Nobody was told that it is canceled: so it may be paid yet."""
    after = heard_of(refused(), intent("requires_action", key=KEY), moment(2), seen_with=None)

    assert (after.state, after.intent_id, after.attempt) == (State.REQUIRES_ACTION, "pi_1", None)


def test_an_older_attempt_s_payment_intent_is_not_taken_for_the_newest_one_s() -> None:
    again = pay_again(refused(), order(), moment(5))
    assert again is not None
    ended = heard(again, NotExecuted("http_401", retryable=False), 5)
    assert ended.attempt is None

    after = heard_of(ended, intent("requires_action", key=KEY), moment(6), seen_with=None)

    assert after == ended


def test_a_late_answer_of_money_after_the_order_began_anew_is_noted_for_a_person() -> None:
    _, late = asked(opened(), 0)
    again = pay_again(canceled(), order(), moment(60))
    assert again is not None

    first = corridor.decide(again, late, IntentSeen(intent("succeeded")), moment(61))
    twice = corridor.decide(first, late, IntentSeen(intent("succeeded")), moment(62))

    assert [line.what for line in twice.history].count(CONTRADICTED) == 1
    assert (twice.state, twice.intent_id) == (State.ASKING, None)


def test_a_late_answer_that_the_attempt_under_way_will_find_is_left_to_it() -> None:
    payment, step = asked(confirming(), 60)
    payment = replace(payment, attempts_made=3, attempt=cancelling().attempt)

    after = corridor.decide(payment, step, IntentSeen(intent("succeeded")), moment(61))

    assert after is payment


def test_a_cancellation_that_is_answered_with_a_refused_card_declines_nothing() -> None:
    """No card is asked when a payment is cancelled; whatever was meant, what is held stays held."""
    begun = cancel_payment(held(), None, "req_2", moment(60))
    assert begun is not None

    after = heard(begun, Declined(DENIAL), 60)

    assert (after.state, after.hold) == (State.REQUIRES_CAPTURE, held().hold)
    assert after.failure is not None
    assert after.failure.kind is FailureKind.REJECTED
