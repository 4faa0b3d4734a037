"""What Stripe will not do with a card is told and given up; the customer is as it is at Stripe."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from payment_service.domain import corridor_customers as corridor
from payment_service.domain.customer import CardState, Customer
from payment_service.domain.news import CustomerSeen, NoNews, NotExecuted, Rejected
from payment_service.domain.steps import AttachCard, DetachCard, NameCard, SetDefaultCard
from tests.domain.papers import REFUSAL, at, moment
from tests.domain.test_corridor_customers import (
    SEEN,
    asked,
    attaching,
    begun,
    choosing,
    detaching,
    heard,
    naming,
    step_of,
)
from tests.domain.test_customer import customer, seen_card

WITH_CARD = replace(SEEN, cards=(seen_card("pm_1", "cus_1"),), default_payment_method_id="pm_1")


@pytest.mark.parametrize("reason", ["http_401", "http_403"])
@pytest.mark.parametrize("begin", [attaching, naming, detaching, choosing])
def test_what_our_key_may_not_do_is_given_up_at_once_and_nothing_is_owed(
    begin: Callable[[], Customer], reason: str
) -> None:
    ann, step = asked(begin())
    assert isinstance(step, AttachCard | NameCard | DetachCard | SetDefaultCard)
    ann = corridor.decide(ann, step, NotExecuted(reason, retryable=False), moment())

    if isinstance(step, AttachCard):
        assert (ann.call, ann.wake_at, step_of(ann, 86_400)) == (None, None, None)
    else:  # nothing but a look at what there is instead
        assert (ann.call, ann.wake_at, ann.look_at) == (None, at(0), at(0))
    refusal = ann.refused_since(1, type(step).__name__, step.payment_method_id)
    assert refusal is not None
    assert refusal.code == reason


def test_a_name_that_our_key_may_not_change_is_what_stripe_has() -> None:
    ann = heard(naming(), NotExecuted("http_403", retryable=False))
    ann = heard(ann, CustomerSeen(WITH_CARD))

    names = [card.cardholder_name for card in ann.cards]
    assert (names, ann.call, ann.look_at) == ([None], None, None)


def test_a_default_that_our_key_may_not_change_is_asked_for_again_later_and_later() -> None:
    ann = begun(replace(customer("pm_1", default="pm_1"), default_at_stripe=None))
    now_s = 0.0
    waits_s: list[float] = []
    for _ in range(4):
        ann = heard(ann, NotExecuted("http_403", retryable=False), now_s)
        assert ann.look_at is not None
        waits_s.append((ann.look_at - at(now_s)).total_seconds())
        now_s += waits_s[-1]
        ann = heard(ann, CustomerSeen(replace(WITH_CARD, default_payment_method_id=None)), now_s)

    assert waits_s[0] == 0
    assert 2.5 <= waits_s[1] < waits_s[2] < waits_s[3] <= 80


def test_a_card_that_our_key_may_not_remove_stays() -> None:
    ann = heard(detaching(), NotExecuted("http_403", retryable=False))

    assert [card.state for card in ann.cards] == [CardState.KEPT, CardState.KEPT]


def test_a_default_that_our_key_may_not_change_is_as_it_was() -> None:
    ann = heard(choosing(), NotExecuted("http_403", retryable=False))

    assert (ann.default_payment_method_id, ann.default_at_stripe) == ("pm_2", "pm_2")


def test_the_default_of_before_is_remembered_through_doubt() -> None:
    ann = heard(choosing(), NoNews("lost"))
    ann = heard(ann, NotExecuted("rate_limit"), 60)
    ann = heard(ann, Rejected(REFUSAL), 120)

    assert ann.default_payment_method_id == "pm_2"


def test_a_first_card_that_cannot_be_made_the_default_is_ours_all_the_same() -> None:
    first = replace(customer("pm_1", default="pm_1"), default_at_stripe=None)
    ann = heard(begun(first), NotExecuted("http_403", retryable=False))

    assert (ann.default_payment_method_id, ann.call) == ("pm_1", None)


def test_a_card_that_cannot_be_detached_is_there_until_a_look_shows_that_it_is_not() -> None:
    ann = heard(detaching(), Rejected(REFUSAL))

    card = ann.card("pm_1")
    assert card is not None
    assert (card.state, ann.call, ann.look_at) == (CardState.KEPT, None, at(0))
    gone = heard(ann, CustomerSeen(replace(SEEN, default_payment_method_id="pm_2")))
    assert gone.card("pm_1") is None
