"""Set up a card: a SetupIntent with which the payer's client saves one, with authentication."""

from datetime import datetime

from payment_service.domain.corridor_customers import begin_call
from payment_service.domain.customer import Customer
from payment_service.domain.following import wanting_setup
from payment_service.domain.moment import Door, Moment
from payment_service.domain.news import Denial, SeenSetup, SetupSeen
from payment_service.domain.setup import OPEN
from payment_service.domain.steps import ReadSetup
from payment_service.domain.stripe_errors import UNAVAILABLE, Action, refused
from payment_service.flows.advance import CUSTOMER, commit
from payment_service.flows.guard_cards import trying
from payment_service.flows.keep_customer import customer_by_id, living_customer
from payment_service.flows.no_answer import no_answer
from payment_service.flows.settle import settle
from payment_service.flows.world import World
from payment_service.ports import GatewayLost, GatewayUnavailable


async def set_up_card(
    world: World, customer_id: str, *, request_id: str, deadline: datetime
) -> tuple[Customer, SeenSetup | None]:
    """Return the customer and a SetupIntent that its client can complete, with its secret.

    One that is still open is given again, so that asking twice piles up nothing. None instead of it
    is not known yet. The card itself becomes known by Stripe's events, or by looks.
    Raises NotFound, TooManyCardRefusals, GatewayUnavailable, RefusedByStripe, StoreUnavailable.
    """
    with trying(world) as card_try:  # the card is tried by the payer's client, not here
        await card_try.let(customer_id=customer_id, tries=False)
    customer = await living_customer(
        world, await customer_by_id(world, customer_id), deadline=deadline
    )
    if customer.setup is not None and customer.setup.is_open and customer.setup.id:
        known = await _read(world, customer.setup.id)
        if known.status in OPEN:
            return customer, known

    def want(current: Customer, moment: Moment) -> Customer:
        return begin_call(wanting_setup(current, request_id, moment), moment)

    claimed = await commit(world, CUSTOMER, customer, want, Door.REQUEST)
    customer = await settle(
        world,
        CUSTOMER,
        claimed,
        settled=lambda c: c.setup is None or not c.setup.is_wanted,
        deadline=deadline,
    )
    setup = customer.setup
    if setup is not None and setup.refusal_code == UNAVAILABLE:
        raise GatewayUnavailable(setup.refusal_message or "")
    if setup is not None and setup.refusal_code is not None:
        denial = Denial(setup.refusal_code, setup.refusal_message or "", param=setup.refusal_param)
        raise refused(Action.SET_UP, denial)
    if setup is None or setup.id is None:
        return customer, None
    try:
        return customer, await _read(world, setup.id)
    except GatewayUnavailable as error:  # it is made, and is given when it is asked for again
        raise GatewayLost(str(error)) from error


async def _read(world: World, setup_id: str) -> SeenSetup:
    news = await world.gateway.ask(ReadSetup(setup_id))
    if isinstance(news, SetupSeen):
        return news.setup
    raise no_answer(news)
