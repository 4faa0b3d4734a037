"""A life as a value: who does what, what goes wrong and when, and the one line that replays it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from tests.simulation.process import AFTER, BEFORE, Gate

# Faults by the number of the call that they hit, counted from 1.
Faults = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Life:
    """One life. Written and read as `pay_once/visa/fault=2:timeout_after/crash=7b/retry`.

    fault, store, orders: what hits the n-th request to Stripe, call of the store, try to tell the
    OrderService. crash: gates at which the process is killed. down_s: how long until it is started
    again. skew_s: how wrong the clock of every second process is. seed: 0 for the usual latencies,
    else they are drawn. retry: whether clients ask again when they have no answer.
    """

    scenario: str
    card: str
    fault: Faults = ()
    store: Faults = ()
    orders: Faults = ()
    crash: tuple[Gate, ...] = ()
    down_s: int = 1
    skew_s: int = 0
    seed: int = 0
    retry: bool = True

    def __str__(self) -> str:
        parts = [self.scenario, self.card]
        for name in ("fault", "store", "orders"):
            if faults := getattr(self, name):
                parts.append(f"{name}=" + "+".join(f"{n}:{kind}" for n, kind in faults))
        if self.crash:
            parts.append("crash=" + "+".join(f"{n}{side}" for n, side in self.crash))
        for name, usual in (("down_s", 1), ("skew_s", 0), ("seed", 0)):
            if (value := getattr(self, name)) != usual:
                parts.append(f"{name}={value}")
        return "/".join((*parts, "retry" if self.retry else "once"))


def read_life(text: str) -> Life:
    """Return the life that is written so. Raises ValueError."""
    scenario, card, *parts = text.strip().split("/")
    values: dict[str, object] = {"retry": True}
    for part in parts:
        name, _, value = part.partition("=")
        match name:
            case "fault" | "store" | "orders":
                values[name] = tuple(_fault(one) for one in value.split("+"))
            case "crash":
                values[name] = tuple(_gate(one) for one in value.split("+"))
            case "down_s" | "skew_s" | "seed":
                values[name] = int(value)
            case "retry" | "once":
                values["retry"] = name == "retry"
            case _:
                raise ValueError(f"a life has no {part}")
    return Life(scenario, card, **values)  # type: ignore[arg-type]  # read name by name above


def _fault(text: str) -> tuple[int, str]:
    number, _, kind = text.partition(":")
    return int(number), kind


def _gate(text: str) -> Gate:
    if text[-1] not in (BEFORE, AFTER):
        raise ValueError(f"a gate ends in b or a: {text}")
    return int(text[:-1]), text[-1]


@dataclass
class FaultCounter:
    """Counts calls of one sort and hands out the fault that the plan has for each.

    hits: which faults really struck.
    """

    plan: Mapping[int, str]
    calls: int = 0
    hits: list[str] = field(default_factory=list)

    def next(self) -> str | None:
        """Count one call; return its fault."""
        self.calls += 1
        kind = self.plan.get(self.calls)
        if kind is not None:
            self.hits.append(kind)
        return kind


class Latency:
    """How long things take: the usual, or drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed) if seed else None

    def store_s(self) -> float:
        """One call of the store."""
        return 0.001 if self._random is None else self._random.choice((0.0, 0.001, 0.004, 0.05))

    def stripe_s(self) -> float:
        """A third of a request to Stripe: there, work, back."""
        if self._random is None:
            return 0.1
        return self._random.choice((0.0, 0.01, 0.1, 0.3, 1.5))

    def orders_s(self) -> float:
        """One update of the OrderService."""
        return 0.05 if self._random is None else self._random.choice((0.0, 0.05, 2.0))
