"""Saving a card with authentication: a SetupIntent, as part of the customer's document."""

from dataclasses import dataclass
from datetime import datetime

# Stripe's words for one that the payer's client may still complete.
OPEN = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
# Left alone for so long, the payer is gone; a new one costs nothing.
LOOKED_AT_FOR_S = 86_400


@dataclass(frozen=True, slots=True)
class Setup:
    """The last SetupIntent of a customer. id: None while it is being made. status: Stripe's word.

    refusal_code: why Stripe would not make it.
    """

    begun_at: datetime
    request_id: str | None = None
    id: str | None = None
    status: str | None = None
    refusal_code: str | None = None
    refusal_message: str | None = None
    refusal_param: str | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether it is still to be made."""
        return self.id is None and self.refusal_code is None

    @property
    def is_open(self) -> bool:
        """Whether the payer's client may still complete it."""
        return self.id is not None and self.status in OPEN
