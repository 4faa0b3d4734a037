"""Whose an e-mail is: under the normalised address, our id of the customer that has it."""

from dataclasses import dataclass
from datetime import datetime

from payment_service.domain.schema import SCHEMA, Schema


@dataclass(frozen=True, slots=True)
class EmailPlace:
    """To which customer an e-mail leads. It counts only while that customer's document says so too.

    id: the normalised e-mail. uid: our id of the customer. updated_at: of the last claim, each of
    which writes it anew. wake_at is always None: the customer's document knows what is left to do.
    """

    id: str
    version: int
    uid: str
    created_at: datetime
    updated_at: datetime
    schema: Schema = SCHEMA

    @property
    def wake_at(self) -> datetime | None:
        """Never due."""
        return None
