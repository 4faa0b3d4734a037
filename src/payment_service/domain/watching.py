"""What becomes of a payment that is left alone: cancelled after a while, or its hold kept in mind.

Decided only by a look that has just shown that nobody moved it, never by a timer alone.
"""

from dataclasses import replace
from math import inf

from payment_service.domain import claims
from payment_service.domain import hold as holds
from payment_service.domain.moment import Moment
from payment_service.domain.payment import OPEN, Operation, Payment, State, begin_attempt, noted

# Who asks for what nobody asked for, in Stripe's metadata and in the list of attempts.
EXPIRY = "expiry"
AUTO_CAPTURE = "auto_capture"
# Stripe's word for a payment that its payer has left.
ABANDONED = "abandoned"


def left_alone(payment: Payment, moment: Moment) -> Payment:
    """Return the payment with what its patience has come to, if it has come to anything.

    There is none with a payment whose order was paid late: its payer could pay a second time.
    """
    if payment.status is State.REQUIRES_CAPTURE and not payment.was_paid_late:
        return _with_hold_kept(payment, moment)
    waited_s = (moment.now - payment.entered_at).total_seconds()
    if waited_s < _patience_s(payment, moment) and not claims.has_lapsed(payment, moment):
        return payment
    failure = payment.failure
    begun = begin_attempt(payment, Operation.CANCEL, moment, request_id=EXPIRY, reason=ABANDONED)
    return replace(begun, failure=failure)


def _patience_s(payment: Payment, moment: Moment) -> float:
    """Return how long the payment may stay in its status before it is cancelled."""
    waits = payment.status is State.REQUIRES_ACTION
    if not (waits or payment.status in OPEN or payment.status is State.REQUIRES_CAPTURE):
        return inf
    if payment.was_paid_late:
        return 0
    return moment.policy.action_expires_s if waits else moment.policy.payment_expires_s


def _with_hold_kept(payment: Payment, moment: Moment) -> Payment:
    hold = payment.hold
    if hold is None or payment.attempt is not None:
        return payment
    warn_at, capture_at = holds.warn_at(hold, moment.policy), holds.capture_at(hold, moment.policy)
    if warn_at and warn_at <= moment.now:
        payment = replace(payment, hold=replace(hold, warned=True))
        payment = noted(payment, "hold.lapses_soon", moment)
    if capture_at and capture_at <= moment.now < hold.capture_before:
        return begin_attempt(payment, Operation.CAPTURE, moment, request_id=AUTO_CAPTURE)
    return payment
