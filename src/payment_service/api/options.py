"""What the operator decides about the API, as plain values; `main` fills it from the settings."""

from dataclasses import dataclass

from payment_service.domain.money import AmountUnit

# Our longest honest request is 46 metadata values of 500 characters of 4 bytes, and some more.
BODY_MAX = 64 * 1024
# Stripe's events carry whole objects; theirs are some kilobytes, with every expansion some tens.
WEBHOOK_BODY_MAX = 256 * 1024
WEBHOOK_PATH = "/webhook"
# These are asked by whoever watches and stops us, and must answer whatever else goes on.
ALWAYS_OPEN = frozenset({"/livez", "/readyz", "/metrics"})
# A client that takes longer for so little is stuck, or holds the connection on purpose.
BODY_READ_S = 30.0

# Half of what may be under way by default, so that one caller never fills it.
REQUESTS_WAITING_MAX = 500
REQUESTS_UNDER_WAY_MAX = 100


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """How the API presents itself.

    prefix: the path before every endpoint but the health checks, "" or "/payment".
    response_deadline_s: when a caller gets 202 for what Stripe has not settled.
    metrics_here: whether `/metrics` is served beside the API. cors_origins: the web pages whose
    scripts may call.
    mode: what the health message calls this installation ("test", "live", "sandbox").
    order_proof: what an end user must show for an order: "none", "signed" or "order-service".
    strict_requests: whether every field that is not known is refused.
    requires_action_status: 200, or 402 for a payment that waits for its payer to authenticate it.
    rate_limit_…: as in "600/minute", "" is none. trusted_proxies: how many of ours stand before us.
    requests_under_way_max: how many of one caller may be under way while there are others.
    requests_waiting_max: how many more of them may wait.
    """

    prefix: str = "/payment"
    amount_unit: AmountUnit = AmountUnit.MINOR
    default_currency: str = "usd"
    response_deadline_s: float = 55.0
    version: str = "0.0.0"
    mode: str = "development"
    docs_enabled: bool = True
    metrics_here: bool = True
    cors_origins: frozenset[str] = frozenset()
    body_max: int = BODY_MAX
    body_read_s: float = BODY_READ_S
    webhook_body_max: int = WEBHOOK_BODY_MAX
    rate_limit_per_caller: str = ""
    rate_limit_per_address: str = ""
    trusted_proxies: int = 0
    requests_waiting_max: int = REQUESTS_WAITING_MAX
    requests_under_way_max: int = REQUESTS_UNDER_WAY_MAX
    requires_action_status: int = 200
    strict_requests: bool = False
    order_proof: str = "none"

    @property
    def webhook_path(self) -> str:
        """Where Stripe posts."""
        return self.prefix + WEBHOOK_PATH

    def body_max_at(self, path: str) -> int:
        """Return how large a body may be at this path."""
        return self.webhook_body_max if path == self.webhook_path else self.body_max
