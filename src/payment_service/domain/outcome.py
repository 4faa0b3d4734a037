"""What a payment becomes on definite news: its states, what is owed, when to look again."""

from dataclasses import replace
from datetime import timedelta

from payment_service.domain import call as calls
from payment_service.domain.moment import Moment
from payment_service.domain.notice import PAYMENT_RECEIVED, owe
from payment_service.domain.payment import (
    FINAL,
    OPEN,
    Attempt,
    Failure,
    FailureKind,
    Payment,
    State,
    noted,
)
from payment_service.domain.steps import Denial, Intent, NotExecuted, Rejected

# How often we look at a payment that others may move (the payer's client, the bank).
LOOK_FIRST_S = 5.0
LOOK_MAX_S = 600.0


def settled(
    payment: Payment, intent: Intent, moment: Moment, request_id: str | None = None
) -> Payment:
    """Definite news: the PaymentIntent stands like this. A final state is never left."""
    if payment.intent_id not in {None, intent.id} or payment.status in FINAL:
        return payment
    tried_again = intent.charge_id not in {None, payment.charge_id}
    payment = adopted(payment, intent)
    payment = replace(
        payment,
        charge_id=intent.charge_id or payment.charge_id,
        payment_method_id=intent.payment_method_id or payment.payment_method_id,
        received_minor=intent.amount_received_minor,
        cancellation_reason=intent.cancellation_reason,
    )
    status = State(intent.status) if intent.status in set(State) else State.PROCESSING
    attempt, payment = payment.attempt, replace(payment, attempt=None)
    if status in OPEN and intent.last_error is not None and attempt is not None:
        failure = failure_of(FailureKind.DECLINED, intent.last_error, attempt)
        payment = replace(payment, failure=failure)
        return entered(payment, status, moment, request_id, "declined")
    if attempt is None and status is payment.status and not tried_again:
        return look_later(payment, moment)
    if status is State.SUCCEEDED:
        payment = _owing_notice(replace(payment, failure=None), moment)
    return entered(payment, status, moment, request_id)


def _owing_notice(payment: Payment, moment: Moment) -> Payment:
    if not moment.policy.tell_orders:
        return payment
    notice = owe(PAYMENT_RECEIVED, f"{payment.uid}-notice-{len(payment.notices) + 1}", moment.now)
    return replace(payment, notices=(*payment.notices, notice))


def entered(
    payment: Payment,
    status: State,
    moment: Moment,
    request_id: str | None = None,
    what: str | None = None,
) -> Payment:
    look_at = None
    if status not in FINAL and payment.intent_id is not None:
        look_at = moment.now + timedelta(seconds=LOOK_FIRST_S)
    entered = replace(payment, status=status, entered_at=moment.now, look_at=look_at, looks=0)
    return noted(entered, f"payment.{what or status}", moment, request_id)


def ended(
    payment: Payment, failure: Failure, moment: Moment, news: Rejected | NotExecuted
) -> Payment:
    """The attempt is over without effect; the payment stands where it stood before."""
    ended = replace(payment, attempt=None, failure=failure)
    if ended.intent_id is not None:
        ended = look_later(ended, moment)
    return noted(ended, f"payment.{failure.kind}", moment, news.request_id)


def look_later(payment: Payment, moment: Moment) -> Payment:
    looks = payment.looks + 1
    wait_s = min(LOOK_FIRST_S * 2 ** min(looks, 12), LOOK_MAX_S)
    wait_s *= 0.5 + 0.5 * calls.spread(f"{payment.uid}:{looks}")
    return replace(payment, looks=looks, look_at=moment.now + timedelta(seconds=wait_s))


def adopted(payment: Payment, intent: Intent) -> Payment:
    if payment.intent_id is not None:
        return payment
    asked_with = payment.attempt.payment_method_id if payment.attempt else None
    method = intent.payment_method_id or asked_with
    return replace(payment, intent_id=intent.id, payment_method_id=method)


def failure_of(kind: FailureKind, error: Denial, attempt: Attempt) -> Failure:
    return Failure(
        kind=kind,
        code=error.code,
        message=error.message,
        decline_code=error.decline_code,
        param=error.param,
        payment_method_id=attempt.payment_method_id,
        retry_key=attempt.retry_key,
    )
