"""Refund a payment: reserve the amount and write the intention in one step, then ask Stripe."""

from contextlib import suppress
from datetime import datetime

from payment_service.domain.moment import Door, Moment
from payment_service.domain.news import Denial
from payment_service.domain.payment import Payment
from payment_service.domain.refund import RELEASED, Refund
from payment_service.domain.refund_place import RefundPlace
from payment_service.domain.stripe_errors import (
    OF_OUR_KEY,
    Action,
    ErrorClass,
    RefusedByStripe,
    class_of,
)
from payment_service.domain.wishes import begin_refund
from payment_service.flows.advance import PAYMENT, Claimed, commit
from payment_service.flows.own_attempt import when_free
from payment_service.flows.settle import settle
from payment_service.flows.stripe_time import know_time
from payment_service.flows.world import World
from payment_service.ports import AlreadyExists
from payment_service.storage.collections import REFUND_PLACES

# Stripe's reason for a refund that failed since the balance that it comes from is empty.
BALANCE_EMPTY = "insufficient_funds"


async def refund_payment(
    world: World,
    payment: Payment,
    *,
    refund_id: str,
    amount_minor: int | None,
    reason: str | None,
    deadline: datetime,
    request_id: str | None = None,
    expected_minor: int | None = None,
) -> tuple[Payment, Refund]:
    """Return the payment and its refund as they stand at the latest at the deadline.

    refund_id: the same id again is the same refund. amount_minor: None refunds all that is left.
    expected_minor: what the caller believes to be left.
    Raises PaymentNotRefundable, RefundExceedsRemaining, RefundableDiffers, PaymentInProgress,
    RefusedByStripe, and Unavailable: nothing was refunded; GatewayLost: nothing was captured as far
    as we know, and Stripe does not say.
    """

    def begin(current: Payment, moment: Moment) -> Payment:
        return begin_refund(
            current,
            refund_id,
            amount_minor,
            reason,
            moment,
            request_id=request_id,
            expected_minor=expected_minor,
        )

    async def begun(current: Payment) -> Claimed[Payment]:
        begin(current, world.moment(Door.REQUEST))  # what is refused leaves nothing behind
        place = RefundPlace(refund_id, 0, payment.id, world.clock.now())
        with suppress(AlreadyExists):  # before the refund: one that points nowhere harms nobody
            await world.store.insert(REFUND_PLACES, place)
        return await commit(world, PAYMENT, current, begin, Door.REQUEST)

    await know_time(world)
    claimed = await when_free(world, payment, begun, deadline=deadline)
    refunded = await settle(
        world,
        PAYMENT,
        claimed,
        settled=lambda p: _refund(p, refund_id).call is None,
        deadline=deadline,
    )
    refund = _refund(refunded, refund_id)
    if refund.status in RELEASED:
        _check_rules(refunded, amount_minor, world.moment(Door.REQUEST))
        raise _refusal(refunded, refund)
    return refunded, refund


def _check_rules(payment: Payment, amount_minor: int | None, moment: Moment) -> None:
    """Refuse by what a look has shown since: a refund made elsewhere, say, or a dispute."""
    begin_refund(payment, "", amount_minor, None, moment)


def _refusal(payment: Payment, refund: Refund) -> RefusedByStripe:
    code, message = refund.failure or "unknown", refund.failure_message or ""
    denial = Denial(code, message, param=refund.failure_param)
    kind = class_of(Action.REFUND, denial)
    if refund.stripe_refund_id is not None:  # it was made, and the money did not go
        empty = code == BALANCE_EMPTY
        kind = ErrorClass.BALANCE_INSUFFICIENT if empty else ErrorClass.REFUND_FAILED
    elif refund.unavailable and kind not in OF_OUR_KEY:
        kind = ErrorClass.UNAVAILABLE
    return RefusedByStripe(Action.REFUND, kind, denial, payment=payment)


def _refund(payment: Payment, refund_id: str) -> Refund:
    return next(r for r in payment.refunds if r.id == refund_id)
