"""Follow what happens to a customer and its cards at Stripe without us."""

from payment_service.domain.corridor_customers import seen_done
from payment_service.domain.customer import Customer
from payment_service.domain.customer_emails import looked_at_after
from payment_service.domain.event import EventState, is_our_doing
from payment_service.domain.moment import Door, Moment
from payment_service.domain.news import CustomerSeen, News, NothingFound, SeenEvent
from payment_service.domain.steps import ReadCustomer
from payment_service.flows.advance import CUSTOMER, advance, commit, reload
from payment_service.flows.find_customer import customer_of_id
from payment_service.flows.look_at import ROUNDS_MAX, NotSeen, Overtaken
from payment_service.flows.world import World


async def follow_customer(world: World, seen: SeenEvent, door: Door) -> EventState:
    """Return what became of an event about a customer or one of its cards.

    Raises NotSeen: something of ours is under way for this customer, or Stripe does not answer.
    """
    customer = await _customer_of(world, seen)
    if customer is None or customer.is_forgotten:
        return EventState.FOREIGN
    if not is_our_doing(customer, seen):
        await look_at_customer(world, customer, door)
    return EventState.APPLIED


async def look_at_customer(world: World, customer: Customer, door: Door) -> Customer:
    """Return the customer as it stands at Stripe, its cards and default brought in line.

    Raises NotSeen.
    """
    for _ in range(ROUNDS_MAX):
        customer_id = customer.customer_id
        if customer_id is None:
            return customer
        if customer.call is not None or customer.awaits_claim:
            see = _see_claimed if customer.call is None else _see_done
            customer = await see(world, customer, door)
            if customer.call is not None or customer.awaits_claim:
                raise NotSeen("busy")
            continue
        step = ReadCustomer(customer_id, customer.setup.id if customer.setup else None)
        news = await world.gateway.ask(step)
        if not isinstance(news, CustomerSeen | NothingFound):
            raise NotSeen(getattr(news, "reason", None) or type(news).__name__)
        version = customer.version

        def heard(
            current: Customer, moment: Moment, version: int = version, news: News = news
        ) -> Customer:
            if current.version != version:
                raise Overtaken
            return CUSTOMER.decide(current, step, news, moment)  # noqa: B023 - called in this round

        try:
            claimed = await commit(world, CUSTOMER, customer, heard, door)
        except Overtaken:
            customer = await reload(world, CUSTOMER, customer)
            continue
        return await advance(world, CUSTOMER, claimed, door)
    raise NotSeen("overtaken")


async def _see_done(world: World, customer: Customer, door: Door) -> Customer:
    """Return the customer after a look whether what is asked of Stripe was brought about already.

    So nobody waits for an answer that was lost. A look that shows anything else says nothing: what
    is under way may come after it. Raises NotSeen.
    """
    assert customer.customer_id is not None, "it is at Stripe"
    assert customer.call is not None, "something is asked of Stripe"
    key = customer.call.key
    news = await world.gateway.ask(ReadCustomer(customer.customer_id))
    if not isinstance(news, CustomerSeen):
        raise NotSeen("busy")

    def heard(current: Customer, moment: Moment) -> Customer:
        return seen_done(current, key, news.customer, moment)

    claimed = await commit(world, CUSTOMER, customer, heard, door)
    return await advance(world, CUSTOMER, claimed, door)


async def _see_claimed(world: World, customer: Customer, door: Door) -> Customer:
    """Return the customer after its change was gone on with: whoever claims its e-mail may be dead.

    A look would be overtaken by that change; one is due as soon as it ends.
    """
    claimed = await commit(world, CUSTOMER, customer, looked_at_after, door)
    return await advance(world, CUSTOMER, claimed, door)


async def _customer_of(world: World, seen: SeenEvent) -> Customer | None:
    return None if seen.customer_id is None else await customer_of_id(world, seen.customer_id)
