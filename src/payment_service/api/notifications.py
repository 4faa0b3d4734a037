"""Notifications of the OrderService at the HTTP door: send one again, now."""

from payment_service.api.answer_models import NotificationAnswer
from payment_service.api.answers import Answer
from payment_service.api.asked import AskedRetry
from payment_service.api.caller import Scope
from payment_service.api.endpoint import Api, Endpoint, services_only
from payment_service.api.incoming import Incoming
from payment_service.api.presenting import shown_notice
from payment_service.api.validation import checked
from payment_service.flows.find_payment import find_payment
from payment_service.flows.retry_notification import retry_notification


async def retry(api: Api, call: Incoming) -> Answer:
    asked = checked(AskedRetry, call.body)
    payment, notice = await retry_notification(
        api.world,
        await find_payment(api.world, call.path["id"]),
        call.path["key"],
        again=asked.again,
        who=call.caller.name,
    )
    body = {
        "success": True,
        "pending": True,
        "message": "The notification is being sent; the payment shows when it is delivered.",
        "data": {"orderId": payment.id, **shown_notice(notice)},
    }
    return Answer(202, body)


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/payment-intent/{id:path}/notifications/{key}/retry",
        handle=retry,
        scope=Scope.ADMIN,
        guard=services_only,
        name="retry_notification",
        tag="payments",
        summary="Send a notification of the OrderService again",
        description=(
            "For one that is dead, or waits for its next try: it is sent at once, under the "
            "`Idempotency-Key` that it had, and then for three days as a new one. One that was "
            "delivered is sent again only with `again: true`. Who did so is in the audit."
        ),
        asks=AskedRetry,
        body_optional=True,
        answers={202: NotificationAnswer},
        refusals={404: ("not_found",), 409: ("notification_not_retryable",)},
    ),
)
