"""Payments at the HTTP door: pay an order."""

from collections.abc import Awaitable

from payment_service.api.answer_models import PaymentAnswer, PendingAnswer
from payment_service.api.answers import Answer, pending, success
from payment_service.api.asked import AskedPayment
from payment_service.api.asked_order import order_in
from payment_service.api.caller import Scope
from payment_service.api.client_secrets import intent_with_secret
from payment_service.api.endpoint import Api, Endpoint, read
from payment_service.api.incoming import Incoming
from payment_service.api.own_orders import own_order
from payment_service.api.problems import problem
from payment_service.domain.news import Denial
from payment_service.domain.payment import Payment, State
from payment_service.domain.stripe_errors import (
    AUTHENTICATION_REQUIRED,
    Action,
    ErrorClass,
    RefusedByStripe,
)
from payment_service.flows.find_payment import read_intent
from payment_service.flows.pay_order import pay_order

# The payer's client has something to do, for which it needs the client secret.
WAITS_FOR_PAYER = frozenset(
    {State.REQUIRES_ACTION, State.REQUIRES_CONFIRMATION, State.REQUIRES_PAYMENT_METHOD}
)

ASKS_PAYER = "The payer must authenticate this payment. Nothing was charged yet."


async def pay(api: Api, call: Incoming) -> Answer:
    order = read(api, call, order_in)
    paying = pay_order(api.world, order, deadline=api.deadline(), bearer_token=call.bearer_token)
    answer = await answer_of(api, call, paying)
    return asking_payer(api, call, answer, is_away=order.terms.off_session)


def asking_payer(api: Api, call: Incoming, answer: Answer, *, is_away: bool = False) -> Answer:
    """Return the answer as a 402 with the same data, if it asks the payer and the operator says so.

    Some clients read only `success`. is_away: whether the payer cannot act, as was said.
    """
    data = answer.body.get("data", {})
    if answer.status != 200 or data.get("status") != State.REQUIRES_ACTION:
        return answer
    if api.options.requires_action_status == 200 and not is_away:
        return answer
    denial = Denial(AUTHENTICATION_REQUIRED, ASKS_PAYER)
    refusal = RefusedByStripe(Action.PAY, ErrorClass.AUTHENTICATION_REQUIRED, denial)
    refused = problem(refusal, call.request_id, api.show)
    body = {**refused.body, "data": data}
    return Answer(refused.status, body, refused.headers, secret_of=answer.secret_of)


async def answer_of(api: Api, call: Incoming, charging: Awaitable[Payment]) -> Answer:
    """Return what the caller is told of a payment that a card is charged for."""
    try:
        payment = await charging
    except RefusedByStripe as refusal:
        if refusal.kind is not ErrorClass.AUTHENTICATION_REQUIRED:
            raise
        return await _bring_the_payer_back(api, call, refusal)
    return await shown(api, payment)


async def shown(api: Api, payment: Payment) -> Answer:
    """Return what the caller is told of a payment that stands as was wanted, or is on its way."""
    if payment.state is State.ASKING:
        return _pending(payment)
    if payment.state not in WAITS_FOR_PAYER:
        return success(api.show.payment(payment))
    intent = await intent_with_secret(api.world, payment)
    return Answer(
        200,
        {"success": True, "data": api.show.payment(payment, intent)},
        secret_of=payment.intent_id,
    )


async def _bring_the_payer_back(api: Api, call: Incoming, refusal: RefusedByStripe) -> Answer:
    """A 402 with what the payer's client needs to authenticate the same payment on session."""
    payment: Payment = refusal.details["payment"]
    refused = problem(refusal, call.request_id, api.show)
    intent = await read_intent(api.world, payment)
    return Answer(
        refused.status,
        {**refused.body, "data": api.show.payment(payment, intent)},
        refused.headers,
        secret_of=payment.intent_id if intent else None,
    )


def _pending(payment: Payment) -> Answer:
    data = {"orderId": payment.id}
    if payment.intent_id is not None:
        data |= {"payment_intent_id": payment.intent_id, "paymentIntentId": payment.intent_id}
    return pending(
        "Stripe has not said yet whether the payment went through. It becomes known by itself; ask "
        "for the payment to see it.",
        data,
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/payment-intent",
        handle=pay,
        scope=Scope.WRITE,
        guard=own_order,
        name="pay_order",
        tag="payments",
        summary="Pay an order",
        description=(
            "An order is paid once: the same request again answers with the payment as it is. "
            "After a refused card the same order may be paid with another one, and so it may while "
            "the first one waits for 3-D Secure. Without a card, or with `confirm: false`, the "
            "payment is only created, for Stripe.js to confirm with `client_secret`; the "
            "customer's default card is charged only with `confirm: true` or `offSession: true`. "
            "202 means that Stripe has not answered yet; the truth becomes known by itself. One "
            "that waits for 3-D Secure is answered 200 with `requires_action`, or, with the "
            "setting `REQUIRES_ACTION_STATUS=402`, 402 `authentication_required` with the same "
            "`data`. Unknown fields are ignored. An end user pays their own orders only: with "
            "`ORDER_PROOF=signed` by what the shop has signed (`orderProof`), with `order-service` "
            "by what the OrderService shows, else by who claims it first."
        ),
        asks=AskedPayment,
        reads=order_in,
        answers={200: PaymentAnswer, 202: PendingAnswer},
        refusals={
            400: (
                "amount_not_integer",
                "amount_too_small",
                "card_not_usable",
                "card_detached",
                "order_proof_differs",
            ),
            402: ("card_declined", "authentication_required"),
            403: ("order_proof_required", "order_proof_invalid", "service_required"),
            404: ("customer_not_found", "card_not_found", "not_found"),
            409: (
                "order_already_paid",
                "payment_in_progress",
                "payment_canceled",
                "customer_forgotten",
                "order_terms_differ",
            ),
            429: ("too_many_card_refusals",),
            503: ("order_service_unavailable",),
        },
    ),
)
