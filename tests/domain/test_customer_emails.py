"""The e-mail of a customer by its rules: wanted, claimed, switched to, and the old one released."""

from dataclasses import replace

import pytest

from payment_service.domain import corridor_customers as corridor
from payment_service.domain.customer import Customer, Update, new_customer
from payment_service.domain.customer_emails import (
    TAKEN_LOOK_MAX_S,
    looked_at_after,
    moved_at_stripe,
    rekeyed,
    wanting_email,
)
from payment_service.domain.customer_outcomes import shows
from payment_service.domain.following import followed, gone_at_stripe
from payment_service.domain.forgetting import forgetting
from payment_service.domain.moment import Policy
from payment_service.domain.news import (
    CustomerSeen,
    EmailClaimed,
    EmailReleased,
    EmailTaken,
    News,
    NoNews,
    NotExecuted,
    Rejected,
    SeenCustomer,
)
from payment_service.domain.steps import (
    ClaimEmail,
    CreateCustomer,
    ReadCustomer,
    ReleaseEmail,
    UpdateCustomer,
)
from tests.domain.papers import REFUSAL, at, moment, with_email
from tests.domain.test_customer import EMAIL, customer

NEW, OTHER = "new@example.com", "other@example.com"
FOUNDING = ClaimEmail(EMAIL, "cust_1", 1, is_founding=True)


def hears(ann: Customer, news: News, seconds: float = 0) -> Customer:
    """Let the next step be done, and this be heard of it."""
    step = corridor.next_step(ann, moment(seconds))
    assert step is not None
    asking = corridor.asking(ann, step, moment(seconds))
    assert corridor.next_step(asking, moment(seconds)) is None  # nobody else does it meanwhile
    return corridor.decide(asking, step, news, moment(seconds))


def moving(ann: Customer | None = None, email: str = NEW) -> Customer:
    return moved_at_stripe(ann or customer(), email, moment())


def updating(email: str | None = NEW, name: str | None = "Eve") -> Customer:
    ann = customer() if email is None else wanting_email(customer(), email, at(0))
    return corridor.begin_call(replace(ann, update=Update(email, name)), moment())


def test_a_new_customer_has_its_email_before_stripe_is_asked() -> None:
    ann = new_customer(EMAIL, "Ann", "cust_1", at(0))
    assert corridor.next_step(ann, moment()) == FOUNDING
    assert corridor.begin_call(ann, moment()).call is None  # who else comes for it waits too

    founded = hears(ann, EmailClaimed())

    assert (founded.held_email, founded.next_email, founded.is_founding) == (EMAIL, None, False)
    assert founded.history == ()
    assert corridor.next_step(founded, moment()) == CreateCustomer("cust_1-1", EMAIL, "Ann")


def test_without_its_email_a_new_customer_is_none() -> None:
    nobody = hears(new_customer(EMAIL, "Ann", "cust_1", at(0)), EmailTaken())

    assert (nobody.email, nobody.is_founding, nobody.call) == (None, True, None)
    assert corridor.begin_call(nobody, moment()).call is None


@pytest.mark.parametrize("news", [NoNews("stopped"), NotExecuted("claim_lapsed")])
def test_a_claim_of_which_nothing_is_known_is_made_again(news: News) -> None:
    ann = hears(new_customer(EMAIL, "Ann", "cust_1", at(0)), news)

    assert corridor.next_step(ann, moment()) == FOUNDING


def test_a_claim_is_made_again_when_its_owner_is_dead() -> None:
    ann = new_customer(EMAIL, "Ann", "cust_1", at(0))
    asking = corridor.asking(ann, FOUNDING, moment())
    lease_s = Policy().lease_s

    assert asking.wake_at == at(lease_s)
    assert corridor.next_step(asking, moment(lease_s)) == FOUNDING
    assert corridor.orphaned(asking, moment(1)).wake_at == at(1)


def test_an_email_that_moved_is_claimed_and_the_old_one_released() -> None:
    ann = moving()
    assert (ann.email, ann.held_email, ann.released_emails) == (NEW, None, (EMAIL,))

    switched = hears(ann, EmailClaimed())
    assert (switched.held_email, switched.history[-1].what) == (NEW, "customer.email_moved")
    assert corridor.next_step(switched, moment()) == ReleaseEmail(EMAIL, "cust_1")

    done = hears(switched, EmailReleased())
    assert (done.released_emails, done.wake_at) == ((), None)


def test_one_that_moves_back_before_it_came_releases_only_what_it_does_not_want() -> None:
    ann = moving(moving(), EMAIL)

    assert (ann.next_email, ann.released_emails) == (EMAIL, (NEW,))


def test_what_was_decided_about_an_older_wish_changes_nothing() -> None:
    ann = moving()
    step = corridor.next_step(ann, moment())
    assert step is not None
    later = moving(ann, OTHER)

    for news in (EmailClaimed(), EmailTaken()):
        assert corridor.decide(later, step, news, moment()) == later


def test_a_taken_email_leaves_the_customer_without_and_is_said_once() -> None:
    ann = hears(moving(), EmailTaken())

    assert (ann.email, ann.taken_email) == (None, NEW)
    assert [entry.what for entry in ann.history] == ["customer.email_taken"]
    assert ann.look_at == at(60)
    again = hears(moving(ann), EmailTaken())
    assert again.history == ann.history
    free = hears(moving(again), EmailClaimed())
    assert (free.email, free.taken_email) == (NEW, None)


def test_a_taken_email_is_looked_at_for_ever_and_ever_less_often() -> None:
    ann, now_s, waits = hears(moving(), EmailTaken()), 0.0, []
    for _ in range(9):
        assert ann.look_at is not None
        wait_s = (ann.look_at - at(now_s)).total_seconds()
        waits.append(wait_s)
        now_s += wait_s
        ann = hears(
            moved_at_stripe(replace(ann, look_at=None), NEW, moment(now_s)), EmailTaken(), now_s
        )

    assert waits == [60, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_a_look_that_comes_sooner_for_another_reason_stays() -> None:
    ann = hears(replace(moving(), look_at=at(5)), EmailTaken())

    assert ann.look_at == at(5)


def test_when_an_email_was_taken_may_have_left_the_time_line() -> None:
    ann = replace(hears(moving(), EmailTaken()), history=(), look_at=None)

    assert hears(moving(ann), EmailTaken()).look_at == at(TAKEN_LOOK_MAX_S)


def test_what_is_no_email_here_is_looked_at_once_more_and_no_other_time() -> None:
    ann = moving(email="\u0430nn@shop.example")
    assert ann.look_at == at(60)

    again = moved_at_stripe(replace(ann, look_at=None), "\u0430nn@shop.example", moment(60))

    assert (again.look_at, again.history) == (None, ann.history)


@pytest.mark.parametrize("shown", [None, "", EMAIL.upper()])
def test_the_same_email_or_none_moves_nothing(shown: str | None) -> None:
    ann = customer()

    assert moved_at_stripe(ann, shown, moment()) is ann


def test_an_old_document_does_not_follow() -> None:
    old = replace(customer(), id=EMAIL, held_email=None)

    assert moved_at_stripe(old, NEW, moment()) is old
    assert old.email == EMAIL


def test_a_look_during_a_change_says_nothing_and_another_one_is_due_when_it_ends() -> None:
    waiting = updating(OTHER)
    seen = SeenCustomer("cus_1", NEW, "Else", None)

    looked = corridor.decide(waiting, ReadCustomer("cus_1"), CustomerSeen(seen), moment())

    assert (looked.email, looked.name, looked.look_at) == (EMAIL, "Ann", at(0))
    assert corridor.next_step(looked, moment()) == ClaimEmail(OTHER, "cust_1", 2, is_founding=False)
    claiming = corridor.asking(looked, ClaimEmail(OTHER, "cust_1", 2, is_founding=False), moment())
    assert corridor.next_step(claiming, moment()) is None  # a look would be overtaken
    assert claiming.wake_at == claiming.email_due_at
    ended = hears(looked, EmailTaken())
    assert corridor.next_step(ended, moment()) == ReadCustomer("cus_1")


def test_an_email_that_is_shown_while_a_change_stands_still_is_looked_at_after_it() -> None:
    """Stripe did not know the customer, so the change waits for a look, and goes on after it."""
    claimed = hears(updating(OTHER), EmailClaimed())

    looked = followed(
        replace(claimed, call=None), SeenCustomer("cus_1", NEW, "Ann", None), None, moment()
    )

    assert (looked.email, looked.update, looked.look_at) == (EMAIL, claimed.update, at(0))


def test_only_a_change_that_waits_for_its_email_asks_for_a_look_after_it() -> None:
    assert looked_at_after(updating(OTHER), moment()).look_at == at(0)
    ann = customer()
    assert looked_at_after(ann, moment()) is ann


def test_an_old_document_under_our_own_id_claims_its_email() -> None:
    old = replace(customer("pm_1"), id=EMAIL, held_email=None, email_claims=0)

    ann = hears(rekeyed(old, at(0)), EmailClaimed())

    assert (ann.id, ann.held_email, ann.cards) == ("cust_1", EMAIL, old.cards)
    assert (ann.history, ann.look_at) == ((), at(5))
    assert rekeyed(replace(old, customer_id=None), at(0)).look_at is None


def test_a_change_claims_the_email_then_asks_stripe_then_switches() -> None:
    ann = updating()
    assert ann.call is None

    claimed = hears(ann, EmailClaimed())
    assert (claimed.email, claimed.email_claimed, claimed.email_due_at) == (EMAIL, True, None)
    step = corridor.next_step(claimed, moment())
    assert step == UpdateCustomer("cust_1-1", "cus_1", NEW, "Eve")

    seen = SeenCustomer("cus_1", NEW, "Eve", None)
    changed = hears(claimed, CustomerSeen(seen))
    assert (changed.held_email, changed.name, changed.update) == (NEW, "Eve", None)
    assert changed.released_emails == (EMAIL,)


def test_a_change_of_the_name_needs_no_claim() -> None:
    ann = updating(None)

    changed = hears(ann, CustomerSeen(SeenCustomer("cus_1", EMAIL, "Eve", None)))

    assert (changed.held_email, changed.name, changed.wake_at) == (EMAIL, "Eve", None)


def test_a_change_to_a_taken_email_is_refused_and_only_looked_after() -> None:
    ann = hears(updating(), EmailTaken())

    refusal = ann.refused_since(ann.email_claims, "ClaimEmail")
    assert refusal is not None
    assert (refusal.code, ann.update, ann.email, ann.name) == ("email_taken", None, EMAIL, "Ann")
    assert (ann.call, ann.look_at) == (None, at(0))  # its own may have been changed at Stripe


def test_a_change_that_stripe_refuses_gives_the_email_back() -> None:
    ann = hears(hears(updating(), EmailClaimed()), Rejected(REFUSAL))

    assert (ann.email, ann.name, ann.update) == (EMAIL, "Ann", None)
    assert ann.refused_since(1, "UpdateCustomer") is not None
    assert (ann.released_emails, ann.look_at) == ((NEW,), at(0))
    assert corridor.next_step(ann, moment()) == ReleaseEmail(NEW, "cust_1")


def test_a_change_that_is_refused_after_doubt_is_looked_at() -> None:
    in_doubt = hears(hears(updating(), EmailClaimed()), NoNews("lost"))

    ann = hears(in_doubt, Rejected(REFUSAL), 60)

    assert (ann.update, ann.look_at) == (None, at(60))


def test_a_look_that_shows_a_change_in_doubt_ends_it() -> None:
    in_doubt = hears(hears(updating(), EmailClaimed()), NoNews("lost"))
    assert in_doubt.asked is not None
    seen = SeenCustomer("cus_1", "New@Example.com", "Eve", None)

    assert not shows(replace(seen, name="Ann"), in_doubt.asked)
    ann = corridor.seen_done(in_doubt, "cust_1-1", seen, moment(1))

    assert (ann.held_email, ann.name, ann.call, ann.update) == (NEW, "Eve", None, None)


def test_what_our_key_may_not_change_is_given_up() -> None:
    ann = hears(hears(updating(), EmailClaimed()), NotExecuted("http_403", retryable=False))

    assert (ann.email, ann.update, ann.call) == (EMAIL, None, None)


def test_a_change_is_asked_for_again_under_its_key() -> None:
    in_doubt = hears(hears(updating(), EmailClaimed()), NoNews("lost"))
    wanting = replace(in_doubt, update=Update(NEW, "Else"))

    step = corridor.next_step(wanting, moment(60))

    assert step == UpdateCustomer("cust_1-1", "cus_1", NEW, "Eve")


@pytest.mark.parametrize("ended", ["deleted", "forgotten"])
def test_a_change_ends_with_the_customer(ended: str) -> None:
    claimed = hears(updating(), EmailClaimed())

    ann = gone_at_stripe(claimed, moment()) if ended == "deleted" else forgetting(claimed, moment())

    assert (ann.update, ann.next_email, ann.released_emails) == (None, None, (NEW,))
    assert ann.held_email == EMAIL


def test_a_look_brings_the_email_with_the_cards() -> None:
    seen = SeenCustomer("cus_1", NEW, "Ann", None)

    assert followed(customer(), seen, None, moment()).email == NEW


def test_one_without_an_email_is_not_made_anew() -> None:
    lost = replace(hears(moving(), EmailTaken()), customer_id=None)

    assert corridor.begin_call(lost, moment()).call is None
    assert with_email(new_customer(EMAIL, None, "c", at(0))).wants(EMAIL)


def test_with_nothing_to_be_done_about_emails_nothing_is() -> None:
    assert corridor.next_step(replace(customer(), email_due_at=at(0)), moment()) is None
