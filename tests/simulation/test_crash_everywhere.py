"""Kill the service before and after its calls to the outside, let Stripe fail in every way, judge.

A thinned matrix; `make sim` lives the full one. A red line is replayed by the command it prints.
"""

import logging
import os
import subprocess
import sys

import pytest
import structlog
from structlog.typing import EventDict

from payment_service.logs import Redact
from tests.simulation.campaign import Tally, tally
from tests.simulation.lives import CELLS, THIN, branches, grow, random_life
from tests.simulation.living import live
from tests.simulation.plan import Life, read_life
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.stripe_line import OUTAGE

RANDOM_LIVES = 100
# Several faults and two crashes: much that could come in another order.
EVENTFUL = read_life(
    "refund_race/visa/fault=1:timeout_after+3:slow/store=9:unavailable/orders=1:hang"
    "/crash=12a+20b/seed=7/retry"
)


def complaints(counted: Tally) -> list[str]:
    return [f"{found} | make sim ARGS=\"--life '{life}'\"" for life, found in counted.failures]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_fault_and_no_crash_costs_money_or_an_order(scenario: str) -> None:
    for branch in branches(THIN):
        if branch.scenario == scenario:
            assert complaints(tally(grow(branch, THIN, live))) == []


def test_neither_do_several_at_once() -> None:
    counted = tally(live(random_life(seed)) for seed in range(RANDOM_LIVES))

    assert complaints(counted) == []


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("scenario", ["pay_once", "refund_parts", "authenticated", "keep_cards"])
def test_neither_does_a_stripe_that_is_away_until_it_has_forgotten_our_keys(
    scenario: str, number: int
) -> None:
    life = Life(scenario, SCENARIOS[scenario].cards[0], fault=((number, OUTAGE),))

    assert live(life).violations == ()


@pytest.mark.parametrize("cell", CELLS)
def test_every_kind_of_fault_strikes(cell: str) -> None:
    where, _, kind = cell.partition(" ")
    plan = {"stripe": "fault=2", "store": "store=2", "orders": "orders=1"}
    part = f"{plan[where]}:{kind}" if kind else "crash=3b"

    assert live(read_life(f"refund_all/visa/{part}/retry")).hits == (cell,)


def test_the_same_life_is_lived_the_same_way_again() -> None:
    first, second = live(EVENTFUL), live(EVENTFUL)

    assert first.trace == second.trace
    assert len(set(first.hits)) == 5


def test_the_order_of_hashes_changes_nothing() -> None:
    ends = set()
    for seed in ("0", "1"):
        run = subprocess.run(
            [sys.executable, "-m", "tests.simulation.campaign", "--life", str(EVENTFUL)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        ends.add(run.stdout.splitlines()[-1])

    assert ends == {f"{EVENTFUL}: 0 violations, trace {live(EVENTFUL).digest[:16]}"}


def test_a_life_is_read_as_it_is_written() -> None:
    for seed in range(200):
        life = random_life(seed)
        assert read_life(str(life)) == life


def test_no_line_of_the_log_holds_a_secret_or_an_e_mail() -> None:
    lines: list[str] = []

    def keep(_logger: object, _method: str, event: EventDict) -> EventDict:
        lines.append(str(event))
        raise structlog.DropEvent

    structlog.configure(
        processors=[structlog.processors.format_exc_info, Redact(b"a key for tests"), keep],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
    )
    for scenario in ("keep_cards", "refund_all", "decline_then_pay"):
        card = SCENARIOS[scenario].cards[0]
        live(Life(scenario, card, fault=((2, "timeout_after"), (4, "error_500_after"))))

    text = "\n".join(lines)
    assert "email:" in text
    assert [word for word in ("_secret_", "sk_test_", "@example.com") if word in text] == []
