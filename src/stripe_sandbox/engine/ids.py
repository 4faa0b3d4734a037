"""Identifiers as Stripe writes them: a prefix, a kind, the second, the account, and chance."""

from __future__ import annotations

from random import Random
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Two letters at a time: identifiers are made several times a request, this halves their cost.
_PAIRS: Final = tuple(a + b for a in ALPHABET for b in ALPHABET)
_SIDES: Final = len(_PAIRS)
# Ids of one account share this part; with the second before it they look like the real ones.
_ACCOUNT_PART: Final = "HIBYZYyePr"


class Ids:
    """Makes identifiers from one seeded generator."""

    __slots__ = ("_random", "_second", "_second_part")

    def __init__(self, random: Random) -> None:
        self._random = random
        self._second = -1
        self._second_part = ""

    def short(self, prefix: str, length: int = 14) -> str:
        """Make an id that is chance alone, such as cus_ and req_."""
        return prefix + self.chance(length)

    def dated(self, prefix: str, second: int) -> str:
        """Make an id that begins with its second, such as pi_3, ch_3 and evt_1."""
        if second != self._second:
            self._second, self._second_part = second, _base62(second)[-5:].rjust(5, "0")
        return f"{prefix}{self._second_part}{_ACCOUNT_PART}{self.chance(8)}"

    def chance(self, length: int) -> str:
        """Return `length` random letters and digits."""
        value = self._random.getrandbits(6 * (length + 1))
        parts = []
        for _ in range((length + 1) // 2):
            value, side = divmod(value, _SIDES)
            parts.append(_PAIRS[side])
        return "".join(parts)[:length]

    def digits(self, length: int) -> str:
        """Return a decimal number of `length` digits that does not begin with 0."""
        return str(self._random.randrange(10 ** (length - 1), 10**length))


def _base62(value: int) -> str:
    text = ""
    while value:
        value, digit = divmod(value, 62)
        text = ALPHABET[digit] + text
    return text
