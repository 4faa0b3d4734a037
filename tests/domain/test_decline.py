"""What a payer may see of a refused card: nothing that is not known to be harmless."""

import pytest

from payment_service.domain.decline import (
    GENERIC_CODE,
    GENERIC_DECLINE_CODE,
    GENERIC_MESSAGE,
    PAYER_SAFE_CODES,
    payer_safe,
)
from payment_service.domain.news import ChargeOutcome, Denial

HIDDEN = [
    "fraudulent",
    "lost_card",
    "merchant_blacklist",
    "pickup_card",
    "restricted_card",
    "security_violation",
    "stolen_card",
    "stop_payment_order",
    "a_code_that_stripe_adds_tomorrow",
    "Fraudulent ",
]


def told(denial: Denial) -> tuple[str, str | None, str]:
    safe = payer_safe(denial)
    return safe.code, safe.decline_code, safe.message


GENERIC = (GENERIC_CODE, GENERIC_DECLINE_CODE, GENERIC_MESSAGE)


@pytest.mark.parametrize("code", HIDDEN)
def test_a_reason_that_is_not_known_to_be_harmless_is_a_generic_decline(code: str) -> None:
    assert told(Denial("card_declined", "Why it was: secret.", code)) == GENERIC
    assert told(Denial(code, "Why it was: secret.", code, param="card")) == GENERIC
    assert told(Denial(code, "Why it was: secret.", None)) == GENERIC
    assert told(Denial(code, "Why it was: secret.", "insufficient_funds")) == GENERIC


@pytest.mark.parametrize("code", sorted(PAYER_SAFE_CODES - {GENERIC_CODE, GENERIC_DECLINE_CODE}))
def test_a_reason_that_the_payer_can_do_something_about_is_passed_on(code: str) -> None:
    message = "What the payer can do about it."

    assert told(Denial("card_declined", message, code)) == ("card_declined", code, message)
    assert told(Denial(code, message, None)) == (code, None, message)


@pytest.mark.parametrize("decline_code", [None, GENERIC_DECLINE_CODE])
def test_a_message_without_a_reason_is_not_passed_on(decline_code: str | None) -> None:
    denial = Denial("card_declined", "This card is on a list.", decline_code)

    assert told(denial) == ("card_declined", decline_code, GENERIC_MESSAGE)


def test_a_message_that_names_a_suspicion_is_not_passed_on_under_a_harmless_code() -> None:
    denial = Denial("card_declined", "This card was reported STOLEN.", "do_not_honor")

    assert told(denial) == ("card_declined", "do_not_honor", GENERIC_MESSAGE)


def test_the_networks_codes_and_radars_outcome_are_nobodys_but_the_shops() -> None:
    safe = payer_safe(
        Denial(
            "card_declined",
            "Your card has insufficient funds.",
            "insufficient_funds",
            advice_code="try_again_later",
            network_advice_code="03",
            network_decline_code="51",
            charge_outcome=ChargeOutcome(type="blocked"),
            charge_id="ch_1",
        )
    )

    assert safe == Denial(
        "card_declined",
        "Your card has insufficient funds.",
        "insufficient_funds",
        advice_code="try_again_later",
    )


def test_advice_is_passed_on_if_it_is_one_of_stripes() -> None:
    for advice in ("confirm_card_data", "do_not_try_again", "try_again_later"):
        assert payer_safe(Denial("x", "", "x", advice_code=advice)).advice_code == advice
    assert payer_safe(Denial("x", "", "x", advice_code="call_the_police")).advice_code is None
