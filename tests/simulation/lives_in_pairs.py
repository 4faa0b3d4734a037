"""Every two faults: at each of the first points of a life each fault, and after it each other.

What comes after the first fault is seen by living it, so the second one also strikes in the middle
of what is done about the first.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from tests.simulation.inbox import ORDERS_FAULTS
from tests.simulation.lives import Live, is_too_much, with_fault
from tests.simulation.living import Outcome
from tests.simulation.plan import EVERY, LISTS, SILENT, WEBHOOKS, Life
from tests.simulation.post import DOOR_FAULTS, MADE, MADE_FAULTS, POSTED
from tests.simulation.process import Point
from tests.simulation.store_faults import PAIRED_STORE_FAULTS
from tests.simulation.stripe_line import STRIPE_FAULTS

# What can go wrong at a point, by its name, and the field of a life that says so.
_KINDS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "fault": ("fault", STRIPE_FAULTS),
    "store": ("store", PAIRED_STORE_FAULTS),
    "orders": ("orders", ORDERS_FAULTS),
    MADE: ("webhook", tuple(MADE_FAULTS)),
    POSTED: ("webhook", DOOR_FAULTS),
}


@dataclass(frozen=True, slots=True)
class Ground:
    """A life whose first points are struck by every two faults. begin: points that are passed."""

    life: Life
    points: int
    begin: int = 0


def _ground(story: str, news: str, points: int, begin: int = 0, *, retry: bool = True) -> Ground:
    scenario, card = story.split("/")
    return Ground(Life(scenario, card, news=news, retry=retry), points, begin)


# The points were chosen so that each story gets past what it is about, and all of it takes minutes.
GROUNDS: Final = (
    _ground("pay_once/visa", SILENT, 26),
    _ground("pay_once/visa", EVERY, 24),
    _ground("pay_once/declined", SILENT, 16, retry=False),
    _ground("authenticated/3ds", WEBHOOKS, 20),
    _ground("hold_and_capture/visa", SILENT, 26, 8),
    _ground("hold_and_cancel/visa", WEBHOOKS, 26, 8),
    _ground("capture_or_cancel/visa", SILENT, 22, 8),
    _ground("refund_all/visa", SILENT, 32, 12),
    _ground("refund_comes_back/refund_fails", LISTS, 30, 14),
    _ground("refund_or_dispute/visa", WEBHOOKS, 34, 16),
    _ground("keep_cards/visa", SILENT, 18),
    _ground("deleted_at_stripe/visa", SILENT, 44, 26),
)


def firsts(ground: Ground, live: Live) -> list[Life]:
    """Return the lives with one fault at one of the first points."""
    return list(_struck(live(ground.life), ground.begin, ground.points))


def pairs(ground: Ground, first: Life, live: Live) -> Iterator[Outcome]:
    """Live one fault, and then every other one after it."""
    outcome = live(first)
    yield outcome
    # The same life until the first fault strikes: what comes later is what has changed.
    begin = _place(outcome, first, ground)
    for life in _struck(outcome, begin + 1, ground.points):
        if not is_too_much(life.fault):
            yield live(life)


def _struck(outcome: Outcome, begin: int, end: int) -> Iterator[Life]:
    for point in outcome.points[begin:end]:
        yield from _faults(outcome.life, point)


def _faults(life: Life, point: Point) -> Iterator[Life]:
    where, number, side = point
    if where == "crash":
        yield replace(life, crash=tuple(sorted((*life.crash, (number, side)))))
        return
    field, kinds = _KINDS[where]
    for kind in kinds:
        yield with_fault(life, field, number, kind)


def _place(outcome: Outcome, first: Life, ground: Ground) -> int:
    """Return at which point the first fault struck."""
    added: Callable[[Point], bool] = lambda point: first in _faults(ground.life, point)  # noqa: E731
    return next(place for place, point in enumerate(outcome.points) if added(point))
