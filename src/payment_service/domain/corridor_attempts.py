"""What an answer means for a payment's attempt: settled, ended, in doubt, or to be gone on with."""

from dataclasses import replace
from datetime import timedelta

from payment_service.domain import call as calls
from payment_service.domain import outcome
from payment_service.domain.call import Call
from payment_service.domain.moment import Moment
from payment_service.domain.news import (
    Declined,
    Denial,
    Intent,
    IntentSeen,
    News,
    NoNews,
    NotExecuted,
    NothingFound,
    Rejected,
)
from payment_service.domain.notice import Occasion, occasion_of, overtaken
from payment_service.domain.payment import (
    FINAL,
    OPEN,
    WITHOUT_NEWS,
    Attempt,
    FailureKind,
    Operation,
    Payment,
    State,
    attempt_over,
    begin_attempt,
    noted,
)
from payment_service.domain.steps import (
    CancelIntent,
    CaptureIntent,
    ConfirmIntent,
    CreateIntent,
    FindIntent,
    ReadIntent,
)
from payment_service.domain.watching import EXPIRY, left_alone

# A line of the time line that somebody must act on: Stripe took money that no payment shows.
CONTRADICTED = "payment.contradicted"
AskedStep = CreateIntent | ConfirmIntent | CaptureIntent | CancelIntent
LookStep = ReadIntent | FindIntent
# A cancellation or a capture has no payer waiting for a charge: it may be asked for as long as its
# key holds.
PATIENT = frozenset({Operation.CANCEL, Operation.CAPTURE})
PATIENT_FOR_S = float(calls.KEY_HELD_S)
# Where a PaymentIntent gets to by being confirmed, and never leaves again for where it was before.
PAST_CONFIRMING = FINAL | {State.REQUIRES_CAPTURE, State.PROCESSING}


def ask_for_s(payment: Payment, attempt: Attempt, moment: Moment) -> float:
    """Return how long after it was begun the attempt's effect may still be asked for."""
    if payment.was_paid_late and attempt.operation is not Operation.CANCEL:
        return 0
    if attempt.operation in PATIENT:
        return PATIENT_FOR_S
    return moment.policy.payer_expects_charge_s


def with_call(payment: Payment, attempt: Attempt, call: Call) -> Payment:
    """Return the payment with another state of its attempt's call."""
    return replace(payment, attempt=replace(attempt, call=call))


def after_ask(payment: Payment, step: AskedStep, news: News, moment: Moment) -> Payment:
    attempt = payment.attempt
    if attempt is None or attempt.call.key != step.key:  # another door was faster
        return _late(payment, step, news, moment)
    match news:
        case IntentSeen(intent=intent, replayed=True) if intent.status not in FINAL:
            return _in_doubt(outcome.adopted(payment, intent), attempt, NoNews("replayed"), moment)
        case IntentSeen(intent=intent):
            return outcome.settled(payment, intent, moment, news.request_id)
        case Declined() if payment.status is not State.REQUIRES_CAPTURE:
            return _declined(payment, attempt, news, moment)
        case Declined(error=error, intent=intent):  # a bank that goes back on its hold
            return _rejected(payment, attempt, Rejected(error, intent, news.request_id), moment)
        case Rejected():
            return _rejected(payment, attempt, news, moment)
        case NotExecuted():
            return _not_executed(payment, attempt, news, moment)
        case _:
            return _in_doubt(payment, attempt, _as_doubt(news), moment)


def after_look(payment: Payment, step: LookStep, news: News, moment: Moment) -> Payment:
    attempt = payment.attempt
    if attempt is None:
        if isinstance(news, IntentSeen):
            if payment.intent_id is None:  # an old look, for an older attempt perhaps
                return _left_behind(payment, news.intent, moment, news.request_id)
            seen = outcome.settled(payment, news.intent, moment, news.request_id)
            return left_alone(seen, moment)
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
            return with_call(payment, attempt, calls.look_failed(attempt.call, moment.now))


def heard_of(
    payment: Payment,
    intent: Intent,
    moment: Moment,
    *,
    seen_with: str | None,
    request_id: str | None = None,
) -> Payment:
    """Return the payment after somebody else's word made us look at a PaymentIntent of its order.

    An attempt that is under way is settled only by what it has surely brought about: its owner is
    waiting for the answer. seen_with: the key of the attempt that there was before the look; of a
    later one the look says nothing but what is final. request_id: Stripe's, of the look.
    """
    attempt = payment.attempt
    ours = payment.intent_id == intent.id or (
        payment.intent_id is None and attempt is not None and intent.key == attempt.call.key
    )
    if not ours:
        return _left_behind(payment, intent, moment, request_id)
    if attempt is None:
        if payment.status in FINAL:
            return _contradicted(payment, intent, moment, request_id)
        return outcome.settled(payment, intent, moment, request_id)
    if intent.status in FINAL or (
        seen_with == attempt.call.key and _is_surely_its_doing(payment, attempt, intent)
    ):
        return outcome.settled(payment, intent, moment, request_id)
    return outcome.adopted(payment, intent)


def _is_surely_its_doing(payment: Payment, attempt: Attempt, intent: Intent) -> bool:
    """Whether an attempt that is under way has brought the PaymentIntent to where it stands.

    A refused card may be one that the payer's client tried before, while ours is still to come.
    """
    if attempt.operation is Operation.CONFIRM and intent.status in OPEN:
        return False
    return _has_moved(payment, attempt, intent)


def _left_behind(
    payment: Payment, intent: Intent, moment: Moment, request_id: str | None
) -> Payment:
    """Return the payment after news of a PaymentIntent that it has given up, or never knew."""
    newest = f"{payment.uid}-{payment.attempts_made}-{Operation.CREATE}"
    if payment.attempt is None and payment.intent_id is None and intent.key == newest:
        was_canceled = payment.status is State.CANCELED
        payment = _given_up_wrongly(payment, moment)
        if intent.status in FINAL or not was_canceled:
            return outcome.settled(payment, intent, moment, request_id)
        # Whoever asked was told that it is canceled: so that must become true.
        payment = outcome.adopted(payment, intent)
        return begin_attempt(payment, Operation.CANCEL, moment, request_id=EXPIRY)
    return _contradicted(payment, intent, moment, request_id)


def _contradicted(
    payment: Payment, intent: Intent, moment: Moment, request_id: str | None
) -> Payment:
    """Money of an attempt that this order has left behind: a person must look."""
    is_known = payment.intent_id == intent.id and payment.status is State.SUCCEEDED
    if intent.status != State.SUCCEEDED or is_known:
        return payment
    if payment.late_intent_id is not None:
        return payment
    # Whatever it was, the order is not canceled to whoever paid for it.
    notices = tuple(
        overtaken(notice) if occasion_of(notice, moment.policy) is Occasion.CANCELED else notice
        for notice in payment.notices
    )
    payment = replace(payment, late_intent_id=intent.id, notices=notices)
    if payment.look_at is not None:  # what could still be paid is looked at, and cancelled
        payment = replace(payment, look_at=moment.now)
    return noted(payment, CONTRADICTED, moment, request_id)


def _found(
    payment: Payment, attempt: Attempt, intent: Intent, moment: Moment, request_id: str | None
) -> Payment:
    """A look shows the PaymentIntent while an attempt is in doubt: say if the attempt did that."""
    payment = outcome.adopted(payment, intent)
    if _has_moved(payment, attempt, intent):
        return outcome.settled(payment, intent, moment, request_id)
    if attempt.operation is Operation.CREATE:
        if attempt.payment_method_id is None:
            return outcome.settled(payment, intent, moment, request_id)
        return _go_on(payment, attempt, Operation.CONFIRM, moment)
    return _found_nothing(payment, attempt, moment)


def _has_moved(payment: Payment, attempt: Attempt, intent: Intent) -> bool:
    """Whether the PaymentIntent stands where only this attempt can have brought it."""
    if attempt.operation in PATIENT:
        return intent.status in FINAL
    if intent.status in PAST_CONFIRMING:
        return True
    if attempt.operation is Operation.CREATE:
        open_still = intent.status in OPEN and intent.last_error is None
        return not (open_still and payment.terms.confirm)
    if intent.status in OPEN:
        # The payer's client may have tried a card meanwhile: its refusal is not ours.
        is_its_card = intent.refused_card_id in {None, attempt.payment_method_id}
        return is_its_card and intent.charge_id != attempt.charge_before
    if payment.status is State.REQUIRES_ACTION:  # it asked the payer before: is this another card?
        asked_with = attempt.payment_method_id
        return intent.payment_method_id == asked_with != payment.payment_method_id
    return True


def _found_nothing(payment: Payment, attempt: Attempt, moment: Moment) -> Payment:
    call = calls.found_nothing(attempt.call, moment.now)
    limit_s = ask_for_s(payment, attempt, moment)
    may_ask = calls.may_ask(call, moment.now, ask_for_s=limit_s)
    if payment.intent_id is not None and not may_ask:
        # The PaymentIntent itself lets no second success through, so a new key is safe here.
        return _go_on(payment, attempt, attempt.operation, moment)
    if calls.is_over(call, moment.now, ask_for_s=limit_s):
        why = call.dead_end or "abandoned"
        message = "Stripe shows no such payment; nothing was charged."
        failure = outcome.failure_of(FailureKind.ABANDONED, Denial(why, message), attempt)
        ended = attempt_over(payment, failure.kind, moment, failure=failure)
        ended = replace(ended, cancellation_reason=why)
        return outcome.entered(ended, State.CANCELED, moment)
    return with_call(payment, attempt, call)


def _fresh(payment: Payment, attempt: Attempt, moment: Moment) -> bool:
    age = moment.now - attempt.call.begun_at
    return age < timedelta(seconds=ask_for_s(payment, attempt, moment))


def _go_on(payment: Payment, attempt: Attempt, operation: Operation, moment: Moment) -> Payment:
    """Go on with the PaymentIntent that is there, under a key of its own.

    The time the payer expects the charge runs on; a payment past it is cancelled, not charged. A
    capture that was asked for is asked for until the hold is gone. What was paid late is cancelled.
    """
    begun_at = waiting_since = attempt.call.begun_at
    if payment.was_paid_late or (operation not in PATIENT and not _fresh(payment, attempt, moment)):
        operation = Operation.CANCEL
    if operation in PATIENT:
        begun_at, waiting_since = moment.now, payment.entered_at
    number = payment.attempts_made + 1
    call = calls.begin_call(f"{payment.uid}-{number}-{operation}", moment.now)
    # The back-off grows from key to key, or an error saved under each would be asked for for ever.
    looks = attempt.call.looks + payment.attempts_made - 1
    rounds = replace(attempt.call, begun_at=waiting_since, looks=looks)
    wait_s = calls.backoff_s(rounds, moment.now)
    call = replace(call, begun_at=begun_at, due_at=moment.now + timedelta(seconds=wait_s))
    next_one = replace(attempt, operation=operation, call=call, charge_before=payment.charge_id)
    payment = attempt_over(payment, WITHOUT_NEWS, moment)
    payment = replace(payment, attempt=next_one, attempts_made=number)
    return noted(payment, f"{operation}.begun", moment)


def _declined(payment: Payment, attempt: Attempt, news: Declined, moment: Moment) -> Payment:
    if news.intent is not None:
        if _moved_on(payment, news.intent, is_old=news.replayed):
            return outcome.settled(payment, news.intent, moment, news.request_id)
        payment = replace(outcome.adopted(payment, news.intent), charge_id=news.intent.charge_id)
    failure = outcome.failure_of(FailureKind.DECLINED, news.error, attempt)
    ended = attempt_over(
        payment, failure.kind, moment, failure=failure, stripe_request_id=news.request_id
    )
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
        return with_call(payment, attempt, call)
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
    if attempt.operation is Operation.CANCEL:
        # It is asked for until it is done; but a caller is told when our key may not do it, and is
        # not held up by what nobody asked for: a look will ask for it again. What was told as
        # canceled already must become so.
        tired = not news.retryable and payment.status is not State.CANCELED
    if call.doubts == 0 and tired:
        error = Denial(news.reason, "Stripe could not take the request; nothing was charged.")
        failure = outcome.failure_of(FailureKind.UNAVAILABLE, error, attempt)
        ended = outcome.ended(payment, failure, moment, news)
        return replace(ended, failure=payment.failure) if attempt.request_id == EXPIRY else ended
    return with_call(payment, attempt, call)


def _in_doubt(payment: Payment, attempt: Attempt, news: NoNews, moment: Moment) -> Payment:
    call = calls.heard_nothing(attempt.call, moment.now, dead_end=news.dead_end)
    return with_call(payment, attempt, call)


def _as_doubt(news: News) -> NoNews:
    return news if isinstance(news, NoNews) else NoNews("unexpected answer")


def _late(payment: Payment, step: AskedStep, news: News, moment: Moment) -> Payment:
    """News for an attempt that is over: what is at Stripe counts, whatever we had concluded."""
    if not isinstance(news, IntentSeen) or news.intent.status not in FINAL:
        return payment
    if payment.attempt is None:
        newest = step.key == f"{payment.uid}-{payment.attempts_made}-{Operation.CREATE}"
        payment = _given_up_wrongly(payment, moment) if newest else payment
        # A PaymentIntent of an older attempt is not what the payment is about now.
        if newest or payment.intent_id == news.intent.id:
            payment = outcome.settled(payment, news.intent, moment, news.request_id)
    if payment.intent_id == news.intent.id and payment.attempt is not None:
        return payment  # the attempt under way will find it
    return _contradicted(payment, news.intent, moment, news.request_id)


def _given_up_wrongly(payment: Payment, moment: Moment) -> Payment:
    """Open again what was given up as never begun: that was a conclusion, and this is the truth.

    It takes a clock that jumped, an owner that was stopped for long, or an effect that Stripe
    brought about later to get here.
    """
    if payment.status is not State.CANCELED or payment.intent_id is not None:
        return payment
    reopened = replace(
        payment,
        status=State.REQUIRES_PAYMENT_METHOD,
        cancellation_reason=None,
        notices=tuple(overtaken(notice) for notice in payment.notices),
    )
    return noted(reopened, "payment.given_up_wrongly", moment)
