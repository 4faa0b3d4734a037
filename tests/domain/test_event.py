"""An event: kept until it is applied, a nudge and not the truth."""

from dataclasses import replace
from datetime import timedelta

import pytest

from payment_service.domain import event as events
from payment_service.domain.customer import CardState, Customer
from payment_service.domain.dispute import FraudWarning
from payment_service.domain.event import (
    DEAD_AFTER,
    DEAD_AFTER_TRIES,
    KEPT_FOR,
    LEASE_S,
    RETRY_FIRST_S,
    RETRY_MAX_S,
    Event,
    EventState,
    Topic,
    is_foreign,
    is_old_news,
    is_our_doing,
    shows_nothing_new,
    taken,
    topic_of,
)
from payment_service.domain.moment import Door
from payment_service.domain.news import RefundSeen, SeenEvent
from payment_service.domain.payment import Payment
from payment_service.domain.wishes import begin_refund
from tests.domain.papers import (
    T0,
    asked,
    at,
    canceled,
    confirming,
    heard,
    held,
    moment,
    paid,
    seen_refund,
    waiting,
)
from tests.domain.test_customer import customer
from tests.domain.test_dispute import disputed, seen

TOPICS = {
    "payment_intent.succeeded": Topic.INTENT,
    "payment_intent.amount_capturable_updated": Topic.INTENT,
    "charge.succeeded": Topic.INTENT,
    "charge.expired": Topic.INTENT,
    "charge.refunded": Topic.REFUNDS,
    "charge.refund.updated": Topic.REFUNDS,
    "refund.failed": Topic.REFUNDS,
    "charge.dispute.created": Topic.DISPUTES,
    "charge.dispute.funds_withdrawn": Topic.DISPUTES,
    "radar.early_fraud_warning.created": Topic.DISPUTES,
    "payment_method.attached": Topic.CUSTOMER,
    "payment_method.automatically_updated": Topic.CUSTOMER,
    "setup_intent.succeeded": Topic.CUSTOMER,
    "customer.updated": Topic.CUSTOMER,
    "customer.deleted": Topic.CUSTOMER,
    "customer.created": None,
    "customer.subscription.created": None,
    "invoice.paid": None,
    "a.word.of.tomorrow": None,
}


def told(type: str = "payment_intent.succeeded", **changed: object) -> SeenEvent:
    """Return an event about our PaymentIntent."""
    about = SeenEvent(
        id="evt_1",
        type=type,
        happened_at=T0,
        livemode=False,
        object_id="pi_1",
        status="succeeded",
        service="payment-service",
        order_id="ord_1",
        intent_id="pi_1",
    )
    return replace(about, **changed)  # type: ignore[arg-type]  # its own fields


def foreign(about: SeenEvent, *, livemode: bool = False) -> bool:
    return is_foreign(about, service="payment-service", livemode=livemode)


@pytest.mark.parametrize(("type", "topic"), TOPICS.items())
def test_what_an_event_makes_us_look_at(type: str, topic: Topic | None) -> None:
    assert topic_of(type) is topic


@pytest.mark.parametrize(
    ("about", "is_theirs"),
    [
        (told(), False),
        (told(service="another-shop"), True),
        (told(livemode=True), True),
        # Ours bear our mark, so without one it is somebody else's,
        (told(service=None), True),
        (told("charge.refunded", service=None), True),
        (told("setup_intent.succeeded", service=None), True),
        # unless such a thing never bears a mark, or was made by hand.
        (told("charge.dispute.created", service=None), False),
        (told("charge.refund.updated", service=None), False),
        (told("refund.created", service=None), False),
        (told("radar.early_fraud_warning.created", service=None), False),
        (told("payment_method.attached", service=None), False),
        (told("customer.deleted", service=None), False),
        (told("customer.deleted", service="another-shop"), True),
    ],
)
def test_what_is_surely_about_another_system_is_foreign(
    about: SeenEvent, *, is_theirs: bool
) -> None:
    assert foreign(about) is is_theirs


def test_an_event_of_test_mode_is_foreign_to_a_live_key() -> None:
    assert foreign(told(), livemode=True)
    assert not foreign(told(livemode=True), livemode=True)


# From the door to its end


def test_an_event_is_claimed_by_whoever_took_it_in() -> None:
    event = taken(told(), moment(5, door=Door.WEBHOOK))

    assert (event.id, event.state, event.door, event.version) == (
        "evt_1",
        EventState.KEPT,
        Door.WEBHOOK,
        0,
    )
    assert (event.wake_at, event.expires_at) == (at(5 + LEASE_S), None)
    assert events.claimed(event, moment(500)).wake_at == at(500 + LEASE_S)
    assert events.next_version(event).version == 1


def test_one_that_says_nothing_to_us_is_kept_and_wakes_nobody() -> None:
    event = taken(told("invoice.paid"), moment(5))

    assert (event.state, event.wake_at) == (EventState.IGNORED, None)
    assert event.expires_at == at(5) + KEPT_FOR


@pytest.mark.parametrize("state", [EventState.APPLIED, EventState.FOREIGN])
def test_what_has_come_to_its_end_wakes_nobody_and_expires(state: EventState) -> None:
    tried = events.put_off(taken(told(), moment()), "lost", moment(9))

    event = events.ended(tried, state, moment(60))

    assert (event.state, event.wake_at, event.tries, event.failure) == (state, None, 2, None)
    assert event.expires_at == at(60) + KEPT_FOR


def test_what_cannot_be_applied_is_put_off_later_and_later() -> None:
    event, waits = taken(told(), moment()), []
    for _ in range(14):
        event = events.put_off(event, "lost", moment(9))
        assert event.due_at is not None
        waits.append((event.due_at - at(9)).total_seconds())

    full = [min(RETRY_FIRST_S * 2**n, RETRY_MAX_S) for n in range(14)]
    assert all(f / 2 <= wait < f for wait, f in zip(waits, full, strict=True))
    assert (event.state, event.tries, event.failure) == (EventState.KEPT, 14, "lost")
    assert event.expires_at is None


def put_off_often(event: Event, times: int, seconds: float) -> Event:
    for _ in range(times):
        event = events.put_off(event, "no such payment", moment(seconds))
    return event


def test_after_three_days_and_many_tries_a_person_must_look() -> None:
    days_s = DEAD_AFTER.total_seconds()
    event = taken(told(), moment())

    young = put_off_often(event, 2 * DEAD_AFTER_TRIES, days_s - 1)
    seldom = put_off_often(event, DEAD_AFTER_TRIES - 1, 2 * days_s)
    dead = put_off_often(event, DEAD_AFTER_TRIES, days_s)

    assert [e.state for e in (young, seldom, dead)] == [
        EventState.KEPT,
        EventState.KEPT,
        EventState.DEAD,
    ]
    assert (dead.wake_at, dead.failure, dead.ended_at) == (None, "no such payment", at(days_s))
    assert dead.expires_at is None  # it is never dropped


def test_one_that_is_dead_is_revived_with_as_many_tries_as_ever() -> None:
    dead = put_off_often(taken(told(), moment()), DEAD_AFTER_TRIES, 10**6)

    event = events.revived(dead, moment(2 * 10**6))

    assert (event.state, event.wake_at, event.tries, event.failure, event.ended_at) == (
        EventState.KEPT,
        at(2 * 10**6),
        0,
        None,
        None,
    )
    again = put_off_often(event, DEAD_AFTER_TRIES, 2 * 10**6 + 60)
    assert again.state is EventState.KEPT
    assert timedelta(seconds=2 * 10**6) > DEAD_AFTER


# What need not be looked at


@pytest.mark.parametrize(
    ("payment", "about", "is_old"),
    [
        (paid(), told(), True),
        (paid(), told("charge.succeeded", object_id="ch_1"), True),
        (paid(), told("payment_intent.created", status="requires_payment_method"), True),
        (canceled(), told("payment_intent.canceled", status="canceled"), True),
        # An end that contradicts ours must be looked at,
        (paid(), told("payment_intent.canceled", status="canceled"), False),
        (canceled(), told(), False),
        # as must what is not at its end, or about another PaymentIntent,
        (waiting(), told(), False),
        (held(), told("charge.expired", object_id="ch_1"), False),
        (confirming(), told(), False),
        (paid(), told(object_id="pi_0", intent_id="pi_0"), False),
        # and what comes after the end.
        (paid(), told("charge.refunded", object_id="ch_1"), False),
        (paid(), told("charge.dispute.created", object_id="du_1"), False),
    ],
)
def test_what_a_payment_at_its_end_knows_already(
    payment: Payment, about: SeenEvent, *, is_old: bool
) -> None:
    assert is_old_news(payment, about) is is_old


def refunding() -> Payment:
    return begin_refund(replace(paid(), notices=()), "ref_1", 6_000, None, moment())


REFUNDED = heard(refunding(), RefundSeen(seen_refund("succeeded")), 0)
WARNED = replace(paid(), warnings=(FraudWarning("issfr_1", "misc", True, T0),))  # noqa: FBT003


@pytest.mark.parametrize(
    ("payment", "about", "shows_nothing"),
    [
        (paid(), told("payment_intent.swept"), True),
        (waiting(), told("payment_intent.swept", status="requires_action"), True),
        (waiting(), told("payment_intent.swept"), False),
        (asked(confirming(), 60)[0], told("payment_intent.swept"), True),  # being settled
        (paid(), told("payment_intent.swept", object_id="pi_0"), False),
        (REFUNDED, told("refund.swept", object_id="re_1"), True),
        (REFUNDED, told("refund.swept", object_id="re_1", status="failed"), False),
        (REFUNDED, told("refund.swept", object_id="re_2"), False),
        (refunding(), told("refund.swept", object_id="re_1"), True),  # being settled
        (disputed(seen("lost")), told("charge.dispute.swept", object_id="du_1"), True),
        (paid(), told("charge.dispute.swept", object_id="du_1"), False),
        (WARNED, told("radar.early_fraud_warning.swept", object_id="issfr_1"), True),
        (paid(), told("customer.updated"), False),
    ],
)
def test_what_a_sweep_comes_by_and_stands_as_we_show_it(
    payment: Payment, about: SeenEvent, *, shows_nothing: bool
) -> None:
    assert shows_nothing_new(payment, about) is shows_nothing


def with_state(state: CardState) -> Customer:
    ann = customer("pm_1", default="pm_1")
    return replace(ann, cards=(replace(ann.cards[0], state=state),))


@pytest.mark.parametrize(
    ("ann", "type", "card_id", "is_ours"),
    [
        (with_state(CardState.KEPT), "payment_method.attached", "pm_1", True),
        (with_state(CardState.ADDING), "payment_method.attached", "pm_1", False),
        (customer(), "payment_method.attached", "pm_1", False),
        (customer(), "payment_method.detached", "pm_1", True),
        (with_state(CardState.KEPT), "payment_method.detached", "pm_1", False),
        (with_state(CardState.REMOVING), "payment_method.detached", "pm_1", False),
        (with_state(CardState.KEPT), "payment_method.updated", "pm_1", False),
        (with_state(CardState.KEPT), "customer.updated", None, False),
    ],
)
def test_an_event_that_only_says_what_we_did_ourselves_needs_no_look(
    ann: Customer, type: str, card_id: str | None, *, is_ours: bool
) -> None:
    about = told(type, payment_method_id=card_id, customer_id="cus_1")

    assert is_our_doing(ann, about) is is_ours
