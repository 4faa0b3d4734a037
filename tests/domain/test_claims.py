"""Claims on orders: the shop's word stands, an end user's only for a while and only unpaid."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from payment_service.domain import claims
from payment_service.domain.claims import Claimant
from payment_service.domain.errors import OrderTermsDiffer, PaymentInProgress
from payment_service.domain.news import IntentSeen
from payment_service.domain.payment import Operation, Order, Payment, State
from payment_service.domain.wishes import open_payment, pay_again
from tests.domain.papers import at, heard, intent, moment, order

JANE = Claimant(frozenset({"cus_1"}), is_proved=False)
BOB = Claimant(frozenset({"cus_2"}), is_proved=False)
PROVED = replace(BOB, is_proved=True)
AFTER = 1800.0


def users(card: str | None = None, **changed: Any) -> Order:
    """Return what an end user asks without proof."""
    return replace(order(card, **changed), is_proved=False)


def standing(status: str, card: str | None = None, **changed: Any) -> Payment:
    """Return a payment that an end user has claimed, in a state of Stripe's."""
    opened = open_payment(users(card), "pay_1", moment())
    return replace(heard(opened, IntentSeen(intent(status, **changed)), 1))


UNPAID = ["requires_payment_method", "requires_confirmation", "requires_action"]
TAKEN = ["processing", "requires_capture", "succeeded"]


@pytest.mark.parametrize("status", UNPAID)
def test_an_unpaid_claim_lapses_and_not_before(status: str) -> None:
    payment = standing(status)
    begun = payment.entered_at if status == "requires_action" else at(0)

    assert claims.lapses_at(payment, moment()) == begun + timedelta(seconds=AFTER)
    assert not claims.has_lapsed(payment, moment(AFTER - 1))
    assert claims.has_lapsed(payment, moment(AFTER + 1))
    assert not claims.has_lapsed(payment, moment(AFTER + 1, unproved_claim_expires_s=9000))


@pytest.mark.parametrize("status", [*TAKEN, "canceled"])
def test_what_is_taken_held_or_over_does_not_lapse(status: str) -> None:
    assert claims.lapses_at(standing(status), moment(AFTER * 9)) is None


def test_what_is_in_doubt_does_not_lapse() -> None:
    asking = open_payment(users(), "pay_1", moment())

    assert asking.state is State.ASKING
    assert not claims.has_lapsed(asking, moment(AFTER * 9))


def test_an_order_that_was_paid_late_is_no_unpaid_claim() -> None:
    late = replace(standing("requires_payment_method"), late_intent_id="pi_0")

    assert not claims.is_unpaid_claim(late)
    assert not claims.is_open_to(replace(late, status=State.CANCELED), BOB, moment(AFTER * 9))


@pytest.mark.parametrize("status", UNPAID)
def test_the_look_at_which_a_claim_has_lapsed_cancels_it(status: str) -> None:
    payment = standing(status)
    seen = IntentSeen(intent(status))

    before = heard(payment, seen, AFTER - 100)
    after = heard(payment, seen, AFTER + 2)

    assert before.attempt is None
    assert before.look_at is not None
    assert before.look_at <= at(AFTER + 2)
    assert after.attempt is not None
    assert after.attempt.operation is Operation.CANCEL


def test_an_order_is_open_to_its_payer_and_to_others_once_nobody_holds_it() -> None:
    payment = standing("requires_payment_method")

    assert claims.is_open_to(payment, JANE, moment())
    assert not claims.is_open_to(payment, BOB, moment())
    assert claims.is_open_to(payment, BOB, moment(AFTER))
    assert claims.is_open_to(payment, PROVED, moment())
    assert claims.is_open_to(standing("canceled"), BOB, moment())
    assert not claims.is_open_to(standing("succeeded"), BOB, moment(AFTER * 9))


def test_an_order_of_a_service_is_open_to_nobody_else_until_it_is_canceled() -> None:
    services = heard(
        open_payment(order(None), "pay_1", moment()), IntentSeen(intent("requires_action")), 1
    )
    canceled = replace(services, status=State.CANCELED)

    assert not claims.is_open_to(services, BOB, moment(AFTER * 9))
    assert not claims.is_open_to(services, PROVED, moment(AFTER * 9))
    assert not claims.is_open_to(canceled, BOB, moment(AFTER * 9))
    assert claims.is_open_to(canceled, PROVED, moment())


def test_of_a_payment_of_an_older_release_it_is_not_known_whose_word_it_is() -> None:
    old = replace(standing("requires_payment_method"), claim=None)
    overwritten = replace(standing("requires_payment_method"), generation=2)

    for payment in (old, overwritten):
        assert not claims.is_unproved(payment)
        assert not claims.is_the_shops(payment)
        assert not claims.is_open_to(payment, BOB, moment(AFTER * 9))
        assert claims.lapses_at(payment, moment()) is None
        changed = pay_again(payment, users(amount_minor=500), moment())
        assert changed is not None


@pytest.mark.parametrize("status", UNPAID)
def test_the_shop_takes_over_what_is_unpaid_by_cancelling_it_first(status: str) -> None:
    begun = pay_again(standing(status), order(None, amount_minor=500), moment(5))

    assert begun is not None
    assert begun.attempt is not None
    assert begun.attempt.operation is Operation.CANCEL
    assert begun.terms.amount_minor == 10_000


def test_an_end_user_takes_over_a_challenge_only_when_it_has_lapsed() -> None:
    payment, other = standing("requires_action"), users(customer_id="cus_2")

    with pytest.raises(PaymentInProgress):
        pay_again(payment, other, moment(AFTER - 1))
    begun = pay_again(payment, other, moment(AFTER + 1))

    assert begun is not None
    assert begun.attempt is not None
    assert begun.attempt.operation is Operation.CANCEL


@pytest.mark.parametrize("status", ["processing", "requires_capture"])
def test_not_even_the_shop_takes_over_what_is_held_or_under_way(status: str) -> None:
    with pytest.raises(PaymentInProgress):
        pay_again(standing(status), order(None, amount_minor=500), moment(AFTER * 9))


@pytest.mark.parametrize("status", UNPAID)
def test_the_same_asked_by_the_shop_makes_it_its_word(status: str) -> None:
    proved = pay_again(standing(status), order(None), moment(5))

    assert proved is not None
    assert proved.attempt is None
    assert claims.is_the_shops(proved)
    assert proved.history[-1].what == "claim.proved"
    assert pay_again(proved, order(None), moment(6)) is None
    assert pay_again(proved, users(), moment(6)) is None


def test_the_shops_word_stays_when_the_same_is_asked_by_an_end_user_anew() -> None:
    opened = open_payment(order(None), "pay_1", moment())
    canceled = heard(opened, IntentSeen(intent("canceled")), 1)

    again = pay_again(canceled, users(), moment(5))

    assert again is not None
    assert claims.is_the_shops(again)
    with pytest.raises(OrderTermsDiffer):
        pay_again(canceled, users(amount_minor=500), moment(5))


def test_a_claim_that_was_canceled_begins_anew() -> None:
    again = pay_again(standing("canceled"), users(), moment(500))

    assert again is not None
    assert again.claim is not None
    assert (again.claim.at, again.claim.generation, again.generation) == (at(500), 2, 2)


def test_a_claim_without_a_payment_intent_keeps_its_time_when_it_is_tried_again() -> None:
    opened = open_payment(users(), "pay_1", moment())
    failed = replace(opened, attempt=None)

    again = pay_again(failed, users(), moment(500))
    changed = pay_again(failed, users(amount_minor=500), moment(500))

    assert again is not None
    assert changed is not None
    assert again.claim == opened.claim
    assert changed.claim is not None
    assert changed.claim.at == at(500)
