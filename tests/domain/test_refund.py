"""A refund: reserved before Stripe is asked, released when it fails, never doubted away."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from payment_service.domain import corridor
from payment_service.domain.call import KEY_HELD_S, backoff_s
from payment_service.domain.moment import REFUND_LOOKS_S, Policy
from payment_service.domain.news import (
    Declined,
    Denial,
    News,
    NoNews,
    NotExecuted,
    OrderTold,
    RefundSeen,
    RefundsSeen,
    Rejected,
)
from payment_service.domain.payment import Payment
from payment_service.domain.refund import PENDING_LOOK_S, RefundStatus, not_there
from payment_service.domain.steps import CreateRefund, FindRefunds
from payment_service.domain.wishes import begin_refund
from tests.domain.papers import REFUSAL, T0, asked, at, heard, moment, paid, seen_refund

LEASE_S = Policy().lease_s


def told() -> Payment:
    """Return a paid payment that owes the OrderService nothing more."""
    return replace(paid(), notices=())


def refunding(refund_id: str = "ref_1", amount_minor: int = 6_000) -> Payment:
    return begin_refund(told(), refund_id, amount_minor, "duplicate", moment())


def refunded() -> Payment:
    return heard(refunding(), RefundSeen(seen_refund("succeeded")), 0)


def pending() -> Payment:
    return heard(refunding(), RefundSeen(seen_refund("pending")), 0)


def status_of(payment: Payment) -> tuple[RefundStatus, str | None]:
    refund = payment.refunds[0]
    return refund.status, refund.failure


def test_a_refund_is_asked_for_under_its_own_key() -> None:
    assert corridor.next_step(refunding(), moment()) == CreateRefund(
        key="pay_1-ref_1",
        order_id="ord_1",
        refund_id="ref_1",
        intent_id="pi_1",
        amount_minor=6_000,
        reason="duplicate",
        attempt=1,
    )


ASKING, SUCCEEDED, FAILED = RefundStatus.ASKING, RefundStatus.SUCCEEDED, RefundStatus.FAILED
Outcome = tuple[RefundStatus, str | None, int, object]

# News after the first try -> status, failure, what may be refunded now, what is asked next.
FIRST_TRY: list[tuple[News, Outcome]] = [
    (RefundSeen(seen_refund("succeeded")), (SUCCEEDED, None, 4_000, None)),
    (RefundSeen(seen_refund("pending")), (RefundStatus.PENDING, None, 4_000, None)),
    (RefundSeen(seen_refund("requires_action")), (RefundStatus.REQUIRES_ACTION, None, 4_000, None)),
    (RefundSeen(seen_refund("a_new_word")), (RefundStatus.PENDING, None, 4_000, None)),
    (
        RefundSeen(seen_refund("failed", failure_reason="lost_or_stolen_card")),
        (FAILED, "lost_or_stolen_card", 10_000, None),
    ),
    (RefundSeen(seen_refund("canceled")), (RefundStatus.CANCELED, None, 10_000, None)),
    (Rejected(REFUSAL), (FAILED, "parameter_invalid", 10_000, FindRefunds)),  # why? look
    (Declined(REFUSAL), (FAILED, "parameter_invalid", 10_000, FindRefunds)),
    (NotExecuted("http_401", retryable=False), (FAILED, "http_401", 10_000, None)),
    (NotExecuted("http_429"), (ASKING, None, 4_000, None)),
    (NoNews("lost"), (ASKING, None, 4_000, FindRefunds)),
    (NoNews("http_500", dead_end="http_500"), (ASKING, None, 4_000, FindRefunds)),
    (OrderTold(), (ASKING, None, 4_000, FindRefunds)),
]


@pytest.mark.parametrize(("news", "outcome"), FIRST_TRY)
def test_after_the_first_try(news: News, outcome: Outcome) -> None:
    payment = heard(refunding(), news, 0)

    step = corridor.next_step(payment, moment())
    assert (*status_of(payment), payment.refundable_minor, step and type(step)) == outcome


@pytest.mark.parametrize(
    ("news", "outcome"),
    [
        (RefundSeen(seen_refund("succeeded")), (SUCCEEDED, None, 4_000, None)),
        # `charge_already_refunded` may be the doing of our own first try
        (Rejected(REFUSAL), (ASKING, None, 4_000, FindRefunds)),
        (Declined(REFUSAL), (ASKING, None, 4_000, FindRefunds)),
        (NotExecuted("http_401", retryable=False), (ASKING, None, 4_000, None)),
        (NoNews("lost"), (ASKING, None, 4_000, None)),
    ],
)
def test_after_the_second_try_with_the_first_in_doubt(news: News, outcome: Outcome) -> None:
    payment = heard(heard(refunding(), NoNews("lost"), 0), RefundsSeen(()), 0)

    payment = heard(payment, news, 0)

    step = corridor.next_step(payment, moment())
    assert (*status_of(payment), payment.refundable_minor, step and type(step)) == outcome


def test_a_refund_that_never_reached_stripe_says_so() -> None:
    payment = refunding()
    for second in (0, 10, 20, 30):
        payment = heard(payment, NotExecuted("unreachable"), second)

    (refund,) = payment.refunds
    assert (refund.status, refund.unavailable, refund.failure) == (FAILED, True, "unreachable")
    assert payment.refundable_minor == 10_000


def test_after_doubt_the_list_is_looked_at_and_what_is_ours_adopted() -> None:
    payment = heard(refunding(), NoNews("lost"), 0)
    assert corridor.next_step(payment, moment()) == FindRefunds("ord_1", "pi_1", ("pay_1-ref_1",))

    payment = heard(payment, RefundsSeen((seen_refund("succeeded"),)), 0)

    assert (status_of(payment), payment.refunds[0].stripe_refund_id) == ((SUCCEEDED, None), "re_1")
    assert (payment.refunded_minor, payment.refundable_minor) == (6_000, 4_000)
    assert (payment.refunds[0].call, payment.wake_at) == (None, at(REFUND_LOOKS_S[0]))


def test_what_the_list_does_not_show_is_asked_for_again_under_the_same_key() -> None:
    payment = heard(heard(refunding(), NoNews("lost"), 0), RefundsSeen(()), 0)

    step = corridor.next_step(payment, moment())

    assert isinstance(step, CreateRefund)
    assert (step.key, step.attempt) == ("pay_1-ref_1", 2)


def test_a_refund_in_doubt_is_asked_for_as_long_as_its_key_holds() -> None:
    payment, seconds = refunding(), 0.0
    while (call := payment.refunds[0].call) is not None:
        seconds = (call.due_at - T0).total_seconds()
        payment, step = asked(payment, seconds)
        news: News = RefundsSeen(()) if isinstance(step, FindRefunds) else NoNews("lost")
        payment = corridor.decide(payment, step, news, moment(seconds))

    assert seconds >= KEY_HELD_S
    assert status_of(payment) == (FAILED, "abandoned")


def test_a_refund_under_way_is_not_judged_by_a_look_for_another() -> None:
    payment, _ = asked(refunding(), 0)
    payment = begin_refund(payment, "ref_2", 1_000, None, moment(1))
    payment = heard(payment, NoNews("lost"), 1)
    payment, look = asked(payment, 1)
    assert look == FindRefunds("ord_1", "pi_1", keys=("pay_1-ref_2",))

    payment = corridor.decide(payment, look, RefundsSeen(()), moment(2))

    assert payment.refunds[0].call is not None
    assert (payment.refunds[0].call.looks, payment.refunds[0].call.due_at) == (0, at(LEASE_S))
    assert payment.refunds[1].call is not None
    assert payment.refunds[1].call.looks == 1


def test_a_look_without_an_answer_is_repeated_for_the_same_refunds() -> None:
    payment = heard(heard(refunding(), NoNews("lost"), 0), NoNews("lost"), 0)

    call = payment.refunds[0].call
    assert call is not None
    wait_s = backoff_s(replace(call, unanswered=0), at(0))
    assert (call.due_at - at(0)).total_seconds() == pytest.approx(wait_s, abs=1e-6)
    assert payment.refunds_look_at is None
    wakes = (call.due_at - at(0)).total_seconds()
    assert isinstance(corridor.next_step(payment, moment(wakes)), FindRefunds)


@pytest.mark.parametrize("status", ["pending", "requires_action"])
def test_what_is_not_final_at_stripe_is_looked_at_every_five_minutes(status: str) -> None:
    payment = heard(refunding(), RefundSeen(seen_refund(status)), 0)

    assert payment.wake_at == at(PENDING_LOOK_S)
    payment = heard(payment, RefundsSeen((seen_refund(status),)), PENDING_LOOK_S)
    assert payment.wake_at == at(2 * PENDING_LOOK_S)
    payment = heard(payment, RefundsSeen((seen_refund("succeeded"),)), 2 * PENDING_LOOK_S)
    assert (status_of(payment), payment.wake_at) == ((SUCCEEDED, None), at(REFUND_LOOKS_S[0]))


def test_one_that_succeeded_is_looked_at_in_growing_steps_since_its_bank_may_return_it() -> None:
    payment = heard(refunding(), RefundSeen(seen_refund("succeeded")), 0)

    wakes = []
    while payment.wake_at is not None:
        seconds = (payment.wake_at - at(0)).total_seconds()
        wakes.append(seconds)
        payment = heard(payment, RefundsSeen((seen_refund("succeeded"),)), seconds)

    assert tuple(wakes) == REFUND_LOOKS_S


def test_an_older_look_that_comes_late_takes_nothing_back() -> None:
    payment = heard(refunding(), RefundSeen(seen_refund("succeeded")), 0)

    payment = heard(payment, RefundsSeen((seen_refund("pending"),)), REFUND_LOOKS_S[0])

    assert status_of(payment) == (SUCCEEDED, None)


def test_a_look_at_what_is_pending_is_a_claim_and_comes_again_when_it_fails() -> None:
    claimed, _ = asked(pending(), PENDING_LOOK_S)
    failed = heard(pending(), NoNews("lost"), PENDING_LOOK_S)

    assert claimed.wake_at == at(PENDING_LOOK_S + LEASE_S)
    assert failed.wake_at == at(2 * PENDING_LOOK_S)


def test_a_refund_that_fails_days_later_gives_its_money_back() -> None:
    payment = pending()
    assert payment.refundable_minor == 4_000
    gone = seen_refund("failed", failure_reason="expired_or_canceled_card")

    payment = heard(payment, RefundsSeen((gone,)), 5 * 86_400)

    assert status_of(payment) == (FAILED, "expired_or_canceled_card")
    assert (payment.refundable_minor, payment.refunded_minor) == (10_000, 0)
    assert payment.history[-1].what == "refund.failed"


def test_a_refund_made_elsewhere_counts() -> None:
    """Somebody refunded in Stripe's dashboard: no more than the rest may be given back here."""
    payment = heard(refunding(amount_minor=8_000), Rejected(REFUSAL), 0)
    theirs = seen_refund("succeeded", id="re_theirs", key=None, amount_minor=5_000)

    payment = heard(payment, RefundsSeen((theirs,)), 0)

    assert [(r.id, r.status, r.amount_minor) for r in payment.refunds] == [
        ("ref_1", FAILED, 8_000),
        ("re_theirs", SUCCEEDED, 5_000),
    ]
    assert (payment.refunded_minor, payment.refundable_minor) == (5_000, 5_000)


def test_stripe_s_figure_is_the_one_that_stands() -> None:
    payment = heard(refunding(), RefundSeen(seen_refund("succeeded", amount_minor=5_999)), 0)

    assert payment.refunded_minor == 5_999


@pytest.mark.parametrize("begin", [told, refunded])
def test_late_news_of_a_refund_that_is_settled_or_unknown_changes_nothing(
    begin: Callable[[], Payment],
) -> None:
    _, step = asked(refunding(), 0)
    payment = begin()

    assert corridor.decide(payment, step, Rejected(REFUSAL), moment(9)) is payment


def test_a_look_for_a_refund_that_was_settled_meanwhile_does_not_judge_it() -> None:
    settled = refunded().refunds[0]

    assert not_there(settled, at(9)) is settled


def test_a_failure_keeps_stripe_s_words() -> None:
    denial = Denial("charge_disputed", "Charge ch_1 has been charged back.")

    (refund,) = heard(refunding(), Rejected(denial), 0).refunds

    assert (refund.failure, refund.failure_message) == (denial.code, denial.message)
    assert refund.unavailable is False
