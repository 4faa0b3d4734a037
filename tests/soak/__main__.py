"""`make soak MINUTES=…`: the service for so long under everything that can go wrong, then judged.

Exit code 1: something was lost, charged wrongly or told untruly, or a fault never struck.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from tests.soak.life import Plan, as_table, complaints, soak
from tests.soak.mishaps import SHORT, Pace

# In a shorter run chance may well leave one kind of fault out.
ALL_STRIKE_AFTER_MINUTES = 10.0
# In a shorter one the longer rhythm would hardly begin.
SHORT_MINUTES = 2.0


def main() -> int:
    """Run one soak as the command line says."""
    reader = argparse.ArgumentParser(prog="make soak", description=__doc__)
    reader.add_argument("--minutes", type=float, default=20.0)
    reader.add_argument("--seed", type=int, default=int(time.time()))
    reader.add_argument("--seats", type=int, default=8, help="how many buy at the same time")
    reader.add_argument("--mongodb", action="store_true", help="a fleet of five on MongoDB")
    reader.add_argument("--no-disk", action="store_true", help="the disk does not fail")
    reader.add_argument("--no-clock", action="store_true", help="the clock is always right")
    reader.add_argument("--evidence", type=Path, default=Path("var/soak"))
    given = reader.parse_args()
    plan = Plan(
        seconds=given.minutes * 60,
        seed=given.seed,
        pace=SHORT if given.minutes <= SHORT_MINUTES else Pace(),
        mongodb=given.mongodb,
        disk=not given.no_disk,
        clock=not given.no_clock,
        seats=given.seats,
    )
    # Whoever ends the soak ends what it runs, too.
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    print(f"seed {plan.seed}, {given.minutes:g} minutes", flush=True)
    outcome = asyncio.run(soak(plan, given.evidence / str(plan.seed)))
    print(as_table(outcome))
    failures = list(outcome.violations)
    if not outcome.counts["paid"]:
        failures.append("nothing was paid: the soak proves nothing")
    if given.minutes >= ALL_STRIKE_AFTER_MINUTES:
        failures += [f"{kind} never struck" for kind in outcome.never_struck]
    if failures:
        print(complaints(failures))
        print(f'again: make soak MINUTES={given.minutes:g} ARGS="{_again(given)}"')
    print(f"evidence in {given.evidence / str(plan.seed)}")
    return 1 if failures else 0


def _again(given: argparse.Namespace) -> str:
    words = [f"--seed {given.seed}", f"--seats {given.seats}"]
    words += ["--mongodb"] if given.mongodb else []
    words += ["--no-disk"] if given.no_disk else []
    words += ["--no-clock"] if given.no_clock else []
    return " ".join(words)


if __name__ == "__main__":
    sys.exit(main())
