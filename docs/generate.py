"""Write the pages that are made from the code, or check that they are fresh.

    python docs/generate.py            write them
    python docs/generate.py --check    fail, with the difference, when one is stale

To add a page, write a function that returns its text and enter it in `PAGES`.
"""

import argparse
import difflib
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pydantic.fields import FieldInfo

from payment_service.api.presenting import wire_status
from payment_service.api.problems import (
    INTERNAL_CODE,
    INTERNAL_MESSAGE,
    STATUSES,
    UNAVAILABLE,
    SecretUnavailable,
)
from payment_service.api.stripe_refusals import Told, told
from payment_service.domain.payment import State
from payment_service.domain.stripe_errors import CLASS_OF, Action, ErrorClass
from payment_service.domain.transitions import MEANINGS, ROADS
from payment_service.setting_files import example_path, file_setting
from payment_service.setting_groups import Environment
from payment_service.setting_kinds import allowed_of, example_of, is_secret
from payment_service.settings import DEFAULTS, Settings

ROOT = Path(__file__).resolve().parent.parent

_MADE = "made by `make docs`; change the code instead"

_SETTINGS_HEAD = """
Read once, at the start, from the environment; all that are wrong are named at once, and the process
ends with code 2 before it opens a port. An empty variable is one that is not set, but for those
that say that they may be empty. Secrets are never shown. Each may stand in a file instead, which
`<NAME>_FILE` names: a regular file of UTF-8 text, up to 64 KiB; one newline at its end is not part
of the secret. Setting both is refused."""
_ERRORS_HEAD = """
Every failure has the same envelope: `success` false, a `message` for a person, a `code` for a
program that never changes its meaning, `errors` with every bad field for a 400, and the `requestId`
that every line of the log carries. An outcome that is not known is no failure: it is answered with
202 and `pending` true."""
_ERRORS_TAIL = """
A 400 with one bad field may carry a narrower code: `amount_not_integer`, `amount_not_decimal`,
`amount_too_precise`, `amount_not_positive`, `amount_too_small`, `amount_too_large`,
`amount_invalid_for_currency`, `amount_null`, `currency_not_supported`, `invalid_idempotency_key`,
`invalid_cursor`. A 404 may say `customer_not_found` or `card_not_found`. A 402 carries Stripe's own
`code`, `declineCode` and `adviceCode` (docs/guides/declines.md says what to do with which), and to
services the card network's codes and Radar's `outcome`; end users get `generic_decline` where the
reason is a suspicion. `authentication_required` is the 402 of a payment whose payer must
authenticate it: always of an off-session charge, and of `requires_action` with the setting
`REQUIRES_ACTION_STATUS=402`; it carries the payment in `data`. A 409 carries the payment as it is
in `data`."""

_REFUSALS_HEAD = """
What an operation is answered with when Stripe refuses it, by what Stripe says. 4xx is the caller's
or the payer's to mend, with the field in `errors` where it is one; 502 is the operator's, who finds
`stripe.misconfigured` in the log; 503 may be asked again as it is. A refusal that is not tried
again by itself is never 2xx."""
# What stands for a code in our own books.
_OURS = frozenset({"abandoned", "http_401", "http_403", "not_a_card", "unavailable"})
_PASSED_ON = "Stripe's"
_BY_OTHER_MEANS = {
    ErrorClass.CUSTOMER_MISSING: "`resource_missing`, with the parameter `customer`",
    ErrorClass.CARD_MISSING: "`resource_missing`, with a parameter of the card",
    ErrorClass.CARD_DETACHED: "a card that is attached to nobody when it is looked at",
    ErrorClass.FIELD_INVALID: "any other that names a parameter which is the caller's field",
    ErrorClass.REFUND_FAILED: "a refund that was made and has failed, or 402",
    ErrorClass.UNSPECIFIED: "no code and no parameter",
    ErrorClass.PERMISSION_MISSING: "any, with status 403",
    ErrorClass.MISCONFIGURED: "any other",
}


_STATES_HEAD = """
Stripe's words for what is known, and `asking` while an attempt is not settled: it is entered before
a call leaves the process and left only by definite news. Whichever road news takes (the answer, a
webhook, a look, the back-fill, the sweep), and however often, it ends in the same state. A road
that is not in the table is old news and is not taken."""


def settings_page() -> str:
    lines = [
        "# Settings",
        "",
        f"<!-- {_MADE} -->",
        "",
        *textwrap.wrap(_SETTINGS_HEAD.strip(), 100),
    ]
    for name, field in Settings.model_fields.items():
        lines += [
            "",
            f"## {name.upper()}",
            "",
            f"{field.description}",
            "",
            f"- Allowed: {allowed_of(field)}",
            f"- Default: {_default(name, field)}",
            f"- Example: `{name.upper()}={example_of(field)}`",
        ]
        if is_secret(field):
            lines += [
                "- A secret: keep it out of files that are committed",
                f"- Or in a file: `{file_setting(name.upper())}={example_path(name)}`",
            ]
    return "\n".join(lines) + "\n"


def example_environment() -> str:
    lines = [
        "# Every setting, and what holds in development when it is not set. `make run` needs none.",
        "# Your shell or container reads this file: the service itself sees the environment only.",
        f"# This file is {_MADE.replace('`', '')}.",
    ]
    for name, field in Settings.model_fields.items():
        lines += ["", *_wrapped(f"{field.description}"), f"# {allowed_of(field)}"]
        default = _default_in(name, field, "development")
        if is_secret(field):
            lines.append(f"# Or {file_setting(name.upper())}: a file that holds it.")
        lines.append(f"#{name.upper()}={default if default is not None else ''}")
    return "\n".join(lines) + "\n"


def errors_page() -> str:
    """Return every code that a caller may meet, by what it means for the money."""
    lines = [
        "# Errors",
        "",
        f"<!-- {_MADE} -->",
        "",
        *textwrap.wrap(_ERRORS_HEAD.strip(), 100),
        "",
        "| code | status | meaning |",
        "|---|---|---|",
    ]
    for kind, status in STATUSES.items():
        lines.append(f"| `{kind.code}` | {status} | {_summary(kind)} |")
    for unavailable, (code, message) in UNAVAILABLE.items():
        if unavailable is not SecretUnavailable:
            lines.append(f"| `{code}` | 503 | {message} |")
    lines += [
        f"| `{INTERNAL_CODE}` | 500 | {INTERNAL_MESSAGE} |",
        "",
        *textwrap.wrap(_ERRORS_TAIL.strip(), 100),
        "",
        *_refusals_of_stripe(),
    ]
    return "\n".join(lines) + "\n"


def _refusals_of_stripe() -> Iterator[str]:
    """Give the table of what is told when Stripe refuses, operation by class, and the classes."""
    yield "## When Stripe refuses"
    yield ""
    yield from textwrap.wrap(_REFUSALS_HEAD.strip(), 100)
    yield ""
    yield "| Stripe says | operation | status | code | message |"
    yield "|---|---|---|---|---|"
    for kind in ErrorClass:
        by_row: dict[Told, list[Action]] = {}
        for action in Action:
            by_row.setdefault(told(action, kind), []).append(action)
        most = max(by_row, key=lambda row: len(by_row[row]))
        for row, actions in sorted(by_row.items(), key=lambda pair: pair[0] is most):
            whose = ", ".join(f"`{action}`" for action in actions)
            if row is most:
                whose = "every other" if len(by_row) > 1 else "every operation"
            code = f"`{row.code}`" if row.code else _PASSED_ON
            yield f"| {kind} | {whose} | {row.status} | {code} | {row.message or _PASSED_ON} |"
    yield ""
    yield "| Stripe says | by these codes of Stripe's |"
    yield "|---|---|"
    for kind in ErrorClass:
        codes = sorted(code for code, of in CLASS_OF.items() if of is kind and code not in _OURS)
        yield f"| {kind} | {', '.join(f'`{code}`' for code in codes) or _BY_OTHER_MEANS[kind]} |"


def _summary(kind: type) -> str:
    words = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
    return words.split(". ")[0].rstrip(".") + "."


def states_page() -> str:
    """Return every state of a payment, every road to it, and a picture of them."""
    lines = [
        "# States of a payment",
        "",
        f"<!-- {_MADE} -->",
        "",
        *textwrap.wrap(_STATES_HEAD.strip(), 100),
        "",
        "| state | on the wire | meaning |",
        "|---|---|---|",
    ]
    lines += [f"| `{s}` | `{wire_status(s)}` | {MEANINGS[s]} |" for s in State]
    lines += ["", "## Roads", "", "| to | from | brought by |", "|---|---|---|"]
    for target in State:
        for origin in dict.fromkeys(road.origin for road in ROADS if road.target is target):
            ways = "; or ".join(
                r.brought_by for r in ROADS if (r.origin, r.target) == (origin, target)
            )
            lines.append(f"| `{target}` | {f'`{origin}`' if origin else 'nothing'} | {ways} |")
    lines += ["", "## The picture", "", "```mermaid", "stateDiagram-v2"]
    drawn = dict.fromkeys((road.origin, road.target) for road in ROADS)
    lines += [f"    {origin or '[*]'} --> {target}" for origin, target in drawn]
    lines += ["    succeeded --> [*]", "```"]
    return "\n".join(lines) + "\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "docs/reference/settings.md": settings_page,
    "docs/reference/errors.md": errors_page,
    "docs/reference/states.md": states_page,
    ".env.example": example_environment,
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Write the pages that are made from the code.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when stale")
    if parser.parse_args(arguments).check:
        return _check()
    for path, page in PAGES.items():
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(), encoding="utf-8")
        print(f"wrote {path}")
    return 0


def _check() -> int:
    stale = 0
    for path, page in PAGES.items():
        target = ROOT / path
        there = target.read_text(encoding="utf-8") if target.exists() else ""
        fresh = page()
        if there != fresh:
            stale += 1
            sys.stdout.writelines(
                difflib.unified_diff(
                    there.splitlines(keepends=True),
                    fresh.splitlines(keepends=True),
                    f"{path} as it is",
                    f"{path} as the code says",
                )
            )
    if stale:
        print(f"{stale} of {len(PAGES)} generated pages are stale: run `make docs`")
        return 1
    print(f"{len(PAGES)} generated pages are fresh")
    return 0


def _default(name: str, field: FieldInfo) -> str:
    development = _default_in(name, field, "development")
    production = _default_in(name, field, "production")
    if development == production:
        return _shown(development, absent="not set")
    absent = "none, it must be set" if field.is_required() else "not set"
    return (
        f"{_shown(development, absent='not set')} in development, "
        f"{_shown(production, absent=absent)} in production"
    )


def _default_in(name: str, field: FieldInfo, environment: Environment) -> str | None:
    by_environment = DEFAULTS[environment]
    if name in by_environment:
        return by_environment[name]
    if field.is_required() or field.default is None:
        return None
    if isinstance(field.default, bool):
        return str(field.default).lower()
    if isinstance(field.default, float):
        return f"{field.default:g}"
    return str(field.default)


def _shown(value: str | None, *, absent: str) -> str:
    if value is None:
        return absent
    return f"`{value}`" if value else "empty"


def _wrapped(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text.replace("`", ""), width=96)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
