"""Whose signature counts: one key that is set, or those that an identity provider publishes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import jwt
import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from payment_service.adapters.tokens.fetching import CannotFetch
from payment_service.domain.errors import CredentialsRefused
from payment_service.ports import TokenKeysUnavailable

# After this the list is fetched again beside the requests: a key that was withdrawn is not trusted
# for longer, nor is the provider asked more often.
FRESH = timedelta(minutes=5)
# A key that is not in the list may be new. Anybody can make up its name, so the provider is asked
# for it no more often than this, however many there are. Providers publish keys before using them.
UNKNOWN_KEY_EVERY = timedelta(seconds=10)
# While the provider cannot be reached its keys hold on: a night's outage of one address must not
# stop payments. A key that leaked, and was withdrawn meanwhile, is not trusted for longer.
STALE_MAX = timedelta(hours=12)
# Providers have two or three keys, and some tens while they rotate those of many tenants.
KEYS_MAX = 100
# NIST SP 800-131A: shorter ones are not to be trusted any more.
RSA_BITS_MIN = 2048
_CURVES = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("tokens")
_decoder = msgspec.json.Decoder(dict[str, Any])


class Keys(Protocol):
    """Finds the key that a token says it is signed with."""

    async def find(self, kid: str | None, algorithm: str, now: datetime, /) -> Any:
        """Return the key, fit for this algorithm. Raises CredentialsRefused, Unavailable."""
        ...


class FixedKey:
    """The one key that is set: a secret, or a public key in PEM."""

    def __init__(self, *, secret: str = "", public_key: str = "") -> None:
        self._key: Any = secret.encode() or load_pem_public_key(public_key.encode())

    async def find(self, _kid: str | None, algorithm: str, _now: datetime, /) -> Any:
        """Return it, if the algorithm is one for its kind."""
        if not _fits(self._key, algorithm):
            raise CredentialsRefused().noting(reason="algorithm")
        return self._key


class PublishedKeys:
    """The keys of an identity provider (RFC 7517), fetched when needed and kept.

    fetch: gets the list, or raises CannotFetch. issuer: whose they are, for the log.
    """

    def __init__(self, fetch: Callable[[], Awaitable[bytes]], issuer: str = "") -> None:
        self._fetch = fetch
        self._issuer = issuer
        self._keys: Mapping[str | None, tuple[Any, str | None]] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str | None, algorithm: str, now: datetime, /) -> Any:
        """Return the key of this name. Raises CredentialsRefused, TokenKeysUnavailable."""
        if not self._are_known(now) or kid not in self._keys:
            await self._refresh(now)
        elif self._fetched_at is not None and now - self._fetched_at > FRESH:
            self._begin(now)  # whom we know need not wait for it
        if not self._are_known(now):
            raise TokenKeysUnavailable("the identity provider's keys cannot be fetched")
        if kid not in self._keys:
            raise CredentialsRefused().noting(reason="unknown_key")
        key, meant_for = self._keys[kid]
        if meant_for not in {None, algorithm} or not _fits(key, algorithm):
            raise CredentialsRefused().noting(reason="algorithm")
        return key

    async def close(self) -> None:
        """Leave off what is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})

    def _are_known(self, now: datetime) -> bool:
        return self._fetched_at is not None and now - self._fetched_at <= STALE_MAX

    async def _refresh(self, now: datetime) -> None:
        """Wait for the list that is being fetched, or for one that we may fetch now."""
        fetching = self._begin(now)
        if fetching is not None:
            await asyncio.wait({fetching})  # whoever leaves lets the others have it

    def _begin(self, now: datetime) -> asyncio.Task[None] | None:
        if self._fetching is None:
            if self._tried_at is not None and now - self._tried_at < UNKNOWN_KEY_EVERY:
                return None
            self._tried_at = now
            self._fetching = asyncio.get_running_loop().create_task(self._take(now))
        return self._fetching

    async def _take(self, now: datetime) -> None:
        try:
            keys = _read(await self._fetch())
        except CannotFetch as error:
            _log.warning(
                "token_keys.not_fetched",
                issuer=self._issuer,
                reason=str(error),
                known=len(self._keys),
            )
        except Exception:  # noqa: BLE001 - the task's edge: nobody would hear of it, nor get a key
            _log.exception("token_keys.stumbled", issuer=self._issuer)
        else:
            _log.info("token_keys.fetched", issuer=self._issuer, keys=len(keys))
            self._keys, self._fetched_at = keys, now
        finally:
            self._fetching = None


def _read(body: bytes) -> dict[str | None, tuple[Any, str | None]]:
    """Return the public keys of a list that may sign, by name. Raises CannotFetch: it is none."""
    try:
        listed = _decoder.decode(body)["keys"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
        raise CannotFetch("not_a_list_of_keys") from error
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise CannotFetch("too_many_keys")
    keys = {}
    for described in listed:
        key = _key_of(described)
        if key is not None:
            keys[described.get("kid")] = key, described.get("alg")
    if not keys:
        raise CannotFetch("no_usable_key")
    return keys


def _key_of(described: Any) -> Any:
    """Return the key, None if it is not a public one for signatures that we know."""
    if not isinstance(described, dict) or described.get("use", "sig") != "sig":
        return None
    # Compared one by one: what is published there may be anything, and a set must hash it.
    if described.get("kty") not in ("RSA", "EC", "OKP") or "d" in described:
        return None
    if not isinstance(described.get("kid"), str | None):
        return None
    try:
        return jwt.PyJWK(described).key
    except (jwt.PyJWTError, LookupError, TypeError, ValueError, NotImplementedError):
        return None


def _fits(key: Any, algorithm: str) -> bool:
    """Whether this algorithm is for keys of this kind: no key is ever taken for another kind's."""
    match key:
        case bytes():
            return algorithm.startswith("HS")
        case RSAPublicKey():
            return algorithm.startswith(("RS", "PS")) and key.key_size >= RSA_BITS_MIN
        case EllipticCurvePublicKey():
            return _CURVES.get(algorithm) == key.curve.name
        case Ed25519PublicKey() | Ed448PublicKey():
            return algorithm == "EdDSA"
        case _:
            return False
