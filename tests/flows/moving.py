"""What is done with a payment that is there: by a caller of ours, and by the payer past us."""

import json
from urllib.parse import urlencode

from payment_service.domain.payment import Payment
from payment_service.flows.cancel import cancel
from payment_service.flows.capture import capture
from payment_service.flows.confirm_payment import confirm_payment
from stripe_sandbox.engine import Request
from tests.flows.buying import soon
from tests.parts.shop import Shop
from tests.parts.virtual_time import epoch_s


async def confirm(
    shop: Shop, payment: Payment, card: str | None = None, url: str | None = None
) -> Payment:
    return await confirm_payment(
        shop.world,
        payment,
        payment_method_id=card,
        return_url=url,
        request_id="req_2",
        retry_key=None,
        deadline=soon(shop),
    )


async def void(shop: Shop, payment: Payment, wait_s: float = 10) -> Payment:
    return await cancel(
        shop.world,
        payment,
        reason="requested_by_customer",
        request_id="req_2",
        deadline=soon(shop, wait_s),
    )


async def take(shop: Shop, payment: Payment, amount: int | None = None) -> Payment:
    return await capture(
        shop.world, payment, amount_minor=amount, request_id="req_2", deadline=soon(shop)
    )


def confirm_as_the_payer(shop: Shop, intent_id: str | None, card: str) -> str:
    """Confirm as Stripe.js does, past us; return the status."""
    wanted = Request(
        method="POST",
        path=f"/v1/payment_intents/{intent_id}/confirm",
        query="",
        headers={
            "authorization": "Bearer sk_test_tests",
            "content-type": "application/x-www-form-urlencoded",
        },
        body=urlencode({"payment_method": card}).encode(),
    )
    return str(json.loads(shop.engine.handle(wanted, now=epoch_s()).body)["status"])
