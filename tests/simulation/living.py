"""Run one life to its end, from the first click to the auditor's judgement."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from tests.parts.virtual_time import run
from tests.simulation.auditor import judge
from tests.simulation.coverage import Coverage
from tests.simulation.evidence import Evidence, gather
from tests.simulation.kinds import OLDER_PICTURE
from tests.simulation.plan import Life
from tests.simulation.process import STANDING, Point, Trace
from tests.simulation.scenarios import CARDS, SCENARIOS
from tests.simulation.town import HONEST, Town, Variant, open_town

# Everything must be settled this long after the clients have gone, not counting the time in which
# we or Stripe are down.
REST_WITHIN_S = 25 * 3600.0
# How wrong clocks are told of: from so many seconds on.
SKEWS = (("an hour off", 3600), ("a day off", 86_400))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a life.

    calls: the calls to the outside, in order. points: where something could go wrong. hits: the
    faults that really struck, and crashes. coverage: the roads walked and the answers heard.
    currencies: those that Stripe took money in. kinds: the kinds of lives that it is one of.
    """

    life: Life
    violations: tuple[str, ...]
    calls: tuple[str, ...]
    points: tuple[Point, ...]
    hits: tuple[str, ...]
    trace: tuple[str, ...]
    digest: str
    coverage: Coverage = field(default_factory=Coverage)
    currencies: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


def live(life: Life, variant: Variant = HONEST, *, watching: bool = True) -> Outcome:
    """Live this life. watching: also judge every commit, not only the end."""
    try:
        return run(lambda: _live(life, variant, watching=watching))
    except Exception as error:  # noqa: BLE001 - one life that cannot be lived is not the last
        return Outcome(life, (f"this life cannot be lived: {error!r}",), (), (), (), (), "")


async def _live(life: Life, variant: Variant, *, watching: bool) -> Outcome:
    scenario = SCENARIOS[life.scenario]
    town = await open_town(
        life,
        scenario.service(variant),
        watching=watching,
        policy=scenario.policy,
        stripe=scenario.stripe,
    )
    # What work ended in is asked of it at the end.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _told: None)
    town.begin()
    clients = scenario.clients(town, life.retry)
    await scenario.play(clients, CARDS[life.card])
    at_rest = await _rest(town)
    evidence = await gather(clients, at_rest=at_rest)
    broken = [f"a contradiction: {error!r}" for error in town.errors()]
    violations = [*town.watch.complaints, *judge(evidence), *clients.contradictions, *broken]
    clients.close()
    town.variant.over()
    _tell_the_end(town.trace, evidence.shown, violations)
    return Outcome(
        life=life,
        violations=tuple(violations),
        calls=tuple(town.gates.calls),
        points=tuple(town.gates.points),
        hits=_hits(town),
        trace=tuple(town.trace.lines),
        digest=town.trace.digest(),
        coverage=town.watch.coverage,
        currencies=_currencies(evidence),
        kinds=_kinds(town),
    )


async def _rest(town: Town) -> bool:
    """Let the worker work until there is nothing to do, then let a day pass."""
    town.busy_clients = False
    loop = asyncio.get_running_loop()
    stands_s = sum(STANDING[kind] * len(getattr(town.life, kind)) for kind in STANDING)
    gone_at = loop.time() + town.life.down_s * len(town.life.crash) + stands_s

    def end() -> float:
        return max(gone_at, town.line.back_at, town.down_until) + REST_WITHIN_S

    while (left_s := end() - loop.time()) > 0:  # noqa: ASYNC110 - time jumps here, and so may the end
        await asyncio.sleep(left_s if town.at_rest() else min(town.next_s(), left_s))
    return town.at_rest()


def _hits(town: Town) -> tuple[str, ...]:
    return (
        *(f"stripe {kind}" for kind in town.line.faults.hits),
        *(f"store {kind}" for kind in town.shelf.trouble.faults.hits),
        *(f"orders {kind}" for kind in town.inbox.faults.hits),
        *(f"webhook {kind}" for kind in (*town.made.counter.hits, *town.post.arrivals.hits)),
        *town.gates.hits,
        *(f"clock {name}" for name, from_s in SKEWS if abs(town.life.skew_s) >= from_s),
    )


def _kinds(town: Town) -> tuple[str, ...]:
    older = {OLDER_PICTURE} if town.shelf.shown_older else set()
    return tuple(sorted(town.happened | town.variant.happened | older))


def _currencies(evidence: Evidence) -> tuple[str, ...]:
    intents = evidence.ledger["payment_intents"]
    return tuple(sorted({one["currency"] for one in intents if one["amount_received"]}))


def _tell_the_end(trace: Trace, shown: Any, violations: list[str]) -> None:
    for order, payment in shown.items():
        trace.note("shown", order, None if payment is None else payment.state)
    for violation in violations:
        trace.note("violation", violation)
