"""An identity provider in this process: it signs tokens, publishes its keys, and may be away."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from payment_service.adapters.tokens import JwtReader, PublishedKeys, TokenRules, TrustedIssuer
from payment_service.adapters.tokens.fetching import CannotFetch

ISSUER = "https://id.example.com/"
AUDIENCE = "payment-service"
ALGORITHMS = frozenset({"RS256", "ES256"})
TOKEN_S = 3600
# What marks a service here, as Auth0 does it; an end user's token has no such claim.
SERVICE_MARK = ("gty", "client-credentials")
SETTING_OF_THE_MARK = {"AUTH_JWT_SERVICE_CLAIM": "=".join(SERVICE_MARK)}


@cache
def private_key(kid: str) -> rsa.RSAPrivateKey:
    """Return the private key of this name, the same for the whole run: making one is slow."""
    assert kid
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(kid: str) -> bytes:
    """Return the public key as the operator may set it, and as a forger may use it."""
    public = private_key(kid).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(kid: str, /, **changed: Any) -> dict[str, Any]:
    """Return the public key as it is published."""
    made: dict[str, Any] = RSAAlgorithm.to_jwk(private_key(kid).public_key(), as_dict=True)
    return {**made, "kid": kid, "use": "sig", "alg": "RS256", **changed}


class IdentityProvider:
    """Signs and publishes. kids: of the keys that are published; fetches: how often they were."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.kids = ["key-1"]
        self.fetches = 0
        self.is_away = False

    async def fetch(self) -> bytes:
        """Return the published keys."""
        self.fetches += 1
        if self.is_away:
            raise CannotFetch("away")
        return json.dumps({"keys": [jwk(kid) for kid in self.kids]}).encode()

    def reader(self, **rules: Any) -> JwtReader:
        """Return a reader that trusts this provider."""
        return JwtReader(self.trusted(**rules))

    def trusted(self, **rules: Any) -> TrustedIssuer:
        """Return this provider as one of those that a reader trusts."""
        named = {
            "issuer": ISSUER,
            "audiences": frozenset({AUDIENCE}),
            "algorithms": ALGORITHMS,
            "service_claim": SERVICE_MARK,
            **rules,
        }
        return TrustedIssuer(PublishedKeys(self.fetch), TokenRules(**named))

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Return what a good token of a service says; None takes a claim away."""
        now = int(self._now().timestamp())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "checkout",
            "iat": now,
            "exp": now + TOKEN_S,
            "scope": "payment.admin",
            SERVICE_MARK[0]: SERVICE_MARK[1],
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self, *, kid: str | None = "key-1", header: dict[str, Any] | None = None, **changed: Any
    ) -> str:
        """Return a token, good but for what is changed."""
        headers = {**({"kid": kid} if kid is not None else {}), **(header or {})}
        key = private_key(kid or "key-1")
        # The library's own way to make tokens would refuse to make some that forgers make.
        payload = json.dumps(self.claims(**changed)).encode()
        return jwt.PyJWS().encode(payload, key, algorithm="RS256", headers=headers)

    def user(self, email: str, **changed: Any) -> str:
        """Return the token of an end user who may do all that end users can."""
        named = {"sub": f"user-of-{email}", "email": email, "email_verified": True}
        unmarked = {"scope": "openid payment.write", SERVICE_MARK[0]: None}
        return self.token(**{**named, **unmarked, **changed})
