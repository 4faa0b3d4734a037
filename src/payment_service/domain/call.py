"""A call: one thing asked of the outside, from the written intention to definite news.

Payments, refunds, notices and customers all owe their calls to the same few rules, which are here:
when to ask, when to look first, when to stop.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from zlib import crc32

# Stripe may forget an idempotency key after 24 h. The hour covers the lease within which what is
# decided must leave, and the way there.
KEY_HELD_S = 23 * 3600
# After this long an effect that a list of Stripe's does not show did not happen: lists are
# read-after-write, and no request to Stripe runs longer than the SDK's default time-out of 80 s.
# When Stripe has answered with an error saved under our key, nothing can be under way any more and
# only a lagging list is left to wait for. Any other refusal says nothing of an earlier try.
UNANSWERED_IS_FINAL_AFTER_S = 120
ANSWERED_IS_FINAL_AFTER_S = 20
# What such a dead end is called: this, and the status of the answer that is saved.
SAVED_ERROR = "http_"
# Why a try was held back by ourselves: its claim was over before it could leave.
LAPSED = "claim_lapsed"
# A request that outlived its process arrives within seconds, or never. The key holds it back too;
# this is for a key that Stripe has lost, and short since a payer may wait.
ORPHAN_MAY_LIVE_S = 10
# A call that surely did nothing is tried this often before the caller is told to come back.
NOT_EXECUTED_TRIES_MAX = 4

BACKOFF_FIRST_S = 0.5
# While a payer may be waiting the truth must come in well under a minute; later it may take its
# time, since a loop without back-off is itself an outage.
BACKOFF_FRESH_MAX_S = 15
BACKOFF_MAX_S = 600
FRESH_S = 900


class Move(Enum):
    """What to do next about a call."""

    ASK = "ask"
    LOOK = "look"


@dataclass(frozen=True, slots=True)
class Call:
    """One intention and what became of it so far.

    key: idempotency key, the same for every try.
    begun_at: when the intention was first written.
    due_at: when somebody must work on it next: the end of the lease while a try is under way, the
        end of the back-off otherwise.
    asked_at: when the last try was begun.
    tries: how often the outside was asked to act; looks do not count.
    in_flight: whether somebody claimed it and works on it until `due_at`.
    doubts: how many of these tries may have had their effect without our knowing, the one under way
        included.
    looks: how often in a row we looked and found nothing since the last try.
    unanswered: how often in a row a look brought no answer.
    dead_end: why asking again can bring nothing new (an error saved under the key, say).
    quiet_at: when a try whose owner died can no longer be under way.
    """

    key: str
    begun_at: datetime
    due_at: datetime
    asked_at: datetime | None = None
    in_flight: bool = False
    tries: int = 0
    doubts: int = 0
    looks: int = 0
    unanswered: int = 0
    dead_end: str | None = None
    quiet_at: datetime | None = None


def saved_error(status: int) -> str:
    """Return what the dead end is called when an answer that tells nothing is saved under a key."""
    return f"{SAVED_ERROR}{status}"


def is_saved_error(why: str) -> bool:
    """Say whether that is why a key was a dead end."""
    return why.startswith(SAVED_ERROR)


def begin_call(key: str, now: datetime) -> Call:
    """Return a call that is due at once and was never tried."""
    return Call(key=key, begun_at=now, due_at=now)


def next_move(call: Call, now: datetime, *, ask_for_s: float) -> Move:
    """Say what to do about a call that is due: after any doubt look first, then ask again.

    ask_for_s: how long after `begun_at` the effect may still be asked for.
    """
    if call.doubts and not call.looks:
        return Move.LOOK
    return Move.ASK if may_ask(call, now, ask_for_s=ask_for_s) else Move.LOOK


def may_ask(call: Call, now: datetime, *, ask_for_s: float) -> bool:
    """Say whether the effect may still be asked for, under the same key."""
    age_s = (now - call.begun_at).total_seconds()
    return call.dead_end is None and age_s < min(ask_for_s, KEY_HELD_S)


def is_over(call: Call, now: datetime, *, ask_for_s: float) -> bool:
    """Say whether a look that just found nothing is the last word: nothing happened, nothing will.

    That takes evidence, not only time: no more asking, no try that can still be under way, and a
    list that had time to show what there was.
    """
    if may_ask(call, now, ask_for_s=ask_for_s):
        return False
    return not call.doubts or call.asked_at is None or now >= _final_at(call, call.asked_at)


def _final_at(call: Call, asked_at: datetime) -> datetime:
    """Return from when on a look that finds nothing tells that the last try did nothing."""
    answered = call.dead_end is not None and is_saved_error(call.dead_end)
    quiet_s = ANSWERED_IS_FINAL_AFTER_S if answered else UNANSWERED_IS_FINAL_AFTER_S
    return asked_at + timedelta(seconds=quiet_s)


def asked(call: Call, now: datetime, *, lease_s: float) -> Call:
    """Return the call as it must be written before it is tried: in doubt, and claimed."""
    return replace(
        call,
        due_at=now + timedelta(seconds=lease_s),
        in_flight=True,
        asked_at=now,
        tries=call.tries + 1,
        doubts=call.doubts + 1,
        looks=0,
        unanswered=0,
        quiet_at=None,
    )


def looking(call: Call, now: datetime, *, lease_s: float) -> Call:
    """Return the call claimed for a look, which has no effect and so leaves no doubt."""
    return replace(call, due_at=now + timedelta(seconds=lease_s), in_flight=True)


def orphaned(call: Call, now: datetime) -> Call:
    """Return the call of an owner that is known to be dead: due at once, and in doubt as it was.

    Its last request may have outlived it; for a while only an effect is evidence.
    """
    if not call.in_flight:
        return call
    quiet_at = call.asked_at and call.asked_at + timedelta(seconds=ORPHAN_MAY_LIVE_S)
    return replace(call, due_at=now, in_flight=False, quiet_at=quiet_at)


def heard_nothing(call: Call, now: datetime, *, dead_end: str | None = None) -> Call:
    """After a try without definite news: the doubt stays; look at once, then less often."""
    wait_s = 0.0 if call.tries <= 1 and call.looks == 0 else backoff_s(call, now)
    return replace(
        call,
        due_at=now + timedelta(seconds=wait_s),
        in_flight=False,
        looks=0,
        unanswered=0,
        dead_end=dead_end or call.dead_end,
    )


def was_not_executed(call: Call, now: datetime, *, retry_after_s: float | None = None) -> Call:
    """After a try that surely did nothing: its doubt goes, those of other tries stay."""
    wait_s = max(backoff_s(call, now), retry_after_s or 0.0)
    return replace(
        call,
        due_at=now + timedelta(seconds=wait_s),
        in_flight=False,
        doubts=max(call.doubts - 1, 0),
        looks=0,
        unanswered=0,
    )


def look_failed(call: Call, now: datetime) -> Call:
    """After a look that brought no answer: look again later, and less and less often."""
    due_at = now + timedelta(seconds=backoff_s(call, now))
    return replace(call, due_at=due_at, in_flight=False, unanswered=call.unanswered + 1)


def found_nothing(call: Call, now: datetime) -> Call:
    """After a look that showed no effect: ask again, at once the first time.

    While a request of a dead owner may be under way that shows nothing: look again. When asking is
    vain the look that is the last word comes no later than it may.
    """
    if call.quiet_at is not None and now < call.quiet_at:
        early = look_failed(call, now)
        return replace(early, due_at=min(early.due_at, call.quiet_at), looks=0)
    wait_s = 0.0 if call.tries <= 1 and call.dead_end is None else backoff_s(call, now)
    due_at = now + timedelta(seconds=wait_s)
    if call.dead_end is not None and call.asked_at is not None:
        final_at = _final_at(call, call.asked_at)
        due_at = min(due_at, final_at) if now < final_at else due_at
    looks = call.looks + 1
    return replace(call, due_at=due_at, in_flight=False, looks=looks, unanswered=0)


def backoff_s(call: Call, now: datetime) -> float:
    """Return the seconds to wait, growing with the tries and spread by the key, never random."""
    fresh = (now - call.begun_at).total_seconds() < FRESH_S
    ceiling = BACKOFF_FRESH_MAX_S if fresh else BACKOFF_MAX_S
    steps = min(call.tries + call.looks + call.unanswered, 12)
    full: float = min(BACKOFF_FIRST_S * 2**steps, ceiling)
    return full * (0.5 + 0.5 * spread(f"{call.key}:{steps}"))


def spread(text: str) -> float:
    """Return a number in [0, 1) that is the same for the same text: jitter without randomness."""
    return (crc32(text.encode()) & 0xFFFF) / 0x10000
