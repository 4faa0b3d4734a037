"""What can be done with a payment that is there: confirm, capture, cancel, save a card first."""

from typing import Any

import pytest

from payment_service.flows.read_lists import open_cursors
from tests.api.conftest import Api

PAYER = {"Authorization": "Bearer sk_test_sandbox"}


async def held(api: Api, order_id: str = "order-1") -> dict[str, Any]:
    heard = await api.pay(order_id, captureMethod="manual")
    data: dict[str, Any] = heard.data
    return data


async def test_a_hold_says_how_much_and_until_when(api: Api) -> None:
    payment = await held(api)

    assert (payment["status"], payment["amount_capturable"]) == ("requires_capture", 6522)
    assert payment["capture_before"] == "2026-11-30T09:00:00.000Z"
    assert (payment["amount_received"], payment["amount_refundable"]) == (0, 0)


@pytest.mark.parametrize(("asked", "taken"), [({}, 6522), ({"amount": 5000}, 5000)])
async def test_a_hold_is_captured_whole_or_in_part_and_the_order_is_told(
    api: Api, asked: dict[str, Any], taken: int
) -> None:
    payment = await held(api)

    captured = await api.post("/payment/payment-intent/order-1/capture", asked)
    again = await api.post(f"/payment/payment-intent/{payment['payment_intent_id']}/capture", asked)
    await api.shop.world.background.drain(1.0)

    assert (captured.status, captured.data["status"]) == (200, "succeeded")
    assert (captured.data["amount_received"], captured.data["amount_capturable"]) == (taken, 0)
    assert captured.data["capture_before"] is None
    assert again.data == captured.data
    assert api.shop.orders.statuses_of("order-1") == ["PAYMENT RECEIVED"]


async def test_more_than_is_held_is_refused_and_nothing_moves(api: Api) -> None:
    await held(api)

    heard = await api.post("/payment/payment-intent/order-1/capture", {"amount": 6523})

    assert (heard.status, heard.code) == (409, "capture_exceeds_hold")
    assert heard.body["message"] == "Not more than 6522 usd is held."
    assert heard.data["status"] == "requires_capture"


@pytest.mark.parametrize("amount", [None, 0, 1.5, "5000"])
async def test_a_bad_amount_to_capture_names_its_field(api: Api, amount: Any) -> None:
    await held(api)

    heard = await api.post("/payment/payment-intent/order-1/capture", {"amount": amount})

    assert (heard.status, heard.bad_fields) == (400, ["amount"])


async def test_what_holds_nothing_cannot_be_captured(api: Api) -> None:
    await api.pay()

    heard = await api.post("/payment/payment-intent/order-1/capture", {})

    assert (heard.status, heard.code) == (409, "payment_not_capturable")


async def test_a_hold_is_voided_and_the_order_may_be_paid_again(api: Api) -> None:
    await held(api)

    canceled = await api.post(
        "/payment/payment-intent/order-1/cancel", {"reason": "requested_by_customer"}
    )
    paid = await api.pay("order-1")

    assert (canceled.status, canceled.data["status"]) == (200, "canceled")
    assert canceled.data["amount_capturable"] == 0
    assert (paid.status, paid.data["status"]) == (200, "succeeded")
    full = (await api.get("/payment/payment-intent/order-1")).data
    assert full["generation"] == 2
    assert [one["operation"] for one in full["attempts"]["past"]] == ["create", "cancel", "create"]


async def test_what_has_succeeded_is_refunded_not_canceled(api: Api) -> None:
    await api.pay()

    heard = await api.post("/payment/payment-intent/order-1/cancel", {})

    assert (heard.status, heard.code) == (409, "payment_not_cancelable")
    assert heard.data["status"] == "succeeded"


async def test_a_bad_reason_is_refused(api: Api) -> None:
    await held(api)

    heard = await api.post("/payment/payment-intent/order-1/cancel", {"reason": "because"})

    assert (heard.status, heard.bad_fields) == (400, ["reason"])


async def challenged(api: Api) -> dict[str, Any]:
    payer = await api.new_payer(card="pm_card_threeDSecure2Required")
    heard = await api.pay("order-1", customerId=payer)
    assert heard.data["status"] == "requires_action"
    data: dict[str, Any] = heard.data
    return data


async def test_what_the_payers_client_has_done_is_known_at_once_when_it_says_so(api: Api) -> None:
    payment = await challenged(api)
    now = api.shop.stripe.now()
    api.shop.engine.authenticate(payment["payment_intent_id"], passed=True, now=now)

    heard = await api.post("/payment/payment-intent/order-1/confirm", {})

    assert (heard.status, heard.data["status"]) == (200, "succeeded")


async def test_a_failed_challenge_is_told_and_another_card_pays_the_same_intent(api: Api) -> None:
    payment = await challenged(api)
    now = api.shop.stripe.now()
    api.shop.engine.authenticate(payment["payment_intent_id"], passed=False, now=now)

    failed = await api.post("/payment/payment-intent/order-1/confirm", {})
    paid = await api.post(
        "/payment/payment-intent/order-1/confirm", {"paymentMethodId": "pm_card_visa"}
    )

    assert (failed.status, failed.code) == (402, "payment_intent_authentication_failure")
    assert (paid.status, paid.data["status"]) == (200, "succeeded")
    assert paid.data["payment_intent_id"] == payment["payment_intent_id"]


async def test_another_card_may_be_tried_while_a_challenge_is_open(api: Api) -> None:
    await challenged(api)

    heard = await api.post(
        "/payment/payment-intent/order-1/confirm", {"paymentMethodId": "pm_card_visa"}
    )

    assert (heard.status, heard.data["status"]) == (200, "succeeded")
    assert len(api.shop.engine.ledger()["payment_intents"]) == 1


async def test_a_canceled_payment_cannot_be_confirmed(api: Api) -> None:
    await challenged(api)
    await api.post("/payment/payment-intent/order-1/cancel", {})

    heard = await api.post("/payment/payment-intent/order-1/confirm", {})

    assert (heard.status, heard.code) == (409, "payment_canceled")


async def test_a_client_that_did_nothing_does_not_make_us_charge_the_default_card(
    api: Api,
) -> None:
    payer = await api.new_payer()
    await api.pay("order-1", customerId=payer, confirm=False)

    heard = await api.post("/payment/payment-intent/order-1/confirm", {})

    assert (heard.status, heard.bad_fields) == (400, ["paymentMethodId"])
    assert api.shop.engine.ledger()["payment_intents"][0]["charges"] == []


async def test_a_payment_created_with_a_card_is_confirmed_with_that_card(api: Api) -> None:
    payer = await api.new_payer()
    await api.pay("order-1", customerId=payer, paymentMethodId="pm_card_visa", confirm=False)

    heard = await api.post("/payment/payment-intent/order-1/confirm", {})

    assert (heard.status, heard.data["status"]) == (200, "succeeded")


async def test_without_any_card_there_is_nothing_to_confirm_with(api: Api) -> None:
    await api.pay("order-1", confirm=False, customerId=await api.new_customer())

    heard = await api.post("/payment/payment-intent/order-1/confirm", {})

    assert (heard.status, heard.bad_fields) == (400, ["paymentMethodId"])


async def test_a_bank_that_wants_to_see_the_absent_holder_lets_the_client_bring_them_back(
    api: Api,
) -> None:
    payer = await api.new_payer(card="pm_card_authenticationRequired")

    refused = await api.pay("order-1", customerId=payer, offSession=True)
    on_session = await api.post("/payment/payment-intent/order-1/confirm", {})
    api.shop.engine.authenticate(
        refused.data["payment_intent_id"], passed=True, now=api.shop.stripe.now()
    )
    paid = await api.post("/payment/payment-intent/order-1/confirm", {})

    assert (refused.status, refused.code) == (402, "authentication_required")
    assert refused.data["client_secret"].startswith(refused.data["payment_intent_id"])
    assert "_secret_" not in api.stored_text()
    assert (on_session.status, on_session.data["status"]) == (200, "requires_action")
    assert on_session.data["client_secret"] == refused.data["client_secret"]
    assert (paid.status, paid.data["status"]) == (200, "succeeded")


async def test_off_session_needs_a_payment_that_is_confirmed_at_once(api: Api) -> None:
    heard = await api.pay("order-1", offSession=True, confirm=False)

    assert (heard.status, heard.bad_fields) == (400, ["offSession"])


async def test_a_saved_card_that_was_set_up_is_charged_off_session(api: Api) -> None:
    payer = await api.new_payer(card="pm_card_authenticationRequiredSetupForOffSession")

    heard = await api.pay("order-1", customerId=payer, offSession=True)

    assert (heard.status, heard.data["status"]) == (200, "succeeded")


async def test_a_setup_gives_a_client_secret_and_an_open_one_is_given_again(api: Api) -> None:
    customer_id = await api.new_customer()
    asked = {"customerId": customer_id}

    first = await api.post("/payment/setup-intent", asked, idempotency_key="setup-1")
    replayed = await api.post("/payment/setup-intent", asked, idempotency_key="setup-1")
    again = await api.post("/payment/setup-intent", asked)

    assert (first.status, first.data["status"]) == (200, "requires_payment_method")
    assert first.data["client_secret"].startswith(first.data["setup_intent_id"])
    assert replayed.data == first.data == again.data
    assert replayed.headers["idempotent-replayed"] == "true"
    assert "_secret_" not in api.stored_text()


async def test_a_card_saved_by_the_payers_client_is_found_without_a_webhook(api: Api) -> None:
    customer_id = await api.new_customer()
    setup = (await api.post("/payment/setup-intent", {"customerId": customer_id})).data
    path = f"https://x/v1/setup_intents/{setup['setup_intent_id']}/confirm"
    api.shop.stripe.deliver("post", path, PAYER, "payment_method=pm_card_visa")

    await api.shop.work(20)

    cards = (await api.get(f"/payment/payment-methods/{customer_id}")).data
    assert [(card["card_last4"], card["is_default"]) for card in cards] == [("4242", True)]


async def test_a_setup_needs_a_customer(api: Api) -> None:
    missing = await api.post("/payment/setup-intent", {})
    unknown = await api.post("/payment/setup-intent", {"customerId": "cus_nobody"})

    assert (missing.status, missing.bad_fields) == (400, ["customerId"])
    assert (unknown.status, unknown.code) == (404, "not_found")


async def test_a_disputed_payment_is_shown_and_not_refunded(api: Api) -> None:
    await open_cursors(api.shop.world)
    payer = await api.new_payer(card="pm_card_createDispute")
    paid = await api.pay("order-1", customerId=payer)
    await api.shop.work(120)

    full = (await api.get("/payment/payment-intent/order-1")).data
    refused = await api.post("/payment/refund", {"orderId": "order-1"})

    assert paid.data["status"] == "succeeded"
    (dispute,) = full["disputes"]
    assert (dispute["reason"], dispute["status"]) == ("fraudulent", "needs_response")
    assert (full["amount_disputed"], full["amount_refundable"]) == (6522, 0)
    assert (refused.status, refused.code) == (409, "payment_disputed")


async def test_a_refund_is_found_by_its_id_at_stripe_and_by_our_reference(api: Api) -> None:
    await api.pay()
    made = (await api.post("/payment/refund", {"orderId": "order-1", "amount": 1000})).data

    by_reference = await api.get(f"/payment/refund/{made['reference']}")
    by_id = await api.get(f"/payment/refund/{made['refund_id']}")
    unknown = await api.get("/payment/refund/re_nothing")

    assert by_reference.data == by_id.data == made
    assert (unknown.status, unknown.code) == (404, "not_found")
