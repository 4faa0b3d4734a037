"""Checks what the shop's back end signed for an order: a JSON Web Token, or a plain HMAC.

The plain form is for back ends without a library for tokens: `v1.`, the JSON of the claims in
base64url, `.`, and the HMAC-SHA256 in base64url of all that is before this last dot.
"""

import binascii
import hmac
import json
from base64 import b64decode
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from payment_service.adapters.tokens.claims import SECONDS_MAX, once_each
from payment_service.domain.errors import OrderProofInvalid
from payment_service.domain.order_proof import OrderProof

# An order id of 200 characters of 4 bytes, an e-mail, a signature of RSA 4096, and room for claims
# that a library adds.
PROOF_MAX = 4 * 1024
PLAIN = "v1."
# By how much the shop's clock may differ from Stripe's.
LEEWAY_S = 30.0
_CUSTOMERS = ("customer", "customerId", "email")
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
# No secret is ever checked by a public key's algorithm, nor the reverse: both would be a forger's.
_OF_SECRETS = frozenset({"HS256", "HS384", "HS512"})


class SignedProofs:
    """Keeps the promise of `ports.OrderProofs`.

    secrets: any of them may have signed, so that one can take the place of another. public_key: in
    PEM, for tokens that are signed with its private key; empty without one.
    """

    def __init__(self, secrets: Iterable[str], public_key: str = "") -> None:
        self._secrets = tuple(secret.encode() for secret in secrets)
        self._public_key: Any = load_pem_public_key(public_key.encode()) if public_key else None
        self._of_public_key = _algorithms_of(self._public_key)

    def read(self, proof: str, now: datetime) -> OrderProof:
        """Return what a valid proof says."""
        if len(proof) > PROOF_MAX:
            raise _invalid("too_long")
        if not proof.isascii():
            raise _invalid("malformed")
        is_plain = proof.startswith(PLAIN)
        claims = _claims(self._plain(proof) if is_plain else self._token(proof))
        _check_times(claims, now)
        return _proof(claims)

    def _plain(self, proof: str) -> bytes:
        signed, _, signature = proof.rpartition(".")
        sent = _decoded(signature)
        made = [hmac.digest(secret, signed.encode(), "sha256") for secret in self._secrets]
        if not any(hmac.compare_digest(sent, one) for one in made):
            raise _invalid("signature")
        return _decoded(signed.removeprefix(PLAIN))

    def _token(self, proof: str) -> bytes:
        try:
            header = jwt.get_unverified_header(proof)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise _invalid("malformed") from error
        algorithm: Any = header.get("alg")
        # `crit` asks for more than signatures, and what is not understood must be refused.
        if "crit" in header or "b64" in header:
            raise _invalid("header")
        keys: tuple[Any, ...] = ()
        # Compared one by one: what a header says may be anything, and a set must hash it.
        if algorithm in tuple(_OF_SECRETS):
            keys = self._secrets
        elif algorithm in tuple(self._of_public_key):
            keys = (self._public_key,)
        if not keys:
            raise _invalid("algorithm")
        return _payload(proof, keys, algorithm)


def _payload(proof: str, keys: tuple[Any, ...], algorithm: str) -> bytes:
    for key in keys:
        try:
            payload: bytes = jwt.PyJWS().decode(proof, key, algorithms=[algorithm])
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise _invalid("malformed") from error
        return payload
    raise _invalid("signature")


def _algorithms_of(key: Any) -> frozenset[str]:
    """Return by which algorithms a public key may have signed."""
    match key:
        case RSAPublicKey():
            return frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
        case EllipticCurvePublicKey() if key.curve.name in _CURVES:
            return frozenset({_CURVES[key.curve.name]})
        case Ed25519PublicKey() | Ed448PublicKey():
            return frozenset({"EdDSA"})
        case _:
            return frozenset()


def _decoded(text: str) -> bytes:
    try:
        bare = text.rstrip("=")
        return b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid("malformed") from error


def _claims(payload: bytes) -> Mapping[str, Any]:
    try:
        claims = _decoder.decode(payload.decode())
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise _invalid("malformed") from error
    if not isinstance(claims, dict):
        raise _invalid("malformed")
    return claims


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    if "exp" not in claims:
        raise _invalid("no_expiry")
    present = now.timestamp()
    if _seconds(claims["exp"]) + LEEWAY_S <= present:
        raise _invalid("expired")
    begins = [_seconds(claims[name]) for name in ("nbf", "iat") if name in claims]
    if any(begin > present + LEEWAY_S for begin in begins):
        raise _invalid("not_yet_valid")


def _seconds(claim: object) -> float:
    is_number = isinstance(claim, int | Decimal) and not isinstance(claim, bool)
    if not is_number or not -SECONDS_MAX < claim < SECONDS_MAX:  # type: ignore[operator]
        raise _invalid("times")
    return float(claim)  # type: ignore[arg-type]


def _proof(claims: Mapping[str, Any]) -> OrderProof:
    missing = [name for name in ("orderId", "amount", "currency") if claims.get(name) is None]
    if missing:
        raise _invalid(f"no_{missing[0]}")
    customers = tuple(claims[name] for name in _CUSTOMERS if claims.get(name) is not None)
    if not customers or not all(isinstance(one, str) and one for one in customers):
        raise _invalid("no_customer")
    return OrderProof(
        order_id=claims["orderId"],
        amount=claims["amount"],
        currency=claims["currency"],
        customers=customers,
        capture_method=claims.get("captureMethod"),
    )


def _invalid(reason: str) -> OrderProofInvalid:
    """Return the refusal: the reason is for the log, and would help to forge one."""
    return OrderProofInvalid("This proof of the order is not valid.", reason=reason)


def _refuse_constant(_name: str) -> Any:
    raise ValueError("not JSON")


_decoder = json.JSONDecoder(
    object_pairs_hook=once_each, parse_float=Decimal, parse_constant=_refuse_constant
)
