"""Checks JSON Web Tokens of the issuers that are trusted, and says who calls."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import jwt

from payment_service.adapters.tokens.claims import (
    Unverified,
    refused,
    seconds_claim,
    take_apart,
    texts_claim,
)
from payment_service.adapters.tokens.keys import Keys
from payment_service.adapters.tokens.rules import TokenRules, identity_of
from payment_service.domain.errors import CredentialsExpired, Refusal
from payment_service.domain.identity import Identity

# Some hundred groups in a token make 4 KiB. Ours must be hashed or checked before it says anything.
TOKEN_BYTES_MAX = 8 * 1024
# A signature costs as much to check as half a request. A withdrawn key is trusted this much longer.
REMEMBERED_S = 60.0
# Some hundred bytes each: more callers than one process serves in that minute.
REMEMBERED_MAX = 10_000
# An address of an issuer that is not ours, as far as it may stand in a log.
_SHOWN_ISSUER = re.compile(
    r"https?://[A-Za-z0-9.-]{1,100}(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]{0,100})?"
)
# PyJWT checks the signature. Its checks of claims are not used: they would bring in another clock,
# and raise what is not theirs for claims of a wrong type.
_SIGNATURES = jwt.PyJWS(options={"verify_signature": True, "enforce_minimum_key_length": True})


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An identity provider whose tokens count: its keys, which check no other's, and its rules."""

    keys: Keys
    rules: TokenRules


class JwtReader:
    """Keeps the promise of `ports.TokenReader`, for tokens of any of these issuers.

    Two entries may have one issuer when no audience is in both.
    """

    def __init__(self, *issuers: TrustedIssuer) -> None:
        self._issuers: dict[str, list[TrustedIssuer]] = {}
        for issuer in issuers:
            self._issuers.setdefault(issuer.rules.issuer, []).append(issuer)
        self._remembered: dict[bytes, tuple[Identity, datetime]] = {}

    async def read(self, token: str, now: datetime) -> Identity:
        """Return whom the token vouches for."""
        if len(token) > TOKEN_BYTES_MAX:
            raise refused("too_long")
        if not token.isascii():
            raise refused("not_a_signed_token")
        digest = sha256(token.encode()).digest()
        remembered = self._remembered.get(digest)
        if remembered is not None and now < remembered[1]:
            return remembered[0]
        unverified = take_apart(token)
        try:
            identity, left_s = await self._verified(token, unverified, now)
        except Refusal as refusal:
            refusal.noting(issuer=self._shown(unverified.claims.get("iss")))
            raise
        self._remember(digest, identity, now + timedelta(seconds=min(left_s, REMEMBERED_S)))
        return identity

    async def _verified(
        self, token: str, unverified: Unverified, now: datetime
    ) -> tuple[Identity, float]:
        """Return whom it vouches for, and for how many seconds.

        What it says of its issuer and audience chooses the rules that it must keep, and no more.
        """
        claims = unverified.claims
        issuer = _chosen(self._of(claims.get("iss")), claims)
        algorithm = unverified.algorithm
        if algorithm not in issuer.rules.algorithms:
            raise refused("algorithm")
        key = await issuer.keys.find(unverified.kid, algorithm, now)
        try:
            _SIGNATURES.decode_complete(token, key, algorithms=[algorithm])
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise refused("signature") from error
        left_s = _seconds_left(claims, issuer.rules.leeway_s, now)
        return identity_of(claims, issuer.rules), left_s

    def _of(self, issuer: Any) -> Sequence[TrustedIssuer]:
        return self._issuers.get(issuer, ()) if isinstance(issuer, str) else ()

    def _shown(self, issuer: Any) -> str:
        """Return the issuer as the log may have it: anybody can write anything into a token."""
        if isinstance(issuer, str) and (issuer in self._issuers or _SHOWN_ISSUER.fullmatch(issuer)):
            return issuer
        return "none" if issuer is None else "not shown"

    def _remember(self, digest: bytes, identity: Identity, until: datetime) -> None:
        if len(self._remembered) >= REMEMBERED_MAX:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[digest] = identity, until


def _chosen(issuers: Sequence[TrustedIssuer], claims: dict[str, Any]) -> TrustedIssuer:
    """Return the one entry whose issuer and audience the token names."""
    if not issuers:
        raise refused("issuer")
    chosen = [
        issuer
        for issuer in issuers
        if not issuer.rules.audiences.isdisjoint(texts_claim(claims, issuer.rules.audience_claim))
    ]
    if not chosen:
        raise refused("audience")
    if len(chosen) > 1:  # for two entries with one issuer; which rules hold must be no question
        raise refused("audience_of_two_entries")
    return chosen[0]


def _seconds_left(claims: dict[str, Any], leeway_s: float, now: datetime) -> float:
    """Return how long the token still holds. Raises CredentialsExpired, CredentialsRefused."""
    present = now.timestamp()
    begins = (seconds_claim(claims, name) for name in ("nbf", "iat"))
    if any(begin is not None and begin > present + leeway_s for begin in begins):
        raise refused("not_yet_valid")
    ends = seconds_claim(claims, "exp")
    if ends is None:
        raise refused("no_expiry")
    left_s = ends + leeway_s - present
    if left_s <= 0:
        raise CredentialsExpired().noting(reason="expired")
    return left_s
