"""Proofs of orders: what the shop signed is read, and nothing else is."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from payment_service.adapters.tokens.order_proofs import LEEWAY_S, PROOF_MAX, SignedProofs
from payment_service.domain.errors import OrderProofInvalid
from payment_service.domain.order_proof import OrderProof
from tests.parts.identity_provider import private_key, public_pem
from tests.parts.order_proofs import (
    PROOF_S,
    SECRET,
    claims_of,
    plain_proof,
    plainly_signed,
    token_proof,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
OTHER = "another-secret-that-has-32-characters-too"
READER = SignedProofs([SECRET])
GOOD = OrderProof("order-1", 6522, "usd", ("jane@example.com",))


def reason_of(proof: str, reader: SignedProofs = READER, now: datetime = NOW) -> Any:
    with pytest.raises(OrderProofInvalid) as caught:
        reader.read(proof, now)
    assert "reason" not in caught.value.message
    return caught.value.details["reason"]


@pytest.mark.parametrize("make", [token_proof, plain_proof])
def test_what_the_shop_signed_is_read_in_either_form(make: Any) -> None:
    assert READER.read(make(NOW), NOW) == GOOD


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_any_hash_of_a_secret_will_do(algorithm: str) -> None:
    proof = token_proof(NOW, secret=SECRET * 2, algorithm=algorithm)

    assert SignedProofs([SECRET * 2]).read(proof, NOW) == GOOD


def test_amounts_are_exact_and_ids_may_be_numbers() -> None:
    proof = READER.read(plain_proof(NOW, amount=65.22, orderId=17, captureMethod="manual"), NOW)

    assert proof == OrderProof(17, Decimal("65.22"), "usd", GOOD.customers, "manual")


def test_a_customer_may_be_said_in_several_ways_and_all_are_told() -> None:
    proof = READER.read(plain_proof(NOW, customerId="cus_1", email="j@example.com"), NOW)

    assert proof.customers == ("jane@example.com", "cus_1", "j@example.com")


@pytest.mark.parametrize("make", [token_proof, plain_proof])
def test_several_secrets_hold_while_one_takes_the_place_of_another(make: Any) -> None:
    reader = SignedProofs([OTHER, SECRET])

    assert reader.read(make(NOW, secret=OTHER), NOW) == GOOD
    assert reader.read(make(NOW), NOW) == GOOD
    assert reason_of(make(NOW), SignedProofs([OTHER])) == "signature"


@pytest.mark.parametrize("make", [token_proof, plain_proof])
def test_a_proof_holds_until_it_expires(make: Any) -> None:
    at = NOW.timestamp() + PROOF_S + LEEWAY_S

    assert READER.read(make(NOW), datetime.fromtimestamp(at - 1, UTC)) == GOOD
    assert reason_of(make(NOW), now=datetime.fromtimestamp(at, UTC)) == "expired"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"exp": None}, "no_expiry"),
        ({"exp": "tomorrow"}, "times"),
        ({"exp": True}, "times"),
        ({"exp": 10**400}, "times"),
        ({"nbf": NOW.timestamp() + 60}, "not_yet_valid"),
        ({"iat": NOW.timestamp() + 60}, "not_yet_valid"),
        ({"orderId": None}, "no_orderId"),
        ({"amount": None}, "no_amount"),
        ({"currency": None}, "no_currency"),
        ({"customer": None}, "no_customer"),
        ({"customer": ""}, "no_customer"),
        ({"customer": ["jane@example.com"]}, "no_customer"),
        ({"customerId": 7}, "no_customer"),
    ],
)
@pytest.mark.parametrize("make", [token_proof, plain_proof])
def test_a_proof_says_all_that_it_must_and_nothing_of_a_wrong_type(
    make: Any, changed: dict[str, Any], reason: str
) -> None:
    assert reason_of(make(NOW, **changed)) == reason


def tampered(proof: str) -> str:
    head, _, signature = proof.rpartition(".")
    claims = {**claims_of(NOW), "amount": 50}
    other = urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return ".".join([head.partition(".")[0], other, signature])


@pytest.mark.parametrize("make", [token_proof, plain_proof])
def test_nothing_of_a_proof_can_be_changed(make: Any) -> None:
    assert reason_of(tampered(make(NOW))) == "signature"
    assert reason_of(make(NOW)[:-4] + "AAAA") == "signature"
    assert reason_of(make(NOW, secret=OTHER)) == "signature"


def test_a_token_without_a_signature_or_by_another_kind_of_key_is_none() -> None:
    none = jwt.PyJWS().encode(json.dumps(claims_of(NOW)).encode(), "", algorithm="none")
    by_public_key = SignedProofs([], public_pem("shop").decode())
    # By what is public as if it were a secret; the library would not make one.
    head = urlsafe_b64encode(b'{"alg":"HS256"}').decode().rstrip("=")

    assert reason_of(none) == "algorithm"
    assert reason_of(f"{head}.e30.AAAA", by_public_key) == "algorithm"
    assert reason_of(token_proof(NOW), by_public_key) == "algorithm"
    assert reason_of(plain_proof(NOW), by_public_key) == "signature"
    by_private = token_proof(NOW, secret=private_key("shop"), algorithm="RS256")
    assert reason_of(by_private) == "algorithm"


@pytest.mark.parametrize("header", [{"crit": ["x"], "x": 1}, {"b64": False, "crit": ["b64"]}])
def test_what_a_header_asks_beyond_signatures_is_refused(header: dict[str, Any]) -> None:
    head = urlsafe_b64encode(json.dumps({"alg": "HS256", **header}).encode()).decode().rstrip("=")

    assert reason_of(f"{head}.e30.AAAA") in {"header", "malformed"}


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256"),
        (rsa.generate_private_key(public_exponent=65537, key_size=2048), "PS256"),
        (ec.generate_private_key(ec.SECP256R1()), "ES256"),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
    ],
    ids=["RS256", "PS256", "ES256", "EdDSA"],
)
def test_a_public_key_checks_what_its_private_key_signed(key: Any, algorithm: str) -> None:
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    reader = SignedProofs([SECRET], pem)

    assert reader.read(token_proof(NOW, secret=key, algorithm=algorithm), NOW) == GOOD
    assert reader.read(token_proof(NOW), NOW) == GOOD
    foreign = {"RS256": "key-2", "PS256": "key-2"}.get(algorithm)
    if foreign:
        forged = token_proof(NOW, secret=private_key(foreign), algorithm=algorithm)
        assert reason_of(forged, reader) == "signature"


def test_a_key_on_a_curve_that_no_algorithm_has_checks_nothing() -> None:
    key = ec.generate_private_key(ec.SECP256K1()).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    assert reason_of(token_proof(NOW, secret="x" * 32), SignedProofs([], pem)) == "algorithm"


@pytest.mark.parametrize(
    "proof",
    [
        "",
        ".",
        "..",
        "...",
        "v1.",
        "v1..",
        "v1.e30.",
        "v1.****.AAAA",
        "eyJ",
        "eyJhbGciOiJIUzI1NiJ9",
        "a.b.c",
        "Bearer eyJ",
        "\0",
        "v1.é.é",
        "\ud800",
        "[" * 3000,
        "v1." + "eyJ" * 1000 + ".AAAA",
        '{"alg":"HS256"}',
    ],
)
def test_what_is_no_proof_is_refused_whatever_it_is(proof: str) -> None:
    assert reason_of(proof) in {"malformed", "signature", "algorithm"}


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"null",
        b"7",
        b"\xff",
        b"[" * 2000,
        b'{"a":' * 400,
        b'{"amount":NaN}',
        b'{"orderId":"order-1","orderId":"order-2"}',
        b'{"exp":1e999999999999999999999}',
    ],
)
def test_a_signed_text_that_is_no_object_of_claims_is_refused(payload: bytes) -> None:
    assert reason_of(plainly_signed(payload)) in {"malformed", "no_expiry"}
    token = jwt.PyJWS().encode(payload, SECRET, algorithm="HS256")
    assert reason_of(token) in {"malformed", "no_expiry"}


def test_what_is_longer_than_any_proof_is_not_looked_at() -> None:
    assert reason_of("x" * (PROOF_MAX + 1)) == "too_long"
    assert READER.read(plain_proof(NOW, note="x" * 2000), NOW) == GOOD
