"""Where in a request's JSON a card number is: by path, in one search of all its text together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from payment_service.domain.card_issuers import DIGITS_MAX, DIGITS_MIN, is_issued
from payment_service.domain.card_number import CardNumber, search_plain
from payment_service.domain.errors import FieldError, InvalidRequest
from payment_service.domain.plain_digits import UNSEEN, plain_digits

# Stripe's metadata is flat and our deepest request has 3 levels; nothing of ours is this deep.
DEPTH_MAX: Final = 16
# So many bad fields are named: a caller mends its program, and not each of a thousand fields.
NAMED_MAX: Final = 64
# A name is the caller's text: enough of it to find the field.
SHOWN_MAX: Final = 60

# Stands for a key that is itself a card number, so that the path does not repeat it.
HIDDEN_KEY: Final = "[hidden]"

# Between two texts: no digit, no letter, and nothing that joins digits. In a text it is replaced.
_BOUND, _REPLACED = "\1", "\2"
_ROOT: Final = -1
_TOO_LARGE: Final = 10**DIGITS_MAX
_CARD_MIN: Final = 10 ** (DIGITS_MIN - 1)


def find_card_numbers_in(value: object, exempt: frozenset[str]) -> list[str]:
    """List the paths (`metadata.note`, `items[0].name`) in decoded JSON that hold a card number.

    Keys and numbers are searched too; a key that is a card number is `[hidden]` in the path, and a
    long one is cut. Fields whose name is in `exempt` are skipped with all that is under them. No
    more than NAMED_MAX paths are given.

    Raises InvalidRequest if it is nested more than DEPTH_MAX levels, or has more digits in rows
    than are searched: unread is not passed on.
    """
    texts = _Texts(exempt)
    texts.walk(value, _ROOT, 0)
    whole = plain_digits(_BOUND.join(texts.texts)).replace(UNSEEN, "")
    search = search_plain(whole, is_issued, most=NAMED_MAX)
    if search.searched is not None and not search.found:
        told = "has more digits in rows than are searched for card numbers"
        raise InvalidRequest(
            FieldError(texts.root_of(whole.count(_BOUND, 0, search.searched)), told)
        )
    return texts.paths(_numbers_of(whole, search.found))


def _numbers_of(whole: str, found: Iterable[CardNumber]) -> Iterator[int]:
    """Yield in which of the texts each card number is."""
    number = at = 0
    for one in found:
        number += whole.count(_BOUND, at, one.start)
        at = one.start
        yield number


@dataclass(slots=True)
class _Texts:
    """The texts in a value, and of each what it is in, by number, and its name or place there."""

    exempt: frozenset[str]
    texts: list[str] = field(default_factory=list)
    parts: list[tuple[int, str | int | None]] = field(default_factory=list)

    def walk(self, value: object, parent: int, depth: int) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                name = str(key)
                if name not in self.exempt:
                    self._add(name, parent, name)
                    self._go_on(inner, len(self.parts) - 1, None, depth + 1)
        elif isinstance(value, list | tuple):
            for position, inner in enumerate(value):
                self._go_on(inner, parent, position, depth + 1)
        else:
            self._go_on(value, parent, None, depth)

    def _go_on(self, value: object, parent: int, position: int | None, depth: int) -> None:
        """Note a text, or what else may be a card number; or go into an object or a list."""
        if depth > DEPTH_MAX:
            told = f"is nested more than {DEPTH_MAX} levels deep"
            raise InvalidRequest(FieldError(self.root_of(parent), told))
        if isinstance(value, dict | list | tuple):
            if position is not None:
                self._add("", parent, position)
                parent = len(self.parts) - 1
            self.walk(value, parent, depth)
        elif isinstance(value, str):
            self._add(value, parent, position)
        elif isinstance(value, int | float | Decimal) and _has_length(value):
            self._add(_as_text(value), parent, position)

    def _add(self, text: str, parent: int, part: str | int | None) -> None:
        self.texts.append(text.replace(_BOUND, _REPLACED) if _BOUND in text else text)
        self.parts.append((parent, part))

    def root_of(self, number: int) -> str:
        """Return the name at the top under which a text is."""
        root = ""
        while number != _ROOT:
            number, part = self.parts[number]
            root = part[:SHOWN_MAX] if isinstance(part, str) else ""
        return root or "body"

    def paths(self, numbers: Iterable[int]) -> list[str]:
        """Return the paths of texts, each once; of those that are keys without the keys."""
        found = dict.fromkeys(numbers)
        paths: dict[str, None] = {}
        for number in found:
            paths[self._path(number, found)] = None
            if len(paths) == NAMED_MAX:
                break
        return list(paths)

    def _path(self, number: int, hidden: dict[int, None]) -> str:
        path = ""
        while number != _ROOT:
            is_hidden = number in hidden
            number, part = self.parts[number]
            if isinstance(part, int):
                path = f"[{part}]{path}"
            elif part is not None:
                path = f".{HIDDEN_KEY if is_hidden else part[:SHOWN_MAX]}{path}"
        return path.removeprefix(".")


def _has_length(value: float | Decimal) -> bool:
    """Whether a number has as many digits before its point as a card number, whatever it is."""
    if isinstance(value, Decimal):  # to calculate with a huge exponent overflows
        return DIGITS_MIN <= value.adjusted() + 1 <= DIGITS_MAX
    return bool(_CARD_MIN <= abs(value) < _TOO_LARGE)


def _as_text(value: float | Decimal) -> str:
    if isinstance(value, float):
        return str(value)
    whole = int(value)
    return str(whole if whole == value else value)
