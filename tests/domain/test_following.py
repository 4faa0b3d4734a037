"""A customer that others change too: what Stripe shows is followed, never against our own wish."""

from dataclasses import replace
from typing import Any

import pytest

from payment_service.domain import corridor_customers as corridor
from payment_service.domain.corridor_customers import begin_call
from payment_service.domain.customer import (
    CardState,
    Customer,
    adding_card,
    refused_card,
    removing_card,
    with_default,
)
from payment_service.domain.following import gone_at_stripe, looked_in_vain
from payment_service.domain.moment import Policy
from payment_service.domain.news import (
    CustomerSeen,
    Denial,
    News,
    NoNews,
    NotExecuted,
    NothingFound,
    Rejected,
    SeenCard,
    SeenCustomer,
)
from payment_service.domain.steps import (
    AttachCard,
    CreateCustomer,
    DetachCard,
    ReadCustomer,
    SetDefaultCard,
)
from tests.domain.papers import REFUSAL, at, moment
from tests.domain.test_customer import EMAIL, customer, ids, seen_card

LOOK = ReadCustomer("cus_1")
LEASE_S = Policy().lease_s


def shown(*cards: SeenCard | str, default: str | None = None, name: str = "Ann") -> CustomerSeen:
    """Return the customer as Stripe shows it with these cards."""
    seen = tuple(c if isinstance(c, SeenCard) else seen_card(c, "cus_1") for c in cards)
    return CustomerSeen(SeenCustomer("cus_1", EMAIL, name, default, seen))


def ann() -> Customer:
    """Return a customer with two cards that both sides agree on, the first the default."""
    return customer("pm_1", "pm_2", default="pm_1")


def after(before: Customer, news: News, seconds: float = 60) -> Customer:
    return corridor.decide(before, LOOK, news, moment(seconds))


def step_of(of: Customer) -> object:
    return corridor.next_step(of, moment(60))


def test_what_stands_as_we_show_it_changes_nothing_and_asks_nothing() -> None:
    same = after(ann(), shown("pm_1", "pm_2", default="pm_1"))

    assert replace(same, cards=ann().cards) == ann()
    assert (step_of(same), same.wake_at) == (None, None)


def test_a_card_attached_elsewhere_is_kept_and_takes_nobody_s_place() -> None:
    followed = after(ann(), shown("pm_1", "pm_2", "pm_3", default="pm_1"))

    assert ids(followed)[0] == "pm_1"
    assert set(ids(followed)) == {"pm_1", "pm_2", "pm_3"}
    assert [line.what for line in followed.history] == ["customer.followed"]


def test_the_first_card_attached_elsewhere_becomes_the_default_here_and_at_stripe() -> None:
    followed = after(customer(), shown("pm_1"))

    assert followed.default_payment_method_id == "pm_1"
    assert step_of(followed) == SetDefaultCard("cust_1-1", "cus_1", "pm_1")


def test_a_card_detached_elsewhere_is_gone() -> None:
    followed = after(ann(), shown("pm_1", default="pm_1"))

    assert (ids(followed), followed.default_payment_method_id) == (["pm_1"], "pm_1")
    assert step_of(followed) is None


def test_a_default_detached_elsewhere_is_followed_by_the_newest_card() -> None:
    followed = after(ann(), shown("pm_2"))

    assert (ids(followed), followed.default_payment_method_id) == (["pm_2"], "pm_2")
    assert step_of(followed) == SetDefaultCard("cust_1-1", "cus_1", "pm_2")


def test_the_last_card_detached_elsewhere_leaves_no_default() -> None:
    followed = after(customer("pm_1", default="pm_1"), shown())

    assert (followed.cards, followed.default_payment_method_id) == ((), None)
    assert step_of(followed) is None


def test_a_default_chosen_elsewhere_is_the_default() -> None:
    followed = after(ann(), shown("pm_1", "pm_2", default="pm_2"))

    assert (followed.default_payment_method_id, followed.default_at_stripe) == ("pm_2", "pm_2")
    assert step_of(followed) is None


def test_a_default_taken_away_elsewhere_is_set_again() -> None:
    """There is exactly one default while there are cards."""
    followed = after(ann(), shown("pm_1", "pm_2"))

    assert followed.default_payment_method_id == "pm_1"
    assert step_of(followed) == SetDefaultCard("cust_1-1", "cus_1", "pm_1")


def test_a_default_that_we_wish_for_ourselves_is_not_taken_back() -> None:
    wished = replace(with_default(ann(), "pm_2"), call=None)

    followed = after(wished, shown("pm_1", "pm_2", default="pm_1"))

    assert followed.default_payment_method_id == "pm_2"
    assert step_of(followed) == SetDefaultCard("cust_1-1", "cus_1", "pm_2")


def test_a_card_that_its_network_renewed_shows_its_new_expiry() -> None:
    renewed = replace(seen_card("pm_1", "cus_1"), exp_month=1, exp_year=2035, last4="0000")

    followed = after(ann(), shown(renewed, "pm_2", default="pm_1"))

    card = followed.card("pm_1")
    assert card is not None
    assert (card.exp_month, card.exp_year, card.last4) == (1, 2035, "0000")
    assert [line.what for line in followed.history] == ["customer.followed"]


@pytest.mark.parametrize(("there", "name"), [("Anna", "Anna"), ("", None)])
def test_the_name_is_the_one_at_stripe(there: str, name: str | None) -> None:
    assert after(ann(), shown("pm_1", "pm_2", default="pm_1", name=there)).name == name


@pytest.mark.parametrize(("named", "name"), [(True, "Somebody"), (False, "Ann B.")])
def test_a_name_that_we_have_yet_to_write_there_is_not_taken_back(
    *, named: bool, name: str
) -> None:
    before = customer("pm_1", default="pm_1")
    card = replace(before.cards[0], cardholder_name="Ann B.", named=named)
    theirs = replace(seen_card("pm_1", "cus_1"), cardholder_name="Somebody")

    followed = after(replace(before, cards=(card,)), shown(theirs, default="pm_1"))

    assert followed.cards[0].cardholder_name == name


# Our own wishes


def with_card(state: CardState, **changed: Any) -> Customer:
    before = customer("pm_1", "pm_2", default="pm_1")
    cards = (before.cards[0], replace(before.cards[1], state=state, **changed))
    return replace(before, cards=cards)


def test_a_card_that_is_to_be_added_is_wanted_until_stripe_shows_it() -> None:
    waits = after(with_card(CardState.ADDING), shown("pm_1", default="pm_1"))
    there = after(with_card(CardState.ADDING), shown("pm_1", "pm_2", default="pm_1"))

    assert step_of(waits) == AttachCard("cust_1-1", "cus_1", "pm_2")
    assert (there.cards[1].state, step_of(there)) == (CardState.KEPT, None)


def test_a_card_that_is_to_be_removed_is_so_until_stripe_shows_it_no_more() -> None:
    waits = after(with_card(CardState.REMOVING), shown("pm_1", "pm_2", default="pm_1"))
    gone = after(with_card(CardState.REMOVING), shown("pm_1", default="pm_1"))

    assert step_of(waits) == DetachCard("cust_1-1", "pm_2")
    assert ([c.payment_method_id for c in gone.cards], step_of(gone)) == (["pm_1"], None)


def test_why_a_card_was_refused_is_not_forgotten() -> None:
    before = with_card(CardState.KEPT)
    refused = refused_card(before.cards[1], Denial("card_declined", "No."), declined=True)
    before = replace(before, cards=(before.cards[0], refused))

    assert after(before, shown("pm_1", default="pm_1")).cards == before.cards


def test_a_look_that_something_of_ours_overlapped_is_made_again_not_followed() -> None:
    busy = begin_call(removing_card(ann(), "pm_2"), moment())

    followed = after(busy, shown("pm_1", "pm_2", "pm_3", default="pm_3"))

    assert replace(followed, look_at=None) == busy
    assert followed.look_at == at(60)


def test_a_look_at_a_customer_that_was_made_anew_says_nothing_of_this_one() -> None:
    anew = replace(ann(), customer_id="cus_2")

    assert after(anew, shown()) is anew
    assert after(anew, NothingFound()) is anew


@pytest.mark.parametrize("news", [NoNews("lost"), NotExecuted("http_429"), Rejected(REFUSAL)])
def test_a_look_without_an_answer_is_made_again_later_and_later(news: News) -> None:
    looked, waits = ann(), []
    for _ in range(12):
        looked = after(looked, news)
        assert looked.look_at is not None
        waits.append((looked.look_at - at(60)).total_seconds())

    full = [min(5.0 * 2**n, 600.0) for n in range(12)]
    assert all(f / 2 <= wait < f for wait, f in zip(waits, full, strict=True))
    assert replace(looked, look_at=None, looks=0) == ann()
    assert looked.looks == 12


def test_a_look_is_due_by_itself_and_is_a_claim() -> None:
    waits = replace(ann(), look_at=at(60))

    assert corridor.next_step(waits, moment(59.9)) is None
    assert corridor.next_step(waits, moment(60)) == LOOK
    claimed = corridor.asking(waits, LOOK, moment(60))
    assert claimed.wake_at == at(60 + LEASE_S)


# Deleted at Stripe


def test_a_customer_deleted_at_stripe_has_nothing_left_there() -> None:
    gone = after(ann(), NothingFound())

    assert (gone.customer_id, gone.former_customer_id) == (None, "cus_1")
    assert (gone.cards, gone.default_payment_method_id, gone.default_at_stripe) == ((), None, None)
    assert [line.what for line in gone.history] == ["customer.deleted_at_stripe"]


def test_it_is_not_made_anew_by_itself_since_whoever_deleted_it_may_have_meant_it() -> None:
    gone = after(ann(), NothingFound())

    assert (gone.call, gone.wake_at) == (None, None)


def test_one_that_somebody_adds_a_card_to_is_made_anew_at_once() -> None:
    waiting = adding_card(ann(), seen_card("pm_3"), at(0), cardholder_name=None)

    gone = after(replace(waiting, call=None), NothingFound())

    assert [c.payment_method_id for c in gone.cards] == ["pm_3"]
    assert step_of(gone) == CreateCustomer("cust_1-1", EMAIL, "Ann")


def test_what_is_gone_already_stays_as_it_is() -> None:
    gone = gone_at_stripe(ann(), moment())

    assert gone_at_stripe(gone, moment(9)) is gone
    assert looked_in_vain(gone, at(9)).looks == 1


@pytest.mark.parametrize("param", ["customer", "id"])
def test_a_refusal_that_says_the_customer_is_gone_is_looked_into_not_believed(param: str) -> None:
    busy = begin_call(with_default(ann(), "pm_2"), moment())
    step = corridor.next_step(busy, moment())
    assert isinstance(step, SetDefaultCard)
    asked = corridor.asking(busy, step, moment())

    refused = Rejected(Denial("resource_missing", "No such customer", param=param))
    looking = corridor.decide(asked, step, refused, moment(1))

    assert (looking.call, looking.customer_id, looking.look_at) == (None, "cus_1", at(1))
    assert corridor.next_step(looking, moment(1)) == LOOK
    assert after(looking, NothingFound(), 1).former_customer_id == "cus_1"


def test_a_card_that_stripe_misses_is_not_taken_for_the_customer() -> None:
    busy = begin_call(adding_card(ann(), seen_card("pm_3"), at(0), cardholder_name=None), moment())
    step = corridor.next_step(busy, moment())
    assert isinstance(step, AttachCard)
    asked = corridor.asking(busy, step, moment())

    missing = Rejected(Denial("resource_missing", "No such PaymentMethod", param="id"))
    refused = corridor.decide(asked, step, missing, moment(1))

    card = refused.card("pm_3")
    assert card is not None
    assert (card.state, refused.look_at, refused.customer_id) == (CardState.REFUSED, None, "cus_1")
