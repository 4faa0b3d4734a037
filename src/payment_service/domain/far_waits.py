"""What would wait for longer than any rule lets it wait: a wrong clock wrote its time.

Times are Stripe's, but those of an older release were its machine's. Such a document is due now,
and what it says of its past is taken for as old as it may be.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from payment_service.domain import call as calls
from payment_service.domain import cursor as cursors
from payment_service.domain import event as events
from payment_service.domain import following, outcome
from payment_service.domain.call import Call
from payment_service.domain.cursor import Cursor
from payment_service.domain.customer import Customer
from payment_service.domain.dispute import OPEN_LOOK_S
from payment_service.domain.event import Event
from payment_service.domain.moment import Moment
from payment_service.domain.notice import RETRY_AFTER_MAX_S, SPREAD_PART, Notice
from payment_service.domain.payment import Payment, State

T = TypeVar("T")

# The clocks of two replicas differ by some seconds at the most, and a wait that was begun just now
# may be whole.
MARGIN_S = 60.0
# No rule lets anything but a hold, a refund or a notice wait for longer than this.
SHORTEST_S = calls.BACKOFF_MAX_S + MARGIN_S
# Why a key that a wrong clock dated may not be used again.
WRONG_CLOCK = "clock_was_wrong"
# Up to when a cursor that is ahead of Stripe's time has read nobody knows. Reading again costs
# little, for what is known already changes nothing.
READ_AGAIN = timedelta(days=3)


def payment_in_time(payment: Payment, moment: Moment) -> Payment:
    """Return the payment with nothing in it due later than it may be; itself if nothing is."""
    attempt = payment.attempt
    if attempt is not None:
        attempt = replace(attempt, call=_in_time(attempt.call, moment))
    refunds = tuple(
        replace(refund, call=_in_time(refund.call, moment)) if refund.call else refund
        for refund in payment.refunds
    )
    notices = tuple(_notice_in_time(notice, moment) for notice in payment.notices)
    held = payment.status is State.REQUIRES_CAPTURE
    after = replace(
        payment,
        attempt=attempt,
        refunds=refunds,
        notices=notices,
        look_at=_soon(
            payment.look_at, moment, outcome.LOOK_HOLD_MAX_S if held else outcome.LOOK_MAX_S
        ),
        disputes_look_at=_soon(payment.disputes_look_at, moment, OPEN_LOOK_S),
        refunds_look_at=_soon(
            payment.refunds_look_at, moment, max(moment.policy.refund_looks_s, default=0.0)
        ),
    )
    return _kept(payment, after)


def customer_in_time(customer: Customer, moment: Moment) -> Customer:
    """Return the customer with nothing due later than it may be; itself if nothing is."""
    after = replace(
        customer,
        call=_in_time(customer.call, moment) if customer.call else None,
        look_at=_soon(customer.look_at, moment, following.LOOK_MAX_S),
        email_due_at=_soon(customer.email_due_at, moment, moment.policy.lease_s),
    )
    return _kept(customer, after)


def event_in_time(event: Event, moment: Moment) -> Event:
    """Return the event, due no later than it may be."""
    return _kept(event, replace(event, due_at=_soon(event.due_at, moment, events.RETRY_MAX_S)))


def cursor_in_time(cursor: Cursor, moment: Moment) -> Cursor:
    """Return the cursor, due no later than it may be and not ahead of what has happened."""
    policy = moment.policy
    wait_s = max(cursors.RETRY_MAX_S, 2 * policy.back_fill_every_s, 2 * policy.sweep_every_s)
    due_at = _soon(cursor.due_at, moment, wait_s) or cursor.due_at
    read_until = cursor.read_until
    if _is_ahead(read_until, moment):
        due_at = moment.now
        read_until = (moment.now - READ_AGAIN).replace(microsecond=0)
    return _kept(cursor, replace(cursor, due_at=due_at, read_until=read_until))


def _in_time(call: Call, moment: Moment) -> Call:
    now = moment.now
    wait_s = max(calls.BACKOFF_MAX_S, moment.policy.lease_s)
    if call.due_at - now > timedelta(seconds=wait_s + MARGIN_S):
        call = replace(calls.orphaned(call, now), due_at=now)
    if call.asked_at is not None and _is_ahead(call.asked_at, moment):
        call = replace(call, asked_at=now, quiet_at=None)
    if _is_ahead(call.begun_at, moment):  # how old its key is nobody knows: it is only looked for
        begun_at = now - timedelta(seconds=calls.KEY_HELD_S)
        call = replace(call, begun_at=begun_at, dead_end=call.dead_end or WRONG_CLOCK)
    return call


def _notice_in_time(notice: Notice, moment: Moment) -> Notice:
    """Return the notice. It may wait for hours, but only from a time that has come."""
    now, call = moment.now, notice.call
    longest_s = max(RETRY_AFTER_MAX_S * (1 + SPREAD_PART), moment.policy.notice_lease_s)
    is_far = call.due_at - now > timedelta(seconds=longest_s + MARGIN_S)
    if is_far or _is_ahead(call.asked_at or call.begun_at, moment):
        call = replace(calls.orphaned(call, now), due_at=min(call.due_at, now))
    call = replace(
        call,
        begun_at=now if _is_ahead(call.begun_at, moment) else call.begun_at,
        asked_at=now if call.asked_at and _is_ahead(call.asked_at, moment) else call.asked_at,
    )
    return replace(notice, call=call)


def _is_ahead(at: datetime, moment: Moment) -> bool:
    return at - moment.now > timedelta(seconds=MARGIN_S)


def _soon(at: datetime | None, moment: Moment, wait_s: float) -> datetime | None:
    """Return the time, or now if it is further ahead than its rule and a lease let it be."""
    if at is None:
        return None
    latest = timedelta(seconds=max(wait_s, moment.policy.lease_s) + MARGIN_S)
    return moment.now if at - moment.now > latest else at


def _kept(before: T, after: T) -> T:
    return before if after == before else after
