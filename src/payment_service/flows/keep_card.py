"""Keep cards: attach, name, remove and choose the default, the same here and at Stripe."""

from collections.abc import Callable
from datetime import datetime

from payment_service.domain import customer as customers
from payment_service.domain.corridor_customers import UNAVAILABLE, begin_call
from payment_service.domain.customer import Card, CardState, Customer
from payment_service.domain.errors import CardNotUsable, CardRefused, NotFound, StripeRefused
from payment_service.domain.moment import Door, Moment
from payment_service.domain.news import CardSeen, Declined, Rejected, SeenCard
from payment_service.domain.steps import ReadCard
from payment_service.flows.advance import CUSTOMER, commit
from payment_service.flows.guard_cards import let_try
from payment_service.flows.keep_customer import customer_by_id, living_customer
from payment_service.flows.no_answer import no_answer
from payment_service.flows.settle import settle
from payment_service.flows.world import World
from payment_service.ports import GatewayUnavailable


async def attach_card(
    world: World,
    customer_id: str,
    payment_method_id: str,
    *,
    cardholder_name: str | None,
    is_default: bool,
    deadline: datetime,
) -> tuple[Customer, Card]:
    """Return the customer and the card, attached; one that is there already only gets its name.

    So does one that is there under another id: the same number and expiry is the same card.
    A card that is still `adding` at the deadline is being attached.
    Raises NotFound, CardRefused, TooManyCardRefusals, CardNotUsable, GatewayUnavailable,
    StripeRefused: not attached.
    """
    await let_try(world, customer_id=customer_id)
    known = await customer_by_id(world, customer_id)
    customer = await living_customer(world, known, deadline=deadline)
    seen = await _read_card(world, payment_method_id)
    await let_try(world, card=seen.fingerprint)

    def want(current: Customer, moment: Moment) -> Customer:
        return customers.adding_card(current, seen, moment.now, cardholder_name=cardholder_name)

    customer = await _change(world, customer, want, deadline)
    card = customer.card(seen.payment_method_id) or customers.twin_of(customer, seen)
    if card is None:
        raise NotFound("This card was removed while it was being added.")
    if card.state is CardState.REFUSED:
        raise _refusal(card)
    if is_default and card.state is CardState.KEPT:
        customer = await set_default_card(
            world, customer.customer_id or customer_id, card.payment_method_id, deadline=deadline
        )
    return customer, customer.card(card.payment_method_id) or card


async def set_default_card(
    world: World, customer_id: str, payment_method_id: str, *, deadline: datetime
) -> Customer:
    """Return the customer with this card as its default. Raises NotFound."""
    customer = await customer_by_id(world, customer_id)
    return await _change(
        world, customer, lambda c, _: customers.with_default(c, payment_method_id), deadline
    )


async def remove_card(
    world: World, customer_id: str, payment_method_id: str, *, deadline: datetime
) -> Customer:
    """Return the customer without the card; the newest card left becomes the default.

    Raises NotFound.
    """
    customer = await customer_by_id(world, customer_id)
    return await _change(
        world, customer, lambda c, _: customers.removing_card(c, payment_method_id), deadline
    )


async def _change(
    world: World,
    customer: Customer,
    want: Callable[[Customer, Moment], Customer],
    deadline: datetime,
) -> Customer:
    """Write what is wanted, then bring Stripe to it; wait until nothing is left to be done."""

    def wanted(current: Customer, moment: Moment) -> Customer:
        return begin_call(want(current, moment), moment)

    claimed = await commit(world, CUSTOMER, customer, wanted, Door.REQUEST)
    return await settle(
        world, CUSTOMER, claimed, settled=lambda c: c.call is None, deadline=deadline
    )


async def _read_card(world: World, payment_method_id: str) -> SeenCard:
    news = await world.gateway.ask(ReadCard(payment_method_id))
    match news:
        case CardSeen(card=seen):
            return seen
        case Declined(error=error):
            raise CardRefused(error.message, code=error.code, decline_code=error.decline_code)
        case Rejected(error=error) if error.code == "resource_missing":
            raise NotFound("There is no such card.")
        case Rejected(error=error):
            raise StripeRefused(error.message, code=error.code)
        case _:
            raise no_answer(news)


def _refusal(card: Card) -> Exception:
    code, message = card.refusal_code or "", card.refusal_message or ""
    if code == UNAVAILABLE:
        return GatewayUnavailable(message)
    if card.declined:
        return CardRefused(message, decline_code=code)
    return CardNotUsable(message)
