"""An expiry: a payment that is left alone is cancelled by nobody's wish."""

from dataclasses import replace

from payment_service.domain.news import IntentSeen, NotExecuted
from payment_service.domain.watching import EXPIRY
from tests.domain.papers import cancelling, heard, intent

HOUR = 3600


def test_an_expiry_that_our_key_may_not_carry_out_is_begun_again_by_a_look() -> None:
    """Nobody asked for it, so it holds up nobody, and nobody is shown that it failed."""
    payment = cancelling()
    assert payment.attempt is not None
    expiring = replace(payment, attempt=replace(payment.attempt, request_id=EXPIRY))

    left = heard(expiring, NotExecuted("http_403", retryable=False), 60)

    assert (left.state, left.attempt, left.failure) == (payment.status, None, payment.failure)
    assert left.look_at is not None
    seen = heard(left, IntentSeen(intent(str(left.status))), 25 * HOUR)
    assert seen.attempt is not None
    assert seen.attempt.request_id == EXPIRY
