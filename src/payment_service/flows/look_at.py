"""Look at Stripe because something said that there is news, and commit what is seen.

Such a look claims nothing: it has no effect, and who works on the payment goes on working.
"""

from payment_service.domain.corridor_attempts import heard_of
from payment_service.domain.moment import Door, Moment
from payment_service.domain.news import DisputesSeen, IntentSeen, News, RefundsSeen
from payment_service.domain.outcome import stands
from payment_service.domain.payment import Payment
from payment_service.domain.steps import FindDisputes, FindRefunds, ReadIntent
from payment_service.flows.advance import PAYMENT, advance, commit, reload
from payment_service.flows.world import World

# Each round means that somebody else wrote while we looked.
ROUNDS_MAX = 20


class NotSeen(Exception):
    """The look brought no answer, or one that is not to be relied on; look again later.

    is_lasting: whether the same look again will hardly bring more. news: what came instead.
    """

    def __init__(self, why: str, *, is_lasting: bool = False, news: News | None = None) -> None:
        super().__init__(why)
        self.is_lasting = is_lasting
        self.news = news


class Overtaken(Exception):
    """Somebody wrote while we looked."""


async def look_at_intent(world: World, payment: Payment, intent_id: str, door: Door) -> Payment:
    """Return the payment after a look at a PaymentIntent of its order. Raises NotSeen."""
    news = await world.gateway.ask(ReadIntent(payment.id, intent_id))
    if not isinstance(news, IntentSeen):
        raise NotSeen(_why(news), news=news)
    if stands(payment, news.intent):
        return payment
    seen_with = payment.attempt.call.key if payment.attempt else None

    def heard(current: Payment, moment: Moment) -> Payment:
        return heard_of(
            current, news.intent, moment, seen_with=seen_with, request_id=news.request_id
        )

    claimed = await commit(world, PAYMENT, payment, heard, door)
    return await advance(world, PAYMENT, claimed, door)


async def look_at_refunds(world: World, payment: Payment, intent_id: str, door: Door) -> Payment:
    """Return the payment after a look at all its refunds. Raises NotSeen."""
    step = FindRefunds(payment.id, intent_id)
    news = await world.gateway.ask(step)
    if not isinstance(news, RefundsSeen):
        raise NotSeen(_why(news))

    def heard(current: Payment, moment: Moment) -> Payment:
        return PAYMENT.decide(current, step, news, moment)

    claimed = await commit(world, PAYMENT, payment, heard, door)
    return await advance(world, PAYMENT, claimed, door)


async def look_at_disputes(world: World, payment: Payment, intent_id: str, door: Door) -> Payment:
    """Return the payment after a look at its disputes and fraud warnings. Raises NotSeen.

    A dispute has no clock that says which of two looks is newer, so nobody may have written since.
    """
    step = FindDisputes(payment.id, intent_id)
    for _ in range(ROUNDS_MAX):
        news = await world.gateway.ask(step)
        if not isinstance(news, DisputesSeen):
            raise NotSeen(_why(news))
        version = payment.version

        def heard(
            current: Payment, moment: Moment, version: int = version, news: News = news
        ) -> Payment:
            if current.version != version:
                raise Overtaken
            return PAYMENT.decide(current, step, news, moment)

        try:
            claimed = await commit(world, PAYMENT, payment, heard, door)
        except Overtaken:
            payment = await reload(world, PAYMENT, payment)
            continue
        return await advance(world, PAYMENT, claimed, door)
    raise NotSeen("overtaken")


def _why(news: News) -> str:
    return getattr(news, "reason", None) or type(news).__name__
