"""A payment: everything about one order's money, in one document.

This file says what a payment is; `wishes.py` what a caller may begin, `corridor.py` how it goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from payment_service.domain import dispute as disputes
from payment_service.domain import refund as refunds
from payment_service.domain.call import Call, begin_call
from payment_service.domain.dispute import Dispute, FraudWarning
from payment_service.domain.history import Entry, with_entry
from payment_service.domain.hold import Hold
from payment_service.domain.moment import Moment
from payment_service.domain.news import ChargeOutcome, Denial
from payment_service.domain.notice import Notice, next_owed
from payment_service.domain.order_proof import Claim
from payment_service.domain.refund import Refund
from payment_service.domain.schema import SCHEMA, Schema

# More refunds than this on one payment is a mistake of a program, and would outgrow the document.
REFUNDS_MAX = 100
# What became of an attempt that went on under another key.
WITHOUT_NEWS = "without_news"
# Cards tried one after the other; the earliest are in the logs.
PAST_ATTEMPTS_MAX = 50


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
    CAPTURE = "capture"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed for the order: who pays how much, and how. Amount in minor units.

    off_session: whether the card is charged while its holder is away, who cannot authenticate then.
    """

    amount_minor: int
    currency: str
    customer_id: str | None
    confirm: bool = True
    capture_method: str = "automatic"
    return_url: str | None = None
    description: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    off_session: bool = False

    @property
    def is_held(self) -> bool:
        """Whether the money is only held until it is captured."""
        return self.capture_method == "manual"

    def same_deal(self, other: "Terms") -> bool:
        """Whether both ask the same money of the same person."""
        ours = self.amount_minor, self.currency, self.customer_id
        return ours == (other.amount_minor, other.currency, other.customer_id)


@dataclass(frozen=True, slots=True)
class Order:
    """A request to pay an order. `retry_key` is the caller's idempotency key, if one was sent.

    names_card: whether the caller named the card; else it is the customer's default, if any.
    is_proved: whether its terms are the shop's: asked for by a service, or proved by an end user.
    """

    id: str
    terms: Terms
    payment_method_id: str | None
    request_id: str
    retry_key: str | None = None
    names_card: bool = True
    is_proved: bool = True


@dataclass(frozen=True, slots=True)
class Attempt:
    """One operation on the PaymentIntent that is asked for and not yet settled.

    charge_before: the latest charge when it began; another one later is this attempt's doing.
    amount_minor: how much to capture, None all of it. reason: why to cancel, in Stripe's words.
    """

    operation: Operation
    call: Call
    payment_method_id: str | None
    request_id: str
    charge_before: str | None = None
    retry_key: str | None = None
    amount_minor: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """An attempt that is over.

    outcome: the status that it led to, or the kind of its failure; `without_news` when it went on
    under another key, as the next one. code, message, param, decline_code: of its failure.
    advice_code, network_…, charge_outcome: what Stripe said of a decline, see `news.Denial`.
    """

    number: int
    operation: Operation
    payment_method_id: str | None
    begun_at: datetime
    ended_at: datetime
    tries: int
    outcome: str
    code: str | None = None
    decline_code: str | None = None
    request_id: str | None = None
    stripe_request_id: str | None = None
    message: str | None = None
    param: str | None = None
    advice_code: str | None = None
    network_advice_code: str | None = None
    network_decline_code: str | None = None
    charge_outcome: ChargeOutcome | None = None

    @property
    def denial(self) -> Denial:
        """What Stripe said when it was refused."""
        return Denial(
            code=self.code or "",
            message=self.message or "",
            decline_code=self.decline_code,
            param=self.param,
            advice_code=self.advice_code,
            network_advice_code=self.network_advice_code,
            network_decline_code=self.network_decline_code,
            charge_outcome=self.charge_outcome,
        )

    @property
    def failure(self) -> "Failure | None":
        """Why it failed, None when it did not."""
        if self.outcome not in set(FailureKind):
            return None
        return Failure(
            kind=FailureKind(self.outcome),
            code=self.code or "",
            message=self.message or "",
            decline_code=self.decline_code,
            param=self.param,
            payment_method_id=self.payment_method_id,
            advice_code=self.advice_code,
            network_advice_code=self.network_advice_code,
            network_decline_code=self.network_decline_code,
            charge_outcome=self.charge_outcome,
        )


class FailureKind(StrEnum):
    """Why an attempt ended without money."""

    DECLINED = "declined"  # the card was refused
    REJECTED = "rejected"  # Stripe would not do what we asked
    UNAVAILABLE = "unavailable"  # Stripe could not be reached; it surely did nothing
    ABANDONED = "abandoned"  # given up after doubt, with the evidence that nothing happened


@dataclass(frozen=True, slots=True)
class Failure:
    """How the last attempt failed; a later success or attempt clears it.

    charge_id: the charge that a decline left at Stripe, whose outcome a later look may show.
    """

    kind: FailureKind
    code: str
    message: str
    decline_code: str | None = None
    param: str | None = None
    payment_method_id: str | None = None
    retry_key: str | None = None
    advice_code: str | None = None
    network_advice_code: str | None = None
    network_decline_code: str | None = None
    charge_outcome: ChargeOutcome | None = None
    charge_id: str | None = None

    @property
    def denial(self) -> Denial:
        """What Stripe said."""
        return Denial(
            code=self.code,
            message=self.message,
            decline_code=self.decline_code,
            param=self.param,
            advice_code=self.advice_code,
            network_advice_code=self.network_advice_code,
            network_decline_code=self.network_decline_code,
            charge_outcome=self.charge_outcome,
            charge_id=self.charge_id,
        )


@dataclass(frozen=True, slots=True)
class Payment:
    """The document of one order.

    id: the order's id. uid: made once, the root of every idempotency key of this payment.
    status: the last definite state; `state` is what to show. generation: how many PaymentIntents
    this order has had. attempts_made: how many attempts were begun; numbers the keys.
    entered_at: when `status` was entered. look_at, refunds_look_at, disputes_look_at: when to look
    at Stripe though nothing is in doubt, since others act there too. looks: how often we looked in
    this status. capturable_minor: what is held and may be captured. late_intent_id: a
    PaymentIntent of this order that took money although the order had given it up. claim: whose
    word the terms are; None when an older release wrote them.
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
    capturable_minor: int = 0
    hold: Hold | None = None
    disputes: tuple[Dispute, ...] = ()
    warnings: tuple[FraudWarning, ...] = ()
    disputes_look_at: datetime | None = None
    past_attempts: tuple[PastAttempt, ...] = ()
    late_intent_id: str | None = None
    claim: Claim | None = None
    schema: Schema = SCHEMA

    @property
    def state(self) -> State:
        """What to show: while an attempt is unsettled nobody knows more than `asking`."""
        return State.ASKING if self.attempt is not None else self.status

    @property
    def was_paid_late(self) -> bool:
        """Whether what the order had given up took its money: nothing more may be taken for it."""
        return self.late_intent_id is not None and self.status is not State.SUCCEEDED

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
        """Captured, less every refund done or under way; nothing while a dispute forbids it."""
        if self.blocking_dispute is not None:
            return 0
        return self.unrefunded_minor

    @property
    def unrefunded_minor(self) -> int:
        """Captured, less every refund done or under way."""
        return self.received_minor - sum(r.amount_minor for r in self.refunds if r.holds_money)

    @property
    def blocking_dispute(self) -> Dispute | None:
        """The dispute because of which nothing can be refunded, if there is one."""
        return next((d for d in self.disputes if d.blocks_refunds), None)

    @property
    def disputed_minor(self) -> int:
        """What the payer's bank has taken back: disputes that are open or lost."""
        return disputes.withdrawn_minor(self.disputes)

    @property
    def wake_at(self) -> datetime | None:
        """When somebody must work on this document next, whoever does it."""
        times = [r.call.due_at for r in self.refunds if r.call]
        owed = next_owed(self.notices)
        times += [owed[1]] if owed else []
        if self.attempt:
            times.append(self.attempt.call.due_at)
        elif self.look_at:
            times.append(self.look_at)
        times += [at for at in (self.refunds_look_at, self.disputes_look_at) if at]
        return min(times) if times else None


def noted(payment: Payment, what: str, moment: Moment, request_id: str | None = None) -> Payment:
    """Return the payment with one more line in its time line."""
    history = with_entry(payment.history, what, moment, request_id)
    return replace(payment, history=history, updated_at=moment.now)


def begin_attempt(
    payment: Payment,
    operation: Operation,
    moment: Moment,
    *,
    request_id: str,
    payment_method_id: str | None = None,
    retry_key: str | None = None,
    amount_minor: int | None = None,
    reason: str | None = None,
) -> Payment:
    """Return the payment with an attempt that is due at once, under a key of its own."""
    number = payment.attempts_made + 1
    attempt = Attempt(
        operation=operation,
        call=begin_call(f"{payment.uid}-{number}-{operation}", moment.now),
        payment_method_id=payment_method_id,
        request_id=request_id,
        charge_before=payment.charge_id,
        retry_key=retry_key,
        amount_minor=amount_minor,
        reason=reason,
    )
    begun = replace(payment, attempts_made=number, attempt=attempt, failure=None)
    return noted(begun, f"{operation}.begun", moment)


def attempt_over(
    payment: Payment,
    outcome: str,
    moment: Moment,
    *,
    failure: Failure | None = None,
    stripe_request_id: str | None = None,
) -> Payment:
    """Return the payment without its attempt, which is kept among the past ones with its outcome.

    failure: what the payment shows as its failure from now on.
    """
    attempt = payment.attempt
    if attempt is None:
        return payment
    past = PastAttempt(
        number=payment.attempts_made,
        operation=attempt.operation,
        payment_method_id=attempt.payment_method_id,
        begun_at=attempt.call.begun_at,
        ended_at=moment.now,
        tries=attempt.call.tries,
        outcome=outcome,
        code=failure.code if failure else None,
        decline_code=failure.decline_code if failure else None,
        message=failure.message if failure else None,
        param=failure.param if failure else None,
        request_id=attempt.request_id,
        stripe_request_id=stripe_request_id,
        advice_code=failure.advice_code if failure else None,
        network_advice_code=failure.network_advice_code if failure else None,
        network_decline_code=failure.network_decline_code if failure else None,
        charge_outcome=failure.charge_outcome if failure else None,
    )
    kept = (*payment.past_attempts, past)[-PAST_ATTEMPTS_MAX:]
    return replace(payment, attempt=None, past_attempts=kept, failure=failure or payment.failure)
