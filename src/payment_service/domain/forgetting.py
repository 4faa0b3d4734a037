"""Forgetting a person: what must be settled before, what goes, and what stays in the books.

Amounts, states, ids and Stripe's own words stay: the books need them, and they name nobody. The
customer's document goes, and so do the words that callers put beside its payments.
"""

from dataclasses import replace

from payment_service.domain.customer import CardState, Customer
from payment_service.domain.customer_emails import without_next_email
from payment_service.domain.history import with_entry
from payment_service.domain.moment import Moment
from payment_service.domain.payment import FINAL, Payment, State
from payment_service.domain.refund import Refund, RefundStatus

# Reasons of refunds that name nobody; any other is a caller's own words.
PLAIN_REASONS = frozenset({None, "duplicate", "fraudulent", "requested_by_customer"})
_UNSETTLED = frozenset({RefundStatus.ASKING, RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION})


def why_open(payment: Payment) -> str | None:
    """Say what is not over about a payment, or None: nothing will be asked of its customer again.

    One that never reached Stripe is over, though the order may be paid anew.
    """
    if payment.attempt is not None:
        return str(State.ASKING)
    if payment.status not in FINAL and payment.intent_id is not None:
        return str(payment.status)
    if any(refund.status in _UNSETTLED for refund in payment.refunds):
        return "refund pending"
    return None


def without_words(payment: Payment) -> Payment:
    """Return the payment without the callers' words; the very same if it has none."""
    failure = payment.failure
    if failure is not None and failure.retry_key is not None:
        failure = replace(failure, retry_key=None)
    bare = replace(
        payment,
        terms=replace(payment.terms, description=None, metadata={}, return_url=None),
        refunds=tuple(_without_reason(refund) for refund in payment.refunds),
        failure=failure,
    )
    return payment if bare == payment else bare


def _without_reason(refund: Refund) -> Refund:
    return refund if refund.reason in PLAIN_REASONS else replace(refund, reason=None)


def forgetting(customer: Customer, moment: Moment) -> Customer:
    """Return the customer that is to be forgotten: written before Stripe is asked for anything.

    Names go at once. Cards stay until they are nameless and detached at Stripe, then the customer
    is deleted there. Begun again, it goes on where it was.
    """
    cards = tuple(
        replace(card, cardholder_name=None, named=card.named and card.cardholder_name is None)
        for card in customer.cards
        if card.state is not CardState.REFUSED
    )
    begun = replace(
        without_next_email(customer, moment.now),
        update=None,
        name=None,
        cards=cards,
        look_at=None,
        refusal_code=None,
        refusal_message=None,
        is_forgotten=True,
    )
    if customer.is_forgotten:
        return begun
    return replace(begun, history=with_entry(begun.history, "customer.forgetting", moment))
