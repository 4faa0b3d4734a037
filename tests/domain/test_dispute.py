"""Disputes and fraud warnings: only ever looked at; while one stands nothing is refunded."""

from dataclasses import replace

import pytest

from payment_service.domain import corridor
from payment_service.domain.corridor_disputes import LOOK_AGAIN_S
from payment_service.domain.dispute import OPEN_LOOK_S, merged, shown
from payment_service.domain.errors import PaymentDisputed
from payment_service.domain.moment import Policy
from payment_service.domain.news import (
    DisputesSeen,
    News,
    NoNews,
    NotExecuted,
    RefundSeen,
    Rejected,
    SeenDispute,
    SeenFraudWarning,
)
from payment_service.domain.payment import Payment
from payment_service.domain.steps import FindDisputes
from payment_service.domain.wishes import begin_refund, pay_again
from tests.domain.papers import (
    REFUSAL,
    T0,
    at,
    canceled,
    heard,
    moment,
    order,
    paid,
    seen_refund,
)

LOOK = FindDisputes("ord_1", "pi_1")
WARNING = SeenFraudWarning("issfr_1", "misc", actionable=True, created_at=T0)


def seen(status: str, **changed: object) -> SeenDispute:
    dispute = SeenDispute("du_1", 10_000, "usd", "fraudulent", status, T0, at(1_000_000))
    return replace(dispute, **changed)  # type: ignore[arg-type]  # its own fields


def told() -> Payment:
    return replace(paid(), notices=())


def disputed(*disputes: SeenDispute, payment: Payment | None = None, seconds: float = 9) -> Payment:
    news = DisputesSeen(disputes, (), request_id="req_stripe")
    return corridor.decide(payment or told(), LOOK, news, moment(seconds))


OPEN = ("needs_response", "under_review", "a_word_of_tomorrow")
# What the payer's bank says -> may be refunded, taken back, looked at again.
STANDS = {
    **dict.fromkeys(OPEN, (0, 10_000, True)),
    "lost": (0, 10_000, False),
    "won": (10_000, 0, False),
    "prevented": (10_000, 0, False),
    "warning_needs_response": (10_000, 0, True),
    "warning_under_review": (10_000, 0, True),
    "warning_closed": (10_000, 0, False),
}


@pytest.mark.parametrize("status", STANDS)
def test_what_a_dispute_means_for_the_money(status: str) -> None:
    payment = disputed(seen(status))

    assert (payment.refundable_minor, payment.disputed_minor, bool(payment.wake_at)) == STANDS[
        status
    ]
    assert payment.unrefunded_minor == 10_000


@pytest.mark.parametrize("status", ["needs_response", "lost"])
def test_what_is_disputed_is_not_refunded(status: str) -> None:
    payment = disputed(seen(status))

    with pytest.raises(PaymentDisputed) as refusal:
        begin_refund(payment, "ref_1", 1_000, None, moment(9))

    assert refusal.value.details == {"payment": payment}
    assert "fraudulent" in str(refusal.value)


@pytest.mark.parametrize("status", ["warning_needs_response", "won", "warning_closed"])
def test_an_inquiry_or_a_dispute_that_was_won_stands_in_no_refund_s_way(status: str) -> None:
    payment = begin_refund(disputed(seen(status)), "ref_1", None, None, moment(9))

    assert payment.refunds[0].amount_minor == 10_000


def test_one_that_stripe_lets_us_refund_blocks_nothing() -> None:
    payment = disputed(seen("needs_response", refundable=True))

    assert (payment.blocking_dispute, payment.refundable_minor) == (None, 10_000)


def test_a_refund_under_way_goes_on_whatever_is_disputed_meanwhile() -> None:
    payment = begin_refund(told(), "ref_1", 6_000, None, moment())

    payment = disputed(seen("needs_response"), payment=payment)
    payment = heard(payment, RefundSeen(seen_refund("succeeded")), 9)

    assert (payment.refunded_minor, payment.refundable_minor) == (6_000, 0)


def test_a_dispute_that_is_won_gives_the_money_back() -> None:
    payment = disputed(seen("needs_response"))
    payment = disputed(seen("won"), payment=payment, seconds=90)

    assert (payment.refundable_minor, payment.disputed_minor) == (10_000, 0)
    assert [line.what for line in payment.history][-2:] == [
        "dispute.needs_response",
        "dispute.won",
    ]
    assert payment.history[-1].stripe_request_id == "req_stripe"


def test_a_part_that_is_disputed_is_all_that_was_taken_back() -> None:
    payment = disputed(seen("lost", amount_minor=2_500), seen("won", id="du_2"))

    assert (payment.disputed_minor, payment.refundable_minor) == (2_500, 0)


# What was seen is kept


def test_disputes_are_kept_oldest_first_as_they_stand_now() -> None:
    old, young = seen("needs_response"), seen("needs_response", id="du_0", created_at=at(5))
    known = merged((), (young, old))

    again = merged(known, (replace(young, status="lost"),))

    assert [one.id for one in known] == ["du_1", "du_0"]
    assert again == (shown(old), shown(replace(young, status="lost")))


def test_a_list_that_does_not_show_a_dispute_takes_none_back() -> None:
    payment = disputed(payment=disputed(seen("needs_response")))

    assert [one.status for one in payment.disputes] == ["needs_response"]
    assert payment.disputes[0].evidence_due_at == at(1_000_000)


def test_the_same_dispute_again_is_one_line_in_the_history() -> None:
    payment = disputed(seen("needs_response"))

    again = disputed(seen("needs_response"), payment=payment, seconds=90)

    assert again.history == payment.history


def test_a_fraud_warning_is_kept_and_is_actionable_as_long_as_stripe_says_so() -> None:
    warned = corridor.decide(told(), LOOK, DisputesSeen((), (WARNING,)), moment(9))
    settled = corridor.decide(warned, LOOK, DisputesSeen((), ()), moment(90))

    assert [(w.id, w.fraud_type, w.actionable) for w in warned.warnings] == [
        ("issfr_1", "misc", True)
    ]
    assert [w.actionable for w in settled.warnings] == [False]
    assert [line.what for line in settled.history].count("fraud_warning.received") == 1
    assert (warned.refundable_minor, warned.wake_at) == (10_000, None)


# The calendar


def test_while_a_dispute_is_open_it_is_looked_at_a_few_times_a_day() -> None:
    payment, looks = disputed(seen("needs_response")), list[float]()
    while len(looks) < 8:
        assert payment.wake_at is not None
        seconds = (payment.wake_at - T0).total_seconds()
        looks.append(seconds)
        assert corridor.next_step(payment, moment(seconds - 0.001)) is None
        assert corridor.next_step(payment, moment(seconds)) == LOOK
        payment = heard(payment, DisputesSeen((seen("under_review"),), ()), seconds)

    waits = [after - before for before, after in zip([9.0, *looks], looks, strict=False)]
    assert all(OPEN_LOOK_S / 2 <= wait < OPEN_LOOK_S for wait in waits)
    closed = heard(payment, DisputesSeen((seen("lost"),), ()), looks[-1] + OPEN_LOOK_S)
    assert closed.wake_at is None


def test_a_look_is_a_claim() -> None:
    payment = replace(disputed(seen("needs_response")), disputes_look_at=at(100))

    claimed = corridor.asking(payment, LOOK, moment(100))

    assert claimed.wake_at == at(100 + Policy().lease_s)


@pytest.mark.parametrize("news", [NoNews("lost"), NotExecuted("http_429"), Rejected(REFUSAL)])
def test_a_look_without_an_answer_is_repeated_and_changes_nothing_else(news: News) -> None:
    payment = replace(disputed(seen("needs_response")), disputes_look_at=at(100))

    after = heard(payment, news, 100)

    assert replace(after, disputes_look_at=at(100)) == payment
    assert after.disputes_look_at == at(100 + LOOK_AGAIN_S)


def test_an_event_s_look_without_an_answer_wakes_nobody() -> None:
    payment = told()

    assert corridor.decide(payment, LOOK, NoNews("lost"), moment(9)) == payment


def test_a_refund_that_stripe_refuses_for_a_dispute_makes_us_look_at_it() -> None:
    payment = begin_refund(told(), "ref_1", 6_000, None, moment())
    disputed_there = replace(REFUSAL, code="charge_disputed")

    payment = heard(payment, Rejected(disputed_there), 0)

    assert (payment.disputes_look_at, payment.refunds_look_at) == (at(0), at(0))
    assert payment.refundable_minor == 10_000


def test_what_was_to_be_looked_at_of_a_payment_intent_is_forgotten_with_it() -> None:
    """Else the next generation would look at nothing, for ever."""
    looking = replace(canceled(), disputes_look_at=at(9), refunds_look_at=at(9))

    again = pay_again(looking, order(), moment(10))

    assert again is not None
    assert (again.disputes_look_at, again.refunds_look_at) == (None, None)
    claimed = corridor.asking(again, corridor.next_step(again, moment(10)), moment(10))  # type: ignore[arg-type]  # there is one
    assert corridor.next_step(claimed, moment(10)) is None
