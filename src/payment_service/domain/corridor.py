"""How a payment goes on: what to ask next, what to write before asking, what the answer means.

    next_step(payment) -> what is to be asked of the outside now, if anything
    asking(payment, step) -> the document as it must be written before the call
    decide(payment, step, news) -> the document after the call, whatever was heard

What an answer means for the attempt is in `corridor_attempts.py`. Refunds and notices of the
payment go the same way, in `corridor_refunds.py`; its disputes in `corridor_disputes.py`.
"""

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from payment_service.domain import call as calls
from payment_service.domain import corridor_attempts as attempts
from payment_service.domain import corridor_disputes as disputed
from payment_service.domain import corridor_refunds as owed
from payment_service.domain.call import Move
from payment_service.domain.moment import Moment
from payment_service.domain.news import News
from payment_service.domain.payment import Attempt, Operation, Payment
from payment_service.domain.steps import (
    CancelIntent,
    CaptureIntent,
    ConfirmIntent,
    CreateIntent,
    CreateRefund,
    FindDisputes,
    FindIntent,
    FindRefunds,
    PaymentStep,
    ReadIntent,
    TellOrders,
)
from payment_service.domain.watching import ABANDONED


def next_step(payment: Payment, moment: Moment) -> PaymentStep | None:
    """Say what is to be asked of the outside now, or None when nothing is due."""
    attempt = payment.attempt
    if attempt is not None and attempt.call.due_at <= moment.now:
        return _attempt_step(payment, attempt, moment)
    step = owed.next_step(payment, moment) or disputed.next_step(payment, moment)
    if step is None and attempt is None and payment.look_at and payment.look_at <= moment.now:
        assert payment.intent_id is not None
        step = ReadIntent(payment.id, payment.intent_id)
    return step


def _attempt_step(payment: Payment, attempt: Attempt, moment: Moment) -> PaymentStep:
    ask_for_s = attempts.ask_for_s(payment, attempt, moment)
    if calls.next_move(attempt.call, moment.now, ask_for_s=ask_for_s) is Move.LOOK:
        return _look_step(payment, attempt)
    if attempt.operation is Operation.CREATE:
        return _create_step(payment, attempt)
    assert payment.intent_id is not None
    key, number = attempt.call.key, attempt.call.tries + 1
    match attempt.operation:
        case Operation.CONFIRM:
            assert attempt.payment_method_id is not None
            return ConfirmIntent(
                key=key,
                order_id=payment.id,
                intent_id=payment.intent_id,
                payment_method_id=attempt.payment_method_id,
                return_url=payment.terms.return_url,
                attempt=number,
                off_session=payment.terms.off_session,
            )
        case Operation.CAPTURE:
            return CaptureIntent(key, payment.id, payment.intent_id, attempt.amount_minor, number)
        case Operation.CANCEL:
            reason = attempt.reason or ABANDONED
            return CancelIntent(key, payment.id, payment.intent_id, reason, number)
        case _:  # pragma: no cover - the union is closed
            assert_never(attempt.operation)


def _create_step(payment: Payment, attempt: Attempt) -> CreateIntent:
    terms = payment.terms
    return CreateIntent(
        key=attempt.call.key,
        order_id=payment.id,
        amount_minor=terms.amount_minor,
        currency=terms.currency,
        confirm=terms.confirm and attempt.payment_method_id is not None,
        customer_id=terms.customer_id,
        payment_method_id=attempt.payment_method_id,
        capture_method=terms.capture_method,
        return_url=terms.return_url,
        description=terms.description,
        metadata=terms.metadata,
        request_id=attempt.request_id,
        attempt=attempt.call.tries + 1,
        off_session=terms.off_session,
    )


def _look_step(payment: Payment, attempt: Attempt) -> PaymentStep:
    if payment.intent_id is not None:
        return ReadIntent(payment.id, payment.intent_id, key=attempt.call.key)
    return FindIntent(
        key=attempt.call.key,
        order_id=payment.id,
        customer_id=payment.terms.customer_id,
        since=attempt.call.begun_at,
        until=attempt.call.asked_at or attempt.call.begun_at,
    )


def asking(payment: Payment, step: PaymentStep, moment: Moment) -> Payment:
    """Return the document to write before the step leaves: claimed, and in doubt if it has effect.

    A crash after this write and a lost answer are the same knowledge, so they are the same state.
    """
    now, lease_s = moment.now, moment.policy.lease_s
    match step:
        case CreateIntent() | ConfirmIntent() | CaptureIntent() | CancelIntent():
            assert payment.attempt is not None
            call = calls.asked(payment.attempt.call, now, lease_s=lease_s)
            return attempts.with_call(payment, payment.attempt, call)
        case ReadIntent() | FindIntent():
            if payment.attempt is None:
                return replace(payment, look_at=now + timedelta(seconds=lease_s))
            call = calls.looking(payment.attempt.call, now, lease_s=lease_s)
            return attempts.with_call(payment, payment.attempt, call)
        case FindDisputes():
            return disputed.asking(payment, moment)
        case CreateRefund() | FindRefunds() | TellOrders():
            return owed.asking(payment, step, moment)
        case _:  # pragma: no cover - the union is closed
            assert_never(step)


def orphaned(payment: Payment, moment: Moment) -> Payment:
    """Return the payment with every claim given up: their owner is known to be dead."""
    attempt = payment.attempt
    if attempt is not None:
        call = calls.orphaned(attempt.call, moment.now)
        payment = attempts.with_call(payment, attempt, call)
    return owed.orphaned(payment, moment)


def decide(payment: Payment, step: PaymentStep, news: News, moment: Moment) -> Payment:
    """Return the document after the news. Heard twice, or late, news changes nothing."""
    match step:
        case CreateIntent() | ConfirmIntent() | CaptureIntent() | CancelIntent():
            return attempts.after_ask(payment, step, news, moment)
        case ReadIntent() | FindIntent():
            return attempts.after_look(payment, step, news, moment)
        case FindDisputes():
            return disputed.decide(payment, news, moment)
        case CreateRefund() | FindRefunds() | TellOrders():
            return owed.decide(payment, step, news, moment)
        case _:  # pragma: no cover - the union is closed
            assert_never(step)
