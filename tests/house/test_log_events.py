"""Every event of the log is documented, and every documented event can happen."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from payment_service.domain.event import EventState
from payment_service.domain.notice import NoticeState
from payment_service.domain.payment import FailureKind, Operation, State
from payment_service.domain.refund import RefundStatus
from payment_service.flows.take_event import Taken
from tests.house.tree import ROOT, SRC, name_of, parsed, read, shipped

PAGE = ROOT / "docs/reference/logs.md"
LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
# What writes a line of a time line, which becomes a line of the log when it is written.
NOTING = frozenset({"noted", "with_entry"})
# Names that are put together, with all that they can become.
PUT_TOGETHER = {
    "*.begun": {f"{operation}.begun" for operation in Operation},
    "payment.*": {f"payment.{word}" for word in {*State, *FailureKind} - {State.ASKING}},
    "refund.*": {f"refund.{status}" for status in RefundStatus},
    "order.*": {f"order.{state}" for state in NoticeState},
    "event.*": {f"event.{word}" for word in {*Taken, *EventState, "put_off", "swept"}},
    "dispute.*": {"dispute.<status>"},  # the words are Stripe's
}
# Lines whose name is somebody else's: a time line's entry, and a library's text.
PASSED_ON = frozenset({"entry.what", "record.getMessage()"})

Found = tuple[str, ast.expr]


def ours() -> Iterator[Path]:
    return (path for path in shipped() if path.is_relative_to(SRC / "payment_service"))


def named(path: Path) -> Iterator[ast.expr]:
    """Give what each call in this file names its event with."""
    for node in ast.walk(parsed(path)):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Attribute(attr=attr, value=value) if attr in LEVELS and _is_log(value):
                yield node.args[0]
            case ast.Attribute(attr="log", value=ast.Name(id="log")):
                yield node.args[1]
            case ast.Name(id="write"):
                yield node.args[0]
            case ast.Name(id=name) if name in NOTING:
                yield node.args[1]


def _is_log(value: ast.expr) -> bool:
    """Whether this is a logger of ours: `_log`, `log` or `structlog.get_logger(…)`."""
    text = ast.unparse(value)
    return text in {"_log", "log"} or text.startswith("structlog.get_logger(")


def names(path: Path, event: ast.expr) -> Iterator[str]:
    match event:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from names(path, body)
            yield from names(path, orelse)
        case ast.JoinedStr(values=parts):
            pieces = [str(p.value) if isinstance(p, ast.Constant) else "*" for p in parts]
            yield from PUT_TOGETHER["".join(pieces)]
        case ast.Name(id=constant) if constant.isupper():
            yield from names(path, _assigned(path, constant))
        case _ if ast.unparse(event) in PASSED_ON or _is_parameter(path, event):
            return
        case _:
            raise AssertionError(f"{name_of(path)}:{event.lineno} names an event in a new way")


def _assigned(path: Path, constant: str) -> ast.expr:
    for node in parsed(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == constant:
            return node.value
    raise AssertionError(f"{constant} is not in {name_of(path)}")


def _is_parameter(path: Path, event: ast.expr) -> bool:
    """Whether it was handed to the function that hands it on: `noted` itself."""
    return any(
        isinstance(node, ast.FunctionDef)
        and node.name in NOTING
        and ast.unparse(event) in {arg.arg for arg in node.args.args}
        for node in ast.walk(parsed(path))
    )


def used() -> set[str]:
    return {name for path in ours() for event in named(path) for name in names(path, event)}


def documented() -> list[str]:
    return re.findall(r"^\| `([a-z_]+\.[a-z_<>]+)` \|", read(PAGE), flags=re.MULTILINE)


def test_the_events_are_found() -> None:
    assert {"stripe.answered", "stripe.unanswered", "payment.contradicted"} <= used()
    assert {"settings.doubtful", "refund.begun", "event.dead"} <= used()


def test_every_event_is_documented_once_and_no_other_is() -> None:
    rows = documented()

    assert sorted(rows) == sorted(set(rows))
    assert sorted(used() - set(rows)) == [], "add these to docs/reference/logs.md"
    assert sorted(set(rows) - used()) == [], "these are documented and gone"


def test_events_are_named_alike() -> None:
    assert [name for name in used() if not re.fullmatch(r"[a-z_]+\.[a-z_<>]+", name)] == []
