"""How far a list was read: windows that are read whole or not at all, and gaps that are counted."""

from dataclasses import replace
from datetime import timedelta

import pytest

from payment_service.domain import cursor as cursors
from payment_service.domain.cursor import LEASE_S, LISTED_FOR, SPAN_MAX_S, SPAN_MIN_S, Cursor
from tests.domain.papers import at

LAG_S, EVERY_S = 15.0, 60.0


def opened() -> Cursor:
    return cursors.opened("events", at(0))


def test_of_a_list_nothing_before_it_was_opened_matters() -> None:
    assert opened() == Cursor("events", 0, read_until=at(0), due_at=at(0))
    assert (opened().wake_at, opened().span_s) == (at(0), SPAN_MAX_S)


def test_a_claim_lapses_by_itself() -> None:
    assert cursors.claimed(opened(), at(5)).wake_at == at(5 + LEASE_S)


@pytest.mark.parametrize(
    ("now_s", "until_s"),
    [
        (0, None),
        (LAG_S, None),
        (LAG_S + 0.9, None),  # whole seconds, as Stripe counts
        (LAG_S + 1, 1),
        (100.7, 85),
        (SPAN_MAX_S + LAG_S, SPAN_MAX_S),
        (5 * SPAN_MAX_S, SPAN_MAX_S),  # no more than a day at once
    ],
)
def test_what_is_read_next_is_old_enough_to_be_listed(now_s: float, until_s: float | None) -> None:
    window = cursors.window(opened(), at(now_s), lag_s=LAG_S)

    assert window == (None if until_s is None else (at(0), at(until_s)))


def test_windows_follow_each_other_without_a_gap_or_an_overlap() -> None:
    cursor, now, windows = replace(opened(), span_s=100.0), at(450), []
    while window := cursors.window(cursor, now, lag_s=LAG_S):
        windows.append(window)
        cursor = cursors.read(cursor, window[1], now, lag_s=LAG_S, every_s=EVERY_S)

    assert windows == [(at(0), at(100)), (at(100), at(300)), (at(300), at(435))]


def test_while_it_lags_behind_it_reads_on_at_once() -> None:
    behind = cursors.read(opened(), at(100), at(500), lag_s=LAG_S, every_s=EVERY_S)
    up_to_date = cursors.read(opened(), at(485), at(500), lag_s=LAG_S, every_s=EVERY_S)

    assert behind.due_at == at(500)
    assert at(500 + 0.75 * EVERY_S) <= up_to_date.due_at < at(500 + 1.25 * EVERY_S)
    assert (up_to_date.read_until, up_to_date.failed) == (at(485), 0)


@pytest.mark.parametrize("every_s", [1.0, 5.0, 14.0])
def test_one_that_is_read_more_often_than_it_lags_does_not_spin(every_s: float) -> None:
    now = at(500)

    cursor = cursors.read(opened(), at(485), now, lag_s=LAG_S, every_s=every_s)

    assert cursor.due_at >= now + timedelta(seconds=0.75 * every_s)


def test_a_window_that_cannot_be_read_is_halved_and_tried_later_and_later() -> None:
    cursor, waits, spans = opened(), [], []
    for _ in range(20):
        cursor = cursors.not_read(cursor, at(0))
        waits.append((cursor.due_at - at(0)).total_seconds())
        spans.append(cursor.span_s)

    assert waits[:4] == [2, 4, 8, 16]
    assert waits[-1] == cursors.RETRY_MAX_S
    assert spans[:3] == [SPAN_MAX_S / 2, SPAN_MAX_S / 4, SPAN_MAX_S / 8]
    assert spans[-1] == SPAN_MIN_S
    assert (cursor.failed, cursor.read_until) == (20, at(0))


def test_a_window_that_was_read_is_followed_by_one_twice_as_long() -> None:
    cursor = cursors.not_read(cursors.not_read(opened(), at(0)), at(0))

    once = cursors.read(cursor, at(9), at(500), lag_s=LAG_S, every_s=EVERY_S)
    often = once
    for _ in range(5):
        often = cursors.read(often, at(9), at(500), lag_s=LAG_S, every_s=EVERY_S)

    assert (once.span_s, once.failed, often.span_s) == (SPAN_MAX_S / 2, 0, SPAN_MAX_S)


def test_what_stripe_lists_no_more_is_a_gap_that_is_counted() -> None:
    in_time, late = LISTED_FOR.total_seconds(), LISTED_FOR.total_seconds() + 10

    assert cursors.skipped_gap(opened(), at(in_time)) == opened()
    moved = cursors.skipped_gap(opened(), at(late))
    assert (moved.read_until, moved.gaps) == (at(10), 1)
    assert cursors.skipped_gap(moved, at(late)) is moved


@pytest.mark.parametrize(
    ("until_s", "newest_s", "read_until_s"),
    [
        (985, 900, 885),  # up to the newest event Stripe's list is complete, give or take
        (985, None, 385),  # a clock that is ten minutes ahead calls 385 the present
        (985, 300, 385),  # the newest is older than that
        (985, 990, 975),
        (100, None, 100),  # of long ago no clock doubts that it is past
        (985, 10, 385),
    ],
)
def test_what_may_not_have_happened_yet_by_stripes_clock_is_read_again(
    until_s: float, newest_s: float | None, read_until_s: float
) -> None:
    now, newest = at(1000), None if newest_s is None else at(newest_s)
    cursor = replace(opened(), read_until=at(until_s))

    held = cursors.held_back(cursor, at(0), newest, now, lag_s=LAG_S)

    assert held == replace(cursor, read_until=at(read_until_s))


def test_a_cursor_never_goes_back() -> None:
    cursor = replace(opened(), read_until=at(985))

    assert cursors.held_back(cursor, at(900), None, at(1000), lag_s=LAG_S).read_until == at(900)
