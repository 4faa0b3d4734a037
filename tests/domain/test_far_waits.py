"""A time that only a wrong clock could write is not waited for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from payment_service.domain.call import BACKOFF_MAX_S, KEY_HELD_S, Call, begin_call
from payment_service.domain.cursor import Cursor
from payment_service.domain.customer import Customer, new_customer
from payment_service.domain.event import taken
from payment_service.domain.far_waits import (
    MARGIN_S,
    READ_AGAIN,
    WRONG_CLOCK,
    cursor_in_time,
    customer_in_time,
    event_in_time,
    payment_in_time,
)
from payment_service.domain.payment import Payment
from payment_service.domain.wishes import begin_refund
from tests.domain.papers import (
    at,
    call_of,
    held,
    in_doubt,
    moment,
    opened,
    paid,
    waiting,
    with_email,
)
from tests.domain.test_event import told

HOURS_25_S = 25 * 3600.0
FAR = at(HOURS_25_S)


def with_call(payment: Payment, call: Call) -> Payment:
    assert payment.attempt is not None
    return replace(payment, attempt=replace(payment.attempt, call=call))


def test_what_waits_as_long_as_a_rule_lets_it_is_left_alone() -> None:
    doubtful = in_doubt(opened())
    begun = begin_refund(paid(), "rfd_1", 100, None, moment())

    for payment in (doubtful, begun, paid(), waiting(), held()):
        assert payment_in_time(payment, moment()) is payment


@pytest.mark.parametrize("further_s", [-1.0, 1.0])
def test_a_call_waits_no_longer_than_the_longest_back_off(further_s: float) -> None:
    waits_s = BACKOFF_MAX_S + MARGIN_S + further_s
    payment = in_doubt(opened())
    payment = with_call(payment, replace(call_of(payment), due_at=at(waits_s), in_flight=False))

    after = payment_in_time(payment, moment())

    assert call_of(after).due_at == (at(0) if further_s > 0 else at(waits_s))


def test_a_claim_of_a_clock_ahead_is_given_up_and_its_key_is_only_looked_for() -> None:
    """How old the key is nobody knows, so asking again under it could charge twice."""
    doubtful = in_doubt(opened())
    ahead = replace(
        call_of(doubtful), begun_at=FAR, asked_at=FAR, due_at=at(HOURS_25_S + 30), in_flight=True
    )

    call = call_of(payment_in_time(with_call(doubtful, ahead), moment()))

    assert (call.due_at, call.in_flight, call.doubts) == (at(0), False, ahead.doubts)
    assert (call.begun_at, call.asked_at) == (at(-KEY_HELD_S), at(0))
    assert call.dead_end == WRONG_CLOCK


def test_refunds_and_notices_wait_no_longer_either() -> None:
    begun = begin_refund(paid(), "rfd_1", 100, None, moment())
    call = replace(begin_call("key", at(0)), due_at=FAR)
    late = replace(
        begun,
        refunds=tuple(replace(refund, call=call) for refund in begun.refunds),
        notices=tuple(replace(notice, call=call) for notice in begun.notices),
    )

    after = payment_in_time(late, moment())

    assert late.notices
    assert [refund.call for refund in after.refunds] == [replace(call, due_at=at(0))]
    assert [notice.call.due_at for notice in after.notices] == [at(0)] * len(late.notices)


def test_a_refund_that_is_done_has_nothing_to_wait_for() -> None:
    begun = begin_refund(paid(), "rfd_1", 100, None, moment())
    done = replace(begun, refunds=tuple(replace(r, call=None) for r in begun.refunds))

    assert payment_in_time(done, moment()) is done


@pytest.mark.parametrize(
    ("payment", "looks_s"),
    [(waiting(), 600.0), (held(), 6 * 3600.0)],
)
def test_a_look_waits_no_longer_than_looks_do(payment: Payment, looks_s: float) -> None:
    rightly = replace(payment, look_at=at(looks_s + MARGIN_S))
    too_long = replace(payment, look_at=at(looks_s + MARGIN_S + 1))

    assert payment_in_time(rightly, moment()) is rightly
    assert payment_in_time(too_long, moment()).look_at == at(0)


def test_looks_at_disputes_and_refunds_wait_no_longer_than_theirs() -> None:
    days_30_s = 30 * 86_400.0
    late = replace(
        paid(), disputes_look_at=at(7 * 3600.0), refunds_look_at=at(days_30_s + HOURS_25_S)
    )
    rightly = replace(paid(), disputes_look_at=at(6 * 3600.0), refunds_look_at=at(days_30_s))

    after = payment_in_time(late, moment())

    assert (after.disputes_look_at, after.refunds_look_at) == (at(0), at(0))
    assert payment_in_time(rightly, moment()) is rightly
    without = payment_in_time(replace(rightly, disputes_look_at=None), moment(refund_looks_s=()))
    assert without.refunds_look_at == at(0)


def customer(**changed: object) -> Customer:
    made = with_email(new_customer("ann@example.com", "Ann", "cust_1", at(0)))
    return replace(made, **changed)  # type: ignore[arg-type]  # fields of a customer


def test_a_customer_waits_no_longer_than_its_call_or_its_looks_do() -> None:
    far_call = replace(begin_call("key", at(0)), due_at=FAR)

    assert customer_in_time(customer(), moment()) == customer()
    assert customer_in_time(customer(call=far_call), moment()).wake_at == at(0)
    assert customer_in_time(customer(look_at=FAR), moment()).wake_at == at(0)
    rightly = customer(look_at=at(600))
    assert customer_in_time(rightly, moment()) is rightly


def test_an_event_waits_no_longer_than_half_an_hour() -> None:
    event = taken(told(), moment())
    rightly = replace(event, due_at=at(1800))

    assert event_in_time(rightly, moment()) is rightly
    assert event_in_time(replace(event, due_at=FAR), moment()).due_at == at(0)
    ended = replace(event, due_at=None)
    assert event_in_time(ended, moment()) is ended


def test_a_cursor_that_has_read_what_has_not_happened_reads_days_again() -> None:
    rightly = Cursor("events", 3, read_until=at(0), due_at=at(60))
    late = replace(rightly, due_at=FAR)
    ahead = replace(rightly, read_until=FAR)

    assert cursor_in_time(rightly, moment()) is rightly
    assert cursor_in_time(late, moment()) == replace(late, due_at=at(0))
    assert cursor_in_time(ahead, moment()) == replace(
        ahead, read_until=at(0) - READ_AGAIN, due_at=at(0)
    )
    assert timedelta(days=3) == READ_AGAIN
