"""When one request more is too much: by how long it would queue, and by how many there are."""

import pytest

from payment_service.api.overload import (
    BURST_ABOVE,
    BURST_MIN,
    CALM_S,
    COST_AT_FIRST_S,
    DONE_AT_FIRST,
    FELT_MIN,
    INSIDE_MIN,
    LATE_FOR_S,
    NEWEST_DONE,
    PATIENCE,
    TURNS,
    WARM_AFTER,
    Admission,
)

FEEL_S = 0.05
TARGET_S = 0.1


class Process:
    """A process that does `can` requests a second; the others wait inside.

    waits_s: how long each waits for a database besides, which makes no turn longer.
    """

    def __init__(self, can: float, *, waits_s: float = 0.0, warm: bool = True) -> None:
        self.admission = Admission(10_000, TARGET_S)
        self.can = can
        self.queue = 0.0
        self.waiting = [0.0] * int(waits_s / FEEL_S)
        self.now = 0.0
        self.done = 0.0
        self.shed = 0
        self.worst_s = 0.0
        if warm:
            self.run(WARM_AFTER * FEEL_S * 2, offered=can * 0.9 + INSIDE_MIN / FEEL_S)
            self.run(10, offered=0)
            self.shed, self.worst_s = 0, 0.0

    @property
    def inside(self) -> int:
        return int(self.queue + sum(self.waiting))

    def run(self, seconds: float, offered: float) -> float:
        """Let so many come a second; return how many were done a second."""
        before, came = self.done, 0.0
        for _ in range(int(seconds / FEEL_S)):
            self.now += FEEL_S
            came += offered * FEEL_S
            while came >= 1:
                came -= 1
                taken = self.admission.admits(self.inside, self.inside)
                self.queue += taken
                self.shed += not taken
            self._work()
        return (self.done - before) / seconds

    def _work(self) -> None:
        turn_s = self.queue / self.can / TURNS
        self.worst_s = max(self.worst_s, self.queue / self.can)
        worked = min(self.queue, self.can * FEEL_S)
        inside = self.inside
        self.queue -= worked
        self.waiting.append(worked)
        ready = self.waiting.pop(0)
        done = int(self.done + ready) - int(self.done)
        self.done += ready
        self.admission.felt(inside, done, turn_s, self.now)


def felt(
    admission: Admission, inside: int, *, steps: int, turn_s: float, now: float = 0.0
) -> float:
    """Let there be so much inside, so many times; return when that was."""
    for _ in range(steps):
        now += FEEL_S
        admission.felt(inside, int(DONE_AT_FIRST * FEEL_S), turn_s, now)
    return now


def late(*, in_flight_max: int = 300) -> Admission:
    """Return the admission of a process that has long had too much to do."""
    admission = Admission(in_flight_max, TARGET_S)
    felt(admission, 200, steps=WARM_AFTER + FELT_MIN, turn_s=TARGET_S)
    assert admission.is_late
    return admission


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
    assert process.worst_s < max(TARGET_S * 2, INSIDE_MIN / can * 2)


@pytest.mark.parametrize("times", [3, 10])
def test_a_flood_that_comes_at_once_makes_nobody_wait_much_longer(times: float) -> None:
    process = Process(can=500)
    process.run(5, offered=300)

    process.run(5, offered=500 * times)

    assert process.worst_s < TARGET_S * (BURST_ABOVE + 0.5)


def test_a_while_after_the_flood_nothing_is_refused_any_more() -> None:
    process = Process(can=500)
    process.run(5, offered=1500)
    process.run(CALM_S * 3, offered=300)
    process.shed = 0

    process.run(5, offered=450)

    assert process.shed == 0


def test_one_burst_is_no_overload() -> None:
    process = Process(can=500)
    process.queue += BURST_MIN

    process.run(5, offered=300)

    assert process.shed == 0


def test_a_process_that_has_just_begun_may_be_slow() -> None:
    process = Process(can=100, warm=False)

    for _ in range(BURST_MIN):
        process.queue += process.admission.admits(process.inside, process.inside)
    process.run(0.5, offered=50)

    assert process.queue > BURST_MIN / 4, "it was slow"
    assert process.shed == 0


def test_but_when_too_much_comes_at_once_a_part_is_refused_even_then() -> None:
    process = Process(can=500, warm=False)

    process.run(1, offered=5000)

    assert process.shed > 0
    assert process.worst_s < 1


def test_one_long_pause_is_no_overload() -> None:
    admission = Admission(1000, TARGET_S)
    now = felt(admission, 30, steps=WARM_AFTER, turn_s=0.002)

    now = felt(admission, 100, steps=1, turn_s=2.0, now=now + 2.0)

    assert not admission.is_late
    assert admission.admits(101, 100)
    felt(admission, 10, steps=1, turn_s=0.002, now=now)
    assert not admission.is_late


@pytest.mark.parametrize("waits_s", [0.1, 0.5])
def test_a_slow_database_is_waited_for_while_the_processor_has_nothing_to_do(
    waits_s: float,
) -> None:
    process = Process(can=500, waits_s=waits_s)

    done = process.run(20, offered=300)

    assert process.shed == 0
    assert done == pytest.approx(300, rel=0.05)


def test_a_database_that_stands_still_for_a_second_refuses_nobody() -> None:
    admission = Admission(1000, TARGET_S)
    now = felt(admission, 30, steps=WARM_AFTER * 5, turn_s=0.001)

    for inside in range(0, 300, 15):  # as many as come in a twentieth of a second
        now += FEEL_S
        admission.felt(inside, 0, 0.0, now)

    assert not admission.is_late
    assert admission.admits(300, 300)


def test_a_database_that_is_full_is_overload_too() -> None:
    admission = Admission(1000, TARGET_S)

    for step in range(int(1 / NEWEST_DONE) * 2):
        admission.felt(200, 1, 0.0, step * FEEL_S)

    assert admission.done < 200 / (TARGET_S * PATIENCE)
    assert admission.is_late
    assert not admission.admits(200, 200)
    assert admission.admits(BURST_MIN - 1, BURST_MIN - 1), "a few slow ones are no queue"


def test_whoever_waits_for_stripe_is_no_load_until_there_are_too_many_to_keep() -> None:
    admission = late()

    assert all(admission.admits(in_flight, 0) for in_flight in range(300))
    assert not admission.admits(300, 0)
    assert not admission.admits(300, 0, may_be_shed=False)


def test_what_must_not_be_shed_is_taken_while_there_is_room() -> None:
    admission = late()

    assert not admission.admits(250, 200)
    assert admission.admits(250, 200, may_be_shed=False)


def test_a_few_slow_ones_are_no_queue() -> None:
    admission = Admission(300, TARGET_S)
    felt(admission, INSIDE_MIN - 1, steps=100, turn_s=5.0)

    assert not admission.is_late
    assert admission.cost_s == pytest.approx(COST_AT_FIRST_S)


@pytest.mark.parametrize(("targets", "taken"), [(0.5, 100), (1.0, 50), (1.25, 25), (1.5, 0)])
def test_as_much_is_admitted_as_the_queue_is_short(targets: float, taken: int) -> None:
    admission = late()
    inside = targets * TARGET_S / admission.cost_s
    scale = round(inside) / inside

    found = sum(admission.admits(250, round(inside)) for _ in range(100))

    assert found == pytest.approx(taken, abs=2 + 100 * abs(scale - 1) * targets)


def test_what_a_request_costs_is_learned_by_seeing_it_at_work() -> None:
    process = Process(can=1000)
    process.run(10, offered=3000)

    assert process.admission.cost_s == pytest.approx(1 / 1000, rel=0.05)


def test_refusals_that_cost_much_are_counted_with_what_is_admitted() -> None:
    cheap, dear = Admission(300, TARGET_S), Admission(300, TARGET_S)
    felt(cheap, 50, steps=100, turn_s=0.002)
    felt(dear, 50, steps=100, turn_s=0.004)

    assert dear.cost_s == pytest.approx(2 * cheap.cost_s, rel=0.01)


def test_without_a_target_it_is_never_too_late() -> None:
    admission = Admission(300, target_s=0)
    felt(admission, 200, steps=100, turn_s=1.0)

    assert not admission.is_late
    assert admission.admits(299, 299)


def test_it_is_late_only_after_a_while() -> None:
    admission = Admission(300, TARGET_S)
    now = felt(admission, 30, steps=WARM_AFTER, turn_s=0.002)
    soon = int(LATE_FOR_S / FEEL_S) - 1

    felt(admission, 200, steps=soon, turn_s=0.02, now=now)
    assert not admission.is_late

    felt(admission, 200, steps=FELT_MIN + 1, turn_s=0.02, now=now + soon * FEEL_S)
    assert admission.is_late
