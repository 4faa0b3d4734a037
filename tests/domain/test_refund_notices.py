"""What the OrderService hears of refunds and cancellations, if it wants to hear of them at all."""

from dataclasses import replace
from typing import Any

import pytest

from payment_service.domain import corridor
from payment_service.domain.moment import REFUND_LOOKS_S, Policy
from payment_service.domain.news import (
    IntentSeen,
    News,
    NoNews,
    OrderRefused,
    OrderTold,
    RefundSeen,
    RefundsSeen,
    Rejected,
    SeenRefund,
)
from payment_service.domain.notice import NoticeState
from payment_service.domain.payment import Payment
from payment_service.domain.refund import (
    PENDING_LOOK_MAX_S,
    PENDING_LOOK_S,
    RefundStatus,
    next_look,
)
from payment_service.domain.steps import FindRefunds, PaymentStep
from payment_service.domain.wishes import begin_refund, pay_again
from tests.domain.papers import (
    REFUSAL,
    T0,
    asked,
    at,
    heard,
    intent,
    moment,
    order,
    paid,
    seen_refund,
    waiting,
)

WANTS: dict[str, Any] = {
    "order_status_canceled": "CANCELED",
    "order_status_refunded": "REFUNDED",
    "order_status_refund_failed": "REFUND FAILED",
}
LEASE_S = Policy().notice_lease_s
LOOK = FindRefunds("ord_1", "pi_1")


def refunded(status: str = "succeeded", amount_minor: int = 10_000, **policy: Any) -> Payment:
    """Return a payment with a refund of this much in this status."""
    told = replace(paid(), notices=())
    payment = begin_refund(told, "ref_1", amount_minor, None, moment())
    seen = seen_refund(status, amount_minor=amount_minor)
    return heard(payment, RefundSeen(seen), 0, **policy)


def looked(payment: Payment, *seen: SeenRefund, seconds: float = 60, **policy: Any) -> Payment:
    return corridor.decide(payment, LOOK, RefundsSeen(seen), moment(seconds, **policy))


def owed(payment: Payment) -> list[str]:
    return [notice.status for notice in payment.notices]


def test_when_all_was_given_back_the_orders_hear_of_it_if_they_want_to() -> None:
    assert owed(refunded(**WANTS)) == ["REFUNDED"]
    assert owed(refunded()) == []
    assert owed(refunded(tell_orders=False, **WANTS)) == []


@pytest.mark.parametrize(
    ("status", "amount_minor"),
    [("succeeded", 9_999), ("pending", 10_000), ("requires_action", 10_000), ("failed", 10_000)],
)
def test_part_of_it_or_what_is_not_given_back_yet_says_nothing(
    status: str, amount_minor: int
) -> None:
    assert owed(refunded(status, amount_minor, **WANTS)) == []


def test_the_part_that_completes_it_is_what_is_told() -> None:
    payment = refunded("succeeded", 4_000, **WANTS)
    payment = begin_refund(payment, "ref_2", 6_000, None, moment(9))

    rest = seen_refund("succeeded", id="re_2", key="pay_1-ref_2")
    payment = heard(payment, RefundSeen(rest), 9, **WANTS)

    assert owed(payment) == ["REFUNDED"]


def test_one_that_comes_back_from_its_bank_is_told_and_gives_its_money_back() -> None:
    payment = refunded(**WANTS)
    back = seen_refund("failed", amount_minor=10_000, failure_reason="declined")

    payment = looked(payment, back, seconds=5 * 86_400, **WANTS)

    assert owed(payment) == ["REFUNDED", "REFUND FAILED"]
    assert (payment.refundable_minor, payment.refunds[0].failure) == (10_000, "declined")
    assert payment.history[-1].what == "refund.failed"
    assert owed(looked(payment, back, seconds=6 * 86_400, **WANTS)) == owed(payment)


def failed(payment: Payment, seconds: float, **policy: Any) -> Payment:
    """Return the payment after its only refund came back from its bank."""
    back = seen_refund("failed", amount_minor=10_000, failure_reason="declined")
    return looked(payment, back, seconds=seconds, **policy)


@pytest.mark.parametrize("state", [NoticeState.OWED, NoticeState.DEAD])
def test_a_refund_that_failed_before_it_was_told_is_not_told_any_more(state: NoticeState) -> None:
    waits = refunded(**WANTS)
    waits = replace(waits, notices=(replace(waits.notices[0], state=state),))

    loud = failed(waits, 60, **WANTS)
    quiet = failed(waits, 60, order_status_refunded="REFUNDED")

    assert [(n.status, n.state) for n in loud.notices] == [
        ("REFUNDED", NoticeState.DROPPED),
        ("REFUND FAILED", NoticeState.OWED),
    ]
    assert [(n.status, n.state) for n in quiet.notices] == [("REFUNDED", NoticeState.DROPPED)]
    assert quiet.wake_at == quiet.refunds_look_at


def test_one_that_is_being_told_may_arrive_and_then_the_failure_follows_it() -> None:
    being_told, _ = asked(refunded(**WANTS), 60)

    after = failed(being_told, 61, **WANTS)

    first, second = after.notices
    assert (first.state, first.is_overtaken, second.status) == (
        NoticeState.OWED,
        True,
        "REFUND FAILED",
    )
    assert corridor.next_step(after, moment(62, **WANTS)) is None


def test_a_failure_that_was_not_told_yet_is_dropped_when_all_is_given_back_after_all() -> None:
    payment = failed(refunded(**WANTS), 60, **WANTS)
    payment = begin_refund(payment, "ref_2", None, None, moment(70))

    again = seen_refund("succeeded", id="re_2", key="pay_1-ref_2", amount_minor=10_000)
    payment = heard(payment, RefundSeen(again), 70, **WANTS)

    assert [(n.status, n.state) for n in payment.notices] == [
        ("REFUNDED", NoticeState.DROPPED),
        ("REFUND FAILED", NoticeState.DROPPED),
        ("REFUNDED", NoticeState.OWED),
    ]


def test_what_is_told_of_a_refund_waits_until_the_orders_know_of_the_payment() -> None:
    payment = begin_refund(paid(), "ref_1", None, None, moment())
    payment = heard(payment, RefundSeen(seen_refund("succeeded", amount_minor=10_000)), 0, **WANTS)
    heard_in_order = []
    for _ in range(2):
        payment, step = asked(payment, 1)
        heard_in_order.append(getattr(step, "status", None))
        payment = corridor.decide(payment, step, OrderTold(), moment(1))

    assert heard_in_order == ["PAYMENT RECEIVED", "REFUNDED"]
    assert [n.call.key for n in payment.notices] == ["pay_1-notice-1", "pay_1-notice-2"]


def test_a_refund_made_elsewhere_completes_it_too() -> None:
    payment = refunded("succeeded", 4_000, **WANTS)
    theirs = seen_refund("succeeded", id="re_theirs", key=None, amount_minor=6_000)

    payment = looked(payment, theirs, **WANTS)

    assert owed(payment) == ["REFUNDED"]
    assert payment.history[-1].what == "refund.succeeded"


# Monotone


@pytest.mark.parametrize("end", ["failed", "canceled"])
@pytest.mark.parametrize("status", RefundStatus)
def test_a_refund_that_is_over_stays_so_whatever_a_list_shows(end: str, status: str) -> None:
    payment = refunded(end)

    after = looked(payment, seen_refund(status, amount_minor=10_000))

    assert after.refunds == payment.refunds


@pytest.mark.parametrize("status", ["pending", "requires_action", "succeeded", "of_tomorrow"])
def test_one_that_succeeded_is_left_only_for_a_failure(status: str) -> None:
    payment = refunded()

    assert looked(payment, seen_refund(status, amount_minor=10_000)).refunds == payment.refunds


# When it is looked at


def test_the_older_a_refund_hangs_the_rarer_it_is_looked_at() -> None:
    hanging = refunded("pending").refunds[0]

    for age_s, wait_s in [
        (0, PENDING_LOOK_S),
        (PENDING_LOOK_S, PENDING_LOOK_S),
        (3_600, 3_600),
        (10 * 86_400, PENDING_LOOK_MAX_S),
    ]:
        assert next_look(hanging, at(age_s), REFUND_LOOKS_S) == at(age_s + wait_s)


def test_one_that_succeeded_is_looked_at_on_the_operator_s_ladder_and_then_no_more() -> None:
    done = refunded().refunds[0]
    ladder = (10.0, 1_000.0)

    looks = [next_look(done, at(second), ladder) for second in (0, 10, 999, 1_000)]

    assert looks == [at(10), at(1_000), at(1_000), None]
    assert refunded(refund_looks_s=()).wake_at is None


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_one_that_is_over_is_not_looked_at(status: str) -> None:
    assert next_look(refunded(status).refunds[0], T0, REFUND_LOOKS_S) is None


def test_the_next_look_is_that_of_the_most_impatient_refund() -> None:
    payment = refunded("succeeded", 4_000)
    payment = begin_refund(payment, "ref_2", 6_000, None, moment(9))

    pending = seen_refund("pending", id="re_2", key="pay_1-ref_2")
    payment = heard(payment, RefundSeen(pending), 9)

    assert payment.refunds_look_at == at(9 + PENDING_LOOK_S)  # not only on the other's ladder


# The next generation


def test_a_cancellation_that_was_not_told_yet_is_dropped_when_the_order_is_paid_again() -> None:
    ended = heard(waiting(), IntentSeen(intent("canceled")), 5, **WANTS)
    assert owed(ended) == ["CANCELED"]

    again = pay_again(ended, order(), moment(6))

    assert again is not None
    assert [(n.status, n.state) for n in again.notices] == [("CANCELED", NoticeState.DROPPED)]
    paid_now = heard(again, IntentSeen(intent("succeeded", id="pi_2")), 6)
    assert [(n.status, n.state, n.call.key) for n in paid_now.notices] == [
        ("CANCELED", NoticeState.DROPPED, "pay_1-notice-1"),
        ("PAYMENT RECEIVED", NoticeState.OWED, "pay_1-notice-2"),
    ]
    step = asked(paid_now, 6)[1]
    assert getattr(step, "status", None) == "PAYMENT RECEIVED"


def test_one_that_was_told_stays_so() -> None:
    ended = heard(waiting(), IntentSeen(intent("canceled")), 5, **WANTS)
    told = heard(ended, OrderTold(), 6)

    again = pay_again(told, order(), moment(7))

    assert again is not None
    assert again.notices == told.notices


def telling() -> tuple[Payment, PaymentStep]:
    """Return an order that is paid again while its cancellation is being told, and that step."""
    ended = heard(waiting(), IntentSeen(intent("canceled")), 5, **WANTS)
    being_told, step = asked(ended, 5)
    again = pay_again(being_told, order(), moment(6))
    assert again is not None
    return heard(again, IntentSeen(intent("succeeded", id="pi_2")), 6), step


def test_while_one_that_was_overtaken_may_arrive_nothing_else_is_told() -> None:
    payment, _ = telling()

    assert payment.wake_at == at(5 + LEASE_S)
    assert corridor.next_step(payment, moment(5 + LEASE_S - 0.001)) is None
    payment, step = asked(payment, 5 + LEASE_S)

    assert getattr(step, "status", None) == "PAYMENT RECEIVED"
    assert [n.state for n in payment.notices] == [NoticeState.DROPPED, NoticeState.OWED]


@pytest.mark.parametrize(
    ("news", "state"),
    [
        (OrderTold(), NoticeState.TOLD),
        (NoNews("lost"), NoticeState.DROPPED),
        (OrderRefused("http_503"), NoticeState.DROPPED),
        (OrderRefused("http_404", lasting=True), NoticeState.DROPPED),
    ],
)
def test_one_that_was_overtaken_is_not_told_again(news: News, state: NoticeState) -> None:
    payment, step = telling()

    payment = corridor.decide(payment, step, news, moment(7))

    assert [n.state for n in payment.notices] == [state, NoticeState.OWED]
    told_now = corridor.next_step(payment, moment(7))
    assert getattr(told_now, "status", None) == "PAYMENT RECEIVED"


def test_one_that_was_overtaken_by_a_payment_that_never_came_wakes_nobody() -> None:
    ended = heard(waiting(), IntentSeen(intent("canceled")), 5, **WANTS)
    being_told, _ = asked(ended, 5)
    again = pay_again(being_told, order(), moment(6))
    assert again is not None

    payment = heard(again, Rejected(REFUSAL), 6)

    assert (payment.wake_at, corridor.next_step(payment, moment(99))) == (None, None)
