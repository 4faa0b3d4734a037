"""See how a card stands that Stripe would not charge, and follow what has become of it."""

from contextlib import suppress

from payment_service.domain.errors import Refusal
from payment_service.domain.moment import Door
from payment_service.domain.news import CardSeen, Rejected
from payment_service.domain.payment import Failure, Payment
from payment_service.domain.steps import ReadCard
from payment_service.domain.stripe_errors import MISSING, Action, ErrorClass, class_of
from payment_service.flows.follow_customer import look_at_customer
from payment_service.flows.keep_customer import customer_by_id
from payment_service.flows.look_at import NotSeen
from payment_service.flows.world import World
from payment_service.ports import Unavailable

# Refusals of a charge that may mean that the card is not the customer's any more: Stripe says so
# in prose only.
_MAY_BE_DETACHED = frozenset({ErrorClass.CARD_NOT_USABLE, ErrorClass.UNSPECIFIED})


async def kind_by_card(
    world: World, action: Action, payment: Payment, failure: Failure
) -> ErrorClass:
    """Return why Stripe would not charge the card, by the card itself where the error says little.

    The customer of a card that was detached there is brought in line: the card leaves the list, and
    the default moves on.
    """
    denial = failure.denial
    kind = class_of(action, denial)
    if kind not in _MAY_BE_DETACHED or failure.payment_method_id is None:
        return kind
    news = await world.gateway.ask(ReadCard(failure.payment_method_id))
    match news:
        case CardSeen(card=seen) if seen.customer_id is None:
            kind = ErrorClass.CARD_DETACHED
        case CardSeen(card=seen) if seen.customer_id != payment.terms.customer_id:
            kind = ErrorClass.CARD_NOT_USABLE
        case Rejected(error=error) if error.code == MISSING:
            kind = ErrorClass.CARD_MISSING
        case Rejected():  # it is no card
            kind = ErrorClass.CARD_NOT_USABLE
        case _:
            return kind
    if kind in {ErrorClass.CARD_DETACHED, ErrorClass.CARD_MISSING}:
        await _follow(world, payment.terms.customer_id)
    return kind


async def _follow(world: World, customer_id: str | None) -> None:
    """Bring a customer in line with Stripe. What does not work now is found by events and looks."""
    if customer_id is None:
        return
    with suppress(NotSeen, Refusal, Unavailable):
        customer = await customer_by_id(world, customer_id)
        await look_at_customer(world, customer, Door.REQUEST)
