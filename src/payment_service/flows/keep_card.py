"""Keep cards: attach, name, remove and choose the default, the same here and at Stripe."""

from collections.abc import Callable
from datetime import datetime

from payment_service.domain import customer as customers
from payment_service.domain.corridor_customers import begin_call
from payment_service.domain.customer import Card, CardState, Customer
from payment_service.domain.errors import NotFound
from payment_service.domain.moment import Door, Moment
from payment_service.domain.news import CardSeen, Declined, Denial, Rejected, SeenCard
from payment_service.domain.owed_to_cards import default_is_owed, is_owed, removal_is_owed
from payment_service.domain.steps import DetachCard, NameCard, ReadCard, SetDefaultCard
from payment_service.domain.stripe_errors import (
    MISSING,
    Action,
    ErrorClass,
    RefusedByStripe,
    refused,
)
from payment_service.flows.advance import CUSTOMER, commit
from payment_service.flows.guard_cards import trying
from payment_service.flows.keep_customer import customer_by_id, living_customer
from payment_service.flows.no_answer import no_answer
from payment_service.flows.settle import settle
from payment_service.flows.world import World

CardStepName = type[DetachCard] | type[NameCard] | type[SetDefaultCard]


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
    Raises NotFound, TooManyCardRefusals, CardNotUsable, RefusedByStripe, GatewayUnavailable,
    StripeRefused: not attached; RefusedByStripe of another operation: attached, but not named so,
    or not made the default.
    """
    with trying(world) as card_try:
        await card_try.let(customer_id=customer_id)
        known = await customer_by_id(world, customer_id)
        customer = await living_customer(world, known, deadline=deadline)
        seen = await _read_card(world, payment_method_id)
        await card_try.let(card=seen.fingerprint)
        customer, card, number = await _attach(world, customer, seen, cardholder_name, deadline)
    if card.state is CardState.REFUSED:
        raise refused(Action.ATTACH, _why(card), declined=card.declined)
    _check(customer, number, Action.NAME, NameCard, card.payment_method_id)
    if is_default and card.state is CardState.KEPT:
        customer = await set_default_card(
            world, customer.customer_id or customer_id, card.payment_method_id, deadline=deadline
        )
    return customer, customer.card(card.payment_method_id) or card


async def _attach(
    world: World,
    customer: Customer,
    seen: SeenCard,
    cardholder_name: str | None,
    deadline: datetime,
) -> tuple[Customer, Card, int]:
    """Return the customer and the card as they are then, and the number of the first call.

    Raises NotFound.
    """
    gone = await _twin_that_is_gone(world, customer, seen)

    def want(current: Customer, moment: Moment) -> Customer:
        current = customers.without_card(current, gone) if gone else current
        return customers.adding_card(current, seen, moment.now, cardholder_name=cardholder_name)

    def is_added(current: Customer) -> bool:
        added = current.card(seen.payment_method_id) or customers.twin_of(current, seen)
        return added is None or not is_owed(current, added.payment_method_id)

    customer, number = await _change(world, customer, want, is_added, deadline)
    card = customer.card(seen.payment_method_id) or customers.twin_of(customer, seen)
    if card is None:
        raise NotFound("This card was removed while it was being added.")
    return customer, card, number


async def set_default_card(
    world: World, customer_id: str, payment_method_id: str, *, deadline: datetime
) -> Customer:
    """Return the customer with this card as its default. Raises NotFound, RefusedByStripe."""
    customer = await customer_by_id(world, customer_id)
    customer, number = await _change(
        world,
        customer,
        lambda c, _: customers.with_default(c, payment_method_id),
        lambda c: not default_is_owed(c, payment_method_id),
        deadline,
    )
    _check(customer, number, Action.SET_DEFAULT, SetDefaultCard, payment_method_id)
    return customer


async def remove_card(
    world: World, customer_id: str, payment_method_id: str, *, deadline: datetime
) -> Customer:
    """Return the customer without the card; the newest card left becomes the default.

    Raises NotFound; RefusedByStripe: it is still there.
    """
    customer = await customer_by_id(world, customer_id)
    customer, number = await _change(
        world,
        customer,
        lambda c, _: customers.removing_card(c, payment_method_id),
        lambda c: not removal_is_owed(c, payment_method_id),
        deadline,
    )
    refusal = _refusal(customer, number, Action.REMOVE, DetachCard, payment_method_id)
    is_there = customer.card(payment_method_id) is not None
    # A card that was not attached any more is gone; else a look shows whether it is.
    unseen = customer.look_at is not None and refusal is not None
    if refusal and (is_there or (unseen and refusal.kind is not ErrorClass.CARD_MISSING)):
        raise refusal
    return customer


async def _change(
    world: World,
    customer: Customer,
    want: Callable[[Customer, Moment], Customer],
    is_done: Callable[[Customer], bool],
    deadline: datetime,
) -> tuple[Customer, int]:
    """Write what is wanted, then bring Stripe to it; wait until that is done, or was refused.

    Return the customer, and the number of the first call that was made for it.
    """

    def wanted(current: Customer, moment: Moment) -> Customer:
        return begin_call(want(current, moment), moment)

    claimed = await commit(world, CUSTOMER, customer, wanted, Door.REQUEST)
    number = claimed.doc.calls_made + (0 if claimed.doc.call else 1)
    settled = await settle(world, CUSTOMER, claimed, settled=is_done, deadline=deadline)
    return settled, number


def _why(card: Card) -> Denial:
    """Return why Stripe would not have a card; a release before this one kept little of it."""
    return card.refusal or Denial(card.refusal_code or "", card.refusal_message or "")


def _check(
    customer: Customer, number: int, action: Action, step: CardStepName, card_id: str
) -> None:
    """Raise RefusedByStripe when Stripe has refused this step since."""
    refusal = _refusal(customer, number, action, step, card_id)
    if refusal is not None:
        raise refusal


def _refusal(
    customer: Customer, number: int, action: Action, step: CardStepName, card_id: str
) -> RefusedByStripe | None:
    found = customer.refused_since(number, step.__name__, card_id)
    if found is None:
        return None
    denial = Denial(found.code, found.message, param=found.param)
    return refused(action, denial, declined=found.declined)


async def _twin_that_is_gone(world: World, customer: Customer, seen: SeenCard) -> str | None:
    """Return the id under which the same card is kept here, if Stripe has detached that since."""
    twin = customers.twin_of(customer, seen)
    if twin is None or twin.state is not CardState.KEPT:
        return None
    try:
        at_stripe = await _read_card(world, twin.payment_method_id)
    except NotFound:
        return twin.payment_method_id
    is_gone = at_stripe.customer_id != customer.customer_id
    return twin.payment_method_id if is_gone else None


async def _read_card(world: World, payment_method_id: str) -> SeenCard:
    news = await world.gateway.ask(ReadCard(payment_method_id))
    match news:
        case CardSeen(card=seen):
            return seen
        case Rejected(error=error) if error.code == MISSING:
            raise NotFound("There is no such card.", code="card_not_found")
        case Declined(error=error) | Rejected(error=error):
            raise refused(Action.ATTACH, error, declined=isinstance(news, Declined))
        case _:
            raise no_answer(news)
