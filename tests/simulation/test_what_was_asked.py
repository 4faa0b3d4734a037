"""Mistakes about what is charged, and not only whether: the auditor must see each of them alone.

It compares every field of what was asked with Stripe's books and with what is shown.
"""

import sys

import pytest

from payment_service.domain.payment import Terms
from tests.simulation import comparing
from tests.simulation.clients import asked_payment
from tests.simulation.currencies import CURRENCIES
from tests.simulation.living import live
from tests.simulation.plan import EVERY, Life
from tests.simulation.planted_terms import WRONGS
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.town import Variant


@pytest.mark.parametrize(
    ("variant", "scenario", "found"),
    WRONGS,
    ids=lambda value: value.name if isinstance(value, Variant) else "",
)
def test_what_is_done_otherwise_than_asked_is_caught(
    variant: Variant, scenario: str, found: str
) -> None:
    """Within one life in each currency: most show in the first, one needs another currency."""
    for lives, currency in enumerate(CURRENCIES, start=1):
        violations = live(_life(scenario, currency), variant, watching=False).violations
        if violations:
            sys.stdout.write(f"{variant.name}: caught after {lives} lives: {violations[0]}\n")
            assert [told for told in violations if told.startswith(found)] != []
            return
    pytest.fail(f"nobody saw: {variant.name}")


@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.parametrize("scenario", sorted({scenario for _, scenario, _ in WRONGS}))
def test_the_honest_service_does_what_was_asked(scenario: str, currency: str) -> None:
    outcome = live(_life(scenario, currency))

    assert outcome.violations == ()


def _life(story: str, currency: str) -> Life:
    scenario, _, card = story.partition("/")
    card = card or SCENARIOS[scenario].cards[0]
    return Life(scenario, card, news=EVERY, currency=currency)


def test_nothing_that_a_payment_asks_for_is_left_out_of_the_comparison() -> None:
    asked = asked_payment(Terms(1000, "usd", None), "pm_card_visa", "req_1")
    compared = {row.name for row in (*comparing.PAYMENT, *comparing.CONFIRMATION)}

    # `confirm` says whether there is a confirmation to compare at all.
    assert asked.keys() - {"request_id", "confirm"} == compared - {"comes_back", "service"}
    assert set(Terms.__dataclass_fields__) - {
        "amount_minor",
        "customer_id",
    } == (asked.keys() - {"request_id", "card", "amount", "customer"})
