"""What a payment becomes on definite news: its states, what is owed, when to look again."""

from dataclasses import replace
from datetime import timedelta

from payment_service.domain import call as calls
from payment_service.domain import claims
from payment_service.domain import hold as holds
from payment_service.domain.hold import Hold
from payment_service.domain.moment import Moment
from payment_service.domain.news import Denial, Intent, NotExecuted, Rejected
from payment_service.domain.notice import Occasion, owe, word_for
from payment_service.domain.payment import (
    FINAL,
    OPEN,
    Attempt,
    Failure,
    FailureKind,
    Payment,
    State,
    attempt_over,
    noted,
)
from payment_service.domain.transitions import may_become

# How often we look at a payment that others may move (the payer's client, the bank).
LOOK_FIRST_S = 5.0
LOOK_MAX_S = 600.0
# A hold is moved by us, by its clock, or by a person in Stripe's dashboard.
LOOK_HOLD_MAX_S = 6 * 3600.0


def settled(
    payment: Payment, intent: Intent, moment: Moment, request_id: str | None = None
) -> Payment:
    """Definite news: the PaymentIntent stands like this. A final state is never left."""
    if payment.intent_id not in {None, intent.id} or payment.status in FINAL:
        return payment
    status = State(intent.status) if intent.status in set(State) else State.PROCESSING
    if payment.attempt is None and not may_become(payment.status, status):
        return look_later(payment, moment)  # an old look, overtaken by newer news
    tried_again = intent.charge_id not in {None, payment.charge_id}
    payment = _with_figures(adopted(payment, intent), intent)
    attempt = payment.attempt
    if attempt is None and status is payment.status and not tried_again:
        return look_later(_with_outcome(payment, intent), moment)
    if status in OPEN and intent.last_error is not None:
        return _declined(payment, intent.last_error, status, moment, request_id)
    payment = attempt_over(payment, status, moment, stripe_request_id=request_id)
    return entered(payment, status, moment, request_id)


def stands(payment: Payment, intent: Intent) -> bool:
    """Whether a look shows nothing that the payment does not show already.

    A card that was refused leaves the status, and a charge.
    """
    return (
        payment.attempt is None
        and (payment.intent_id, str(payment.status)) == (intent.id, intent.status)
        and intent.charge_id in {None, payment.charge_id}
        and intent.capture_before in {None, payment.hold.capture_before if payment.hold else None}
        and not _tells_outcome(payment, intent)
    )


def _tells_outcome(payment: Payment, intent: Intent) -> bool:
    """Whether a look shows how the refused charge ended, which the refusal itself did not say."""
    failure = payment.failure
    return (
        failure is not None
        and payment.status in OPEN
        and failure.charge_outcome is None
        and intent.charge_outcome is not None
        and failure.charge_id == intent.charge_id
    )


def _with_outcome(payment: Payment, intent: Intent) -> Payment:
    """Return the payment with the outcome of the charge that it shows as refused."""
    failure = payment.failure
    if failure is None or not _tells_outcome(payment, intent):
        return payment
    outcome, past = intent.charge_outcome, payment.past_attempts
    if past and past[-1].outcome == FailureKind.DECLINED:
        past = (*past[:-1], replace(past[-1], charge_outcome=outcome))
    return replace(payment, failure=replace(failure, charge_outcome=outcome), past_attempts=past)


def _with_figures(payment: Payment, intent: Intent) -> Payment:
    hold = payment.hold
    if intent.capture_before and (hold is None or hold.capture_before != intent.capture_before):
        hold = Hold(intent.capture_before)
    return replace(
        payment,
        charge_id=intent.charge_id or payment.charge_id,
        payment_method_id=intent.payment_method_id or payment.payment_method_id,
        received_minor=intent.amount_received_minor,
        capturable_minor=intent.amount_capturable_minor,
        cancellation_reason=intent.cancellation_reason,
        hold=hold if intent.status == State.REQUIRES_CAPTURE else None,
    )


def _declined(
    payment: Payment, error: Denial, status: State, moment: Moment, request_id: str | None
) -> Payment:
    """The card was refused, whoever confirmed with it."""
    failure = failure_of(FailureKind.DECLINED, error, payment.attempt)
    over = attempt_over(
        payment, failure.kind, moment, failure=failure, stripe_request_id=request_id
    )
    return entered(replace(over, failure=failure), status, moment, request_id, "declined")


def entered(
    payment: Payment,
    status: State,
    moment: Moment,
    request_id: str | None = None,
    what: str | None = None,
) -> Payment:
    """Return the payment in this status, with what is owed because of it."""
    look_at = None
    if status not in FINAL and payment.intent_id is not None:
        look_at = moment.now + timedelta(seconds=LOOK_FIRST_S)
    entered = replace(payment, status=status, entered_at=moment.now, look_at=look_at, looks=0)
    if status is State.SUCCEEDED:
        entered = owing(replace(entered, failure=None), Occasion.PAID, moment)
    elif _ends_an_order(payment, status):
        entered = owing(entered, Occasion.CANCELED, moment)
    return noted(entered, f"payment.{what or status}", moment, request_id)


def _ends_an_order(payment: Payment, status: State) -> bool:
    """Whether the OrderService should hear that the order will not be paid.

    An end user who claimed an order without proof has no say in what becomes of it.
    """
    is_over = status is State.CANCELED and payment.late_intent_id is None
    return is_over and not claims.is_unpaid_claim(payment)


def owing(payment: Payment, occasion: Occasion, moment: Moment) -> Payment:
    """Return the payment with a notice owed to the OrderService, if it wants to hear this one."""
    order_status = word_for(occasion, moment.policy)
    if not moment.policy.tell_orders or not order_status:
        return payment
    key = f"{payment.uid}-notice-{len(payment.notices) + 1}"
    notice = owe(order_status, key, moment.now, occasion)
    return replace(payment, notices=(*payment.notices, notice))


def ended(
    payment: Payment, failure: Failure, moment: Moment, news: Rejected | NotExecuted
) -> Payment:
    """The attempt is over without effect; the payment stands where it stood before."""
    ended = attempt_over(
        payment, failure.kind, moment, failure=failure, stripe_request_id=news.request_id
    )
    if ended.intent_id is not None:
        ended = look_later(ended, moment)
    return noted(ended, f"payment.{failure.kind}", moment, news.request_id)


def look_later(payment: Payment, moment: Moment) -> Payment:
    """Return the payment with its next look in the calendar, and a hold's clock kept in mind."""
    looks = payment.looks + 1
    held = payment.status is State.REQUIRES_CAPTURE
    wait_s = min(LOOK_FIRST_S * 2 ** min(looks, 16), LOOK_HOLD_MAX_S if held else LOOK_MAX_S)
    wait_s *= 0.5 + 0.5 * calls.spread(f"{payment.uid}:{looks}")
    look_at = moment.now + timedelta(seconds=wait_s)
    if held and payment.hold:
        tick = holds.next_tick(payment.hold, moment.now, moment.policy)
        look_at = min(look_at, tick) if tick else look_at
    lapses_at = claims.lapses_at(payment, moment)
    if lapses_at is not None:
        look_at = min(look_at, max(lapses_at, moment.now + timedelta(seconds=LOOK_FIRST_S)))
    return replace(payment, looks=looks, look_at=look_at)


def adopted(payment: Payment, intent: Intent) -> Payment:
    """Return the payment tied to the PaymentIntent that was made for it."""
    if payment.intent_id is not None:
        return payment
    asked_with = payment.attempt.payment_method_id if payment.attempt else None
    method = intent.payment_method_id or asked_with
    return replace(payment, intent_id=intent.id, payment_method_id=method)


def failure_of(kind: FailureKind, error: Denial, attempt: Attempt | None) -> Failure:
    """Return what the payment shows of a failed attempt, or of a try of the payer's client."""
    return Failure(
        kind=kind,
        code=error.code,
        message=error.message,
        decline_code=error.decline_code,
        param=error.param,
        payment_method_id=attempt.payment_method_id if attempt else None,
        retry_key=attempt.retry_key if attempt else None,
        advice_code=error.advice_code,
        network_advice_code=error.network_advice_code,
        network_decline_code=error.network_decline_code,
        charge_outcome=error.charge_outcome,
        charge_id=error.charge_id,
    )
