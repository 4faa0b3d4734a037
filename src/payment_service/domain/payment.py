"""A payment: everything about one order's money, in one document.

This file says what a payment is and what a caller may begin; `corridor.py` says how it goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from payment_service.domain import refund as refunds
from payment_service.domain.call import Call, begin_call
from payment_service.domain.errors import (
    OrderAlreadyPaid,
    PaymentInProgress,
    PaymentNotRefundable,
    RefundExceedsRemaining,
)
from payment_service.domain.moment import Door, Moment
from payment_service.domain.notice import Notice, NoticeState
from payment_service.domain.refund import Refund

# The time line keeps how it began and what came last; what lies between is in the logs.
HISTORY_MAX = 200
HISTORY_HEAD = 20
# More refunds than this on one payment is a mistake of a program, and would outgrow the document.
REFUNDS_MAX = 100


class State(StrEnum):
    """Where a payment stands. Stripe's words, and `asking`: we asked and have no definite news."""

    ASKING = "asking"
    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    REQUIRES_CAPTURE = "requires_capture"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


# Never left again.
FINAL = frozenset({State.SUCCEEDED, State.CANCELED})
# Nobody has the money and nobody is taking it: another attempt may begin.
OPEN = frozenset({State.REQUIRES_PAYMENT_METHOD, State.REQUIRES_CONFIRMATION})


class Operation(StrEnum):
    """What an attempt asks for."""

    CREATE = "create"
    CONFIRM = "confirm"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed for the order: who pays how much, and how. Amount in minor units."""

    amount_minor: int
    currency: str
    customer_id: str | None
    confirm: bool = True
    capture_method: str = "automatic"
    return_url: str | None = None
    description: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def same_deal(self, other: "Terms") -> bool:
        """Whether both ask the same money of the same person."""
        return (self.amount_minor, self.currency, self.customer_id) == (
            other.amount_minor,
            other.currency,
            other.customer_id,
        )


@dataclass(frozen=True, slots=True)
class Order:
    """A request to pay an order. `retry_key` is the caller's idempotency key, if one was sent."""

    id: str
    terms: Terms
    payment_method_id: str | None
    request_id: str
    retry_key: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One operation on the PaymentIntent that is asked for and not yet settled.

    charge_before: the latest charge when it began; another one later is this attempt's doing.
    """

    operation: Operation
    call: Call
    payment_method_id: str | None
    request_id: str
    charge_before: str | None = None
    retry_key: str | None = None


class FailureKind(StrEnum):
    """Why an attempt ended without money."""

    DECLINED = "declined"  # the card was refused
    REJECTED = "rejected"  # Stripe would not do what we asked
    UNAVAILABLE = "unavailable"  # Stripe could not be reached; it surely did nothing
    ABANDONED = "abandoned"  # given up after doubt, with the evidence that nothing happened


@dataclass(frozen=True, slots=True)
class Failure:
    """How the last attempt failed; a later success or attempt clears it."""

    kind: FailureKind
    code: str
    message: str
    decline_code: str | None = None
    param: str | None = None
    payment_method_id: str | None = None
    retry_key: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the time line."""

    at: datetime
    what: str
    door: Door
    stripe_request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """The document of one order.

    id: the order's id. uid: made once, the root of every idempotency key of this payment.
    status: the last definite state; `state` is what to show.
    generation: how many PaymentIntents this order has had.
    attempts_made: how many attempts were begun; numbers the keys.
    entered_at: when `status` was entered. look_at, refunds_look_at: when to look at Stripe though
    nothing is in doubt, since others act there too. looks: how often we looked in this status.
    """

    id: str
    uid: str
    version: int
    created_at: datetime
    updated_at: datetime
    terms: Terms
    status: State
    entered_at: datetime
    generation: int = 1
    attempts_made: int = 0
    attempt: Attempt | None = None
    intent_id: str | None = None
    charge_id: str | None = None
    payment_method_id: str | None = None
    received_minor: int = 0
    failure: Failure | None = None
    cancellation_reason: str | None = None
    refunds: tuple[Refund, ...] = ()
    notices: tuple[Notice, ...] = ()
    history: tuple[Entry, ...] = ()
    look_at: datetime | None = None
    refunds_look_at: datetime | None = None
    looks: int = 0

    @property
    def state(self) -> State:
        """What to show: while an attempt is unsettled nobody knows more than `asking`."""
        return State.ASKING if self.attempt is not None else self.status

    @property
    def order_id(self) -> str:
        """The order that this is the payment of."""
        return self.id

    @property
    def refunded_minor(self) -> int:
        """Refunds that succeeded: Stripe's figure once everything is at rest."""
        done = (r for r in self.refunds if r.status is refunds.RefundStatus.SUCCEEDED)
        return sum(r.amount_minor for r in done)

    @property
    def refundable_minor(self) -> int:
        """Captured, less every refund done or under way."""
        return self.received_minor - sum(r.amount_minor for r in self.refunds if r.holds_money)

    @property
    def wake_at(self) -> datetime | None:
        """When somebody must work on this document next, whoever does it."""
        times = [r.call.due_at for r in self.refunds if r.call]
        owed = (n.call.due_at for n in self.notices if n.state is NoticeState.OWED)
        times += list(owed)[:1]  # strictly in order: a later one waits its turn
        if self.attempt:
            times.append(self.attempt.call.due_at)
        elif self.look_at:
            times.append(self.look_at)
        if self.refunds_look_at:
            times.append(self.refunds_look_at)
        return min(times) if times else None


def noted(payment: Payment, what: str, moment: Moment, request_id: str | None = None) -> Payment:
    """Return the payment with one more line in its time line."""
    entry = Entry(at=moment.now, what=what, door=moment.door, stripe_request_id=request_id)
    history = (*payment.history, entry)
    if len(history) > HISTORY_MAX:
        history = (*history[:HISTORY_HEAD], *history[HISTORY_HEAD + 1 :])
    return replace(payment, history=history, updated_at=moment.now)


def open_payment(order: Order, uid: str, moment: Moment) -> Payment:
    """Return the first payment of an order, with its first attempt begun."""
    payment = Payment(
        id=order.id,
        uid=uid,
        version=0,
        created_at=moment.now,
        updated_at=moment.now,
        terms=order.terms,
        status=State.REQUIRES_PAYMENT_METHOD,
        entered_at=moment.now,
    )
    return begin_attempt(payment, Operation.CREATE, order, moment)


def pay_again(payment: Payment, order: Order, moment: Moment) -> Payment | None:
    """Return the payment with a new attempt begun, or None: the answer is the payment as it is.

    Raises OrderAlreadyPaid, PaymentInProgress: the order is (being) paid on other terms.
    """
    same = payment.terms.same_deal(order.terms)
    if not same and payment.state is State.SUCCEEDED:
        raise OrderAlreadyPaid("This order is paid, on other terms.", payment=payment)
    if not same and payment.state not in OPEN | {State.CANCELED}:
        raise PaymentInProgress("This order is being paid, on other terms.", payment=payment)
    if payment.state is State.CANCELED:
        return _next_generation(payment, order, moment)
    if payment.state not in OPEN:
        return None
    if not same and payment.intent_id:  # first make sure that the old one can never be paid
        return begin_attempt(payment, Operation.CANCEL, order, moment)
    if payment.intent_id is None:
        payment = replace(payment, terms=order.terms)
        return begin_attempt(payment, Operation.CREATE, order, moment)
    if not order.terms.confirm or order.payment_method_id is None or _was_declined(payment, order):
        return None
    return begin_attempt(payment, Operation.CONFIRM, order, moment)


def _was_declined(payment: Payment, order: Order) -> bool:
    """Whether this very try is known to be declined: same card, no new key that says 'again'."""
    failure = payment.failure
    return (
        failure is not None
        and failure.kind is FailureKind.DECLINED
        and failure.payment_method_id == order.payment_method_id
        and order.retry_key in {None, failure.retry_key}
    )


def _next_generation(payment: Payment, order: Order, moment: Moment) -> Payment:
    fresh = replace(
        payment,
        terms=order.terms,
        status=State.REQUIRES_PAYMENT_METHOD,
        entered_at=moment.now,
        generation=payment.generation + 1,
        intent_id=None,
        charge_id=None,
        cancellation_reason=None,
        look_at=None,
        looks=0,
    )
    return begin_attempt(fresh, Operation.CREATE, order, moment)


def begin_attempt(payment: Payment, operation: Operation, order: Order, moment: Moment) -> Payment:
    """Return the payment with an attempt that is due at once, under a key of its own."""
    number = payment.attempts_made + 1
    attempt = Attempt(
        operation=operation,
        call=begin_call(f"{payment.uid}-{number}-{operation}", moment.now),
        payment_method_id=order.payment_method_id,
        request_id=order.request_id,
        charge_before=payment.charge_id,
        retry_key=order.retry_key,
    )
    begun = replace(payment, attempts_made=number, attempt=attempt, failure=None)
    return noted(begun, f"{operation}.begun", moment)


def begin_refund(
    payment: Payment,
    refund_id: str,
    amount_minor: int | None,
    reason: str | None,
    moment: Moment,
    *,
    request_id: str | None = None,
) -> Payment:
    """Return the payment with a refund reserved, or as it is when it has that refund already.

    amount_minor: None refunds all that is left. request_id: of whoever asks, for Stripe's books.
    Raises PaymentNotRefundable, RefundExceedsRemaining.
    """
    if any(r.id == refund_id for r in payment.refunds):
        return payment
    if payment.state is not State.SUCCEEDED:
        raise PaymentNotRefundable(
            f"Nothing was captured: this payment is {payment.state}.", payment=payment
        )
    left = payment.refundable_minor
    amount = left if amount_minor is None else amount_minor
    if left <= 0 or amount > left:
        raise RefundExceedsRemaining(
            f"{amount_minor if amount_minor is not None else 'Something'} was asked for and "
            f"{left} {payment.terms.currency} (minor units) is left to refund.",
            payment=payment,
        )
    if len(payment.refunds) >= REFUNDS_MAX:
        raise PaymentNotRefundable("This payment has too many refunds.", payment=payment)
    made = refunds.reserved(refund_id, amount, f"{payment.uid}-{refund_id}", moment.now, reason)
    made = replace(made, request_id=request_id)
    begun = replace(payment, refunds=(*payment.refunds, made))
    return noted(begun, "refund.begun", moment)
