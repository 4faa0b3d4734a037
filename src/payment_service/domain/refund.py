"""A refund: part of a payment's document, reserved before Stripe is asked, released if it fails."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from payment_service.domain import call as calls
from payment_service.domain.call import Call
from payment_service.domain.news import Declined, Denial, NoNews, NotExecuted, Rejected, SeenRefund


class RefundStatus(StrEnum):
    """Stripe's words, and `asking` while there is no definite news."""

    ASKING = "asking"
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


# A refund in one of these states holds no money: what it had reserved may be refunded again.
RELEASED = frozenset({RefundStatus.FAILED, RefundStatus.CANCELED})
# A refund in one of these states is not final at Stripe, so somebody must look again.
UNSETTLED = frozenset({RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION})
PENDING_LOOK_S = 300
# A refund that hangs for days moves when its bank does: looking every few minutes would be no help.
PENDING_LOOK_MAX_S = 6 * 3600

# What a status may become. Anything else that a list shows is older than what we know. A bank may
# return a refund that had succeeded.
_MAY_BECOME = {
    RefundStatus.PENDING: frozenset(RefundStatus) - {RefundStatus.ASKING},
    RefundStatus.REQUIRES_ACTION: frozenset(RefundStatus) - {RefundStatus.ASKING},
    RefundStatus.SUCCEEDED: RELEASED,
    RefundStatus.FAILED: frozenset[RefundStatus](),
    RefundStatus.CANCELED: frozenset[RefundStatus](),
}


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund of a payment.

    id: ours, or Stripe's for a refund that was made outside this service.
    key: the idempotency key and the mark in Stripe's metadata that says it is ours.
    call: what is owed to Stripe, None once there was definite news.
    failure: why it failed, in Stripe's words, with its message and the parameter that it names;
    `unavailable` when it surely never reached Stripe.
    """

    id: str
    amount_minor: int
    status: RefundStatus
    created_at: datetime
    key: str | None = None
    reason: str | None = None
    stripe_refund_id: str | None = None
    call: Call | None = None
    failure: str | None = None
    failure_message: str | None = None
    failure_param: str | None = None
    unavailable: bool = False
    request_id: str | None = None

    @property
    def holds_money(self) -> bool:
        """Whether its amount counts against what is left to refund."""
        return self.status not in RELEASED


def reserved(
    refund_id: str, amount_minor: int, key: str, now: datetime, reason: str | None
) -> Refund:
    """Return a new refund that holds its amount and is to be asked for at once."""
    return Refund(
        id=refund_id,
        amount_minor=amount_minor,
        status=RefundStatus.ASKING,
        created_at=now,
        key=key,
        reason=reason,
        call=calls.begin_call(key, now),
    )


def made_elsewhere(seen: SeenRefund) -> Refund:
    """Return the record of a refund that somebody made at Stripe without us."""
    return seen_at_stripe(
        Refund(
            id=seen.id,
            amount_minor=seen.amount_minor,
            status=RefundStatus.PENDING,
            created_at=seen.created_at,
            reason=seen.reason,
        ),
        seen,
    )


def seen_at_stripe(refund: Refund, seen: SeenRefund) -> Refund:
    """Definite news: the refund stands as Stripe shows it; old news changes nothing."""
    try:
        status = RefundStatus(seen.status)
    except ValueError:  # a status that Stripe invents later is not final, whatever it is called
        status = RefundStatus.PENDING
    if refund.stripe_refund_id == seen.id and status not in _MAY_BECOME.get(
        refund.status, frozenset(RefundStatus)
    ):
        return refund
    return replace(
        refund,
        status=status,
        stripe_refund_id=seen.id,
        amount_minor=seen.amount_minor,
        call=None,
        failure=seen.failure_reason if status in RELEASED else None,
    )


def next_look(refund: Refund, now: datetime, looks_s: Sequence[float]) -> datetime | None:
    """Return when to look at it again though nothing is in doubt, None when no bank can change it.

    looks_s: how long after it was made to look at one that succeeded.
    """
    if refund.status in UNSETTLED:
        age_s = (now - refund.created_at).total_seconds()
        return now + timedelta(seconds=min(max(age_s, PENDING_LOOK_S), PENDING_LOOK_MAX_S))
    if refund.status is not RefundStatus.SUCCEEDED:
        return None
    looks = (refund.created_at + timedelta(seconds=seconds) for seconds in looks_s)
    return next((at for at in looks if at > now), None)


def failed(refund: Refund, denial: Denial, *, unavailable: bool = False) -> Refund:
    """Definite news: it did not happen. Its amount may be refunded again."""
    return replace(
        refund,
        status=RefundStatus.FAILED,
        call=None,
        failure=denial.code,
        failure_message=denial.message,
        failure_param=denial.param,
        unavailable=unavailable,
    )


def not_granted(
    refund: Refund, news: Declined | Rejected | NotExecuted | NoNews, now: datetime
) -> Refund:
    """A try that brought no refund: end it only when nothing is in doubt.

    A refusal proves nothing about earlier tries: `charge_already_refunded` may be our own doing.
    """
    call = refund.call
    assert call is not None
    match news:
        case NoNews(dead_end=dead_end):
            return replace(refund, call=calls.heard_nothing(call, now, dead_end=dead_end))
        case NotExecuted():
            call = calls.was_not_executed(call, now, retry_after_s=news.retry_after_s)
            tired = call.tries >= calls.NOT_EXECUTED_TRIES_MAX or not news.retryable
            if call.doubts == 0 and tired:
                return failed(refund, Denial(news.reason, news.reason), unavailable=True)
            return replace(refund, call=call)
        case Declined(error=error) | Rejected(error=error):
            if call.doubts <= 1:
                return failed(refund, error)
            call = calls.was_not_executed(call, now)
            return replace(refund, call=replace(call, due_at=now, dead_end=error.code))
        case _:  # pragma: no cover - the union is closed
            assert_never(news)


def not_there(refund: Refund, now: datetime) -> Refund:
    """A look at Stripe's list did not show it."""
    call = refund.call
    if call is None:
        return refund
    call = calls.found_nothing(call, now)
    if calls.is_over(call, now, ask_for_s=calls.KEY_HELD_S):
        why = call.dead_end or "abandoned"
        return failed(refund, Denial(why, "Stripe shows no such refund; nothing was given back."))
    return replace(refund, call=call)
