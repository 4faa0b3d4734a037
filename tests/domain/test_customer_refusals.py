"""What Stripe refuses to do about a customer that is there: then a look shows what it has."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from payment_service.domain.customer import CardState, Customer
from payment_service.domain.following import LOOK_MAX_S
from payment_service.domain.news import CustomerSeen, Declined, News, NoNews, Rejected, SeenCustomer
from payment_service.domain.steps import ReadCustomer, SetDefaultCard
from tests.domain.papers import REFUSAL, at
from tests.domain.test_corridor_customers import attaching, choosing, detaching, heard, step_of
from tests.domain.test_customer import EMAIL, ids, seen_card

# The back-off after one lost answer is over.
LATER_S = 60


def shown(default: str | None) -> CustomerSeen:
    """Return the customer with both cards, as Stripe shows it."""
    cards = tuple(seen_card(name, "cus_1") for name in ("pm_1", "pm_2"))
    return CustomerSeen(SeenCustomer("cus_1", EMAIL, None, default, cards))


@pytest.mark.parametrize("refusal", [Rejected(REFUSAL), Declined(REFUSAL)])
@pytest.mark.parametrize("begin", [choosing, detaching])
def test_after_a_refusal_it_is_looked_what_stripe_has_instead(
    begin: Callable[[], Customer], refusal: News
) -> None:
    ann = heard(begin(), refusal)

    assert ann.wake_at == at(0)
    assert step_of(ann) == ReadCustomer("cus_1")


def test_a_card_that_an_earlier_try_attached_is_kept_whatever_the_next_one_says() -> None:
    ann = heard(heard(attaching(), NoNews("lost")), Rejected(REFUSAL), LATER_S)

    refused = ann.cards[0].state
    ann = heard(ann, shown("pm_1"), LATER_S)

    assert (refused, ann.cards[0].state) == (CardState.REFUSED, CardState.KEPT)
    assert (ann.cards[0].refusal_code, ann.cards[0].refusal_message) == (None, None)
    assert ids(ann) == ["pm_1", "pm_2"]


def test_a_card_that_was_refused_at_the_first_try_is_not_looked_for() -> None:
    assert heard(attaching(), Rejected(REFUSAL)).wake_at is None


def test_a_refused_card_that_stripe_has_not_stays_refused() -> None:
    ann = heard(heard(attaching(), NoNews("lost")), Rejected(REFUSAL), LATER_S)

    ann = heard(ann, CustomerSeen(SeenCustomer("cus_1", EMAIL, None, None, ())), LATER_S)

    assert [card.state for card in ann.cards] == [CardState.REFUSED]


def test_a_default_that_stripe_has_not_is_asked_for_again_less_and_less_often() -> None:
    ann, waits = choosing(), list[float]()
    for _ in range(12):
        ann = heard(ann, Rejected(REFUSAL))
        assert ann.wake_at is not None
        waits.append((ann.wake_at - at(0)).total_seconds())
        due = replace(ann, look_at=at(0))
        ann = heard(due, shown(None))
        assert isinstance(step_of(ann), SetDefaultCard)

    assert waits[0] == 0
    assert waits[1] >= 2.5
    assert min(waits[9:]) >= LOOK_MAX_S / 2


def test_another_default_that_stripe_has_instead_is_the_default() -> None:
    ann = heard(choosing(), Rejected(REFUSAL))

    ann = heard(ann, shown("pm_2"))

    assert (ann.default_payment_method_id, ann.default_at_stripe) == ("pm_2", "pm_2")
    assert (ann.call, ann.wake_at) == (None, None)


def test_a_card_that_stripe_did_not_detach_is_shown_again() -> None:
    ann = heard(detaching(), Declined(REFUSAL))

    ann = heard(ann, shown("pm_2"))

    assert (ids(ann), ann.default_payment_method_id) == (["pm_2", "pm_1"], "pm_2")
