"""The rate limiter: so many requests a second for the account, and for each endpoint."""

from __future__ import annotations

from stripe_sandbox.engine.config import Config
from stripe_sandbox.engine.errors import rate_limited


class Limiter:
    """Token buckets that hold one second's worth and fill with the time they are given."""

    __slots__ = ("_buckets", "config")

    def __init__(self, config: Config) -> None:
        self.config = config
        self._buckets: dict[str, tuple[float, float]] = {}

    def admit(self, endpoint: str, now: float) -> None:
        """Count a request; refuse it when the account or the endpoint has had its share."""
        account_limit = self.config.rate_limit_per_s
        endpoint_limit = self.config.endpoint_rate_limit_per_s
        if account_limit is not None and not self._take("", account_limit, now):
            raise rate_limited("global-rate")
        if endpoint_limit is not None and not self._take(endpoint, endpoint_limit, now):
            raise rate_limited("endpoint-rate")

    def _take(self, name: str, per_s: int, now: float) -> bool:
        tokens, filled_at = self._buckets.get(name, (float(per_s), now))
        tokens = min(float(per_s), tokens + max(0.0, now - filled_at) * per_s)
        allowed = tokens >= 1
        self._buckets[name] = (tokens - 1 if allowed else tokens, now)
        return allowed
