"""The secrets of webhook endpoints: made, rolled, and signed with."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from typing import Final

from stripe_sandbox.engine.config import DAY_S
from stripe_sandbox.engine.ids import Ids
from stripe_sandbox.engine.records import SigningSecret, WebhookEndpoint

PREFIX: Final = "whsec_"
LENGTH: Final = 32
# After a roll the old secret may live this long at most.
OLD_KEPT_MAX_S: Final = DAY_S


def new_secret(ids: Ids) -> str:
    """Make a secret as Stripe writes them."""
    return ids.short(PREFIX, LENGTH)


def rolled(
    endpoint: WebhookEndpoint, secret: str, *, keep_old_s: float, now: float
) -> WebhookEndpoint:
    """Give an endpoint a new secret; those it has live on for a while, but none for longer."""
    until = now + keep_old_s
    kept = [
        replace(old, until=until if old.until is None else min(old.until, until))
        for old in endpoint.secrets
        if old.until is None or old.until > now
    ]
    return replace(endpoint, secrets=(SigningSecret(secret), *kept))


def signature(body: bytes, secrets: list[str], timestamp: int) -> str:
    """Write the Stripe-Signature header: the time, and one v1 for each secret."""
    signed = b"%d." % timestamp + body
    made = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={one}" for one in made)])
