"""What the operator decides about the API, as plain values; `main` fills it from the settings."""

from dataclasses import dataclass

from payment_service.domain.money import AmountUnit

# Our longest honest request is 46 metadata values of 500 characters of 4 bytes, and some more.
BODY_MAX = 64 * 1024
# A client that takes longer for so little is stuck, or holds the connection on purpose.
BODY_READ_S = 30.0


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """How the API presents itself.

    prefix: the path before every endpoint but the health checks, "" or "/payment".
    response_deadline_s: when a caller gets 202 for what Stripe has not settled.
    mode: what the health message calls this installation ("test", "live", "sandbox").
    """

    prefix: str = "/payment"
    amount_unit: AmountUnit = AmountUnit.MINOR
    default_currency: str = "usd"
    response_deadline_s: float = 55.0
    version: str = "0.0.0"
    mode: str = "development"
    docs_enabled: bool = True
    body_max: int = BODY_MAX
    body_read_s: float = BODY_READ_S
