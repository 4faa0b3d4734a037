"""Find card numbers where none may be, so that they are never kept, logged or passed on.

It looks for what people write by mistake, not for what somebody hides on purpose. It must not
refuse the ids, coordinates and bar codes that honest requests carry, and it takes linear time.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from payment_service.domain.errors import FieldError, InvalidRequest

# ISO/IEC 7812 allows up to 19 digits; the shortest that was ever issued as a payment card has 13.
DIGITS_MIN: Final = 13
DIGITS_MAX: Final = 19

# Stripe's metadata is flat and our deepest request has 3 levels; nothing of ours is this deep.
DEPTH_MAX: Final = 16

# What 0 to 9 count in Luhn's sum when they are doubled: 7 becomes 14 becomes 5.
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

# Stands for a key that is itself a card number, so that the path does not repeat it.
HIDDEN_KEY: Final = "[hidden]"

# "pan4242424242424242cvc123" has 4 parts of letters or digits. Digests and random ids have more,
# and among their digits a card number turns up by chance.
_WORD_PARTS_MAX: Final = 4

# " - " is the longest that people put between groups.
_JOINT_LENGTH_MAX: Final = 3
_JOINTS: Final = frozenset(" -./")

# 4-4-4-4, 4-6-5, 4-3-3-3: only the last group may be shorter. Lists of small numbers are not so.
_GROUP_DIGITS_MIN: Final = 3


@dataclass(frozen=True, slots=True)
class _IssuerRange:
    """Numbers that begin with `first` to `last` and have one of these lengths, by the networks."""

    first: str
    last: str
    lengths: frozenset[int]


def _issuer(first: str, last: str, *lengths: int) -> _IssuerRange:
    return _IssuerRange(first, last, frozenset(lengths))


_ISSUERS: Final = (
    _issuer("4", "4", 13, 16, 19),  # Visa
    _issuer("51", "55", 16),  # Mastercard
    _issuer("2221", "2720", 16),
    _issuer("34", "34", 15),  # American Express
    _issuer("37", "37", 15),
    _issuer("6011", "6011", 16, 17, 18, 19),  # Discover
    _issuer("644", "659", 16, 17, 18, 19),
    _issuer("300", "305", 14, 16),  # Diners Club
    _issuer("309", "309", 14, 16),
    _issuer("36", "36", 14, 16),
    _issuer("38", "39", 14, 16),
    _issuer("3528", "3589", 16, 17, 18, 19),  # JCB
    _issuer("62", "62", 16, 17, 18, 19),  # UnionPay
    _issuer("81", "81", 16, 17, 18, 19),
    # Maestro: ISO gives it all of 50 and 56 to 69; that is one number in seven, so only the lengths
    # and beginnings that are in use.
    _issuer("50", "50", 16, 18, 19),
    _issuer("56", "58", 16, 18, 19),
    _issuer("6304", "6304", *range(DIGITS_MIN, DIGITS_MAX + 1)),
    _issuer("6390", "6390", *range(DIGITS_MIN, DIGITS_MAX + 1)),
    _issuer("6759", "6763", *range(DIGITS_MIN, DIGITS_MAX + 1)),
    _issuer("2200", "2204", 16, 17, 18, 19),  # Mir
    _issuer("60", "60", 16),  # RuPay, Hipercard
    _issuer("82", "82", 16),
    _issuer("6362", "6363", 16),  # Elo
    _issuer("9792", "9792", 16),  # Troy
)

_ISSUERS_BY_FIRST_DIGIT: Final = {
    digit: tuple(issuer for issuer in _ISSUERS if issuer.first[0] <= digit <= issuer.last[0])
    for digit in "0123456789"
}

_DIGITS: Final = re.compile(r"[0-9]+")
_WORD: Final = re.compile(r"[0-9A-Za-z]+")
_WORD_PART: Final = re.compile(r"[0-9]+|[A-Za-z]+")
_UUID: Final = re.compile(
    r"(?<![0-9A-Za-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z])", re.IGNORECASE
)
# A computed number such as a latitude, 52.52000659999999: with two digits before the point it
# would pass for a Mastercard once in ten times.
_LONG_DECIMAL: Final = re.compile(r"(?<![0-9.])[0-9]{1,3}\.[0-9]{9,}+(?!\.[0-9])")


def holds_card_number(text: str) -> bool:
    """Whether the text has a card number in it, whole or in groups, among other words or alone.

    It is one if it has the beginning and length of a known issuer and its check digit is right
    (Luhn). Part of a longer run of digits is never one.
    """
    plain = text if text.isascii() else "".join(map(_plain, text))
    if not _DIGITS.search(plain):
        return False
    runs = _runs(_without_machine_made(plain))
    return any(_is_card_number(number) for number in _candidates(runs))


def find_card_numbers_in(value: object, exempt: frozenset[str]) -> list[str]:
    """List the paths (`metadata.note`, `items[0].name`) in decoded JSON that hold a card number.

    Keys and numbers are searched too; a key that is a card number is `[hidden]` in the path.
    Fields whose name is in `exempt` are skipped with all that is under them.

    Raises InvalidRequest if it is nested more than DEPTH_MAX levels: unread is not passed on.
    """
    return list(dict.fromkeys(_paths(value, exempt, "", 0)))


def _paths(value: object, exempt: frozenset[str], path: str, depth: int) -> Iterator[str]:
    if depth > DEPTH_MAX:
        root = re.split(r"[.\[]", path, maxsplit=1)[0] or "body"
        raise InvalidRequest(FieldError(root, f"is nested more than {DEPTH_MAX} levels deep"))
    if isinstance(value, dict):
        for key, inner in value.items():
            name = str(key)
            if name in exempt:
                continue
            hidden = holds_card_number(name)
            inner_path = _joined(path, HIDDEN_KEY if hidden else name)
            if hidden:
                yield inner_path
            yield from _paths(inner, exempt, inner_path, depth + 1)
    elif isinstance(value, list | tuple):
        for position, inner in enumerate(value):
            yield from _paths(inner, exempt, f"{path}[{position}]", depth + 1)
    elif holds_card_number(_as_text(value)):
        yield path


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    # Python refuses to write out an int of thousands of digits; one of 20 is no card number anyway.
    if isinstance(value, int) and abs(value) < 10**DIGITS_MAX:
        return str(value)
    return str(value) if isinstance(value, float | Decimal) else ""


def _plain(char: str) -> str:
    """Write digits, spaces and dashes of any script as ASCII; leave out what cannot be seen."""
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    match unicodedata.category(char):
        case "Cf":
            return ""
        case "Zs" | "Zl" | "Zp":
            return " "
        case "Pd":
            return "-"
        case _:
            # The minus sign, and the dots that people put in the middle of a line.
            return {"\u2212": "-", "\u00b7": ".", "\u2022": ".", "\u2027": "."}.get(char, char)


def _without_machine_made(text: str) -> str:
    return _WORD.sub(_unless_mixed, _LONG_DECIMAL.sub("x", _UUID.sub("x", text)))


def _unless_mixed(word: re.Match[str]) -> str:
    mixed = len(_WORD_PART.findall(word[0])) > _WORD_PARTS_MAX
    return "x" if mixed else word[0]


@dataclass(frozen=True, slots=True)
class _Run:
    """Digits that belong together, and what joins them to the run before, if anything does.

    spelled_by: what stands between the single digits, when they were written one by one.
    """

    digits: str
    joint: str
    spelled_by: str = ""


def _runs(text: str) -> list[_Run]:
    runs: list[_Run] = []
    end = 0
    for found in _DIGITS.finditer(text):
        joint = _joint(text, end, found.start())
        end = found.end()
        digits = found[0]
        before = runs[-1] if runs else None
        if before and joint and len(digits) == 1 and _is_spelled(before, joint):
            # One digit more than a card number has is enough to know that it is none.
            spelled = (before.digits + digits)[: DIGITS_MAX + 1]
            runs[-1] = _Run(spelled, before.joint, spelled_by=joint)
        else:
            runs.append(_Run(digits, joint))
    return runs


def _joint(text: str, start: int, end: int) -> str:
    if end - start > _JOINT_LENGTH_MAX:
        return ""
    joint = text[start:end].strip() or " "
    return joint if joint in _JOINTS else ""


def _is_spelled(run: _Run, joint: str) -> bool:
    return run.spelled_by == joint or len(run.digits) == 1


def _candidates(runs: list[_Run]) -> Iterator[str]:
    """Every one or more whole runs, joined all in the same way, that have a card's length."""
    for first, run in enumerate(runs):
        digits = run.digits
        if DIGITS_MIN <= len(digits) <= DIGITS_MAX:
            yield digits
        last_group, joint = digits, ""
        # At most six groups follow, for all but the last have three digits or more.
        for following in runs[first + 1 : first + 1 + DIGITS_MAX // _GROUP_DIGITS_MIN]:
            joined = following.joint and joint in {"", following.joint}
            too_long = len(digits) + len(following.digits) > DIGITS_MAX
            if not joined or too_long or len(last_group) < _GROUP_DIGITS_MIN:
                break
            last_group, joint = following.digits, following.joint
            digits += last_group
            if len(digits) >= DIGITS_MIN:
                yield digits


def _is_card_number(digits: str) -> bool:
    return _has_issuer(digits) and _passes_luhn(digits) and not _is_bar_code(digits)


def _has_issuer(digits: str) -> bool:
    return any(
        issuer.first <= digits[: len(issuer.first)] <= issuer.last and len(digits) in issuer.lengths
        for issuer in _ISSUERS_BY_FIRST_DIGIT[digits[0]]
    )


def _passes_luhn(digits: str) -> bool:
    """Every second digit from the right counts double, with the digits of the double added."""
    doubled = sum(map(_DOUBLED.__getitem__, map(int, digits[-2::-2])))
    return (doubled + sum(map(int, digits[::-2]))) % 10 == 0


def _is_bar_code(digits: str) -> bool:
    """Whether 13 digits are an EAN: those of Germany and Japan begin like Visa's short numbers."""
    if len(digits) != DIGITS_MIN:
        return False
    return (sum(map(int, digits[::2])) + 3 * sum(map(int, digits[1::2]))) % 10 == 0
