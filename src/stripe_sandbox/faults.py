"""What can go wrong between a client and Stripe, and the plan that says which request is hit.

Pure: the engine turns a fault into an effect, the HTTP server into what happens on the connection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final, Literal, cast, get_args

FaultKind = Literal[
    "timeout_before",
    "timeout_after",
    "reset_before",
    "reset_after",
    "error_500_before",
    "error_500_after",
    "error_503_before",
    "error_503_after_key_forgotten",
    "truncated_200",
    "rate_limit",
    "lock_timeout",
    "delay",
    "answer",
]
FAULT_KINDS: Final[tuple[FaultKind, ...]] = get_args(FaultKind)

# What a fault may answer: an error of Stripe's, whichever it is.
ERRORS: Final = range(400, 600)

# Longer than the 80 s after which the official SDKs give up, so that it is the client who ends it.
TIMEOUT_S = 120.0
# Long enough to overtake a second request, short enough to wait for by hand.
DELAY_S = 5.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. `before` is without the effect of the request, `after` with it.

    status, body: what `answer` answers, in place of doing what was asked.
    """

    kind: FaultKind
    delay_s: float | None = None
    status: int = 400
    body: Mapping[str, Any] | None = None

    @property
    def wait_s(self) -> float:
        """How long the answer, or the end of the connection, is held back."""
        if self.delay_s is not None:
            return self.delay_s
        if self.kind in ("timeout_before", "timeout_after"):
            return TIMEOUT_S
        return DELAY_S if self.kind == "delay" else 0.0


@dataclass(slots=True)
class FaultRule:
    """Which requests a fault hits: the first `skip` that match pass, the next `times` are hit."""

    method: str
    path: str
    fault: Fault
    times: int
    skip: int

    def matches(self, method: str, path: str) -> bool:
        """Whether the rule speaks of this request; `*` as method means any."""
        return self.method in ("*", method) and fnmatchcase(path, self.path)


@dataclass(slots=True)
class FaultPlan:
    """The rules in force, oldest first. A rule that has hit its number of requests is gone.

    hits: how many requests each kind has hit; clearing the rules does not forget them.
    """

    rules: list[FaultRule] = field(default_factory=list)
    hits: Counter[str] = field(default_factory=Counter)

    def add(self, rule: FaultRule) -> None:
        """Put a rule behind those already there."""
        self.rules.append(rule)

    def clear(self) -> None:
        """Forget all rules."""
        self.rules.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault for this request, if any; a rule that lets it pass has counted it."""
        for rule in self.rules:
            if not rule.matches(method, path):
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            rule.times -= 1
            if rule.times <= 0:
                self.rules.remove(rule)
            self.hits[rule.fault.kind] += 1
            return rule.fault
        return None


def read_rule(wish: object) -> FaultRule | dict[str, str]:
    """Turn decoded JSON into a rule, or into what is wrong with each bad field."""
    if not isinstance(wish, dict):
        return {"": "must be a JSON object"}
    problems = {str(name): "is not known" for name in wish if name not in RULE_FIELDS} | _problems(
        wish
    )
    if problems:
        return problems
    return FaultRule(
        method=str(wish.get("method", "*")).upper(),
        path=str(wish.get("path", "*")),
        fault=Fault(
            cast(FaultKind, wish["fault"]),
            wish.get("delay_s"),
            status=wish.get("status", 400),
            body=wish.get("body"),
        ),
        times=wish.get("times", 1),
        skip=wish.get("skip", 0),
    )


RULE_FIELDS: Final = ("method", "path", "fault", "times", "skip", "delay_s", "status", "body")


def _problems(wish: dict[str, object]) -> dict[str, str]:
    """Say what is wrong with the values that are there."""
    problems = {}
    for name in ("method", "path"):
        if not isinstance(wish.get(name, "*"), str) or wish.get(name, "*") == "":
            problems[name] = "must be a string that is not empty"
    if wish.get("fault") not in FAULT_KINDS:
        problems["fault"] = "must be one of " + ", ".join(FAULT_KINDS)
    for name, least in (("times", 1), ("skip", 0)):
        value = wish.get(name, least)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            problems[name] = f"must be an integer of at least {least}"
    delay_s = wish.get("delay_s")
    if delay_s is not None and not is_seconds(delay_s):
        problems["delay_s"] = "must be a number of seconds, 0 or more"
    return problems | _problems_of_answer(wish)


def _problems_of_answer(wish: dict[str, object]) -> dict[str, str]:
    """Say what is wrong with the answer that was ordered."""
    given = [name for name in ("status", "body") if name in wish]
    if wish.get("fault") != "answer":
        return dict.fromkeys(given, "needs the fault answer")
    problems = {}
    status, body = wish.get("status"), wish.get("body", {})
    if not isinstance(status, int) or isinstance(status, bool) or status not in ERRORS:
        problems["status"] = "must be the status of an error, 400 to 599"
    if not isinstance(body, dict):
        problems["body"] = "must be a JSON object"
    return problems


def is_seconds(value: object) -> bool:
    """Whether a decoded JSON value is a length of time one can wait for."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value < float("inf")
