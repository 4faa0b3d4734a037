"""Refunds at the HTTP door."""

from payment_service.api.amounts import check_parts
from payment_service.api.answer_models import PendingAnswer, RefundAnswer
from payment_service.api.answers import Answer, about, pending, success
from payment_service.api.asked import AskedRefund
from payment_service.api.belonging import own_refund
from payment_service.api.caller import Scope
from payment_service.api.contradictions import read_parts
from payment_service.api.endpoint import Api, Endpoint, read, services_only
from payment_service.api.idempotency import derived_id, key_id
from payment_service.api.incoming import Incoming
from payment_service.api.validation import Findings
from payment_service.domain.errors import NotFound
from payment_service.domain.payment import Payment
from payment_service.domain.refund import Refund, RefundStatus
from payment_service.flows.find_payment import find_payment
from payment_service.flows.find_refund import REFERENCE_PREFIX, find_refund
from payment_service.flows.refund_payment import refund_payment

_PARTS = ("amount", "expectedRefundable")
# No payment has more refunds than this (REFUNDS_MAX of the domain is lower).
_TRIES_MAX = 1000


async def refund(api: Api, call: Incoming) -> Answer:
    asked = read(api, call, asked_in)
    payment = await find_payment(api.world, asked.payment_intent_id or asked.order_id or "")
    if asked.payment_intent_id not in {None, payment.intent_id}:  # an order that is called so
        raise NotFound("There is no such payment.")
    amount_minor, expected_minor = read_parts(AskedRefund, call.body, payment, api.options, _PARTS)
    payment, made = await refund_payment(
        api.world,
        payment,
        refund_id=_refund_id(api, call, payment),
        amount_minor=amount_minor,
        reason=asked.reason,
        deadline=api.deadline(),
        request_id=call.request_id,
        expected_minor=expected_minor,
    )
    if made.status is RefundStatus.ASKING:
        return _pending(payment, made)
    return about(payment.terms.customer_id, api.show.refund(payment, made))


def asked_in(api: Api, call: Incoming, findings: Findings) -> AskedRefund | None:
    """Return what is to be refunded, as far as the request says it."""
    sent = call.body
    asked = findings.fields(AskedRefund, sent)
    if (sent.get("paymentIntentId") is None) == (sent.get("orderId") is None):
        findings.bad("paymentIntentId", "is required, or orderId instead of it; not both")
    check_parts(sent, findings, api.options, _PARTS)
    return asked


def _refund_id(api: Api, call: Incoming, payment: Payment) -> str:
    """Return the id of the refund that this request asks for.

    With a key it follows from the key, so that a request that is sent again after a crash finds the
    refund it made. One that surely failed is not found again: the caller may try anew.
    """
    if call.key is None:
        return api.world.ids.new(REFERENCE_PREFIX)
    failed = {r.id for r in payment.refunds if r.status is RefundStatus.FAILED}
    seed = key_id(call.caller.name, call.key)
    ids = (derived_id(REFERENCE_PREFIX, f"{seed}\n{number}") for number in range(_TRIES_MAX))
    return next(made for made in ids if made not in failed)


def _pending(payment: Payment, made: Refund) -> Answer:
    return pending(
        "Stripe has not said yet whether the refund was made. It becomes known by itself; ask for "
        "the payment to see it.",
        {
            "refund_id": made.id,
            "reference": made.id,
            "orderId": payment.id,
            "payment_intent": payment.intent_id,
        },
    )


async def get(api: Api, call: Incoming) -> Answer:
    payment, found = await find_refund(api.world, call.path["refundId"])
    return success(api.show.refund(payment, found))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/refund/{refundId}",
        handle=get,
        scope=Scope.READ,
        guard=own_refund,
        name="get_refund",
        tag="refunds",
        summary="Get a refund by its id at Stripe or by our reference",
        answers={200: RefundAnswer},
        refusals={404: ("not_found",)},
    ),
    Endpoint(
        method="POST",
        path="/refund",
        handle=refund,
        scope=Scope.WRITE,
        guard=services_only,
        name="refund_payment",
        tag="refunds",
        summary="Refund a payment, whole or in part",
        description=(
            "Name the payment by `paymentIntentId` or by `orderId`. Without `amount` all that is "
            "left is refunded; null is refused, since it may be a mistake. With "
            "`expectedRefundable`, what you believe to be left, the same asked twice is done once: "
            "409 when another amount is left."
        ),
        asks=AskedRefund,
        reads=asked_in,
        answers={200: RefundAnswer, 202: PendingAnswer},
        refusals={
            400: ("amount_not_integer", "amount_null", "amount_not_positive"),
            404: ("not_found",),
            409: (
                "refund_exceeds_remaining",
                "refundable_differs",
                "payment_not_refundable",
                "payment_disputed",
                "payment_in_progress",
                "refund_balance_insufficient",
                "refund_failed",
            ),
        },
    ),
)
