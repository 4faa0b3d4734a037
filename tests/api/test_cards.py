"""Saved cards: what is shown is Stripe's, exactly one is the default, here and at Stripe."""

from typing import Any

from payment_service.domain.news import CustomerSeen
from payment_service.domain.steps import ReadCustomer
from stripe_sandbox.faults import Fault
from tests.api.asgi import Heard
from tests.api.conftest import Api


async def attach(api: Api, customer_id: str, card: str = "pm_card_visa") -> Heard:
    asked = {"customerId": customer_id, "paymentMethodId": card}
    return await api.post("/payment/payment-method", asked)


async def cards_of(api: Api, customer_id: str) -> list[dict[str, Any]]:
    listed = await api.get(f"/payment/payment-methods/{customer_id}")
    assert listed.status == 200
    found: list[dict[str, Any]] = listed.data
    return found


async def default_at_stripe(api: Api, customer_id: str) -> str | None:
    news = await api.shop.world.gateway.ask(ReadCustomer(customer_id))
    assert isinstance(news, CustomerSeen)
    return news.customer.default_payment_method_id


async def test_the_first_card_becomes_the_default(api: Api) -> None:
    customer_id = await api.new_customer()

    added = await attach(api, customer_id)

    card = added.data
    assert added.status == 200
    assert card == {
        "payment_method_id": card["payment_method_id"],
        "card_brand": "visa",
        "card_last4": "4242",
        "cardholder_name": None,
        "expiry_date": f"{card['exp_month']:02d}/{card['exp_year'] % 100:02d}",
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "is_default": True,
        "expired": False,
        "display_brand": "visa",
        "fingerprint": card["fingerprint"],
    }
    assert await default_at_stripe(api, customer_id) == card["payment_method_id"]


async def test_details_are_stripes_and_the_name_is_the_callers(api: Api) -> None:
    customer_id = await api.new_payer()

    added = await api.post(
        "/payment/payment-method-details",
        {
            "customerId": customer_id,
            "paymentMethodId": "pm_card_mastercard",
            "cardholderName": "Jane Doe",
            "last4": "0000",
            "cardType": "visa",
            "expiryDate": "01/99",
            "isDefault": True,
        },
    )

    listed = await cards_of(api, customer_id)
    assert added.status == 200
    assert (added.data["card_brand"], added.data["card_last4"]) == ("mastercard", "4444")
    assert added.data["expiry_date"] != "01/99"
    assert added.data["cardholder_name"] == "Jane Doe"
    assert [(card["card_brand"], card["is_default"]) for card in listed] == [
        ("mastercard", True),
        ("visa", False),
    ]


async def test_another_card_can_be_made_the_default(api: Api) -> None:
    customer_id = await api.new_payer()
    second = (await attach(api, customer_id, "pm_card_amex")).data["payment_method_id"]
    asked = {"customerId": customer_id, "paymentMethodId": second, "isDefault": True}

    changed = await api.ask("PUT", "/payment/payment-method", body=asked)

    assert changed.status == 200
    assert (changed.data["payment_method_id"], changed.data["is_default"]) == (second, True)
    assert await default_at_stripe(api, customer_id) == second


async def test_a_default_cannot_be_switched_off(api: Api) -> None:
    asked = {"customerId": "cus_1", "paymentMethodId": "pm_1", "isDefault": False}

    changed = await api.ask("PUT", "/payment/payment-method", body=asked)

    assert (changed.status, changed.bad_fields) == (400, ["isDefault"])
    assert changed.body["errors"][0]["message"] == "must be true"


async def test_removing_the_default_hands_it_to_the_newest_card_left(api: Api) -> None:
    customer_id = await api.new_payer()
    first = (await cards_of(api, customer_id))[0]["payment_method_id"]
    await attach(api, customer_id, "pm_card_amex")
    await api.shop.world.clock.sleep(1)
    newest = (await attach(api, customer_id, "pm_card_mastercard")).data["payment_method_id"]
    asked = {"customerId": customer_id, "paymentMethodId": first}

    removed = await api.ask("DELETE", "/payment/payment-method", body=asked)

    listed = await cards_of(api, customer_id)
    assert (removed.status, removed.body) == (
        200,
        {"success": True, "message": "The card was removed."},
    )
    assert [card["is_default"] for card in listed] == [True, False]
    assert listed[0]["payment_method_id"] == newest
    assert await default_at_stripe(api, customer_id) == newest


async def test_a_card_can_be_removed_by_a_query(api: Api) -> None:
    customer_id = await api.new_payer()
    card = (await cards_of(api, customer_id))[0]["payment_method_id"]
    target = f"/payment/payment-method?customerId={customer_id}&paymentMethodId={card}"

    removed = await api.ask("DELETE", target)
    again = await api.ask("DELETE", target)

    assert removed.status == 200
    assert (again.status, again.code) == (404, "not_found")
    assert await cards_of(api, customer_id) == []


async def test_a_card_of_somebody_else_is_not_usable(api: Api) -> None:
    owner = await api.new_payer("owner@example.com")
    card = (await cards_of(api, owner))[0]["payment_method_id"]
    other = await api.new_customer("other@example.com")

    added = await attach(api, other, card)

    assert (added.status, added.code) == (400, "card_not_usable")
    assert await cards_of(api, other) == []


async def test_a_card_that_the_issuer_refuses_is_402(api: Api) -> None:
    customer_id = await api.new_customer()

    added = await attach(api, customer_id, "pm_card_chargeDeclined")

    assert (added.status, added.code) == (402, "card_declined")
    assert added.body["declineCode"] == "generic_decline"
    assert await cards_of(api, customer_id) == []


async def test_what_is_not_there_is_404(api: Api) -> None:
    customer_id = await api.new_customer()

    no_card = await attach(api, customer_id, "pm_nope")
    no_customer = await attach(api, "cus_nope")
    no_list = await api.get("/payment/payment-methods/cus_nope")

    assert [(heard.status, heard.code) for heard in (no_card, no_customer, no_list)] == [
        (404, "card_not_found"),
        (404, "not_found"),
        (404, "not_found"),
    ]


async def test_ids_that_cannot_be_ids_are_all_named(api: Api) -> None:
    added = await api.post(
        "/payment/payment-method-details", {"customerId": "", "paymentMethodId": "../charges"}
    )
    listed = await api.get("/payment/payment-methods/cus nope")

    assert added.status == 400
    assert added.bad_fields == [
        "customerId",
        "paymentMethodId",
        "cardholderName",
        "last4",
        "cardType",
        "expiryDate",
    ]
    assert (listed.status, listed.bad_fields) == (400, ["customerId"])


async def test_a_card_that_is_still_being_added_or_preferred_is_pending(api: Api) -> None:
    customer_id = await api.new_payer()
    second = (await attach(api, customer_id, "pm_card_amex")).data["payment_method_id"]
    api.deafen(f"/v1/customers/{customer_id}")
    asked = {"customerId": customer_id, "paymentMethodId": second, "isDefault": True}

    preferred = await api.ask("PUT", "/payment/payment-method", body=asked)
    api.shop.stripe.pick = lambda _, path: (
        Fault("timeout_before") if path.endswith("/attach") else None
    )
    added = await attach(api, customer_id, "pm_card_mastercard")

    assert (preferred.status, preferred.body["pending"]) == (202, True)
    assert preferred.data == {"payment_method_id": second, "status": "processing"}
    assert (added.status, added.data["status"]) == (202, "processing")


async def test_what_stripe_does_not_answer_in_time_is_pending(api: Api) -> None:
    customer_id = await api.new_customer()
    card = "pm_card_visa"
    found = (await attach(api, customer_id, card)).data["payment_method_id"]
    api.fault("timeout_before", f"/v1/payment_methods/{found}/detach", times=1000)
    asked = {"customerId": customer_id, "paymentMethodId": found}

    removed = await api.ask("DELETE", "/payment/payment-method", body=asked)

    assert (removed.status, removed.body["pending"]) == (202, True)
    assert removed.data == {"payment_method_id": found, "status": "processing"}
