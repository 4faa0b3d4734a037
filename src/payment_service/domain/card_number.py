"""Find card numbers where none may be, so that they are never kept, logged or passed on.

It looks for what people write by mistake, not for what somebody hides on purpose. It must not
refuse the ids, coordinates and bar codes that honest requests carry. Every pattern is possessive
and what it finds is counted, so that the work is linear in the text and bounded.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from payment_service.domain.card_issuers import DIGITS_MAX, DIGITS_MIN, is_issued, is_plausible
from payment_service.domain.plain_digits import UNSEEN, plain_digits

# "pan4242424242424242cvc123" has 4 parts of letters or digits. Digests and random ids have more,
# and among their digits a card number turns up by chance.
_WORD_PARTS_MAX: Final = 4
# A digit and the longest joint, once more than a card number has digits.
_SPELLED_MAX: Final = 5 * (DIGITS_MAX + 1)
# As far as a word is looked at on either side of a number; a UUID has 36 characters.
_AROUND: Final = 64

# 4-4-4-4, 4-6-5, 4-3-3-3: only the last group may be shorter. Lists of small numbers are not so.
_GROUP_DIGITS_MIN: Final = 3
# Other marks part numbers of many kinds, so there the groups must be as on a card.
_USUAL_MARKS: Final = frozenset("-./")
_ON_CARDS: Final = frozenset({(4, 6, 5), (4, 6, 4), (8, 8)})

# So much of a text may be digits in groups, and so much work may be done on what looks like card
# numbers, before the rest is called unsearched. A cart of 500 bar codes, and 40 metadata values of
# groups, do not come near it; both together take 3 ms.
ROWS_MAX: Final = 8 * 1024
WORK_MAX: Final = 700
# What groups, and what is around a number, take to look at: a plain number is 1.
_WORK_GROUPS, _WORK_AROUND = 4, 8

# What may stand between two groups: up to four spaces, or a mark that may have spaces around it.
_MARK: Final = r"[-./_*xX+|~=]"
_JOINT: Final = r"[-./_*xX+|~=\s]"
_IN_ROW: Final = r"[-./_*xX+|~=\s0-9]"
_SAME: Final = rf"(?={_JOINT}{{1,4}}+[0-9])\s{{0,2}}+(?P=by){{1,4}}+\s{{0,2}}+"
_FIRST: Final = rf"(?={_JOINT}{{1,4}}+[0-9])\s{{0,2}}+(?P<by>{_MARK})(?P=by){{0,3}}+\s{{0,2}}+"
_GROUP: Final = r"[0-9]{1,16}+(?![0-9])"
_ONE: Final = r"[0-9](?![0-9])"

# Digits with at most a joint between them, thirteen or more; each row is found once, and whole.
# What is looked at behind its first digit makes sure that it is the first; a pattern that begins
# with a class of characters is searched for five times as fast.
_ROW: Final = re.compile(
    rf"[0-9](?<![0-9]{{2}})(?={_IN_ROW}{{{DIGITS_MIN - 1}}})(?<![0-9]{_JOINT}[0-9])"
    rf"(?<![0-9]{_JOINT}{{2}}[0-9])(?<![0-9]{_JOINT}{{3}}[0-9])(?<![0-9]{_JOINT}{{4}}[0-9])"
    rf"(?=(?:{_JOINT}{{0,4}}+[0-9]){{{DIGITS_MIN - 1}}})[0-9]*+(?:{_JOINT}{{1,4}}+[0-9]++)*+"
)
# As above, for a first look.
_MANY: Final = (
    rf"[0-9](?<![0-9]{{2}})(?={_IN_ROW}{{{DIGITS_MIN - 1}}})"
    rf"(?:{_JOINT}{{0,4}}+[0-9]){{{DIGITS_MIN - 1}}}"
)
_MANY_DIGITS: Final = re.compile(_MANY, re.ASCII)
_MANY_DIGITS_IN_BYTES: Final = re.compile(_MANY.encode())
# In a row: a group, alone or with those behind it that are joined in one way.
_GROUPS: Final = re.compile(
    rf"[2-9](?<![0-9]{{2}})(?=[0-9]{{2}}(?P<rest>[0-9]{{0,{DIGITS_MAX - 3}}}+(?![0-9])(?:"
    rf"(?:\s{{1,4}}+{_GROUP}){{1,6}}+|{_FIRST}{_GROUP}(?:{_SAME}{_GROUP}){{0,5}}+"
    rf"|(?<=[0-9]{{{DIGITS_MIN}}}))))"
)
# In a row: single digits that are all joined in one way.
_SPELLED: Final = re.compile(
    rf"[0-9](?<![0-9]{{2}})(?![0-9])(?:(?:\s{{1,4}}+{_ONE}){{{DIGITS_MIN - 1},}}+"
    rf"|{_FIRST}{_ONE}(?:{_SAME}{_ONE}){{{DIGITS_MIN - 2},}}+)"
)
_DIGITS: Final = re.compile(r"[0-9]+")
_NO_DIGITS: Final = re.compile(r"[^0-9]+")
_WORD_PART: Final = re.compile(r"[0-9]+|[A-Za-z]+")
_WORD_END: Final = re.compile(r"[0-9A-Za-z]*$")
_WORD_START: Final = re.compile(r"[0-9A-Za-z]*")
_HEXADECIMAL: Final = re.compile(r"[0-9a-f]+", re.IGNORECASE)
_LETTER: Final = re.compile(r"[A-Za-z]")
_COUNTRY: Final = re.compile(r"[A-Z]{2}[0-9]{2}")
_IBAN: Final = re.compile(
    r"(?<![0-9A-Za-z])[A-Z]{2}[0-9]{2}(?:[ -]?[0-9A-Z]{4}){2,7}+(?:[ -]?[0-9A-Z]{1,3})?"
    r"(?![0-9A-Za-z])"
)
_NO_WORD: Final = re.compile(r"[^0-9A-Z]+")
_UUID: Final = re.compile(
    r"(?<![0-9A-Za-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z])", re.IGNORECASE
)
# A computed number such as a latitude, 52.52000659999999: with two digits before the point it
# would pass for a Mastercard once in ten times.
_LONG_DECIMAL: Final = re.compile(r"(?<![0-9.])[0-9]{1,3}\.[0-9]{9,}+(?!\.[0-9])")


@dataclass(frozen=True, slots=True)
class CardNumber:
    """A card number in a text: from where to where, and what may be shown of it."""

    start: int
    end: int
    last4: str


@dataclass(frozen=True, slots=True)
class Search:
    """What was found in a text, in order. searched: where the search stopped, if not at its end.

    A text that is not searched to its end must be treated as if the rest were card numbers.
    """

    found: tuple[CardNumber, ...]
    searched: int | None = None

    def __bool__(self) -> bool:
        """Whether there is a card number, or may be one in what was not searched."""
        return bool(self.found) or self.searched is not None


def holds_card_number(text: str) -> bool:
    """Whether the text has a card number in it, whole or in groups, among other words or alone.

    It is one if it has the beginning and length of a known issuer and its check digit is right
    (Luhn). Part of a longer run of digits is never one. Also true of more digits than are searched.
    """
    return bool(find_card_numbers(text))


def may_hold_card_number(text: str | bytes) -> bool:
    """Whether a text is worth a search: one look that is cheap for a short text.

    It is, if it has thirteen digits with little between them, or what may stand for digits.
    """
    if isinstance(text, str):
        return not text.isascii() or "%" in text or "\\" in text or bool(_MANY_DIGITS.search(text))
    is_plain = text.isascii() and b"%" not in text and b"\\" not in text
    return not is_plain or bool(_MANY_DIGITS_IN_BYTES.search(text))


def find_card_numbers(text: str, *, any_issuer: bool = False) -> Search:
    """Find the card numbers in a text, as `holds_card_number` defines them.

    any_issuer: also numbers of issuers that are not known, if the check digit is right.
    """
    plain = plain_digits(text)
    seen = plain.replace(UNSEEN, "") if UNSEEN in plain else plain
    search = search_plain(seen, is_plausible if any_issuer else is_issued)
    if len(seen) == len(plain) or not search:
        return search
    at = [place for place, char in enumerate(plain) if char != UNSEEN]
    return Search(
        tuple(CardNumber(at[one.start], at[one.end - 1] + 1, one.last4) for one in search.found),
        None if search.searched is None else at[search.searched],
    )


def search_plain(text: str, is_card: Callable[[str], bool], *, most: int = WORK_MAX) -> Search:
    """Find the card numbers in a text that `plain_digits` made, what is unseen taken out.

    is_card: whether so many digits are a card number. most: how many are enough.
    """
    found: list[CardNumber] = []
    rows = work = 0
    for row in _ROW.finditer(text):
        start, end = row.span()
        if row[0].isdigit():
            suspects: Iterable[re.Match[str]] = (row,) if end - start <= DIGITS_MAX else ()
            weight = 1
        else:
            suspects, weight = _suspects(text, start, end), _WORK_GROUPS
            rows += end - start
            if rows > ROWS_MAX:
                return Search(tuple(found), start)
        for suspect in suspects:
            if found and suspect.start() < found[-1].end:
                continue
            work += weight
            if work > WORK_MAX:
                return Search(tuple(found), suspect.start())
            for number in _cards(text, suspect, is_card):
                work += _WORK_AROUND
                if not _is_machine_made(text, number.start, number.end):
                    found.append(number)
                    break
            if len(found) >= most:
                return Search(tuple(found), found[-1].end)
    return Search(tuple(found))


def _suspects(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """Yield what may be card numbers in a row of digits, in order."""
    spelled = list(_SPELLED.finditer(text, start, end))
    for groups in _GROUPS.finditer(text, start, end):
        while spelled and spelled[0].start() < groups.start():
            yield spelled.pop(0)
        yield groups
    yield from spelled


def _cards(
    text: str, suspect: re.Match[str], is_card: Callable[[str], bool]
) -> Iterator[CardNumber]:
    """Yield what is a card number by its digits, the longest first."""
    start = suspect.start()
    match suspect.re:
        case pattern if pattern is _ROW:
            ends = [(suspect.end(), suspect[0])]
        case pattern if pattern is _SPELLED:
            ends = list(_spelled(suspect))
        case _:
            ends = list(_ends(text, suspect))
    for end, digits in reversed(ends):
        if is_card(digits):
            yield CardNumber(start, end, digits[-4:])


def _spelled(suspect: re.Match[str]) -> Iterator[tuple[int, str]]:
    # One digit more than a card number has is enough to know that it is none.
    digits = _NO_DIGITS.sub("", suspect[0][:_SPELLED_MAX])
    if len(digits) <= DIGITS_MAX:
        yield suspect.end(), digits


def _ends(text: str, groups: re.Match[str]) -> Iterator[tuple[int, str]]:
    """Yield one or more whole groups, joined all in the same way, that have a card's length."""
    by = groups["by"]
    is_usual = by is None or by in _USUAL_MARKS
    digits = ""
    lengths: tuple[int, ...] = ()
    for group in _DIGITS.finditer(text, groups.start(), groups.end("rest")):
        if lengths and lengths[-1] < _GROUP_DIGITS_MIN:
            return
        digits += group[0]
        if len(digits) > DIGITS_MAX:
            return
        lengths = (*lengths, len(group[0]))
        if len(digits) >= DIGITS_MIN and (is_usual or _is_on_cards(lengths)):
            yield group.end(), digits


def _is_on_cards(lengths: tuple[int, ...]) -> bool:
    return lengths in _ON_CARDS or all(length == 4 for length in lengths[:-1])


def _is_machine_made(text: str, start: int, end: int) -> bool:
    """Whether a number is part of an IBAN, a UUID, a long decimal fraction, or a random id."""
    near, far = max(0, start - _AROUND), end + _AROUND
    beside = text[max(0, start - 1) : start] + text[end : end + 1]
    within = beside + text[start:end]
    if "-" in within and _is_part(_UUID, text, near, start, end):
        return True
    if "." in within and _is_part(_LONG_DECIMAL, text, near, start, end):
        return True
    if _COUNTRY.search(text, near, start):
        for account in _IBAN.finditer(text, near, far):
            if account.start() < start and end <= account.end() and _is_iban(account[0]):
                return True
    if not _LETTER.search(beside):
        return False
    before = _WORD_END.search(text, near, start)
    behind = _WORD_START.match(text, end, far)
    word = (before[0] if before else "", behind[0] if behind else "")
    is_hexadecimal = all(word) and all(map(_HEXADECIMAL.fullmatch, word))
    return is_hexadecimal or sum(len(_WORD_PART.findall(part)) for part in word) >= _WORD_PARTS_MAX


def _is_part(pattern: re.Pattern[str], text: str, near: int, start: int, end: int) -> bool:
    found = pattern.finditer(text, near, end + _AROUND)
    return any(made.start() < end and start < made.end() for made in found)


def _is_iban(text: str) -> bool:
    """Whether the check digits of a bank account are right (ISO 7064): one in 97 is by chance."""
    account = _NO_WORD.sub("", text)
    return int("".join(str(int(char, 36)) for char in account[4:] + account[:4])) % 97 == 1
