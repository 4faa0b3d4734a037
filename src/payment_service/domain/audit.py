"""An entry of the audit: who did what, to what, when and why. Written once, never changed."""

from dataclasses import dataclass
from datetime import datetime

from payment_service.domain.schema import SCHEMA, Schema


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One deed of an operator.

    what: a noun and a past participle, as in the log. who: how the operator is called. subject: an
    id; never what says by itself who a customer is. wake_at is always None: nobody works on it.
    """

    id: str
    version: int
    created_at: datetime
    what: str
    who: str
    why: str
    subject: str
    schema: Schema = SCHEMA

    @property
    def wake_at(self) -> datetime | None:
        """Never due."""
        return None
