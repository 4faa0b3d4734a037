"""What can go wrong between Stripe and a receiver of webhooks, and the plan of events that are hit.

Pure, like `faults`: the engine asks the plan about each event, in process and behind a port alike.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final, Literal, cast, get_args

from stripe_sandbox.faults import is_seconds

WebhookFaultKind = Literal[
    "drop",
    "duplicate",
    "two_events",
    "delay",
    "reorder",
    "never_generated",
]
WEBHOOK_FAULT_KINDS: Final[tuple[WebhookFaultKind, ...]] = get_args(WebhookFaultKind)
Order = Literal["reversed", "shuffled"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)

# Two is the least that can be a duplicate or out of order, and the most common in the wild.
COUNT_DEFAULT: Final = 2
# More than a batch or a burst of duplicates was ever reported to be.
COUNT_MAX: Final = 100
# Longer than a customer waits at the checkout, short enough to wait for by hand.
DELAY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class WebhookFault:
    """One thing that goes wrong with the news of an event.

    `count` is how often a `duplicate` arrives and how many events a `reorder` mixes up.
    """

    kind: WebhookFaultKind
    count: int = COUNT_DEFAULT
    delay_s: float = DELAY_S
    order: Order = "reversed"

    @property
    def events(self) -> int:
        """How many Event objects there are for the one change."""
        return {"never_generated": 0, "two_events": 2}.get(self.kind, 1)


@dataclass(slots=True)
class WebhookFaultRule:
    """Which events a fault hits: the first `skip` of the type pass, the next `times` are hit.

    Under `reorder`, `times` counts batches.
    """

    type: str
    fault: WebhookFault
    times: int = 1
    skip: int = 0
    hits: int = 0

    @property
    def hits_max(self) -> int:
        """After so many hits the rule is spent."""
        return self.times * (self.fault.count if self.fault.kind == "reorder" else 1)


@dataclass(slots=True)
class WebhookFaultPlan:
    """The rules in force, oldest first. A rule that has hit its number of events is gone.

    hits: how many events each kind has hit; clearing the rules does not forget them.
    """

    rules: list[WebhookFaultRule] = field(default_factory=list)
    hits: Counter[str] = field(default_factory=Counter)

    def add(self, rule: WebhookFaultRule) -> None:
        """Put a rule behind those already there."""
        self.rules.append(rule)

    def clear(self) -> None:
        """Forget all rules."""
        self.rules.clear()

    def take(self, event_type: str) -> WebhookFault | None:
        """Return the fault for this event, if any; a rule that lets it pass has counted it."""
        for rule in self.rules:
            if not fnmatchcase(event_type, rule.type):
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            rule.hits += 1
            if rule.hits >= rule.hits_max:
                self.rules.remove(rule)
            self.hits[rule.fault.kind] += 1
            return rule.fault
        return None


def read_rule(wish: object) -> WebhookFaultRule | dict[str, str]:
    """Turn decoded JSON into a rule, or into what is wrong with each bad field."""
    if not isinstance(wish, dict):
        return {"": "must be a JSON object"}
    if wish.get("fault") not in WEBHOOK_FAULT_KINDS:
        return {"fault": "must be one of " + ", ".join(WEBHOOK_FAULT_KINDS)}
    kind = cast(WebhookFaultKind, wish["fault"])
    known = ("type", "fault", "times", "skip", *_FIELDS_OF.get(kind, ()))
    problems = {str(name): f"is not known to {kind}" for name in wish if name not in known}
    problems |= _problems({name: value for name, value in wish.items() if name in known})
    if problems:
        return problems
    fault = WebhookFault(
        kind=kind,
        count=wish.get("count", COUNT_DEFAULT),
        delay_s=wish.get("delay_s", DELAY_S),
        order=wish.get("order", "reversed"),
    )
    return WebhookFaultRule(wish.get("type", "*"), fault, wish.get("times", 1), wish.get("skip", 0))


# The fields that only one kind or two have a use for.
_FIELDS_OF: Final[dict[WebhookFaultKind, tuple[str, ...]]] = {
    "duplicate": ("count",),
    "delay": ("delay_s",),
    "reorder": ("count", "order"),
}


def _problems(wish: dict[str, object]) -> dict[str, str]:
    """Say what is wrong with the values that are there."""
    problems = {}
    if not isinstance(wish.get("type", "*"), str) or wish.get("type") == "":
        problems["type"] = "must be the type of an event, with * for any part of it"
    for name, least, most in (("times", 1, None), ("skip", 0, None), ("count", 2, COUNT_MAX)):
        value = wish.get(name, least)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            problems[name] = f"must be an integer of at least {least}"
        elif most is not None and value > most:
            problems[name] = f"must be at most {most}"
    if not is_seconds(wish.get("delay_s", 0)):
        problems["delay_s"] = "must be a number of seconds, 0 or more"
    if wish.get("order", "reversed") not in ORDERS:
        problems["order"] = "must be one of " + ", ".join(ORDERS)
    return problems
