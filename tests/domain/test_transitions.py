"""The table of roads: every road is walked here, and the rules ask the table."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest

from payment_service.domain import corridor
from payment_service.domain.corridor_attempts import heard_of
from payment_service.domain.moment import Moment
from payment_service.domain.news import Denial, IntentSeen, Rejected
from payment_service.domain.payment import FINAL, Payment, State
from payment_service.domain.steps import ReadIntent
from payment_service.domain.transitions import ROADS, may_become
from payment_service.domain.wishes import (
    cancel_payment,
    capture_payment,
    confirm_payment,
    pay_again,
)
from tests.domain.papers import (
    OTHER_CARD,
    REFUSAL,
    at,
    canceled,
    heard,
    held,
    intent,
    moment,
    on_hold,
    opened,
    order,
)

NOW = moment(100)
SHOWN = [state for state in State if state is not State.ASKING]


def shown_as(state: State) -> Payment:
    """Return a payment that shows this state, as an answer of Stripe's brought it there."""
    if state is State.REQUIRES_CAPTURE:
        return held()
    return heard(opened(), IntentSeen(intent(state)), 0)


def told_by(event: State) -> Callable[[Payment], Payment]:
    shown = on_hold() if event is State.REQUIRES_CAPTURE else intent(event)
    return lambda payment: heard_of(payment, shown, NOW, seen_with=None)


def looked(event: State) -> Callable[[Payment], Payment]:
    shown = on_hold() if event is State.REQUIRES_CAPTURE else intent(event)
    look = ReadIntent("ord_1", "pi_1")
    return lambda payment: corridor.decide(payment, look, IntentSeen(shown), NOW)


def certain(payment: Payment | None) -> Payment:
    assert payment is not None
    return payment


def given_up() -> Payment:
    """Return a payment that was given up as never begun."""
    refused = heard(opened(), Rejected(REFUSAL), 0)
    return certain(cancel_payment(refused, None, "req_2", NOW))


UNPAID = (State.REQUIRES_PAYMENT_METHOD, State.REQUIRES_CONFIRMATION, State.REQUIRES_ACTION)
# How each state comes into `asking`: by a wish, or because it was left alone.
ASKED: dict[State, list[Callable[[Payment, Moment], Payment | None]]] = {
    State.REQUIRES_PAYMENT_METHOD: [
        lambda p, now: pay_again(p, order(OTHER_CARD), now),
        lambda p, now: confirm_payment(p, order(OTHER_CARD), now),
        lambda p, now: cancel_payment(p, None, "req_2", now),
    ],
    State.REQUIRES_CONFIRMATION: [
        lambda p, now: pay_again(p, order(OTHER_CARD), now),
        lambda p, now: confirm_payment(p, order(None), now),
        lambda p, now: cancel_payment(p, None, "req_2", now),
    ],
    State.REQUIRES_ACTION: [
        lambda p, now: confirm_payment(p, order(OTHER_CARD), now),
        lambda p, now: cancel_payment(p, None, "req_2", now),
        lambda p, _: heard(replace(p, look_at=at(3600)), IntentSeen(intent(p.status)), 3600),
    ],
    State.REQUIRES_CAPTURE: [
        lambda p, now: capture_payment(p, None, "req_2", now),
        lambda p, now: cancel_payment(p, None, "req_2", now),
    ],
    State.CANCELED: [lambda p, now: pay_again(p, order(), now)],
}
WALKED: dict[tuple[State | None, State], list[Callable[[], State]]] = {
    (None, State.ASKING): [lambda: opened().state],
    **{
        (origin, State.ASKING): [
            lambda origin=origin, wish=wish: certain(wish(shown_as(origin), NOW)).state  # type: ignore[misc]  # bound now
            for wish in wishes
        ]
        for origin, wishes in ASKED.items()
    },
    **{
        (State.ASKING, target): [lambda target=target: shown_as(target).state]  # type: ignore[misc]  # bound now
        for target in SHOWN
    },
    **{
        (origin, target): [
            lambda origin=origin, way=way: way(shown_as(origin)).state  # type: ignore[misc]  # bound now
            for way in (told_by(target), looked(target))
        ]
        for origin, target in product((*UNPAID, State.PROCESSING, State.REQUIRES_CAPTURE), SHOWN)
        if origin is not target
        and (origin is not State.REQUIRES_CAPTURE or target in FINAL | {State.PROCESSING})
    },
    (State.CANCELED, State.SUCCEEDED): [
        lambda: (
            heard_of(
                given_up(), intent("succeeded", key="pay_1-1-create"), NOW, seen_with=None
            ).state
        )
    ],
}


def test_every_road_of_the_table_is_walked_below_and_no_other() -> None:
    assert set(WALKED) == {(road.origin, road.target) for road in ROADS}


@pytest.mark.parametrize("road", WALKED, ids=lambda road: f"{road[0]}-{road[1]}")
def test_each_road_leads_where_the_table_says(road: tuple[State | None, State]) -> None:
    assert {walk() for walk in WALKED[road]} == {road[1]}


def test_a_payment_that_never_came_to_stripe_is_cancelled_at_once() -> None:
    refused = heard(opened(), Rejected(Denial("amount_too_small", "No.")), 0)
    assert refused.state is State.REQUIRES_PAYMENT_METHOD

    ended = certain(cancel_payment(refused, "duplicate", "req_2", NOW))

    assert (ended.state, ended.attempt, ended.failure) == (State.CANCELED, None, None)
    assert (ended.cancellation_reason, ended.wake_at) == ("duplicate", None)


@pytest.mark.parametrize(
    ("origin", "target"),
    [pair for pair in product(SHOWN, SHOWN) if pair[0] is not pair[1] and pair not in WALKED],
)
def test_news_of_what_no_road_leads_to_is_old_and_changes_no_state(
    origin: State, target: State
) -> None:
    payment = shown_as(origin)

    for way in (told_by(target), looked(target)):
        after = way(payment)
        assert (after.status, after.received_minor) == (payment.status, payment.received_minor)
        assert after.hold == payment.hold


def test_old_news_of_a_hold_only_moves_the_next_look() -> None:
    payment = held()

    after = looked(State.REQUIRES_ACTION)(payment)

    assert replace(after, look_at=payment.look_at, looks=0) == payment
    assert (after.looks, after.look_at is not None) == (1, True)


@pytest.mark.parametrize("state", State)
def test_a_state_may_always_be_told_again(state: State) -> None:
    assert may_become(state, state)


def test_every_road_says_what_brings_it_there_and_none_is_twice_there() -> None:
    assert all(road.brought_by for road in ROADS)
    assert len(set(ROADS)) == len(ROADS)


def test_a_success_is_never_left() -> None:
    assert [road.target for road in ROADS if road.origin is State.SUCCEEDED] == []


def test_a_canceled_payment_is_left_only_by_a_new_one_or_a_late_success() -> None:
    ways = {road.target for road in ROADS if road.origin is State.CANCELED}

    assert ways == {State.ASKING, State.SUCCEEDED}
    assert canceled().state is State.CANCELED
