"""Which lives are lived: every fault at every request with every crash, and seeded chance.

A branch is one scenario with one card, one kind of client and one kind of fault. Its lives follow
from running it: the fault at the first request, the second, and so on until it finds none to hit;
and in each of these the process is killed at each of the gates that it passes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final
from zlib import crc32

from tests.simulation.inbox import ORDERS_FAULTS
from tests.simulation.living import Outcome
from tests.simulation.plan import Faults, Life
from tests.simulation.process import AFTER, BEFORE, Gate
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.shelf import STORE_FAULTS
from tests.simulation.stripe_line import STRIPE_FAULTS

FAULTS: Final = (
    ("none", ""),
    *(("fault", kind) for kind in STRIPE_FAULTS),
    *(("store", kind) for kind in STORE_FAULTS),
    *(("orders", kind) for kind in ORDERS_FAULTS),
)
# A line of the coverage table for each: none of them may stay at zero.
CELLS: Final = (
    *(f"stripe {kind}" for kind in STRIPE_FAULTS),
    *(f"store {kind}" for kind in STORE_FAULTS),
    *(f"orders {kind}" for kind in ORDERS_FAULTS),
    "crash",
)

Live = Callable[[Life], Outcome]


@dataclass(frozen=True, slots=True)
class Matrix:
    """How much of it is lived.

    hit_max: requests of one life that a fault is tried at. crash_max: calls that it is killed at;
    later ones are the watch of an idle payment. one_in: of how many crashes one is lived.
    """

    hit_max: int
    crash_max: int
    one_in: int
    all_cards: bool


FULL: Final = Matrix(hit_max=8, crash_max=40, one_in=1, all_cards=True)
THIN: Final = Matrix(hit_max=3, crash_max=24, one_in=40, all_cards=False)


@dataclass(frozen=True, slots=True)
class Branch:
    """One scenario, one card, one kind of client, one kind of fault. where: fault, store, orders"""

    scenario: str
    card: str
    retry: bool
    where: str
    kind: str

    def life(self, number: int) -> Life:
        """Return the life without a crash, its fault at the n-th call."""
        plain = Life(self.scenario, self.card, retry=self.retry)
        faults: Faults = ((number, self.kind),)
        match self.where:
            case "fault":
                return replace(plain, fault=faults)
            case "store":
                return replace(plain, store=faults)
            case "orders":
                return replace(plain, orders=faults)
            case _:
                return plain


def branches(matrix: Matrix) -> Iterator[Branch]:
    """Return all branches of the matrix."""
    for name, scenario in SCENARIOS.items():
        for place, card in enumerate(dict.fromkeys(scenario.cards)):
            for where, kind in FAULTS:
                if place and kind and not matrix.all_cards:
                    continue
                for retry in (True, False):
                    yield Branch(name, card, retry, where, kind)


def grow(branch: Branch, matrix: Matrix, live: Live) -> Iterator[Outcome]:
    """Live the lives of a branch."""
    for number in range(1, matrix.hit_max + 1):
        outcome = live(branch.life(number))
        if branch.kind and not outcome.hits:
            return
        yield outcome
        for gate in gates(outcome, matrix.crash_max):
            life = replace(outcome.life, crash=(gate,))
            if crc32(str(life).encode()) % matrix.one_in == 0:
                yield live(life)
        if not branch.kind:
            return


def gates(outcome: Outcome, crash_max: int) -> Iterator[Gate]:
    """Return where this life can be killed. Asking what is due changes nothing: not there."""
    for number, what in enumerate(outcome.calls[:crash_max], start=1):
        if not what.startswith("store due"):
            yield number, BEFORE
            yield number, AFTER


def random_life(seed: int) -> Life:
    """Return a life with several faults, drawn from the seed."""
    chance = Random(seed)
    scenario = chance.choice(list(SCENARIOS))
    card = chance.choice(SCENARIOS[scenario].cards)
    crashes = chance.choice((0, 1, 1, 2, 3))
    return Life(
        scenario,
        card,
        fault=_some(chance, STRIPE_FAULTS, calls=10, most=4),
        store=_some(chance, STORE_FAULTS, calls=25, most=2),
        orders=_some(chance, ORDERS_FAULTS, calls=4, most=2),
        crash=tuple(sorted({_gate(chance) for _ in range(crashes)})),
        down_s=chance.choice((1, 1, 1, 40, 1000, 90_000)),
        skew_s=chance.choice((0, 0, 0, 300, -300)),
        seed=chance.choice((0, seed)),
        retry=chance.random() < 0.6,
    )


def _some(chance: Random, kinds: tuple[str, ...], *, calls: int, most: int) -> Faults:
    count = chance.randint(0, most)
    numbers = sorted(chance.sample(range(1, calls + 1), count))
    return tuple((number, chance.choice(kinds)) for number in numbers)


def _gate(chance: Random) -> Gate:
    return chance.randint(1, 40), chance.choice((BEFORE, AFTER))
