"""How often cards were refused to somebody, and when that is too often."""

from dataclasses import replace
from datetime import timedelta

import pytest

from payment_service.domain.card_refusals import (
    CardTally,
    Kind,
    Suspect,
    paused_s,
    refused_to,
    with_refusal,
)
from payment_service.domain.customer import Card, CardState, new_customer
from payment_service.domain.moment import Policy
from payment_service.domain.payment import Failure, FailureKind
from payment_service.domain.wishes import AUTHENTICATION_REQUIRED, open_payment
from tests.domain.papers import T0, at, moment, order

JANE = Suspect(Kind.CUSTOMER, "cus_1")
POLICY = Policy(card_refusals_max=3, card_refusals_window_s=600, card_refusals_pause_s=3600)
PAYMENT = open_payment(order(), "pay_1", moment())
DECLINED = Failure(FailureKind.DECLINED, "card_declined", "No.", payment_method_id="pm_1")
CARD = Card(
    payment_method_id="pm_1",
    brand="visa",
    last4="0002",
    exp_month=1,
    exp_year=2030,
    fingerprint="fp_1",
    cardholder_name=None,
    added_at=T0,
    state=CardState.ADDING,
)
CUSTOMER = replace(new_customer("jane@example.com", None, "uid", T0), customer_id="cus_1")


def refused(*seconds: float) -> CardTally:
    """Return the tally after refusals at these times."""
    tally = None
    for second in seconds:
        tally = with_refusal(tally, JANE, at(second), POLICY)
    assert tally is not None
    return tally


def test_a_person_who_mistypes_twice_may_go_on() -> None:
    tally = refused(0, 30)

    assert paused_s(tally, at(30)) == 0
    assert (tally.version, tally.refused_at) == (1, (at(0), at(30)))
    assert tally.expires_at == at(630)


def test_as_many_as_there_may_be_begin_a_pause_and_a_new_count() -> None:
    tally = refused(0, 30, 60)

    assert paused_s(tally, at(60)) == 3600
    assert paused_s(tally, at(3659)) == 1
    assert paused_s(tally, at(3660)) == 0
    assert (tally.refused_at, tally.expires_at) == ((), at(3660))


def test_what_is_older_than_the_window_does_not_count() -> None:
    tally = refused(0, 30, 610, 1229)

    assert paused_s(tally, at(1229)) == 0
    assert tally.refused_at == (at(1229),)


def test_one_refusal_in_the_pause_does_not_shorten_it() -> None:
    """Another replica let it through."""
    tally = refused(0, 30, 60, 90)

    assert paused_s(tally, at(90)) == 3570
    assert tally.expires_at == at(3660)


def test_the_id_of_a_tally_shows_nobody() -> None:
    address = Suspect(Kind.ADDRESS, "192.0.2.1")

    assert address.id.startswith("address_")
    assert "192" not in address.id
    assert address.id != Suspect(Kind.CARD, "192.0.2.1").id
    assert refused(0).wake_at is None


def test_a_declined_payment_is_a_refusal_to_its_customer_card_and_address() -> None:
    after = replace(PAYMENT, failure=DECLINED)

    assert refused_to(PAYMENT, after, "192.0.2.1") == (
        JANE,
        Suspect(Kind.CARD, "pm_1"),
        Suspect(Kind.ADDRESS, "192.0.2.1"),
    )
    assert refused_to(after, replace(after, version=9), "192.0.2.1") == ()


@pytest.mark.parametrize(
    "failure",
    [
        None,
        replace(DECLINED, kind=FailureKind.REJECTED),
        replace(DECLINED, code=AUTHENTICATION_REQUIRED),
    ],
)
def test_no_other_end_of_an_attempt_is_a_refusal(failure: Failure | None) -> None:
    assert refused_to(PAYMENT, replace(PAYMENT, failure=failure), "192.0.2.1") == ()


def test_what_is_not_known_is_not_counted() -> None:
    terms = replace(PAYMENT.terms, customer_id=None)
    failure = replace(DECLINED, payment_method_id=None)

    assert refused_to(PAYMENT, replace(PAYMENT, terms=terms, failure=failure), "") == ()


def test_a_card_that_the_bank_would_not_have_attached_is_a_refusal() -> None:
    adding = replace(CUSTOMER, cards=(CARD,))
    refusal = replace(CARD, state=CardState.REFUSED, declined=True)
    after = replace(CUSTOMER, cards=(refusal,))

    assert refused_to(adding, after, "192.0.2.1") == (
        JANE,
        Suspect(Kind.CARD, "fp_1"),
        Suspect(Kind.ADDRESS, "192.0.2.1"),
    )
    assert refused_to(after, replace(after, version=9), "192.0.2.1") == ()
    not_usable = replace(refusal, declined=False)
    assert refused_to(adding, replace(CUSTOMER, cards=(not_usable,)), "192.0.2.1") == ()


def test_a_tally_outlives_its_pause_and_its_window() -> None:
    short = replace(POLICY, card_refusals_pause_s=1)
    tally = None
    for second in (0, 1, 2):
        tally = with_refusal(tally, JANE, at(second), short)

    assert tally is not None
    assert tally.expires_at == at(2) + timedelta(seconds=600)
