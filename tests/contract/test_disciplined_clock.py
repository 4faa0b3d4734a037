"""Stripe's time, kept by its answers' dates, whatever the machine's two clocks do."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from payment_service.adapters.disciplined_clock import AHEAD, DisciplinedClock, boot_time_s

# When it is at Stripe at the beginning of each test, half a second into a second.
NOON = datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)
DAY_S = 86_400.0
HOURS_25_S = 25 * 3600.0


@dataclass
class Machine:
    """A machine whose clocks the test sets. real_s: what passes at Stripe."""

    wrong_s: float = 0.0
    real_s: float = 0.0
    slept_s: float = 0.0

    def wall(self) -> float:
        return NOON.timestamp() + self.real_s + self.wrong_s

    def monotonic(self) -> float:
        """It began at some time, and may stand still while the machine does."""
        return 1000.0 + self.real_s - self.slept_s

    def at_stripe(self) -> datetime:
        return NOON + timedelta(seconds=self.real_s)

    def clock(self) -> DisciplinedClock:
        return DisciplinedClock(self.wall, self.monotonic)

    def ask(
        self,
        clock: DisciplinedClock,
        *,
        there_s: float = 0.1,
        back_s: float = 0.1,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """Ask Stripe something: its date is cut to whole seconds."""
        sent = clock.mark()
        self.real_s += there_s
        date = self.at_stripe().replace(microsecond=0)
        meanwhile()
        self.real_s += back_s
        clock.heard(date, sent)

    def error_s(self, clock: DisciplinedClock) -> float:
        return (clock.now() - self.at_stripe()).total_seconds()


@pytest.mark.parametrize("wrong_s", [0.0, 3600.0, -3600.0, HOURS_25_S, -HOURS_25_S])
def test_before_the_first_answer_it_is_the_machines_time_and_not_known(wrong_s: float) -> None:
    machine = Machine(wrong_s)
    clock = machine.clock()

    assert not clock.is_known()
    assert machine.error_s(clock) == pytest.approx(wrong_s, abs=0.01)


@pytest.mark.parametrize("wrong_s", [3600.0, -3600.0, HOURS_25_S, -HOURS_25_S, 5.0])
def test_after_one_answer_it_is_stripes_to_a_second_and_the_way_there_and_back(
    wrong_s: float,
) -> None:
    machine = Machine(wrong_s)
    clock = machine.clock()

    machine.ask(clock)

    assert clock.is_known()
    assert abs(machine.error_s(clock)) <= 1.2
    assert clock.ahead_s() == pytest.approx(wrong_s, abs=1.2)


def test_a_clock_that_is_right_is_never_moved() -> None:
    machine = Machine(0.0)
    clock = machine.clock()

    for there_s, back_s in ((0.0, 0.0), (0.4, 3.0), (2.0, 0.01), (0.3, 0.3)):
        machine.ask(clock, there_s=there_s, back_s=back_s)
        assert machine.error_s(clock) == pytest.approx(0.0, abs=0.002)


def test_more_answers_bring_it_nearer() -> None:
    machine = Machine(HOURS_25_S)
    clock = machine.clock()

    for _ in range(20):
        machine.ask(clock, there_s=0.05, back_s=0.02)
        machine.real_s += 0.13

    assert abs(machine.error_s(clock)) <= 0.2


@pytest.mark.parametrize("jump_s", [60.0, -60.0, HOURS_25_S, -HOURS_25_S])
def test_a_machines_clock_that_is_set_moves_nothing_and_is_asked_about_again(
    jump_s: float,
) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.ask(clock)

    machine.wrong_s = jump_s

    assert machine.error_s(clock) == pytest.approx(0.0, abs=0.002)
    assert not clock.is_known()
    machine.ask(clock)
    assert clock.is_known()
    assert machine.error_s(clock) == pytest.approx(0.0, abs=0.002)
    assert clock.latest() - clock.now() <= timedelta(seconds=0.01)


def test_a_machines_clock_that_is_put_right_by_little_is_no_reason_to_ask() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.ask(clock)

    machine.wrong_s = 2.9
    assert clock.is_known()
    machine.wrong_s = 3.1
    assert not clock.is_known()


@pytest.mark.parametrize("wrong_s", [0.0, HOURS_25_S, -HOURS_25_S])
def test_a_day_in_which_only_the_machines_clock_went_on_is_told_by_that_one(
    wrong_s: float,
) -> None:
    """A virtual machine that was stopped: its monotonic clock slept with it."""
    machine = Machine(wrong_s)
    clock = machine.clock()
    machine.ask(clock)

    machine.real_s += DAY_S
    machine.slept_s = DAY_S

    assert not clock.is_known()
    assert machine.error_s(clock) == pytest.approx(-DAY_S, abs=1.2)
    assert (clock.latest() - machine.at_stripe()).total_seconds() == pytest.approx(0.0, abs=1.2)


def test_a_day_in_which_the_process_was_stopped_passes_on_both() -> None:
    machine = Machine(HOURS_25_S)
    clock = machine.clock()
    machine.ask(clock)

    machine.real_s += DAY_S

    assert clock.is_known()
    assert abs(machine.error_s(clock)) <= 1.2


def test_an_answer_during_which_the_machine_stood_still_says_nothing() -> None:
    machine = Machine()
    clock = machine.clock()

    def stand_still() -> None:
        machine.real_s += DAY_S
        machine.slept_s += DAY_S

    machine.ask(clock, meanwhile=stand_still)

    assert not clock.is_known()
    machine.ask(clock)
    assert clock.is_known()
    assert abs(machine.error_s(clock)) <= 1.2


@pytest.mark.parametrize(("took_s", "known"), [(9.9, True), (10.1, False), (DAY_S, False)])
def test_an_answer_that_took_long_says_the_time_too_roughly(took_s: float, known: bool) -> None:  # noqa: FBT001 - a parameter of the test
    machine = Machine(took_s / 2)
    clock = machine.clock()

    machine.ask(clock, there_s=0.0, back_s=took_s)

    assert clock.is_known() is known


def test_a_slow_answer_still_corrects_what_is_surely_wrong() -> None:
    machine = Machine(HOURS_25_S)
    clock = machine.clock()

    machine.ask(clock, there_s=10.0, back_s=10.0)

    assert not clock.is_known()
    assert abs(machine.error_s(clock)) <= 21.0


def test_the_present_is_utc_and_has_whole_milliseconds() -> None:
    clock = DisciplinedClock()

    assert clock.now().tzinfo is UTC
    assert clock.now().microsecond % 1000 == 0
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_boot_clock_goes_on() -> None:
    assert boot_time_s() <= boot_time_s()


async def test_sleeping_takes_as_long_as_was_asked() -> None:
    clock = DisciplinedClock()

    began = clock.now()
    await clock.sleep(0.02)

    assert clock.now() - began >= timedelta(milliseconds=19)


def test_it_is_said_once_that_the_clock_is_wrong_and_once_that_it_is_right_again() -> None:
    machine = Machine(HOURS_25_S)
    clock = machine.clock()

    with capture_logs() as lines:
        for _ in range(3):
            machine.ask(clock)
        machine.wrong_s = -HOURS_25_S
        for _ in range(3):
            machine.ask(clock)
        machine.wrong_s = 0.0
        for _ in range(3):
            machine.ask(clock)

    said = [(line["event"], line["log_level"], round(line["ahead_s"] / 3600)) for line in lines]
    assert said == [
        ("clock.wrong", "error", 25),
        ("clock.wrong", "error", -25),
        ("clock.right", "info", 0),
    ]
    assert AHEAD._value.get() == pytest.approx(0.0, abs=1.2)


def test_a_clock_that_is_right_is_not_worth_a_line() -> None:
    machine = Machine(59.0)

    with capture_logs() as lines:
        clock = machine.clock()
        machine.ask(clock)

    assert lines == []
