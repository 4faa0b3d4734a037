"""Money that an attempt took which its order had given up: the order is not charged again."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from payment_service.domain import corridor
from payment_service.domain.call import KEY_HELD_S
from payment_service.domain.corridor_attempts import heard_of
from payment_service.domain.errors import OrderAlreadyPaid
from payment_service.domain.moment import Moment
from payment_service.domain.news import IntentSeen, Rejected
from payment_service.domain.payment import Order, Payment, State
from payment_service.domain.wishes import confirm_payment, pay_again
from tests.domain.papers import (
    OTHER_CARD,
    REFUSAL,
    asked,
    canceled,
    heard,
    intent,
    moment,
    opened,
    order,
    paid,
)


def refused_anew() -> Payment:
    """Return an order that was canceled and asked for again, which Stripe refused."""
    again = pay_again(canceled(), order(), moment(KEY_HELD_S))
    assert again is not None
    return heard(again, Rejected(REFUSAL), KEY_HELD_S)


@pytest.mark.parametrize("begin", [pay_again, confirm_payment])
@pytest.mark.parametrize("before", [canceled, refused_anew])
def test_an_order_whose_money_was_taken_late_is_never_charged_again(
    begin: Callable[[Payment, Order, Moment], Payment | None], before: Callable[[], Payment]
) -> None:
    late = heard_of(before(), intent("succeeded", id="pi_0"), moment(90_000), seen_with=None)
    wish = replace(order(), payment_method_id=OTHER_CARD, retry_key="again")

    with pytest.raises(OrderAlreadyPaid) as refusal:
        begin(late, wish, moment(90_001))

    assert late.late_intent_id == "pi_0"
    assert refusal.value.details == {"payment": late}


def test_the_late_answer_itself_counts_as_well_as_an_event() -> None:
    _, late = asked(opened(), 0)
    after = corridor.decide(
        refused_anew(), late, IntentSeen(intent("succeeded", id="pi_0")), moment(90_000)
    )

    with pytest.raises(OrderAlreadyPaid):
        pay_again(after, order(), moment(90_001))


def test_an_order_that_is_paid_besides_answers_with_its_payment() -> None:
    """The money that was taken twice is for a person; the caller's order is paid."""
    late = heard_of(paid(), intent("succeeded", id="pi_0"), moment(90_000), seen_with=None)

    assert late.state is State.SUCCEEDED
    assert pay_again(late, order(), moment(90_001)) is None


def test_what_was_given_up_without_taking_money_stands_in_nobodys_way() -> None:
    late = heard_of(canceled(), intent("canceled", id="pi_0"), moment(90_000), seen_with=None)

    assert late.late_intent_id is None
    assert pay_again(late, order(), moment(90_001)) is not None
