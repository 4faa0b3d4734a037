"""How a customer goes on: one call at a time, from what Stripe has to what is wanted."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from payment_service.domain import corridor_customers as corridor
from payment_service.domain.call import backoff_s
from payment_service.domain.corridor_customers import OwedStep, begin_call
from payment_service.domain.customer import (
    CardState,
    Customer,
    adding_card,
    new_customer,
    removing_card,
    with_default,
)
from payment_service.domain.moment import Policy
from payment_service.domain.news import (
    CardSeen,
    CustomerSeen,
    Declined,
    Denial,
    News,
    NoNews,
    NotExecuted,
    NothingFound,
    Rejected,
    SeenCustomer,
)
from payment_service.domain.steps import (
    AttachCard,
    CreateCustomer,
    DetachCard,
    FindCustomer,
    NameCard,
    SetDefaultCard,
)
from payment_service.domain.stripe_errors import UNAVAILABLE
from tests.domain.papers import DENIAL, REFUSAL, at, moment, with_email
from tests.domain.test_customer import EMAIL, customer, ids, seen_card

LEASE_S = Policy().lease_s
SEEN = SeenCustomer("cus_1", EMAIL, "Ann", None)
CARD = CardSeen(seen_card())


def asked(ann: Customer, seconds: float = 0) -> tuple[Customer, OwedStep]:
    step = corridor.next_step(ann, moment(seconds))
    assert step is not None
    return corridor.asking(ann, step, moment(seconds)), step


def heard(ann: Customer, news: News, seconds: float = 0) -> Customer:
    ann, step = asked(ann, seconds)
    return corridor.decide(ann, step, news, moment(seconds))


def step_of(ann: Customer, seconds: float = 0) -> OwedStep | None:
    return corridor.next_step(ann, moment(seconds))


def begun(ann: Customer) -> Customer:
    return begin_call(ann, moment())


def creating() -> Customer:
    return begun(with_email(new_customer(EMAIL, "Ann", "cust_1", at(0))))


def attaching() -> Customer:
    return begun(adding_card(customer(), seen_card(), at(0), cardholder_name=None))


def naming() -> Customer:
    named = adding_card(
        customer("pm_1", default="pm_1"), seen_card("pm_1", "cus_1"), at(0), cardholder_name="Ann"
    )
    return begun(named)


def detaching() -> Customer:
    return begun(removing_card(customer("pm_1", "pm_2", default="pm_2"), "pm_1"))


def choosing() -> Customer:
    return begun(with_default(customer("pm_1", "pm_2", default="pm_2"), "pm_1"))


BEGINS: dict[Callable[[], Customer], OwedStep] = {
    creating: CreateCustomer("cust_1-1", EMAIL, "Ann"),
    attaching: AttachCard("cust_1-1", "cus_1", "pm_1"),
    naming: NameCard("cust_1-1", "pm_1", "Ann"),
    detaching: DetachCard("cust_1-1", "pm_1"),
    choosing: SetDefaultCard("cust_1-1", "cus_1", "pm_1"),
}


@pytest.mark.parametrize(("begin", "step"), BEGINS.items())
def test_what_is_wanted_is_asked_for_under_the_call_s_own_key(
    begin: Callable[[], Customer], step: OwedStep
) -> None:
    assert step_of(begin()) == step


@pytest.mark.parametrize("begin", BEGINS)
def test_what_one_door_is_at_is_not_due_for_another_before_its_lease_ends(
    begin: Callable[[], Customer],
) -> None:
    ann, _ = asked(begin())

    assert step_of(ann, LEASE_S - 0.001) is None
    assert step_of(ann, LEASE_S) is not None
    assert ann.wake_at == at(LEASE_S)


def test_nothing_wanted_is_nothing_begun() -> None:
    ann = customer("pm_1", default="pm_1")

    assert begun(ann) is ann
    assert (step_of(ann), ann.wake_at) == (None, None)


def test_one_call_at_a_time() -> None:
    ann = attaching()

    assert begin_call(ann, moment(5)) is ann


# Creating


def test_a_created_customer_is_tied_to_stripe_s() -> None:
    ann = heard(creating(), CustomerSeen(SEEN))

    assert (ann.customer_id, ann.call, ann.wake_at) == ("cus_1", None, None)


def test_a_creation_in_doubt_is_looked_for_first_then_asked_again_under_the_same_key() -> None:
    ann = heard(creating(), NoNews("lost"))
    assert step_of(ann) == FindCustomer(EMAIL)

    ann = heard(ann, NothingFound())

    assert step_of(ann) == CreateCustomer("cust_1-1", EMAIL, "Ann")


def test_a_customer_that_a_look_finds_is_adopted_with_its_cards() -> None:
    ann = heard(creating(), NoNews("lost"))
    found = replace(SEEN, cards=(seen_card("pm_1", "cus_1"),), default_payment_method_id="pm_1")

    ann = heard(ann, CustomerSeen(found))

    assert (ann.customer_id, ids(ann), ann.call) == ("cus_1", ["pm_1"], None)


@pytest.mark.parametrize("news", [NoNews("lost"), NotExecuted("http_429"), Rejected(REFUSAL)])
def test_a_look_without_an_answer_is_repeated_and_ends_nothing(news: News) -> None:
    """A creation in doubt may have made a customer; to forget that would make a second one."""
    ann = heard(heard(creating(), NoNews("lost")), news)

    assert ann.call is not None
    assert (ann.call.doubts, ann.refusal_code) == (1, None)
    wait_s = backoff_s(replace(ann.call, unanswered=0), at(0))
    assert (ann.call.due_at - at(0)).total_seconds() == pytest.approx(wait_s, abs=1e-6)
    assert step_of(ann, 60) == FindCustomer(EMAIL)


def test_a_refused_creation_is_over_and_wants_nothing_more() -> None:
    ann = heard(creating(), Rejected(Denial("email_invalid", "No such address.")))

    assert (ann.refusal_code, ann.refusal_message) == ("email_invalid", "No such address.")
    assert (ann.call, ann.wake_at) == (None, None)


def test_a_refusal_proves_nothing_about_an_earlier_try_in_doubt() -> None:
    ann = heard(heard(creating(), NoNews("lost")), NothingFound())

    ann = heard(ann, Rejected(REFUSAL))

    assert (ann.refusal_code, step_of(ann)) == (None, FindCustomer(EMAIL))
    ann = heard(ann, CustomerSeen(SEEN))
    assert ann.customer_id == "cus_1"


def test_when_no_trace_of_a_doubtful_creation_is_left_it_begins_anew() -> None:
    """The key is too old to be asked again, and nothing can have come of it by now."""
    day = 23 * 3600
    ann = heard(heard(creating(), NoNews("lost")), NothingFound())
    assert step_of(ann, day) == FindCustomer(EMAIL)

    ann = heard(ann, NothingFound(), day)

    assert step_of(ann, day) == CreateCustomer("cust_1-2", EMAIL, "Ann")
    assert ann.call is not None
    assert (ann.call.begun_at, ann.call.doubts) == (at(day), 0)


def test_an_error_saved_under_the_key_is_left_behind_with_a_new_key_after_a_look() -> None:
    ann = heard(creating(), NoNews("http_500", dead_end="http_500"))
    assert step_of(ann) == FindCustomer(EMAIL)

    ann = heard(ann, NothingFound())

    assert step_of(ann) == CreateCustomer("cust_1-2", EMAIL, "Ann")


def test_an_answer_that_is_no_customer_is_no_answer() -> None:
    ann = heard(creating(), CARD)

    assert (ann.customer_id, step_of(ann)) == (None, FindCustomer(EMAIL))


# Who waits for Stripe, and who does not


@pytest.mark.parametrize("begin", [creating, attaching])
def test_what_somebody_waits_for_is_given_up_after_four_tries(
    begin: Callable[[], Customer],
) -> None:
    ann = begin()
    for second in (0, 10, 20, 30):
        ann = heard(ann, NotExecuted("unreachable"), second)

    refused = ann if ann.customer_id is None else ann.cards[0]
    assert (refused.refusal_code, refused.refusal_message) == (UNAVAILABLE, "unreachable")
    assert ann.call is None


@pytest.mark.parametrize("begin", [creating, attaching])
def test_a_refused_api_key_ends_what_somebody_waits_for_at_once(
    begin: Callable[[], Customer],
) -> None:
    ann = heard(begin(), NotExecuted("http_401", retryable=False))

    assert ann.call is None


@pytest.mark.parametrize("begin", [creating, attaching])
def test_while_one_try_is_in_doubt_nothing_is_given_up(begin: Callable[[], Customer]) -> None:
    ann = heard(begin(), NoNews("lost"))
    for second in range(10, 300, 20):
        news = (
            NothingFound()
            if isinstance(step_of(ann, second), FindCustomer)
            else (NotExecuted("http_401", retryable=False))
        )
        ann = heard(ann, news, second)

    assert ann.call is not None
    assert ann.call.doubts == 1


@pytest.mark.parametrize("begin", [naming, detaching, choosing])
def test_what_nobody_waits_for_goes_on_for_ever(begin: Callable[[], Customer]) -> None:
    ann, step = begin(), step_of(begin())
    for second in range(0, 200, 20):
        ann = heard(ann, NotExecuted("rate_limit"), second)

    assert step_of(ann, 86_400) == step


@pytest.mark.parametrize("begin", [attaching, naming, detaching, choosing])
@pytest.mark.parametrize("news", [NoNews("lost"), NothingFound()])
def test_what_repeats_without_harm_is_asked_again_without_a_look(
    begin: Callable[[], Customer], news: News
) -> None:
    ann = heard(begin(), news)

    assert step_of(ann, 60) == step_of(begin())


@pytest.mark.parametrize("begin", [attaching, naming, detaching, choosing])
def test_an_error_saved_under_the_key_of_these_is_left_behind_at_once(
    begin: Callable[[], Customer],
) -> None:
    ann = heard(begin(), NoNews("key_used_before", dead_end="idempotency_error"))

    assert getattr(step_of(ann), "key", None) == "cust_1-2"
    assert ann.calls_made == 2


# Cards


def test_an_attached_card_becomes_the_first_default_here_then_at_stripe() -> None:
    ann = heard(attaching(), CARD)

    assert (ann.cards[0].state, ann.default_payment_method_id) == (CardState.KEPT, "pm_1")
    assert step_of(ann) == SetDefaultCard("cust_1-2", "cus_1", "pm_1")
    ann = heard(ann, CustomerSeen(SEEN))
    assert (ann.default_at_stripe, ann.call) == ("pm_1", None)


@pytest.mark.parametrize(
    ("news", "declined", "code"),
    [(Declined(DENIAL), True, "generic_decline"), (Rejected(REFUSAL), False, "parameter_invalid")],
)
def test_a_card_that_stripe_will_not_have_is_kept_as_refused_with_the_reason(
    news: News, *, declined: bool, code: str
) -> None:
    ann = heard(attaching(), news)

    (card,) = ann.cards
    assert (card.state, card.declined, card.refusal_code) == (CardState.REFUSED, declined, code)
    assert (ann.default_payment_method_id, ann.call) == (None, None)


def test_a_default_is_handed_over_at_stripe_before_its_card_is_detached() -> None:
    ann = begun(removing_card(customer("pm_1", "pm_2", default="pm_1"), "pm_1"))

    assert step_of(ann) == SetDefaultCard("cust_1-1", "cus_1", "pm_2")
    ann = heard(ann, CustomerSeen(SEEN))
    assert step_of(ann) == DetachCard("cust_1-2", "pm_1")
    ann = heard(ann, CARD)
    assert (ids(ann), ann.card("pm_1"), ann.call) == (["pm_2"], None, None)


def test_the_last_card_gone_clears_the_default_at_stripe_too() -> None:
    ann = begun(removing_card(customer("pm_1", default="pm_1"), "pm_1"))

    assert step_of(ann) == SetDefaultCard("cust_1-1", "cus_1", None)


def test_a_card_that_stripe_does_not_know_is_not_attached_any_more() -> None:
    ann = heard(detaching(), Rejected(Denial("resource_missing", "No such PaymentMethod.")))

    assert (ann.card("pm_1"), ann.call) == (None, None)


def test_a_default_that_was_detached_at_stripe_hands_over_to_the_next_card() -> None:
    ann = heard(choosing(), Rejected(Denial("resource_missing", "No such PaymentMethod.")))

    assert (ids(ann), ann.default_payment_method_id) == (["pm_2"], "pm_2")
    assert step_of(ann) == SetDefaultCard("cust_1-2", "cus_1", "pm_2")


def test_a_default_that_stripe_refuses_is_not_asked_for_again_and_again() -> None:
    ann = heard(choosing(), Rejected(REFUSAL))

    assert (ann.default_payment_method_id, ann.call) == ("pm_2", None)


def test_the_name_is_written_once() -> None:
    ann = heard(naming(), CARD)

    assert (ann.cards[0].named, ann.call) == (True, None)


def test_a_name_that_changed_meanwhile_is_written_too() -> None:
    ann, step = asked(naming())
    renamed = adding_card(ann, seen_card("pm_1", "cus_1"), at(1), cardholder_name="Ann B.")

    ann = corridor.decide(begin_call(renamed, moment(1)), step, CARD, moment(2))

    assert step_of(ann, 2) == NameCard("cust_1-2", "pm_1", "Ann B.")


def test_a_name_that_stripe_refuses_is_left() -> None:
    ann = heard(naming(), Rejected(REFUSAL))

    assert (ann.cards[0].named, ann.call) == (True, None)


def test_a_call_that_nothing_wants_any_more_is_dropped() -> None:
    """Its name had reached Stripe although the answer was lost: nothing is left to be done."""
    ann = heard(naming(), NoNews("lost"))
    there = replace(seen_card("pm_1", "cus_1"), cardholder_name="Ann")

    ann = begin_call(adding_card(ann, there, at(1), cardholder_name="Ann"), moment(1))

    assert (ann.call, ann.wake_at) == (None, None)


@pytest.mark.parametrize("news", [CARD, NoNews("lost"), Rejected(REFUSAL)])
def test_late_news_of_a_call_that_is_over_changes_nothing(news: News) -> None:
    ann, step = asked(attaching())
    over = corridor.decide(ann, step, CARD, moment(1))

    assert corridor.decide(over, step, news, moment(2)) is over
    done = replace(over, call=None)
    assert corridor.decide(done, step, news, moment(2)) is done


# An owner that is known to be dead


@pytest.mark.parametrize("begin", BEGINS)
def test_the_claim_of_a_dead_owner_is_due_at_once_and_in_doubt_as_it_was(
    begin: Callable[[], Customer],
) -> None:
    ann, _ = asked(begin())

    freed = corridor.orphaned(ann, moment(1))

    assert freed.wake_at == at(1)
    assert freed.call is not None
    assert freed.call.doubts == 1
    assert corridor.orphaned(customer(), moment(1)) == customer()
