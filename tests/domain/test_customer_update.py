"""What of a change is asked of Stripe: all but what is so here and was just seen there."""

from dataclasses import replace

import pytest

from payment_service.domain import corridor_customers as corridor
from payment_service.domain.customer import Customer, Update
from payment_service.domain.customer_update import is_changing, seems_so, wanting_update
from payment_service.domain.errors import (
    CustomerChangeInProgress,
    CustomerForgotten,
    EmailNotYours,
    Refusal,
)
from payment_service.domain.news import CustomerSeen, SeenCustomer
from payment_service.domain.steps import UpdateCustomer
from tests.domain.papers import at, moment
from tests.domain.test_customer import EMAIL, customer

NEW = "new@example.com"
SAME = SeenCustomer("cus_1", EMAIL.upper(), "Ann", None)
MOVED = replace(SAME, email=NEW)
RENAMED = replace(SAME, name="Anna")


def wanting(
    wanted: Update,
    seen: SeenCustomer | None,
    ann: Customer | None = None,
    *,
    may_move: bool = True,
) -> Customer:
    return wanting_update(ann or customer(), wanted, seen, at(0), may_move=may_move)


@pytest.mark.parametrize(
    ("wanted", "seems"),
    [
        (Update(EMAIL, None), True),
        (Update(None, "Ann"), True),
        (Update(NEW, "Ann"), True),
        (Update(NEW, None), False),
        (Update(NEW, "Anna"), False),
        (Update(None, None), False),
    ],
)
def test_only_where_something_is_so_here_a_look_is_needed(wanted: Update, *, seems: bool) -> None:
    assert seems_so(customer(), wanted) is seems


@pytest.mark.parametrize(
    ("wanted", "seen", "asked"),
    [
        (Update(EMAIL, "Ann"), SAME, None),
        (Update(EMAIL, "Ann"), MOVED, Update(EMAIL, None)),
        (Update(EMAIL, "Ann"), replace(SAME, email=None), Update(EMAIL, None)),
        (Update(EMAIL, "Ann"), RENAMED, Update(None, "Ann")),
        (Update(EMAIL, "Ann"), None, Update(EMAIL, "Ann")),
        (Update(NEW, "Ann"), SAME, Update(NEW, None)),
        (Update(NEW, None), MOVED, Update(NEW, None)),  # it is to be its own here
        (Update(None, "Anna"), RENAMED, Update(None, "Anna")),
        (Update(None, None), None, None),
    ],
)
def test_what_is_so_here_and_at_stripe_is_not_asked_for(
    wanted: Update, seen: SeenCustomer | None, asked: Update | None
) -> None:
    ann = wanting(wanted, seen)

    assert ann.update == asked
    assert ann.next_email == (NEW if asked is not None and asked.email == NEW else None)


def test_its_own_email_is_written_at_stripe_again_without_a_claim() -> None:
    ann = corridor.begin_call(wanting(Update(EMAIL, None), MOVED), moment())

    assert not ann.awaits_claim
    step = corridor.next_step(ann, moment())
    assert step == UpdateCustomer("cust_1-1", "cus_1", EMAIL, None)
    written = corridor.decide(
        corridor.asking(ann, step, moment()), step, CustomerSeen(SAME), moment()
    )
    assert (written.held_email, written.update, written.history) == (EMAIL, None, ())
    assert (written.released_emails, written.wake_at) == ((), None)


@pytest.mark.parametrize(
    ("before", "error"),
    [
        ({"is_forgotten": True}, CustomerForgotten),
        ({"update": Update(None, "Else")}, CustomerChangeInProgress),
        ({"next_email": NEW}, CustomerChangeInProgress),  # its e-mail follows Stripe's just now
    ],
)
def test_what_goes_on_already_goes_first(before: dict[str, object], error: type[Refusal]) -> None:
    ann = replace(customer(), **before)  # type: ignore[arg-type]

    with pytest.raises(error):
        wanting(Update(NEW, None), None, ann)
    assert is_changing(ann) is ("is_forgotten" not in before)


def test_an_end_user_changes_no_email_at_stripe_either() -> None:
    with pytest.raises(EmailNotYours):
        wanting(Update(EMAIL, "Anna"), MOVED, may_move=False)
    assert wanting(Update(EMAIL, "Anna"), SAME, may_move=False).update == Update(None, "Anna")
