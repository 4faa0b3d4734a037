"""What a buyer asked for, by the buyer's own record, and the currencies to ask in."""

import random
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Purse:
    """A currency: what an order costs in it (minor units), and of what every amount is a multiple.

    least is well above Stripe's minimum, so that a part of it may be asked for, too.
    """

    code: str
    least_minor: int
    most_minor: int
    step_minor: int = 1

    def price(self, chance: random.Random) -> int:
        """Return what something costs."""
        return self._steps(chance.randint(self.least_minor, self.most_minor))

    def part(self, chance: random.Random, whole_minor: int) -> int:
        """Return a part of an amount, at times all of it, never nothing."""
        return self._steps(chance.randint(1, whole_minor))

    def _steps(self, amount_minor: int) -> int:
        return max(amount_minor - amount_minor % self.step_minor, self.step_minor)


# Two, no and three decimals, and the two whose last digits Stripe wants to be zero.
PURSES = (
    Purse("usd", 100, 9_000),
    Purse("eur", 100, 9_000),
    Purse("jpy", 100, 90_000),
    Purse("kwd", 1_000, 90_000, step_minor=10),
    Purse("isk", 20_000, 900_000, step_minor=100),
    Purse("huf", 20_000, 900_000),
)


@dataclass(frozen=True, slots=True)
class WantedPayment:
    """A payment that was asked for. card: the id of a kept one that must be used, "" for any."""

    order_id: str
    amount_minor: int
    currency: str
    customer_id: str
    card: str
    capture_method: str
    description: str
    basket: str


@dataclass(frozen=True, slots=True)
class WantedRefund:
    """A refund that was asked for. amount_minor: 0 for all that is left."""

    order_id: str
    key: str
    amount_minor: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """One answer under an Idempotency-Key, or one that nobody should get."""

    path: str
    key: str | None
    status: int
    body: Any
