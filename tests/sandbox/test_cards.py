"""The test cards: who pays, who declines and how, who asks for its holder."""

from __future__ import annotations

from typing import Any

import pytest

from stripe_sandbox.engine import Config
from stripe_sandbox.engine.cards import CARDS, luhn_holds
from tests.sandbox.account import NO_REDIRECT, Account

DECLINES = [
    ("chargeDeclined", "card_declined", "generic_decline"),
    ("visa_chargeDeclined", "card_declined", "generic_decline"),
    ("visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("chargeDeclinedExpiredCard", "expired_card", None),
    ("chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
    ("chargeDeclinedProcessingError", "processing_error", None),
    ("visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
    ("chargeCustomerFail", "card_declined", "generic_decline"),
    ("radarBlock", "card_declined", "fraudulent"),
]
GOOD = ["visa", "visa_debit", "mastercard", "amex", "discover", "diners", "jcb", "unionpay"]


def test_every_card_has_a_valid_number() -> None:
    assert [card.number for card in CARDS if not luhn_holds(card.number)] == []


@pytest.mark.parametrize("name", GOOD)
def test_good_cards_pay(name: str) -> None:
    assert Account().pay(card=name).body["status"] == "succeeded"


@pytest.mark.parametrize(("name", "code", "decline_code"), DECLINES)
def test_a_decline_is_told_and_remembered(name: str, code: str, decline_code: str | None) -> None:
    account = Account()

    answer = account.pay(card=name)

    assert (answer.status, answer.error["type"]) == (402, "card_error")
    assert (answer.error["code"], answer.error.get("decline_code")) == (code, decline_code)
    assert list(answer.error) == sorted(answer.error)
    assert None not in answer.error.values()
    intent = account.get(f"/v1/payment_intents/{answer.error['payment_intent']['id']}").body
    assert intent == answer.error["payment_intent"]
    assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)
    assert intent["last_payment_error"]["code"] == code
    assert intent["last_payment_error"]["charge"] == answer.error["charge"]
    charge = account.get(f"/v1/charges/{answer.error['charge']}").body
    assert (charge["status"], charge["paid"], charge["captured"]) == ("failed", False, False)
    assert (charge["failure_code"], charge["receipt_url"]) == (code, None)
    assert account.event_types()[-2:] == ["charge.failed", "payment_intent.payment_failed"]


def test_the_generic_decline_is_as_recorded() -> None:
    account = Account()

    error = account.pay(card="chargeDeclined").error

    assert list(error) == [
        "advice_code",
        "charge",
        "code",
        "decline_code",
        "doc_url",
        "message",
        "network_decline_code",
        "payment_intent",
        "payment_method",
        "request_log_url",
        "type",
    ]
    assert (error["advice_code"], error["network_decline_code"]) == ("try_again_later", "01")
    assert list(error["payment_intent"]["last_payment_error"]) == [
        "advice_code",
        "charge",
        "code",
        "decline_code",
        "doc_url",
        "message",
        "network_decline_code",
        "payment_method",
        "payment_method_type",
        "type",
    ]
    outcome = account.get(f"/v1/charges/{error['charge']}").body["outcome"]
    assert (outcome["type"], outcome["reason"]) == ("issuer_declined", "generic_decline")
    assert outcome["seller_message"] == (
        "The bank did not return any further details with this decline."
    )


def test_radar_blocks_before_the_network_is_asked() -> None:
    account = Account()
    error = account.pay(card="radarBlock").error

    outcome = account.get(f"/v1/charges/{error['charge']}").body["outcome"]

    assert (outcome["type"], outcome["reason"]) == ("blocked", "highest_risk_level")
    assert outcome["network_status"] == "not_sent_to_network"


def test_a_declining_card_cannot_be_attached() -> None:
    account = Account()
    customer = account.customer()

    answer = account.post(
        "/v1/payment_methods/pm_card_chargeDeclined/attach", {"customer": customer}
    )

    assert (answer.status, answer.error["decline_code"]) == (402, "generic_decline")
    assert account.get("/v1/payment_methods", {"customer": customer}).body["data"] == []


def test_one_card_attaches_and_then_declines() -> None:
    account = Account()
    customer = account.customer()
    card = account.card(customer, "chargeCustomerFail")

    assert account.pay(customer=customer, payment_method=card).status == 402


def challenge(account: Account, name: str, **parameters: Any) -> Any:
    answer = account.pay(card=name, **parameters)
    assert answer.status == 200, answer.body
    return answer.body


@pytest.mark.parametrize(
    "name",
    [
        "threeDSecure2Required",
        "authenticationRequired",
        "authenticationRequiredOnSetup",
        "authenticationRequiredSetupForOffSession",
        "threeDSecureRequiredChargeDeclined",
    ],
)
def test_three_d_secure_waits_for_the_holder(name: str) -> None:
    account = Account()

    body = challenge(account, name)

    assert (body["status"], body["latest_charge"]) == ("requires_action", None)
    assert body["next_action"]["type"] == "use_stripe_sdk"
    assert body["payment_method"] is not None
    assert account.books()["payment_intents"][0]["charges"] == []
    assert account.event_types()[-1] == "payment_intent.requires_action"


def test_with_a_return_url_the_holder_is_sent_away_and_back() -> None:
    body = challenge(Account(), "threeDSecure2Required", return_url="https://shop.example/back")

    assert body["next_action"]["type"] == "redirect_to_url"
    assert body["next_action"]["redirect_to_url"]["return_url"] == "https://shop.example/back"


def test_a_passed_authentication_pays() -> None:
    account = Account()
    made = challenge(account, "threeDSecure2Required")["id"]

    body = account.engine.authenticate(made, passed=True, now=account.now)

    assert (body["status"], body["amount_received"]) == ("succeeded", 1000)
    assert body["next_action"] is None


def test_a_failed_authentication_sends_the_intent_back() -> None:
    account = Account()
    made = challenge(account, "threeDSecure2Required")["id"]

    body = account.engine.authenticate(made, passed=False, now=account.now)

    assert (body["status"], body["payment_method"]) == ("requires_payment_method", None)
    error = body["last_payment_error"]
    assert error["type"] == "invalid_request_error"
    assert error["code"] == "payment_intent_authentication_failure"
    assert account.books()["payment_intents"][0]["charges"] == []
    assert account.event_types()[-1] == "payment_intent.payment_failed"


def test_authentication_may_be_followed_by_a_decline() -> None:
    account = Account()
    made = challenge(account, "threeDSecureRequiredChargeDeclined")["id"]

    body = account.engine.authenticate(made, passed=True, now=account.now)

    assert body["status"] == "requires_payment_method"
    assert body["last_payment_error"]["decline_code"] == "generic_decline"


def test_manual_confirmation_is_confirmed_again_after_the_challenge() -> None:
    account = Account()
    made = challenge(account, "threeDSecure2Required", confirmation_method="manual")["id"]

    after = account.engine.authenticate(made, passed=True, now=account.now)
    paid = account.post(f"/v1/payment_intents/{made}/confirm")

    assert after["status"] == "requires_confirmation"
    assert paid.body["status"] == "succeeded"


def test_off_session_nobody_is_there_to_authenticate() -> None:
    account = Account()

    answer = account.pay(card="threeDSecure2Required", off_session=True)

    assert (answer.status, answer.error["code"]) == (402, "authentication_required")
    assert answer.error["message"] == (
        "Your card was declined. This transaction requires authentication."
    )
    assert "charge" not in answer.error
    assert answer.error["payment_intent"]["status"] == "requires_payment_method"
    assert account.books()["payment_intents"][0]["charges"] == []


def test_an_action_can_be_made_an_error() -> None:
    account = Account()

    answer = account.pay(card="threeDSecure2Required", error_on_requires_action=True)

    assert (answer.status, answer.error["type"]) == (402, "card_error")
    assert answer.error["message"].startswith(
        "This payment required an authentication action to complete, but "
        "`error_on_requires_action` was set."
    )
    assert answer.error["payment_intent"]["status"] == "requires_payment_method"


def test_one_card_is_set_up_for_off_session_from_the_start() -> None:
    account = Account()

    answer = account.pay(card="authenticationRequiredSetupForOffSession", off_session=True)

    assert answer.body["status"] == "succeeded"


def test_one_card_is_set_up_by_its_first_payment() -> None:
    account = Account()
    customer = account.customer()
    first = challenge(
        account,
        "authenticationRequiredOnSetup",
        customer=customer,
        setup_future_usage="off_session",
    )
    account.engine.authenticate(first["id"], passed=True, now=account.now)

    later = account.pay(customer=customer, payment_method=first["payment_method"], off_session=True)

    assert later.body["status"] == "succeeded"


@pytest.mark.parametrize(
    ("wish", "status"), [("any", "requires_action"), ("automatic", "succeeded")]
)
def test_one_card_authenticates_only_if_asked(wish: str, status: str) -> None:
    options: dict[str, Any] = {"payment_method_options": {"card": {"request_three_d_secure": wish}}}

    assert Account().pay(card="threeDSecureOptional", **options).body["status"] == status


def test_card_numbers_are_refused_by_default() -> None:
    account = Account()
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}

    answer = account.post("/v1/payment_methods", {"type": "card", "card": card})

    assert answer.status == 402
    assert answer.error["message"].startswith("Sending credit card numbers directly")


@pytest.mark.parametrize(
    ("number", "status"), [("4242424242424242", 200), ("4242424242424241", 402)]
)
def test_card_numbers_can_be_allowed(number: str, status: int) -> None:
    account = Account(Config(raw_card_numbers=True))
    card = {"number": number, "exp_month": 12, "exp_year": 2030, "cvc": "123"}

    answer = account.post("/v1/payment_methods", {"type": "card", "card": card})

    assert answer.status == status
    if status == 402:
        assert (answer.error["code"], answer.error["param"]) == ("incorrect_number", "number")
    else:
        assert (answer.body["card"]["last4"], answer.body["card"]["exp_year"]) == ("4242", 2030)


def test_a_number_pays_like_its_token() -> None:
    account = Account(Config(raw_card_numbers=True))
    card = {"number": "4000000000000002", "exp_month": 12, "exp_year": 2030}
    data = {"payment_method_data": {"type": "card", "card": card}}
    made = account.made("/v1/payment_intents", {"amount": 900, "currency": "usd", **NO_REDIRECT})

    assert account.post(f"/v1/payment_intents/{made}/confirm", data).status == 402


@pytest.mark.parametrize(
    ("token", "message", "param"),
    [
        ("pm_card_visa", "Invalid token id: pm_card_visa", "token"),
        ("tok_nope", "No such token: 'tok_nope'", "card[token]"),
    ],
)
def test_unknown_tokens_are_refused(token: str, message: str, param: str) -> None:
    answer = Account().post("/v1/payment_methods", {"type": "card", "card": {"token": token}})

    assert (answer.status, answer.error["message"]) == (400, message)
    assert answer.error["param"] == param


def test_each_use_of_a_pm_card_id_makes_a_card() -> None:
    account = Account()

    first, second = (account.get("/v1/payment_methods/pm_card_visa").body for _ in range(2))

    assert first["id"].startswith("pm_1")
    assert first["id"] != second["id"]
    assert first["card"]["fingerprint"] == second["card"]["fingerprint"]
    assert account.get(f"/v1/payment_methods/{first['id']}").body == first
