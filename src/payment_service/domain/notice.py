"""A notice: what we owe the OrderService, saved in the same write as the change it tells of."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from payment_service.domain.call import Call, begin_call, spread
from payment_service.domain.news import News, OrderRefused, OrderTold

# The words the OrderService knows.
PAYMENT_RECEIVED = "PAYMENT RECEIVED"

RETRY_FIRST_S = 1.0
RETRY_MAX_S = 600.0
# After three days the OrderService has lost its data or our address: a person must look.
DEAD_AFTER = timedelta(days=3)
# It must also have refused this often: we may have been away ourselves for these days.
DEAD_AFTER_TRIES = 20
# A token may have expired just now: only its refusal twice in a row is final.
TOKEN_REFUSED = frozenset({"http_401", "http_403"})


class NoticeState(StrEnum):
    """Owed until told; dead when a person must look; dropped when overtaken before it left."""

    OWED = "owed"
    TOLD = "told"
    DEAD = "dead"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Notice:
    """One status of one order, told at least once. `call.key` lets the receiver drop repeats.

    is_overtaken: whether it stopped being true while it was under way, so it is not told again.
    """

    status: str
    state: NoticeState
    call: Call
    told_at: datetime | None = None
    failure: str | None = None
    is_overtaken: bool = False


def owe(status: str, key: str, now: datetime) -> Notice:
    """Return a notice that is due at once."""
    return Notice(status=status, state=NoticeState.OWED, call=begin_call(key, now))


def overtaken(notice: Notice) -> Notice:
    """Return the notice of a payment that begins anew: what was not told yet is not true any more.

    One that is under way may arrive; the order then hears of the new payment after it.
    """
    if notice.state is not NoticeState.OWED:
        return notice
    if notice.call.in_flight:
        return replace(notice, is_overtaken=True)
    return replace(notice, state=NoticeState.DROPPED)


def next_owed(notices: Iterable[Notice]) -> tuple[Notice, datetime] | None:
    """Return the notice to be told next, and when. Strictly in order: a later one waits its turn.

    One that was overtaken is not told again, but while it may still arrive nothing else is told.
    """
    begins_at: datetime | None = None
    for notice in notices:
        if notice.state is not NoticeState.OWED:
            continue
        due_at = notice.call.due_at
        begins_at = due_at if begins_at is None else max(begins_at, due_at)
        if not notice.is_overtaken:
            return notice, begins_at
    return None


def given_up(notice: Notice) -> Notice:
    """Return the notice when a later one is told: one that was overtaken has had its time."""
    if notice.state is NoticeState.OWED and notice.is_overtaken:
        return replace(notice, state=NoticeState.DROPPED)
    return notice


def told(notice: Notice, news: News, now: datetime) -> Notice:
    """Return the notice after a try to deliver it."""
    match news:
        case OrderTold():
            return replace(notice, state=NoticeState.TOLD, told_at=now, failure=None)
        case _ if notice.is_overtaken:
            return replace(notice, state=NoticeState.DROPPED)
        case OrderRefused(reason=reason, final=True) if _is_final(reason, notice.failure):
            return replace(notice, state=NoticeState.DEAD, failure=reason)
        case OrderRefused(reason=reason):
            return _again(notice, reason, now)
        case _:
            return _again(notice, getattr(news, "reason", "no answer"), now)


def _is_final(reason: str, reason_before: str | None) -> bool:
    return reason not in TOKEN_REFUSED or reason_before in TOKEN_REFUSED


def _again(notice: Notice, reason: str, now: datetime) -> Notice:
    call = notice.call
    if now - call.begun_at >= DEAD_AFTER and call.tries >= DEAD_AFTER_TRIES:
        return replace(notice, state=NoticeState.DEAD, failure=reason)
    full = min(RETRY_FIRST_S * 2 ** min(call.tries - 1, 12), RETRY_MAX_S)
    wait_s = full * (0.5 + 0.5 * spread(f"{call.key}:{call.tries}"))
    call = replace(call, due_at=now + timedelta(seconds=wait_s), in_flight=False)
    return replace(notice, call=call, failure=reason)
