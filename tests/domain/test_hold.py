"""A hold and its clock: warned of once, captured by itself if so wished, else let lapse."""

from dataclasses import replace
from itertools import pairwise

import pytest

from payment_service.domain import corridor
from payment_service.domain.hold import LAPSED_LOOK_S, Hold
from payment_service.domain.moment import Door
from payment_service.domain.news import IntentSeen
from payment_service.domain.outcome import LOOK_FIRST_S, LOOK_HOLD_MAX_S
from payment_service.domain.payment import Operation, Payment, State
from payment_service.domain.steps import CaptureIntent, ReadIntent
from payment_service.domain.watching import AUTO_CAPTURE, left_alone
from tests.domain.papers import T0, at, capturing, heard, held, intent, moment, on_hold

WEEK_S, DAY_S = 7 * 86_400.0, 86_400.0


def looked_until(
    end_s: float, payment: Payment | None = None, capture_before_s: float = WEEK_S, **policy: float
) -> tuple[Payment, list[float]]:
    """Look whenever that is due, with Stripe showing the hold; return it and when we looked."""
    payment = payment or held(capture_before_s, **policy)
    looks = []
    while payment.wake_at is not None and payment.wake_at < at(end_s) and not payment.attempt:
        seconds = (payment.wake_at - T0).total_seconds()
        looks.append(seconds)
        assert isinstance(corridor.next_step(payment, moment(seconds, **policy)), ReadIntent)  # type: ignore[arg-type]  # numbers only
        payment = heard(payment, IntentSeen(on_hold(capture_before_s)), seconds, **policy)
    return payment, looks


def lines(payment: Payment, what: str) -> list[float]:
    return [(line.at - T0).total_seconds() for line in payment.history if line.what == what]


def test_a_hold_shows_what_may_be_captured_and_until_when() -> None:
    payment = held()

    assert (payment.state, payment.capturable_minor, payment.received_minor) == (
        State.REQUIRES_CAPTURE,
        10_000,
        0,
    )
    assert (payment.hold, payment.wake_at) == (Hold(at(WEEK_S)), at(LOOK_FIRST_S))
    assert payment.notices == ()


def test_that_it_lapses_soon_is_said_once_and_in_time() -> None:
    payment, _ = looked_until(WEEK_S)

    assert lines(payment, "hold.lapses_soon") == [WEEK_S - DAY_S]
    assert payment.hold == Hold(at(WEEK_S), warned=True)


@pytest.mark.parametrize("warning_s", [3600.0, 2 * DAY_S])
def test_how_early_that_is_said_is_the_operator_s_to_choose(warning_s: float) -> None:
    payment, _ = looked_until(WEEK_S, hold_warning_s=warning_s)

    assert lines(payment, "hold.lapses_soon") == [WEEK_S - warning_s]


def test_a_hold_is_looked_at_rarely_and_when_it_has_lapsed() -> None:
    payment, looks = looked_until(WEEK_S + 3600)

    waits = [after - before for before, after in pairwise(looks)]
    assert max(waits) <= LOOK_HOLD_MAX_S
    assert len(looks) < 60
    assert WEEK_S + LAPSED_LOOK_S in looks
    assert payment.state is State.REQUIRES_CAPTURE  # never by a timer alone


def test_a_hold_that_lapsed_is_canceled_when_stripe_says_so() -> None:
    payment, _ = looked_until(WEEK_S)
    lapsed = intent("canceled", cancellation_reason="automatic")

    payment = heard(payment, IntentSeen(lapsed), WEEK_S + LAPSED_LOOK_S)

    assert (payment.state, payment.hold, payment.capturable_minor, payment.wake_at) == (
        State.CANCELED,
        None,
        0,
        None,
    )
    assert payment.cancellation_reason == "automatic"


def test_before_it_lapses_it_is_captured_by_itself_if_so_wished() -> None:
    payment, looks = looked_until(WEEK_S, hold_auto_capture_s=7_200.0)

    assert looks[-1] == WEEK_S - 7_200
    assert payment.attempt is not None
    assert (payment.attempt.operation, payment.attempt.request_id) == (
        Operation.CAPTURE,
        AUTO_CAPTURE,
    )
    now = moment(WEEK_S - 7_200)
    assert corridor.next_step(payment, now) == CaptureIntent(
        "pay_1-2-capture", "ord_1", "pi_1", None
    )


def test_what_has_lapsed_is_not_captured_by_itself() -> None:
    """We were away over its end: a capture would only be refused."""
    away = replace(held(hold_auto_capture_s=7_200.0), look_at=at(WEEK_S))

    payment = heard(away, IntentSeen(on_hold()), WEEK_S, hold_auto_capture_s=7_200.0)

    assert (payment.state, payment.attempt) == (State.REQUIRES_CAPTURE, None)


def test_another_hold_has_a_clock_of_its_own() -> None:
    """Stripe may extend a hold: then it is warned of anew."""
    payment, _ = looked_until(WEEK_S)

    payment = replace(payment, look_at=at(WEEK_S))
    payment = heard(payment, IntentSeen(on_hold(2 * WEEK_S)), WEEK_S)
    payment, _ = looked_until(2 * WEEK_S, payment, 2 * WEEK_S)

    assert lines(payment, "hold.lapses_soon") == [WEEK_S - DAY_S, 2 * WEEK_S - DAY_S]


def test_a_hold_whose_end_stripe_does_not_say_is_looked_at_all_the_same() -> None:
    shown = replace(on_hold(), capture_before=None)
    payment = heard(replace(held(), hold=None), IntentSeen(shown), LOOK_FIRST_S)

    assert (payment.state, payment.hold) == (State.REQUIRES_CAPTURE, None)
    assert payment.wake_at is not None
    assert left_alone(payment, moment(2 * WEEK_S)) is payment


def test_a_capture_under_way_stops_the_clock() -> None:
    payment = capturing()

    assert left_alone(payment, moment(WEEK_S, door=Door.WORKER)) is payment
