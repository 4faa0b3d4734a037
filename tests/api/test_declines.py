"""A refused card tells a service everything, and an end user what to do but nothing suspected."""

import asyncio
from typing import Any

import pytest

from payment_service.api.app import ApiOptions
from payment_service.api.presenting import Presenter
from payment_service.domain.money import AmountUnit
from stripe_sandbox.faults import Fault
from tests.api.access import Guarded, open_guarded
from tests.api.asgi import Heard
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop

JANE = "jane@example.com"
STOLEN, BLOCKED = "pm_card_visa_chargeDeclinedStolenCard", "pm_card_radarBlock"
LOST, POOR = "pm_card_chargeDeclinedLostCard", "pm_card_chargeDeclinedInsufficientFunds"
CHALLENGED = "pm_card_threeDSecure2Required"
# What no answer to a payer may hold: reasons, the networks' digits for them, and Radar's words.
SUSPICIONS = (
    "stolen",
    "lost_card",
    "fraudulent",
    "blocked",
    "highest",
    "block_if",
    '"risk',
    "not_sent",
    '"41"',
    '"43"',
    "seller_message",
)
GENERIC = {
    "code": "card_declined",
    "declineCode": "generic_decline",
    "message": "Your card was declined.",
}


@pytest.fixture
def guarded(shop: Shop) -> Guarded:
    return open_guarded(shop)


async def customer_of_jane(api: Guarded) -> str:
    made = await api.as_(api.provider.token(), "POST", "/payment/customer", {"email": JANE})
    customer_id: str = made.data["customerId"]
    return customer_id


def paying(customer_id: str, card: str, order_id: str = "order-1", **more: Any) -> dict[str, Any]:
    return {
        "amount": 6522,
        "orderId": order_id,
        "customerId": customer_id,
        "paymentMethodId": card,
        **more,
    }


async def test_a_service_is_told_the_reason_the_advice_and_the_networks_codes(api: Api) -> None:
    heard = await api.pay(paymentMethodId=STOLEN)

    assert heard.status == 402
    assert {n: v for n, v in heard.body.items() if n != "requestId"} == {
        "success": False,
        "code": "card_declined",
        "declineCode": "stolen_card",
        "message": "Your card was declined.",
        "adviceCode": "do_not_try_again",
        "networkDeclineCode": "43",
        "networkAdviceCode": "03",
    }


async def test_radars_outcome_is_told_as_soon_as_stripe_has_shown_the_charge(api: Api) -> None:
    """Stripe's refusal names the charge and does not carry it."""
    refused = await api.pay(paymentMethodId=BLOCKED)
    assert "outcome" not in refused.body
    await asyncio.sleep(6)
    await api.shop.work(1)

    shown = (await api.get("/payment/payment-intent/order-1")).data

    outcome = {
        "type": "blocked",
        "risk_level": "highest",
        "reason": "highest_risk_level",
        "seller_message": "Stripe blocked this payment as too risky.",
        "network_status": "not_sent_to_network",
        "rule": "block_if_high_risk",
    }
    assert shown["last_error"]["outcome"] == outcome
    (past,) = shown["attempts"]["past"]
    assert (past["decline_code"], past["charge_outcome"]) == ("fraudulent", outcome)
    again = await api.pay(
        paymentMethodId=BLOCKED, customerId=shown["customerId"], idempotencyKey="x"
    )
    assert (again.status, again.body["outcome"]) == (402, outcome)


@pytest.mark.parametrize("card", [STOLEN, BLOCKED, LOST])
async def test_an_end_user_is_told_of_no_suspicion_whatever_is_asked(
    guarded: Guarded, card: str
) -> None:
    customer_id = await customer_of_jane(guarded)
    jane, service = guarded.provider.user(JANE), guarded.provider.token()
    asked = paying(customer_id, card)
    key = {"Authorization": f"Bearer {jane}", "Idempotency-Key": "k-1"}

    first = await guarded.ask("POST", "/payment/payment-intent", body=asked, headers=key)
    replayed = await guarded.ask("POST", "/payment/payment-intent", body=asked, headers=key)
    await asyncio.sleep(6)
    await guarded.shop.work(1)
    # Another amount for an order that is paid or held is a 409 that shows the payment.
    told = [
        first,
        replayed,
        await guarded.as_(jane, "POST", "/payment/payment-intent", asked),
        await guarded.as_(jane, "POST", "/payment/payment-intent/order-1/confirm", {}),
        await guarded.as_(jane, "GET", "/payment/payment-intent/order-1"),
        await guarded.as_(jane, "GET", "/payment/payment-intent/order-1?refresh=true"),
        await guarded.as_(jane, "GET", "/payment/payments"),
        await guarded.as_(
            jane, "POST", "/payment/payment-intent", asked | {"confirm": False, "amount": 50}
        ),
        await guarded.as_(jane, "POST", "/payment/payment-intent/order-1/cancel", {}),
    ]
    seen = (await guarded.as_(service, "GET", "/payment/payment-intent/order-1")).data

    assert (first.status, {n: first.body[n] for n in GENERIC}) == (402, GENERIC)
    assert replayed.headers["idempotent-replayed"] == "true"
    for heard in told:
        assert not [word for word in SUSPICIONS if word in heard.raw.decode()], heard.raw
    decline = seen["attempts"]["past"][0]["decline_code"]
    assert decline in {"stolen_card", "fraudulent", "lost_card"}


async def test_a_payer_is_told_what_can_be_mended_and_what_stripe_advises(guarded: Guarded) -> None:
    customer_id = await customer_of_jane(guarded)
    jane = guarded.provider.user(JANE)

    heard = await guarded.as_(jane, "POST", "/payment/payment-intent", paying(customer_id, POOR))
    stolen = await guarded.as_(
        jane, "POST", "/payment/payment-intent", paying(customer_id, STOLEN, "order-2")
    )

    assert (heard.body["declineCode"], heard.body["adviceCode"]) == (
        "insufficient_funds",
        "try_again_later",
    )
    assert heard.body["message"] == "Your card has insufficient funds."
    assert stolen.body["adviceCode"] == "do_not_try_again"


@pytest.mark.parametrize("path", ["/payment/payment-method", "/payment/payment-method-details"])
async def test_attaching_a_stolen_card_tells_the_service_and_not_the_payer(
    guarded: Guarded, path: str
) -> None:
    customer_id = await customer_of_jane(guarded)
    asked = {
        "customerId": customer_id,
        "paymentMethodId": STOLEN,
        "cardholderName": "A B",
        "last4": "9979",
        "cardType": "visa",
        "expiryDate": "12/30",
    }

    for_jane = await guarded.as_(guarded.provider.user(JANE), "POST", path, asked)
    for_service = await guarded.as_(guarded.provider.token(), "POST", path, asked)

    assert (for_jane.status, {n: for_jane.body[n] for n in GENERIC}) == (402, GENERIC)
    assert not [word for word in SUSPICIONS if word in for_jane.raw.decode()]
    assert (for_service.status, for_service.body["declineCode"]) == (402, "stolen_card")
    assert (for_service.body["adviceCode"], for_service.body["networkDeclineCode"]) == (
        "do_not_try_again",
        "43",
    )


async def test_a_reason_that_is_a_suspicion_is_not_shown_to_a_payer(guarded: Guarded) -> None:
    customer_id = await customer_of_jane(guarded)
    jane, service = guarded.provider.user(JANE), guarded.provider.token()
    await guarded.as_(
        service, "POST", "/payment/payment-intent", paying(customer_id, "pm_card_refundFail")
    )
    back = {"orderId": "order-1", "amount": 1000, "reason": "fraudulent"}
    await guarded.as_(service, "POST", "/payment/refund", back)
    unpaid = paying(customer_id, CHALLENGED, "order-2")
    await guarded.as_(service, "POST", "/payment/payment-intent", unpaid)
    path = "/payment/payment-intent/order-2/cancel"
    await guarded.as_(service, "POST", path, {"reason": "fraudulent"})

    for order_id in ("order-1", "order-2"):
        heard = await guarded.as_(jane, "GET", f"/payment/payment-intent/{order_id}")
        seen = await guarded.as_(service, "GET", f"/payment/payment-intent/{order_id}")
        assert "fraudulent" not in heard.raw.decode()
        assert "fraudulent" in seen.raw.decode()


def test_an_answer_kept_by_a_release_that_told_everything_is_given_again_without_it() -> None:
    kept = {
        "success": False,
        "code": "card_declined",
        "message": "This card was reported stolen.",
        "declineCode": "stolen_card",
        "adviceCode": "do_not_try_again",
        "networkDeclineCode": "43",
        "outcome": {"type": "blocked"},
        "data": {
            "orderId": "order-1",
            "last_error": {"code": "fraudulent", "message": "x", "declineCode": "fraudulent"},
        },
    }
    show = Presenter(AmountUnit.MINOR)

    assert show.told_again(kept) == kept
    assert show.for_payer().told_again(kept) == {
        "success": False,
        **GENERIC,
        "adviceCode": "do_not_try_again",
        "data": {"orderId": "order-1", "last_error": GENERIC},
    }


async def test_an_absent_payer_who_must_authenticate_has_a_code_of_its_own(api: Api) -> None:
    customer_id = await api.new_payer(card="pm_card_authenticationRequired")

    heard = await api.pay(customerId=customer_id, offSession=True)

    assert (heard.status, heard.code) == (402, "authentication_required")


# REQUIRES_ACTION_STATUS


async def challenged(api: Api, key: str, **more: Any) -> Heard:
    customer_id = await api.new_payer(card=CHALLENGED)
    asked = {"amount": 6522, "orderId": "order-1", "customerId": customer_id, "confirm": True}
    asked |= {"paymentMethodId": CHALLENGED, **more}
    return await api.ask(
        "POST", "/payment/payment-intent", body=asked, headers={"Idempotency-Key": key}
    )


def strict(shop: Shop) -> Api:
    return open_api(shop, ApiOptions(requires_action_status=402))


async def test_a_payment_that_waits_for_its_payer_is_a_success_by_default(api: Api) -> None:
    heard = await challenged(api, "k-1")

    assert (heard.status, heard.body["success"], heard.data["status"]) == (
        200,
        True,
        "requires_action",
    )


async def test_a_payment_that_waits_for_its_payer_is_a_402_by_setting(shop: Shop) -> None:
    api = strict(shop)

    first = await challenged(api, "k-1")
    confirmed = await api.post("/payment/payment-intent/order-1/confirm", {})
    replayed = await challenged(api, "k-1")

    for heard in (first, confirmed, replayed):
        assert (heard.status, heard.body["success"], heard.code) == (
            402,
            False,
            "authentication_required",
        )
        assert heard.data["status"] == "requires_action"
        assert heard.data["client_secret"] == first.data["clientSecret"]
        assert heard.data["next_action"]["type"]
        assert "payer must authenticate" in heard.body["message"]
    assert replayed.headers["idempotent-replayed"] == "true"
    assert first.data["client_secret"] not in api.stored_text()


async def test_by_that_setting_only_what_asks_the_payer_is_a_402(shop: Shop) -> None:
    api = strict(shop)
    created = await api.pay("order-2", confirm=False)
    paid = await api.pay("order-3")
    await challenged(api, "k-1")

    shown = await api.get("/payment/payment-intent/order-1")
    canceled = await api.post("/payment/payment-intent/order-1/cancel", {})

    assert [h.status for h in (created, paid, shown, canceled)] == [200, 200, 200, 200]


async def test_under_that_setting_a_secret_that_stripe_withholds_is_still_a_503(shop: Shop) -> None:
    api = strict(shop)
    customer_id = await api.new_payer(card=CHALLENGED)
    shop.stripe.pick = lambda method, _: Fault("error_500_before") if method == "GET" else None

    heard = await api.post("/payment/payment-intent", paying(customer_id, CHALLENGED, confirm=True))

    assert heard.status in {402, 503}
    assert heard.status == 503 or heard.data["client_secret"]
