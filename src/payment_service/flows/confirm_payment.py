"""Confirm a payment: after the payer's client has acted, or with another card."""

from dataclasses import replace
from datetime import datetime

from payment_service.domain.errors import Refusal
from payment_service.domain.moment import Moment
from payment_service.domain.payment import Order, Payment
from payment_service.domain.stripe_errors import Action
from payment_service.domain.wishes import confirm_payment as begin_confirmation
from payment_service.flows.advance import PAYMENT
from payment_service.flows.guard_cards import trying
from payment_service.flows.look_again import may_have_moved, try_refresh
from payment_service.flows.own_attempt import Begun, judged_charge
from payment_service.flows.settle import settle
from payment_service.flows.world import World


async def confirm_payment(
    world: World,
    payment: Payment,
    *,
    payment_method_id: str | None,
    return_url: str | None,
    request_id: str,
    retry_key: str | None,
    deadline: datetime,
    bearer_token: str | None = None,
) -> Payment:
    """Return the payment as it stands at the latest at the deadline; `asking` is not known yet.

    It is looked at first: what the payer's client has done is then known. A default card is never
    taken here, for a client that did nothing has not said that it should be charged.
    Raises PaymentCanceled, OrderAlreadyPaid, TooManyCardRefusals, InvalidRequest, RefusedByStripe,
    StoreUnavailable; GatewayLost: there is nothing to begin, unless the payer's client did nothing,
    and Stripe does not say what it did.
    """
    with trying(world) as card_try:
        await card_try.let(customer_id=payment.terms.customer_id, card=payment_method_id)
        return await _confirm(
            world,
            payment,
            payment_method_id=payment_method_id,
            return_url=return_url,
            request_id=request_id,
            retry_key=retry_key,
            deadline=deadline,
            bearer_token=bearer_token,
        )


async def _confirm(
    world: World,
    payment: Payment,
    *,
    payment_method_id: str | None,
    return_url: str | None,
    request_id: str,
    retry_key: str | None,
    deadline: datetime,
    bearer_token: str | None,
) -> Payment:
    payment, unseen = await try_refresh(world, payment)
    # Whoever confirms is there: what was asked for off session goes on with the payer present.
    terms = replace(
        payment.terms,
        confirm=True,
        off_session=False,
        return_url=return_url or payment.terms.return_url,
    )
    order = Order(payment.id, terms, payment_method_id, request_id, retry_key)

    def wish(current: Payment, moment: Moment) -> Payment | None:
        return begin_confirmation(current, order, moment)

    begun = Begun(wish)
    while True:  # each round but the last waits for an attempt of somebody else's
        try:
            claimed = await begun.commit(world, payment)
        except Refusal as refusal:
            raise unseen or refusal from None
        if unseen is not None and may_have_moved(claimed.doc):
            raise unseen
        payment = await settle(
            world,
            PAYMENT,
            claimed,
            settled=begun.is_settled,
            deadline=deadline,
            bearer_token=bearer_token,
        )
        unseen = None
        if payment.attempt is not None or not begun.waited_for_another(payment_method_id):
            return await judged_charge(world, payment, Action.CONFIRM, begun, confirming=True)
