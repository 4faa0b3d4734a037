"""A notice: what we owe the OrderService, saved in the same write as the change it tells of."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from payment_service.domain.call import Call, begin_call, spread
from payment_service.domain.steps import News, OrderRefused, OrderTold

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
    """Owed until told; dead when a person must look."""

    OWED = "owed"
    TOLD = "told"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Notice:
    """One status of one order, told at least once. `call.key` lets the receiver drop repeats."""

    status: str
    state: NoticeState
    call: Call
    told_at: datetime | None = None
    failure: str | None = None


def owe(status: str, key: str, now: datetime) -> Notice:
    """Return a notice that is due at once."""
    return Notice(status=status, state=NoticeState.OWED, call=begin_call(key, now))


def told(notice: Notice, news: News, now: datetime) -> Notice:
    """Return the notice after a try to deliver it."""
    match news:
        case OrderTold():
            return replace(notice, state=NoticeState.TOLD, told_at=now, failure=None)
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
