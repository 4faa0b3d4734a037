"""A wish that is in doubt is settled before a later one: done late, it would undo that."""

from collections.abc import Callable

import pytest

from payment_service.domain.corridor_customers import OwedStep, begin_call
from payment_service.domain.customer import Customer, adding_card, with_default
from payment_service.domain.news import CustomerSeen, NoNews, NotExecuted
from payment_service.domain.steps import AttachCard, DetachCard, NameCard, SetDefaultCard
from tests.domain.papers import at, moment
from tests.domain.test_corridor_customers import (
    CARD,
    SEEN,
    attaching,
    choosing,
    detaching,
    heard,
    naming,
    step_of,
)
from tests.domain.test_customer import seen_card


def and_another_card(ann: Customer) -> Customer:
    """A new card: what would be asked for first if nothing were in doubt."""
    wanted = adding_card(ann, seen_card("pm_9"), at(1), cardholder_name=None)
    return begin_call(wanted, moment(1))


def test_a_default_in_doubt_is_set_again_before_the_old_one_that_is_wanted_back() -> None:
    """The lost answer may have been a yes: nobody knows which default Stripe has."""
    ann = heard(choosing(), NoNews("lost"))

    ann = begin_call(with_default(ann, "pm_2"), moment(1))

    assert step_of(ann, 1) == SetDefaultCard("cust_1-1", "cus_1", "pm_1")
    ann = heard(ann, CustomerSeen(SEEN), 1)
    assert step_of(ann, 1) == SetDefaultCard("cust_1-2", "cus_1", "pm_2")
    ann = heard(ann, CustomerSeen(SEEN), 1)
    assert (ann.default_at_stripe, ann.call) == ("pm_2", None)


@pytest.mark.parametrize(
    ("begin", "step"),
    [
        (naming, NameCard("cust_1-1", "pm_1", "Ann")),
        (detaching, DetachCard("cust_1-1", "pm_1")),
        (choosing, SetDefaultCard("cust_1-1", "cus_1", "pm_1")),
    ],
)
def test_what_is_in_doubt_is_asked_again_first_and_under_its_own_key(
    begin: Callable[[], Customer], step: OwedStep
) -> None:
    ann = and_another_card(heard(begin(), NoNews("lost")))

    assert step_of(ann, 1) == step
    ann = heard(ann, CARD, 1)
    assert step_of(ann, 1) == AttachCard("cust_1-2", "cus_1", "pm_9")


def test_a_card_that_is_being_attached_in_doubt_stays_first() -> None:
    ann = and_another_card(heard(attaching(), NoNews("lost")))
    renamed = adding_card(ann, seen_card(), at(1), cardholder_name="Ann")
    ann = begin_call(renamed, moment(1))

    assert step_of(ann, 1) == AttachCard("cust_1-1", "cus_1", "pm_1")
    ann = heard(ann, CARD, 1)
    assert step_of(ann, 1) == AttachCard("cust_1-2", "cus_1", "pm_9")


def test_what_surely_was_not_done_lets_a_later_wish_pass_under_a_key_of_its_own() -> None:
    ann = and_another_card(heard(naming(), NotExecuted("http_429")))

    assert step_of(ann, 60) == AttachCard("cust_1-2", "cus_1", "pm_9")
    ann = heard(ann, CARD, 60)
    assert step_of(ann, 60) == NameCard("cust_1-3", "pm_1", "Ann")
