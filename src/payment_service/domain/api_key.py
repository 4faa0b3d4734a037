"""API keys that we make ourselves: how they look, what is kept of them, and when they hold."""

import hmac
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from payment_service.domain.errors import (
    CredentialsExpired,
    CredentialsRefused,
    FieldError,
    InvalidRequest,
)
from payment_service.domain.schema import SCHEMA, Schema

# Lets whoever finds one, person or scanner, see what it is; and us see that it is ours.
PREFIX = "psk_"
# Both in base 32: 10 random bytes that may be logged, and the 32 that may not.
_WRITTEN = re.compile(rf"{PREFIX}([a-z2-7]{{16}})_([a-z2-7]{{52}})")
NAME_MAX = 100
# Written beside a request at most this often: enough to see which keys nobody uses any more.
NOTE_USE_EVERY = timedelta(minutes=5)
_NO_HASH = "0" * 64


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key: enough to know it again, and nothing that would let anybody use it.

    secret_hash: SHA-256 of the secret, in hex. scopes: what its bearer may do. expires_at: None for
    a key that holds until it is revoked. used_at: within some minutes.
    """

    id: str
    version: int
    name: str
    secret_hash: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None
    schema: Schema = SCHEMA

    @property
    def wake_at(self) -> datetime | None:
        """Never due."""
        return None

    def state(self, now: datetime) -> str:
        """Return "active", "expired" or "revoked"."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and now >= self.expires_at else "active"


def written(id: str, secret: str) -> str:
    """Return the key as its bearer sends it."""
    return f"{PREFIX}{id}_{secret}"


def read_written(text: str) -> tuple[str, str]:
    """Return id and secret of a key. Raises CredentialsRefused: it cannot be one of ours."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise CredentialsRefused().noting(reason="malformed")
    return found[1], found[2]


def hash_of(secret: str) -> str:
    """Return what is kept of the secret.

    Slow hashes are for passwords, which people choose and others can guess. Nobody guesses 256
    random bits, however fast each try is; and this is paid for on every request.
    """
    return sha256(secret.encode()).hexdigest()


def new_api_key(
    id: str,
    secret: str,
    *,
    name: str,
    scopes: tuple[str, ...],
    now: datetime,
    lives_for: timedelta | None,
) -> ApiKey:
    """Return a key as it is kept. Raises InvalidRequest that names every bad field."""
    bad = []
    if not (0 < len(name) <= NAME_MAX and name.isprintable()):
        bad.append(FieldError("name", f"must have 1 to {NAME_MAX} printable characters"))
    if not scopes:
        bad.append(FieldError("scopes", "must have at least one scope"))
    if lives_for is not None and lives_for <= timedelta():
        bad.append(FieldError("expires-in", "must be in the future"))
    if bad:
        raise InvalidRequest(*bad)
    return ApiKey(
        id=id,
        version=0,
        name=name,
        secret_hash=hash_of(secret),
        scopes=scopes,
        created_at=now,
        expires_at=now + lives_for if lives_for is not None else None,
    )


def check(key: ApiKey | None, secret: str, now: datetime) -> ApiKey:
    """Return the key, if this is its secret and it holds.

    Raises CredentialsExpired to whoever has the secret, else CredentialsRefused: whether there is
    such a key, or was, is nobody else's business, and takes as long to find out. The reason that
    they carry is for the log.
    """
    kept = key.secret_hash if key is not None else _NO_HASH
    is_its = hmac.compare_digest(hash_of(secret), kept)
    if key is None:
        raise CredentialsRefused().noting(reason="unknown")
    if not is_its:
        raise CredentialsRefused().noting(reason="wrong_secret", key_id=key.id)
    if key.revoked_at is not None:
        raise CredentialsRefused().noting(reason="revoked", key_id=key.id)
    if key.state(now) == "expired":
        raise CredentialsExpired().noting(reason="expired", key_id=key.id)
    return key


def revoked(key: ApiKey, now: datetime) -> ApiKey:
    """Return the key without its power; one that has none is as it was."""
    return key if key.revoked_at is not None else replace(key, revoked_at=now)


def used(key: ApiKey, now: datetime) -> ApiKey:
    """Return the key with its last use, or as it was when that is known well enough."""
    if key.used_at is not None and now - key.used_at < NOTE_USE_EVERY:
        return key
    return replace(key, used_at=now)
