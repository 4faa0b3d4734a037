"""Which lives are lived: every fault at every request with every crash, and seeded chance.

A branch is one scenario with one card, one kind of client and one kind of fault. Its lives follow
from running it: the fault at the first request, the second, and so on until it finds none to hit;
and in each of these the process is killed at each of the gates that it passes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from random import Random
from typing import Final
from zlib import crc32

from tests.simulation.coverage import EARLIER, NOBODYS, UNKNOWN_STATUS, pair
from tests.simulation.currencies import CURRENCIES, currency_of_branch
from tests.simulation.inbox import ORDERS_FAULTS
from tests.simulation.living import SKEWS, Outcome
from tests.simulation.plan import EVERY, LISTS, NEWS, SILENT, WEBHOOKS, Faults, Life, read_life
from tests.simulation.post import WEBHOOK_FAULTS
from tests.simulation.process import AFTER, BEFORE, SENT, STANDING, Gate, Jumps
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.store_faults import STORE_FAULTS
from tests.simulation.stripe_line import FORGOTTEN, LATE, OUTAGE, STALLED, STRIPE_FAULTS

FAULTS: Final = (
    ("none", ""),
    *(("fault", kind) for kind in STRIPE_FAULTS),
    *(("store", kind) for kind in STORE_FAULTS),
    *(("orders", kind) for kind in ORDERS_FAULTS),
    *(("webhook", kind) for kind in WEBHOOK_FAULTS),
    *((kind, "") for kind in STANDING),
    *(("jump", sign) for sign in ("+", "-")),
)
# A line of the coverage table for each: none of them may stay at zero.
CELLS: Final = (
    *(f"stripe {kind}" for kind in (*STRIPE_FAULTS, OUTAGE, STALLED)),
    *(f"store {kind}" for kind in STORE_FAULTS),
    *(f"orders {kind}" for kind in ORDERS_FAULTS),
    *(f"webhook {kind}" for kind in WEBHOOK_FAULTS),
    "crash",
    *STANDING,
    "jump",
    *(f"clock {name}" for name, _ in SKEWS),
)
# A line for each too: money must have been taken in every one of them.
CURRENCY_CELLS: Final = tuple(f"currency {code}" for code in CURRENCIES)

# Farther than Stripe holds a key, or than any lease and any tolerance.
CLOCKS_OFF_S: Final = (3600, -3600, 90_000, -90_000)

# Stories that are told in the tests with every kind of fault; of the others the tests live a few,
# and the campaign all.
EARLIEST: Final = frozenset(list(SCENARIOS)[: list(SCENARIOS).index("confirmed_later")])
RARER: Final = 2
# The usual stories, in which no matrix leaves a fault out.
USUAL: Final = ("pay_once", "refund_all")

# What no matrix comes by: a success of what was given up, which others can tell us of. The watch
# would see the mistake when it is made; the auditor judges that it is put right.
ALONE: Final = tuple(
    read_life(f"{story}/fault=1:{STALLED}/news={news}/once")
    for story in (
        "pay_once/visa",
        "pay_once/3ds",
        "pay_once/no_funds",
        "two_orders/visa",
        "hold_lapses/visa",
        "confirmed_later/visa",
        "client_is_gone/visa",
        "bank_works/visa",
    )
    for news in (WEBHOOKS, LISTS)
)

# What the matrix does not come by, or by the luck of its draw only, and a life that hears it: looks
# at a PaymentIntent of an earlier generation come late in a life, and a dispute must arrive before
# the payment's document has the id of its PaymentIntent.
DEEP: Final = {
    pair("ReadIntent", place, heard): read_life(f"{life}/news={EVERY}/retry")
    for place, heard, life in (
        (EARLIER, UNKNOWN_STATUS, "cancel_unpaid/3ds/fault=17:new_status"),
        (EARLIER, "rejected", "cancel_unpaid/3ds/fault=17:rejected"),
        (EARLIER, "not executed", "cancel_unpaid/3ds/fault=17:rate_limit"),
        (EARLIER, "no answer", "cancel_unpaid/3ds/fault=17:timeout_before"),
        (NOBODYS, UNKNOWN_STATUS, "dispute_lost/disputed/fault=2:new_status"),
    )
}

# The share of random lives with faults in which Stripe is away for a day: they take long.
OUTAGES: Final = 0.03
# The share in which a process, or its machine, stands still for a day.
A_DAY_LOST: Final = 0.08

Live = Callable[[Life], Outcome]


@dataclass(frozen=True, slots=True)
class Matrix:
    """How much of it is lived.

    hit_max: requests of one life that a fault is tried at. crash_max: calls that it is killed at;
    later ones are the watch of an idle payment. one_in: of how many gates the process of a life
    without a fault is killed at one; after_fault_one_in: of one with a fault. branches_one_in: how
    many of the branches are lived at all, 0 all of them.
    """

    hit_max: int
    crash_max: int
    one_in: int
    after_fault_one_in: int
    branches_one_in: int


WHOLE: Final = Matrix(8, 60, one_in=1, after_fault_one_in=1, branches_one_in=0)
FULL: Final = Matrix(8, 60, one_in=5, after_fault_one_in=180, branches_one_in=1)
THIN: Final = Matrix(2, 24, one_in=30, after_fault_one_in=30, branches_one_in=12)


@dataclass(frozen=True, slots=True)
class Branch:
    """One scenario, one card, one kind of client, one way to hear of things, one kind of fault.

    where: what the fault hits, as in a life; `none`, or how two processes stand still instead of
    being killed, or `jump` for one whose clock is set forwards or back.
    """

    scenario: str
    card: str
    retry: bool
    news: str
    where: str
    kind: str

    def life(self, number: int) -> Life:
        """Return the life without a crash, its fault at the n-th call."""
        currency = currency_of_branch(str(self))
        plain = Life(self.scenario, self.card, news=self.news, currency=currency, retry=self.retry)
        if self.where in STANDING:
            return replace(plain, replicas=2)
        if self.where == "jump":
            return plain
        return with_fault(plain, self.where, number, self.kind) if self.kind else plain

    def at(self, life: Life, gate: Gate) -> Life:
        """Return the life with what happens to a process at a gate."""
        if self.where in STANDING:
            return replace(life, **{self.where: (gate,)})  # type: ignore[arg-type]  # gates, all
        if self.where == "jump":
            return replace(life, jump=((gate, int(f"{self.kind}{max(CLOCKS_OFF_S)}")),))
        return replace(life, crash=(gate,))


def with_fault(life: Life, where: str, number: int, kind: str) -> Life:
    """Return the life with one more fault."""
    match where:
        case "fault":
            return replace(life, fault=_more(life.fault, number, kind))
        case "store":
            return replace(life, store=_more(life.store, number, kind))
        case "orders":
            return replace(life, orders=_more(life.orders, number, kind))
        case _:
            return replace(life, webhook=_more(life.webhook, number, kind))


def _more(faults: Faults, number: int, kind: str) -> Faults:
    return tuple(sorted((*faults, (number, kind))))


def branches(matrix: Matrix) -> Iterator[Branch]:
    """Return all branches of the matrix."""
    for name, scenario in SCENARIOS.items():
        for card in dict.fromkeys(scenario.cards):
            for where, kind in FAULTS:
                for retry, news in product((True, False), _news(where, kind)):
                    branch = Branch(name, card, retry, news, where, kind)
                    one_in = _one_in(branch, matrix, is_usual=card == scenario.cards[0])
                    if _is_drawn(str(branch), one_in):
                        yield branch


def _news(where: str, kind: str) -> tuple[str, ...]:
    """Return by which ways of hearing of things a fault is tried."""
    if where == "webhook":
        return (WEBHOOKS, EVERY)
    return (SILENT, EVERY) if kind or where in STANDING else NEWS


def _one_in(branch: Branch, matrix: Matrix, *, is_usual: bool) -> int:
    """Return of how many branches like this one is lived."""
    is_plain, thinned = branch.where == "none", matrix.branches_one_in
    if thinned > 1 and branch.scenario not in EARLIEST:
        if is_usual and is_plain and branch.retry and branch.news == EVERY:
            return 1
        is_usual, thinned = False, RARER * thinned
    if not thinned or (is_usual and is_plain):
        return 1
    if is_plain:
        return 2 if thinned == 1 else 4
    if is_usual and branch.news != EVERY:
        return 1 if branch.scenario in USUAL else thinned
    return (6 if is_usual else 24) * thinned


def _is_drawn(text: str, one_in: int) -> bool:
    return crc32(text.encode()) % one_in == 0


def grow(branch: Branch, matrix: Matrix, live: Live) -> Iterator[Outcome]:
    """Live the lives of a branch."""
    is_fault = bool(branch.kind) and branch.where != "jump"
    one_in = matrix.after_fault_one_in if is_fault else matrix.one_in
    for number in range(1, matrix.hit_max + 1):
        outcome = live(branch.life(number))
        if is_fault and not outcome.hits:
            return
        yield outcome
        for gate in gates(outcome, matrix.crash_max):
            life = branch.at(outcome.life, gate)
            if _is_drawn(str(life), one_in):
                yield live(life)
        if not is_fault:
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
    pauses, news = chance.choice((0, 0, 0, 1, 2)), chance.choice(NEWS)
    skew_s = chance.choice((0, 0, 0, 4, 300, -300, *CLOCKS_OFF_S))
    replicas = chance.choice((1, 1, 2))
    life = Life(
        scenario=scenario,
        card=card,
        fault=_stripe(chance),
        store=_some(chance, STORE_FAULTS, calls=25, most=2),
        orders=_orders(chance),
        webhook=_some(chance, WEBHOOK_FAULTS, calls=8, most=0 if news == SILENT else 3),
        crash=tuple(sorted({_gate(chance) for _ in range(crashes)})),
        pause=tuple(sorted({_gate(chance) for _ in range(pauses)})),
        down_s=down_s,
        skew_s=skew_s,
        seed=chance.choice((0, seed)),
        replicas=replicas,
        leases=chance.random() < 0.5,
        news=news,
        retry=chance.random() < 0.6,
        freeze=_seldom(chance),
        suspend=_seldom(chance),
        jump=_jumps(chance),
        currency=chance.choice(CURRENCIES),
    )
    return replace(life, suspend=()) if is_unseen(life) else life


def is_unseen(life: Life) -> bool:
    """Whether a clock is set back by as much as its machine has slept, which none of it shows."""
    slept_s = STANDING["suspend"]
    return bool(life.suspend) and any(by_s == -slept_s for _, by_s in life.jump)


def _some(chance: Random, kinds: tuple[str, ...], *, calls: int, most: int) -> Faults:
    count = chance.randint(0, most)
    numbers = sorted(chance.sample(range(1, calls + 1), count))
    return tuple((number, chance.choice(kinds)) for number in numbers)


def _stripe(chance: Random) -> Faults:
    faults = _some(chance, STRIPE_FAULTS, calls=10, most=4)
    if is_too_much(faults):
        faults = tuple(fault for fault in faults if fault[1] != FORGOTTEN)
    if faults and chance.random() < OUTAGES:
        return (*faults[:-1], (faults[-1][0], OUTAGE))
    return faults


def is_too_much(faults: Faults) -> bool:
    """Whether a key is forgotten together with what only the key holds back: see the tests."""
    return {LATE, FORGOTTEN} <= {kind for _, kind in faults}


def _orders(chance: Random) -> Faults:
    return _some(chance, ORDERS_FAULTS, calls=4, most=2)


def _seldom(chance: Random) -> tuple[Gate, ...]:
    return (_gate(chance),) if chance.random() < A_DAY_LOST else ()


def _jumps(chance: Random) -> Jumps:
    gates = sorted({_gate(chance) for _ in range(chance.choice((0, 0, 0, 1, 2)))})
    return tuple((gate, chance.choice(CLOCKS_OFF_S)) for gate in gates)


def _gate(chance: Random) -> Gate:
    return chance.randint(1, 40), chance.choice((BEFORE, AFTER))
