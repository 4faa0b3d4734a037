"""A request under an idempotency key, and its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from payment_service.domain.schema import SCHEMA, Schema


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A caller's request under an idempotency key, and its answer once there is one.

    id: caller and key, hashed together. fingerprint: hash of method, path and body.
    wake_at is always None: nobody works on it by itself. body never holds a client secret;
    `secret_of` names the PaymentIntent whose secret belongs into it. subject: the customer, when
    the answer says something of a person.
    """

    id: str
    version: int
    fingerprint: str
    created_at: datetime
    claimed_until: datetime
    expires_at: datetime
    status_code: int | None = None
    body: Mapping[str, Any] | None = None
    secret_of: str | None = None
    subject: str | None = None
    schema: Schema = SCHEMA

    @property
    def wake_at(self) -> datetime | None:
        """Never due."""
        return None
