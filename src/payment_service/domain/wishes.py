"""What a caller may begin: each returns the payment with the intention in it, or says why not.

None instead of a payment means that nothing is to be done: the answer is the payment as it is.
"""

from dataclasses import replace

from payment_service.domain import claims, outcome
from payment_service.domain import refund as refunds
from payment_service.domain.errors import (
    CaptureExceedsHold,
    FieldError,
    HoldExpired,
    InvalidRequest,
    OrderAlreadyPaid,
    PaymentCanceled,
    PaymentDisputed,
    PaymentInProgress,
    PaymentNotCancelable,
    PaymentNotCapturable,
    PaymentNotRefundable,
    RefundableDiffers,
    RefundExceedsRemaining,
)
from payment_service.domain.generation import next_generation
from payment_service.domain.moment import Moment
from payment_service.domain.payment import (
    OPEN,
    REFUNDS_MAX,
    FailureKind,
    Operation,
    Order,
    Payment,
    State,
    begin_attempt,
    noted,
)
from payment_service.domain.refund import Refund

# Stripe's reasons for canceling a payment by itself, whose hold has lapsed.
HOLD_LAPSED = frozenset({"automatic", "expired"})
# Where the money is taken, held or on its way: nothing is charged by asking to pay again.
_CHARGED = frozenset({State.SUCCEEDED, State.REQUIRES_CAPTURE, State.PROCESSING})
# Where nothing is under way that could change.
_AT_REST = OPEN | {State.REQUIRES_ACTION}
# Where an attempt has led that some card was good for.
_HAS_CARD = _CHARGED | {State.REQUIRES_ACTION, State.REQUIRES_CONFIRMATION}
# Stripe's code for a card whose bank wants to see its holder, who was away.
AUTHENTICATION_REQUIRED = "authentication_required"


def open_payment(order: Order, uid: str, moment: Moment) -> Payment:
    """Return the first payment of an order, with its first attempt begun.

    Raises InvalidRequest: a card is to be charged, and there is none.
    """
    check_card(order)
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
    payment = claims.claimed(payment, order, moment, same=False)
    return _begin(payment, Operation.CREATE, order, moment)


def pay_again(payment: Payment, order: Order, moment: Moment) -> Payment | None:
    """Return the payment with a new attempt begun, or with whose word it is, or None.

    Another card that is named takes the place of one that waits for its holder. What an end user
    claimed without proof makes room for the shop's terms also while the payer is asked.
    Raises OrderAlreadyPaid, PaymentInProgress: the order is (being) paid on other terms, or was
    paid by an attempt that it had given up; OrderTermsDiffer; InvalidRequest: there is no card to
    charge.
    """
    begun = _paid_again(payment, order, moment)
    after = begun or payment
    confirms = order.is_proved and claims.is_unproved(after) and _is_same(after, order)
    # What is under way is waited for, and not changed.
    if confirms and (begun is not None or payment.state in _AT_REST):
        return claims.proved(after, moment)
    return begun


def _paid_again(payment: Payment, order: Order, moment: Moment) -> Payment | None:
    _check_never_paid(payment)
    same = _is_same(payment, order)
    if not same and payment.state is State.SUCCEEDED:
        raise OrderAlreadyPaid("This order is paid, on other terms.", payment=payment)
    makes_room = payment.state in OPEN | {State.CANCELED} or claims.gives_way(
        payment, order, moment
    )
    if not same and not makes_room:
        raise PaymentInProgress("This order is being paid, on other terms.", payment=payment)
    if not same:
        claims.check_terms(payment, order)
    if payment.state is State.CANCELED:
        check_card(order)
        return _next_generation(payment, order, moment)
    if same and payment.state is State.REQUIRES_ACTION and _is_chosen_anew(payment, order):
        return _confirm(payment, order, moment)
    if payment.intent_id and (not same or _has_another_card(payment, order)):
        # First make sure that the old one can never be paid.
        return _begin(payment, Operation.CANCEL, order, moment)
    if payment.state not in OPEN:
        return None
    if payment.intent_id is None:
        check_card(order)
        payment = claims.claimed(payment, order, moment, same=same)
        return _begin(payment, Operation.CREATE, order, moment)
    if not order.terms.confirm or _was_declined(payment, order):
        return None
    check_card(order)
    return _confirm(payment, order, moment)


def check_card(order: Order) -> None:
    """Refuse to charge an order without a card. Raises InvalidRequest."""
    if order.terms.confirm and order.payment_method_id is None:
        raise InvalidRequest(
            FieldError("paymentMethodId", "is required: the customer has no default card")
        )


def _is_same(payment: Payment, order: Order) -> bool:
    """Whether both ask the same money of the same person, in the same way while that matters.

    What is charged already is told to whoever asks for a hold, and the reverse; but who asks for
    one is never given the other.
    """
    if not payment.terms.same_deal(order.terms):
        return False
    return payment.terms.is_held == order.terms.is_held or payment.state in _CHARGED


def _has_another_card(payment: Payment, order: Order) -> bool:
    """Whether the payer's client could only confirm another card than the one that is named."""
    if order.terms.confirm or order.payment_method_id is None:
        return False
    if payment.state is State.REQUIRES_PAYMENT_METHOD:
        return True
    waits = payment.state in {State.REQUIRES_ACTION, State.REQUIRES_CONFIRMATION}
    return waits and _is_another(payment, order)


def _is_chosen_anew(payment: Payment, order: Order) -> bool:
    """Whether the caller names another card to be charged than the one that waits."""
    return order.terms.confirm and order.names_card and _is_another(payment, order)


def _is_another(payment: Payment, order: Order) -> bool:
    """Whether another card is named than the one that waits for its holder, or is charged.

    A card of Stripe's test mode goes by the name that it was sent with, and by the id that it has.
    """
    asked = (p for p in reversed(payment.past_attempts) if p.outcome in _HAS_CARD)
    sent_as = next((p.payment_method_id for p in asked if p.payment_method_id), None)
    return order.payment_method_id not in {None, payment.payment_method_id, sent_as}


def _check_never_paid(payment: Payment) -> None:
    """Refuse to charge an order a second time whose money was taken by what it had given up."""
    if payment.was_paid_late:
        raise OrderAlreadyPaid(
            "An attempt to pay this order that had been given up took the money after all.",
            payment=payment,
        )


def _confirm(payment: Payment, order: Order, moment: Moment) -> Payment:
    """Return the payment with a confirmation begun, in the way that the caller wants it this time.

    Only between attempts may that change: a try under the same key must be the same to the letter.
    """
    assert payment.attempt is None
    way = replace(
        payment.terms,
        off_session=order.terms.off_session,
        return_url=order.terms.return_url or payment.terms.return_url,
    )
    return _begin(replace(payment, terms=way), Operation.CONFIRM, order, moment)


def _was_declined(payment: Payment, order: Order) -> bool:
    """Whether this very try is known to be declined: same card, no new key that says 'again'.

    A bank that wanted to see the absent holder has not declined one who is there.
    """
    failure = payment.failure
    return (
        failure is not None
        and failure.kind is FailureKind.DECLINED
        and (order.terms.off_session or failure.code != AUTHENTICATION_REQUIRED)
        and failure.payment_method_id == order.payment_method_id
        and order.retry_key in {None, failure.retry_key}
    )


def _next_generation(payment: Payment, order: Order, moment: Moment) -> Payment:
    payment = claims.claimed(payment, order, moment, same=_is_same(payment, order))
    return _begin(next_generation(payment, moment), Operation.CREATE, order, moment)


def _begin(payment: Payment, operation: Operation, order: Order, moment: Moment) -> Payment:
    return begin_attempt(
        payment,
        operation,
        moment,
        request_id=order.request_id,
        payment_method_id=order.payment_method_id,
        retry_key=order.retry_key,
    )


def confirm_payment(payment: Payment, order: Order, moment: Moment) -> Payment | None:
    """Return the payment with a confirmation begun, or None.

    order: the payment's own terms, and the card to confirm with, if the caller named one. After a
    client-side action nothing is begun: that is for a look at Stripe to show.
    Raises PaymentCanceled, InvalidRequest (no card to confirm with); OrderAlreadyPaid,
    PaymentInProgress: with another card than the one that is named.
    """
    _check_never_paid(payment)
    card = order.payment_method_id
    match payment.state:
        case State.CANCELED:
            raise PaymentCanceled("This payment is canceled; pay the order again.", payment=payment)
        case State.REQUIRES_ACTION if _is_another(payment, order):
            return _confirm(payment, order, moment)
        case State.REQUIRES_CONFIRMATION | State.REQUIRES_PAYMENT_METHOD:
            card = card or _card_at_hand(payment)
        case State.SUCCEEDED if _is_another(payment, order):
            raise OrderAlreadyPaid("This order is paid with another card.", payment=payment)
        case State.REQUIRES_CAPTURE | State.PROCESSING if _is_another(payment, order):
            raise PaymentInProgress("This order is being paid with another card.", payment=payment)
        case _:
            return None
    if card is None:
        if payment.failure is not None and payment.failure.kind is FailureKind.DECLINED:
            return None  # the payer's client has tried, and this is what came of it
        raise InvalidRequest(FieldError("paymentMethodId", "is required: there is no card yet"))
    order = replace(order, payment_method_id=card)
    if payment.intent_id is None:
        payment = replace(payment, terms=replace(order.terms, confirm=True))
        return _begin(payment, Operation.CREATE, order, moment)
    return None if _was_declined(payment, order) else _confirm(payment, order, moment)


def _card_at_hand(payment: Payment) -> str | None:
    """Return the card that waits for its holder, or for nothing but the confirmation."""
    if payment.state is State.REQUIRES_CONFIRMATION:
        return payment.payment_method_id
    failure = payment.failure
    if failure is not None and failure.code == AUTHENTICATION_REQUIRED:
        return failure.payment_method_id
    return None


def capture_payment(
    payment: Payment, amount_minor: int | None, request_id: str, moment: Moment
) -> Payment | None:
    """Return the payment with a capture begun, or None when that capture is done or under way.

    amount_minor: None takes all that is held. What is not captured is released.
    Raises PaymentNotCapturable, HoldExpired, CaptureExceedsHold, OrderAlreadyPaid;
    PaymentInProgress: something else is asked of Stripe at this moment.
    """
    _check_never_paid(payment)
    attempt = payment.attempt
    if attempt is not None:
        if attempt.operation is Operation.CAPTURE and attempt.amount_minor == amount_minor:
            return None
        raise PaymentInProgress("This payment is being worked on.", payment=payment)
    is_held = payment.terms.is_held
    if payment.status is State.SUCCEEDED and is_held:
        if payment.received_minor == (amount_minor or payment.terms.amount_minor):
            return None
        raise PaymentNotCapturable(
            f"{payment.received_minor} {payment.terms.currency} (minor units) was captured "
            "already, and a hold is captured once.",
            payment=payment,
        )
    if is_held and _has_lapsed(payment):
        raise HoldExpired("The bank has let go of the money that was held.", payment=payment)
    if payment.status is not State.REQUIRES_CAPTURE:
        raise PaymentNotCapturable(
            f"Nothing is held: this payment is {payment.status}.", payment=payment
        )
    if amount_minor is not None and amount_minor > payment.capturable_minor:
        raise CaptureExceedsHold(
            f"{amount_minor} was asked for and {payment.capturable_minor} "
            f"{payment.terms.currency} (minor units) is held.",
            payment=payment,
        )
    return begin_attempt(
        payment, Operation.CAPTURE, moment, request_id=request_id, amount_minor=amount_minor
    )


def _has_lapsed(payment: Payment) -> bool:
    """Whether Stripe has canceled it since its hold was not captured in time."""
    return payment.status is State.CANCELED and payment.cancellation_reason in HOLD_LAPSED


def cancel_payment(
    payment: Payment, reason: str | None, request_id: str, moment: Moment
) -> Payment | None:
    """Return the payment with a cancellation begun, or None when it is canceled or being so.

    reason: Stripe's words. Raises PaymentNotCancelable: it has succeeded, or a bank works on it;
    PaymentInProgress: something else is asked of Stripe at this moment.
    """
    if payment.attempt is not None:
        if payment.attempt.operation is Operation.CANCEL:
            return None
        raise PaymentInProgress("This payment is being worked on.", payment=payment)
    match payment.status:
        case State.CANCELED:
            return None
        case State.SUCCEEDED:
            raise PaymentNotCancelable(
                "This payment has succeeded; refund it instead.", payment=payment
            )
        case State.PROCESSING:
            raise PaymentNotCancelable(
                "A bank works on this payment; ask again when its outcome is known.",
                payment=payment,
            )
    if payment.intent_id is None:  # there is nothing at Stripe that could ever be paid
        ended = replace(payment, cancellation_reason=reason, failure=None)
        return outcome.entered(ended, State.CANCELED, moment)
    return begin_attempt(payment, Operation.CANCEL, moment, request_id=request_id, reason=reason)


def begin_refund(
    payment: Payment,
    refund_id: str,
    amount_minor: int | None,
    reason: str | None,
    moment: Moment,
    *,
    request_id: str | None = None,
    expected_minor: int | None = None,
) -> Payment:
    """Return the payment with a refund reserved, or as it is when it has that refund already.

    amount_minor: None refunds all that is left. request_id: of whoever asks, for Stripe's books.
    expected_minor: what the caller believes to be left, so that the same asked twice is done once.
    Raises PaymentNotRefundable, PaymentDisputed, RefundableDiffers, RefundExceedsRemaining;
    PaymentInProgress: something else is asked of Stripe at this moment.
    """
    if any(r.id == refund_id for r in payment.refunds):
        return payment
    if payment.attempt is not None:
        raise PaymentInProgress("This payment is being worked on.", payment=payment)
    if payment.status is not State.SUCCEEDED:
        raise PaymentNotRefundable(
            f"Nothing was captured: this payment is {payment.status}.", payment=payment
        )
    dispute = payment.blocking_dispute
    if dispute is not None:
        raise PaymentDisputed(
            f"The payer disputes this payment ({dispute.reason}, {dispute.status}); a refund would "
            "give the money back twice.",
            payment=payment,
        )
    left = payment.refundable_minor
    if expected_minor not in {None, left}:
        raise RefundableDiffers("Another amount is left to refund.", payment=payment)
    amount = left if amount_minor is None else amount_minor
    if left <= 0 or amount > left:
        raise RefundExceedsRemaining(
            f"{amount_minor if amount_minor is not None else 'Something'} was asked for and "
            f"{left} {payment.terms.currency} (minor units) is left to refund.",
            payment=payment,
        )
    kept = _with_room(payment.refunds)
    if len(kept) >= REFUNDS_MAX:
        raise PaymentNotRefundable("This payment has too many refunds.", payment=payment)
    made = refunds.reserved(refund_id, amount, f"{payment.uid}-{refund_id}", moment.now, reason)
    made = replace(made, request_id=request_id)
    begun = replace(payment, refunds=(*kept, made))
    return noted(begun, "refund.begun", moment)


def _with_room(kept: tuple[Refund, ...]) -> tuple[Refund, ...]:
    """Return the refunds without the oldest that Stripe never made, when there are too many."""
    if len(kept) < REFUNDS_MAX:
        return kept
    vain = (r for r in kept if r.stripe_refund_id is None and r.status in refunds.RELEASED)
    oldest = next(vain, None)
    return tuple(r for r in kept if r is not oldest)
