"""A look that shows what a call for a customer was to bring about ends the waiting for it."""

from dataclasses import replace

import pytest

from payment_service.domain.corridor_customers import decide, seen_done
from payment_service.domain.customer import CardState, Customer
from payment_service.domain.news import CardSeen, SeenCard, SeenCustomer
from tests.domain.papers import moment
from tests.domain.test_corridor_customers import (
    asked,
    attaching,
    choosing,
    creating,
    detaching,
    naming,
)
from tests.domain.test_customer import EMAIL, seen_card

ONE, TWO = seen_card("pm_1", "cus_1"), seen_card("pm_2", "cus_1")
NAMED = replace(ONE, cardholder_name="Ann")
# What is asked, what Stripe shows once that is done, and before.
SHOWN = [
    (attaching(), SeenCustomer("cus_1", EMAIL, None, None, (ONE,)), ()),
    (naming(), SeenCustomer("cus_1", EMAIL, None, "pm_1", (NAMED,)), (ONE,)),
    (detaching(), SeenCustomer("cus_1", EMAIL, None, "pm_2", (TWO,)), (ONE, TWO)),
    (choosing(), SeenCustomer("cus_1", EMAIL, None, "pm_1", (ONE, TWO)), (ONE, TWO)),
]


def key_of(ann: Customer) -> str:
    assert ann.call is not None
    return ann.call.key


@pytest.mark.parametrize(("ann", "seen", "_before"), SHOWN)
def test_what_is_shown_as_done_is_waited_for_no_longer(
    ann: Customer, seen: SeenCustomer, _before: object
) -> None:
    ann, step = asked(ann)

    done = seen_done(ann, key_of(ann), seen, moment(1))
    late = decide(done, step, CardSeen(ONE), moment(2))

    assert done == decide(ann, step, CardSeen(NAMED), moment(1)) != ann
    assert late == done


@pytest.mark.parametrize(("ann", "seen", "before"), SHOWN)
def test_what_is_not_shown_may_still_come(
    ann: Customer, seen: SeenCustomer, before: tuple[SeenCard, ...]
) -> None:
    ann, _ = asked(ann)
    other = "pm_2" if before else None
    not_yet = replace(seen, cards=before, default_payment_method_id=other)

    assert seen_done(ann, key_of(ann), not_yet, moment(1)) is ann


def test_a_look_says_nothing_of_a_call_that_was_not_sent_or_that_began_after_it() -> None:
    _, seen, _ = SHOWN[0]
    unsent = attaching()
    sent, _ = asked(unsent)

    assert seen_done(unsent, key_of(unsent), seen, moment()) is unsent
    assert seen_done(sent, "another-key", seen, moment()) is sent


def test_a_customer_that_is_being_made_is_found_by_its_own_look() -> None:
    ann, _ = asked(creating())

    assert seen_done(ann, key_of(ann), SHOWN[0][1], moment()) is ann


def test_a_card_shown_as_attached_may_be_used() -> None:
    ann, _ = asked(attaching())

    after = seen_done(ann, key_of(ann), SHOWN[0][1], moment())

    assert [card.state for card in after.cards] == [CardState.KEPT]
