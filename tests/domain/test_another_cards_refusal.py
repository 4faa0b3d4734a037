"""A confirmation in doubt, and a card of the payer's client that was refused meanwhile."""

import pytest

from payment_service.domain import corridor
from payment_service.domain.news import IntentSeen, NoNews
from payment_service.domain.payment import FailureKind, State
from payment_service.domain.steps import ConfirmIntent
from tests.domain.papers import (
    DENIAL,
    OTHER_CARD,
    VISA,
    confirming,
    heard,
    intent,
    moment,
)


def refused(card: str | None) -> IntentSeen:
    """Return a look that shows a charge that failed since, and with which card."""
    shown = intent(
        "requires_payment_method",
        charge_id="ch_later",
        last_error=DENIAL,
        refused_card_id=card,
    )
    return IntentSeen(shown)


def test_anothers_refusal_ends_no_doubt_and_ours_is_asked_for_again_under_its_key() -> None:
    payment = heard(confirming(), NoNews("lost"), 60)

    payment = heard(payment, refused(VISA), 60)

    assert payment.state is State.ASKING
    step = corridor.next_step(payment, moment(600))
    assert isinstance(step, ConfirmIntent)
    assert (step.key, step.attempt) == ("pay_1-2-confirm", 2)


@pytest.mark.parametrize("card", [OTHER_CARD, None])
def test_the_refusal_of_our_own_card_or_one_that_names_none_is_the_answer(
    card: str | None,
) -> None:
    payment = heard(confirming(), NoNews("lost"), 60)

    payment = heard(payment, refused(card), 60)

    assert payment.state is State.REQUIRES_PAYMENT_METHOD
    assert payment.failure is not None
    assert payment.failure.kind is FailureKind.DECLINED
