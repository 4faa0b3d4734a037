"""Three doors, one corridor: claims, and news that comes late, stale or twice."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from payment_service.domain import corridor
from payment_service.domain.corridor_attempts import CONTRADICTED
from payment_service.domain.corridor_refunds import lease_of
from payment_service.domain.moment import Policy
from payment_service.domain.news import (
    Declined,
    IntentSeen,
    News,
    NoNews,
    NotExecuted,
    NothingFound,
    Rejected,
)
from payment_service.domain.payment import FailureKind, Payment, State
from payment_service.domain.steps import (
    CancelIntent,
    ConfirmIntent,
    CreateIntent,
    FindIntent,
    PaymentStep,
    ReadIntent,
)
from payment_service.domain.wishes import begin_refund
from tests.domain.papers import (
    DENIAL,
    OTHER_CARD,
    REFUSAL,
    VISA,
    asked,
    at,
    call_of,
    canceled,
    cancelling,
    confirming,
    declined,
    heard,
    in_doubt,
    intent,
    moment,
    opened,
    paid,
    waiting,
)

LEASE_S = Policy().lease_s


# Claims


@pytest.mark.parametrize(
    ("begin", "seconds"),
    [
        (opened, 0),
        (lambda: in_doubt(opened()), 0),
        (lambda: heard(opened(), NoNews("lost"), 0), 0),  # a look
        (confirming, 60),
        (cancelling, 60),
        (declined, 5),  # a look by the way
        (paid, 0),  # a notice
        (lambda: replace(waiting(), look_at=at(3600)), 3600),  # an expiry
    ],
)
def test_what_one_door_is_at_is_not_due_for_another_before_its_lease_ends(
    begin: Callable[[], Payment], seconds: float
) -> None:
    payment, step = asked(begin(), seconds)
    lease_s = lease_of(step, Policy())

    assert corridor.next_step(payment, moment(seconds + lease_s - 0.001)) is None
    assert payment.wake_at == at(seconds + lease_s)
    assert corridor.next_step(payment, moment(seconds + lease_s)) is not None


def test_a_crash_and_a_lost_answer_are_the_same_state() -> None:
    """The document that a crash leaves behind is looked after like one whose answer was lost."""
    crashed, step = asked(opened(), 0)
    lost = corridor.decide(crashed, step, NoNews("lost"), moment(LEASE_S))

    assert crashed.state is lost.state is State.ASKING
    assert corridor.next_step(crashed, moment(LEASE_S)) == corridor.next_step(lost, moment(LEASE_S))
    assert isinstance(corridor.next_step(lost, moment(LEASE_S)), FindIntent)


def test_each_try_of_an_attempt_goes_out_under_the_same_key_with_the_next_number() -> None:
    payment = opened()
    keys = []
    for number in range(4):
        payment, step = asked(payment, number * 100)
        assert isinstance(step, CreateIntent)
        keys.append((step.key, step.attempt))
        payment = corridor.decide(payment, step, NoNews("lost"), moment(number * 100 + 25))
        payment = heard(payment, NothingFound(), number * 100 + 50)

    assert keys == [("pay_1-1-create", number) for number in (1, 2, 3, 4)]


# What is asked


def test_a_charge_is_created_and_confirmed_in_one_call() -> None:
    assert corridor.next_step(opened(metadata={"colour": "red"}), moment()) == CreateIntent(
        key="pay_1-1-create",
        order_id="ord_1",
        amount_minor=10_000,
        currency="usd",
        confirm=True,
        customer_id="cus_1",
        payment_method_id=VISA,
        capture_method="automatic",
        return_url=None,
        description=None,
        metadata={"colour": "red"},
        request_id="req_1",
        attempt=1,
    )


@pytest.mark.parametrize(
    ("card", "confirm", "confirmed"),
    [(VISA, True, True), (VISA, False, False), (None, False, False)],
)
def test_nothing_is_confirmed_without_a_card_or_the_caller_s_wish(
    *, card: str | None, confirm: bool, confirmed: bool
) -> None:
    step = corridor.next_step(opened(payment_method_id=card, confirm=confirm), moment())

    assert isinstance(step, CreateIntent)
    assert step.confirm is confirmed


def test_another_card_confirms_the_same_payment_intent() -> None:
    assert corridor.next_step(confirming(), moment(60)) == ConfirmIntent(
        "pay_1-2-confirm", "ord_1", "pi_1", OTHER_CARD, None
    )


def test_other_terms_cancel_the_payment_intent_first() -> None:
    assert corridor.next_step(cancelling(), moment(60)) == CancelIntent(
        "pay_1-2-cancel", "ord_1", "pi_1", "abandoned"
    )


def test_a_creation_in_doubt_is_looked_for_and_a_known_intent_is_read() -> None:
    created = heard(opened(), NoNews("lost"), 3)
    confirmed = heard(confirming(), NoNews("lost"), 60)

    assert corridor.next_step(created, moment(3)) == FindIntent(
        "pay_1-1-create", "ord_1", "cus_1", since=at(0), until=at(3)
    )
    assert corridor.next_step(confirmed, moment(60)) == ReadIntent(
        "ord_1", "pi_1", key="pay_1-2-confirm"
    )


# Success and what it brings with it


def test_a_success_and_the_duty_to_tell_of_it_are_one_document() -> None:
    payment = paid()

    assert (payment.status, payment.received_minor, payment.charge_id) == (
        State.SUCCEEDED,
        10_000,
        "ch_1",
    )
    assert [(n.status, n.call.key) for n in payment.notices] == [
        ("PAYMENT RECEIVED", "pay_1-notice-1")
    ]


def test_without_an_order_service_nothing_is_owed_and_the_payment_sleeps() -> None:
    payment = heard(opened(), IntentSeen(intent("succeeded")), 0, tell_orders=False)

    assert (payment.notices, payment.wake_at) == ((), None)


def test_the_card_that_paid_is_the_payment_s_card() -> None:
    """The first card was declined; it is the second that the document must show."""
    payment = confirming()

    payment = heard(payment, IntentSeen(intent("succeeded", payment_method_id=OTHER_CARD)), 60)

    assert payment.payment_method_id == OTHER_CARD
    assert payment.failure is None


def test_stripe_s_reason_for_a_cancellation_is_kept() -> None:
    assert canceled().cancellation_reason == "abandoned"


def test_a_refused_confirmation_by_somebody_else_shows_at_the_next_look() -> None:
    """The payer failed at the bank: the payment waits for another card."""
    failed = intent("requires_payment_method", last_error=DENIAL)

    payment = heard(waiting(), IntentSeen(failed), 5)

    assert (payment.state, payment.entered_at) == (State.REQUIRES_PAYMENT_METHOD, at(5))


# Late and stale


def stale_steps() -> list[tuple[Payment, PaymentStep]]:
    """Payments that another door has carried on, and the step that is heard of too late."""
    slow, step = asked(opened(), 0)
    other = corridor.decide(slow, step, Declined(DENIAL), moment(31))
    return [
        (other, step),
        (replace(other, attempt=confirming().attempt, intent_id="pi_1"), step),
    ]


@pytest.mark.parametrize("payment_and_step", stale_steps(), ids=["over", "another attempt"])
@pytest.mark.parametrize(
    "news",
    [
        NoNews("lost"),
        NotExecuted("http_429"),
        Rejected(REFUSAL),
        Declined(DENIAL),
        IntentSeen(intent("requires_action")),
    ],
)
def test_late_news_that_is_not_final_changes_nothing(
    payment_and_step: tuple[Payment, PaymentStep], news: News
) -> None:
    payment, step = payment_and_step

    assert corridor.decide(payment, step, news, moment(40)) is payment


def test_late_news_of_money_is_believed_once_no_attempt_stands_in_its_way() -> None:
    (over, step), (going_on, _) = stale_steps()
    news = IntentSeen(intent("succeeded"))

    assert corridor.decide(over, step, news, moment(40)).state is State.SUCCEEDED
    assert corridor.decide(going_on, step, news, moment(40)) is going_on


@pytest.mark.parametrize("begin", [paid, canceled])
@pytest.mark.parametrize(
    "status", ["succeeded", "canceled", "requires_action", "requires_payment_method", "processing"]
)
def test_a_final_state_is_never_left(begin: Callable[[], Payment], status: str) -> None:
    payment = begin()
    _, late = asked(opened(), 0)
    look = ReadIntent("ord_1", "pi_1")

    for step in (late, look):
        after = corridor.decide(payment, step, IntentSeen(intent(status)), moment(99))
        # What contradicts it is noted for a person, and changes nothing else.
        contradicts = after.history[-1].what == CONTRADICTED
        assert after.late_intent_id == ("pi_1" if contradicts else None)
        noted = replace(payment, history=after.history, updated_at=after.updated_at)
        assert replace(noted, late_intent_id=after.late_intent_id) == after


def test_news_of_another_payment_intent_is_not_ours() -> None:
    payment = waiting()

    seen = IntentSeen(intent("succeeded", id="pi_of_somebody_else"))

    assert corridor.decide(payment, ReadIntent("ord_1", "pi_1"), seen, moment(5)) == payment


def test_an_old_look_does_not_settle_a_new_attempt() -> None:
    """The look began before the card was tried again: what it saw is not the answer to that."""
    payment, look = asked(declined(), 5)
    payment = replace(payment, attempt=confirming().attempt)

    seen = IntentSeen(intent("requires_payment_method", charge_id="ch_declined"))

    assert corridor.decide(payment, look, seen, moment(60)) is payment


def test_a_look_begun_for_an_attempt_still_tells_what_is_there_when_that_is_over() -> None:
    payment, look = asked(heard(confirming(), NoNews("lost"), 60), 60)
    over = replace(payment, attempt=None)

    after = corridor.decide(over, look, IntentSeen(intent("succeeded")), moment(61))

    assert after.state is State.SUCCEEDED


@pytest.mark.parametrize("news", [NoNews("lost"), NothingFound(), NotExecuted("claim_lapsed")])
def test_a_look_by_the_way_without_an_answer_is_repeated_later(news: News) -> None:
    payment = heard(declined(), news, 5)

    assert payment.state is State.REQUIRES_PAYMENT_METHOD
    assert payment.looks == 1
    assert payment.wake_at is not None
    assert payment.wake_at > at(5)


@pytest.mark.parametrize("news", [NoNews("lost"), NothingFound()])
@pytest.mark.parametrize("end", [IntentSeen(intent("succeeded")), Rejected(REFUSAL)])
def test_a_look_without_an_answer_wakes_no_payment_that_another_door_has_laid_to_rest(
    end: News, news: News
) -> None:
    payment, look = asked(heard(opened(), NoNews("lost"), 0), 0)
    assert payment.attempt is not None
    settled = replace(heard(opened(), end, 1), notices=())
    assert settled.wake_at is None

    after = corridor.decide(settled, look, news, moment(31))

    assert after is settled


def test_two_doors_with_one_key_each_take_back_their_own_doubt_only() -> None:
    first, step = asked(opened(), 0)
    second, look = asked(first, LEASE_S)
    second = corridor.decide(second, look, NothingFound(), moment(LEASE_S))
    second, again = asked(second, LEASE_S)

    after = corridor.decide(second, step, NotExecuted("claim_lapsed"), moment(LEASE_S + 1))

    assert isinstance(again, CreateIntent)
    assert (call_of(second).doubts, call_of(after).doubts) == (2, 1)
    assert after.state is State.ASKING


def test_a_replayed_answer_is_adopted_but_not_believed() -> None:
    """It is a copy of what stood there then; the card may have been charged since."""
    payment = heard(opened(), IntentSeen(intent("requires_action"), replayed=True), 0)

    assert (payment.state, payment.intent_id) == (State.ASKING, "pi_1")
    assert corridor.next_step(payment, moment()) == ReadIntent(
        "ord_1", "pi_1", key="pay_1-1-create"
    )


def test_a_refusal_after_doubt_starts_a_look_not_an_end() -> None:
    """The refusal may be our own first try's doing: it took what the second now lacks."""
    payment = heard(in_doubt(opened()), Rejected(REFUSAL), 0)

    payment = heard(payment, IntentSeen(intent("succeeded")), 0)

    assert payment.state is State.SUCCEEDED


def test_a_failure_says_what_stripe_said() -> None:
    failure = heard(opened(retry_key="mine"), Rejected(REFUSAL), 0).failure

    assert failure is not None
    assert (failure.kind, failure.code, failure.message, failure.param) == (
        FailureKind.REJECTED,
        "parameter_invalid",
        "No.",
        "currency",
    )
    assert (failure.payment_method_id, failure.retry_key) == (VISA, "mine")


def test_each_attempt_and_state_has_its_line_with_stripe_s_request_id() -> None:
    news = Declined(DENIAL, intent("requires_payment_method"), request_id="req_stripe")

    payment = heard(opened(), news, 0)

    assert [(line.what, line.stripe_request_id) for line in payment.history] == [
        ("create.begun", None),
        ("payment.declined", "req_stripe"),
    ]


def test_the_claims_of_a_dead_owner_are_due_at_once_and_in_doubt_as_they_were() -> None:
    """The store serves one process only, and that has just been started."""
    payment, _ = asked(opened(), 0)
    refunding, _ = asked(begin_refund(replace(paid(), notices=()), "ref_1", 1, None, moment()), 0)

    for claimed in (payment, refunding):
        freed = corridor.orphaned(claimed, moment(1))
        assert (claimed.wake_at, freed.wake_at) == (at(LEASE_S), at(1))
    assert isinstance(
        corridor.next_step(corridor.orphaned(payment, moment(1)), moment(1)), FindIntent
    )


def test_a_back_off_is_no_claim_and_outlives_its_owner() -> None:
    waiting_for_stripe = heard(opened(), NotExecuted("http_429", retry_after_s=40), 0)

    assert corridor.orphaned(waiting_for_stripe, moment(1)).wake_at == at(40)
    assert corridor.orphaned(canceled(), moment(9)) == canceled()
