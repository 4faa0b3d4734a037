"""Payment intents: what they look like, what they need, and how they refuse."""

from __future__ import annotations

import re
from typing import Any

import pytest

from stripe_sandbox.engine import Config
from stripe_sandbox.engine.confirmation import BANK_DEBIT_S
from tests.sandbox.account import NO_REDIRECT, Account

INTENT = {"amount": 4900, "currency": "usd"}
# All keys of the real object, in the order the real API writes them.
KEYS = (
    "id object allowed_payment_method_types amount amount_capturable amount_details "
    "amount_received application application_fee_amount automatic_payment_methods canceled_at "
    "cancellation_reason capture_method client_secret confirmation_method created currency "
    "customer customer_account description excluded_payment_method_types last_payment_error "
    "latest_charge livemode managed_payments metadata next_action on_behalf_of payment_method "
    "payment_method_configuration_details payment_method_options payment_method_types "
    "payment_record processing receipt_email review setup_future_usage "
    "shared_payment_granted_token shipping source statement_descriptor "
    "statement_descriptor_suffix status transfer_data transfer_group"
)


def test_a_plain_intent_has_all_its_keys_and_defaults() -> None:
    account = Account()

    body = account.post("/v1/payment_intents", {**INTENT, "metadata": {"order": "1"}}).body

    assert list(body) == KEYS.split()
    assert re.fullmatch(r"pi_3[0-9A-Za-z]{23}", body["id"])
    assert re.fullmatch(body["id"] + r"_secret_[0-9A-Za-z]{25}", body["client_secret"])
    assert body["amount_details"] == {"tip": {}}
    assert body["automatic_payment_methods"] == {"allow_redirects": "always", "enabled": True}
    assert body["capture_method"] == "automatic_async"
    assert body["created"] == int(account.now)
    assert body["metadata"] == {"order": "1"}
    assert body["payment_method_options"]["card"] == {
        "installments": None,
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": "automatic",
    }
    assert body["status"] == "requires_payment_method"


def test_a_paid_intent_names_its_charge_and_card() -> None:
    account = Account()

    body = account.pay(4900).body

    assert (body["status"], body["amount_received"]) == ("succeeded", 4900)
    assert re.fullmatch(r"ch_3[0-9A-Za-z]{23}", body["latest_charge"])
    assert re.fullmatch(r"pm_1[0-9A-Za-z]{23}", body["payment_method"])
    assert account.event_types() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


def test_the_currency_comes_back_in_lower_case() -> None:
    assert Account().pay(currency="USD").body["currency"] == "usd"


def test_without_a_return_url_the_confirmation_is_refused_and_the_intent_stays() -> None:
    account = Account()

    answer = account.post(
        "/v1/payment_intents", {**INTENT, "confirm": True, "payment_method": "pm_card_visa"}
    )

    assert answer.status == 400
    assert "code" not in answer.error
    assert answer.error["message"].startswith(
        "This PaymentIntent is configured to accept payment methods enabled in your Dashboard."
    )
    kept = answer.error["payment_intent"]
    assert kept["status"] == "requires_confirmation"
    assert account.get(f"/v1/payment_intents/{kept['id']}").body == kept
    assert account.books()["payment_intents"][0]["charges"] == []


@pytest.mark.parametrize(
    "way_out",
    [
        {"return_url": "https://shop.example/back"},
        NO_REDIRECT,
        {"allowed_payment_method_types": ["card"]},
    ],
)
def test_three_ways_lead_out_of_the_redirect_trap(way_out: dict[str, Any]) -> None:
    answer = Account().post(
        "/v1/payment_intents",
        {**INTENT, "confirm": True, "payment_method": "pm_card_visa", **way_out},
    )

    assert (answer.status, answer.body.get("status")) == (200, "succeeded")


def test_whether_cards_alone_lift_the_trap_is_a_setting() -> None:
    account = Account(Config(card_only_needs_return_url=True))

    answer = account.post(
        "/v1/payment_intents",
        {
            **INTENT,
            "confirm": True,
            "payment_method": "pm_card_visa",
            "allowed_payment_method_types": ["card"],
        },
    )

    assert answer.status == 400


def test_allowed_types_filter_silently() -> None:
    body = (
        Account()
        .post("/v1/payment_intents", {**INTENT, "allowed_payment_method_types": ["card", "klarna"]})
        .body
    )

    assert body["allowed_payment_method_types"] == ["card", "klarna"]
    assert body["payment_method_types"] == ["card"]
    assert body["automatic_payment_methods"] is None


def test_only_one_way_of_naming_types_may_be_used() -> None:
    account = Account()

    answer = account.post(
        "/v1/payment_intents", {**INTENT, **NO_REDIRECT, "allowed_payment_method_types": ["card"]}
    )

    assert answer.error["message"] == (
        "You may only specify one of these parameters: allowed_payment_method_types, "
        "automatic_payment_methods."
    )
    assert account.books()["payment_intents"] == []


@pytest.mark.parametrize(
    ("version", "status"),
    [("2026-08-26.dahlia", 200), ("2026-09-30.endive", 400), (None, 400), ("2020-08-27", 200)],
)
def test_payment_method_types_went_with_endive(version: str | None, status: int) -> None:
    account = Account()

    answer = account.post(
        "/v1/payment_intents", {**INTENT, "payment_method_types": ["card"]}, version=version
    )

    assert answer.status == status
    if status == 400:
        assert answer.error["code"] == "payment_method_types_no_longer_supported"
        assert account.books()["payment_intents"] == []
    else:
        assert answer.body["payment_method_types"] == ["card"]
        assert answer.body["automatic_payment_methods"] is None


@pytest.mark.parametrize("name", ["off_session", "error_on_requires_action"])
def test_what_concerns_confirming_needs_confirm(name: str) -> None:
    account = Account()

    answer = account.post("/v1/payment_intents", {**INTENT, name: True})

    assert (answer.status, answer.error["param"]) == (400, name)
    assert account.books()["payment_intents"] == []


def test_the_card_of_a_customer_needs_the_customer() -> None:
    account = Account()
    customer = account.customer()
    card = account.card(customer)

    answer = account.pay(payment_method=card)

    assert (answer.status, answer.error["code"]) == (400, "parameter_missing")
    assert answer.error["param"] == "source"
    assert answer.error["message"] == (
        f"The `payment_method` parameter supplied {card} belongs to the Customer {customer}. "
        "Please include the Customer in the `customer` parameter on the PaymentIntent."
    )
    assert account.books()["payment_intents"] == []


def test_the_card_of_another_customer_is_refused() -> None:
    account = Account()
    card = account.card(account.customer())
    other = account.customer()

    answer = account.pay(payment_method=card, customer=other)

    assert (answer.status, answer.error["param"]) == (400, "payment_method")
    assert "code" not in answer.error
    assert answer.error["message"] == (
        f"The PaymentMethod {card} does not belong to the Customer you supplied {other}. Please "
        "use this PaymentMethod with the Customer that it belongs to instead."
    )
    assert account.books()["payment_intents"] == []


def test_a_customers_own_card_can_be_used_again() -> None:
    account = Account()
    customer = account.customer()
    card = account.card(customer)

    statuses = [account.pay(payment_method=card, customer=customer).status for _ in range(2)]

    assert statuses == [200, 200]


def test_a_card_used_without_a_customer_is_used_up() -> None:
    account = Account()
    card = account.made("/v1/payment_methods", {"type": "card", "card": {"token": "tok_visa"}})
    account.pay(payment_method=card)

    again = account.pay(payment_method=card)

    assert again.status == 400
    assert again.error["message"].endswith("and may not be used again.")
    assert len(account.books()["payment_intents"]) == 1
    assert account.get(f"/v1/payment_methods/{card}").status == 200


def test_a_card_kept_for_later_is_attached_after_success() -> None:
    account = Account()
    customer = account.customer()

    body = account.pay(customer=customer, setup_future_usage="off_session").body

    cards = account.get("/v1/payment_methods", {"customer": customer}).body["data"]
    assert [card["id"] for card in cards] == [body["payment_method"]]


def test_confirming_falls_back_to_the_customers_default_card() -> None:
    account = Account()
    customer = account.customer()
    card = account.card(customer)
    settings = {"invoice_settings": {"default_payment_method": card}}
    account.post(f"/v1/customers/{customer}", settings)
    made = account.made("/v1/payment_intents", {**INTENT, **NO_REDIRECT, "customer": customer})

    body = account.post(f"/v1/payment_intents/{made}/confirm").body

    assert (body["status"], body["payment_method"]) == ("succeeded", card)


def test_a_customer_without_a_card_is_named_in_the_refusal() -> None:
    account = Account()
    customer = account.customer()
    made = account.made("/v1/payment_intents", {**INTENT, "customer": customer})

    answer = account.post(f"/v1/payment_intents/{made}/confirm")

    assert f"To confirm the PaymentIntent with {customer}, specify" in answer.error["message"]


def test_a_way_to_pay_that_is_no_card_is_refused() -> None:
    account = Account()
    klarna = account.made("/v1/payment_methods", {"type": "klarna"})

    answer = account.pay(payment_method=klarna)

    assert (answer.status, answer.error["param"]) == (400, "payment_method")
    assert account.books()["payment_intents"][0]["charges"] == []


def test_payment_method_data_makes_the_card_on_the_way() -> None:
    account = Account()
    made = account.made("/v1/payment_intents", {**INTENT, **NO_REDIRECT})
    card = {"payment_method_data": {"type": "card", "card": {"token": "tok_mastercard"}}}

    body = account.post(f"/v1/payment_intents/{made}/confirm", card).body

    method = account.get(f"/v1/payment_methods/{body['payment_method']}").body
    assert (body["status"], method["card"]["brand"]) == ("succeeded", "mastercard")


def test_unknown_intents_are_named_as_stripe_names_them() -> None:
    account = Account()
    secret = account.post("/v1/payment_intents", INTENT).body["client_secret"]

    missing = account.get("/v1/payment_intents/pi_x")
    confused = account.get(f"/v1/payment_intents/{secret}")

    assert (missing.status, missing.error["param"]) == (404, "intent")
    assert missing.error["message"] == "No such payment_intent: 'pi_x'"
    assert (confused.status, confused.error["param"]) == (400, "intent")


def test_metadata_is_merged_and_emptied() -> None:
    account = Account()
    made = account.made("/v1/payment_intents", {**INTENT, "metadata": {"a": "1", "b": "2"}})
    path = f"/v1/payment_intents/{made}"

    merged = account.post(path, {"metadata": {"b": "3", "c": "4"}}).body["metadata"]
    one_less = account.post(path, {"metadata": {"a": ""}}).body["metadata"]
    none = account.post(path, {"metadata": ""}).body["metadata"]

    assert merged == {"a": "1", "b": "3", "c": "4"}
    assert one_less == {"b": "3", "c": "4"}
    assert none == {}


def test_the_last_error_goes_with_the_next_update() -> None:
    account = Account()
    made = account.pay(card="chargeDeclined").error["payment_intent"]["id"]

    body = account.post(f"/v1/payment_intents/{made}", {"description": "again"}).body

    assert body["last_payment_error"] is None


def test_a_new_card_after_a_decline_pays_the_same_intent() -> None:
    account = Account()
    made = account.pay(card="chargeDeclined").error["payment_intent"]["id"]

    body = account.post(
        f"/v1/payment_intents/{made}/confirm", {"payment_method": "pm_card_visa"}
    ).body

    assert (body["status"], body["last_payment_error"]) == ("succeeded", None)
    charges = account.books()["payment_intents"][0]["charges"]
    assert [charge["status"] for charge in charges] == ["failed", "succeeded"]


def test_a_full_descriptor_is_not_for_cards() -> None:
    account = Account()

    full = account.pay(statement_descriptor="SHOP")
    suffix = account.pay(statement_descriptor_suffix="ORDER 7")

    assert (full.status, full.error["param"]) == (400, "statement_descriptor")
    assert account.books()["payment_intents"][0]["charges"] == []
    assert suffix.body["statement_descriptor_suffix"] == "ORDER 7"


def test_the_types_of_an_intent_can_be_narrowed_later() -> None:
    account = Account()
    made = account.made("/v1/payment_intents", INTENT)

    body = account.post(
        f"/v1/payment_intents/{made}", {"excluded_payment_method_types": ["link"]}
    ).body

    assert body["payment_method_types"] == ["card"]
    assert body["excluded_payment_method_types"] == ["link"]


# The last version in which an intent says itself which ways to pay it takes.
BEFORE_ENDIVE = "2026-08-26.dahlia"


def other_way(account: Account, kind: str, **asked: Any) -> Any:
    method = account.post("/v1/payment_methods", {"type": kind}).body["id"]
    body = {
        "amount": 5000,
        "currency": "eur",
        "payment_method_types": [kind],
        "payment_method": method,
        "confirm": True,
        **asked,
    }
    return account.post("/v1/payment_intents", body, version=BEFORE_ENDIVE).body


@pytest.mark.parametrize("kind", ["sepa_debit", "us_bank_account"])
def test_a_bank_debit_does_not_pay_at_once(kind: str) -> None:
    account = Account()

    made = other_way(account, kind)
    account.now += BANK_DEBIT_S
    later = account.get(f"/v1/payment_intents/{made['id']}", {"expand": ["latest_charge"]}).body

    assert (made["status"], made["amount_received"]) == ("processing", 0)
    assert later["status"] == "succeeded"
    assert later["latest_charge"]["payment_method_details"] == {kind: {}, "type": kind}


@pytest.mark.parametrize("kind", ["klarna", "link", "ideal"])
def test_what_is_paid_at_a_page_of_its_own_waits_for_that(kind: str) -> None:
    account = Account()

    made = other_way(account, kind, return_url="https://shop.example/back")

    assert (made["status"], made["amount_received"]) == ("requires_action", 0)
    assert made["next_action"]["type"] == "redirect_to_url"
    account.engine.authenticate(made["id"], passed=True, now=account.now)
    assert account.get(f"/v1/payment_intents/{made['id']}").body["status"] == "succeeded"
