"""However often something was tried in vain, the wait for the next try has a bound, and is known.

An outage of days makes thousands of looks: a power of two without a cap is then no number any more.
"""

from dataclasses import replace

import pytest

from payment_service.domain import cursor as cursors
from payment_service.domain import event as events
from payment_service.domain import notice as notices
from payment_service.domain import outcome
from payment_service.domain.call import BACKOFF_MAX_S, Call, backoff_s, begin_call
from payment_service.domain.event import Event
from payment_service.domain.following import LOOK_MAX_S as CUSTOMER_LOOK_MAX_S
from payment_service.domain.following import looked_in_vain
from payment_service.domain.news import NoNews
from tests.domain.papers import T0, at, moment, waiting
from tests.domain.test_customer import customer
from tests.domain.test_event import told

VAIN = 5_000
DAY_S = 86_400.0


@pytest.mark.parametrize(
    "call",
    [
        replace(begin_call("key", T0), tries=VAIN),
        replace(begin_call("key", T0), looks=VAIN),
        replace(begin_call("key", T0), unanswered=VAIN),
    ],
    ids=["tries", "looks", "unanswered"],
)
def test_a_call_waits_no_longer_than_the_longest_back_off(call: Call) -> None:
    assert BACKOFF_MAX_S / 2 <= backoff_s(call, at(DAY_S)) <= BACKOFF_MAX_S


def test_a_notice_waits_no_longer_than_its_longest_wait() -> None:
    notice = notices.owe("PAYMENT RECEIVED", "key", at(DAY_S))
    notice = replace(notice, call=replace(notice.call, tries=VAIN))

    again = notices.told(notice, NoNews("timeout"), at(DAY_S))

    assert at(DAY_S) < again.call.due_at <= at(DAY_S + notices.RETRY_MAX_S)


def test_an_event_waits_no_longer_than_its_longest_wait() -> None:
    event: Event = replace(events.taken(told("payment_intent.succeeded"), moment()), tries=VAIN)

    later = events.put_off(event, "no answer", moment(DAY_S))

    assert later.due_at is not None
    assert at(DAY_S) < later.due_at <= at(DAY_S + events.RETRY_MAX_S)


def test_a_list_is_read_again_after_its_longest_wait_at_the_latest() -> None:
    cursor = replace(cursors.opened("events", T0), failed=VAIN)

    assert cursors.not_read(cursor, at(DAY_S)).due_at == at(DAY_S + cursors.RETRY_MAX_S)


def test_a_payment_and_a_customer_are_looked_at_after_their_longest_wait_at_the_latest() -> None:
    payment = outcome.look_later(replace(waiting(), looks=VAIN), moment(DAY_S))
    looked = looked_in_vain(replace(customer(), looks=VAIN), at(DAY_S))

    assert payment.look_at is not None
    assert looked.look_at is not None
    assert at(DAY_S) < payment.look_at <= at(DAY_S + outcome.LOOK_MAX_S)
    assert at(DAY_S) < looked.look_at <= at(DAY_S + CUSTOMER_LOOK_MAX_S)
