"""What a customer has, and requests that ask for it."""

from dataclasses import dataclass
from typing import Any

from payment_service.api.endpoint import Endpoint
from tests.api.access import Guarded


@dataclass(frozen=True)
class Belongings:
    """All that one customer has, by its ids; or all that nobody has."""

    email: str
    customer_id: str
    card_id: str
    order_id: str
    intent_id: str
    refund_id: str
    stripe_refund_id: str
    event_id: str


NOBODYS = Belongings(
    "nobody@example.com",
    "cus_nope",
    "pm_nope",
    "order-nope",
    "pi_nope",
    "rfd_nope",
    "re_nope",
    "evt_nope",
)


async def belongings(api: Guarded, email: str, order_id: str) -> Belongings:
    """Let a service make a customer with a card, a payment and a refund."""
    service = api.provider.token()
    made = await api.as_(service, "POST", "/payment/customer", {"email": email})
    customer_id = made.data["customerId"]
    card = {"customerId": customer_id, "paymentMethodId": "pm_card_visa"}
    added = await api.as_(service, "POST", "/payment/payment-method", card)
    asked = {"amount": 6522, "orderId": order_id, "customerId": customer_id, "confirm": True}
    paid = await api.as_(service, "POST", "/payment/payment-intent", asked)
    back = {"orderId": order_id, "amount": 1000}
    refund = await api.as_(service, "POST", "/payment/refund", back)
    assert (paid.status, refund.status) == (200, 200)
    return Belongings(
        email,
        customer_id,
        added.data["payment_method_id"],
        order_id,
        paid.data["payment_intent_id"],
        refund.data["reference"],
        refund.data["refund_id"],
        "evt_1",
    )


def asking_for(endpoint: Endpoint, whose: Belongings, thing: str = "order_id") -> tuple[str, Any]:
    """Return path and body that ask an endpoint for somebody's things."""
    path = "/payment" + (
        endpoint.path.replace(
            "{customer:path}", whose.email if endpoint.method == "GET" else whose.customer_id
        )
        .replace("{customerId}", whose.customer_id)
        .replace("{id:path}", getattr(whose, thing))
        .replace("{refundId}", whose.refund_id)
        .replace("{eventId}", whose.event_id)
    )
    if not endpoint.reads_body:
        return path, None
    every_field = {
        "email": whose.email,
        "customerId": whose.customer_id,
        "paymentMethodId": whose.card_id,
        "orderId": whose.order_id,
        "amount": 6522,
        "isDefault": True,
        "cardholderName": "J",
        "last4": "1",
        "cardType": "v",
        "expiryDate": "1",
    }
    known = (
        {field.alias or name for name, field in endpoint.asks.model_fields.items()}
        if endpoint.asks
        else set()
    )
    return path, {name: value for name, value in every_field.items() if name in known}
