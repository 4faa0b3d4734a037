"""What a notice tells of: what comes before and after it, and when it stops being true."""

from dataclasses import replace
from typing import Any

import pytest

from payment_service.domain import corridor
from payment_service.domain.call import asked
from payment_service.domain.moment import Policy
from payment_service.domain.news import NoNews, OrderTold, RefundSeen
from payment_service.domain.notice import (
    Notice,
    NoticeState,
    Occasion,
    occasion_of,
    overtaken,
    owe,
    told,
)
from payment_service.domain.payment import Payment
from payment_service.domain.steps import TellOrders
from payment_service.domain.wishes import begin_refund
from tests.domain.papers import at, heard, moment, paid, seen_refund

WANTS: dict[str, Any] = {
    "order_status_canceled": "CANCELED",
    "order_status_refunded": "REFUNDED",
    "order_status_refund_failed": "REFUND FAILED",
}


def telling(payment: Payment, seconds: float = 3600, /, **policy: Any) -> TellOrders:
    """Return the update that is sent next."""
    step = corridor.next_step(payment, moment(seconds, **policy))
    assert isinstance(step, TellOrders)
    return step


# ---------------------------------------------------------------- what it tells of


def test_that_an_order_is_paid_opens_it_whatever_else_is_called_so() -> None:
    policy: dict[str, Any] = {
        "order_status_refunded": "REFUNDED",
        "order_status_refund_failed": "PAYMENT RECEIVED",
    }
    payment = heard(paid(), NoNews("timeout"), 0)
    assert telling(payment, **policy).opens_order

    told = replace(heard(payment, OrderTold(), 100), refunds_look_at=None)
    begun = begin_refund(told, "ref_1", None, None, moment(200))
    given = seen_refund("succeeded", amount_minor=10_000)
    refunded = heard(begun, RefundSeen(given), 200, **policy)

    step = telling(refunded, 200, **policy)
    assert (step.status, step.opens_order) == ("REFUNDED", False)


def test_what_a_refund_failed_says_does_not_open_the_order_though_it_is_called_paid() -> None:
    policy: dict[str, Any] = {"order_status_refund_failed": "PAYMENT RECEIVED"}
    failed = owe("PAYMENT RECEIVED", "key", at(0), Occasion.REFUND_FAILED)

    assert not telling(replace(paid(), notices=(failed,)), **policy).opens_order


@pytest.mark.parametrize(
    ("word", "occasion"),
    [
        ("PAYMENT RECEIVED", Occasion.PAID),
        ("CANCELED", Occasion.CANCELED),
        ("REFUNDED", Occasion.REFUNDED),
        ("REFUND FAILED", Occasion.REFUND_FAILED),
        ("a word of other settings", None),
    ],
)
def test_what_a_notice_of_an_earlier_release_tells_of_is_known_by_its_word(
    word: str, occasion: Occasion | None
) -> None:
    assert occasion_of(owe(word, "key", at(0)), Policy(**WANTS)) is occasion


def test_what_a_notice_tells_of_stays_known_when_the_settings_change() -> None:
    notice: Notice = owe("VOIDED", "key", at(0), Occasion.CANCELED)

    assert occasion_of(notice, Policy(order_status_refunded="VOIDED")) is Occasion.CANCELED


# ---------------------------------------------------------------- what comes before it


def canceled_and_paid_anew(canceled: Notice) -> Payment:
    """Return a payment whose order was canceled before, after a try to tell that it is paid now."""
    payment = paid()
    paid_now = replace(payment.notices[0], call=replace(payment.notices[0].call, key="key-2"))
    return heard(replace(payment, notices=(canceled, paid_now)), NoNews("timeout"), 0)


@pytest.mark.parametrize(
    ("shown", "is_told"),
    [
        ("ORDER PLACED", False),
        ("Canceled", False),
        ("PAYMENT RECEIVED", True),
        ("OUT FOR DELIVERY", True),
    ],
)
def test_a_cancellation_that_was_told_comes_before_that_the_order_is_paid(
    shown: str, *, is_told: bool
) -> None:
    canceled = overtaken(told(tried("CANCELED"), OrderTold(), at(1)))

    assert telling(canceled_and_paid_anew(canceled)).is_shown_by(shown) is is_told


def test_so_does_one_that_may_have_arrived_and_one_that_never_left_does_not() -> None:
    in_doubt = told(overtaken(tried("CANCELED")), NoNews("timeout"), at(1))
    unsent = overtaken(owe("CANCELED", "key-1", at(0), Occasion.CANCELED))

    assert in_doubt.state is unsent.state is NoticeState.DROPPED
    assert not telling(canceled_and_paid_anew(in_doubt)).is_shown_by("CANCELED")
    assert telling(canceled_and_paid_anew(unsent)).is_shown_by("CANCELED")


def tried(status: str) -> Notice:
    """Return a notice under its first try."""
    notice = owe(status, "key-1", at(0), Occasion.CANCELED)
    return replace(notice, call=asked(notice.call, at(0), lease_s=60))


def test_the_statuses_before_payment_are_as_the_operator_says() -> None:
    step = telling(heard(paid(), NoNews("timeout"), 0), order_statuses_before_payment={"NEW"})

    assert [step.is_shown_by(shown) for shown in ("New", "ORDER PLACED")] == [False, True]
