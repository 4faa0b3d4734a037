"""Why a payment did not happen: whose it is to mend, and no more than the caller may know."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from payment_service.api.payment_failures import raise_failure, raise_refund_failure
from payment_service.domain.errors import (
    CardNotUsable,
    InvalidRequest,
    NotFound,
    PaymentNotRefundable,
    RefundExceedsRemaining,
    Refusal,
    StripeRefused,
)
from payment_service.domain.payment import Failure, FailureKind, Payment, State, Terms
from payment_service.domain.refund import Refund, RefundStatus
from payment_service.ports import GatewayUnavailable
from stripe_sandbox.engine import Config, Engine
from tests.api.conftest import Api, open_api
from tests.parts.shop import open_shop

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def failed(kind: FailureKind, code: str, param: str | None = None) -> Payment:
    return Payment(
        id="order-1",
        uid="pay_1",
        version=1,
        created_at=NOW,
        updated_at=NOW,
        terms=Terms(amount_minor=6522, currency="usd", customer_id="cus_1"),
        status=State.REQUIRES_PAYMENT_METHOD,
        entered_at=NOW,
        intent_id="pi_1",
        failure=Failure(kind, code, "sk_test_secret in Stripe's own words", param=param),
    )


@pytest.mark.parametrize(
    ("param", "code", "kind", "shown"),
    [
        ("customer", "resource_missing", NotFound, "customer_not_found"),
        ("payment_method", "resource_missing", NotFound, "card_not_found"),
        ("payment_method", "", CardNotUsable, "card_not_usable"),
        ("source", "parameter_missing", CardNotUsable, "card_not_usable"),
        ("amount", "amount_too_small", InvalidRequest, "amount_too_small"),
        ("currency", "", InvalidRequest, "invalid_request"),
        ("return_url", "url_invalid", InvalidRequest, "invalid_request"),
        ("metadata[a]", "", InvalidRequest, "invalid_request"),
        ("confirm", "parameter_unknown", StripeRefused, "parameter_unknown"),
        (None, "payment_intent_unexpected_state", StripeRefused, "payment_intent_unexpected_state"),
    ],
)
def test_what_stripe_rejects_is_the_callers_only_when_the_caller_sent_it(
    param: str | None, code: str, kind: type[Refusal], shown: str
) -> None:
    payment = failed(FailureKind.REJECTED, code, param)

    with pytest.raises(kind) as refused:
        raise_failure(payment, confirming=True)

    assert refused.value.reason_code == shown
    assert "sk_test" not in refused.value.message


@pytest.mark.parametrize(
    ("kind", "code", "error"),
    [
        (FailureKind.UNAVAILABLE, "http_429", GatewayUnavailable),
        (FailureKind.UNAVAILABLE, "http_401", StripeRefused),
        (FailureKind.UNAVAILABLE, "http_403", StripeRefused),
        (FailureKind.ABANDONED, "http_500", GatewayUnavailable),
    ],
)
def test_what_surely_did_not_happen_may_be_asked_again_unless_our_key_is_refused(
    kind: FailureKind, code: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        raise_failure(failed(kind, code), confirming=True)


def test_a_failure_that_the_payment_has_left_behind_is_no_failure() -> None:
    paid = replace(failed(FailureKind.DECLINED, "card_declined"), status=State.PROCESSING)

    raise_failure(paid, confirming=True)


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("http_429", GatewayUnavailable),
        ("http_401", StripeRefused),
        ("abandoned", GatewayUnavailable),
        ("charge_already_refunded", RefundExceedsRemaining),
        ("charge_disputed", PaymentNotRefundable),
        ("insufficient_funds", StripeRefused),
    ],
)
def test_a_refund_that_failed_says_whose_it_is_to_mend(reason: str, error: type[Exception]) -> None:
    payment = failed(FailureKind.DECLINED, "card_declined")
    unsent = reason.startswith("http_")
    refund = Refund("rfd_1", 100, RefundStatus.FAILED, NOW, failure=reason, unavailable=unsent)

    with pytest.raises(error):
        raise_refund_failure(payment, refund)


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
