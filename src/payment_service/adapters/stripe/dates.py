"""What time it is at Stripe, by the answers that are surely its own."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol


class Timekeeper(Protocol):
    """Who wants to hear what time it is at Stripe."""

    def mark(self) -> Any:
        """Return the moment at which a request is sent."""
        ...

    def heard(self, date: datetime, sent: Any) -> None:
        """Hear that the answer to a request sent at that moment bears this date."""
        ...


class NobodysTime:
    """A Timekeeper that forgets."""

    def mark(self) -> None:
        """Return nothing."""

    def heard(self, date: datetime, sent: None) -> None:
        """Forget it."""


def date_of(headers: Mapping[str, str] | None) -> datetime | None:
    """Return the date of an answer of Stripe's, None for one that may be somebody else's.

    Only Stripe's own have its `Request-Id`: a proxy's page of errors may bear any date.
    """
    if not headers or not headers.get("Request-Id"):
        return None
    try:
        date = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
