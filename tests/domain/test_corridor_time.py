"""What time does to a payment: when doubt is given up, and what is left alone too long."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from payment_service.domain import corridor
from payment_service.domain.moment import Policy
from payment_service.domain.news import IntentSeen, NoNews, NotExecuted, NothingFound, RefundsSeen
from payment_service.domain.payment import FailureKind, Operation, Payment, State
from payment_service.domain.refund import RefundStatus
from payment_service.domain.steps import (
    CancelIntent,
    ConfirmIntent,
    CreateIntent,
    CreateRefund,
    FindIntent,
    FindRefunds,
    ReadIntent,
)
from payment_service.domain.wishes import begin_refund
from tests.domain.papers import (
    asked,
    at,
    call_of,
    cancelling,
    confirming,
    created,
    declined,
    heard,
    in_doubt,
    intent,
    moment,
    opened,
    paid,
    waiting,
)

HOUR = 3600
UNMOVED = intent("requires_payment_method", charge_id="ch_declined")


def due(payment: Payment, seconds: float) -> Payment:
    """Return the payment with its attempt's call due at this time, whatever it waited for."""
    assert payment.attempt is not None
    call = replace(payment.attempt.call, due_at=at(seconds))
    return replace(payment, attempt=replace(payment.attempt, call=call))


def step_at(payment: Payment, seconds: float) -> object:
    return corridor.next_step(due(payment, seconds), moment(seconds))


# How long a charge may be asked for


def test_a_charge_in_doubt_is_asked_for_again_only_while_the_payer_expects_it() -> None:
    payment = in_doubt(opened())

    assert isinstance(step_at(payment, 899.999), CreateIntent)
    assert isinstance(step_at(payment, 900), FindIntent)


def test_the_operator_says_how_long_the_payer_expects_it() -> None:
    payment = in_doubt(opened())

    in_time = corridor.next_step(due(payment, 59), moment(59, payer_expects_charge_s=60))
    too_late = corridor.next_step(due(payment, 60), moment(60, payer_expects_charge_s=60))

    assert isinstance(in_time, CreateIntent)
    assert isinstance(too_late, FindIntent)


def test_nothing_is_asked_for_after_23_hours_even_if_the_payer_would_expect_it() -> None:
    payment, day = in_doubt(opened()), 24 * HOUR

    before = corridor.next_step(
        due(payment, 23 * HOUR - 1), moment(23 * HOUR - 1, payer_expects_charge_s=day)
    )
    after = corridor.next_step(
        due(payment, 23 * HOUR), moment(23 * HOUR, payer_expects_charge_s=day)
    )

    assert isinstance(before, CreateIntent)
    assert isinstance(after, FindIntent)


@pytest.mark.parametrize(
    ("dead_end", "asked_at_s", "looked_at_s", "gives_up"),
    [
        (None, 10, 899.999, False),  # one may still ask
        (None, 10, 900, True),
        (None, 890, 1009.999, False),  # the try at 890 may still be under way
        (None, 890, 1010, True),
        ("http_500", 10, 29.999, False),  # the list may lag
        ("http_500", 10, 30, True),
    ],
)
def test_a_creation_is_given_up_when_nothing_can_come_of_it_any_more(
    dead_end: str | None, asked_at_s: float, looked_at_s: float, *, gives_up: bool
) -> None:
    payment = due(in_doubt(opened()), asked_at_s)
    payment = heard(payment, NoNews("lost", dead_end=dead_end), asked_at_s)

    payment = heard(due(payment, looked_at_s), NothingFound(), looked_at_s)

    if not gives_up:
        assert payment.state is State.ASKING
        return
    failure = payment.failure
    assert failure is not None
    assert (payment.state, failure.kind, failure.code) == (
        State.CANCELED,
        FailureKind.ABANDONED,
        dead_end or "abandoned",
    )
    assert failure.message == "Stripe shows no such payment; nothing was charged."
    assert payment.cancellation_reason == (dead_end or "abandoned")
    assert payment.wake_at is None
    assert payment.history[-1].what == "payment.canceled"


@pytest.mark.parametrize(
    ("asked_at_s", "step", "key"),
    [
        (899, ConfirmIntent, "pay_1-3-confirm"),  # the intent lets no second success through
        (900, CancelIntent, "pay_1-3-cancel"),
    ],
)
def test_a_confirmation_in_a_dead_end_goes_on_under_a_new_key_or_is_cancelled(
    asked_at_s: float, step: type[object], key: str
) -> None:
    seconds = 60 + asked_at_s
    payment = heard(confirming(), NoNews("http_500", dead_end="http_500"), 60)

    payment = heard(due(payment, seconds), IntentSeen(UNMOVED), seconds)

    assert payment.wake_at is not None
    assert payment.wake_at > at(seconds)
    asks = step_at(payment, seconds)
    assert isinstance(asks, step)
    assert getattr(asks, "key", None) == key
    assert payment.attempts_made == 3
    assert (call_of(payment).tries, call_of(payment).doubts) == (0, 0)


def test_going_on_does_not_give_the_payer_more_time() -> None:
    payment = heard(confirming(), NoNews("http_500", dead_end="http_500"), 60)

    payment = heard(due(payment, 900), IntentSeen(UNMOVED), 900)

    assert payment.attempt is not None
    assert payment.attempt.operation is Operation.CONFIRM
    assert call_of(payment).begun_at == at(60)


def test_a_confirmation_that_the_payer_no_longer_expects_is_cancelled_not_asked_again() -> None:
    payment = in_doubt(confirming(), 60)

    assert isinstance(step_at(payment, 959), ConfirmIntent)
    assert isinstance(step_at(payment, 960), ReadIntent)
    payment = heard(due(payment, 960), IntentSeen(UNMOVED), 960)

    assert isinstance(step_at(payment, 965), CancelIntent)
    assert call_of(payment).begun_at == at(960)
    assert payment.history[-1].what == "cancel.begun"


def test_a_creation_found_too_late_to_be_confirmed_is_cancelled() -> None:
    payment = heard(opened(), NoNews("lost"), 0)

    payment = heard(due(payment, 900), IntentSeen(intent("requires_confirmation")), 900)

    assert isinstance(step_at(payment, 905), CancelIntent)
    assert payment.intent_id == "pi_1"


@pytest.mark.parametrize("confirm", [True, False])
def test_a_creation_that_was_not_to_be_confirmed_is_found_done(*, confirm: bool) -> None:
    card = None if confirm else "pm_visa"
    payment = opened(payment_method_id=card, confirm=False)
    # An earlier release opened payments that were to be confirmed and had no card.
    payment = replace(payment, terms=replace(payment.terms, confirm=confirm))
    payment = heard(payment, NoNews("lost"), 0)

    payment = heard(payment, IntentSeen(intent("requires_payment_method")), 0)

    assert (payment.state, payment.failure) == (State.REQUIRES_PAYMENT_METHOD, None)
    assert payment.wake_at == at(5)


def test_a_cancellation_has_no_payer_waiting_and_goes_on_for_ever() -> None:
    """It is asked for as long as its key holds, then under a new key; nothing gives it up."""
    payment = in_doubt(cancelling(), 60)

    assert isinstance(step_at(payment, 60 + 23 * HOUR - 1), CancelIntent)
    assert isinstance(step_at(payment, 60 + 23 * HOUR), ReadIntent)
    payment = heard(due(payment, 60 + 23 * HOUR), IntentSeen(UNMOVED), 60 + 23 * HOUR)

    asks = step_at(payment, 24 * HOUR)
    assert isinstance(asks, CancelIntent)
    assert asks.key == "pay_1-3-cancel"


@pytest.mark.parametrize(
    ("news", "status"),
    [
        (NotExecuted("http_429"), State.REQUIRES_PAYMENT_METHOD),
        # Somebody was told that it is canceled, so it must become so.
        (NotExecuted("http_401", retryable=False), State.CANCELED),
    ],
)
def test_a_cancellation_does_not_tire(news: NotExecuted, status: State) -> None:
    payment = replace(cancelling(), status=status)
    for number in range(10):
        payment = heard(due(payment, 60 + number), news, 60 + number)

    assert payment.attempt is not None
    assert payment.attempt.operation is Operation.CANCEL
    assert call_of(payment).tries == 10


def test_a_charge_that_surely_did_nothing_is_tried_four_times() -> None:
    payment = opened()
    for number in range(3):
        payment = heard(due(payment, number), NotExecuted("http_429"), number)
        assert payment.state is State.ASKING

    payment = heard(due(payment, 3), NotExecuted("http_429"), 3)

    assert payment.failure is not None
    assert (payment.failure.kind, payment.failure.code) == (FailureKind.UNAVAILABLE, "http_429")
    assert payment.failure.message == "Stripe could not take the request; nothing was charged."


def test_as_long_as_one_try_is_in_doubt_no_number_of_refusals_ends_the_attempt() -> None:
    payment = in_doubt(opened())
    for number in range(8):
        payment = due(payment, number)
        news = NotExecuted("http_401", retryable=False) if number % 2 == 0 else NothingFound()
        payment = heard(payment, news, number)

    assert payment.state is State.ASKING
    assert call_of(payment).doubts == 1


def test_stripe_s_wish_to_be_left_alone_is_granted() -> None:
    payment = heard(opened(), NotExecuted("http_429", retry_after_s=40), 0)

    assert payment.wake_at == at(40)


# What is left alone


STATUSES = {
    waiting: "requires_action",
    declined: "requires_payment_method",
    created: "requires_payment_method",
}


def looked_at(payment: Payment, status: str, seconds: float, **policy: Any) -> Payment:
    """Return the payment after a look that shows it as it was."""
    same = intent(status, charge_id=payment.charge_id)
    return heard(replace(payment, look_at=at(seconds)), IntentSeen(same), seconds, **policy)


@pytest.mark.parametrize(
    ("begin", "limit_s"),
    [(waiting, 3600), (declined, 86_400), (created, 86_400)],
)
def test_a_payment_left_alone_is_cancelled_when_a_look_shows_it_still_is(
    begin: Callable[[], Payment], limit_s: int
) -> None:
    status = STATUSES[begin]

    early = looked_at(begin(), status, limit_s - 0.001)
    payment = looked_at(begin(), status, limit_s)

    assert early.attempt is None
    step = corridor.next_step(payment, moment(limit_s))
    assert step == CancelIntent("pay_1-2-cancel", "ord_1", "pi_1", "abandoned")
    payment = heard(
        payment, IntentSeen(intent("canceled", cancellation_reason="abandoned")), limit_s
    )
    assert (payment.state, payment.attempts_made) == (State.CANCELED, 2)
    assert (payment.cancellation_reason, payment.wake_at) == ("abandoned", None)


def test_a_payment_is_never_cancelled_on_an_old_look() -> None:
    due = replace(waiting(), look_at=at(7200))

    assert corridor.next_step(due, moment(7200)) == ReadIntent("ord_1", "pi_1")
    unanswered = heard(due, NoNews("lost"), 7200)
    assert unanswered.attempt is None


def test_a_payer_who_tries_another_card_by_the_client_is_given_the_time_anew() -> None:
    tried = heard(
        replace(declined(), look_at=at(80_000)),
        IntentSeen(intent("requires_payment_method", charge_id="ch_of_the_client")),
        80_000,
    )

    still = looked_at(tried, "requires_payment_method", 90_000)

    assert tried.entered_at == at(80_000)
    assert still.attempt is None


def test_the_operator_says_how_long_a_payment_may_be_left_alone() -> None:
    action = looked_at(waiting(), "requires_action", 60, action_expires_s=60)
    unpaid = looked_at(declined(), "requires_payment_method", 120, payment_expires_s=120)

    assert isinstance(corridor.next_step(action, moment(60)), CancelIntent)
    assert isinstance(corridor.next_step(unpaid, moment(120)), CancelIntent)


@pytest.mark.parametrize("status", ["processing", "requires_capture"])
def test_money_on_its_way_is_never_cancelled(status: str) -> None:
    payment = heard(opened(), IntentSeen(intent(status)), 0)

    step = corridor.next_step(replace(payment, look_at=at(10**7)), moment(10**7))

    assert step == ReadIntent("ord_1", "pi_1")


def test_an_expiry_that_meets_money_finds_the_payment_paid() -> None:
    payment, step = asked(looked_at(waiting(), "requires_action", 3600), 3600)
    assert payment.state is State.ASKING

    payment = corridor.decide(payment, step, IntentSeen(intent("succeeded")), moment(3601))

    assert (payment.state, payment.received_minor) == (State.SUCCEEDED, 10_000)


def test_looks_come_less_and_less_often_but_never_stop() -> None:
    payment, seconds, waits = waiting(), 0.0, []
    for _ in range(9):
        assert payment.wake_at is not None
        waits.append((payment.wake_at - at(seconds)).total_seconds())
        seconds = (payment.wake_at - at(0)).total_seconds()
        payment = heard(payment, NoNews("lost"), seconds)

    assert waits[0] == 5
    for number, wait_s in enumerate(waits[1:], start=1):
        assert min(5 * 2**number, 600) / 2 <= wait_s < min(5 * 2**number, 600)


# Refunds


def test_a_refund_is_asked_for_under_its_key_for_23_hours() -> None:
    payment = begin_refund(replace(paid(), notices=()), "ref_1", 6_000, None, moment(0))
    payment = heard(heard(payment, NoNews("lost"), 0), RefundsSeen(()), 0)

    before = corridor.next_step(payment, moment(23 * HOUR - 1))
    after = corridor.next_step(payment, moment(23 * HOUR))

    assert isinstance(before, CreateRefund)
    assert after == FindRefunds("ord_1", "pi_1", keys=("pay_1-ref_1",))
    payment = heard(payment, RefundsSeen(()), 23 * HOUR)
    assert payment.refunds[0].status is RefundStatus.FAILED
    assert payment.refundable_minor == 10_000


def test_a_refund_in_a_dead_end_is_looked_for_until_stripe_s_list_must_show_it() -> None:
    """Each look is a claim, so that the corridor does not look again in the same moment."""
    payment = begin_refund(replace(paid(), notices=()), "ref_1", 6_000, None, moment(0))
    payment = heard(payment, NoNews("http_500", dead_end="http_500"), 0)

    payment = heard(payment, RefundsSeen(()), 0)
    looks = 1
    while payment.refunds[0].status is RefundStatus.ASKING:
        assert payment.wake_at is not None
        seconds = (payment.wake_at - at(0)).total_seconds()
        payment, step = asked(payment, seconds)
        assert step == FindRefunds("ord_1", "pi_1", keys=("pay_1-ref_1",))
        assert payment.wake_at == at(seconds) + timedelta(seconds=Policy().lease_s)
        payment = corridor.decide(payment, step, RefundsSeen(()), moment(seconds))
        looks += 1

    assert seconds >= 20
    assert looks < 8
    assert (payment.refunds[0].failure, payment.refundable_minor) == ("http_500", 10_000)
