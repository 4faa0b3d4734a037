"""Lives under clocks that are wrong by an hour or a day, set at any gate, or stopped for a day.

`make sim` draws many more of them.
"""

from dataclasses import replace

import pytest

from tests.simulation import planted_clocks
from tests.simulation.lives import CLOCKS_OFF_S, gates, is_unseen, random_life
from tests.simulation.living import Outcome, live
from tests.simulation.plan import EVERY, Life, read_life
from tests.simulation.process import Gate
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.town import Variant

# Stripe saves the error under the key: asking again is vain, and only a look can tell.
SAVED_ERROR = ((1, "error_500_after"),)
PAY = Life("pay_once", "visa", fault=SAVED_ERROR)


def judged(lives: list[Life]) -> list[str]:
    return [f"{life}: {found}" for life in lives for found in live(life).violations]


@pytest.mark.parametrize("skew_s", CLOCKS_OFF_S)
def test_a_clock_that_is_wrong_costs_no_story_anything(skew_s: int) -> None:
    stories = [
        Life(name, scenario.cards[0], fault=SAVED_ERROR, news=EVERY, skew_s=skew_s)
        for name, scenario in SCENARIOS.items()
    ]

    assert judged(stories) == []


@pytest.mark.parametrize("skew_s", [90_000, -90_000])
def test_neither_do_replicas_whose_clocks_differ_by_two_days(skew_s: int) -> None:
    lives = [
        Life(name, SCENARIOS[name].cards[0], fault=SAVED_ERROR, skew_s=skew_s, replicas=2)
        for name in ("pay_once", "double_click", "refund_all", "hold_and_capture")
    ]

    assert judged(lives) == []


def some_gates(one_in: int) -> list[Gate]:
    return list(gates(live(PAY), 30))[::one_in]


@pytest.mark.parametrize("kind", ["freeze", "suspend"])
@pytest.mark.parametrize("replicas", [1, 2])
def test_a_day_that_is_lost_at_any_gate_costs_nothing(kind: str, replicas: int) -> None:
    lives = [
        replace(PAY, replicas=replicas, **{kind: (gate,)})  # type: ignore[arg-type]  # gates
        for gate in some_gates(2)
    ]

    assert judged(lives) == []


@pytest.mark.parametrize("by_s", [90_000, -90_000])
def test_a_clock_that_is_set_at_any_gate_costs_nothing(by_s: int) -> None:
    assert judged([replace(PAY, jump=((gate, by_s),)) for gate in some_gates(2)]) == []


def test_a_clock_a_day_behind_that_is_set_a_day_ahead_tells_no_order_that_it_is_canceled() -> None:
    lives = [
        replace(PAY, scenario="order_hears_all", skew_s=-90_000, jump=((gate, 180_000),))
        for gate in some_gates(3)
    ]

    assert judged(lives) == []


@pytest.mark.parametrize(
    ("variant", "life", "found"),
    [
        (
            planted_clocks.WALL_CLOCK,
            "pay_once/visa/fault=1:error_500_after/skew_s=90000/retry",
            "3 order-1 was told",
        ),
        (planted_clocks.OWN_WINDOW, "pay_once/visa/fault=1:error_500_after/retry", "3 order-1"),
        (
            planted_clocks.UNHELD,
            "pay_once/visa/freeze=2b/replicas=2/retry",
            "1 order-1 was paid 2 times",
        ),
        (
            planted_clocks.UNHELD,
            "pay_once/visa/suspend=2b/replicas=2/retry",
            "1 order-1 was paid 2 times",
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Variant) else None,
)
def test_mistakes_about_time_are_caught(variant: Variant, life: str, found: str) -> None:
    mistaken: Outcome = live(read_life(life), variant)

    assert any(violation.startswith(found) for violation in mistaken.violations)
    assert live(read_life(life)).violations == ()


def test_no_life_is_drawn_whose_machine_cannot_know_that_it_slept() -> None:
    unseen = read_life("pay_once/visa/suspend=3a/jump=9a:-90000/once")

    assert is_unseen(unseen)
    assert not is_unseen(replace(unseen, suspend=()))
    assert not is_unseen(replace(unseen, jump=()))
    assert not any(is_unseen(random_life(seed)) for seed in range(3_000))
