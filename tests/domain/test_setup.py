"""Saving a card with authentication: a SetupIntent that is made, watched and left alone at last."""

from dataclasses import replace

import pytest

from payment_service.domain import corridor_customers as corridor
from payment_service.domain.corridor_customers import begin_call
from payment_service.domain.customer import (
    CardState,
    Customer,
    adding_card,
    twin_of,
)
from payment_service.domain.errors import CardNotUsable
from payment_service.domain.following import LOOK_FIRST_S, wanting_setup
from payment_service.domain.news import (
    CustomerSeen,
    News,
    NoNews,
    NotExecuted,
    Rejected,
    SeenCard,
    SeenCustomer,
    SeenSetup,
    SetupSeen,
)
from payment_service.domain.setup import LOOKED_AT_FOR_S, OPEN, Setup
from payment_service.domain.steps import CreateSetup, ReadCustomer, SetDefaultCard
from tests.domain.papers import REFUSAL, T0, at, moment
from tests.domain.test_customer import EMAIL, customer, seen_card

LOOK = ReadCustomer("cus_1", "seti_1")


def wanted(before: Customer | None = None) -> Customer:
    """Return a customer for whom a SetupIntent is to be made."""
    return begin_call(wanting_setup(before or customer(), "req_1", moment()), moment())


def heard(ann: Customer, news: News, seconds: float = 0) -> Customer:
    step = corridor.next_step(ann, moment(seconds))
    assert step is not None
    asked = corridor.asking(ann, step, moment(seconds))
    return corridor.decide(asked, step, news, moment(seconds))


def made(status: str = "requires_payment_method") -> Customer:
    return heard(wanted(), SetupSeen(SeenSetup("seti_1", status, client_secret="secret")))


def shown(status: str, *cards: SeenCard) -> CustomerSeen:
    seen = SeenCustomer("cus_1", EMAIL, "Ann", None, cards)
    return CustomerSeen(seen, setup=SeenSetup("seti_1", status))


def test_it_is_asked_for_under_the_call_s_own_key() -> None:
    step = corridor.next_step(wanted(), moment())

    assert step == CreateSetup("cust_1-1", "cus_1", "req_1")


def test_one_that_is_being_made_is_not_made_twice() -> None:
    ann = wanted()

    assert wanting_setup(ann, "req_2", moment(5)) is ann
    assert wanting_setup(made(), "req_2", moment(5)).setup == Setup(at(5), "req_2")


def test_what_was_made_is_kept_without_its_secret_and_looked_at() -> None:
    ann = made()

    assert ann.setup == Setup(T0, "req_1", "seti_1", "requires_payment_method")
    assert "secret" not in repr(ann)
    assert ann.wake_at is not None
    assert at(LOOK_FIRST_S / 2) <= ann.wake_at < at(LOOK_FIRST_S)
    assert corridor.next_step(ann, moment(LOOK_FIRST_S)) == LOOK


@pytest.mark.parametrize("status", sorted(OPEN))
def test_while_the_payer_s_client_may_complete_it_it_is_looked_at_for_a_day(status: str) -> None:
    ann, looks = made(), 0
    while ann.wake_at is not None:
        seconds = (ann.wake_at - T0).total_seconds()
        ann, looks = heard(ann, shown(status), seconds), looks + 1

    assert LOOKED_AT_FOR_S < seconds < LOOKED_AT_FOR_S + 600
    assert 150 < looks < 300
    assert ann.setup is not None
    assert (ann.setup.status, ann.looks) == (status, 0)


@pytest.mark.parametrize("status", ["succeeded", "canceled", "processing"])
def test_one_that_is_closed_is_looked_at_no_more_and_its_card_is_there(status: str) -> None:
    ann = heard(made(), shown(status, seen_card("pm_9", "cus_1")), LOOK_FIRST_S)

    assert ann.setup is not None
    assert (ann.setup.status, ann.setup.is_open) == (status, False)
    assert [c.payment_method_id for c in ann.kept_cards] == ["pm_9"]
    assert corridor.next_step(ann, moment(LOOK_FIRST_S)) == SetDefaultCard(
        "cust_1-2", "cus_1", "pm_9"
    )


def test_another_setup_than_the_last_one_says_nothing() -> None:
    ann = replace(made(), setup=Setup(T0, None, "seti_2", "requires_action"))

    seen = CustomerSeen(
        SeenCustomer("cus_1", EMAIL, "Ann", None), setup=SeenSetup("seti_1", "succeeded")
    )
    after = corridor.decide(ann, ReadCustomer("cus_1", "seti_2"), seen, moment(9))

    assert after.setup == ann.setup


def test_news_of_one_that_is_not_wanted_any_more_is_dropped() -> None:
    asked = corridor.asking(wanted(), CreateSetup("cust_1-1", "cus_1", "req_1"), moment())
    forgotten = replace(asked, setup=None)

    seen = SetupSeen(SeenSetup("seti_1", "requires_payment_method"))
    step = CreateSetup("cust_1-1", "cus_1", "req_1")
    after = corridor.decide(forgotten, step, seen, moment())
    refused = corridor.decide(forgotten, step, Rejected(REFUSAL), moment())

    assert (after.setup, after.call, refused.setup, refused.call) == (None, None, None, None)


def test_what_stripe_refuses_is_said_and_not_asked_again() -> None:
    ann = heard(wanted(), Rejected(REFUSAL))

    assert ann.setup is not None
    assert (ann.setup.refusal_code, ann.setup.refusal_message, ann.setup.is_wanted) == (
        "parameter_invalid",
        "No.",
        False,
    )
    assert (ann.call, ann.wake_at) == (None, None)


def test_one_that_cannot_be_asked_for_is_given_up_and_says_so() -> None:
    """Somebody waits for it."""
    ann = heard(wanted(), NotExecuted("http_401", retryable=False))

    assert ann.setup is not None
    assert ann.setup.refusal_code == "http_401"


def test_after_doubt_it_is_asked_for_again_under_the_same_key() -> None:
    ann = heard(wanted(), NoNews("lost"))

    assert ann.wake_at is not None
    seconds = (ann.wake_at - T0).total_seconds()
    assert corridor.next_step(ann, moment(seconds)) == CreateSetup("cust_1-1", "cus_1", "req_1")


def test_what_is_in_doubt_is_asked_again_before_a_later_wish() -> None:
    """Though a card waits by now: what is in doubt may be done after it."""
    doubted = heard(wanted(), NoNews("lost"))
    wishing = adding_card(doubted, seen_card("pm_3"), at(1), cardholder_name=None)
    forgotten = replace(wishing, setup=None)

    assert wishing.wake_at is not None
    seconds = (wishing.wake_at - T0).total_seconds()
    for ann, request_id in ((wishing, "req_1"), (forgotten, None)):
        assert corridor.next_step(ann, moment(seconds)) == CreateSetup(
            "cust_1-1", "cus_1", request_id
        )


# The same piece of plastic


def like(card: SeenCard, id: str, **changed: object) -> SeenCard:
    return replace(card, payment_method_id=id, **changed)  # type: ignore[arg-type]  # its own


def test_the_same_number_and_expiry_under_another_id_is_the_same_card() -> None:
    ann, twin = customer("pm_1", default="pm_1"), like(seen_card("pm_1"), "pm_2")

    same = adding_card(ann, twin, at(9), cardholder_name=None)
    named = adding_card(ann, twin, at(9), cardholder_name="Ann B.")

    assert same is ann
    assert [(c.payment_method_id, c.cardholder_name, c.named) for c in named.cards] == [
        ("pm_1", "Ann B.", False)
    ]
    assert adding_card(named, twin, at(9), cardholder_name="Ann B.") is named


@pytest.mark.parametrize(
    "changed",
    [
        {"exp_year": 2031},
        {"exp_month": 11},
        {"fingerprint": "another"},
        {"fingerprint": None},
        {"customer_id": "cus_1"},  # attached there already: it is a card of its own
    ],
)
def test_what_differs_is_another_card(changed: dict[str, object]) -> None:
    ann, other = customer("pm_1", default="pm_1"), like(seen_card("pm_1"), "pm_2", **changed)

    added = adding_card(ann, other, at(9), cardholder_name=None)

    assert [c.payment_method_id for c in added.cards] == ["pm_1", "pm_2"]


@pytest.mark.parametrize(
    ("state", "is_twin"),
    [
        (CardState.KEPT, True),
        (CardState.ADDING, True),
        (CardState.REMOVING, False),
        (CardState.REFUSED, False),
    ],
)
def test_only_a_card_that_stays_is_taken_for_the_new_one(
    state: CardState, *, is_twin: bool
) -> None:
    ann = customer("pm_1", default="pm_1")
    ann = replace(ann, cards=(replace(ann.cards[0], state=state),))

    assert (twin_of(ann, like(seen_card("pm_1"), "pm_2")) is not None) is is_twin


def test_a_card_is_no_twin_of_itself() -> None:
    assert twin_of(customer("pm_1", default="pm_1"), seen_card("pm_1")) is None


def test_a_twin_of_somebody_else_s_is_theirs() -> None:
    theirs = like(seen_card("pm_1"), "pm_2", customer_id="cus_2")

    with pytest.raises(CardNotUsable):
        adding_card(customer("pm_1", default="pm_1"), theirs, at(9), cardholder_name=None)
