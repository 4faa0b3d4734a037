"""What makes digits a card number: an issuer's beginning and length, and the check digit."""

from dataclasses import dataclass
from typing import Final

# ISO/IEC 7812 allows up to 19 digits; the shortest that was ever issued as a payment card has 13.
DIGITS_MIN: Final = 13
DIGITS_MAX: Final = 19

# What 0 to 9 count in Luhn's sum when they are doubled: 7 becomes 14 becomes 5. In ASCII, so that a
# row of digits is summed up at once.
_ZERO: Final = ord("0")
_DOUBLED: Final = bytes.maketrans(b"0123456789", b"0246813579")


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

_ISSUERS_BY_BEGINNING: Final = {
    f"{two:02}": tuple(
        issuer for issuer in _ISSUERS if issuer.first[:2] <= f"{two:02}" <= issuer.last[:2] + ":"
    )
    for two in range(100)
}


def is_issued(digits: str) -> bool:
    """Whether the digits may be a card number of a known issuer, and are no bar code."""
    return _has_issuer(digits) and passes_luhn(digits) and not _is_bar_code(digits)


def is_plausible(digits: str) -> bool:
    """Whether the digits may be anybody's card number: for where too much is rather hidden.

    No issuer's numbers begin with 0 or 1; times in milliseconds begin with 1.
    """
    return digits[0] not in "01" and passes_luhn(digits)


def passes_luhn(digits: str) -> bool:
    """Whether the check digit is right: every second digit from the right counts double."""
    ascii_ = digits.encode()
    total = sum(ascii_[::-2]) + sum(ascii_[-2::-2].translate(_DOUBLED))
    return (total - len(ascii_) * _ZERO) % 10 == 0


def _has_issuer(digits: str) -> bool:
    for issuer in _ISSUERS_BY_BEGINNING[digits[:2]]:
        in_range = issuer.first <= digits[: len(issuer.first)] <= issuer.last
        if in_range and len(digits) in issuer.lengths:
            return True
    return False


def _is_bar_code(digits: str) -> bool:
    """Whether 13 digits are an EAN: those of Germany and Japan begin like Visa's short numbers."""
    if len(digits) != DIGITS_MIN:
        return False
    return (sum(map(int, digits[::2])) + 3 * sum(map(int, digits[1::2]))) % 10 == 0
