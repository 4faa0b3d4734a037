"""Forgetting: what must be over before, what goes, what stays, and what Stripe is asked for it."""

from dataclasses import replace

import pytest

from payment_service.domain import corridor_customers as corridor
from payment_service.domain.corridor_customers import OwedStep, begin_call
from payment_service.domain.customer import CardState, Customer, new_customer
from payment_service.domain.forgetting import forgetting, why_open, without_words
from payment_service.domain.news import (
    CardSeen,
    CustomerSeen,
    Denial,
    IntentSeen,
    News,
    NoNews,
    NotExecuted,
    NothingFound,
    Rejected,
    SeenCustomer,
)
from payment_service.domain.payment import Payment
from payment_service.domain.refund import Refund, RefundStatus
from payment_service.domain.steps import AttachCard, DeleteCustomer, DetachCard, NameCard
from tests.domain.papers import (
    REFUSAL,
    at,
    canceled,
    created,
    declined,
    heard,
    in_doubt,
    intent,
    moment,
    opened,
    paid,
    terms,
    waiting,
    with_email,
)
from tests.domain.test_customer import EMAIL, customer, seen_card

GONE = Rejected(Denial("resource_missing", "No such customer", param="id"))
CARD = CardSeen(seen_card())


def with_refund(status: RefundStatus, reason: str | None = None) -> Payment:
    refund = Refund("ref_1", 6_000, status, at(1), reason=reason)
    return replace(paid(), refunds=(refund,))


# ---------------------------------------------------------------- payments


@pytest.mark.parametrize(
    ("payment", "why"),
    [
        (opened(), "asking"),
        (in_doubt(opened()), "asking"),
        (created(), "requires_payment_method"),
        (declined(), "requires_payment_method"),
        (waiting(), "requires_action"),
        (heard(opened(), IntentSeen(intent("requires_capture")), 0), "requires_capture"),
        (with_refund(RefundStatus.ASKING), "refund pending"),
        (with_refund(RefundStatus.PENDING), "refund pending"),
        (with_refund(RefundStatus.REQUIRES_ACTION), "refund pending"),
        (with_refund(RefundStatus.SUCCEEDED), None),
        (with_refund(RefundStatus.FAILED), None),
        (paid(), None),
        (canceled(), None),
        (heard(opened(), Rejected(REFUSAL), 0), None),  # Stripe never had it
    ],
)
def test_a_payment_is_open_until_nothing_is_asked_of_its_payer(
    payment: Payment, why: str | None
) -> None:
    assert why_open(payment) == why


def test_only_what_callers_wrote_goes_from_a_payment() -> None:
    worded = replace(
        with_refund(RefundStatus.SUCCEEDED, "Ann was sad"),
        terms=terms(
            description="for Ann", metadata={"who": "Ann"}, return_url="https://shop/?who=Ann"
        ),
        failure=declined(retry_key="Ann's key").failure,
    )

    bare = without_words(worded)

    assert "Ann" not in str(bare)
    assert bare.terms == terms()
    assert bare.failure == declined().failure
    assert bare.refunds == (replace(worded.refunds[0], reason=None),)
    assert bare == replace(worded, terms=bare.terms, failure=bare.failure, refunds=bare.refunds)


@pytest.mark.parametrize(
    "payment", [paid(), declined(), with_refund(RefundStatus.SUCCEEDED, "duplicate")]
)
def test_a_payment_without_words_is_the_very_same(payment: Payment) -> None:
    assert without_words(payment) is payment


# ---------------------------------------------------------------- the customer


def begun(ann: Customer) -> Customer:
    return begin_call(forgetting(ann, moment()), moment())


def named(ann: Customer, **states: CardState) -> Customer:
    cards = tuple(
        replace(card, cardholder_name="Ann A", state=states.get(card.payment_method_id, card.state))
        for card in ann.cards
    )
    return replace(ann, cards=cards)


def step_of(ann: Customer, seconds: float = 0) -> OwedStep | None:
    return corridor.next_step(ann, moment(seconds))


def hears(ann: Customer, news: News, seconds: float = 0) -> Customer:
    step = step_of(ann, seconds)
    assert step is not None
    ann = corridor.asking(ann, step, moment(seconds))
    return corridor.decide(ann, step, news, moment(seconds))


def test_names_go_at_once_and_nothing_else_is_wanted_any_more() -> None:
    ann = begun(named(customer("pm_1", "pm_2", default="pm_1")))

    assert (ann.name, [card.cardholder_name for card in ann.cards]) == (None, [None, None])
    assert ann.history[-1].what == "customer.forgetting"
    assert step_of(ann) == NameCard("cust_1-1", "pm_1", "")


def test_cards_lose_their_names_then_their_customer_and_then_it_is_deleted() -> None:
    ann = begun(named(customer("pm_1", "pm_2")))
    asked = []
    for _ in range(4):
        asked.append(step_of(ann))
        ann = hears(ann, CARD)

    assert asked == [
        NameCard("cust_1-1", "pm_1", ""),
        DetachCard("cust_1-2", "pm_1"),
        NameCard("cust_1-3", "pm_2", ""),
        DetachCard("cust_1-4", "pm_2"),
    ]
    assert step_of(ann) == DeleteCustomer("cust_1-5", "cus_1")
    gone = hears(ann, NothingFound())
    assert (gone.customer_id, gone.former_customer_id, gone.call) == (None, "cus_1", None)
    assert gone.wake_at is None
    assert gone.history[-1].what == "customer.deleted"


def test_a_nameless_card_is_only_detached_and_a_refused_one_is_dropped() -> None:
    ann = named(customer("pm_1", "pm_2"), pm_2=CardState.REFUSED)
    ann = replace(ann, cards=(replace(ann.cards[0], cardholder_name=None), ann.cards[1]))

    assert [card.payment_method_id for card in begun(ann).cards] == ["pm_1"]
    assert step_of(begun(ann)) == DetachCard("cust_1-1", "pm_1")


def test_one_that_stripe_deleted_already_is_gone() -> None:
    assert hears(begun(customer()), GONE).customer_id is None


def test_a_lost_answer_is_asked_again_under_the_same_key() -> None:
    ann = hears(begun(customer()), NoNews("lost"))

    assert step_of(ann, 60) == DeleteCustomer("cust_1-1", "cus_1")
    assert hears(ann, GONE, 60).customer_id is None


def test_it_is_asked_for_ever_while_stripe_is_away() -> None:
    ann = begun(customer())
    for tried in range(8):
        ann = hears(ann, NotExecuted("no_connection"), 1000 * tried)

    assert step_of(ann, 10_000) == DeleteCustomer("cust_1-1", "cus_1")


def test_a_refusal_ends_it_until_it_is_begun_again() -> None:
    refused = hears(begun(customer()), Rejected(REFUSAL))

    assert (refused.refusal_code, refused.call) == ("parameter_invalid", None)
    again = begun(refused)
    assert again.history == refused.history
    assert step_of(again) == DeleteCustomer("cust_1-2", "cus_1")


def test_what_was_in_doubt_before_is_settled_first() -> None:
    """An attachment that came after the deletion would be refused; before it, it must be undone."""
    ann = named(customer("pm_1"), pm_1=CardState.ADDING)
    doubted = hears(begin_call(ann, moment()), NoNews("lost"))

    ann = begun(doubted)
    assert step_of(ann, 60) == AttachCard("cust_1-1", "cus_1", "pm_1")
    ann = hears(ann, CARD, 60)
    assert step_of(ann, 60) == NameCard("cust_1-2", "pm_1", "")


def test_one_that_is_not_at_stripe_wants_nothing_and_is_never_made_anew() -> None:
    gone = begun(replace(customer(), customer_id=None))
    never = begun(with_email(new_customer(EMAIL, "Ann", "cust_1", at(0))))

    assert (gone.call, never.call, never.name) == (None, None, None)


def test_a_look_that_finds_it_gone_is_as_good() -> None:
    missing = Rejected(Denial("resource_missing", "No such customer", param="customer"))
    ann = hears(begun(customer("pm_1")), missing)

    assert ann.call is None
    assert hears(ann, NothingFound()).history[-1].what == "customer.deleted"


def test_a_look_that_finds_it_there_goes_on() -> None:
    missing = Rejected(Denial("resource_missing", "No such customer", param="customer"))
    ann = hears(begun(customer("pm_1")), missing)

    ann = hears(ann, CustomerSeen(SeenCustomer("cus_1", EMAIL, "Ann", None)))

    assert step_of(ann) == DetachCard("cust_1-2", "pm_1")
    assert ann.name is None, "its name must not come back"
