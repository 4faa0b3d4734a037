"""A capture whose answer is lost: never taken twice, never given up while the hold stands."""

from dataclasses import replace

import pytest

from payment_service.domain import corridor
from payment_service.domain.call import KEY_HELD_S
from payment_service.domain.news import (
    Declined,
    Denial,
    IntentSeen,
    News,
    NoNews,
    NotExecuted,
    NothingFound,
    Rejected,
)
from payment_service.domain.payment import FailureKind, Operation, Payment, State
from payment_service.domain.steps import CaptureIntent, ReadIntent
from payment_service.domain.wishes import capture_payment
from tests.domain.papers import (
    DENIAL,
    REFUSAL,
    T0,
    asked,
    call_of,
    capturing,
    heard,
    held,
    intent,
    moment,
    on_hold,
)

TAKEN = intent("succeeded", amount_received_minor=4_000)


def in_doubt() -> Payment:
    """Return a capture of 40 dollars whose answer was lost."""
    return heard(capturing(4_000), NoNews("lost"), 60)


def seconds_of(payment: Payment) -> float:
    assert payment.wake_at is not None
    return (payment.wake_at - T0).total_seconds()


def test_after_doubt_it_is_looked_at_first() -> None:
    assert corridor.next_step(in_doubt(), moment(60)) == ReadIntent(
        "ord_1", "pi_1", key="pay_1-2-capture"
    )


def test_what_was_captured_is_found_not_captured_again() -> None:
    payment = heard(in_doubt(), IntentSeen(TAKEN), 60)

    assert (payment.state, payment.received_minor, payment.attempt) == (
        State.SUCCEEDED,
        4_000,
        None,
    )


def test_what_is_held_still_is_asked_for_again_under_the_same_key_with_the_same_amount() -> None:
    payment = heard(in_doubt(), IntentSeen(on_hold()), 60)

    assert corridor.next_step(payment, moment(seconds_of(payment))) == CaptureIntent(
        "pay_1-2-capture", "ord_1", "pi_1", 4_000, attempt=2
    )


@pytest.mark.parametrize("status", ["processing", "requires_action"])
def test_only_what_is_final_settles_a_capture_in_doubt(status: str) -> None:
    payment = heard(in_doubt(), IntentSeen(intent(status)), 60)

    assert payment.state is State.ASKING


def test_a_capture_is_asked_for_as_long_as_its_key_holds_then_under_a_new_one() -> None:
    """Nobody waits for a charge: what was asked for is wanted until the hold is gone."""
    payment, keys = capturing(4_000), set[str]()
    while len(keys) < 3:
        seconds = seconds_of(payment)
        payment, step = asked(payment, seconds)
        if isinstance(step, CaptureIntent):
            keys.add(step.key)
            assert step.amount_minor == 4_000
        news: News = NoNews("lost") if isinstance(step, CaptureIntent) else IntentSeen(on_hold())
        payment = corridor.decide(payment, step, news, moment(seconds))

    assert keys == {"pay_1-2-capture", "pay_1-3-capture", "pay_1-4-capture"}
    assert 2 * KEY_HELD_S <= seconds < 2 * KEY_HELD_S + 3_600
    assert [(past.operation, past.outcome) for past in payment.past_attempts][1:] == [
        (Operation.CAPTURE, "without_news"),
        (Operation.CAPTURE, "without_news"),
    ]


def test_a_hold_that_lapsed_meanwhile_ends_it() -> None:
    payment = heard(in_doubt(), IntentSeen(intent("canceled")), 60)

    assert (payment.state, payment.attempt, payment.hold) == (State.CANCELED, None, None)


def test_an_error_saved_under_the_key_is_no_answer_the_next_key_is_asked() -> None:
    dead = heard(capturing(4_000), NoNews("http_500", dead_end="http_500"), 60)

    payment = heard(dead, IntentSeen(on_hold()), 60)

    assert call_of(payment).key == "pay_1-3-capture"
    assert payment.wake_at is not None
    step = corridor.next_step(payment, moment(seconds_of(payment)))
    assert step == CaptureIntent("pay_1-3-capture", "ord_1", "pi_1", 4_000)


def test_the_back_off_grows_from_key_to_key() -> None:
    payment, waits, seconds = capturing(), list[float](), 60.0
    for _ in range(4):
        payment = heard(payment, NoNews("http_500", dead_end="http_500"), seconds)
        payment = heard(payment, IntentSeen(on_hold()), seconds := seconds_of(payment))
        waits.append(seconds_of(payment) - seconds)
        seconds = seconds_of(payment)

    assert waits == sorted(waits)
    assert waits[-1] > 2 * waits[0]


@pytest.mark.parametrize("news", [Declined(DENIAL), Rejected(DENIAL)])
def test_a_bank_that_goes_back_on_its_hold_leaves_it_held_as_far_as_we_know(
    news: Declined | Rejected,
) -> None:
    payment = heard(capturing(), news, 60)

    assert payment.failure is not None
    assert (payment.state, payment.failure.kind, payment.failure.code) == (
        State.REQUIRES_CAPTURE,
        FailureKind.REJECTED,
        "card_declined",
    )
    assert payment.look_at is not None
    again = capture_payment(payment, None, "req_3", moment(70))
    assert again is not None
    assert again.failure is None


def test_a_refusal_that_shows_the_hold_gone_is_believed() -> None:
    gone = Rejected(Denial("charge_expired_for_capture", "No."), intent("canceled"))

    payment = heard(capturing(), gone, 60)

    assert (payment.state, payment.failure) == (State.CANCELED, None)


def test_a_refusal_after_doubt_may_be_our_own_first_try_s_doing() -> None:
    payment = heard(in_doubt(), IntentSeen(on_hold()), 60)
    payment = heard(payment, Rejected(REFUSAL), seconds_of(payment))
    assert payment.state is State.ASKING
    assert isinstance(corridor.next_step(payment, moment(seconds_of(payment))), ReadIntent)

    payment = heard(payment, IntentSeen(TAKEN), seconds_of(payment))

    assert (payment.state, payment.received_minor) == (State.SUCCEEDED, 4_000)


def test_a_stripe_that_cannot_be_reached_leaves_the_money_held_and_says_so() -> None:
    payment = heard(capturing(), NotExecuted("http_401", retryable=False), 60)

    assert payment.failure is not None
    assert (payment.state, payment.failure.kind) == (
        State.REQUIRES_CAPTURE,
        FailureKind.UNAVAILABLE,
    )


def test_a_look_that_stripe_says_nothing_to_ends_no_capture() -> None:
    payment = heard(in_doubt(), NothingFound(), 60)

    assert payment.state is State.ASKING
    assert replace(payment, attempt=None).status is State.REQUIRES_CAPTURE
    assert held().capturable_minor == 10_000
