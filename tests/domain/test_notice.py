"""A notice: told at least once, in order, less and less often, for three days."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_service.domain import corridor
from payment_service.domain.call import asked as tried
from payment_service.domain.moment import Policy
from payment_service.domain.news import (
    News,
    NoNews,
    NotExecuted,
    NothingFound,
    OrderRefused,
    OrderTold,
)
from payment_service.domain.notice import (
    DEAD_AFTER,
    Notice,
    NoticeState,
    overtaken,
    owe,
    told,
)
from payment_service.domain.payment import Payment
from payment_service.domain.steps import TellOrders
from tests.domain.papers import asked, at, heard, moment, paid

DAYS_3 = DEAD_AFTER.total_seconds()


def tried_notice(times: int = 1, seconds: float = 0) -> Notice:
    notice = owe("PAYMENT RECEIVED", "key", at(0))
    for _ in range(times):
        notice = replace(notice, call=tried(notice.call, at(seconds), lease_s=30))
    return notice


def owing_two() -> Payment:
    """Return a payment that owes two notices, the first of them under its second try."""
    payment = paid()
    later = owe("REFUNDED", "pay_1-notice-2", at(0))
    return replace(payment, notices=(*payment.notices, later))


def test_a_notice_is_due_at_once_under_its_own_key() -> None:
    assert corridor.next_step(paid(), moment()) == TellOrders(
        "pay_1-notice-1", "ord_1", "PAYMENT RECEIVED"
    )


def test_a_notice_that_was_accepted_is_told_for_good() -> None:
    refused = heard(paid(), OrderRefused("http_503", final=False), 0)
    assert refused.notices[0].failure == "http_503"

    payment = heard(refused, OrderTold(), 3)

    (notice,) = payment.notices
    assert (notice.state, notice.told_at, notice.failure) == (NoticeState.TOLD, at(3), None)
    assert payment.history[-1].what == "order.told"
    assert payment.wake_at is None


@pytest.mark.parametrize(
    ("news", "tries", "state", "failure"),
    [
        (OrderRefused("http_404", final=True), 1, NoticeState.DEAD, "http_404"),
        (OrderRefused("http_404", final=False), 9, NoticeState.OWED, "http_404"),
        # a token may have expired just now: a fresh one gets one more try
        (OrderRefused("http_401", final=True), 1, NoticeState.OWED, "http_401"),
        (OrderRefused("http_401", final=True), 2, NoticeState.OWED, "http_401"),
        (OrderRefused("http_403", final=True), 1, NoticeState.OWED, "http_403"),
        (OrderRefused("http_403", final=True), 2, NoticeState.OWED, "http_403"),
        (NoNews("TimeoutError"), 9, NoticeState.OWED, "TimeoutError"),
        (NotExecuted("claim_lapsed"), 9, NoticeState.OWED, "claim_lapsed"),
        (NothingFound(), 1, NoticeState.OWED, "no answer"),
    ],
)
def test_what_the_order_service_says(
    news: News, tries: int, state: NoticeState, failure: str
) -> None:
    notice = told(tried_notice(tries), news, at(1))

    assert (notice.state, notice.failure, notice.told_at) == (state, failure, None)


@pytest.mark.parametrize(
    ("before", "state"),
    [
        ("http_401", NoticeState.DEAD),
        ("http_403", NoticeState.DEAD),
        # a try that was lost or refused for another reason says nothing about the token
        (None, NoticeState.OWED),
        ("http_503", NoticeState.OWED),
        ("no answer", NoticeState.OWED),
    ],
)
def test_only_a_token_refused_twice_in_a_row_ends_a_notice(
    before: str | None, state: NoticeState
) -> None:
    notice = replace(tried_notice(2), failure=before)

    assert told(notice, OrderRefused("http_401", final=True), at(1)).state is state


@pytest.mark.parametrize(
    ("before", "state"),
    [
        ("http_401", NoticeState.DEAD),
        ("http_403", NoticeState.DEAD),
        ("http_503", NoticeState.OWED),
        ("TimeoutError", NoticeState.OWED),
    ],
)
def test_a_token_may_have_expired_just_now_and_gets_one_more_try(
    before: str, state: NoticeState
) -> None:
    notice = replace(tried_notice(2), failure=before)

    notice = told(notice, OrderRefused("http_401", final=True), at(1))

    assert (notice.state, notice.failure) == (state, "http_401")


@given(st.integers(1, 60), st.floats(0, DAYS_3 - 1))
def test_it_is_told_again_after_a_wait_that_doubles_up_to_ten_minutes(
    tries: int, age_s: float
) -> None:
    notice = told(tried_notice(tries), NoNews("lost"), at(age_s))

    full_s = min(2 ** min(tries - 1, 12), 600)
    wait = notice.call.due_at - at(age_s)
    assert timedelta(seconds=full_s / 2) <= wait < timedelta(seconds=full_s)
    assert notice.state is NoticeState.OWED


def test_after_three_days_and_twenty_tries_a_person_must_look() -> None:
    too_early = told(tried_notice(20), NoNews("lost"), at(DAYS_3 - 0.001))
    too_seldom = told(tried_notice(19), NoNews("lost"), at(DAYS_3))
    dead = told(tried_notice(20), NoNews("lost"), at(DAYS_3))

    assert (too_early.state, too_seldom.state) == (NoticeState.OWED, NoticeState.OWED)
    assert (dead.state, dead.failure) == (NoticeState.DEAD, "lost")


def test_a_dead_notice_wakes_nobody_and_is_in_the_time_line() -> None:
    payment = heard(paid(), OrderRefused("http_404", final=True), 0)

    assert payment.wake_at is None
    assert corridor.next_step(payment, moment(DAYS_3)) is None
    assert payment.history[-1].what == "order.dead"


def test_notices_are_told_strictly_in_order() -> None:
    payment = heard(owing_two(), NoNews("lost"), 0)

    assert payment.wake_at is not None
    due_s = (payment.wake_at - at(0)).total_seconds()
    assert 0.5 <= due_s < 1
    assert corridor.next_step(payment, moment(due_s - 0.001)) is None
    payment = heard(payment, OrderTold(), due_s)

    assert corridor.next_step(payment, moment(due_s)) == TellOrders(
        "pay_1-notice-2", "ord_1", "REFUNDED"
    )
    payment = heard(payment, OrderTold(), due_s)
    assert payment.wake_at is None


def test_a_dead_notice_lets_the_next_one_pass() -> None:
    payment = heard(owing_two(), OrderRefused("http_404", final=True), 0)

    step = corridor.next_step(payment, moment())

    assert isinstance(step, TellOrders)
    assert step.key == "pay_1-notice-2"


def test_telling_is_claimed_and_told_again_when_the_claim_lapses() -> None:
    lease_s = Policy().lease_s
    payment, step = asked(paid(), 0)

    assert corridor.next_step(payment, moment(lease_s - 0.001)) is None
    assert corridor.next_step(payment, moment(lease_s)) == step


@pytest.mark.parametrize("news", [OrderTold(), NoNews("lost")])
def test_late_news_of_a_notice_that_is_told_changes_nothing(news: News) -> None:
    payment, step = asked(paid(), 0)
    done = corridor.decide(payment, step, OrderTold(), moment(1))

    assert corridor.decide(done, step, news, moment(40)) == done


def test_a_notice_that_is_overtaken_under_way_is_not_told_again() -> None:
    """It may arrive, and so the next one waits until it has had its time; then it is dropped."""
    under_way = overtaken(tried_notice())
    payment = replace(paid(), notices=(under_way, owe("PAID", "pay_1-notice-2", at(1))))

    assert (under_way.state, under_way.is_overtaken) == (NoticeState.OWED, True)
    assert told(under_way, NoNews("timeout"), at(5)).state is NoticeState.DROPPED
    assert told(under_way, OrderTold(), at(5)).state is NoticeState.TOLD
    assert payment.wake_at == at(30)
    assert corridor.next_step(payment, moment(29)) is None
    step = corridor.next_step(payment, moment(30))
    assert step == TellOrders("pay_1-notice-2", payment.id, "PAID")
    assert corridor.asking(payment, step, moment(30)).notices[0].state is NoticeState.DROPPED


def test_a_notice_that_is_overtaken_before_it_left_is_dropped_and_one_that_was_told_stays() -> None:
    waiting, is_told = owe("CANCELED", "key", at(0)), told(tried_notice(), OrderTold(), at(1))

    assert overtaken(waiting).state is NoticeState.DROPPED
    assert overtaken(is_told) == is_told


def test_an_overtaken_notice_alone_wakes_nobody() -> None:
    payment = replace(paid(), notices=(overtaken(tried_notice()),))

    assert payment.wake_at is None
