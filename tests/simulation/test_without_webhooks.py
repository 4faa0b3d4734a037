"""No webhook ever comes: looks alone bring everything to its truth, and lists the rest."""

from dataclasses import replace

import pytest

from tests.simulation.living import live
from tests.simulation.plan import LISTS, SILENT, Life
from tests.simulation.process import AFTER, BEFORE, SENT
from tests.simulation.scenarios import SCENARIOS


@pytest.mark.parametrize("news", [SILENT, LISTS])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_without_webhooks_everything_comes_to_its_truth_all_the_same(
    scenario: str, news: str
) -> None:
    """Also when each answer of Stripe's to an effect dies with its process, one after the other."""
    life = Life(scenario, SCENARIOS[scenario].cards[0], news=news, retry=False)
    outcome = live(life)
    calls = enumerate(outcome.calls, start=1)
    posts = [(number, what) for number, what in calls if what.startswith("stripe POST")]

    assert outcome.violations == ()
    for number, what in posts[:6]:
        side = BEFORE if what.endswith(SENT) else AFTER
        assert live(replace(life, crash=((number, side),))).violations == ()
