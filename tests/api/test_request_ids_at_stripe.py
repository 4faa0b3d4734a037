"""Whatever a request makes at Stripe carries the request's id, so that the books can be joined."""

import json
from typing import Any

from stripe_sandbox.engine import Request
from tests.api.conftest import Api
from tests.parts.virtual_time import epoch_s


def metadata_of(api: Api, path: str) -> dict[str, Any]:
    """Return the metadata of an object at Stripe."""
    headers = {"authorization": "Bearer sk_test_tests"}
    asked = Request(method="GET", path=path, query="", headers=headers, body=b"")
    body = json.loads(api.shop.engine.handle(asked, now=epoch_s()).body)
    found: dict[str, Any] = body["metadata"]
    return found


async def test_customers_payments_and_refunds_carry_it(api: Api) -> None:
    made = await api.post(
        "/payment/customer", {"email": "req@example.com"}, **{"X-Request-Id": "of-customer"}
    )
    paid = await api.pay()
    back = await api.post(
        "/payment/refund", {"orderId": "order-1"}, **{"X-Request-Id": "of-refund"}
    )

    customer = metadata_of(api, f"/v1/customers/{made.data['customerId']}")
    intent = metadata_of(api, f"/v1/payment_intents/{paid.data['payment_intent_id']}")
    refund = metadata_of(api, f"/v1/refunds/{back.data['refund_id']}")
    assert customer["request_id"] == "of-customer"
    assert intent["request_id"] == paid.headers["x-request-id"]
    assert refund["request_id"] == "of-refund"
    assert {m["service"] for m in (customer, intent, refund)} == {"payment-service"}
    assert {m["order_id"] for m in (intent, refund)} == {"order-1"}
