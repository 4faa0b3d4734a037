"""A Stripe that tells the truth, but late, twice, from memory or not at all."""

from dataclasses import dataclass, field, replace
from typing import Final

from payment_service.domain import corridor
from payment_service.domain.corridor_attempts import heard_of
from payment_service.domain.moment import Moment
from payment_service.domain.news import (
    DisputesSeen,
    Intent,
    IntentSeen,
    News,
    NoNews,
    NotExecuted,
    OrderTold,
    RefundSeen,
    RefundsSeen,
    Rejected,
    SeenDispute,
    SeenRefund,
)
from payment_service.domain.payment import Payment
from payment_service.domain.steps import (
    CreateIntent,
    CreateRefund,
    FindDisputes,
    FindIntent,
    FindRefunds,
    PaymentStep,
    ReadIntent,
    TellOrders,
)
from tests.domain.papers import REFUSAL, T0, intent, moment

KEY: Final = "pay_1-1-create"


def seen_dispute(status: str, id: str = "du_1") -> SeenDispute:
    """Return a dispute over 30 dollars as Stripe would show it."""
    return SeenDispute(id, 3_000, "usd", "fraudulent", status, T0)


@dataclass
class TrueStripe:
    """One PaymentIntent with its refunds and its dispute, and all that they ever were.

    Each course is what the thing is one after the other; `now` says how far each has come. Where a
    number asks how old news is, 0 is the truth of this moment.
    """

    intents: tuple[str, ...]
    refunds: tuple[str, ...] = ("succeeded",)
    disputes: tuple[str, ...] = ()
    now: int = 0
    made: dict[str, tuple[int, int]] = field(default_factory=dict)
    disputed: int = 0

    def moves_on(self) -> None:
        """Let everything take its next step."""
        self.now = min(self.now + 1, len(self.intents) - 1)
        self.disputed = min(self.disputed + 1, len(self.disputes))
        for key, (amount, stage) in self.made.items():
            self.made[key] = (amount, min(stage + 1, len(self.refunds) - 1))

    def at_its_end(self) -> None:
        """Let everything come to its end."""
        for _ in range(len(self.intents) + len(self.refunds) + len(self.disputes)):
            self.moves_on()

    def intent(self, age: int = 0) -> Intent:
        """Return the PaymentIntent as it was so many steps ago."""
        return replace(intent(self.intents[max(self.now - age, 0)]), key=KEY)

    def seen_refunds(self, age: int = 0) -> tuple[SeenRefund, ...]:
        """Return all refunds as they were so many steps ago; none is ever missing."""
        return tuple(
            SeenRefund(f"re_{key}", self.refunds[max(stage - age, 0)], amount, key, T0)
            for key, (amount, stage) in self.made.items()
        )

    def seen_disputes(self) -> DisputesSeen:
        """Return the dispute as it stands: such a look is exact or it is not followed."""
        stage = self.disputed
        return DisputesSeen((seen_dispute(self.disputes[stage - 1]),) if stage else (), ())

    def answer(self, step: PaymentStep, how: str, age: int = 0) -> News:
        """Answer a step: its effect happens unless `how` says that it did not."""
        if how == "busy":
            return NotExecuted("http_429")
        if isinstance(step, CreateRefund):
            self.made.setdefault(step.key, (step.amount_minor, 0))
        return NoNews("lost") if how == "lost" else self._answer(step, how, age)

    def _answer(self, step: PaymentStep, how: str, age: int) -> News:
        match step:
            case TellOrders():
                return OrderTold()
            case CreateRefund(key=key):
                seen = {one.key: one for one in self.seen_refunds(age)}
                return RefundSeen(seen[key], replayed=age > 0)
            case FindRefunds():
                return RefundsSeen(self.seen_refunds(age))
            case FindDisputes():
                return self.seen_disputes()
            case ReadIntent() | FindIntent():
                return IntentSeen(self.intent(age))
        if how == "refusal" and not isinstance(step, CreateIntent):
            return Rejected(REFUSAL, self.intent(age))
        return IntentSeen(self.intent(age), replayed=how == "replay")

    def tells_all(self, payment: Payment, now: Moment) -> Payment:
        """Return the payment after an event about each thing, as each event makes us look."""
        key = payment.attempt.call.key if payment.attempt else None
        payment = heard_of(payment, self.intent(), now, seen_with=key)
        if payment.intent_id is None:
            return payment
        look, disputes = FindRefunds("ord_1", "pi_1"), FindDisputes("ord_1", "pi_1")
        payment = corridor.decide(payment, look, RefundsSeen(self.seen_refunds()), now)
        return corridor.decide(payment, disputes, self.seen_disputes(), now)


def at_rest(payment: Payment, seconds: float, stripe: TrueStripe) -> tuple[Payment, float]:
    """Return the payment when nothing is owed any more, everything having come to its end."""
    for _ in range(60):
        stripe.at_its_end()
        if payment.wake_at is None:
            return payment, seconds
        seconds = max(seconds, (payment.wake_at - T0).total_seconds())
        now = moment(seconds)
        step = corridor.next_step(payment, now)
        assert step is not None, "it wakes for nothing"
        payment = corridor.asking(payment, step, now)
        payment = corridor.decide(payment, step, stripe.answer(step, "answer"), now)
    raise AssertionError("it does not come to rest")
