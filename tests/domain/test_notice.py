"""A notice: told at least once, in order, less and less often, for three days."""

from dataclasses import replace

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
    PAYMENT_RECEIVED,
    Notice,
    NoticeState,
    Occasion,
    due_with_token,
    hastened,
    orphaned,
    overtaken,
    owe,
    sent_again,
    state_of_all,
    told,
    wire_state,
)
from payment_service.domain.payment import Payment
from payment_service.domain.steps import TellOrders
from tests.domain.papers import asked, at, heard, moment, paid

DAYS_3 = DEAD_AFTER.total_seconds()
BEFORE = frozenset({"ORDER PLACED"})


def tried_notice(times: int = 1, seconds: float = 0) -> Notice:
    notice = owe("PAYMENT RECEIVED", "key", at(0))
    for _ in range(times):
        notice = replace(notice, call=tried(notice.call, at(seconds), lease_s=30))
    return notice


def owing_two() -> Payment:
    """Return a payment that owes two notices, the first of them under its second try."""
    payment = paid()
    later = owe("REFUNDED", "pay_1-notice-2", at(0), Occasion.REFUNDED)
    return replace(payment, notices=(*payment.notices, later))


def test_a_notice_is_due_at_once_under_its_own_key() -> None:
    assert corridor.next_step(paid(), moment()) == TellOrders(
        "pay_1-notice-1", "ord_1", "PAYMENT RECEIVED", before=BEFORE
    )


def test_a_notice_that_was_accepted_is_told_for_good() -> None:
    refused = heard(paid(), OrderRefused("http_503"), 0)
    assert refused.notices[0].failure == "http_503"

    payment = heard(refused, OrderTold(), 3)

    (notice,) = payment.notices
    assert (notice.state, notice.told_at, notice.failure) == (NoticeState.TOLD, at(3), None)
    assert payment.history[-1].what == "order.told"
    assert payment.wake_at is None


@pytest.mark.parametrize(
    ("news", "failure"),
    [
        (OrderRefused("http_404", lasting=True), "http_404"),
        (OrderRefused("http_401", lasting=True), "http_401"),
        (OrderRefused("success_false", lasting=True), "success_false"),
        (OrderRefused("http_503"), "http_503"),
        (NoNews("timeout"), "timeout"),
        (NotExecuted("claim_lapsed"), "claim_lapsed"),
        (NothingFound(), "no answer"),
    ],
)
@pytest.mark.parametrize("tries", [1, 2, 19])
def test_nothing_but_a_yes_ends_a_notice_before_its_time(
    news: News, failure: str, tries: int
) -> None:
    notice = replace(tried_notice(tries), failure=failure)

    notice = told(notice, news, at(DAYS_3 * 2))

    assert (notice.state, notice.failure, notice.told_at) == (NoticeState.OWED, failure, None)
    assert not notice.call.in_flight


@given(st.integers(1, 60), st.floats(0, DAYS_3 - 1))
def test_an_error_is_tried_again_after_a_wait_that_doubles_up_to_ten_minutes(
    tries: int, age_s: float
) -> None:
    full_s = min(2 ** min(tries - 1, 12), 600)

    assert full_s / 2 <= waits_s(OrderRefused("http_503"), tries, age_s) < full_s


@given(st.integers(1, 60), st.floats(0, DAYS_3 - 1))
def test_what_a_person_may_have_to_mend_is_tried_from_half_a_minute_up_to_half_an_hour(
    tries: int, age_s: float
) -> None:
    full_s = 30 * 2 ** min(tries - 1, 12)

    wait_s = waits_s(OrderRefused("http_404", lasting=True), tries, age_s)

    assert min(full_s, 1350) <= wait_s <= min(full_s * 1.25, 1800)


@given(st.integers(1, 60))
def test_a_try_that_was_not_answered_is_followed_by_a_wait_of_a_minute(tries: int) -> None:
    wait_s = waits_s(NoNews("timeout"), tries)

    assert 60 <= wait_s <= max(75, min(2 ** min(tries - 1, 12), 600))


@pytest.mark.parametrize(
    ("news", "least_s"),
    [
        (OrderRefused("http_503", retry_after_s=4.0), 4),
        (OrderRefused("http_404", lasting=True, retry_after_s=300.0), 300),
        (NotExecuted("read_http_503", retry_after_s=4.0), 4),
        (NoNews("http_504", retry_after_s=600.0), 600),
        (NoNews("http_504", retry_after_s=5.0), 60),
        (NoNews("http_504", retry_after_s=1e9), 6 * 3600),
        # three days have room for a dozen tries, whatever is asked for
        (OrderRefused("http_503", retry_after_s=1e9), 6 * 3600),
    ],
)
def test_a_retry_after_is_waited_for_and_those_who_were_told_it_together_spread(
    news: News, least_s: float
) -> None:
    assert least_s <= waits_s(news, 1) <= least_s * 1.25


def waits_s(news: News, tries: int, age_s: float = 0.0) -> float:
    notice = told(tried_notice(tries), news, at(age_s))
    return (notice.call.due_at - at(age_s)).total_seconds()


@pytest.mark.parametrize(
    ("news", "may_have_arrived"),
    [
        (NoNews("timeout"), True),
        (OrderRefused("http_500"), True),
        (OrderRefused("success_false", lasting=True), False),
        (OrderRefused("answered_html", lasting=True, may_have_arrived=True), True),
        (OrderRefused("http_404", lasting=True), False),
        (NotExecuted("no_connection"), False),
    ],
)
def test_a_notice_that_may_have_arrived_is_read_back_first(
    news: News, *, may_have_arrived: bool
) -> None:
    payment = heard(paid(), news, 0)

    step = corridor.next_step(payment, moment(3600))

    assert isinstance(step, TellOrders)
    assert (step.read_back, step.opens_order) == (may_have_arrived, True)


def test_that_it_may_have_arrived_stays_known_whatever_comes_after() -> None:
    notice = told(tried_notice(), NoNews("timeout"), at(30))
    for news in (OrderRefused("http_404", lasting=True), NotExecuted("no_connection")):
        notice = replace(notice, call=tried(notice.call, at(100), lease_s=60))
        notice = told(notice, news, at(101))

    assert notice.call.doubts == 1


def test_what_follows_a_payment_does_not_count_as_told_because_the_order_shows_it_paid() -> None:
    wants = Policy(order_status_refunded="REFUNDED")
    payment = replace(paid(), notices=(owe("REFUNDED", "key", at(0)),))

    step = corridor.next_step(payment, replace(moment(), policy=wants))

    assert isinstance(step, TellOrders)
    assert not step.opens_order


def test_a_notice_whose_owner_died_waits_until_its_last_try_is_over() -> None:
    under_way = tried_notice(seconds=10)

    assert orphaned(under_way, at(12)).call.due_at == at(70)
    assert orphaned(under_way, at(80)).call.due_at == at(80)
    assert not orphaned(under_way, at(12)).call.in_flight
    waiting = told(under_way, NoNews("lost"), at(11))
    assert orphaned(waiting, at(12)) == waiting


def test_one_that_waits_is_hastened_when_the_order_service_is_mended() -> None:
    notice = told(tried_notice(9), OrderRefused("http_404", lasting=True), at(0))

    soon = hastened(notice, at(600)).call.due_at

    assert at(600) <= soon < at(630)
    assert hastened(notice, at(5)).call.due_at == at(60)  # not at once after its last try
    for other in (owe("PAID", "key", at(0)), tried_notice(), told(notice, OrderTold(), at(1))):
        assert hastened(other, at(600)) == other
    due_soon = told(tried_notice(), OrderRefused("http_503"), at(0))
    assert hastened(due_soon, at(0)) == due_soon


def test_one_that_was_told_how_long_to_wait_is_not_hastened_to_before_that() -> None:
    notice = told(tried_notice(9), OrderRefused("http_503", retry_after_s=600.0), at(0))
    long = told(tried_notice(9), NoNews("http_504", retry_after_s=1e9), at(0))

    assert at(600) <= hastened(notice, at(10)).call.due_at <= notice.call.due_at
    assert hastened(notice, at(10)).call.due_at < at(630)
    assert hastened(long, at(10)).call.due_at >= at(6 * 3600)
    assert told(tried_notice(), OrderRefused("http_503"), at(0)).not_before is None
    assert sent_again(notice, at(20)).call.due_at == at(20)  # a person says so
    assert sent_again(notice, at(20)).not_before is None


@pytest.mark.parametrize(
    ("news", "after_s", "is_due"),
    [
        (OrderRefused("http_401", lasting=True), 1, True),
        (OrderRefused("http_503", retry_after_s=600.0), 600, False),
        (OrderRefused("http_503", retry_after_s=600.0), 601, True),
        (NoNews("timeout"), 59, False),
    ],
)
def test_a_token_makes_a_notice_due_unless_its_last_try_may_be_at_work(
    news: News, after_s: float, *, is_due: bool
) -> None:
    notice = told(tried_notice(), news, at(0.5))

    assert (due_with_token(notice, at(after_s)).call.due_at == at(after_s)) is is_due


def test_a_token_does_nothing_about_a_notice_that_is_due_under_way_told_or_was_never_tried() -> (
    None
):
    due = told(tried_notice(), OrderRefused("http_401", lasting=True), at(0))
    for notice in (due, tried_notice(), owe("PAID", "key", at(100)), told(due, OrderTold(), at(1))):
        assert due_with_token(notice, at(90)) == notice


def test_one_that_is_sent_again_has_three_days_anew_and_what_is_known_of_it_stays() -> None:
    dead = told(tried_notice(20), NoNews("lost"), at(DAYS_3))
    assert dead.state is NoticeState.DEAD

    again = sent_again(dead, at(DAYS_3 + 5))

    assert (again.state, again.call.due_at) == (NoticeState.OWED, at(DAYS_3 + 5))
    assert (again.call.key, again.call.tries, again.call.doubts) == ("key", 0, 20)
    lost = told(
        replace(again, call=tried(again.call, at(DAYS_3 + 5), lease_s=60)),
        NoNews("lost"),
        at(DAYS_3 * 2),
    )
    assert lost.state is NoticeState.OWED


def test_what_needs_most_care_says_how_the_order_service_stands_with_a_payment() -> None:
    waits, is_told = owe("PAID", "key", at(0)), told(tried_notice(), OrderTold(), at(1))
    dead = told(tried_notice(20), NoNews("lost"), at(DAYS_3))

    assert state_of_all([is_told, waits, dead]) == "dead"
    assert state_of_all([is_told, waits]) == "pending"
    assert state_of_all([is_told, overtaken(tried_notice()), overtaken(waits)]) == "delivered"
    assert state_of_all([overtaken(waits)]) is None
    assert [wire_state(n) for n in (waits, is_told, dead, overtaken(waits))] == [
        "pending",
        "delivered",
        "dead",
        "superseded",
    ]


def test_after_three_days_and_twenty_tries_a_person_must_look() -> None:
    too_early = told(tried_notice(20), NoNews("lost"), at(DAYS_3 - 0.001))
    too_seldom = told(tried_notice(19), NoNews("lost"), at(DAYS_3))
    dead = told(tried_notice(20), NoNews("lost"), at(DAYS_3))

    assert (too_early.state, too_seldom.state) == (NoticeState.OWED, NoticeState.OWED)
    assert (dead.state, dead.failure) == (NoticeState.DEAD, "lost")


def dying(payment: Payment) -> Payment:
    """Return the payment after the last try of its first notice."""
    first = replace(payment.notices[0], call=tried_notice(19).call)
    first = replace(first, call=replace(first.call, key=payment.notices[0].call.key))
    payment = replace(payment, notices=(first, *payment.notices[1:]))
    return heard(payment, OrderRefused("http_404", lasting=True), DAYS_3)


def test_a_dead_notice_wakes_nobody_and_is_in_the_time_line() -> None:
    payment = dying(paid())

    assert payment.wake_at is None
    assert corridor.next_step(payment, moment(2 * DAYS_3)) is None
    assert payment.history[-1].what == "order.dead"


def test_notices_are_told_strictly_in_order() -> None:
    payment = heard(owing_two(), OrderRefused("http_503"), 0)

    assert payment.wake_at is not None
    due_s = (payment.wake_at - at(0)).total_seconds()
    assert 0.5 <= due_s < 1
    assert corridor.next_step(payment, moment(due_s - 0.001)) is None
    payment = heard(payment, OrderTold(), due_s)

    assert corridor.next_step(payment, moment(due_s)) == TellOrders(
        "pay_1-notice-2", "ord_1", "REFUNDED", opens_order=False, before=BEFORE | {PAYMENT_RECEIVED}
    )
    payment = heard(payment, OrderTold(), due_s)
    assert payment.wake_at is None


def test_a_dead_notice_lets_the_next_one_pass() -> None:
    payment = dying(owing_two())

    step = corridor.next_step(payment, moment(DAYS_3))

    assert isinstance(step, TellOrders)
    assert step.key == "pay_1-notice-2"


def test_telling_is_claimed_and_told_again_when_the_claim_lapses() -> None:
    lease_s = Policy().notice_lease_s
    payment, step = asked(paid(), 0)

    assert corridor.next_step(payment, moment(lease_s - 0.001)) is None
    assert isinstance(step, TellOrders)
    assert corridor.next_step(payment, moment(lease_s)) == replace(step, read_back=True)


@pytest.mark.parametrize("news", [OrderTold(), NoNews("lost")])
def test_late_news_of_a_notice_that_is_told_changes_nothing(news: News) -> None:
    payment, step = asked(paid(), 0)
    done = corridor.decide(payment, step, OrderTold(), moment(1))

    assert corridor.decide(done, step, news, moment(40)) == done


def test_a_notice_that_is_overtaken_under_way_is_not_told_again() -> None:
    """It may arrive, and so the next one waits until it has had its time; then it is dropped."""
    under_way = overtaken(tried_notice())
    paid_anew = owe("PAID", "pay_1-notice-2", at(1), Occasion.PAID)
    payment = replace(paid(), notices=(under_way, paid_anew))

    assert (under_way.state, under_way.is_overtaken) == (NoticeState.OWED, True)
    assert told(under_way, NoNews("timeout"), at(5)).state is NoticeState.DROPPED
    assert told(under_way, OrderTold(), at(5)).state is NoticeState.TOLD
    assert payment.wake_at == at(30)
    assert corridor.next_step(payment, moment(29)) is None
    step = corridor.next_step(payment, moment(30))
    assert isinstance(step, TellOrders)
    assert (step.key, step.status) == ("pay_1-notice-2", "PAID")
    assert corridor.asking(payment, step, moment(30)).notices[0].state is NoticeState.DROPPED


def test_a_notice_that_is_overtaken_before_it_left_is_dropped_and_one_that_was_told_stays() -> None:
    waiting, is_told = owe("CANCELED", "key", at(0)), told(tried_notice(), OrderTold(), at(1))

    assert overtaken(waiting).state is NoticeState.DROPPED
    assert overtaken(is_told) == is_told


def test_an_overtaken_notice_alone_wakes_nobody() -> None:
    payment = replace(paid(), notices=(overtaken(tried_notice()),))

    assert payment.wake_at is None
