"""How a payment goes on: what to ask next, what to write before asking, what the answer means.

    next_step(payment) -> what is to be asked of the outside now, if anything
    asking(payment, step) -> the document as it must be written before the call
    decide(payment, step, news) -> the document after the call, whatever was heard

Refunds and notices of the payment go the same way, in `corridor_refunds.py`.
"""

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from payment_service.domain import call as calls
from payment_service.domain import corridor_refunds as owed
from payment_service.domain import outcome
from payment_service.domain.call import Call, Move
from payment_service.domain.moment import Moment
from payment_service.domain.payment import (
    FINAL,
    OPEN,
    Attempt,
    FailureKind,
    Operation,
    Payment,
    State,
    noted,
)
from payment_service.domain.steps import (
    CancelIntent,
    ConfirmIntent,
    CreateIntent,
    CreateRefund,
    Declined,
    Denial,
    FindIntent,
    FindRefunds,
    Intent,
    IntentSeen,
    News,
    NoNews,
    NotExecuted,
    NothingFound,
    PaymentStep,
    ReadIntent,
    Rejected,
    TellOrders,
)

# A cancellation has no payer waiting for a charge: it may be asked for as long as its key holds.
CANCEL_FOR_S = float(calls.KEY_HELD_S)

AskedStep = CreateIntent | ConfirmIntent | CancelIntent


def next_step(payment: Payment, moment: Moment) -> PaymentStep | None:
    """Say what is to be asked of the outside now, or None when nothing is due."""
    attempt = payment.attempt
    if attempt is not None and attempt.call.due_at <= moment.now:
        return _attempt_step(payment, attempt, moment)
    step = owed.next_step(payment, moment)
    if step is None and attempt is None and payment.look_at and payment.look_at <= moment.now:
        assert payment.intent_id is not None
        step = ReadIntent(payment.id, payment.intent_id)
    return step


def _attempt_step(payment: Payment, attempt: Attempt, moment: Moment) -> PaymentStep:
    ask_for_s = _ask_for_s(attempt, moment)
    if calls.next_move(attempt.call, moment.now, ask_for_s=ask_for_s) is Move.LOOK:
        return _look_step(payment, attempt)
    match attempt.operation:
        case Operation.CREATE:
            return _create_step(payment, attempt)
        case Operation.CONFIRM:
            assert payment.intent_id is not None
            assert attempt.payment_method_id is not None
            return ConfirmIntent(
                key=attempt.call.key,
                order_id=payment.id,
                intent_id=payment.intent_id,
                payment_method_id=attempt.payment_method_id,
                return_url=payment.terms.return_url,
                attempt=attempt.call.tries + 1,
            )
        case Operation.CANCEL:
            assert payment.intent_id is not None
            return CancelIntent(
                key=attempt.call.key,
                order_id=payment.id,
                intent_id=payment.intent_id,
                reason="abandoned",
                attempt=attempt.call.tries + 1,
            )
        case _:  # pragma: no cover - the union is closed
            assert_never(attempt.operation)


def _ask_for_s(attempt: Attempt, moment: Moment) -> float:
    if attempt.operation is Operation.CANCEL:
        return CANCEL_FOR_S
    return moment.policy.payer_expects_charge_s


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
        case CreateIntent() | ConfirmIntent() | CancelIntent():
            assert payment.attempt is not None
            call = calls.asked(payment.attempt.call, now, lease_s=lease_s)
            return _with_call(payment, payment.attempt, call)
        case ReadIntent() | FindIntent():
            if payment.attempt is None:
                return replace(payment, look_at=now + timedelta(seconds=lease_s))
            call = calls.looking(payment.attempt.call, now, lease_s=lease_s)
            return replace(payment, attempt=replace(payment.attempt, call=call))
        case CreateRefund() | FindRefunds() | TellOrders():
            return owed.asking(payment, step, moment)
        case _:  # pragma: no cover - the union is closed
            assert_never(step)


def orphaned(payment: Payment, moment: Moment) -> Payment:
    """Return the payment with every claim given up: their owner is known to be dead."""
    attempt = payment.attempt
    if attempt is not None:
        call = calls.orphaned(attempt.call, moment.now)
        payment = _with_call(payment, attempt, call)
    return owed.orphaned(payment, moment)


def decide(payment: Payment, step: PaymentStep, news: News, moment: Moment) -> Payment:
    """Return the document after the news. Heard twice, or late, news changes nothing."""
    match step:
        case CreateIntent() | ConfirmIntent() | CancelIntent():
            return _after_ask(payment, step, news, moment)
        case ReadIntent() | FindIntent():
            return _after_look(payment, step, news, moment)
        case CreateRefund() | FindRefunds() | TellOrders():
            return owed.decide(payment, step, news, moment)
        case _:  # pragma: no cover - the union is closed
            assert_never(step)


def _after_ask(payment: Payment, step: AskedStep, news: News, moment: Moment) -> Payment:
    attempt = payment.attempt
    if attempt is None or attempt.call.key != step.key:  # another door was faster
        return _late(payment, step, news, moment)
    match news:
        case IntentSeen(intent=intent, replayed=True) if intent.status not in FINAL:
            return _in_doubt(outcome.adopted(payment, intent), attempt, NoNews("replayed"), moment)
        case IntentSeen(intent=intent):
            return outcome.settled(payment, intent, moment, news.request_id)
        case Declined():
            return _declined(payment, attempt, news, moment)
        case Rejected():
            return _rejected(payment, attempt, news, moment)
        case NotExecuted():
            return _not_executed(payment, attempt, news, moment)
        case _:
            return _in_doubt(payment, attempt, _as_doubt(news), moment)


def _after_look(
    payment: Payment, step: ReadIntent | FindIntent, news: News, moment: Moment
) -> Payment:
    attempt = payment.attempt
    if attempt is None:
        if isinstance(news, IntentSeen):
            seen = outcome.settled(payment, news.intent, moment, news.request_id)
            return _cancelled_if_left_alone(seen, moment)
        if payment.look_at is None:  # another door has left nothing to be looked at
            return payment
        return outcome.look_later(payment, moment)
    if step.key != attempt.call.key:  # an old look must not settle a new attempt
        return payment
    match news:
        case IntentSeen(intent=intent) if payment.intent_id in {None, intent.id}:
            return _found(payment, attempt, intent, moment, news.request_id)
        case NothingFound() if payment.intent_id is None or isinstance(step, ReadIntent):
            return _found_nothing(payment, attempt, moment)
        case _:  # also a list without what another door has found meanwhile
            return _with_call(payment, attempt, calls.look_failed(attempt.call, moment.now))


def _cancelled_if_left_alone(payment: Payment, moment: Moment) -> Payment:
    """A look has just shown that the payer still does nothing: begin to cancel after a while."""
    waits = payment.status is State.REQUIRES_ACTION
    policy = moment.policy
    limit_s = policy.action_expires_s if waits else policy.payment_expires_s
    if not (waits or payment.status in OPEN) or moment.now - payment.entered_at < timedelta(
        seconds=limit_s
    ):
        return payment
    number = payment.attempts_made + 1
    attempt = Attempt(
        operation=Operation.CANCEL,
        call=calls.begin_call(f"{payment.uid}-{number}-{Operation.CANCEL}", moment.now),
        payment_method_id=None,
        request_id="expiry",
        charge_before=payment.charge_id,
    )
    begun = replace(payment, attempt=attempt, attempts_made=number)
    return noted(begun, "cancel.begun", moment)


def _found(
    payment: Payment, attempt: Attempt, intent: Intent, moment: Moment, request_id: str | None
) -> Payment:
    """A look shows the PaymentIntent while an attempt is in doubt: say if the attempt did that."""
    payment = outcome.adopted(payment, intent)
    unmoved = intent.status in OPEN
    if attempt.operation is Operation.CANCEL:
        unmoved = intent.status not in FINAL
    elif attempt.operation is Operation.CREATE:
        unmoved = unmoved and intent.last_error is None and payment.terms.confirm
    else:
        unmoved = unmoved and intent.charge_id == attempt.charge_before
    if not unmoved:
        return outcome.settled(payment, intent, moment, request_id)
    if attempt.operation is Operation.CREATE:
        if attempt.payment_method_id is None:
            return outcome.settled(payment, intent, moment, request_id)
        return _go_on(payment, attempt, Operation.CONFIRM, moment)
    return _found_nothing(payment, attempt, moment)


def _found_nothing(payment: Payment, attempt: Attempt, moment: Moment) -> Payment:
    call = calls.found_nothing(attempt.call, moment.now)
    may_ask = calls.may_ask(call, moment.now, ask_for_s=_ask_for_s(attempt, moment))
    if payment.intent_id is not None and not may_ask:
        # The PaymentIntent itself lets no second success through, so a new key is safe here.
        fresh = _fresh(attempt, moment)
        return _go_on(payment, attempt, attempt.operation if fresh else Operation.CANCEL, moment)
    if calls.is_over(call, moment.now, ask_for_s=_ask_for_s(attempt, moment)):
        why = call.dead_end or "abandoned"
        message = "Stripe shows no such payment; nothing was charged."
        failure = outcome.failure_of(FailureKind.ABANDONED, Denial(why, message), attempt)
        ended = replace(payment, attempt=None, failure=failure, cancellation_reason=why)
        return outcome.entered(ended, State.CANCELED, moment)
    return _with_call(payment, attempt, call)


def _fresh(attempt: Attempt, moment: Moment) -> bool:
    age = moment.now - attempt.call.begun_at
    return age < timedelta(seconds=_ask_for_s(attempt, moment))


def _go_on(payment: Payment, attempt: Attempt, operation: Operation, moment: Moment) -> Payment:
    """Go on with the PaymentIntent that is there, under a key of its own.

    The time the payer expects the charge runs on; a payment past it is cancelled, not charged.
    """
    begun_at = waiting_since = attempt.call.begun_at
    if operation is Operation.CONFIRM and not _fresh(attempt, moment):
        operation = Operation.CANCEL
    if operation is Operation.CANCEL:
        begun_at, waiting_since = moment.now, payment.entered_at
    number = payment.attempts_made + 1
    call = calls.begin_call(f"{payment.uid}-{number}-{operation}", moment.now)
    # The back-off grows from key to key, or an error saved under each would be asked for for ever.
    looks = attempt.call.looks + payment.attempts_made - 1
    rounds = replace(attempt.call, begun_at=waiting_since, looks=looks)
    wait_s = calls.backoff_s(rounds, moment.now)
    call = replace(call, begun_at=begun_at, due_at=moment.now + timedelta(seconds=wait_s))
    attempt = replace(attempt, operation=operation, call=call, charge_before=payment.charge_id)
    payment = replace(payment, attempt=attempt, attempts_made=number)
    return noted(payment, f"{operation}.begun", moment)


def _declined(payment: Payment, attempt: Attempt, news: Declined, moment: Moment) -> Payment:
    if news.intent is not None:
        if _moved_on(payment, news.intent, is_old=news.replayed):
            return outcome.settled(payment, news.intent, moment, news.request_id)
        payment = replace(outcome.adopted(payment, news.intent), charge_id=news.intent.charge_id)
    failure = outcome.failure_of(FailureKind.DECLINED, news.error, attempt)
    ended = replace(payment, attempt=None, failure=failure)
    ended = outcome.entered(
        ended, State.REQUIRES_PAYMENT_METHOD, moment, news.request_id, "declined"
    )
    if news.replayed:  # the answer is old: let a look show what came after it
        ended = replace(ended, look_at=moment.now if ended.intent_id else None)
    return ended


def _rejected(payment: Payment, attempt: Attempt, news: Rejected, moment: Moment) -> Payment:
    if news.intent is not None:
        payment = outcome.adopted(payment, news.intent)
        if _moved_on(payment, news.intent, is_old=attempt.call.doubts > 1):
            return outcome.settled(payment, news.intent, moment, news.request_id)
    if attempt.call.doubts > 1:  # a refusal proves nothing about an earlier try
        call = calls.was_not_executed(attempt.call, moment.now)
        call = replace(call, due_at=moment.now, dead_end=news.error.code)
        return _with_call(payment, attempt, call)
    return outcome.ended(
        payment, outcome.failure_of(FailureKind.REJECTED, news.error, attempt), moment, news
    )


def _moved_on(payment: Payment, intent: Intent, *, is_old: bool) -> bool:
    """Whether a refusal shows the PaymentIntent on its way elsewhere: then that is the news.

    is_old: the refusal may be a stored one, whose PaymentIntent says only what is final.
    """
    if payment.intent_id not in {None, intent.id}:
        return False
    return intent.status in FINAL or (
        not is_old and intent.status not in OPEN and intent.status != payment.status
    )


def _not_executed(payment: Payment, attempt: Attempt, news: NotExecuted, moment: Moment) -> Payment:
    call = calls.was_not_executed(attempt.call, moment.now, retry_after_s=news.retry_after_s)
    tired = call.tries >= calls.NOT_EXECUTED_TRIES_MAX or not news.retryable
    if call.doubts == 0 and tired and attempt.operation is not Operation.CANCEL:
        error = Denial(news.reason, "Stripe could not take the request; nothing was charged.")
        return outcome.ended(
            payment, outcome.failure_of(FailureKind.UNAVAILABLE, error, attempt), moment, news
        )
    return _with_call(payment, attempt, call)


def _in_doubt(payment: Payment, attempt: Attempt, news: NoNews, moment: Moment) -> Payment:
    call = calls.heard_nothing(attempt.call, moment.now, dead_end=news.dead_end)
    return _with_call(payment, attempt, call)


def _as_doubt(news: News) -> NoNews:
    return news if isinstance(news, NoNews) else NoNews("unexpected answer")


def _late(payment: Payment, step: AskedStep, news: News, moment: Moment) -> Payment:
    """News for an attempt that is over: what is at Stripe counts, whatever we had concluded."""
    if not isinstance(news, IntentSeen) or news.intent.status not in FINAL:
        return payment
    if payment.attempt is None:
        payment = _given_up_wrongly(payment, step, moment)
        payment = outcome.settled(payment, news.intent, moment, news.request_id)
    if news.intent.status != State.SUCCEEDED or payment.status is State.SUCCEEDED:
        return payment
    if payment.intent_id == news.intent.id and payment.attempt is not None:
        return payment  # the attempt under way will find it
    # Money of an attempt that this order has left behind: a person must look.
    return noted(payment, "payment.contradicted", moment, news.request_id)


def _given_up_wrongly(payment: Payment, step: AskedStep, moment: Moment) -> Payment:
    """Open again what was given up as never begun: that was a conclusion, and this is the truth.

    It takes a clock that jumped, or an owner that was stopped for long, to get here.
    """
    newest = step.key == f"{payment.uid}-{payment.attempts_made}-{Operation.CREATE}"
    if payment.status is not State.CANCELED or payment.intent_id is not None or not newest:
        return payment
    reopened = replace(payment, status=State.REQUIRES_PAYMENT_METHOD, cancellation_reason=None)
    return noted(reopened, "payment.given_up_wrongly", moment)


def _with_call(payment: Payment, attempt: Attempt, call: Call) -> Payment:
    return replace(payment, attempt=replace(attempt, call=call))
