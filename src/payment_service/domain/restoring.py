"""What a payment was, read from Stripe: for a database that is older than what happened there.

Every PaymentIntent and refund of ours bears its key in its metadata, and the key begins with the
payment's uid. So the document that was lost can be made again under the same keys.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from payment_service.domain import outcome
from payment_service.domain.moment import Moment
from payment_service.domain.news import Intent, SeenRefund
from payment_service.domain.notice import overtaken
from payment_service.domain.payment import (
    Operation,
    Payment,
    State,
    Terms,
    attempt_over,
    noted,
)
from payment_service.domain.refund import Refund, RefundStatus

RESTORED = "payment.restored"
# Keys of attempts that were made and are not known any more must not be used again for others.
# More than any payer has tried since the copy was made.
ATTEMPTS_LEFT_OUT = 100
# How near a PaymentIntent is to having taken the money; the others are at 0.
_NEARNESS = {
    State.SUCCEEDED: 4,
    State.REQUIRES_CAPTURE: 3,
    State.PROCESSING: 2,
    State.REQUIRES_ACTION: 1,
    State.CANCELED: -1,
}
# In these a payment has not taken, and does not hold, what a later PaymentIntent of its order may.
_LEFT_FOR_ANOTHER = frozenset(State) - {State.SUCCEEDED, State.REQUIRES_CAPTURE}


class MadeBy(NamedTuple):
    """Which payment made a PaymentIntent, and as its how manieth attempt."""

    uid: str
    attempt: int


def made_by(intent: Intent) -> MadeBy | None:
    """Return who made a PaymentIntent, read from its key; None for a key that is not ours."""
    parts = (intent.key or "").rsplit("-", 2)
    if len(parts) != len(("uid", "attempt", "operation")):
        return None
    uid, attempt, operation = parts
    if not uid or operation != Operation.CREATE or not attempt.isdecimal():
        return None
    return MadeBy(uid, int(attempt))


def nearness(status: str) -> int:
    """Return how near a PaymentIntent in this status is to having taken the money of its order."""
    return _NEARNESS.get(State(status), 0) if status in set(State) else 0


def foremost(intents: Sequence[Intent]) -> Intent:
    """Return the one of several under one key that counts; they come newest first.

    A copy made by hand bears the key of what it is a copy of. The one that took or holds the money
    counts; of equals the oldest, which is the one that we made.
    """
    return max(reversed(intents), key=lambda intent: nearness(intent.status))


def restored(order_id: str, intent: Intent, made_at: datetime, moment: Moment) -> Payment | None:
    """Return the document of an order of which there is none; None for a key that is not ours."""
    maker = made_by(intent)
    if maker is None:
        return None
    blank = Payment(
        id=order_id,
        uid=maker.uid,
        version=0,
        created_at=made_at,
        updated_at=moment.now,
        terms=_terms_of(intent),
        status=State.REQUIRES_PAYMENT_METHOD,
        entered_at=moment.now,
        attempts_made=maker.attempt,
    )
    return outcome.settled(noted(blank, RESTORED, moment), intent, moment)


def gone_on(payment: Payment, intent: Intent, moment: Moment) -> Payment:
    """Return the payment with a PaymentIntent that it made after what this document knows.

    A later one is made only when the one before it can never be paid. One of another document for
    the same order is taken if this one has neither money nor anything under way, and that one is
    nearer to it: what was cancelled says nothing against what may be paid.
    """
    maker = made_by(intent)
    if maker is None or payment.status not in _LEFT_FOR_ANOTHER:
        return payment
    if payment.intent_id == intent.id or _is_its_attempt(payment, intent):
        return payment  # looked at like any other
    is_later = maker.uid == payment.uid and maker.attempt > payment.attempts_made
    is_anothers = maker.uid != payment.uid and payment.attempt is None
    is_nearer = nearness(intent.status) > nearness(payment.status)
    if not is_later and not (is_anothers and is_nearer):
        return payment
    over = attempt_over(payment, "without_news", moment)
    fresh = replace(
        over,
        uid=maker.uid,
        attempts_made=maker.attempt,
        notices=tuple(overtaken(notice) for notice in payment.notices),
        terms=_terms_of(intent, before=payment.terms),
        status=State.REQUIRES_PAYMENT_METHOD,
        entered_at=moment.now,
        generation=payment.generation + 1,
        intent_id=None,
        charge_id=None,
        payment_method_id=None,
        cancellation_reason=None,
        failure=None,
        look_at=None,
    )
    return outcome.settled(noted(fresh, RESTORED, moment), intent, moment)


def with_keys_left_out(payment: Payment, moment: Moment) -> Payment:
    """Return the payment whose next attempts are under keys that were surely never used."""
    left_out = replace(payment, attempts_made=payment.attempts_made + ATTEMPTS_LEFT_OUT)
    return noted(left_out, RESTORED, moment)


def refund_of(payment: Payment, seen: SeenRefund) -> Refund | None:
    """Return the refund of ours that Stripe shows and the document lacks, None for any other.

    It is entered as pending: how it stands is decided as after any look.
    """
    start = f"{payment.uid}-"
    known = {refund.stripe_refund_id for refund in payment.refunds}
    known |= {refund.key for refund in payment.refunds}
    if seen.key is None or not seen.key.startswith(start) or known & {seen.id, seen.key}:
        return None
    return Refund(
        id=seen.key.removeprefix(start),
        amount_minor=seen.amount_minor,
        status=RefundStatus.PENDING,
        created_at=seen.created_at,
        key=seen.key,
        reason=seen.reason,
        stripe_refund_id=seen.id,
    )


def _is_its_attempt(payment: Payment, intent: Intent) -> bool:
    return (
        payment.intent_id is None
        and payment.attempt is not None
        and payment.attempt.call.key == intent.key
    )


def _terms_of(intent: Intent, before: Terms | None = None) -> Terms:
    """Return what was agreed, as far as Stripe knows it."""
    agreed = before or Terms(intent.amount_minor, intent.currency, intent.customer_id)
    return replace(
        agreed,
        amount_minor=intent.amount_minor,
        currency=intent.currency,
        customer_id=intent.customer_id,
        capture_method=intent.capture_method,
    )
