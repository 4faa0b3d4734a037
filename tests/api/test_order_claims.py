"""Orders that end users claim without proof: they are not theirs for ever, nor against the shop."""

from dataclasses import replace
from typing import Any

import pytest

from payment_service.domain.moment import Policy
from payment_service.domain.payment import State
from payment_service.storage.collections import PAYMENTS
from stripe_sandbox.faults import Fault
from tests.api.access import Guarded, open_guarded
from tests.api.asgi import Heard
from tests.api.proving import (
    BOB,
    CARD,
    JANE,
    PAY,
    live_intents,
    open_proving,
    pay,
    proof,
    serve,
)
from tests.flows.telling import at_stripe
from tests.parts.shop import Shop

CHALLENGED = "pm_card_threeDSecure2Required"
LAPSE_S = Policy().unproved_claim_expires_s


@pytest.fixture
def api(shop: Shop) -> Guarded:
    return open_guarded(shop)


async def claimed_by_jane(api: Guarded, **fields: Any) -> Heard:
    """Let Jane claim Bob's order for fifty cents."""
    heard = await pay(api, JANE, **{"amount": 50, **fields})
    assert heard.status == 200
    return heard


async def bobs_customer(api: Guarded) -> str:
    made = await api.as_(api.provider.token(), "POST", "/payment/customer", {"email": BOB})
    customer_id: str = made.data["customerId"]
    return customer_id


async def test_a_service_takes_an_order_at_once_that_an_end_user_claims_unpaid(
    api: Guarded,
) -> None:
    await claimed_by_jane(api)

    taken = await serve(api, customerId=await bobs_customer(api))

    bobs = await pay(api, BOB)
    janes = await api.as_(api.provider.user(JANE), "GET", f"{PAY}/order-1")
    assert (taken.status, taken.data["amount"]) == (200, 6522)
    assert (bobs.status, bobs.data["payment_intent_id"]) == (200, taken.data["payment_intent_id"])
    assert (janes.status, janes.code) == (404, "not_found")
    assert [one["amount"] for one in live_intents(api)] == [6522]


async def test_a_service_takes_an_order_also_while_a_bank_asks_the_claims_payer(
    api: Guarded,
) -> None:
    asked = await claimed_by_jane(api, confirm=True, paymentMethodId=CHALLENGED)

    taken = await serve(
        api, customerId=await bobs_customer(api), paymentMethodId=CARD, confirm=True
    )

    assert asked.data["status"] == "requires_action"
    assert (taken.status, taken.data["status"], taken.data["amount"]) == (200, "succeeded", 6522)
    assert [one["amount"] for one in live_intents(api)] == [6522]


async def test_an_order_that_was_paid_is_paid_for_a_service_too(api: Guarded) -> None:
    await claimed_by_jane(api, confirm=True, paymentMethodId=CARD)

    heard = await serve(api, customerId=await bobs_customer(api))

    assert (heard.status, heard.code) == (409, "order_already_paid")
    assert [one["amount"] for one in live_intents(api)] == [50]


async def test_a_claim_that_was_paid_past_us_is_paid_for_a_service(api: Guarded) -> None:
    jane = await claimed_by_jane(api)
    intent = jane.data["payment_intent_id"]
    at_stripe(api.shop, f"/v1/payment_intents/{intent}/confirm", payment_method=CARD)

    heard = await serve(api, customerId=await bobs_customer(api))

    assert (heard.status, heard.code) == (409, "order_already_paid")
    assert len(live_intents(api)) == 1


async def test_what_is_held_is_not_taken_from_anybody(api: Guarded) -> None:
    held = await claimed_by_jane(api, confirm=True, paymentMethodId=CARD, captureMethod="manual")

    heard = await serve(api, customerId=await bobs_customer(api))
    await api.shop.work(LAPSE_S + 700)

    still = await api.as_(api.provider.user(JANE), "GET", f"{PAY}/order-1")
    assert held.data["status"] == "requires_capture"
    assert (heard.status, heard.code) == (409, "payment_in_progress")
    assert still.data["status"] == "requires_capture"


@pytest.mark.parametrize("card", [None, CHALLENGED])
async def test_an_unpaid_claim_lapses_and_the_order_is_free(api: Guarded, card: str | None) -> None:
    named: dict[str, Any] = {} if card is None else {"paymentMethodId": card, "confirm": True}
    await claimed_by_jane(api, **named)
    await api.shop.work(LAPSE_S - 60)
    before = await pay(api, BOB)

    await api.shop.work(120)

    after = await pay(api, BOB, confirm=True, paymentMethodId=CARD)
    janes = await api.as_(api.provider.user(JANE), "GET", f"{PAY}/order-1")
    assert (before.status, before.code) == (404, "not_found")
    assert (after.status, after.data["status"], after.data["amount"]) == (200, "succeeded", 6522)
    assert janes.status == 404
    assert len(live_intents(api)) == 1
    assert api.shop.orders.statuses_of("order-1") == ["PAYMENT RECEIVED"]


async def test_a_claim_lapses_also_while_no_worker_runs(api: Guarded) -> None:
    await claimed_by_jane(api)
    await api.shop.world.clock.sleep(LAPSE_S)

    heard = await pay(api, BOB)

    assert (heard.status, heard.data["amount"]) == (200, 6522)
    assert [one["amount"] for one in live_intents(api)] == [6522]


async def test_a_claim_that_is_tried_again_is_not_held_for_longer(api: Guarded) -> None:
    await claimed_by_jane(api)
    await api.shop.work(LAPSE_S - 60)
    await claimed_by_jane(api)
    declined = await pay(
        api, JANE, amount=50, confirm=True, paymentMethodId="pm_card_visa_chargeDeclined"
    )

    await api.shop.work(120)

    assert declined.status == 402
    assert (await pay(api, BOB)).status == 200


async def test_what_was_paid_or_is_a_services_never_lapses(api: Guarded) -> None:
    await claimed_by_jane(api, confirm=True, paymentMethodId=CARD)
    bob = await bobs_customer(api)
    await serve(api, "order-2", customerId=bob)

    await api.shop.work(LAPSE_S + 700)

    assert (await pay(api, BOB)).status == 404
    assert [one["status"] for one in live_intents(api)] == ["succeeded"]
    assert len(live_intents(api, "order-2")) == 1
    assert (await pay(api, JANE, "order-2")).status == 404


async def test_a_service_that_asks_the_same_makes_a_claim_the_shops_word(api: Guarded) -> None:
    janes = await pay(api, JANE)
    await pay(api, JANE, "order-2")
    made = await api.as_(api.provider.token(), "POST", "/payment/customer", {"email": JANE})
    customer = made.data["customerId"]

    same = await serve(api, customerId=customer)
    again = await serve(api, customerId=customer)
    await api.shop.work(LAPSE_S + 700)

    assert [same.data["payment_intent_id"], again.data["payment_intent_id"]] == [
        janes.data["payment_intent_id"]
    ] * 2
    assert len(live_intents(api)) == 1
    assert live_intents(api, "order-2") == []
    payment = await api.shop.world.store.get(PAYMENTS, "order-1")
    assert payment is not None
    assert payment.claim is not None
    assert payment.claim.is_proved


@pytest.mark.parametrize("canceled", [False, True])
@pytest.mark.parametrize(
    "other", [{"amount": 50}, {"currency": "eur"}, {"captureMethod": "manual"}]
)
async def test_an_end_user_cannot_change_the_terms_that_a_service_has_set(
    api: Guarded, other: dict[str, Any], *, canceled: bool
) -> None:
    jane = api.provider.user(JANE)
    made = await api.as_(api.provider.token(), "POST", "/payment/customer", {"email": JANE})
    served = await serve(api, customerId=made.data["customerId"])
    if canceled:
        await api.as_(jane, "POST", f"{PAY}/order-1/cancel", {})

    heard = await pay(api, JANE, **other)
    same = await pay(api, JANE, confirm=True, paymentMethodId=CARD)

    assert (served.status, heard.status, heard.code) == (200, 409, "order_terms_differ")
    assert (same.status, same.data["status"], same.data["amount"]) == (200, "succeeded", 6522)


async def test_an_end_user_may_change_what_only_they_have_claimed(api: Guarded) -> None:
    await pay(api, JANE, amount=500)

    heard = await pay(api, JANE, amount=700, confirm=True, paymentMethodId=CARD)

    assert (heard.status, heard.data["amount"]) == (200, 700)
    assert len(live_intents(api)) == 1


async def test_who_claims_an_order_without_proof_does_not_cancel_it_for_the_shop(
    shop: Shop,
) -> None:
    """The OrderService would stop an order that is somebody else's."""
    shop.world = replace(shop.world, policy=Policy(order_status_canceled="CANCELED"))
    api = open_guarded(shop)
    await claimed_by_jane(api)

    canceled = await api.as_(api.provider.user(JANE), "POST", f"{PAY}/order-1/cancel", {})
    await shop.work(60)
    taken = await pay(api, BOB, confirm=True, paymentMethodId=CARD)
    await shop.work(60)

    assert canceled.data["status"] == "canceled"
    assert (taken.status, taken.data["status"]) == (200, "succeeded")
    assert shop.orders.statuses_of("order-1") == ["PAYMENT RECEIVED"]


async def test_a_service_is_told_that_what_it_asked_for_was_canceled(shop: Shop) -> None:
    shop.world = replace(shop.world, policy=Policy(order_status_canceled="CANCELED"))
    api = open_guarded(shop)
    await serve(api, customerId=await bobs_customer(api))

    await api.as_(api.provider.token(), "POST", f"{PAY}/order-1/cancel", {})
    await shop.work(60)

    assert shop.orders.statuses_of("order-1") == ["CANCELED"]


@pytest.mark.parametrize("card", [None, CHALLENGED])
async def test_an_end_user_with_a_proof_takes_over_a_claim_without(
    shop: Shop, card: str | None
) -> None:
    api = open_proving(shop, "none")
    named: dict[str, Any] = {} if card is None else {"paymentMethodId": card, "confirm": True}
    await claimed_by_jane(api, **named)

    signed = proof(api, customer=BOB)
    heard = await pay(api, BOB, amount=None, orderProof=signed, confirm=True, paymentMethodId=CARD)

    assert (heard.status, heard.data["status"], heard.data["amount"]) == (200, "succeeded", 6522)
    assert [one["amount"] for one in live_intents(api)] == [6522]


async def test_who_comes_too_late_with_a_proof_hears_that_it_is_paid_and_nothing_else(
    shop: Shop,
) -> None:
    api = open_proving(shop, "none")
    janes = await claimed_by_jane(api, confirm=True, paymentMethodId=CARD)

    heard = await pay(api, BOB, orderProof=proof(api, customer=BOB))
    without = await pay(api, BOB)

    assert (heard.status, heard.code) == (409, "order_already_paid")
    assert (without.status, without.code) == (404, "not_found")
    assert "data" not in heard.body
    assert janes.data["payment_intent_id"] not in heard.raw.decode()
    assert len(live_intents(api)) == 1


@pytest.mark.parametrize("status", [403, 500])
async def test_a_claim_that_stripe_does_not_cancel_stands_and_nothing_is_charged(
    shop: Shop, status: int
) -> None:
    api = open_proving(shop, "none")
    await claimed_by_jane(api, confirm=True, paymentMethodId=CHALLENGED)
    fault = Fault("answer", status=status, body={"error": {"type": "api_error"}})
    shop.stripe.pick = lambda _, path: fault if path.endswith("/cancel") else None

    heard = await pay(api, BOB, orderProof=proof(api, customer=BOB))

    payment = await shop.world.store.get(PAYMENTS, "order-1")
    assert heard.status in {409, 502, 503}
    assert "data" not in heard.body
    assert payment is not None
    assert payment.state in {State.REQUIRES_ACTION, State.ASKING}
    assert len(live_intents(api)) == 1
