"""Where a refund is: under its reference, the order whose payment has it."""

from dataclasses import dataclass
from datetime import datetime

from payment_service.domain.schema import SCHEMA, Schema


@dataclass(frozen=True, slots=True)
class RefundPlace:
    """In which payment a refund is, under our reference of it: looked up by it alone, on any shard.

    wake_at is always None: nobody works on it.
    """

    id: str
    version: int
    order_id: str
    created_at: datetime
    schema: Schema = SCHEMA

    @property
    def wake_at(self) -> datetime | None:
        """Never due."""
        return None
