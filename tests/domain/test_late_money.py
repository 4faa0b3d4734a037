"""Money that an attempt took which its order had given up: nothing more is taken for the order."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from payment_service.domain import corridor
from payment_service.domain.call import KEY_HELD_S, UNANSWERED_IS_FINAL_AFTER_S
from payment_service.domain.corridor_attempts import heard_of
from payment_service.domain.errors import OrderAlreadyPaid
from payment_service.domain.moment import Moment
from payment_service.domain.news import (
    Intent,
    IntentSeen,
    NotExecuted,
    NothingFound,
    Rejected,
)
from payment_service.domain.payment import Operation, Order, Payment, State
from payment_service.domain.steps import CancelIntent, FindIntent, ReadIntent
from payment_service.domain.watching import EXPIRY
from payment_service.domain.wishes import capture_payment, confirm_payment, pay_again
from tests.domain.papers import (
    OTHER_CARD,
    REFUSAL,
    asked,
    canceled,
    capturing,
    confirming,
    created,
    heard,
    held,
    in_doubt,
    intent,
    moment,
    on_hold,
    opened,
    order,
    paid,
    waiting,
)


def refused_anew() -> Payment:
    """Return an order that was canceled and asked for again, which Stripe refused."""
    again = pay_again(canceled(), order(), moment(KEY_HELD_S))
    assert again is not None
    return heard(again, Rejected(REFUSAL), KEY_HELD_S)


@pytest.mark.parametrize("begin", [pay_again, confirm_payment])
@pytest.mark.parametrize("before", [canceled, refused_anew])
def test_an_order_whose_money_was_taken_late_is_never_charged_again(
    begin: Callable[[Payment, Order, Moment], Payment | None], before: Callable[[], Payment]
) -> None:
    late = heard_of(before(), intent("succeeded", id="pi_0"), moment(90_000), seen_with=None)
    wish = replace(order(), payment_method_id=OTHER_CARD, retry_key="again")

    with pytest.raises(OrderAlreadyPaid) as refusal:
        begin(late, wish, moment(90_001))

    assert late.late_intent_id == "pi_0"
    assert refusal.value.details == {"payment": late}


def test_the_late_answer_itself_counts_as_well_as_an_event() -> None:
    _, late = asked(opened(), 0)
    after = corridor.decide(
        refused_anew(), late, IntentSeen(intent("succeeded", id="pi_0")), moment(90_000)
    )

    with pytest.raises(OrderAlreadyPaid):
        pay_again(after, order(), moment(90_001))


def test_an_order_that_is_paid_besides_answers_with_its_payment() -> None:
    """The money that was taken twice is for a person; the caller's order is paid."""
    late = heard_of(paid(), intent("succeeded", id="pi_0"), moment(90_000), seen_with=None)

    assert late.state is State.SUCCEEDED
    assert pay_again(late, order(), moment(90_001)) is None


def test_what_was_given_up_without_taking_money_stands_in_nobodys_way() -> None:
    late = heard_of(canceled(), intent("canceled", id="pi_0"), moment(90_000), seen_with=None)

    assert late.late_intent_id is None
    assert pay_again(late, order(), moment(90_001)) is not None


def taken_late(payment: Payment, seconds: float) -> Payment:
    """Return the payment after the money of an attempt showed up that it had given up."""
    return heard_of(payment, intent("succeeded", id="pi_0"), moment(seconds), seen_with=None)


def asked_anew() -> Payment:
    """Return an order that was canceled, with a new attempt begun after two minutes, not sent."""
    again = pay_again(canceled(), order(OTHER_CARD), moment(120))
    assert again is not None
    return again


def test_an_attempt_that_was_begun_and_not_sent_is_not_sent_any_more() -> None:
    late = taken_late(asked_anew(), 120)

    step = corridor.next_step(late, moment(120))
    ended = heard(late, NothingFound(), 120)

    assert isinstance(step, FindIntent)
    assert (ended.state, ended.attempt, ended.late_intent_id) == (State.CANCELED, None, "pi_0")


def test_an_attempt_that_was_held_back_is_not_sent_again() -> None:
    held_back = heard(asked_anew(), NotExecuted("claim_lapsed"), 120)
    late = taken_late(held_back, 121)

    assert isinstance(corridor.next_step(late, moment(150)), FindIntent)
    assert heard(late, NothingFound(), 150).state is State.CANCELED


def test_an_attempt_in_doubt_is_looked_for_and_not_repeated() -> None:
    """Its first try may have been charged: only a look that surely shows it ends the doubt."""
    late = taken_late(in_doubt(asked_anew(), 120), 121)
    doubtful = heard(late, NothingFound(), 150)
    over = heard(doubtful, NothingFound(), 120 + UNANSWERED_IS_FINAL_AFTER_S)

    assert doubtful.state is State.ASKING
    assert isinstance(corridor.next_step(doubtful, moment(200)), FindIntent)
    assert over.state is State.CANCELED


def test_a_charge_in_doubt_that_did_happen_is_shown_as_paid() -> None:
    late = taken_late(in_doubt(asked_anew(), 120), 121)
    found = heard(late, IntentSeen(intent("succeeded")), 150)

    assert (found.state, found.intent_id, found.late_intent_id) == (
        State.SUCCEEDED,
        "pi_1",
        "pi_0",
    )


@pytest.mark.parametrize(
    ("begun", "unmoved"),
    [
        (confirming, intent("requires_payment_method", charge_id="ch_declined")),
        (capturing, on_hold()),
    ],
    ids=["confirm", "capture"],
)
def test_a_payment_intent_that_was_to_take_the_money_is_canceled_instead(
    begun: Callable[[], Payment], unmoved: Intent
) -> None:
    late = taken_late(begun(), 60)

    step = corridor.next_step(late, moment(60))
    going_on = heard(late, IntentSeen(unmoved), 60)

    assert isinstance(step, ReadIntent)
    assert going_on.attempt is not None
    assert isinstance(corridor.next_step(going_on, moment(120)), CancelIntent)
    assert heard(going_on, IntentSeen(intent("canceled")), 120).state is State.CANCELED


@pytest.mark.parametrize(
    ("before", "unmoved"),
    [
        (created, intent("requires_payment_method")),
        (waiting, intent("requires_action")),
        (held, on_hold()),
    ],
    ids=["open", "waiting for the payer", "held"],
)
def test_what_its_payer_or_a_person_could_still_take_is_canceled_at_once(
    before: Callable[[], Payment], unmoved: Intent
) -> None:
    late = taken_late(before(), 1)

    step = corridor.next_step(late, moment(1))
    left = heard(late, IntentSeen(unmoved), 1)

    assert isinstance(step, ReadIntent)
    assert isinstance(corridor.next_step(left, moment(1)), CancelIntent)
    assert left.attempt is not None
    assert left.attempt.request_id == EXPIRY


def test_a_hold_beside_money_that_was_taken_late_cannot_be_captured() -> None:
    with pytest.raises(OrderAlreadyPaid):
        capture_payment(taken_late(held(), 1), None, "req_2", moment(2))


def test_a_hold_beside_money_that_was_taken_late_is_not_captured_by_itself() -> None:
    near = taken_late(held(capture_before_s=60, hold_auto_capture_s=3_600), 1)
    left = heard(near, IntentSeen(on_hold(60)), 1, hold_auto_capture_s=3_600)

    assert left.attempt is not None
    assert left.attempt.operation is Operation.CANCEL
