"""What became of an attempt is found by its number, through every key that it went on under."""

from dataclasses import replace

from payment_service.domain.attempts import attempt_outcome
from payment_service.domain.payment import (
    WITHOUT_NEWS,
    Failure,
    FailureKind,
    Operation,
    PastAttempt,
    State,
)
from tests.domain.papers import at, paid

FIRST = PastAttempt(1, Operation.CREATE, "pm_1", at(0), at(1), 2, WITHOUT_NEWS)
SECOND = replace(FIRST, number=2, outcome="declined", code="c", message="m", param="p")
THIRD = replace(FIRST, number=3, outcome=State.SUCCEEDED)
PAYMENT = replace(paid(), past_attempts=(FIRST, SECOND, THIRD))


def test_one_that_went_on_is_followed_to_its_end() -> None:
    assert attempt_outcome(PAYMENT, 1) == attempt_outcome(PAYMENT, 2) == SECOND
    assert attempt_outcome(PAYMENT, 3) == THIRD


def test_one_that_is_under_way_or_long_over_has_none() -> None:
    under_way = replace(PAYMENT, past_attempts=(FIRST,))

    assert attempt_outcome(under_way, 1) is None
    assert attempt_outcome(under_way, 4) is None


def test_only_one_that_failed_says_why() -> None:
    assert SECOND.failure == Failure(
        FailureKind.DECLINED, "c", "m", param="p", payment_method_id="pm_1"
    )
    assert (FIRST.failure, THIRD.failure) == (None, None)
