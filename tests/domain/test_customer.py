"""A customer: one e-mail, its cards, and exactly one default while there are cards."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_service.domain.customer import (
    CARDS_MAX,
    CardState,
    Customer,
    adding_card,
    adopted,
    kept,
    new_customer,
    refused_card,
    removing_card,
    usable_card,
    with_default,
    with_valid_default,
)
from payment_service.domain.email_address import normalised_email
from payment_service.domain.errors import CardNotUsable, InvalidRequest, NotFound
from payment_service.domain.news import Denial, SeenCard, SeenCustomer
from tests.domain.papers import DENIAL, at, with_email

EMAIL = "ann@example.com"


def seen_card(id: str = "pm_1", customer_id: str | None = None, added_s: float = 0) -> SeenCard:
    return SeenCard(
        payment_method_id=id,
        brand="visa",
        last4="4242",
        exp_month=12,
        exp_year=2030,
        fingerprint=f"print of {id}",
        cardholder_name=None,
        customer_id=customer_id,
        created_at=at(added_s),
    )


def customer(*cards: str, default: str | None = None) -> Customer:
    """Return a customer with these cards, the first the oldest, all attached at Stripe."""
    seen = SeenCustomer(
        id="cus_1",
        email=EMAIL,
        name="Ann",
        default_payment_method_id=default,
        cards=tuple(seen_card(card, "cus_1", n) for n, card in enumerate(cards)),
    )
    return with_email(adopted(EMAIL, seen, "cust_1", at(9)))


def ids(of: Customer) -> list[str]:
    return [card.payment_method_id for card in of.kept_cards]


@pytest.mark.parametrize(
    ("given_text", "email"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        ("  ann@example.com\n", "ann@example.com"),
        ("a+b@sub.example.co", "a+b@sub.example.co"),
        ("ÄNN@exämple.com", "änn@exämple.com"),
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com"),
    ],
)
def test_an_email_is_one_identity_however_it_is_written(given_text: str, email: str) -> None:
    assert normalised_email(given_text) == email


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "ann@",
        "@example.com",
        "ann@example",
        "ann@example.",
        "a nn@example.com",
        "ann@@example.com",
        "ann@example.com, bob@example.com",
        "ann\x00@example.com",
        "a" * 65 + "@example.com",
        "ann@" + "a" * 250 + ".com",
    ],
)
def test_what_is_no_email_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        normalised_email(text)

    assert [bad.field for bad in refused.value.fields] == ["email"]


def test_a_new_customer_is_unknown_to_stripe() -> None:
    fresh = new_customer(EMAIL, "Ann", "cust_1", at(0))

    assert (fresh.id, fresh.email, fresh.customer_id) == ("cust_1", EMAIL, None)
    assert fresh.wake_at == at(0)  # for its e-mail is to be claimed


def test_an_adopted_customer_comes_with_its_cards_and_default() -> None:
    ann = customer("pm_1", "pm_2", "pm_3", default="pm_2")

    assert (ann.customer_id, ann.name) == ("cus_1", "Ann")
    assert (ann.default_payment_method_id, ann.default_at_stripe) == ("pm_2", "pm_2")
    assert ids(ann) == ["pm_2", "pm_3", "pm_1"]  # the default, then the newest


@pytest.mark.parametrize("default", [None, "pm_that_is_no_card"])
def test_an_adopted_customer_without_a_default_gets_its_newest_card(default: str | None) -> None:
    ann = customer("pm_1", "pm_2", default=default)

    assert (ann.default_payment_method_id, ann.default_at_stripe) == ("pm_2", default)


def test_a_card_is_wanted_before_it_is_attached_and_is_no_default_yet() -> None:
    ann = adding_card(customer(), seen_card(), at(5), cardholder_name="Ann B.")

    (card,) = ann.cards
    assert (card.state, card.added_at) == (CardState.ADDING, at(5))
    assert (card.cardholder_name, card.named) == ("Ann B.", False)
    assert (ann.default_payment_method_id, ann.kept_cards) == (None, ())


def test_a_card_that_is_there_already_only_gets_its_name() -> None:
    before = customer("pm_1")

    ann = adding_card(before, seen_card("pm_1", "cus_1"), at(5), cardholder_name="Ann B.")

    (card,) = ann.cards
    assert (card.state, card.added_at) == (CardState.KEPT, at(0))
    assert (card.cardholder_name, card.named) == ("Ann B.", False)
    assert ann.default_payment_method_id == "pm_1"


def test_a_name_that_stripe_has_already_is_not_written_again() -> None:
    named = replace(seen_card("pm_1", "cus_1"), cardholder_name="Ann B.")

    ann = adding_card(customer("pm_1"), named, at(5), cardholder_name="Ann B.")

    assert ann.cards[0].named


def test_a_card_attached_behind_our_back_is_kept_at_once() -> None:
    ann = adding_card(customer(), seen_card("pm_1", "cus_1"), at(5), cardholder_name=None)

    assert (ann.cards[0].state, ann.default_payment_method_id) == (CardState.KEPT, "pm_1")


def test_somebody_else_s_card_is_refused() -> None:
    with pytest.raises(CardNotUsable) as refused:
        adding_card(customer(), seen_card("pm_1", "cus_2"), at(5), cardholder_name=None)

    assert refused.value.message == "This card belongs to another customer."


def test_a_card_on_its_way_out_is_refused() -> None:
    leaving = removing_card(customer("pm_1"), "pm_1")

    with pytest.raises(CardNotUsable) as refused:
        adding_card(leaving, seen_card("pm_1", "cus_1"), at(5), cardholder_name=None)

    assert refused.value.message == "This card is being removed."


def test_a_customer_has_a_limited_number_of_cards_but_may_name_one_again() -> None:
    full = customer(*(f"pm_{n}" for n in range(CARDS_MAX)))

    with pytest.raises(CardNotUsable) as refused:
        adding_card(full, seen_card("pm_new"), at(5), cardholder_name=None)
    named = adding_card(full, seen_card("pm_3", "cus_1"), at(5), cardholder_name="Ann")

    assert refused.value.message == "A customer may have at most 50 cards."
    assert len(named.cards) == CARDS_MAX


@pytest.mark.parametrize(
    ("denial", "code"),
    [
        (DENIAL, "generic_decline"),
        (Denial("expired_card", "It has expired."), "expired_card"),
    ],
)
def test_a_refused_card_says_why_until_a_card_is_added_again(denial: Denial, code: str) -> None:
    ann = adding_card(customer(), seen_card(), at(5), cardholder_name=None)
    refused = refused_card(ann.cards[0], denial, declined=True)
    ann = replace(ann, cards=(refused,))

    assert (refused.state, refused.declined) == (CardState.REFUSED, True)
    assert (refused.refusal_code, refused.refusal_message) == (code, denial.message)
    assert ids(ann) == []
    again = adding_card(ann, seen_card("pm_2"), at(6), cardholder_name=None)
    assert [card.payment_method_id for card in again.cards] == ["pm_2"]


def test_the_default_can_be_chosen() -> None:
    assert ids(with_default(customer("pm_1", "pm_2"), "pm_1")) == ["pm_1", "pm_2"]


@pytest.mark.parametrize("card", ["pm_unknown", "pm_adding", "pm_removing"])
def test_only_a_kept_card_can_be_used_chosen_or_removed(card: str) -> None:
    ann = adding_card(customer("pm_removing"), seen_card("pm_adding"), at(5), cardholder_name=None)
    ann = removing_card(ann, "pm_removing")

    for refuses in (usable_card, with_default, removing_card):
        with pytest.raises(NotFound):
            refuses(ann, card)


def test_a_removed_default_hands_over_to_the_newest_card_left() -> None:
    ann = customer("pm_1", "pm_2", "pm_3", default="pm_1")

    first = removing_card(ann, "pm_1")
    last = removing_card(removing_card(first, "pm_2"), "pm_3")

    assert (first.default_payment_method_id, ids(first)) == ("pm_3", ["pm_3", "pm_2"])
    assert (last.default_payment_method_id, ids(last)) == (None, [])
    assert [card.state for card in last.cards] == [CardState.REMOVING] * 3


Deed = tuple[str, str]
deeds = st.lists(
    st.tuples(
        st.sampled_from(["add", "keep", "refuse", "remove", "default", "detach"]),
        st.sampled_from(["pm_1", "pm_2", "pm_3"]),
    ),
    max_size=25,
)


def done(ann: Customer, deed: Deed, seconds: int) -> Customer:
    """Return the customer after a deed of the caller's or of Stripe's, or as it is if refused."""
    what, card_id = deed
    try:
        match what:
            case "add":
                return adding_card(ann, seen_card(card_id), at(seconds), cardholder_name=None)
            case "remove":
                return removing_card(ann, card_id)
            case "default":
                return with_default(ann, card_id)
    except (NotFound, CardNotUsable):
        return ann
    cards = {card.payment_method_id: card for card in ann.cards}
    if card_id in cards and what == "detach":
        del cards[card_id]
    elif card_id in cards and cards[card_id].state is CardState.ADDING:
        attached = replace(cards[card_id], state=CardState.KEPT)
        cards[card_id] = (
            attached if what == "keep" else refused_card(cards[card_id], DENIAL, declined=True)
        )
    return with_valid_default(replace(ann, cards=tuple(cards.values())))


@given(deeds)
def test_whatever_happens_there_is_exactly_one_default_while_there_are_cards(
    happens: list[Deed],
) -> None:
    ann = customer("pm_1")

    for seconds, deed in enumerate(happens, start=10):
        ann = done(ann, deed, seconds)

        usable = ids(ann)
        assert (ann.default_payment_method_id in usable) if usable else True
        assert usable or ann.default_payment_method_id is None
        assert usable[:1] == ([ann.default_payment_method_id] if usable else [])


def test_a_card_is_found_in_whatever_state() -> None:
    ann = removing_card(customer("pm_1"), "pm_1")

    assert ann.card("pm_1") == replace(kept(seen_card("pm_1", "cus_1")), state=CardState.REMOVING)
    assert ann.card("pm_2") is None
