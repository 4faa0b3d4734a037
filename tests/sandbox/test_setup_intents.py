"""Setup intents: a card is checked and kept for later, no money moves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.account import NO_REDIRECT, Account, Reply

# All keys of a setup intent, in the order the real API writes them.
KEYS = (
    "id object allowed_payment_method_types application automatic_payment_methods "
    "cancellation_reason client_secret created customer customer_account description "
    "excluded_payment_method_types flow_directions last_setup_error latest_attempt livemode "
    "managed_payments mandate metadata next_action on_behalf_of payment_method "
    "payment_method_configuration_details payment_method_options payment_method_types "
    "single_use_mandate status usage"
)


def set_up(account: Account, card: str = "visa", **parameters: Any) -> Reply:
    """Create and confirm in one step."""
    wish = {"payment_method": f"pm_card_{card}", "confirm": True, **NO_REDIRECT, **parameters}
    return account.post("/v1/setup_intents", wish)


def test_a_setup_intent_is_written_as_recorded() -> None:
    account = Account()

    body = account.post("/v1/setup_intents", {"usage": "on_session"}).body

    assert list(body) == KEYS.split()
    assert (body["status"], body["usage"]) == ("requires_payment_method", "off_session")
    assert body["automatic_payment_methods"] == {"allow_redirects": "always", "enabled": True}
    assert body["payment_method_options"] == {
        "card": {
            "mandate_options": None,
            "network": None,
            "request_three_d_secure": "automatic",
        }
    }
    assert body["client_secret"].startswith(f"{body['id']}_secret_")
    assert account.get(f"/v1/setup_intents/{body['id']}").body == body
    assert account.event_types() == ["setup_intent.created"]


def test_a_card_is_kept_for_its_customer() -> None:
    account = Account()
    customer = account.customer()

    body = set_up(account, customer=customer, metadata={"why": "later"}).body

    assert (body["status"], body["next_action"]) == ("succeeded", None)
    assert body["latest_attempt"].startswith("setatt_")
    method = account.get(f"/v1/payment_methods/{body['payment_method']}").body
    assert method["customer"] == customer
    assert method["card"]["checks"]["cvc_check"] == "pass"
    assert account.event_types()[-3:] == [
        "setup_intent.created",
        "payment_method.attached",
        "setup_intent.succeeded",
    ]
    assert account.engine.ledger()["setup_intents"] == [body]
    assert account.books()["payment_intents"] == []


def test_without_a_customer_nothing_is_attached() -> None:
    account = Account()

    body = set_up(account).body
    later = account.customer()
    attached = account.post(
        f"/v1/payment_methods/{body['payment_method']}/attach", {"customer": later}
    )

    assert body["status"] == "succeeded"
    assert (attached.status, attached.body["customer"]) == (200, later)


def test_a_card_that_was_set_up_pays_off_session() -> None:
    account = Account()
    customer = account.customer()
    asked = set_up(account, "authenticationRequiredOnSetup", customer=customer).body
    account.engine.authenticate(asked["id"], passed=True, now=account.now)

    paid = account.pay(
        customer=customer, payment_method=asked["payment_method"], off_session=True
    ).body

    assert asked["status"] == "requires_action"
    assert paid["status"] == "succeeded"


@pytest.mark.parametrize(
    ("card", "wish", "status"),
    [
        ("threeDSecure2Required", "automatic", "requires_action"),
        ("authenticationRequiredSetupForOffSession", "automatic", "requires_action"),
        ("threeDSecureOptional", "automatic", "succeeded"),
        ("threeDSecureOptional", "any", "requires_action"),
    ],
)
def test_setting_up_may_need_the_holder(card: str, wish: str, status: str) -> None:
    account = Account()
    options = {"card": {"request_three_d_secure": wish}}

    body = set_up(account, card, payment_method_options=options).body

    assert body["status"] == status
    wanted = "requires_action" if status == "requires_action" else "succeeded"
    assert account.event_types()[-1] == f"setup_intent.{wanted}"


def test_a_failed_authentication_sends_the_setup_back() -> None:
    account = Account()
    asked = set_up(account, "threeDSecure2Required", customer=account.customer()).body

    body = account.engine.authenticate(asked["id"], passed=False, now=account.now)

    assert (body["status"], body["payment_method"]) == ("requires_payment_method", None)
    assert body["last_setup_error"]["code"] == "setup_intent_authentication_failure"
    assert body["last_setup_error"]["type"] == "invalid_request_error"
    assert account.event_types()[-1] == "setup_intent.setup_failed"
    assert "payment_method.attached" not in account.event_types()


def test_a_passed_authentication_attaches_and_succeeds() -> None:
    account = Account()
    customer = account.customer()
    asked = set_up(account, "threeDSecure2Required", customer=customer).body

    account.engine.authenticate(asked["id"], passed=True, now=account.now)

    body = account.get(f"/v1/setup_intents/{asked['id']}").body
    assert (body["status"], body["next_action"]) == ("succeeded", None)
    assert account.event_types()[-2:] == ["payment_method.attached", "setup_intent.succeeded"]


def test_a_decline_is_told_and_remembered() -> None:
    account = Account()

    answer = set_up(account, "visa_chargeDeclined", customer=account.customer())

    assert (answer.status, answer.error["type"]) == (402, "card_error")
    assert list(answer.error) == [
        "advice_code",
        "code",
        "decline_code",
        "doc_url",
        "message",
        "network_decline_code",
        "payment_method",
        "request_log_url",
        "setup_intent",
        "type",
    ]
    intent = answer.error["setup_intent"]
    assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)
    assert intent["latest_attempt"] is not None
    assert list(intent["last_setup_error"]) == [
        "advice_code",
        "code",
        "decline_code",
        "doc_url",
        "message",
        "network_decline_code",
        "payment_method",
        "type",
    ]
    assert account.get(f"/v1/setup_intents/{intent['id']}").body == intent
    assert account.event_types()[-1] == "setup_intent.setup_failed"


def test_an_expired_card_repeats_its_code_as_its_reason() -> None:
    error = set_up(Account(), "chargeDeclinedExpiredCard").error

    assert (error["code"], error["decline_code"], error["param"]) == (
        "expired_card",
        "expired_card",
        "exp_month",
    )


def test_a_card_that_attaches_and_then_declines_can_be_set_up() -> None:
    assert set_up(Account(), "chargeCustomerFail").body["status"] == "succeeded"


def test_the_default_card_of_a_customer_is_not_taken() -> None:
    account = Account()
    customer = account.customer()
    card = account.card(customer)
    default = {"invoice_settings": {"default_payment_method": card}}
    account.post(f"/v1/customers/{customer}", default)
    made = account.made("/v1/setup_intents", {"customer": customer, **NO_REDIRECT})

    answer = account.post(f"/v1/setup_intents/{made}/confirm")

    assert (answer.status, answer.error["code"]) == (400, "setup_intent_unexpected_state")
    assert answer.error["message"].startswith(
        "You cannot confirm this SetupIntent because it's missing a payment method."
    )
    assert answer.error["setup_intent"]["id"] == made


def test_a_card_given_later_makes_it_ready() -> None:
    account = Account()
    made = account.made("/v1/setup_intents", NO_REDIRECT)
    before = account.event_types()

    ready = account.post(
        f"/v1/setup_intents/{made}",
        {"payment_method": "pm_card_visa", "description": "x", "metadata": {"a": "b"}},
    ).body
    untold = account.event_types() == before
    done = account.post(f"/v1/setup_intents/{made}/confirm").body

    assert (ready["status"], ready["description"]) == ("requires_confirmation", "x")
    assert ready["metadata"] == {"a": "b"}
    assert untold
    assert done["status"] == "succeeded"


def test_a_confirmation_needs_a_way_back() -> None:
    account = Account()
    made = account.made("/v1/setup_intents", {"payment_method": "pm_card_visa"})

    refused = account.post(f"/v1/setup_intents/{made}/confirm")
    done = account.post(
        f"/v1/setup_intents/{made}/confirm", {"return_url": "https://shop.example/back"}
    )

    assert (refused.status, "code" in refused.error) == (400, False)
    assert "you must provide a `return_url`" in refused.error["message"]
    assert done.body["status"] == "succeeded"


def test_the_card_of_somebody_else_is_refused() -> None:
    account = Account()
    owner, other = account.customer(), account.customer()
    card = account.card(owner)
    bare = account.made("/v1/setup_intents")

    foreign = account.post("/v1/setup_intents", {"customer": other, "payment_method": card})
    alone = account.post("/v1/setup_intents", {"payment_method": card})
    update = account.post(f"/v1/setup_intents/{bare}", {"payment_method": card})

    assert foreign.error["message"].startswith(f"The PaymentMethod {card} does not belong to")
    assert alone.error["message"] == (
        f"The payment method supplied ({card}) belongs to the Customer {owner}. Please include "
        "the Customer in the `customer` parameter on the SetupIntent."
    )
    assert update.error["setup_intent"]["id"] == bare
    for refused in (foreign, alone, update):
        assert (refused.status, refused.error["param"]) == (400, "payment_method")
        assert "code" not in refused.error
    assert len(account.engine.ledger()["setup_intents"]) == 1


def test_cancelling_keeps_the_secret_and_is_for_good() -> None:
    account = Account()
    made = account.made("/v1/setup_intents", {"payment_method": "pm_card_visa"})

    body = account.post(
        f"/v1/setup_intents/{made}/cancel", {"cancellation_reason": "abandoned"}
    ).body
    again = account.post(f"/v1/setup_intents/{made}/cancel")

    assert (body["status"], body["cancellation_reason"]) == ("canceled", "abandoned")
    assert body["client_secret"].startswith(made)
    assert account.event_types()[-1] == "setup_intent.canceled"
    assert again.error["message"] == (
        "You cannot cancel this SetupIntent because it is already canceled."
    )


def test_what_succeeded_cannot_be_undone() -> None:
    account = Account()
    done = set_up(account).body

    confirm = account.post(f"/v1/setup_intents/{done['id']}/confirm")
    cancel = account.post(f"/v1/setup_intents/{done['id']}/cancel")
    card = account.post(f"/v1/setup_intents/{done['id']}", {"payment_method": "pm_card_visa"})
    words = account.post(f"/v1/setup_intents/{done['id']}", {"description": "x"})

    assert confirm.error["message"] == (
        "You cannot confirm this SetupIntent because it has already succeeded."
    )
    assert cancel.error["message"] == (
        "You cannot cancel this SetupIntent because it has a status of succeeded. Only a "
        "SetupIntent with one of the following statuses may be canceled: "
        "`requires_payment_method`, `requires_confirmation`, or `requires_action`."
    )
    assert card.error["message"] == (
        "You cannot update this SetupIntent because it has already succeeded."
    )
    for refused in (confirm, cancel, card):
        assert refused.error["code"] == "setup_intent_unexpected_state"
        assert refused.error["setup_intent"] == done
    assert words.status == 200


def test_setups_are_found_by_customer_card_and_time() -> None:
    account = Account()
    customer = account.customer()
    first = set_up(account, customer=customer).body
    account.now += 100
    second = set_up(account).body

    def found(**filters: Any) -> list[str]:
        return [row["id"] for row in account.get("/v1/setup_intents", filters).body["data"]]

    assert found() == [second["id"], first["id"]]
    assert found(customer=customer) == [first["id"]]
    assert found(payment_method=second["payment_method"]) == [second["id"]]
    assert found(created={"gt": first["created"]}) == [second["id"]]


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("seti_x", 404, "No such setupintent: 'seti_x'"),
        ("seti_x_secret_y", 400, "You passed a string that looks like a client secret as"),
    ],
)
def test_an_unknown_setup_is_named(path: str, status: int, message: str) -> None:
    answer = Account().get(f"/v1/setup_intents/{path}")

    assert (answer.status, answer.error["param"]) == (status, "intent")
    assert answer.error["message"].startswith(message)


def test_what_only_makes_sense_with_confirm_is_refused_without() -> None:
    account = Account()

    answer = account.post("/v1/setup_intents", {"return_url": "https://shop.example"})

    assert (answer.status, answer.error["param"]) == (400, "return_url")
    assert account.engine.ledger()["setup_intents"] == []


def test_types_are_read_only_as_on_payment_intents() -> None:
    account = Account()
    wish = {"payment_method_types": ["card"]}

    now = account.post("/v1/setup_intents", wish)
    before = account.post("/v1/setup_intents", wish, version="2026-08-26.dahlia")

    assert now.error["code"] == "payment_method_types_no_longer_supported"
    assert before.body["automatic_payment_methods"] is None
    assert before.body["payment_method_types"] == ["card"]


def test_a_setup_shows_what_it_names() -> None:
    account = Account()
    customer = account.customer()

    body = set_up(account, customer=customer, expand=["payment_method.customer"]).body

    assert body["payment_method"]["customer"]["id"] == customer
