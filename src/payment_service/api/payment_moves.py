"""What can be done with a payment that is there: confirm, capture, cancel."""

from collections.abc import Mapping

from pydantic import BaseModel

from payment_service.api.amounts import check_parts
from payment_service.api.answer_models import PaymentAnswer, PendingAnswer
from payment_service.api.answers import Answer
from payment_service.api.asked import AskedCancellation, AskedCapture, AskedConfirmation
from payment_service.api.belonging import own_payment, own_unheld_payment
from payment_service.api.caller import Scope
from payment_service.api.contradictions import read_parts, refuse_contradictions
from payment_service.api.endpoint import Api, Endpoint, read, services_only
from payment_service.api.idempotency import key_id
from payment_service.api.incoming import Incoming
from payment_service.api.payments import answer_of, asking_payer, shown
from payment_service.api.validation import Findings, checked
from payment_service.flows import cancel as canceling
from payment_service.flows import capture as capturing
from payment_service.flows.confirm_payment import confirm_payment
from payment_service.flows.find_payment import find_payment

_PARTS = ("amount",)


async def confirm(api: Api, call: Incoming) -> Answer:
    asked = checked(AskedConfirmation, call.body)
    payment = await find_payment(api.world, call.path["id"])
    refuse_contradictions(AskedConfirmation, call.body, payment, api.options)
    confirming = confirm_payment(
        api.world,
        payment,
        payment_method_id=asked.payment_method_id,
        return_url=asked.return_url,
        request_id=call.request_id,
        retry_key=key_id(call.caller.name, call.key) if call.key else None,
        deadline=api.deadline(),
        bearer_token=call.bearer_token,
    )
    return asking_payer(api, call, await answer_of(api, call, confirming))


async def capture(api: Api, call: Incoming) -> Answer:
    read(api, call, capture_in)
    payment = await find_payment(api.world, call.path["id"])
    [amount_minor] = read_parts(AskedCapture, call.body, payment, api.options, _PARTS)
    payment = await capturing.capture(
        api.world,
        payment,
        amount_minor=amount_minor,
        request_id=call.request_id,
        deadline=api.deadline(),
    )
    return await shown(api, payment)


def capture_in(api: Api, call: Incoming, findings: Findings) -> AskedCapture | None:
    """Return what is to be captured, as far as the request says it."""
    asked = findings.fields(AskedCapture, call.body)
    check_parts(call.body, findings, api.options, _PARTS)
    return asked


async def cancel(api: Api, call: Incoming) -> Answer:
    asked = checked(AskedCancellation, call.body)
    payment = await find_payment(api.world, call.path["id"])
    refuse_contradictions(AskedCancellation, call.body, payment, api.options)
    payment = await canceling.cancel(
        api.world,
        payment,
        reason=asked.reason,
        request_id=call.request_id,
        deadline=api.deadline(),
    )
    return await shown(api, payment)


_ANSWERS: Mapping[int, type[BaseModel]] = {200: PaymentAnswer, 202: PendingAnswer}

ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/payment-intent/{id:path}/confirm",
        handle=confirm,
        scope=Scope.WRITE,
        guard=own_payment,
        name="confirm_payment",
        tag="payments",
        summary="Confirm a payment after the payer acted, or with another card",
        description=(
            "It is looked at Stripe first, so that what the payer's client has done is known at "
            "once. With `paymentMethodId` the same PaymentIntent is confirmed with that card; "
            "without one only a payment that was created with a card is confirmed, or one whose "
            "bank wanted to see the absent payer: a default card is never charged here. One that "
            "waits for 3-D Secure is answered as by paying the order."
        ),
        asks=AskedConfirmation,
        answers=_ANSWERS,
        refusals={
            400: ("card_not_usable", "card_detached"),
            402: ("card_declined", "authentication_required"),
            404: ("not_found", "card_not_found"),
            409: ("payment_canceled", "payment_in_progress", "order_already_paid"),
            429: ("too_many_card_refusals",),
        },
    ),
    Endpoint(
        method="POST",
        path="/payment-intent/{id:path}/capture",
        handle=capture,
        scope=Scope.WRITE,
        guard=services_only,
        name="capture_payment",
        tag="payments",
        summary="Capture an authorised payment, whole or in part",
        description=(
            "Takes what is held (`captureMethod: manual`); without `amount` all of it. What is not "
            "taken is released: a hold is captured once. The same again answers as before."
        ),
        asks=AskedCapture,
        reads=capture_in,
        answers=_ANSWERS,
        refusals={
            400: ("amount_not_integer", "amount_null", "amount_not_positive"),
            402: ("capture_refused",),
            404: ("not_found",),
            409: (
                "payment_not_capturable",
                "hold_expired",
                "capture_exceeds_hold",
                "payment_in_progress",
                "order_already_paid",
            ),
        },
    ),
    Endpoint(
        method="POST",
        path="/payment-intent/{id:path}/cancel",
        handle=cancel,
        scope=Scope.WRITE,
        guard=own_unheld_payment,
        name="cancel_payment",
        tag="payments",
        summary="Cancel a payment: void what is not captured",
        description=(
            "After it the payment can never be paid; the order can, by paying it again. A success "
            "that comes first wins, and is answered with 409."
        ),
        asks=AskedCancellation,
        answers=_ANSWERS,
        refusals={
            403: ("service_required",),
            404: ("not_found",),
            409: ("payment_not_cancelable", "payment_in_progress"),
        },
    ),
)
