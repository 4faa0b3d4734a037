"""Mistakes put in on purpose: an auditor that lets one of them pass is asleep.

He works alone here: what is watched at every commit is switched off, but where it says so.
"""

import sys
from dataclasses import replace

import pytest

from tests.simulation import planted
from tests.simulation.lives import THIN, branches, grow
from tests.simulation.living import Outcome, live
from tests.simulation.plan import Life, read_life
from tests.simulation.town import Variant


def first_caught(
    variant: Variant, scenarios: tuple[str, ...], *, watching: bool = False, replicas: int = 1
) -> tuple[int, Outcome]:
    """Live the thinned matrix until the mistake shows; return after how many lives that was."""

    def mistaken(life: Life) -> Outcome:
        return live(replace(life, replicas=replicas), variant, watching=watching)

    lives = 0
    for branch in branches(THIN):
        if branch.scenario not in scenarios:
            continue
        for outcome in grow(branch, THIN, mistaken):
            lives += 1
            if outcome.violations:
                _say(variant, lives, outcome)
                return lives, outcome
    pytest.fail(f"nobody saw that {variant.name}, in {lives} lives")


def _say(variant: Variant, lives: int, outcome: Outcome) -> None:
    sys.stdout.write(
        f"{variant.name}: caught after {lives} lives, by {outcome.life}: {outcome.violations[0]}\n"
    )


def test_asking_stripe_before_writing_is_caught() -> None:
    """Money without a record of ours: lost, or taken again by who asks again."""
    _, outcome = first_caught(planted.ASKED_FIRST, ("pay_once",))

    assert outcome.violations[0] in {
        "1 order-1 was paid 2 times",
        "4 order-1 succeeded at Stripe and is shown as nothing",
    }


def test_doubt_taken_for_failure_is_caught() -> None:
    _, outcome = first_caught(planted.DOUBT_FAILS, ("pay_once",))

    assert outcome.violations[0] == "3 order-1 was told rejected with 1000 taken"


def test_an_order_told_from_memory_is_caught() -> None:
    _, outcome = first_caught(planted.FROM_MEMORY, ("pay_once",))

    assert outcome.violations == ("6 order-1 is paid and the OrderService does not know",)


def test_a_fresh_key_on_each_retry_is_caught() -> None:
    """Looking first covers much of it: not what an earlier try did under another key, or late."""
    _, outcome = first_caught(planted.FRESH_KEY, ("pay_once",))

    assert outcome.violations[0] == "1 order-1 was paid 2 times"


def test_a_fresh_key_is_caught_by_a_request_that_arrives_late_without_any_crash() -> None:
    late = read_life("pay_once/visa/fault=1:late/once")

    assert live(late, planted.FRESH_KEY, watching=False).violations[0] == (
        "1 order-1 was paid 2 times"
    )
    assert live(late).violations == ()


@pytest.mark.parametrize(
    ("variant", "scenarios"),
    [
        (planted.NO_LOOK, ("pay_once",)),
        (planted.BLIND_REFUNDS, ("refund_all",)),
        (planted.LOST_IS_UNSENT, ("pay_once",)),
        (planted.NO_WORKER, ("pay_once",)),
    ],
    ids=lambda value: value.name if isinstance(value, Variant) else "",
)
def test_taking_away_what_the_service_does_about_doubt_is_caught(
    variant: Variant, scenarios: tuple[str, ...]
) -> None:
    first_caught(variant, scenarios)


def test_a_lease_shorter_than_a_request_is_seen_by_the_watch() -> None:
    """The key saves the money, so only the watch of every call can see it."""
    _, outcome = first_caught(planted.SHORT_LEASE, ("pay_once",), watching=True, replicas=2)

    assert outcome.violations[0].startswith("S7 two requests at once")


def test_the_honest_service_passes_where_the_mistaken_ones_fail() -> None:
    for variant in (planted.ASKED_FIRST, planted.DOUBT_FAILS, planted.FROM_MEMORY):
        _, outcome = first_caught(variant, ("pay_once",))
        assert live(read_life(str(outcome.life))).violations == ()
