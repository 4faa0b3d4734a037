"""Why a payment did not happen: whose it is to mend, and no more than the caller may know."""

from typing import Any

import pytest

from payment_service.api.presenting import Presenter
from payment_service.api.problems import problem
from payment_service.api.stripe_refusals import told
from payment_service.domain.money import AmountUnit
from payment_service.domain.news import Denial
from payment_service.domain.stripe_errors import Action, ErrorClass, class_of, refused
from stripe_sandbox.engine import Config, Engine
from tests.api.conftest import Api, open_api
from tests.parts.shop import open_shop

DEFAULT = "invoice_settings[default_payment_method]"
SHOW = Presenter(AmountUnit.MINOR)


@pytest.mark.parametrize(
    ("action", "code", "param", "status", "shown", "fields"),
    [
        (Action.PAY, "resource_missing", "customer", 404, "customer_not_found", []),
        (Action.PAY, "resource_missing", "payment_method", 404, "card_not_found", []),
        (Action.PAY, "resource_missing", "intent", 502, "stripe_refused", []),
        (Action.PAY, "invalid_request_error", "payment_method", 400, "card_not_usable", []),
        (Action.PAY, "parameter_missing", "source", 400, "card_not_usable", []),
        (Action.PAY, "amount_too_small", "amount", 400, "amount_too_small", ["amount"]),
        (Action.PAY, "amount_too_large", None, 400, "amount_too_large", ["amount"]),
        (Action.PAY, "unknown", "customer", 400, "card_not_usable", []),
        (Action.SET_UP, "unknown", "customer", 502, "stripe_refused", []),
        (Action.ATTACH, "resource_missing", None, 404, "card_not_found", []),
        (Action.PAY, "unknown", "currency", 400, "invalid_request", ["currency"]),
        (Action.PAY, "url_invalid", "return_url", 400, "invalid_request", ["returnUrl"]),
        (Action.PAY, "unknown", "metadata[a]", 400, "invalid_request", ["metadata"]),
        (Action.PAY, "parameter_unknown", "confirm", 502, "stripe_refused", []),
        (Action.PAY, "payment_intent_unexpected_state", None, 409, "payment_in_progress", []),
        (Action.CAPTURE, "charge_expired_for_capture", None, 409, "hold_expired", []),
        (Action.CAPTURE, "card_declined", None, 402, "capture_refused", []),
        (Action.CAPTURE, "unknown", "amount_to_capture", 400, "invalid_request", ["amount"]),
        (Action.CANCEL, "payment_intent_unexpected_state", None, 409, "payment_not_cancelable", []),
        (Action.CANCEL, "card_declined", None, 502, "stripe_refused", []),
        (Action.REFUND, "balance_insufficient", None, 409, "refund_balance_insufficient", []),
        (Action.REFUND, "charge_already_refunded", None, 409, "refund_exceeds_remaining", []),
        (Action.REFUND, "charge_disputed", None, 409, "payment_disputed", []),
        (Action.REFUND, "expired_card", None, 409, "refund_failed", []),
        (Action.CREATE_CUSTOMER, "email_invalid", "email", 400, "email_invalid", ["email"]),
        (Action.CREATE_CUSTOMER, "email_invalid", None, 400, "email_invalid", ["email"]),
        (Action.CREATE_CUSTOMER, "customer_max_payment_methods", None, 502, "stripe_refused", []),
        (
            Action.NAME,
            "unknown",
            "billing_details[name]",
            400,
            "invalid_request",
            ["cardholderName"],
        ),
        (Action.SET_DEFAULT, "resource_missing", "payment_method", 400, "card_detached", []),
        (Action.SET_DEFAULT, "invalid_request_error", DEFAULT, 400, "card_not_usable", []),
        (Action.SET_DEFAULT, "resource_missing", DEFAULT, 400, "card_detached", []),
        (Action.SET_DEFAULT, "unknown", "invoice_settings[footer]", 502, "stripe_refused", []),
        (Action.REMOVE, "invalid_request_error", None, 409, "card_not_removed", []),
        (Action.SET_UP, "testmode_charges_only", None, 502, "stripe_refused", []),
        (Action.SET_UP, "http_403", None, 502, "stripe_refused", []),
        (Action.SET_UP, "unavailable", None, 503, "stripe_unavailable", []),
    ],
)
def test_what_stripe_refuses_is_the_callers_only_when_the_caller_sent_it(
    action: Action, code: str, param: str | None, status: int, shown: str, fields: list[str]
) -> None:
    denial = Denial(code, "rk_live_secret in Stripe's own words", param=param)

    answer = problem(refused(action, denial), "req_1", SHOW)

    assert (answer.status, answer.body["code"]) == (status, shown)
    assert [bad["field"] for bad in answer.body.get("errors", [])] == fields
    assert ("retry-after" in answer.headers) is (status == 503)
    assert "rk_live" not in str(answer.body)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("kind", ErrorClass)
def test_no_refusal_is_a_success(action: Action, kind: ErrorClass) -> None:
    assert told(action, kind).status >= 400


def test_a_402_is_a_decline_whatever_its_code() -> None:
    unknown = Denial("a_code_of_tomorrow", "No.")

    assert class_of(Action.PAY, unknown, declined=True) is ErrorClass.DECLINED
    assert class_of(Action.PAY, unknown) is ErrorClass.MISCONFIGURED


async def test_a_customer_that_is_not_there_is_404(api: Api) -> None:
    refused = await api.pay(customerId="cus_nope", paymentMethodId="pm_card_visa")

    assert (refused.status, refused.code) == (404, "customer_not_found")


async def test_a_card_that_is_not_there_is_404(api: Api) -> None:
    refused = await api.pay(paymentMethodId="pm_nope")

    assert (refused.status, refused.code) == (404, "card_not_found")


async def test_a_card_of_somebody_else_is_not_usable(api: Api) -> None:
    owner = await api.new_payer("owner@example.com")
    [card] = (await api.get(f"/payment/payment-methods/{owner}")).data
    other = await api.new_customer("other@example.com")

    refused = await api.pay(customerId=other, paymentMethodId=card["payment_method_id"])

    assert (refused.status, refused.code) == (400, "card_not_usable")
    assert "pm_" not in refused.body["message"]


async def test_while_stripe_takes_no_requests_it_is_503_and_nothing_is_charged(api: Api) -> None:
    customer_id = await api.new_payer()
    api.fault("rate_limit", "/v1/payment_intents", times=100)

    refused = await api.pay(customerId=customer_id)
    api.hear()
    paid = await api.pay(customerId=customer_id)

    assert (refused.status, refused.code) == (503, "stripe_unavailable")
    assert refused.headers["retry-after"] == "5"
    assert (paid.status, paid.data["status"]) == (200, "succeeded")
    assert len(api.shop.engine.ledger()["payment_intents"]) == 1


async def test_when_our_key_is_refused_it_is_502_and_says_nothing_of_it(lines: Any) -> None:
    shop = await open_shop(engine=Engine(Config(accepted_keys=frozenset({"sk_test_other"}))))
    api = open_api(shop)

    refused = await api.pay(customerId="cus_1", paymentMethodId="pm_card_visa")

    assert refused.status == 502
    assert refused.body == {
        "success": False,
        "message": "Stripe refused this service's request; the operator must look into it.",
        "code": "stripe_refused",
        "requestId": refused.headers["x-request-id"],
    }
    assert b"sk_test" not in lines.getvalue()


async def test_when_stripe_does_not_hand_out_the_secret_the_caller_is_told_to_come_back(
    api: Api,
) -> None:
    customer_id = await api.new_payer()
    asked = {"customerId": customer_id, "paymentMethodId": "pm_card_threeDSecure2Required"}
    api.shop.stripe.pick = api.only_reads_fail()
    blind = await api.pay(**asked)
    api.hear()
    seeing = await api.pay(**asked)

    assert (blind.status, blind.code) == (503, "stripe_unavailable")
    assert (seeing.status, seeing.data["status"]) == (200, "requires_action")


async def test_while_the_database_is_away_it_is_503_and_nothing_is_charged(api: Api) -> None:
    customer_id = await api.new_payer()
    await api.shop.world.store.close()

    refused = await api.pay(customerId=customer_id)

    assert (refused.status, refused.code) == (503, "database_unavailable")
    assert refused.headers["retry-after"] == "5"
    assert api.shop.engine.ledger()["payment_intents"] == []
