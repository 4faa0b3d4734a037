"""What the shop says of an order: how much is to be paid for it, and by whom."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OrderProof:
    """An order's terms, as the shop's back end has signed them for an end user's browser.

    amount, currency: as a request would send them, not checked yet. customers: all by whom the
    order is said to be paid, each a customer's id or e-mail; there is one at least.
    """

    order_id: object
    amount: object
    currency: object
    customers: tuple[str, ...]
    capture_method: object = None


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """An order as the OrderService shows it. What it does not show is None."""

    amount: object
    currency: object
    customer: object


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose word the terms of a payment are.

    is_proved: the shop's; else only an end user's. at: since when. generation: of the payment, when
    it was made; with another one it says nothing.
    """

    is_proved: bool
    at: datetime
    generation: int
