"""The refunds and notices of a payment on their way through the corridor."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from payment_service.domain import call as calls
from payment_service.domain import notice as notices
from payment_service.domain import outcome
from payment_service.domain import refund as refunds
from payment_service.domain.call import Call, Move
from payment_service.domain.moment import Moment, Policy
from payment_service.domain.news import (
    Declined,
    News,
    NoNews,
    NotExecuted,
    RefundSeen,
    RefundsSeen,
    Rejected,
    SeenRefund,
)
from payment_service.domain.notice import Notice, NoticeState, Occasion
from payment_service.domain.payment import Payment, noted
from payment_service.domain.refund import Refund
from payment_service.domain.steps import CreateRefund, FindRefunds, PaymentStep, Step, TellOrders

# Stripe's code for a refund that it refuses since the payer's bank has the money back already.
DISPUTED = "charge_disputed"

OwedStep = CreateRefund | FindRefunds | TellOrders


def next_step(payment: Payment, moment: Moment) -> PaymentStep | None:
    """Say what is due of the refunds and notices."""
    if payment.refunds_look_at and payment.refunds_look_at <= moment.now:
        return _look(payment, moment)
    for refund in payment.refunds:
        if refund.call and refund.call.due_at <= moment.now:
            return _refund_step(payment, refund, moment)
    return _notice_step(payment, moment)


def _refund_step(payment: Payment, refund: Refund, moment: Moment) -> PaymentStep:
    assert refund.call is not None
    assert payment.intent_id is not None
    if _move(refund.call, moment) is Move.LOOK:
        return _look(payment, moment)
    return CreateRefund(
        key=refund.call.key,
        order_id=payment.id,
        refund_id=refund.id,
        intent_id=payment.intent_id,
        amount_minor=refund.amount_minor,
        reason=refund.reason,
        attempt=refund.call.tries + 1,
        request_id=refund.request_id,
    )


def _look(payment: Payment, moment: Moment) -> FindRefunds:
    """One look serves every refund that waits for one; those that are under way are not judged."""
    assert payment.intent_id is not None
    calls_due = (r.call for r in payment.refunds if r.call and r.call.due_at <= moment.now)
    keys = tuple(call.key for call in calls_due if _move(call, moment) is Move.LOOK)
    due = payment.refunds_look_at is not None and payment.refunds_look_at <= moment.now
    return FindRefunds(payment.id, payment.intent_id, keys, was_due=due)


def _move(call: Call, moment: Moment) -> Move:
    return calls.next_move(call, moment.now, ask_for_s=calls.KEY_HELD_S)


def _notice_step(payment: Payment, moment: Moment) -> PaymentStep | None:
    owed = notices.next_owed(payment.notices)
    if owed is None or owed[1] > moment.now:
        return None
    notice = owed[0]
    return TellOrders(
        key=notice.call.key,
        order_id=payment.id,
        status=notice.status,
        read_back=notices.may_have_arrived(notice),
        opens_order=notices.opens_order(notice, moment.policy),
        before=_before(payment, notice, moment.policy),
    )


def _before(payment: Payment, notice: Notice, policy: Policy) -> frozenset[str]:
    """Return what the order may show while this notice has not arrived.

    That may be what it was told before: an order that was canceled can be paid anew.
    """
    earlier = payment.notices[: payment.notices.index(notice)]
    told = (one.status for one in earlier if notices.may_have_arrived(one))
    return policy.order_statuses_before_payment.union(told)


def lease_of(step: Step, policy: Policy) -> float:
    """Return for how many seconds a step is claimed, from when it was decided on."""
    return policy.notice_lease_s if isinstance(step, TellOrders) else policy.lease_s


def asking(payment: Payment, step: OwedStep, moment: Moment) -> Payment:
    """Return the document to write before the step leaves."""
    now, lease_s = moment.now, lease_of(step, moment.policy)

    def asked(call: Call) -> Call:
        return calls.asked(call, now, lease_s=lease_s)

    def looking(call: Call) -> Call:
        return calls.looking(call, now, lease_s=lease_s)

    match step:
        case CreateRefund(key=key):
            return _map_refunds(payment, _refund_calls(frozenset({key}), asked))
        case FindRefunds(keys=keys, was_due=was_due):
            payment = _map_refunds(payment, _refund_calls(frozenset(keys), looking))
            if not was_due:
                return payment
            return replace(payment, refunds_look_at=now + timedelta(seconds=lease_s))
        case TellOrders(key=key):
            payment = _map_notices(payment, notices.given_up)
            return _map_notices(
                payment, lambda n: replace(n, call=asked(n.call)) if n.call.key == key else n
            )
        case _:  # pragma: no cover - the union is closed
            assert_never(step)


def orphaned(payment: Payment, moment: Moment) -> Payment:
    """Return the payment with every claim on a refund or a notice given up."""

    def freed(call: Call) -> Call:
        return calls.orphaned(call, moment.now)

    keys = frozenset(r.call.key for r in payment.refunds if r.call)
    payment = _map_refunds(payment, _refund_calls(keys, freed))
    return _map_notices(payment, lambda n: notices.orphaned(n, moment.now))


def decide(payment: Payment, step: OwedStep, news: News, moment: Moment) -> Payment:
    """Return the document after the news about a refund or a notice."""
    match step:
        case CreateRefund():
            return _after_refund(payment, step, news, moment)
        case FindRefunds():
            return _after_look(payment, step, news, moment)
        case TellOrders(key=key):
            told = _map_notices(
                payment,
                lambda n: (
                    notices.told(n, news, moment.now)
                    if n.call.key == key and n.state is NoticeState.OWED
                    else n
                ),
            )
            return _note_notice(payment, told, moment)
        case _:  # pragma: no cover - the union is closed
            assert_never(step)


def _note_notice(before: Payment, after: Payment, moment: Moment) -> Payment:
    for old, new in zip(before.notices, after.notices, strict=True):
        if old.state is not new.state:
            return noted(after, f"order.{new.state}", moment)
    return after


def _after_refund(payment: Payment, step: CreateRefund, news: News, moment: Moment) -> Payment:
    asked = next((r for r in payment.refunds if r.key == step.key), None)
    if asked is None or asked.call is None:  # another door was faster
        return payment
    match news:
        case RefundSeen(refund=seen):
            after = refunds.seen_at_stripe(asked, seen)
        case Declined() | Rejected() | NotExecuted() | NoNews():
            after = refunds.not_granted(asked, news, moment.now)
        case _:
            after = refunds.not_granted(asked, NoNews("unexpected answer"), moment.now)
    changed = _map_refunds(payment, lambda r: after if r.id == asked.id else r)
    if isinstance(news, Declined | Rejected) and after.call is None:
        # Our figures and Stripe's differ (a refund made elsewhere, say): look.
        changed = replace(changed, refunds_look_at=moment.now)
    if isinstance(news, Rejected) and news.error.code == DISPUTED:
        changed = replace(changed, disputes_look_at=moment.now)
    noted_once = _noted_refund(_with_look(changed, moment), asked, after, moment, news)
    return _owing_refund(payment, noted_once, moment)


def _after_look(payment: Payment, step: FindRefunds, news: News, moment: Moment) -> Payment:
    if not isinstance(news, RefundsSeen):
        again = _refund_calls(frozenset(step.keys), lambda c: calls.look_failed(c, moment.now))
        failed = _map_refunds(payment, again)
        if not step.was_due:
            return failed
        later = moment.now + timedelta(seconds=refunds.PENDING_LOOK_S)
        return replace(failed, refunds_look_at=later if payment.refunds_look_at else None)
    looked, compared = payment, list[Refund]()
    for refund in payment.refunds:
        after = _compared(refund, step, news.refunds, moment)
        compared.append(after)
        looked = _noted_refund(looked, refund, after, moment, news)
    known = {r.stripe_refund_id for r in compared}
    foreign = tuple(refunds.made_elsewhere(s) for s in news.refunds if s.id not in known)
    for made in foreign:
        looked = noted(looked, f"refund.{made.status}", moment, news.request_id)
    looked = replace(looked, refunds=(*compared, *foreign))
    if step.was_due:
        looked = replace(looked, refunds_look_at=None)
    return _owing_refund(payment, _with_look(looked, moment), moment)


def _compared(
    refund: Refund, step: FindRefunds, seen: tuple[SeenRefund, ...], moment: Moment
) -> Refund:
    for one in seen:
        if one.id == refund.stripe_refund_id or (refund.key and one.key == refund.key):
            return refunds.seen_at_stripe(refund, one)
    if refund.call and refund.call.key in step.keys:
        return refunds.not_there(refund, moment.now)
    return refund


def _with_look(payment: Payment, moment: Moment) -> Payment:
    """Return the payment with the look that is due first: one may be pending, others long done."""
    looks_s = moment.policy.refund_looks_s
    looks = [refunds.next_look(refund, moment.now, looks_s) for refund in payment.refunds]
    times = (at for at in (payment.refunds_look_at, *looks) if at)
    return replace(payment, refunds_look_at=min(times, default=None))


def _owing_refund(before: Payment, after: Payment, moment: Moment) -> Payment:
    """Return the payment with what the OrderService is to hear of its refunds, if it wants to.

    It hears when all was given back, and when that turns out not to be so. What it was not told yet
    of the contrary is not true any more.
    """
    was_refunded, is_refunded = _is_refunded(before), _is_refunded(after)
    if is_refunded and not was_refunded:
        after = _taken_back(after, Occasion.REFUND_FAILED, moment)
        return outcome.owing(after, Occasion.REFUNDED, moment)
    if was_refunded and not is_refunded:
        after = _taken_back(after, Occasion.REFUNDED, moment)
        return outcome.owing(after, Occasion.REFUND_FAILED, moment)
    return after


def _taken_back(payment: Payment, occasion: Occasion, moment: Moment) -> Payment:
    def change(notice: Notice) -> Notice:
        is_it = notices.occasion_of(notice, moment.policy) is occasion
        return notices.overtaken(notice) if is_it else notice

    return _map_notices(payment, change)


def _is_refunded(payment: Payment) -> bool:
    return 0 < payment.received_minor <= payment.refunded_minor


def _noted_refund(
    payment: Payment, before: Refund, after: Refund, moment: Moment, news: News
) -> Payment:
    if before.status is after.status:
        return payment
    return noted(payment, f"refund.{after.status}", moment, getattr(news, "request_id", None))


def _refund_calls(
    keys: frozenset[str], change: Callable[[Call], Call]
) -> Callable[[Refund], Refund]:
    """Return the change of a refund that changes its call, if it is under one of these keys."""

    def changed(refund: Refund) -> Refund:
        if refund.call is None or refund.call.key not in keys:
            return refund
        return replace(refund, call=change(refund.call))

    return changed


def _map_refunds(payment: Payment, change: Callable[[Refund], Refund]) -> Payment:
    return replace(payment, refunds=tuple(change(r) for r in payment.refunds))


def _map_notices(payment: Payment, change: Callable[[Notice], Notice]) -> Payment:
    return replace(payment, notices=tuple(change(n) for n in payment.notices))
