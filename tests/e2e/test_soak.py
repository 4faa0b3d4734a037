"""The soak, short: real processes under everything that can go wrong, judged from outside.

`make soak MINUTES=…` is the same for as long as one likes. `SOAK_S` and `SOAK_SEED` set how long
this one goes on, and its dice.
"""

import os
from pathlib import Path

from tests.soak.life import Plan, complaints, soak
from tests.soak.mishaps import SHORT

SOAK_S = float(os.environ.get("SOAK_S", "12"))
SEED = int(os.environ.get("SOAK_SEED", "20261126"))
# Few buyers: other tests run beside it.
SEATS = 4


async def test_in_a_short_soak_nothing_is_lost_charged_wrongly_or_told_untruly(
    tmp_path: Path,
) -> None:
    plan = Plan(seconds=SOAK_S, seed=SEED, pace=SHORT, seats=SEATS, disk=False, clock=False)

    outcome = await soak(plan, tmp_path)

    assert outcome.counts["paid"] > SEATS, "hardly anything was paid: the test proves nothing"
    assert outcome.hits["process"]["kill -9"] > 0, "nothing was killed: the test proves nothing"
    assert complaints(outcome.violations) == ""
