"""Money as whole minor units of one currency, and the only ways in and out of it.

Amounts come from JSON that was decoded with Decimal for every non-integer; nothing here is ever a
binary floating point number, nothing is rounded, and nothing is guessed.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, assert_never

from payment_service.domain.currencies import Currency, find_currency
from payment_service.domain.errors import FieldError, InvalidRequest

# The longest amount that Stripe takes in any currency has 12 digits (IDR). A number with more
# digits before its decimal point than this is too large in either unit, whatever the currency.
_WHOLE_DIGITS_MAX: Final = 12

# No currency has more than 3 decimals; the rest of these can only be zeros at the end, as 65.220.
# A number with more decimals is refused before it is expanded, so that 1E-999999999 costs nothing.
_DECIMALS_READ_MAX: Final = 30

_CODE_LETTERS: Final = 3


class AmountUnit(StrEnum):
    """What amounts in requests and answers are counted in; the operator chooses one for all."""

    MINOR = "minor"
    MAJOR = "major"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency. Zero is an amount; less than zero is not.

    amount_minor: in the currency's minor unit as on Stripe's wire (cents, yen, fils; 5 ISK is 500).
    currency: lower case ISO 4217, as Stripe writes it.

    Raises TypeError or ValueError if it is neither: that is our bug, never the caller's.
    """

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse what is no amount: a bool, a float, a Decimal, a debt, or a code like USD."""
        if type(self.amount_minor) is not int:
            raise TypeError("an amount of money is an int of minor units")
        if self.amount_minor < 0:
            raise ValueError("an amount of money is never negative")
        code = self.currency
        if not (
            len(code) == _CODE_LETTERS and code.isascii() and code.isalpha() and code.islower()
        ):
            raise ValueError("a currency is three lower case letters")

    def plus(self, other: "Money") -> "Money":
        """Add. Raises ValueError if the currencies differ."""
        return Money(self.amount_minor + self._same_currency(other), self.currency)

    def minus(self, other: "Money") -> "Money":
        """Take away. Raises ValueError if the currencies differ or less than 0 would be left."""
        return Money(self.amount_minor - self._same_currency(other), self.currency)

    # Equality is the dataclass's: one dollar and one euro are simply not equal. To ask which is
    # more is a mistake, so order raises.

    def __lt__(self, other: "Money") -> bool:
        return self.amount_minor < self._same_currency(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount_minor <= self._same_currency(other)

    def __gt__(self, other: "Money") -> bool:
        return self.amount_minor > self._same_currency(other)

    def __ge__(self, other: "Money") -> bool:
        return self.amount_minor >= self._same_currency(other)

    def _same_currency(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be reckoned together")
        return other.amount_minor


def parse_amount(value: object, currency: Currency, unit: AmountUnit) -> Money:
    """Read the amount of a charge from decoded JSON. Zero is refused, never taken for missing.

    Raises InvalidRequest: `amount_not_integer` or `amount_too_precise` or `amount_not_decimal` by
    the unit, `amount_not_positive`, `amount_invalid_for_currency`, `amount_too_small`,
    `amount_too_large`. Whether null or no amount at all means something is the caller's to decide.
    """
    money = parse_refund_amount(value, currency, unit)
    if money.amount_minor < currency.minimum_minor:
        least = format_amount(Money(currency.minimum_minor, currency.code), unit)
        raise _refusal("amount_too_small", f"must be at least {least} in {currency.code}")
    return money


def parse_refund_amount(value: object, currency: Currency, unit: AmountUnit) -> Money:
    """Read the amount of a refund: as a charge, but Stripe has no minimum for giving back.

    Raises InvalidRequest as `parse_amount` does, save `amount_too_small`.
    """
    match unit:
        case AmountUnit.MINOR:
            amount_minor = _minor_from_minor(value, currency)
        case AmountUnit.MAJOR:
            amount_minor = _minor_from_major(value, currency)
        case _:
            assert_never(unit)
    if amount_minor <= 0:
        raise _not_positive()
    if amount_minor > currency.maximum_minor:
        raise _too_large(currency, unit)
    if amount_minor % currency.step_minor:
        step = format_amount(Money(currency.step_minor, currency.code), unit)
        raise _refusal(
            "amount_invalid_for_currency", f"must be a multiple of {step} in {currency.code}"
        )
    return Money(amount_minor, currency.code)


def format_amount(money: Money, unit: AmountUnit) -> int | Decimal:
    """Write an amount as it is read: an int of minor units, or an exact Decimal of major units.

    The Decimal has all decimals of its currency (65.20 for 6520 cents, 500 for 500 yen).
    """
    match unit:
        case AmountUnit.MINOR:
            return money.amount_minor
        case AmountUnit.MAJOR:
            # Built, not divided: arithmetic would depend on the precision of the thread's context.
            digits = tuple(int(digit) for digit in str(money.amount_minor))
            return Decimal((0, digits, -find_currency(money.currency).decimals))
        case _:
            assert_never(unit)


def _minor_from_minor(value: object, currency: Currency) -> int:
    # By exact type, for True is an int; 65.00 and "65" are refused because the sender may have
    # meant dollars by them.
    if type(value) is int:
        return value
    raise _refusal(
        "amount_not_integer",
        f"must be an integer in the currency's minor unit ({_example(currency)})",
    )


# A program that reckons in doubles sends 65.21000000000001 for 65.21: what is less than one part in
# this many of the amount is its noise, and no precision that somebody meant.
DOUBLE_NOISE = 10**9


def _minor_from_major(value: object, currency: Currency) -> int:
    if type(value) is int:
        return value * _power_of_ten(currency.decimals)
    if isinstance(value, Decimal) and value.is_finite():
        return _scaled(value, currency)
    major = format_amount(Money(_example_minor(currency), currency.code), AmountUnit.MAJOR)
    raise _refusal(
        "amount_not_decimal",
        f"must be a number in the currency's major unit (for {currency.code}: {major})",
    )


def _scaled(value: Decimal, currency: Currency) -> int:
    """Multiply by the currency's power of ten in integers, having bounded the exponent first."""
    if value <= 0:
        raise _not_positive()
    if value.adjusted() >= _WHOLE_DIGITS_MAX:
        raise _too_large(currency, AmountUnit.MAJOR)
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)  # It is a letter only for what is not finite.
    if exponent < -_DECIMALS_READ_MAX:
        raise _too_precise(currency)
    coefficient = int("".join(map(str, digits)))
    shift = exponent + currency.decimals
    if shift >= 0:
        return coefficient * _power_of_ten(shift)
    unit = _power_of_ten(-shift)
    whole, lost = divmod(coefficient, unit)
    noise = min(lost, unit - lost)
    if noise * DOUBLE_NOISE > coefficient:
        raise _too_precise(currency)
    return whole + (lost > noise)


def _power_of_ten(exponent: int) -> int:
    return int(10**exponent)


def _example_minor(currency: Currency) -> int:
    """65 or 65.22 or 65.220 of the currency, whichever it can have."""
    hundredths = 65_00 if currency.step_minor >= _power_of_ten(currency.decimals) else 65_22
    return hundredths * _power_of_ten(currency.decimals) // 100


def _example(currency: Currency) -> str:
    minor = Money(_example_minor(currency), currency.code)
    major = format_amount(minor, AmountUnit.MAJOR)
    if currency.code == "usd":
        return f"for usd: cents; {major} dollars is {minor.amount_minor}"
    return f"for {currency.code}: {major} {currency.code.upper()} is {minor.amount_minor}"


def _refusal(code: str, text: str) -> InvalidRequest:
    return InvalidRequest(FieldError("amount", text), message=f"amount {text}", code=code)


def _not_positive() -> InvalidRequest:
    return _refusal("amount_not_positive", "must be more than 0")


def _too_large(currency: Currency, unit: AmountUnit) -> InvalidRequest:
    most = format_amount(Money(currency.maximum_minor, currency.code), unit)
    return _refusal("amount_too_large", f"must be at most {most} in {currency.code}")


def _too_precise(currency: Currency) -> InvalidRequest:
    places = f"{currency.decimals} decimals" if currency.decimals else "no decimals"
    return _refusal(
        "amount_too_precise", f"must have {places} at most: {currency.code} has no smaller unit"
    )
