"""Whatever happens, in whatever order: what holds for every walk through the corridor."""

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from payment_service.domain import corridor
from payment_service.domain.corridor_attempts import CONTRADICTED, heard_of
from payment_service.domain.errors import Refusal
from payment_service.domain.moment import Moment
from payment_service.domain.news import (
    Declined,
    DisputesSeen,
    IntentSeen,
    News,
    NoNews,
    NotExecuted,
    NothingFound,
    OrderRefused,
    OrderTold,
    RefundSeen,
    RefundsSeen,
    Rejected,
    SeenFraudWarning,
    SeenRefund,
)
from payment_service.domain.notice import next_owed
from payment_service.domain.payment import FINAL, Payment, State
from payment_service.domain.refund import RELEASED, UNSETTLED, RefundStatus
from payment_service.domain.steps import (
    CancelIntent,
    CaptureIntent,
    ConfirmIntent,
    CreateIntent,
    CreateRefund,
    FindDisputes,
    FindIntent,
    FindRefunds,
    PaymentStep,
    ReadIntent,
    TellOrders,
)
from payment_service.domain.transitions import ROADS
from payment_service.domain.wishes import (
    begin_refund,
    cancel_payment,
    capture_payment,
    confirm_payment,
    pay_again,
)
from tests.domain.papers import (
    DENIAL,
    OTHER_CARD,
    REFUSAL,
    T0,
    VISA,
    at,
    intent,
    moment,
    opened,
    order,
    waiting,
)
from tests.domain.true_stripe import seen_dispute

any_intent = st.sampled_from(
    [
        intent("requires_payment_method"),
        intent("requires_payment_method", last_error=DENIAL, charge_id="ch_2"),
        intent("requires_confirmation"),
        intent("requires_action"),
        intent("processing"),
        intent("requires_capture", amount_capturable_minor=10_000, capture_before=at(604_800)),
        intent("requires_action", key="pay_1-2-confirm"),
        intent("requires_action", id="pi_2", key="pay_1-1-create"),
        intent("succeeded"),
        intent("succeeded", key="pay_1-1-create"),
        intent("succeeded", id="pi_2"),
        intent("canceled"),
    ]
)
any_news: st.SearchStrategy[News] = st.one_of(
    st.builds(IntentSeen, any_intent, st.booleans()),
    st.builds(Declined, st.just(DENIAL), st.none() | any_intent, st.booleans()),
    st.builds(Rejected, st.just(REFUSAL), st.none() | any_intent),
    st.builds(NotExecuted, st.just("http_429"), st.booleans(), st.none() | st.floats(0, 60)),
    st.just(NoNews("lost")),
    st.just(NoNews("http_500", dead_end="http_500")),
    st.just(NothingFound()),
)
dispute_news: st.SearchStrategy[News] = st.one_of(
    st.builds(
        lambda statuses: DisputesSeen(
            tuple(seen_dispute(status, f"du_{n}") for n, status in enumerate(statuses)),
            (SeenFraudWarning("issfr_1", "misc", actionable=True, created_at=T0),),
        ),
        st.lists(st.sampled_from(["needs_response", "warning_closed", "won", "lost"]), max_size=2),
    ),
    st.sampled_from([NoNews("lost"), NotExecuted("http_429"), Rejected(REFUSAL)]),
)
order_news: st.SearchStrategy[News] = st.sampled_from(
    [
        OrderTold(),
        OrderRefused("http_404", lasting=True),
        OrderRefused("http_401", lasting=True),
        OrderRefused("http_503"),
        NoNews("lost"),
        NotExecuted("claim_lapsed"),
    ]
)


@dataclass
class Refunding:
    """A Stripe that refunds whatever it is asked to, once for each key, and shows all of it."""

    made: dict[str, SeenRefund] = field(default_factory=dict)

    def news(self, draw: st.DataObject, step: CreateRefund | FindRefunds) -> News:
        """Answer, or lose the answer, before or after the effect."""
        how = draw.draw(st.sampled_from(["done", "lost before", "lost after", "refused", "busy"]))
        if isinstance(step, FindRefunds):
            shown = tuple(self._moved_on(draw, key) for key in self.made)
            return NoNews("lost") if how == "lost before" else RefundsSeen(shown)
        if how == "lost before":
            return NoNews("lost")
        if how == "busy":
            return NotExecuted("http_429", retryable=draw.draw(st.booleans()))
        if how == "refused" and step.key not in self.made:
            return Rejected(REFUSAL)
        if step.key not in self.made:
            status = draw.draw(st.sampled_from(["succeeded", "pending", "failed"]))
            number = len(self.made)
            self.made[step.key] = SeenRefund(
                f"re_{number}", status, step.amount_minor, step.key, T0
            )
        return NoNews("lost") if how == "lost after" else RefundSeen(self.made[step.key])

    def _moved_on(self, draw: st.DataObject, key: str) -> SeenRefund:
        if self.made[key].status != "failed":
            status = draw.draw(st.sampled_from(["succeeded", "failed"]))
            self.made[key] = replace(self.made[key], status=status)
        return self.made[key]

    def given_back(self) -> int:
        return sum(r.amount_minor for r in self.made.values() if r.status != "failed")


def assert_it_is_sound(payment: Payment, seconds: float) -> None:
    calls = [r.call for r in payment.refunds if r.call] + [n.call for n in payment.notices]
    calls += [payment.attempt.call] if payment.attempt else []
    assert all(call.doubts >= 0 for call in calls)

    held = sum(r.amount_minor for r in payment.refunds if r.status not in RELEASED)
    assert 0 <= payment.unrefunded_minor == payment.received_minor - held
    blocked = payment.blocking_dispute is not None
    assert payment.refundable_minor == (0 if blocked else payment.unrefunded_minor)

    assert (payment.hold is None) or payment.status is State.REQUIRES_CAPTURE
    assert payment.capturable_minor == 0 or payment.status is State.REQUIRES_CAPTURE
    assert [line.what for line in payment.history].count(CONTRADICTED) <= 1

    assert (payment.wake_at is None) == (not owes_something(payment))
    if payment.wake_at is not None and payment.wake_at <= at(seconds):
        assert corridor.next_step(payment, moment(seconds)) is not None


def owes_something(payment: Payment) -> bool:
    return (
        payment.attempt is not None
        or (payment.status not in FINAL and payment.intent_id is not None)
        or any(r.status in UNSETTLED | {RefundStatus.ASKING} for r in payment.refunds)
        or next_owed(payment.notices) is not None
        or payment.refunds_look_at is not None
        or payment.disputes_look_at is not None
    )


def assert_it_is_claimed(payment: Payment, seconds: float) -> None:
    """No step is due twice in one lease: each goes out once, whoever else looks."""
    sent: list[PaymentStep] = []
    while step := corridor.next_step(payment, moment(seconds)):
        assert step not in sent
        sent.append(step)
        payment = corridor.asking(payment, step, moment(seconds))
    assert payment.wake_at is None or payment.wake_at > at(seconds)


ROADS_THERE_ARE = {(road.origin, road.target) for road in ROADS}


def assert_it_took_a_road(before: Payment, after: Payment) -> None:
    """Each change of what is shown is a road of the table, or two when an attempt was begun."""
    if before.state is after.state:
        return
    begun = after.attempt is not None and before.status is not after.status
    via = [(before.state, after.status), (after.status, after.state)] if begun else []
    direct = (before.state, after.state) in ROADS_THERE_ARE
    assert direct or (via and ROADS_THERE_ARE.issuperset(via)), (before.state, after.state, via)


ASKS = (
    CreateIntent,
    ConfirmIntent,
    CaptureIntent,
    CancelIntent,
    ReadIntent,
    FindIntent,
)


def assert_it_may_become(before: Payment, after: Payment, step: PaymentStep, news: News) -> None:
    if before.status in FINAL and before.attempt is None and before.intent_id is not None:
        assert (after.status, after.attempt) == (before.status, None)
        assert after.received_minor == before.received_minor
    if isinstance(step, ASKS) and isinstance(news, NoNews) and before.attempt is not None:
        assert after.attempt is not None


def news_for(draw: st.DataObject, step: PaymentStep, stripe: Refunding) -> News:
    if isinstance(step, CreateRefund | FindRefunds):
        return stripe.news(draw, step)
    if isinstance(step, FindDisputes):
        return draw.draw(dispute_news)
    return draw.draw(order_news if isinstance(step, TellOrders) else any_news)


def wished(draw: st.DataObject, payment: Payment, now: Moment) -> Payment:
    """Return the payment after a caller wanted something of it, or as it is if that is refused."""
    card = draw.draw(st.sampled_from([VISA, OTHER_CARD, None]))
    part = draw.draw(st.none() | st.integers(1, 12_000))
    amount = draw.draw(st.sampled_from([10_000, 5_000]))
    method = payment.terms.capture_method
    try:
        match draw.draw(st.sampled_from(["pay", "confirm", "capture", "cancel", "refund"])):
            case "pay":
                again = order(card, amount_minor=amount, capture_method=method)
                return pay_again(payment, again, now) or payment
            case "confirm":
                return confirm_payment(payment, order(card), now) or payment
            case "capture":
                return capture_payment(payment, part, "req_2", now) or payment
            case "cancel":
                return cancel_payment(payment, "duplicate", "req_2", now) or payment
        return begin_refund(payment, f"ref_{len(payment.refunds)}", part, None, now)
    except Refusal:
        return payment


def after_an_event(
    draw: st.DataObject, payment: Payment, stripe: Refunding, now: Moment
) -> Payment:
    """Return the payment after somebody's word made us look, whatever that look showed."""
    look = draw.draw(st.sampled_from(["intent", "refunds", "disputes"]))
    if look == "intent":
        keys = [None, "pay_1-1-create", payment.attempt.call.key if payment.attempt else None]
        seen_with = draw.draw(st.sampled_from(keys))
        return heard_of(payment, draw.draw(any_intent), now, seen_with=seen_with)
    if payment.intent_id is None:
        return payment
    step: FindRefunds | FindDisputes = FindRefunds(payment.id, payment.intent_id)
    if look == "disputes":
        step = FindDisputes(payment.id, payment.intent_id)
    return corridor.decide(payment, step, news_for(draw, step, stripe), now)


policies: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {"hold_auto_capture_s": 100_000, "tell_orders": False},
        {"order_status_canceled": "CANCELED", "order_status_refunded": "REFUNDED"},
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_is_heard_and_wanted_the_document_stays_sound(draw: st.DataObject) -> None:
    begins = [opened(), waiting(), opened(capture_method="manual")]
    payment, policy = draw.draw(st.sampled_from(begins)), draw.draw(policies)
    seconds, stripe = 0.0, Refunding()
    late: list[tuple[PaymentStep, News]] = []

    for _ in range(draw.draw(st.integers(1, 25))):
        seconds += draw.draw(st.sampled_from([0, 0.5, 31, 700, 4_000, 90_000]))
        now = moment(seconds, **policy)
        step, before = corridor.next_step(payment, now), payment
        what = draw.draw(st.sampled_from(["heard", "crash", "late", "wish", "event", "heard"]))
        if what == "event":
            payment = after_an_event(draw, payment, stripe, now)
        elif what == "wish" or step is None:
            payment = wished(draw, payment, now)
        else:
            payment = corridor.asking(payment, step, now)
            late.append((step, news_for(draw, step, stripe)))  # what happens, happens now
            if what != "crash":
                step, news = draw.draw(st.sampled_from(late)) if what == "late" else late[-1]
                claimed = payment
                payment = corridor.decide(payment, step, news, now)
                assert_it_may_become(claimed, payment, step, news)
        assert_it_took_a_road(before, payment)
        assert_it_is_sound(payment, seconds)
        assert_it_is_claimed(payment, seconds)
        assert stripe.given_back() <= payment.received_minor
