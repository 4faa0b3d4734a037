"""What became of the attempt that a request began: the answer is about that, and nothing else.

The state that the payment happens to be in says nothing about it: a hold stands after a refused
capture, an open challenge after another card that Stripe would not have.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from payment_service.domain.attempts import attempt_outcome
from payment_service.domain.errors import PaymentCanceled, PaymentInProgress
from payment_service.domain.moment import Door, Moment
from payment_service.domain.payment import (
    OPEN,
    Attempt,
    Failure,
    FailureKind,
    Operation,
    Payment,
    State,
)
from payment_service.domain.stripe_errors import (
    OF_OUR_KEY,
    Action,
    ErrorClass,
    RefusedByStripe,
    refused,
)
from payment_service.flows.advance import PAYMENT, Claimed, commit
from payment_service.flows.card_at_stripe import kind_by_card
from payment_service.flows.look_again import refuse_after_refresh, try_refresh
from payment_service.flows.settle import settle
from payment_service.flows.world import World

# Says what a caller may begin now: the payment with an attempt, or None when nothing is to be done.
Wish = Callable[[Payment, Moment], Payment | None]

NO_CHARGE = frozenset({Operation.CAPTURE, Operation.CANCEL})

# Where a payment is on its way to what was wanted.
GOES_ON = {
    Action.CAPTURE: frozenset({State.ASKING, State.PROCESSING}),
    Action.CANCEL: frozenset({State.ASKING}),
}
# What an attempt led to was undone since, or is too long ago to be known.
UNDONE = Failure(FailureKind.REJECTED, "payment_intent_unexpected_state", "It is undone.")


class Begun:
    """The change that begins what a caller wants, and which attempt its answer will be about.

    number: of the attempt that it began, or of somebody else's that it waits for; None while there
    is neither. joined: that of somebody else. makes_room: whether it only cancels what is in the
    way of what is wanted.
    """

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.number: int | None = None
        self.joined: Attempt | None = None
        self.makes_room = False

    def __call__(self, payment: Payment, moment: Moment) -> Payment:
        """Return the payment with what is wanted begun. Raises what the wish raises."""
        begun = self.wish(payment, moment)
        if begun is None:
            self.joined = payment.attempt
            self.makes_room = False
            self.number = payment.attempts_made if payment.attempt else None
            return payment
        self.own(begun)
        return begun

    def own(self, payment: Payment) -> None:
        """Take the attempt that was begun with this payment for our own, if one was."""
        self.joined = None
        attempt = payment.attempt
        self.makes_room = attempt is not None and attempt.operation is Operation.CANCEL
        self.number = payment.attempts_made if payment.attempt else None

    async def commit(self, world: World, payment: Payment) -> Claimed[Payment]:
        """Write down what is wanted, unless nothing is to be done. Raises what the wish raises."""
        return await commit(world, PAYMENT, payment, self, Door.REQUEST)

    async def commit_when_free(
        self, world: World, payment: Payment, *, deadline: datetime
    ) -> Claimed[Payment]:
        """Write it down once nothing else is under way. Raises as `when_free` does."""
        return await when_free(world, payment, partial(self.commit, world), deadline=deadline)

    def is_settled(self, payment: Payment) -> bool:
        """Whether there is an answer: the attempt is over, or nothing is under way."""
        return payment.attempt is None or self.failure(payment) is not None

    def failure(self, payment: Payment) -> Failure | None:
        """Return why the attempt failed, None when it did not, or when that is not known yet."""
        over = attempt_outcome(payment, self.number) if self.number is not None else None
        return over.failure if over is not None else None

    def waited_for_another(self, card: str | None) -> bool:
        """Whether what was waited for is not what is wanted: another card, or no charge at all."""
        joined = self.joined
        if joined is None:
            return False
        return joined.operation in NO_CHARGE or card not in {None, joined.payment_method_id}


def refusal_of(
    action: Action, failure: Failure, payment: Payment, *, kind: ErrorClass | None = None
) -> RefusedByStripe:
    """Return the refusal that a failed attempt comes to. kind: why, if that is known better."""
    denial = failure.denial
    match failure.kind:
        case FailureKind.DECLINED:
            return refused(action, denial, declined=True, payment=payment)
        case FailureKind.REJECTED if kind is None:
            return refused(action, denial, payment=payment)
        case FailureKind.ABANDONED:
            kind = ErrorClass.ABANDONED
        case FailureKind.UNAVAILABLE:
            by_key = refused(action, denial).kind
            kind = by_key if by_key in OF_OUR_KEY else ErrorClass.UNAVAILABLE
    assert kind is not None, "it is known why"
    return RefusedByStripe(action, kind, denial, payment=payment)


async def when_free(
    world: World,
    payment: Payment,
    act: Callable[[Payment], Awaitable[Claimed[Payment]]],
    *,
    deadline: datetime,
) -> Claimed[Payment]:
    """Return what `act` begins with the payment; what else is under way is waited for first.

    Raises PaymentInProgress: it is still under way at the deadline; else what `act` raises;
    GatewayLost: it would be refused by what may not be so any more, and Stripe does not say.
    """
    try:
        return await refuse_after_refresh(world, payment, act)
    except PaymentInProgress as busy:
        under_way = Claimed(busy.details["payment"], None)
        free = await settle(
            world, PAYMENT, under_way, settled=lambda p: p.attempt is None, deadline=deadline
        )
        if free.attempt is not None:
            raise
        return await act(free)


async def judged(world: World, payment: Payment, action: Action, begun: Begun) -> Payment:
    """Return the payment when what was wanted is so, or goes on by itself.

    A refusal of Stripe's may only mean that somebody else was faster, so the payment is looked at
    before anybody is told no. Raises RefusedByStripe, and the refusals of the wish.
    """
    failure = begun.failure(payment)
    if failure is not None and failure.kind is FailureKind.REJECTED:
        payment, _ = await try_refresh(world, payment)
    if failure is None and payment.state in GOES_ON[action]:
        return payment
    is_free = payment.attempt is None  # else it failed, and something else is under way already
    if is_free and begun.wish(payment, world.moment(Door.REQUEST)) is None:
        return payment
    raise refusal_of(action, failure or UNDONE, payment)


async def judged_charge(
    world: World, payment: Payment, action: Action, begun: Begun, *, confirming: bool
) -> Payment:
    """Return the payment when it went on as wanted, or goes on by itself; or as others brought it.

    confirming: whether a card was to be charged; else an earlier decline is no failure of this
    request. Raises RefusedByStripe: nothing was charged by this request; PaymentCanceled.
    """
    own = begun.failure(payment)
    failure = own or _earlier_failure(payment, confirming=confirming)
    if failure is None:
        if payment.state is State.CANCELED:
            raise PaymentCanceled("This payment is canceled; pay the order again.", payment=payment)
        return payment
    kind = None
    if failure.kind is FailureKind.REJECTED:
        kind = await kind_by_card(world, action, payment, failure)
        payment, _ = await try_refresh(world, payment)
    if payment.state in OPEN | {State.CANCELED, State.ASKING}:
        raise refusal_of(action, failure, payment, kind=kind)
    waits = payment.state is State.REQUIRES_ACTION
    if own and waits and begun.wish(payment, world.moment(Door.REQUEST)) is not None:
        raise refusal_of(action, failure, payment, kind=kind)
    return payment


def _earlier_failure(payment: Payment, *, confirming: bool) -> Failure | None:
    failure = payment.failure
    if failure is None or payment.state not in OPEN | {State.CANCELED}:
        return None
    if failure.kind is FailureKind.DECLINED and not confirming and payment.intent_id:
        return None
    return failure
