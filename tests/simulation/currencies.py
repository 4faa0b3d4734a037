"""The currencies of a life: stories speak in hundreds, and each order is paid in its own money.

usd is the plain one. jpy has no decimals; kwd three, the last of them 0; isk and ugx are written
with two that are always 00; eur and huf have two.
"""

from dataclasses import dataclass
from typing import Final
from zlib import crc32

USUAL: Final = "usd"
# The smallest step of an amount of each, and how many of them one of a story's hundredths is at the
# least: enough of them for Stripe's minimum of 175 huf. The number tells currencies apart.
_STEPS: Final = {
    "usd": (1, 0),
    "jpy": (1, 7),
    "kwd": (10, 3),
    "isk": (100, 2),
    "ugx": (100, 5),
    "eur": (1, 9),
    "huf": (1, 101),
}
CURRENCIES: Final = tuple(_STEPS)
# How many different rates an order may have in one currency.
_RATES: Final = 5


@dataclass(frozen=True, slots=True)
class Prices:
    """What the orders of a life cost. currency: of the first order; the second has the next one."""

    scenario: str
    currency: str = USUAL

    def currency_of(self, order_id: str) -> str:
        """Return the currency of an order."""
        if order_id.endswith("1"):
            return self.currency
        return CURRENCIES[(CURRENCIES.index(self.currency) + 1) % len(CURRENCIES)]

    def minor(self, order_id: str, amount: int) -> int:
        """Return an amount of a story in the minor unit of the order's currency.

        It is linear, so that parts stay parts; no order costs the same as another, or a round sum.
        """
        currency = self.currency_of(order_id)
        step, rate = _STEPS[currency]
        if currency == USUAL:
            return amount
        rate += crc32(f"{self.scenario}/{order_id}/{currency}".encode()) % _RATES
        return step * (amount * rate + amount // 100)


def currency_of_branch(text: str) -> str:
    """Return the currency in which a branch of the matrix is lived."""
    return CURRENCIES[crc32(text.encode()) % len(CURRENCIES)]
