"""The whole campaign: `python -m tests.simulation.campaign`, or `make sim`.

Lives the full matrix, every two faults at the beginning of some stories, and then seeded random
lives, on all cores. Prints what it lived, and for the
first failures the one line that replays each. Exit code 1 when anything was found.
"""

import argparse
import gc
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter

import structlog

from tests.simulation.coverage import (
    Coverage,
    heard_though_impossible,
    never_heard,
    never_walked,
    table,
)
from tests.simulation.kinds import KINDS
from tests.simulation.lives import (
    ALONE,
    CELLS,
    CURRENCY_CELLS,
    DEEP,
    FULL,
    THIN,
    WHOLE,
    Branch,
    branches,
    grow,
    random_life,
)
from tests.simulation.lives_in_pairs import GROUNDS, Ground, firsts, pairs
from tests.simulation.living import Outcome, live
from tests.simulation.plan import Life, read_life

# Beyond these there is nothing to learn from more of the same.
FAILURES_SHOWN = 10
PROGRESS_EVERY_S = 5.0
RANDOM_LIVES = 5_000
CHUNK = 50
ALL_CELLS = (*CELLS, *CURRENCY_CELLS, *KINDS)
MATRICES = {"full": FULL, "whole": WHOLE, "thin": THIN}


@dataclass
class Tally:
    """What was lived, and what was found."""

    lives: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    coverage: Coverage = field(default_factory=Coverage)
    failures: list[tuple[str, str]] = field(default_factory=list)

    def count(self, outcome: Outcome) -> None:
        """Add one life."""
        self.lives += 1
        currencies = (f"currency {code}" for code in outcome.currencies)
        self.hits.update({*outcome.hits, *currencies, *outcome.kinds})
        self.coverage.add(outcome.coverage)
        self.failures += [(str(outcome.life), found) for found in outcome.violations[:1]]

    def add(self, other: "Tally") -> None:
        """Add what another process counted."""
        self.lives += other.lives
        self.hits.update(other.hits)
        self.coverage.add(other.coverage)
        self.failures += other.failures


def be_quiet() -> None:
    """Let only what is critical be logged: a campaign would write gigabytes."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))


def tally(outcomes: Iterable[Outcome]) -> Tally:
    """Count these lives."""
    counted = Tally()
    for outcome in outcomes:
        counted.count(outcome)
    gc.collect(1)
    return counted


def _branch(branch: Branch, *, matrix: str) -> Tally:
    return tally(grow(branch, MATRICES[matrix], live))


def _alone(life: Life) -> Tally:
    return tally([live(life, watching=life not in ALONE)])


def _pairs(struck: tuple[Ground, Life]) -> Tally:
    return tally(pairs(*struck, live))


def _seeds(seeds: range) -> Tally:
    return tally(live(random_life(seed)) for seed in seeds)


def main(arguments: list[str]) -> int:
    """Run the campaign, or replay one life."""
    asked = _arguments().parse_args(arguments)
    be_quiet()
    if asked.life:
        return _replay(asked.life)
    total, begun = Tally(), perf_counter()
    with multiprocessing.Pool(asked.processes, initializer=be_quiet) as pool:
        if asked.matrix != "none":
            every = list(branches(MATRICES[asked.matrix]))
            lived = pool.imap_unordered(partial(_branch, matrix=asked.matrix), every)
            _follow("matrix", lived, len(every), total)
            apart = (*ALONE, *DEEP.values())
            _follow("alone", pool.imap_unordered(_alone, apart), len(apart), total)
        if asked.pairs:
            struck = [(ground, life) for ground in GROUNDS for life in firsts(ground, live)]
            lived = pool.imap_unordered(_pairs, struck, chunksize=4)
            _follow("pairs", lived, len(struck), total)
        chunks = list(_chunks(asked.seed, asked.lives))
        _follow("random", pool.imap_unordered(_seeds, chunks), len(chunks), total)
    return _report(total, perf_counter() - begun)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make sim ARGS=…", description=__doc__)
    parser.add_argument("--life", help="replay this one life and show its trace")
    parser.add_argument("--seed", type=int, default=1, help="first seed of the random lives")
    parser.add_argument("--lives", type=int, default=RANDOM_LIVES, help="how many random lives")
    parser.add_argument(
        "--matrix",
        choices=("full", "whole", "thin", "none"),
        default="full",
        help="full: every fault, and some crashes; whole: every crash; thin: what the tests live",
    )
    parser.add_argument(
        "--pairs",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="every two faults at the first points of some stories",
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    return parser


def _chunks(seed: int, lives: int) -> Iterator[range]:
    for first in range(seed, seed + lives, CHUNK):
        yield range(first, min(first + CHUNK, seed + lives))


def _follow(what: str, parts: Iterable[Tally], count: int, total: Tally) -> None:
    begun = said = perf_counter()
    lived_before = total.lives
    for number, part in enumerate(parts, start=1):
        total.add(part)
        for life, found in part.failures:
            print(f"{life}: {found}", flush=True)
        now = perf_counter()
        if now - said >= PROGRESS_EVERY_S or number == count:
            said = now
            lives = total.lives - lived_before
            print(
                f"{what}: {number}/{count} parts, {lives} lives, {lives / (now - begun):.0f}/s, "
                f"{len(total.failures)} failures",
                flush=True,
            )


def _report(total: Tally, seconds: float) -> int:
    print("\nlives in which each fault struck, money was taken in each currency, or this happened")
    for cell in ALL_CELLS:
        print(f"  {cell:<40} {total.hits[cell]:>8}")
    print("\n".join(["", *table(total.coverage)]))
    holes = list(holes_of(total))
    print(f"\n{total.lives} lives in {seconds:.0f} s, {total.lives / seconds:.0f} a second")
    for life, found in total.failures[:FAILURES_SHOWN]:
        print(f"FAILED {found}\n  make sim ARGS=\"--life '{life}'\"")
    for what, which in holes:
        print(f"FAILED {what}:\n  " + "\n  ".join(which))
    if total.failures or holes:
        return 1
    print("nothing was lost and nothing was charged twice")
    return 0


def holes_of(total: Tally) -> Iterator[tuple[str, list[str]]]:
    """Return what all these lives together never came by, and what they should not have."""
    seen = total.coverage
    for what, which in (
        (
            "this never happened",
            [cell for cell in ALL_CELLS if not total.hits[cell]],
        ),
        ("nobody took these roads", never_walked(seen)),
        ("nobody heard this", never_heard(seen)),
        ("this was heard and cannot be", heard_though_impossible(seen)),
    ):
        if which:
            yield what, which


def _replay(text: str) -> int:
    outcome = live(read_life(text))
    print("\n".join(outcome.trace))
    for found in outcome.violations:
        print(f"FAILED {found}")
    print(f"{outcome.life}: {len(outcome.violations)} violations, trace {outcome.digest[:16]}")
    return 1 if outcome.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
