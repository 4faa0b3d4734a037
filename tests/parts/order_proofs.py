"""The shop's back end: it signs proofs of its orders, as a token or as a plain HMAC."""

import hmac
import json
from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Any

import jwt

SECRET = "the-shops-own-secret-of-32-characters-or-more"
PROOF_S = 600


def claims_of(now: datetime, **changed: Any) -> dict[str, Any]:
    """Return what a good proof says of order-1; None takes a claim away."""
    claims = {
        "orderId": "order-1",
        "amount": 6522,
        "currency": "usd",
        "customer": "jane@example.com",
        "exp": int(now.timestamp()) + PROOF_S,
        **changed,
    }
    return {name: value for name, value in claims.items() if value is not None}


def token_proof(
    now: datetime, *, secret: Any = SECRET, algorithm: str = "HS256", **changed: Any
) -> str:
    """Return a proof as a JSON Web Token."""
    # The library's own way to make tokens would refuse to make some that forgers make.
    payload = json.dumps(claims_of(now, **changed)).encode()
    return jwt.PyJWS().encode(payload, secret, algorithm=algorithm)


def plain_proof(now: datetime, *, secret: str = SECRET, **changed: Any) -> str:
    """Return a proof in the plain form."""
    return plainly_signed(json.dumps(claims_of(now, **changed)).encode(), secret)


def plainly_signed(payload: bytes, secret: str = SECRET) -> str:
    """Return any bytes with the HMAC of the plain form."""
    text = f"v1.{urlsafe_b64encode(payload).decode().rstrip('=')}"
    signature = hmac.digest(secret.encode(), text.encode(), "sha256")
    return f"{text}.{urlsafe_b64encode(signature).decode().rstrip('=')}"
