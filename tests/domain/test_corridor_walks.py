"""Whatever happens, in whatever order: what holds for every walk through the corridor."""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from payment_service.domain import corridor
from payment_service.domain.errors import Refusal
from payment_service.domain.moment import Policy
from payment_service.domain.notice import NoticeState
from payment_service.domain.payment import (
    FINAL,
    Payment,
    State,
    begin_refund,
    pay_again,
)
from payment_service.domain.refund import RELEASED, UNSETTLED, RefundStatus
from payment_service.domain.steps import (
    CancelIntent,
    ConfirmIntent,
    CreateIntent,
    CreateRefund,
    Declined,
    FindIntent,
    FindRefunds,
    Intent,
    IntentSeen,
    News,
    NoNews,
    NotExecuted,
    NothingFound,
    OrderRefused,
    OrderTold,
    PaymentStep,
    ReadIntent,
    RefundSeen,
    RefundsSeen,
    Rejected,
    SeenRefund,
    TellOrders,
)
from tests.domain.papers import (
    DENIAL,
    OTHER_CARD,
    REFUSAL,
    T0,
    VISA,
    asked,
    at,
    intent,
    moment,
    opened,
    order,
    waiting,
)

LEASE_S = Policy().lease_s

# True news of one PaymentIntent, in any order, any number of times

Telling = tuple[str, int, float]
courses = st.tuples(
    st.lists(
        st.sampled_from(["requires_payment_method", "requires_action", "processing"]), max_size=3
    ),
    st.sampled_from(["succeeded", "canceled"]),
)
tellings = st.lists(
    st.tuples(
        st.sampled_from(["answer", "replay", "look", "refusal", "lost", "late answer"]),
        st.integers(0, 3),
        st.floats(0, 100),
    ),
    max_size=12,
)


def true_news(how: str, shown: Intent) -> News:
    match how:
        case "replay":
            return IntentSeen(shown, replayed=True)
        case "refusal":
            return Rejected(REFUSAL, shown)
        case "lost":
            return NoNews("lost")
    return IntentSeen(shown)


def told(payment: Payment, how: str, shown: Intent, seconds: float) -> Payment:
    """Return the payment after it was told, by whatever it asks next or by an old answer."""
    first = corridor.next_step(opened(), moment())
    assert first is not None
    step: PaymentStep | None = first
    if how == "look":
        step = ReadIntent("ord_1", "pi_1")
    elif how != "late answer":
        step = corridor.next_step(payment, moment(seconds))
    if step is None or isinstance(step, TellOrders):
        return payment
    if step is not first and how != "look":
        payment = corridor.asking(payment, step, moment(seconds))
    return corridor.decide(payment, step, true_news(how, shown), moment(seconds))


def at_rest(payment: Payment, seconds: float, truth: Intent) -> Payment:
    """Return the payment when nothing is owed any more, everybody having told the truth."""
    for _ in range(20):
        if payment.wake_at is None:
            return payment
        seconds = max(seconds, (payment.wake_at - T0).total_seconds())
        payment, step = asked(payment, seconds)
        told = OrderTold() if isinstance(step, TellOrders) else IntentSeen(truth)
        payment = corridor.decide(payment, step, told, moment(seconds))
    raise AssertionError("it does not come to rest")


@given(courses, tellings)
def test_any_order_and_repetition_of_true_news_ends_in_the_same_state(
    course: tuple[list[str], str], happens: list[Telling]
) -> None:
    before, end = course
    truth = intent(end)
    shown = [*(intent(status) for status in before), truth]
    payment, seconds = opened(), 0.0

    for how, number, passes_s in happens:
        seconds += passes_s
        payment = told(payment, how, shown[min(number, len(before))], seconds)

    payment = at_rest(payment, seconds, truth)
    assert (payment.state, payment.intent_id) == (State(end), "pi_1")
    assert payment.received_minor == (10_000 if end == "succeeded" else 0)
    assert [n.state for n in payment.notices] == [NoticeState.TOLD] * (end == "succeeded")


# Any news at all

any_intent = st.sampled_from(
    [
        intent("requires_payment_method"),
        intent("requires_payment_method", last_error=DENIAL, charge_id="ch_2"),
        intent("requires_confirmation"),
        intent("requires_action"),
        intent("processing"),
        intent("requires_capture"),
        intent("succeeded"),
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
order_news: st.SearchStrategy[News] = st.sampled_from(
    [
        OrderTold(),
        OrderRefused("http_404", final=True),
        OrderRefused("http_401", final=True),
        OrderRefused("http_503", final=False),
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
    assert 0 <= payment.refundable_minor == payment.received_minor - held

    assert (payment.wake_at is None) == (not owes_something(payment))
    if payment.wake_at is not None and payment.wake_at <= at(seconds):
        assert corridor.next_step(payment, moment(seconds)) is not None


def owes_something(payment: Payment) -> bool:
    return (
        payment.attempt is not None
        or (payment.status not in FINAL and payment.intent_id is not None)
        or any(r.status in UNSETTLED | {RefundStatus.ASKING} for r in payment.refunds)
        or any(n.state is NoticeState.OWED for n in payment.notices)
        or payment.refunds_look_at is not None
    )


def assert_it_is_claimed(payment: Payment, seconds: float) -> None:
    """No step is due twice in one lease: each goes out once, whoever else looks."""
    sent: list[PaymentStep] = []
    while step := corridor.next_step(payment, moment(seconds)):
        assert step not in sent
        sent.append(step)
        payment = corridor.asking(payment, step, moment(seconds))
    assert payment.wake_at is None or payment.wake_at > at(seconds)


def assert_it_may_become(before: Payment, after: Payment, step: PaymentStep, news: News) -> None:
    if before.status in FINAL and before.attempt is None:
        assert (after.status, after.attempt) == (before.status, None)
        assert after.received_minor == before.received_minor
    asks = isinstance(step, CreateIntent | ConfirmIntent | CancelIntent | ReadIntent | FindIntent)
    if asks and isinstance(news, NoNews) and before.attempt is not None:
        assert after.attempt is not None


def news_for(draw: st.DataObject, step: PaymentStep, stripe: Refunding) -> News:
    if isinstance(step, CreateRefund | FindRefunds):
        return stripe.news(draw, step)
    return draw.draw(order_news if isinstance(step, TellOrders) else any_news)


def wished(draw: st.DataObject, payment: Payment, seconds: float) -> Payment:
    """Return the payment after a caller wanted something of it, or as it is if that is refused."""
    now = moment(seconds)
    try:
        if draw.draw(st.booleans()):
            card = draw.draw(st.sampled_from([VISA, OTHER_CARD, None]))
            amount = draw.draw(st.sampled_from([10_000, 5_000]))
            return pay_again(payment, order(card, amount_minor=amount), now) or payment
        part = draw.draw(st.none() | st.integers(1, 12_000))
        return begin_refund(payment, f"ref_{len(payment.refunds)}", part, None, now)
    except Refusal:
        return payment


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_is_heard_and_wanted_the_document_stays_sound(draw: st.DataObject) -> None:
    payment, seconds, stripe = draw.draw(st.sampled_from([opened(), waiting()])), 0.0, Refunding()
    late: list[tuple[PaymentStep, News]] = []

    for _ in range(draw.draw(st.integers(1, 25))):
        seconds += draw.draw(st.sampled_from([0, 0.5, 31, 700, 4_000, 90_000]))
        step = corridor.next_step(payment, moment(seconds))
        what = draw.draw(st.sampled_from(["heard", "crash", "late", "wish", "heard"]))
        if what == "wish" or step is None:
            payment = wished(draw, payment, seconds)
        else:
            payment = corridor.asking(payment, step, moment(seconds))
            late.append((step, news_for(draw, step, stripe)))  # what happens, happens now
            if what != "crash":
                step, news = draw.draw(st.sampled_from(late)) if what == "late" else late[-1]
                before = payment
                payment = corridor.decide(payment, step, news, moment(seconds))
                assert_it_may_become(before, payment, step, news)
        assert_it_is_sound(payment, seconds)
        assert_it_is_claimed(payment, seconds)
        assert stripe.given_back() <= payment.received_minor
