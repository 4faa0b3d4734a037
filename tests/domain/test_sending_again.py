"""Which notifications a person may have sent again, and what else of the order waits for them."""

from dataclasses import replace

import pytest

from payment_service.domain import corridor
from payment_service.domain.call import asked as tried
from payment_service.domain.errors import NotificationNotRetryable
from payment_service.domain.news import IntentSeen, OrderTold
from payment_service.domain.notice import (
    Notice,
    NoticeState,
    Occasion,
    owe,
    state_of_all,
)
from payment_service.domain.payment import Payment
from payment_service.domain.sending_again import sent_again
from payment_service.domain.steps import TellOrders
from payment_service.domain.wishes import pay_again
from tests.domain.papers import at, canceled, heard, intent, moment, order, paid

FIRST, SECOND = "pay_1-notice-1", "pay_1-notice-2"


def dead(notice: Notice) -> Notice:
    """Return it as it is after its last try, which nothing came of."""
    call = tried(notice.call, at(0), lease_s=60)
    return replace(notice, call=call, state=NoticeState.DEAD, failure="http_404")


def under_way(status: str, seconds: float) -> Notice:
    notice = owe(status, SECOND, at(seconds), Occasion.REFUNDED)
    return replace(notice, call=tried(notice.call, at(seconds), lease_s=60))


def refunding() -> Payment:
    """Return a payment of which the first notice is dead and the second is being sent."""
    payment = paid()
    notices = (dead(payment.notices[0]), under_way("REFUNDED", 100))
    return replace(payment, notices=notices)


def step_at(payment: Payment, seconds: float) -> str | None:
    step = corridor.next_step(payment, moment(seconds))
    return step.key if isinstance(step, TellOrders) else None


def test_a_dead_one_is_not_sent_while_a_later_one_is_under_way_unless_that_is_said() -> None:
    payment = refunding()

    with pytest.raises(NotificationNotRetryable, match="is being sent"):
        sent_again(payment, FIRST, at(110), again=False)

    waiting = replace(payment.notices[1], call=replace(payment.notices[1].call, in_flight=False))
    payment = replace(payment, notices=(payment.notices[0], waiting))
    assert step_at(sent_again(payment, FIRST, at(110), again=False), 110) == FIRST


def test_one_that_is_sent_again_before_a_later_one_waits_until_that_is_answered() -> None:
    payment = sent_again(refunding(), FIRST, at(110), again=True)
    second = corridor.next_step(refunding(), moment(100))
    assert (payment.wake_at, step_at(payment, 110), second) == (at(160), None, None)

    told = corridor.decide(
        payment, TellOrders(SECOND, payment.id, "REFUNDED"), OrderTold(), moment(111)
    )

    assert [n.state for n in told.notices] == [NoticeState.OWED, NoticeState.TOLD]
    assert step_at(told, 111) == FIRST


def test_one_that_was_dead_is_dropped_for_good_when_its_order_is_paid_anew() -> None:
    notice = owe("CANCELED", FIRST, at(0), Occasion.CANCELED)
    ended = replace(canceled(), notices=(dead(notice),))
    assert state_of_all(ended.notices) == "dead"

    again = pay_again(ended, order(), moment(600))

    assert again is not None
    assert [n.state for n in again.notices] == [NoticeState.DROPPED]
    assert state_of_all(again.notices) is None
    for insists in (False, True):
        with pytest.raises(NotificationNotRetryable, match="not true any more"):
            sent_again(again, FIRST, at(600), again=insists)
    paid_now = heard(again, IntentSeen(intent("succeeded", id="pi_2")), 600)
    assert state_of_all(heard(paid_now, OrderTold(), 600).notices) == "delivered"


def test_one_that_is_being_sent_is_left_to_its_try() -> None:
    payment = refunding()

    assert sent_again(payment, SECOND, at(110), again=False) is payment
