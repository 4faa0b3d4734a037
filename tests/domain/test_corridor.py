"""What every kind of news makes of every attempt: the table of the corridor."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Literal, NamedTuple

import pytest

from payment_service.domain import corridor
from payment_service.domain.call import backoff_s, spread
from payment_service.domain.news import (
    Declined,
    IntentSeen,
    News,
    NoNews,
    NotExecuted,
    NothingFound,
    OrderTold,
    Rejected,
)
from payment_service.domain.outcome import LOOK_FIRST_S
from payment_service.domain.payment import FailureKind, Payment, State
from payment_service.domain.steps import (
    CancelIntent,
    ConfirmIntent,
    CreateIntent,
    FindIntent,
    PaymentStep,
    ReadIntent,
    TellOrders,
)
from tests.domain.papers import (
    DENIAL,
    REFUSAL,
    at,
    call_of,
    cancelling,
    confirming,
    declined,
    heard,
    held,
    in_doubt,
    intent,
    moment,
    opened,
)

# The first look at a payment after an attempt that ended without a new state.
LATER_S = LOOK_FIRST_S * 2 * (0.5 + 0.5 * spread("pay_1:1"))


class Then(NamedTuple):
    """What a payment becomes: what is shown, what is due at that moment, what wakes it."""

    state: State
    failure: FailureKind | None
    step: type[PaymentStep] | None
    wakes: float | Literal["back-off"] | None


UNPAID = State.REQUIRES_PAYMENT_METHOD

TELL = Then(State.SUCCEEDED, None, TellOrders, 0)
ACT = Then(State.REQUIRES_ACTION, None, None, 5)
WAIT = Then(State.PROCESSING, None, None, 5)
HELD = Then(State.REQUIRES_CAPTURE, None, None, 5)
OPEN = Then(UNPAID, None, None, 5)
OVER = Then(State.CANCELED, None, None, None)
DECLINED = Then(UNPAID, FailureKind.DECLINED, None, 5)
DECLINED_GONE = Then(UNPAID, FailureKind.DECLINED, None, None)  # there is nothing to look at
DECLINED_ONCE = Then(UNPAID, FailureKind.DECLINED, ReadIntent, 0)  # what came after it?
REJECTED = Then(UNPAID, FailureKind.REJECTED, None, LATER_S)
REJECTED_GONE = Then(UNPAID, FailureKind.REJECTED, None, None)
NOT_TAKEN = Then(UNPAID, FailureKind.UNAVAILABLE, None, LATER_S)
NOT_TAKEN_GONE = Then(UNPAID, FailureKind.UNAVAILABLE, None, None)
FIND = Then(State.ASKING, None, FindIntent, 0)
READ = Then(State.ASKING, None, ReadIntent, 0)
BACK_OFF = Then(State.ASKING, None, None, "back-off")

kept = intent(UNPAID, charge_id="ch_2")

NEWS: dict[str, News] = {
    "succeeded": IntentSeen(intent("succeeded")),
    "requires_action": IntentSeen(intent("requires_action")),
    "processing": IntentSeen(intent("processing")),
    "requires_capture": IntentSeen(intent("requires_capture", charge_id="ch_1")),
    "a status of tomorrow": IntentSeen(intent("requires_reauthorization")),
    "unpaid": IntentSeen(intent(UNPAID)),
    "unpaid after an error": IntentSeen(intent(UNPAID, last_error=DENIAL, charge_id="ch_2")),
    "canceled": IntentSeen(intent("canceled")),
    "replayed succeeded": IntentSeen(intent("succeeded"), replayed=True),
    "replayed canceled": IntentSeen(intent("canceled"), replayed=True),
    "replayed requires_action": IntentSeen(intent("requires_action"), replayed=True),
    "declined": Declined(DENIAL, kept),
    "declined, no intent": Declined(DENIAL),
    "declined, canceled": Declined(DENIAL, intent("canceled")),
    "declined, replayed": Declined(DENIAL, kept, replayed=True),
    "declined, replayed, no intent": Declined(DENIAL, replayed=True),
    "rejected": Rejected(REFUSAL),
    "rejected, unpaid": Rejected(REFUSAL, intent(UNPAID)),
    "rejected, succeeded": Rejected(REFUSAL, intent("succeeded")),
    "rejected, canceled": Rejected(REFUSAL, intent("canceled")),
    "not executed": NotExecuted("lock_timeout"),
    "our key is refused": NotExecuted("http_401", retryable=False),
    "no news": NoNews("http_500"),
    "dead end": NoNews("http_500", dead_end="http_500"),
    "nonsense": OrderTold(),
}

ATTEMPTS: dict[str, tuple[Callable[[], Payment], float]] = {
    "create": (opened, 0),
    "confirm": (confirming, 60),
    "cancel": (cancelling, 60),
}

# After the first try of an attempt, nothing being in doubt before it. In the order of ATTEMPTS.
FIRST_TRY: dict[str, tuple[Then, Then, Then]] = {
    "succeeded": (TELL, TELL, TELL),
    "requires_action": (ACT, ACT, ACT),
    "processing": (WAIT, WAIT, WAIT),
    "requires_capture": (HELD, HELD, HELD),
    "a status of tomorrow": (WAIT, WAIT, WAIT),
    "unpaid": (OPEN, OPEN, OPEN),
    "unpaid after an error": (DECLINED, DECLINED, DECLINED),
    "canceled": (OVER, OVER, OVER),
    "replayed succeeded": (TELL, TELL, TELL),
    "replayed canceled": (OVER, OVER, OVER),
    "replayed requires_action": (READ, READ, READ),
    "declined": (DECLINED, DECLINED, DECLINED),
    "declined, no intent": (DECLINED_GONE, DECLINED, DECLINED),
    "declined, canceled": (OVER, OVER, OVER),
    "declined, replayed": (DECLINED_ONCE, DECLINED_ONCE, DECLINED_ONCE),
    "declined, replayed, no intent": (DECLINED_GONE, DECLINED_ONCE, DECLINED_ONCE),
    "rejected": (REJECTED_GONE, REJECTED, REJECTED),
    "rejected, unpaid": (REJECTED, REJECTED, REJECTED),
    "rejected, succeeded": (TELL, TELL, TELL),
    "rejected, canceled": (OVER, OVER, OVER),
    "not executed": (BACK_OFF, BACK_OFF, BACK_OFF),
    "our key is refused": (NOT_TAKEN_GONE, NOT_TAKEN, NOT_TAKEN),
    "no news": (FIND, READ, READ),
    "dead end": (FIND, READ, READ),
    "nonsense": (FIND, READ, READ),
}

# After the second try, the first being still in doubt: what ends an attempt without effect above
# proves nothing about the first try here. All else is as above.
SECOND_TRY: dict[str, tuple[Then, Then, Then]] = FIRST_TRY | {
    "replayed requires_action": (BACK_OFF, BACK_OFF, BACK_OFF),
    "rejected": (FIND, READ, READ),
    "rejected, unpaid": (READ, READ, READ),
    "our key is refused": (BACK_OFF, BACK_OFF, BACK_OFF),
    "no news": (BACK_OFF, BACK_OFF, BACK_OFF),
    "dead end": (BACK_OFF, BACK_OFF, BACK_OFF),
    "nonsense": (BACK_OFF, BACK_OFF, BACK_OFF),
}

FIRM = intent(UNPAID, charge_id="ch_declined")  # as it stood before it was confirmed again
# It was made and not confirmed: confirm it, as soon as the creation might have been asked again.
CREATED = call_of(heard(opened(), NoNews("lost"), 0))
CONFIRM_SOON = Then(State.ASKING, None, None, backoff_s(CREATED, at(0)))
ASK_AGAIN = {
    "create": Then(State.ASKING, None, CreateIntent, 0),
    "confirm": Then(State.ASKING, None, ConfirmIntent, 0),
    "cancel": Then(State.ASKING, None, CancelIntent, 0),
}
CANCEL_AGAIN = ASK_AGAIN["cancel"]

# After a first try without an answer, when the look that follows shows this. What is no answer to a
# look leaves everything as it is, but for the waiting.
LOOK: dict[str, tuple[Then, Then, Then]] = {
    "succeeded": (TELL, TELL, TELL),
    "requires_action": (ACT, ACT, CANCEL_AGAIN),
    "processing": (WAIT, WAIT, CANCEL_AGAIN),
    "requires_capture": (HELD, HELD, CANCEL_AGAIN),
    "a status of tomorrow": (WAIT, WAIT, CANCEL_AGAIN),
    "unpaid after an error": (DECLINED, DECLINED, CANCEL_AGAIN),
    "canceled": (OVER, OVER, OVER),
    "untouched": (CONFIRM_SOON, ASK_AGAIN["confirm"], CANCEL_AGAIN),
    "nothing": (ASK_AGAIN["create"], ASK_AGAIN["confirm"], CANCEL_AGAIN),
    "another intent": (TELL, BACK_OFF, BACK_OFF),
    "declined": (BACK_OFF, BACK_OFF, BACK_OFF),
    "rejected": (BACK_OFF, BACK_OFF, BACK_OFF),
    "not executed": (BACK_OFF, BACK_OFF, BACK_OFF),
    "our key is refused": (BACK_OFF, BACK_OFF, BACK_OFF),
    "no news": (BACK_OFF, BACK_OFF, BACK_OFF),
    "dead end": (BACK_OFF, BACK_OFF, BACK_OFF),
    "nonsense": (BACK_OFF, BACK_OFF, BACK_OFF),
}
LOOK_NEWS = NEWS | {
    "untouched": IntentSeen(FIRM),
    "nothing": NothingFound(),
    "another intent": IntentSeen(intent("succeeded", id="pi_2")),
}

Table = dict[str, tuple[Then, Then, Then]]
Row = tuple[str, str, Then]


def rows(table: Table) -> list[Row]:
    return [
        (attempt, news, then[column])
        for news, then in table.items()
        for column, attempt in enumerate(ATTEMPTS)
    ]


def assert_it_becomes(payment: Payment, seconds: float, expected: Then) -> None:
    step = corridor.next_step(payment, moment(seconds))
    assert (payment.state, payment.failure and payment.failure.kind, step and type(step)) == (
        expected[:3]
    )
    wakes = expected.wakes
    if wakes == "back-off":
        wakes = backoff_s(replace(call_of(payment), unanswered=0), at(seconds))
    wake_at = None if wakes is None else at(seconds) + timedelta(seconds=wakes)
    assert payment.wake_at == wake_at


@pytest.mark.parametrize(("attempt", "news", "then"), rows(FIRST_TRY))
def test_after_the_first_try(attempt: str, news: str, then: Then) -> None:
    begin, seconds = ATTEMPTS[attempt]

    payment = heard(begin(), NEWS[news], seconds)

    assert_it_becomes(payment, seconds, then)


@pytest.mark.parametrize(("attempt", "news", "then"), rows(SECOND_TRY))
def test_after_the_second_try_with_the_first_in_doubt(attempt: str, news: str, then: Then) -> None:
    begin, seconds = ATTEMPTS[attempt]

    payment = heard(in_doubt(begin(), seconds), NEWS[news], seconds)

    assert_it_becomes(payment, seconds, then)


@pytest.mark.parametrize(("attempt", "news", "then"), rows(LOOK))
def test_after_a_look(attempt: str, news: str, then: Then) -> None:
    begin, seconds = ATTEMPTS[attempt]

    payment = heard(heard(begin(), NoNews("lost"), seconds), LOOK_NEWS[news], seconds)

    assert_it_becomes(payment, seconds, then)


def test_the_tables_leave_no_news_out() -> None:
    assert list(FIRST_TRY) == list(SECOND_TRY) == list(NEWS)


def test_news_that_names_no_charge_takes_none_away() -> None:
    payment = heard(held(), IntentSeen(intent("canceled", charge_id=None)), 600)

    assert (payment.state, payment.charge_id) == (State.CANCELED, "ch_1")


def test_a_payment_that_the_payer_pays_after_a_decline_shows_no_failure() -> None:
    assert declined().failure is not None

    payment = heard(declined(), IntentSeen(intent("succeeded")), LOOK_FIRST_S)

    assert (payment.state, payment.failure) == (State.SUCCEEDED, None)
