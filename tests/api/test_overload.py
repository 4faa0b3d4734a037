"""When one request more is too much: by how long it would take, and by how many there are."""

import pytest

from payment_service.api.overload import (
    CALM_S,
    CAPACITY_AT_FIRST,
    FELT_MIN,
    INSIDE_MIN,
    LATE_FOR_S,
    TURNS,
    Admission,
)

FEEL_S = 0.05
TARGET_S = 0.25


class Process:
    """A process that does `can` requests a second; the others wait inside."""

    def __init__(self, can: float) -> None:
        self.admission = Admission(10_000, TARGET_S)
        self.can = can
        self.queue = 0.0
        self.now = 0.0
        self.done = 0.0
        self.shed = 0
        self.worst_s = 0.0

    def run(self, seconds: float, offered: float) -> float:
        """Let so many come a second; return how many were done a second."""
        before, came = self.done, 0.0
        for _ in range(int(seconds / FEEL_S)):
            self.now += FEEL_S
            came += offered * FEEL_S
            while came >= 1:
                came -= 1
                taken = self.admission.admits(int(self.queue))
                self.queue += taken
                self.shed += not taken
            worked = min(self.queue, self.can * FEEL_S)
            self.queue -= worked
            done = int(self.done + worked) - int(self.done)
            self.done += worked
            self.admission.felt(int(self.queue), done, 0.0, self.now)
            self.worst_s = max(self.worst_s, self.queue / self.can)
        return (self.done - before) / seconds


def late(admission: Admission, *, inside: int = 1000) -> float:
    """Let there be too much inside for a while; return when that was."""
    now = 0.0
    for _ in range(FELT_MIN + int(LATE_FOR_S / FEEL_S)):
        now += FEEL_S
        admission.felt(inside, int(admission.capacity * FEEL_S), 0.0, now)
    return now


def test_below_what_it_can_do_nothing_is_refused() -> None:
    process = Process(can=500)

    process.run(10, offered=490)

    assert process.shed == 0


@pytest.mark.parametrize("can", [50, 500, 2000])
@pytest.mark.parametrize("times", [1.5, 3, 10])
def test_however_much_comes_it_does_all_that_it_can_and_nobody_waits_long(
    can: float, times: float
) -> None:
    process = Process(can)
    process.run(5, offered=can * 0.8)
    process.run(3, offered=can * times)
    process.worst_s = 0.0

    done = process.run(10, offered=can * times)

    assert done > can * 0.98
    assert process.worst_s < TARGET_S * 2 + times * FEEL_S


def test_a_while_after_the_flood_nothing_is_refused_any_more() -> None:
    process = Process(can=500)
    process.run(5, offered=1500)
    process.run(CALM_S * 3, offered=300)
    process.shed = 0

    process.run(5, offered=450)

    assert process.shed == 0


def test_one_burst_is_no_overload() -> None:
    """A hundred at once to a process that has just begun, and then nothing more than usual."""
    process = Process(can=500)
    process.queue += 100

    process.run(5, offered=300)

    assert process.shed == 0


def test_one_long_pause_is_no_overload() -> None:
    admission = Admission(1000, TARGET_S)

    admission.felt(500, 0, 2.0, 2.0)
    admission.felt(0, 500, 0.0, 2.05)

    assert not admission.is_late


def test_whoever_waits_for_stripe_is_no_load_until_there_are_too_many_to_keep() -> None:
    admission = Admission(300, TARGET_S)
    late(admission, inside=0)

    assert all(admission.admits(in_flight) for in_flight in range(300))
    assert not admission.admits(300)
    assert not admission.admits(300, may_be_shed=False)


def test_what_must_not_be_shed_is_taken_while_there_is_room() -> None:
    admission = Admission(300, TARGET_S)
    late(admission)

    assert not admission.admits(100)
    assert admission.admits(100, may_be_shed=False)


def test_a_few_slow_ones_are_no_queue() -> None:
    admission = Admission(300, TARGET_S)
    for step in range(100):
        admission.felt(INSIDE_MIN - 1, 0, 5.0, step * FEEL_S)

    assert not admission.is_late
    assert admission.capacity == CAPACITY_AT_FIRST


def test_as_much_is_admitted_as_the_queue_is_short() -> None:
    admission = Admission(300, TARGET_S)
    now = late(admission)
    at_target = int(CAPACITY_AT_FIRST * TARGET_S)

    admission.felt(at_target, int(CAPACITY_AT_FIRST * FEEL_S), 0.0, now + FEEL_S)

    assert admission.share == pytest.approx(0.5)
    assert sum(admission.admits(100) for _ in range(100)) == 50


def test_less_is_admitted_when_the_refusals_alone_make_a_turn_long() -> None:
    admission = Admission(300, TARGET_S)
    for step in range(1, 10):
        admission.felt(INSIDE_MIN, 10, TARGET_S / TURNS * 1.2, step * FEEL_S)

    assert admission.is_late
    assert admission.share == pytest.approx(0.3)


def test_what_it_can_do_is_learned_by_seeing_it_at_work() -> None:
    process = Process(can=1000)
    process.run(10, offered=3000)

    assert process.admission.capacity == pytest.approx(1000, rel=0.05)


def test_without_a_target_it_is_never_too_late() -> None:
    admission = Admission(300, delay_target_s=0)
    late(admission)

    assert not admission.is_late
