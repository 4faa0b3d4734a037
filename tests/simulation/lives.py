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
from tests.simulation.process import AFTER, BEFORE, SENT, Gate
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.shelf import STORE_FAULTS
from tests.simulation.stripe_line import OUTAGE, STRIPE_FAULTS
from tests.simulation.town import LEASE_MARGIN_S

FAULTS: Final = (
    ("none", ""),
    *(("fault", kind) for kind in STRIPE_FAULTS),
    *(("store", kind) for kind in STORE_FAULTS),
    *(("orders", kind) for kind in ORDERS_FAULTS),
)
# A line of the coverage table for each: none of them may stay at zero.
CELLS: Final = (
    *(f"stripe {kind}" for kind in (*STRIPE_FAULTS, OUTAGE)),
    *(f"store {kind}" for kind in STORE_FAULTS),
    *(f"orders {kind}" for kind in ORDERS_FAULTS),
    "crash",
)

# The share of random lives with faults in which Stripe is away for a day: they take long.
OUTAGES: Final = 0.03

Live = Callable[[Life], Outcome]


@dataclass(frozen=True, slots=True)
class Matrix:
    """How much of it is lived.

    hit_max: requests of one life that a fault is tried at. crash_max: calls that it is killed at;
    later ones are the watch of an idle payment. one_in: of how many crashes one is lived. whole:
    all cards, and all faults in all scenarios.
    """

    hit_max: int
    crash_max: int
    one_in: int
    whole: bool


WHOLE: Final = Matrix(hit_max=8, crash_max=40, one_in=1, whole=True)
FULL: Final = Matrix(hit_max=8, crash_max=40, one_in=8, whole=True)
THIN: Final = Matrix(hit_max=2, crash_max=24, one_in=30, whole=False)
# The usual stories, in which the thin matrix leaves no fault out.
USUAL: Final = ("pay_once", "refund_all")


@dataclass(frozen=True, slots=True)
class Branch:
    """One scenario, one card, one kind of client, one kind of fault.

    where: what the fault hits; `fault` for a request to Stripe, `store`, `orders`, or `none`.
    """

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
        for card in dict.fromkeys(scenario.cards):
            for where, kind in FAULTS:
                for retry in (True, False):
                    branch = Branch(name, card, retry, where, kind)
                    if matrix.whole or not kind or _stays(branch, scenario.cards[0]):
                        yield branch


def _stays(branch: Branch, usual_card: str) -> bool:
    """Whether the thin matrix keeps a branch with a fault."""
    if branch.card != usual_card:
        return False
    return branch.scenario in USUAL or crc32(str(branch).encode()) % 2 == 0


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
        if what.startswith("store due"):
            continue
        yield number, BEFORE
        if not what.endswith(SENT):
            yield number, AFTER


def random_life(seed: int) -> Life:
    """Return a life with several faults, drawn from the seed."""
    chance = Random(seed)
    scenario = chance.choice(list(SCENARIOS))
    card = chance.choice(SCENARIOS[scenario].cards)
    down_s = chance.choice((0, 1, 1, 1, 40, 1000, 90_000))
    # Three days without us end a notice by contract; a person must look then.
    crashes = min(chance.choice((0, 1, 1, 2, 3)), 2 if down_s > 1000 else 3)
    skew_s, replicas = chance.choice((0, 0, 0, 4, 300, -300)), chance.choice((1, 1, 2))
    return Life(
        scenario,
        card,
        fault=_stripe(chance, leases_hold=replicas == 1 or abs(skew_s) < LEASE_MARGIN_S),
        store=_some(chance, STORE_FAULTS, calls=25, most=2),
        orders=_orders(chance),
        crash=tuple(sorted({_gate(chance) for _ in range(crashes)})),
        down_s=down_s,
        skew_s=skew_s,
        seed=chance.choice((0, seed)),
        replicas=replicas,
        leases=chance.random() < 0.5,
        retry=chance.random() < 0.6,
    )


def _some(chance: Random, kinds: tuple[str, ...], *, calls: int, most: int) -> Faults:
    count = chance.randint(0, most)
    numbers = sorted(chance.sample(range(1, calls + 1), count))
    return tuple((number, chance.choice(kinds)) for number in numbers)


def _stripe(chance: Random, *, leases_hold: bool) -> Faults:
    """A forgotten key is too much at once with what only the key holds back: see the tests."""
    faults = _some(chance, STRIPE_FAULTS, calls=10, most=4)
    if not leases_hold or any(kind == "late" for _, kind in faults):
        faults = tuple(fault for fault in faults if fault[1] != "error_503_after_key_forgotten")
    if faults and chance.random() < OUTAGES:
        return (*faults[:-1], (faults[-1][0], OUTAGE))
    return faults


def _orders(chance: Random) -> Faults:
    """Two refused tokens in a row end a notice by contract; a person must look then."""
    faults = _some(chance, ORDERS_FAULTS, calls=4, most=2)
    refused = [fault for fault in faults if fault[1] == "http_401"]
    return tuple(fault for fault in faults if fault not in refused[1:])


def _gate(chance: Random) -> Gate:
    return chance.randint(1, 40), chance.choice((BEFORE, AFTER))
