"""When to ask, when to look first, when to stop: the rules that every call to the outside obeys."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_service.domain.call import (
    Call,
    Move,
    asked,
    backoff_s,
    begin_call,
    found_nothing,
    heard_nothing,
    is_over,
    look_failed,
    looking,
    may_ask,
    next_move,
    orphaned,
    saved_error,
    spread,
    was_not_executed,
)
from tests.domain.papers import at

HOUR = 3600


def tried(times: int = 1, seconds: float = 0) -> Call:
    """Return a call after this many tries that brought no news, the last one under way."""
    call = begin_call("key", at(0))
    for _ in range(times):
        call = asked(call, at(seconds), lease_s=30)
    return call


def test_a_new_call_is_due_at_once_and_in_no_doubt() -> None:
    assert begin_call("key", at(7)) == Call("key", begun_at=at(7), due_at=at(7))


def test_a_try_is_written_down_as_doubt_and_as_a_claim_before_it_is_made() -> None:
    call = asked(found_nothing(tried(), at(1)), at(2), lease_s=30)

    assert (call.tries, call.doubts, call.looks) == (2, 2, 0)
    assert (call.asked_at, call.due_at, call.in_flight) == (at(2), at(32), True)


def test_only_what_is_under_way_is_claimed() -> None:
    """Whoever starts on a dead owner's store frees what is claimed, and nothing else."""
    under_way = tried(2)

    assert asked(begin_call("key", at(0)), at(1), lease_s=30).in_flight
    assert looking(replace(under_way, in_flight=False), at(1), lease_s=30).in_flight
    for over in (
        heard_nothing(under_way, at(1)),
        was_not_executed(under_way, at(1)),
        look_failed(under_way, at(1)),
        found_nothing(under_way, at(1)),
        orphaned(under_way, at(1)),
    ):
        assert not over.in_flight


def test_a_look_is_claimed_but_leaves_no_doubt() -> None:
    call = looking(tried(), at(2), lease_s=30)

    assert call == replace(tried(), due_at=at(32))


@pytest.mark.parametrize(
    ("doubts", "looks", "dead_end", "age_s", "move"),
    [
        (0, 0, None, 0, Move.ASK),
        (1, 0, None, 0, Move.LOOK),  # after any doubt look first
        (1, 1, None, 0, Move.ASK),  # a look found nothing: ask again, same key
        (2, 0, None, 0, Move.LOOK),
        (0, 0, None, 899.999, Move.ASK),
        (0, 0, None, 900, Move.LOOK),  # the payer may not expect the charge any more
        (1, 3, None, 900, Move.LOOK),
        (1, 3, "http_500", 0, Move.LOOK),  # asking can bring nothing new
        (0, 0, "http_500", 0, Move.LOOK),
    ],
)
def test_the_next_move(
    doubts: int, looks: int, dead_end: str | None, age_s: float, move: Move
) -> None:
    call = replace(begin_call("key", at(0)), doubts=doubts, looks=looks, dead_end=dead_end)

    assert next_move(call, at(age_s), ask_for_s=900) is move


def test_a_key_is_not_used_after_23_hours_however_long_one_may_ask() -> None:
    call = begin_call("key", at(0))

    assert may_ask(call, at(23 * HOUR - 0.001), ask_for_s=10 * 24 * HOUR)
    assert not may_ask(call, at(23 * HOUR), ask_for_s=10 * 24 * HOUR)


@pytest.mark.parametrize(
    ("call", "seconds", "over"),
    [
        (tried(), 899, False),  # one may still ask
        (tried(seconds=880), 999.999, False),  # the try at 880 may still be under way
        (tried(seconds=880), 1000, True),
        (tried(), 900, True),
        (replace(tried(), dead_end="http_500"), 19.999, False),  # the list may lag
        (replace(tried(), dead_end="http_500"), 20, True),
        (replace(tried(), dead_end=saved_error(424)), 19.999, False),
        (replace(tried(), dead_end=saved_error(424)), 20, True),
        (begin_call("key", at(0)), 899, False),
        (begin_call("key", at(0)), 900, True),  # never asked, so nothing to wait for
        (was_not_executed(tried(seconds=899), at(899)), 900, True),  # asked, and surely nothing
    ],
)
def test_a_look_that_found_nothing_is_the_last_word_only_on_evidence(
    call: Call, seconds: float, *, over: bool
) -> None:
    assert is_over(call, at(seconds), ask_for_s=900) is over


def test_after_a_lost_answer_we_look_at_once_and_later_less_often() -> None:
    first, third = heard_nothing(tried(), at(25)), heard_nothing(tried(3), at(25))

    assert first == replace(tried(), due_at=at(25), in_flight=False)
    assert third.due_at - at(25) == timedelta(seconds=backoff_s(tried(3), at(25)))
    assert third.doubts == 3


def test_a_lost_answer_takes_back_what_earlier_looks_found() -> None:
    call = replace(tried(), looks=2)

    assert heard_nothing(call, at(1)).looks == 0


def test_why_asking_again_is_vain_is_remembered() -> None:
    call = heard_nothing(tried(), at(1), dead_end="http_500")

    assert heard_nothing(call, at(2)).dead_end == "http_500"


def test_a_try_that_surely_did_nothing_takes_its_own_doubt_with_it_and_no_other() -> None:
    assert was_not_executed(tried(2), at(0)).doubts == 1
    assert was_not_executed(tried(1), at(0)).doubts == 0
    assert was_not_executed(begin_call("key", at(0)), at(0)).doubts == 0


def test_we_wait_as_long_as_stripe_asks_for_but_never_less_than_the_back_off() -> None:
    call = tried()

    asked_to = was_not_executed(call, at(0), retry_after_s=7)
    hardly = was_not_executed(call, at(0), retry_after_s=0)

    assert asked_to.due_at == at(7)
    assert hardly.due_at == at(0) + timedelta(seconds=backoff_s(call, at(0)))


def test_only_a_claim_can_lose_its_owner() -> None:
    waiting = look_failed(tried(), at(3))

    freed = replace(tried(), due_at=at(4), in_flight=False, quiet_at=at(10))
    assert orphaned(tried(), at(4)) == freed
    assert orphaned(waiting, at(4)) is waiting


def test_while_the_request_of_a_dead_owner_may_be_under_way_nothing_found_shows_nothing() -> None:
    """It may arrive after the look: asking again at once would be a second effect without a key."""
    freed = orphaned(tried(), at(4))
    assert freed.quiet_at == at(10)

    early = found_nothing(freed, at(5))
    assert next_move(early, early.due_at, ask_for_s=900) is Move.LOOK
    assert at(5) < early.due_at <= at(10)

    late = found_nothing(early, at(10))
    assert next_move(late, late.due_at, ask_for_s=900) is Move.ASK
    assert asked(late, late.due_at, lease_s=30).quiet_at is None


def test_a_look_without_an_answer_is_repeated_after_a_while() -> None:
    call = look_failed(tried(), at(3))

    wait = timedelta(seconds=backoff_s(tried(), at(3)))
    assert call == replace(tried(), due_at=at(3) + wait, in_flight=False, unanswered=1)


def test_looks_without_an_answer_come_less_and_less_often() -> None:
    """An outage of Stripe's lasts hours, and every payment in doubt looks again all the time."""
    call, waits = tried(), []
    for _ in range(14):
        failed = look_failed(call, at(1_000))
        waits.append((failed.due_at - at(1_000)).total_seconds())
        call = looking(failed, at(1_000), lease_s=30)

    for number, wait_s in enumerate(waits, start=1):
        assert min(0.5 * 2**number, 600) / 2 <= wait_s < min(0.5 * 2**number, 600)


def test_once_there_is_an_answer_the_waiting_begins_anew() -> None:
    call = replace(tried(), unanswered=7)

    assert found_nothing(call, at(1)).unanswered == 0
    assert heard_nothing(call, at(1)).unanswered == 0
    assert was_not_executed(call, at(1)).unanswered == 0
    assert asked(call, at(1), lease_s=30).unanswered == 0


def test_when_nothing_is_found_after_the_first_try_it_is_asked_again_at_once() -> None:
    first, second = found_nothing(tried(), at(3)), found_nothing(tried(2), at(3))
    vain = found_nothing(replace(tried(), dead_end="http_500"), at(3))

    assert (first.due_at, first.looks) == (at(3), 1)
    assert second.due_at == at(3) + timedelta(seconds=backoff_s(tried(2), at(3)))
    assert vain.due_at == at(3) + timedelta(seconds=backoff_s(tried(), at(3)))


def test_when_asking_is_vain_the_look_that_ends_it_comes_as_soon_as_it_may() -> None:
    vain = replace(tried(6), dead_end="http_500")

    assert found_nothing(vain, at(19)).due_at == at(20)
    assert found_nothing(vain, at(20)).due_at > at(21), "it was not the last word, so less often"


@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 7 * 86_400), st.text(max_size=9))
def test_back_off_is_bounded_and_the_same_each_time(
    tries: int, looks: int, age_s: int, key: str
) -> None:
    """While a payer may be waiting the truth must come in well under a minute."""
    call = replace(begin_call(key, at(0)), tries=tries, looks=looks)

    wait_s = backoff_s(call, at(age_s))

    full = min(0.5 * 2 ** min(tries + looks, 12), 15 if age_s < 900 else 600)
    assert full / 2 <= wait_s < full
    assert wait_s == backoff_s(call, at(age_s))


@given(st.text(max_size=20))
def test_spread_is_a_part_of_one(text: str) -> None:
    assert 0 <= spread(text) < 1
