"""What the operator may set of proofs: enough to check them, and no key that others have too."""

import pytest

from payment_service.composing import api_options_of, open_orders, order_proofs_of, policy_of
from payment_service.settings import InvalidSettings, load_settings

SECRET = "x" * 32
OTHER = "y" * 40
SANE = {"AUTH": "none"}
READ = {"ORDER_SERVICE_URL": "https://orders", "ORDER_SERVICE_READ_PATH": "/{orderId}"}


def wrong_with(**given: str) -> dict[str, str]:
    with pytest.raises(InvalidSettings) as caught:
        load_settings({**SANE, **given})
    assert SECRET not in str(caught.value)
    return {problem.name: problem.message for problem in caught.value.problems}


async def test_by_default_nothing_is_asked_for_and_a_claim_lapses() -> None:
    settings = load_settings(SANE)

    assert api_options_of(settings).order_proof == "none"
    assert order_proofs_of(settings) is None
    assert policy_of(settings).unproved_claim_expires_s == 1800


def test_signed_needs_a_key_to_check_with() -> None:
    assert "needs one of them" in wrong_with(ORDER_PROOF="signed")["ORDER_PROOF_SECRET"]
    settings = load_settings({**SANE, "ORDER_PROOF": "Signed", "ORDER_PROOF_SECRET": SECRET})
    assert order_proofs_of(settings) is not None


def test_several_secrets_are_each_hidden() -> None:
    settings = load_settings({**SANE, "ORDER_PROOF_SECRET": f"{SECRET}, {OTHER}"})

    assert {SECRET, OTHER} <= set(settings.secret_values())
    assert SECRET not in repr(settings)


@pytest.mark.parametrize("secret", ["short", f"{SECRET},short", "with space" * 9, f"{SECRET},"])
def test_a_secret_is_long_enough(secret: str) -> None:
    assert "at least 32" in wrong_with(ORDER_PROOF_SECRET=secret)["ORDER_PROOF_SECRET"]


def test_the_secret_of_tokens_makes_no_proofs() -> None:
    jwt = {
        "AUTH": "jwt",
        "AUTH_JWT_SECRET": SECRET,
        "AUTH_JWT_ISSUER": "i",
        "AUTH_JWT_AUDIENCE": "a",
    }

    wrong = wrong_with(**jwt, ORDER_PROOF_SECRET=f"{OTHER},{SECRET}")

    assert "AUTH_JWT_SECRET too" in wrong["ORDER_PROOF_SECRET"]


async def test_order_service_needs_to_know_where_orders_are_read() -> None:
    given = {**SANE, "ORDER_PROOF": "order-service"}
    assert "ORDER_SERVICE_READ_PATH" in wrong_with(ORDER_PROOF="order-service")
    settings = load_settings({**given, **READ, "ORDER_SERVICE_AMOUNT_FIELD": "data.total"})
    assert api_options_of(settings).order_proof == "order-service"
    await open_orders(settings).close()


def test_in_production_amounts_of_browsers_are_warned_of() -> None:
    given = {
        "ENVIRONMENT": "production",
        "STRIPE_SECRET_KEY": "rk_live_1",
        "AUTH": "jwt",
        "AUTH_JWT_JWKS_URL": "https://id/keys",
        "AUTH_JWT_ISSUER": "i",
        "AUTH_JWT_AUDIENCE": "a",
    }
    signed = {"ORDER_PROOF": "signed", "ORDER_PROOF_SECRET": SECRET}

    assert "ORDER_PROOF is none" in " ".join(load_settings(given).warnings())
    assert "ORDER_PROOF" not in " ".join(load_settings({**given, **signed}).warnings())
    assert "ORDER_PROOF" not in " ".join(load_settings({**given, "AUTH": "api-key"}).warnings())
