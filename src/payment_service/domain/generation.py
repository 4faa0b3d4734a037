"""What of a payment goes on when another PaymentIntent takes the place of a cancelled one."""

from dataclasses import replace

from payment_service.domain.moment import Moment
from payment_service.domain.notice import overtaken
from payment_service.domain.payment import Payment, State


def next_generation(payment: Payment, moment: Moment) -> Payment:
    """Return the payment on its present terms, without what was of the cancelled PaymentIntent."""
    claim, generation = payment.claim, payment.generation + 1
    return replace(
        payment,
        claim=replace(claim, generation=generation) if claim else None,
        status=State.REQUIRES_PAYMENT_METHOD,
        entered_at=moment.now,
        generation=generation,
        intent_id=None,
        charge_id=None,
        payment_method_id=None,
        cancellation_reason=None,
        look_at=None,
        looks=0,
        refunds_look_at=None,  # what there is to look at was of the old one
        disputes_look_at=None,
        capturable_minor=0,
        hold=None,
        notices=tuple(overtaken(notice) for notice in payment.notices),
    )
