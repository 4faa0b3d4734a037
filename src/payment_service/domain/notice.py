"""A notice: what we owe the OrderService, saved in the same write as the change it tells of."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from payment_service.domain import call as calls
from payment_service.domain.call import Call, begin_call, spread
from payment_service.domain.moment import Policy
from payment_service.domain.news import News, NoNews, NotExecuted, OrderRefused, OrderTold

# The words the OrderService knows.
PAYMENT_RECEIVED = "PAYMENT RECEIVED"

# An OrderService that is restarted is back in seconds.
RETRY_FIRST_S, RETRY_MAX_S = 1.0, 600.0
# A route, a credential or an order that is missing is mended by people, or by a deployment.
LASTING_FIRST_S, LASTING_MAX_S = 30.0, 1800.0
# A try that was not answered may be at work still: sent again it could throw a later status back.
UNANSWERED_WAIT_S = 60.0
# Whoever asks for more is asked again all the same: three days have room for a dozen tries.
RETRY_AFTER_MAX_S = 6 * 3600.0
# When the OrderService is mended all that waits is told within this time, not in one moment.
MENDED_WITHIN_S = 30.0
# How much a wait that was asked for may grow, so that those who were asked together spread.
SPREAD_PART = 0.25
# After three days the OrderService has lost its data or our address: a person must look.
DEAD_AFTER = timedelta(days=3)
# It must also have been tried this often: we may have been away ourselves for these days.
DEAD_AFTER_TRIES = 20


class NoticeState(StrEnum):
    """Owed until told; dead when a person must look; dropped when overtaken before it was told."""

    OWED = "owed"
    TOLD = "told"
    DEAD = "dead"
    DROPPED = "dropped"


class Occasion(StrEnum):
    """What became of a payment, that a notice tells of."""

    PAID = "paid"
    CANCELED = "canceled"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"


# The first things that become of an order: any status but those before its payment is a later one.
_OPENING = frozenset({Occasion.PAID, Occasion.CANCELED})


@dataclass(frozen=True, slots=True)
class Notice:
    """One status of one order, told at least once. `call.key` lets the receiver drop repeats.

    is_overtaken: whether it stopped being true while it was under way, so it is not told again.
    occasion: what it tells of, whatever word the settings have for that now; None in documents of
    earlier releases. not_before: until when the OrderService wants to be left alone with it.
    """

    status: str
    state: NoticeState
    call: Call
    told_at: datetime | None = None
    failure: str | None = None
    is_overtaken: bool = False
    occasion: Occasion | None = None
    not_before: datetime | None = None


# How callers know a state: the words of queues everywhere.
_WIRE_STATES = {
    NoticeState.OWED: "pending",
    NoticeState.TOLD: "delivered",
    NoticeState.DEAD: "dead",
    NoticeState.DROPPED: "superseded",
}


def wire_state(notice: Notice) -> str:
    """Return the word for the state that callers and operators know."""
    return _WIRE_STATES[notice.state]


def state_of_all(notices: Iterable[Notice]) -> str | None:
    """Return how the OrderService stands with a payment: what needs most care counts.

    `dead`, `pending` or `delivered`; None: there is nothing that it should know.
    """
    states = {notice.state for notice in notices if not notice.is_overtaken}
    for state in (NoticeState.DEAD, NoticeState.OWED, NoticeState.TOLD):
        if state in states:
            return _WIRE_STATES[state]
    return None


def owe(status: str, key: str, now: datetime, occasion: Occasion | None = None) -> Notice:
    """Return a notice that is due at once."""
    call = begin_call(key, now)
    return Notice(status=status, state=NoticeState.OWED, call=call, occasion=occasion)


def word_for(occasion: Occasion, policy: Policy) -> str:
    """Return the status that the OrderService is told of it; empty: it does not want to hear."""
    match occasion:
        case Occasion.PAID:
            return PAYMENT_RECEIVED
        case Occasion.CANCELED:
            return policy.order_status_canceled
        case Occasion.REFUNDED:
            return policy.order_status_refunded
        case Occasion.REFUND_FAILED:
            return policy.order_status_refund_failed
        case _:  # pragma: no cover - the union is closed
            assert_never(occasion)


def occasion_of(notice: Notice, policy: Policy) -> Occasion | None:
    """Return what a notice tells of; one of an earlier release says it by its word alone.

    None: that was a word of other settings.
    """
    if notice.occasion is not None:
        return notice.occasion
    return next((one for one in Occasion if word_for(one, policy) == notice.status), None)


def opens_order(notice: Notice, policy: Policy) -> bool:
    """Whether it tells the first thing that becomes of an order."""
    return occasion_of(notice, policy) in _OPENING


def may_have_arrived(notice: Notice) -> bool:
    """Whether some try of it may have been taken, whatever was answered to it."""
    return notice.call.doubts > 0


def overtaken(notice: Notice) -> Notice:
    """Return the notice when what it tells is not true any more: nobody is to hear of it now.

    One that is under way may arrive; the order then hears what became of it after that.
    """
    match notice.state:
        case NoticeState.OWED if notice.call.in_flight:
            return replace(notice, is_overtaken=True)
        case NoticeState.OWED | NoticeState.DEAD:
            return replace(notice, state=NoticeState.DROPPED)
    return notice


def next_owed(notices: Iterable[Notice]) -> tuple[Notice, datetime] | None:
    """Return the notice to be told next, and when. Strictly in order: a later one waits its turn.

    One that was overtaken is not told again. While that one may still arrive nothing else is told,
    nor while any other is under way.
    """
    owed = [notice for notice in notices if notice.state is NoticeState.OWED]
    first = next((notice for notice in owed if not notice.is_overtaken), None)
    if first is None:
        return None
    waits_for = [n for n in owed if n is first or n.is_overtaken or n.call.in_flight]
    return first, max(notice.call.due_at for notice in waits_for)


def given_up(notice: Notice) -> Notice:
    """Return the notice when a later one is told: one that was overtaken has had its time."""
    if notice.state is NoticeState.OWED and notice.is_overtaken:
        return replace(notice, state=NoticeState.DROPPED)
    return notice


def told(notice: Notice, news: News, now: datetime) -> Notice:
    """Return the notice after a try to deliver it. Nothing but a yes ends it before its time."""
    match news:
        case OrderTold():
            return replace(
                notice, state=NoticeState.TOLD, told_at=now, failure=None, not_before=None
            )
        case _ if notice.is_overtaken:
            return replace(notice, state=NoticeState.DROPPED)
    reason = getattr(news, "reason", "no answer")
    call = notice.call
    if now - call.begun_at >= DEAD_AFTER and call.tries >= DEAD_AFTER_TRIES:
        return replace(notice, state=NoticeState.DEAD, failure=reason)
    due_at = now + timedelta(seconds=_wait_s(call, news))
    call = replace(call, due_at=due_at, in_flight=False, doubts=_doubts_after(call, news))
    asked_s = _asked_wait_s(news)
    not_before = now + timedelta(seconds=asked_s) if asked_s else None
    return replace(notice, call=call, failure=reason, not_before=not_before)


def orphaned(notice: Notice, now: datetime) -> Notice:
    """Return the notice of an owner that is known to be dead; its last try may be at work still."""
    call = calls.orphaned(notice.call, now)
    if call is notice.call or call.asked_at is None:
        return notice
    due_at = max(now, call.asked_at + timedelta(seconds=UNANSWERED_WAIT_S))
    return replace(notice, call=replace(call, due_at=due_at))


def hastened(notice: Notice, now: datetime) -> Notice:
    """Return the notice due soon, for the OrderService takes others again, yet not too soon."""
    call = notice.call
    if notice.state is not NoticeState.OWED or call.in_flight or call.asked_at is None:
        return notice
    earliest = max(now, notice.not_before or now)
    soon = earliest + timedelta(seconds=MENDED_WITHIN_S * spread(call.key))
    due_at = max(soon, call.asked_at + timedelta(seconds=UNANSWERED_WAIT_S))
    return replace(notice, call=replace(call, due_at=due_at)) if due_at < call.due_at else notice


def due_with_token(notice: Notice, now: datetime) -> Notice:
    """Return the notice that waits for its next try due at once: somebody brings a token for it.

    One that may be at work still at the OrderService goes on waiting, and one that is to wait.
    """
    call = notice.call
    waits = notice.state is NoticeState.OWED and not call.in_flight and call.due_at > now
    if not waits or call.asked_at is None or notice.failure is None:
        return notice
    if call.doubts and now - call.asked_at < timedelta(seconds=UNANSWERED_WAIT_S):
        return notice
    if notice.not_before is not None and now < notice.not_before:
        return notice
    return replace(notice, call=replace(call, due_at=now))


def sent_again(notice: Notice, now: datetime) -> Notice:
    """Return the notice owed anew, for as long as a new one, under the key that it has.

    Whether it may have arrived stays known.
    """
    call = replace(begin_call(notice.call.key, now), doubts=notice.call.doubts)
    return replace(notice, state=NoticeState.OWED, call=call, told_at=None, not_before=None)


def _wait_s(call: Call, news: News) -> float:
    """Return the seconds until the next try; spread, so that a thousand do not come in one."""
    jitter = spread(f"{call.key}:{call.tries}")
    full_s = min(RETRY_FIRST_S * 2 ** min(call.tries - 1, 12), RETRY_MAX_S)
    wait_s: float = full_s * (0.5 + 0.5 * jitter)
    more = 1 + SPREAD_PART * jitter
    asked_s = _asked_wait_s(news)
    match news:
        case NotExecuted() | OrderRefused(lasting=False):
            pass
        case OrderRefused():
            full_s = LASTING_FIRST_S * 2 ** min(call.tries - 1, 12)
            wait_s = min(full_s * more, LASTING_MAX_S * (1 - SPREAD_PART * jitter))
        case _:
            asked_s = max(asked_s, UNANSWERED_WAIT_S)
    return max(wait_s, asked_s * more)


def _asked_wait_s(news: News) -> float:
    """Return how long the OrderService wants to be left alone, as far as we do that; 0: no word."""
    match news:
        case NotExecuted() | OrderRefused() | NoNews():
            return min(news.retry_after_s or 0.0, RETRY_AFTER_MAX_S)
    return 0.0


def _doubts_after(call: Call, news: News) -> int:
    """Return how many tries may have arrived. A server's error says nothing of what it did."""
    match news:
        case NotExecuted() | OrderRefused(lasting=True, may_have_arrived=False):
            return max(call.doubts - 1, 0)
    return call.doubts
