"""A customer is forgotten after using everything: nothing of it is in any document."""

from datetime import timedelta

from payment_service.flows.forget_customer import forget_customer
from tests.api.conftest import Api

EMAIL, NAME, HOLDER = "zoe.quill@example.com", "Zoe Quill-Fontaine", "Zacharias Quillon"
WORDS = "for uncle Bartholomew"
PERSON = ("zoe.quill", "Quill-Fontaine", "Quillon", "Bartholomew")


async def test_no_document_says_anything_of_a_person_that_was_forgotten(api: Api) -> None:
    made = await api.post(
        "/payment/customer", {"email": EMAIL, "name": NAME}, idempotency_key=f"{EMAIL} 1"
    )
    customer_id = made.data["customerId"]
    card = {
        "customerId": customer_id,
        "paymentMethodId": "pm_card_visa",
        "cardholderName": HOLDER,
        "last4": "4242",
        "cardType": "visa",
        "expiryDate": "12/30",
    }
    path = "/payment/payment-method-details"
    named = await api.post(path, card, idempotency_key=f"{EMAIL} 2")
    again = await api.post(path, card, idempotency_key=f"{EMAIL} 2")
    chosen = {**card, "paymentMethodId": named.data["payment_method_id"], "isDefault": True}
    await api.ask("PUT", "/payment/payment-method", body=chosen, headers={"idempotency-key": "3"})
    told = {"for": WORDS}
    bad_card = "pm_card_chargeCustomerFail"
    await api.pay("order-2", customerId=customer_id, paymentMethodId=bad_card, description=WORDS)
    await api.post("/payment/payment-intent/order-2/cancel", {}, idempotency_key=f"{EMAIL} 4")
    paid = await api.pay(customerId=customer_id, description=WORDS, metadata=told)
    back = {"orderId": "order-1", "amount": 100, "reason": f"{NAME} was sad"}
    await api.post("/payment/refund", back, idempotency_key=f"{EMAIL} 5")
    before = api.stored_text()

    done = await forget_customer(
        api.shop.world,
        EMAIL,
        who="olga",
        why="asked",
        deadline=api.shop.world.clock.now() + timedelta(seconds=60),
    )

    assert again.headers["idempotent-replayed"] == "true"
    assert paid.data["status"] == "succeeded"
    assert [word for word in PERSON if word not in before] == [], "else this test shows nothing"
    assert (done.payments, done.worded, done.answers) == (2, 2, 3)
    assert [word for word in PERSON if word.lower() in api.stored_text().lower()] == []
    shown = await api.get("/payment/payment-intent/order-1")
    assert (shown.data["amount_refunded"], shown.data["customerId"]) == (100, customer_id)
    assert shown.data["refunds"][0]["reason"] is None
    assert (await api.get(f"/payment/customer/{EMAIL}")).status == 404
    assert (await api.post(path, card, idempotency_key=f"{EMAIL} 2")).status == 404
