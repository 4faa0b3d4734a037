"""What became of one attempt of a payment, by its number."""

from payment_service.domain.payment import WITHOUT_NEWS, PastAttempt, Payment


def attempt_outcome(payment: Payment, number: int) -> PastAttempt | None:
    """Return what became of the attempt with this number; None while it is under way.

    One that went on under another key is followed. Of one that is long over, and of which nothing
    is kept any more, None too.
    """
    for past in payment.past_attempts:
        if past.number == number:
            if past.outcome != WITHOUT_NEWS:
                return past
            number += 1
    return None
