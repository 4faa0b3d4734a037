"""Whatever order true news comes in, and however often: it ends in the same state."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from payment_service.domain import corridor
from payment_service.domain.corridor_attempts import heard_of
from payment_service.domain.errors import Refusal
from payment_service.domain.moment import Moment
from payment_service.domain.news import DisputesSeen, News, RefundsSeen
from payment_service.domain.notice import NoticeState
from payment_service.domain.payment import Payment, State
from payment_service.domain.refund import RELEASED
from payment_service.domain.steps import FindDisputes, FindRefunds, PaymentStep, ReadIntent
from payment_service.domain.wishes import (
    begin_refund,
    cancel_payment,
    capture_payment,
    confirm_payment,
)
from tests.domain.papers import OTHER_CARD, moment, opened, order
from tests.domain.true_stripe import TrueStripe, at_rest

unpaid = st.sampled_from(["requires_payment_method", "requires_action", "processing"])
automatic = st.tuples(
    st.lists(unpaid, max_size=3), st.sampled_from([("succeeded",), ("canceled",)])
)
manual = st.tuples(
    st.lists(unpaid, max_size=3),
    st.sampled_from(
        [
            ("requires_capture", "succeeded"),
            ("requires_capture", "canceled"),
            ("requires_capture", "processing", "succeeded"),
            ("canceled",),
        ]
    ),
)
REFUND_COURSES = [
    ("succeeded",),
    ("succeeded", "failed"),
    ("pending", "succeeded"),
    ("pending", "failed"),
    ("requires_action", "pending", "succeeded", "failed"),
    ("pending", "canceled"),
]
DISPUTE_COURSES = [
    (),
    ("needs_response", "under_review", "won"),
    ("needs_response", "lost"),
    ("warning_needs_response", "warning_closed"),
]
HOWS = ["answer", "replay", "refusal", "lost", "busy", "late answer", "look", "event"]
happenings = st.lists(
    st.tuples(
        st.sampled_from([*HOWS, "moves on", "moves on", "wish"]),
        st.integers(0, 3),
        st.floats(0, 100),
    ),
    max_size=16,
)


def wished(payment: Payment, which: int, now: Moment) -> Payment:
    """Return the payment with a wish begun, or as it is when that is refused or needless."""
    try:
        match which:
            case 0:
                return cancel_payment(payment, "duplicate", "req_2", now) or payment
            case 1:
                return capture_payment(payment, None, "req_2", now) or payment
            case 2 if payment.intent_id is not None:
                return confirm_payment(payment, order(OTHER_CARD), now) or payment
            case _:
                return begin_refund(payment, f"ref_{len(payment.refunds)}", 4_000, None, now)
    except Refusal:
        return payment


def told(payment: Payment, stripe: TrueStripe, how: str, age: int, now: Moment) -> Payment:
    """Return the payment after it was told something, by what it asks next or unasked."""
    if how == "event":
        return after_an_event(payment, stripe, age, now)
    if how == "look":
        look = ReadIntent("ord_1", payment.intent_id or "pi_1")
        return corridor.decide(payment, look, stripe.answer(look, how, age), now)
    if how == "late answer":
        first = corridor.next_step(opened(), moment())
        assert first is not None
        return corridor.decide(payment, first, stripe.answer(first, "answer", age), now)
    step = corridor.next_step(payment, now)
    if step is None:
        return payment
    payment = corridor.asking(payment, step, now)
    return corridor.decide(payment, step, stripe.answer(step, how, age), now)


def after_an_event(payment: Payment, stripe: TrueStripe, age: int, now: Moment) -> Payment:
    """Return the payment after an event made us look: at the intent, its refunds, its dispute."""
    news: News
    look: PaymentStep
    match age:
        case 0 | 1:
            key = payment.attempt.call.key if payment.attempt else None
            return heard_of(payment, stripe.intent(), now, seen_with=key if age else None)
        case 2:
            look, news = FindRefunds("ord_1", "pi_1"), RefundsSeen(stripe.seen_refunds(1))
        case _:
            look, news = FindDisputes("ord_1", "pi_1"), stripe.seen_disputes()
    if payment.intent_id is None:
        return payment
    return corridor.decide(payment, look, news, now)


def assert_it_ended(payment: Payment, stripe: TrueStripe) -> None:
    end = stripe.intents[-1]
    assert (payment.state, payment.intent_id) == (State(end), "pi_1")
    assert payment.received_minor == (10_000 if end == "succeeded" else 0)
    assert [n.state for n in payment.notices] == [NoticeState.TOLD] * (end == "succeeded")
    there = {seen.key: (seen.status, seen.amount_minor) for seen in stripe.seen_refunds()}
    asked = [refund for refund in payment.refunds if not refund.unavailable]
    assert {r.key: (str(r.status), r.amount_minor) for r in asked} == there
    back = sum(a for status, a in there.values() if status not in set(map(str, RELEASED)))
    assert payment.unrefunded_minor == payment.received_minor - back
    assert [d.status for d in payment.disputes] == list(stripe.disputes[-1:])


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(["automatic", "manual"]).flatmap(
        lambda how: st.tuples(st.just(how), automatic if how == "automatic" else manual)
    ),
    st.sampled_from(REFUND_COURSES),
    st.sampled_from(DISPUTE_COURSES),
    happenings,
)
def test_any_order_and_repetition_of_true_news_ends_in_the_same_state(
    course: tuple[str, tuple[list[str], tuple[str, ...]]],
    refunds: tuple[str, ...],
    disputes: tuple[str, ...],
    happens: list[tuple[str, int, float]],
) -> None:
    method, (before, end) = course
    took_money = end[-1] == "succeeded"
    stripe = TrueStripe((*before, *end), refunds, disputes if took_money else ())
    payment, seconds = opened(capture_method=method), 0.0

    for how, number, passes_s in happens:
        seconds += passes_s
        if how == "moves on":
            stripe.moves_on()
        elif how == "wish":
            payment = wished(payment, number, moment(seconds))
        else:
            payment = told(payment, stripe, how, number, moment(seconds))

    stripe.at_its_end()
    payment, seconds = at_rest(stripe.tells_all(payment, moment(seconds)), seconds, stripe)
    # A refund that was only asked for now has its events now.
    payment, seconds = at_rest(stripe.tells_all(payment, moment(seconds)), seconds, stripe)
    assert_it_ended(payment, stripe)


@given(st.sampled_from(["succeeded", "canceled"]), happenings)
@settings(deadline=None, max_examples=60)
def test_what_is_at_rest_is_moved_by_no_old_news(
    end: str, happens: list[tuple[str, int, float]]
) -> None:
    stripe = TrueStripe(("requires_payment_method", "requires_action", "processing", end))
    stripe.at_its_end()
    payment, seconds = at_rest(stripe.tells_all(opened(), moment()), 0, stripe)
    rest = payment

    for how, age, passes_s in happens:
        if how in HOWS:
            seconds += passes_s
            payment = told(payment, stripe, how, age, moment(seconds))

    assert replace(payment, updated_at=rest.updated_at) == rest


def test_without_any_news_but_events_everything_is_known() -> None:
    """Nobody answers and nobody looks: the events alone bring the payment to its truth."""
    stripe = TrueStripe(("requires_action", "requires_capture", "succeeded"))
    payment = opened(capture_method="manual")
    states = []

    for second in range(3):
        key = payment.attempt.call.key if payment.attempt else None
        payment = heard_of(payment, stripe.intent(), moment(second), seen_with=key)
        states.append(payment.state)
        stripe.moves_on()

    assert states == [State.REQUIRES_ACTION, State.REQUIRES_CAPTURE, State.SUCCEEDED]
    assert stripe.seen_disputes() == DisputesSeen((), ())
