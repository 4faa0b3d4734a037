"""Plays a recording of the real API against an account, and says where the answers differ.

The format is explained at the top of each recording.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from tests.sandbox.account import START, Account, Reply, reply, request

# How long a request took when the answers were recorded, or a little less: what Stripe does some
# seconds later is there for the steps that come later.
REQUEST_S = 0.25
_TEMPLATE = re.compile(r"\{([^{}]+)\}")


class Player:
    """One run of one recording."""

    def __init__(self, recording: Any) -> None:
        self._recording = recording
        self._account = Account()
        self._answers: dict[str, Any] = {}
        self._now = START

    def play(self) -> list[str]:
        """Do every step; return what differs, each with the name of its step."""
        return [
            f"{step['id']}: {problem}"
            for step in self._recording["steps"]
            for problem in self._step(step)
        ]

    def steps_played(self) -> int:
        """Return how many requests were sent."""
        return len(self._account.engine.ledger()["requests"])

    def _step(self, step: Any) -> Iterator[str]:
        repeat = step.get("repeat")
        if repeat is None:
            answer = self._send(self._filled(step["request"], None))
            self._answers[step["id"]] = answer.body
            yield from self._differences(answer, step["expect"], None)
            return
        self._answers[step["id"]] = []
        for turn in range(repeat["first"], repeat["first"] + repeat["count"]):
            answer = self._send(self._filled(step["request"], turn))
            self._answers[step["id"]].append(answer.body)
            yield from self._differences(answer, step["expect"], turn)

    def _send(self, asked: Any) -> Reply:
        version = asked.get("headers", {}).get("Stripe-Version", self._recording["stripe_version"])
        key = asked.get("idempotency_key")
        sent = request(
            asked["method"], asked["path"], asked.get("params"), version=version, key=key
        )
        self._now += REQUEST_S
        return reply(self._account.engine.handle(sent, now=self._now))

    def _differences(self, answer: Reply, expected: Any, turn: int | None) -> Iterator[str]:
        if answer.status != expected["status"]:
            yield f"status {answer.status}, not {expected['status']}: {answer.body}"
            return
        if "keys" in expected:
            yield from self._keys(answer.body, expected["keys"], ".")
        for path, shape in expected.get("keys_at", {}).items():
            found = reached(answer.body, path)
            for one in found or ():
                yield from self._keys(one, shape, path)
            if found is None:
                yield f"{path} is missing"
        yield from differing(answer.body, self._filled(expected.get("body", {}), turn), "")
        for path, source in expected.get("same_as", {}).items():
            if reached(answer.body, path) != [self._answered(source)]:
                yield f"{path} is not as {source} answered"
        for path, wanted in expected.get("lists", {}).items():
            yield from self._list(next(at(answer.body, path)), wanted)
        if "error" in answer.body:
            yield from _error_urls(answer.body["error"])

    def _keys(self, found: Any, shape: str, path: str) -> Iterator[str]:
        wanted = self._recording["shapes"][shape]
        if list(found) != wanted:
            yield f"keys at {path} are {list(found)}, not {wanted}"

    def _list(self, found: Any, wanted: Any) -> Iterator[str]:
        made = [answer["id"] for answer in self._answers[wanted["of"]]]
        newest_first = made[wanted["to"] : wanted["from"] + 1][::-1]
        if len(found) != wanted["length"] or [item["id"] for item in found] != newest_first:
            yield f"list of {len(found)} is not {wanted}"

    def _filled(self, value: Any, turn: int | None) -> Any:
        """Put earlier answers in place of {name.field}, and the turn in place of {i:03d}."""
        if isinstance(value, dict):
            return {name: self._filled(inner, turn) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner, turn) for inner in value]
        if not isinstance(value, str):
            return value
        whole = _TEMPLATE.fullmatch(value)
        if whole is not None and not whole[1].startswith("i:"):
            return self._answered(whole[1])
        return _TEMPLATE.sub(lambda match: self._word(match[1], turn), value)

    def _word(self, name: str, turn: int | None) -> str:
        if name.startswith("i:"):
            return format(turn, name[2:])
        return str(self._answered(name))

    def _answered(self, source: str) -> Any:
        name, _, path = source.partition(".")
        return next(at(self._answers[name], path or "."))


def at(value: Any, path: str) -> Iterator[Any]:
    """Find what lies at a path such as `data[].card`; [] is every element."""
    if path in ("", "."):
        yield value
        return
    step, _, rest = path.partition(".")
    name, _, index = step.partition("[")
    inner = value[name]
    if index == "":
        yield from at(inner, rest)
    elif index == "]":
        for element in inner:
            yield from at(element, rest)
    else:
        yield from at(inner[int(index[:-1])], rest)


def reached(value: Any, path: str) -> list[Any] | None:
    """Return what lies at a path, None when the path leads nowhere."""
    try:
        return list(at(value, path))
    except (KeyError, TypeError):
        return None


def differing(found: Any, wanted: Any, path: str) -> Iterator[str]:
    """Compare with a pattern: maps are subsets but for metadata, `*` is anything but null."""
    match wanted, found:
        case dict(), dict():
            yield from _differing_maps(found, wanted, path)
        case list(), list() if len(wanted) == len(found):
            for index, inner in enumerate(wanted):
                yield from differing(found[index], inner, f"{path}[{index}]")
        case "*", _:
            if found is None:
                yield f"{path} is null"
        case str(), str() if "*" in wanted:
            if not fnmatchcase(found, wanted.replace("[", "[[]")):
                yield f"{path} is {found!r}, not like {wanted!r}"
        case _:
            if found != wanted or type(found) is not type(wanted):
                yield f"{path} is {found!r}, not {wanted!r}"


def _differing_maps(found: Any, wanted: Any, path: str) -> Iterator[str]:
    whole = path != "" and (wanted == {} or path.endswith("metadata"))
    if whole and found != wanted:
        yield f"{path} is {found}, not {wanted}"
    for name, inner in wanted.items():
        if name not in found:
            yield f"{path}.{name} is missing"
        else:
            yield from differing(found[name], inner, f"{path}.{name}")


def _error_urls(error: Any) -> Iterator[str]:
    if "doc_url" in error:
        wanted = "https://stripe.com/docs/error-codes/" + error["code"].replace("_", "-")
        if error["doc_url"] != wanted:
            yield f"doc_url is {error['doc_url']}, not {wanted}"
    if not isinstance(error.get("request_log_url", ""), str):
        yield "request_log_url is no string"
