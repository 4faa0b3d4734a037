"""Checks JSON Web Tokens, and reads in them who calls and what the caller may do."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import jwt

from payment_service.adapters.tokens.keys import Keys
from payment_service.domain.email_address import normalised_email
from payment_service.domain.errors import (
    CredentialsExpired,
    CredentialsRefused,
    EmailNotVerified,
    InvalidRequest,
)
from payment_service.domain.identity import Identity

# Some hundred groups in a token make 4 KiB. Ours must be hashed or checked before it says anything.
TOKEN_BYTES_MAX = 8 * 1024
# A signature costs as much to check as half a request. A withdrawn key is trusted this much longer.
REMEMBERED_S = 60.0
# Some hundred bytes each: more callers than one process serves in that minute.
REMEMBERED_MAX = 10_000
_KID_MAX = 255
# The year 9999, past which no calendar here goes.
SECONDS_MAX = 253_402_300_800
# Letting the library look at the times would bring in its own clock; we have been given one.
_OPTIONS: Any = {
    "require": ["exp", "iss", "aud", "sub"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "enforce_minimum_key_length": True,
}


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must say. algorithms: all that it may be signed with, whatever it says."""

    issuer: str
    audience: str
    algorithms: frozenset[str]
    email_claim: str = "email"
    scope_claim: str = "scope"
    leeway_s: float = 30.0


class JwtReader:
    """Keeps the promise of `ports.TokenReader`."""

    def __init__(self, keys: Keys, rules: TokenRules) -> None:
        self._keys = keys
        self._rules = rules
        self._remembered: dict[bytes, tuple[Identity, datetime]] = {}

    async def read(self, token: str, now: datetime) -> Identity:
        """Return whom the token vouches for."""
        if len(token) > TOKEN_BYTES_MAX or not token.isascii():
            raise CredentialsRefused
        digest = sha256(token.encode()).digest()
        remembered = self._remembered.get(digest)
        if remembered is not None and now < remembered[1]:
            return remembered[0]
        claims = await self._verified(token, now)
        left_s = self._seconds_left(claims, now)
        identity = self._identity(claims)
        self._remember(digest, identity, now + timedelta(seconds=min(left_s, REMEMBERED_S)))
        return identity

    async def _verified(self, token: str, now: datetime) -> dict[str, Any]:
        """Return the claims of a token that was signed for us with a key that we trust."""
        try:
            header = jwt.get_unverified_header(token)
            algorithm, kid = header.get("alg"), header.get("kid")
            # `crit` asks for more than signatures, and what is not understood must be refused.
            if algorithm not in self._rules.algorithms or "crit" in header or "b64" in header:
                raise CredentialsRefused
            if kid is not None and len(kid) > _KID_MAX:
                raise CredentialsRefused
            key = await self._keys.find(kid, algorithm, now)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._rules.issuer,
                audience=self._rules.audience,
                options=_OPTIONS,
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise CredentialsRefused from error
        return claims

    def _seconds_left(self, claims: dict[str, Any], now: datetime) -> float:
        """Return how long the token still holds. Raises CredentialsExpired, CredentialsRefused."""
        present, leeway = now.timestamp(), self._rules.leeway_s
        begins = (_seconds(claims.get(name, present)) for name in ("nbf", "iat"))
        if any(begin > present + leeway for begin in begins):
            raise CredentialsRefused
        left_s = _seconds(claims["exp"]) + leeway - present
        if left_s <= 0:
            raise CredentialsExpired
        return left_s

    def _identity(self, claims: dict[str, Any]) -> Identity:
        subject = claims["sub"]
        if not isinstance(subject, str) or not subject:
            raise CredentialsRefused
        email = self._email(claims)
        # Subjects may be e-mails. Whoever gets another e-mail is another caller, to whom no answer
        # that was kept under an idempotency key is given again.
        seed = "\n".join((self._rules.issuer, subject, email or ""))
        name = f"jwt:{sha256(seed.encode(errors='replace')).hexdigest()[:32]}"
        return Identity(name, _words(claims.get(self._rules.scope_claim)), email)

    def _email(self, claims: dict[str, Any]) -> str | None:
        """Return an end user's e-mail. Who has a claim that is none is nobody, and no service."""
        if self._rules.email_claim not in claims:
            return None
        told = claims[self._rules.email_claim]
        try:
            email = normalised_email(told)
        except (InvalidRequest, AttributeError) as error:
            raise CredentialsRefused from error
        # The sign of Kelvin becomes a plain k: another mailbox, and maybe another person's.
        if email.isascii() != told.isascii():
            raise CredentialsRefused
        verified = claims.get("email_verified", True)
        if verified is not True and verified != "true":  # some providers write all claims as text
            raise EmailNotVerified("The identity provider has not verified this e-mail address.")
        return email

    def _remember(self, digest: bytes, identity: Identity, until: datetime) -> None:
        if len(self._remembered) >= REMEMBERED_MAX:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[digest] = identity, until


def _seconds(claim: Any) -> float:
    if isinstance(claim, bool) or not isinstance(claim, int | float):
        raise CredentialsRefused
    if not -SECONDS_MAX < claim < SECONDS_MAX:  # neither is what is not a number
        raise CredentialsRefused
    return float(claim)


def _words(claim: Any) -> frozenset[str]:
    if isinstance(claim, str):
        return frozenset(claim.split())
    if isinstance(claim, list):
        return frozenset(word for word in claim if isinstance(word, str))
    return frozenset()
