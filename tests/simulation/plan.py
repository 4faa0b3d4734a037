"""A life as a value: who does what, what goes wrong and when, and the one line that replays it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from tests.simulation.currencies import CURRENCIES, USUAL
from tests.simulation.process import AFTER, BEFORE, STANDING, Gate, Jumps, Point

# Faults by the number of the call that they hit, counted from 1.
Faults = tuple[tuple[int, str], ...]
FAULTS = ("fault", "store", "orders", "webhook")
GATES = ("crash", *STANDING)
NUMBERS = ("down_s", "skew_s", "seed", "replicas")
# How we hear of what happens at Stripe besides our own calls. silent: by looks alone, neither
# webhooks nor lists. webhooks: those alone. lists: Stripe's lists, read from time to time, alone.
SILENT, WEBHOOKS, LISTS, EVERY = "silent", "webhooks", "lists", "every"
NEWS = (SILENT, WEBHOOKS, LISTS, EVERY)


@dataclass(frozen=True, slots=True)
class Life:
    """One life. Written and read as `pay_once/visa/fault=2:timeout_after/crash=7b/retry`.

    fault, store, orders: what hits the n-th request to Stripe, call of the store, try to tell the
    OrderService. webhook: what hits the n-th event, or the n-th post of one. crash, pause: gates at
    which the process is killed, or stands still for longer than its claims. freeze, suspend: gates
    at which it stands still for more than a day, its monotonic clock going on or not. jump: gates
    at which its wall clock is set, and by how much. down_s: how long until
    it is started again. leases: whether claims must lapse, as with a store that others use too.
    skew_s: how far the wall clock of every first process is ahead, and of every second one behind.
    seed: 0 for the usual latencies, else
    they are drawn. replicas: how many processes at once. news: how we hear of what happens at
    Stripe. currency: what the first order is paid in. retry: whether clients ask again when they
    have no answer.
    """

    scenario: str
    card: str
    fault: Faults = ()
    store: Faults = ()
    orders: Faults = ()
    webhook: Faults = ()
    crash: tuple[Gate, ...] = ()
    pause: tuple[Gate, ...] = ()
    freeze: tuple[Gate, ...] = ()
    suspend: tuple[Gate, ...] = ()
    jump: Jumps = ()
    down_s: int = 1
    skew_s: int = 0
    seed: int = 0
    replicas: int = 1
    leases: bool = False
    news: str = SILENT
    currency: str = USUAL
    retry: bool = True

    def __str__(self) -> str:
        plain = Life(self.scenario, self.card)
        parts = [
            *(_written(name, getattr(self, name)) for name in FAULTS),
            *(_gates(name, getattr(self, name)) for name in GATES),
            _jumps(self.jump),
            *(f"{name}={getattr(self, name)}" for name in NUMBERS),
            "leases" if self.leases else "",
            "" if self.news == SILENT else f"news={self.news}",
            "" if self.currency == USUAL else f"currency={self.currency}",
        ]
        usual = {f"{name}={getattr(plain, name)}" for name in NUMBERS}
        told = [part for part in parts if part and part not in usual]
        return "/".join((self.scenario, self.card, *told, "retry" if self.retry else "once"))


def _written(name: str, faults: Faults) -> str:
    return f"{name}=" + "+".join(f"{n}:{kind}" for n, kind in faults) if faults else ""


def _gates(name: str, gates: tuple[Gate, ...]) -> str:
    return f"{name}=" + "+".join(f"{number}{side}" for number, side in gates) if gates else ""


def _jumps(jumps: Jumps) -> str:
    told = "+".join(f"{number}{side}:{by_s}" for (number, side), by_s in jumps)
    return f"jump={told}" if told else ""


def read_life(text: str) -> Life:
    """Return the life that is written so. Raises ValueError."""
    scenario, card, *parts = text.strip().split("/")
    values: dict[str, object] = {"retry": True}
    for part in parts:
        name, _, value = part.partition("=")
        match name:
            case "fault" | "store" | "orders" | "webhook":
                values[name] = tuple(_fault(one) for one in value.split("+"))
            case "crash" | "pause" | "freeze" | "suspend":
                values[name] = tuple(_gate(one) for one in value.split("+"))
            case "jump":
                values[name] = tuple(_jump(one) for one in value.split("+"))
            case "down_s" | "skew_s" | "seed" | "replicas":
                values[name] = int(value)
            case "news" if value in NEWS:
                values[name] = value
            case "currency" if value in CURRENCIES:
                values[name] = value
            case "leases":
                values["leases"] = True
            case "retry" | "once":
                values["retry"] = name == "retry"
            case _:
                raise ValueError(f"a life has no {part}")
    return Life(scenario, card, **values)  # type: ignore[arg-type]  # read name by name above


def _fault(text: str) -> tuple[int, str]:
    number, _, kind = text.partition(":")
    return int(number), kind


def _jump(text: str) -> tuple[Gate, int]:
    gate, _, by_s = text.partition(":")
    return _gate(gate), int(by_s)


def _gate(text: str) -> Gate:
    if text[-1] not in (BEFORE, AFTER):
        raise ValueError(f"a gate ends in b or a: {text}")
    return int(text[:-1]), text[-1]


@dataclass
class FaultCounter:
    """Counts calls of one sort and hands out the fault that the plan has for each.

    hits: which faults really struck. points: where any could have, in order, shared by all sorts.
    """

    plan: Mapping[int, str]
    where: str
    points: list[Point]
    calls: int = 0
    hits: list[str] = field(default_factory=list)

    def next(self) -> str | None:
        """Count one call; return its fault."""
        self.calls += 1
        self.points.append((self.where, self.calls, ""))
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

    def webhook_s(self) -> float:
        """One event from Stripe to us: usually it is here before the answer to the request."""
        return 0.05 if self._random is None else self._random.choice((0.0, 0.05, 0.3, 3.0))

    def orders_s(self) -> float:
        """One update of the OrderService."""
        return 0.05 if self._random is None else self._random.choice((0.0, 0.05, 2.0))
