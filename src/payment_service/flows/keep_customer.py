"""Keep customers: one for each e-mail, made once, or adopted when only Stripe knows it."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime

from payment_service.domain.corridor_customers import begin_call
from payment_service.domain.customer import Customer, adopted, new_customer
from payment_service.domain.email_address import followed_email, normalised_email
from payment_service.domain.errors import CustomerForgotten, EmailInUse, NotFound, StripeRefused
from payment_service.domain.moment import Door, Moment
from payment_service.domain.news import CustomerSeen, Denial, NothingFound, Rejected
from payment_service.domain.steps import FindCustomer, ReadCustomer
from payment_service.domain.stripe_errors import (
    UNAVAILABLE,
    Action,
    RefusedByStripe,
    field_of,
    refused,
)
from payment_service.flows.advance import CUSTOMER, Claimed, claim, commit, take_step
from payment_service.flows.find_customer import customer_of_email, customer_of_id
from payment_service.flows.follow_customer import look_at_customer
from payment_service.flows.look_at import NotSeen
from payment_service.flows.newest import as_new_as_can_be
from payment_service.flows.no_answer import no_answer
from payment_service.flows.settle import settle
from payment_service.flows.stripe_time import know_time
from payment_service.flows.world import World
from payment_service.ports import AlreadyExists, GatewayLost, GatewayUnavailable, StoreUnavailable
from payment_service.storage.collections import CUSTOMERS

# Each time the e-mail had another customer when it was claimed, and had none when it was looked up.
LOST_RACES_MAX = 5


async def create_customer(
    world: World,
    email: str,
    name: str | None,
    *,
    deadline: datetime,
    request_id: str | None = None,
) -> tuple[Customer, bool]:
    """Return the customer of this e-mail and whether this call made it.

    A customer that is still without `customer_id` at the deadline is being made.
    Raises InvalidRequest (no e-mail), GatewayUnavailable, RefusedByStripe, StripeRefused: there is
    no customer; EmailInUse: another customer is being given this e-mail.
    """
    spelling, email = email, normalised_email(email)
    for lost in range(LOST_RACES_MAX):
        # Who has just won may not be shown yet.
        with as_new_as_can_be() if lost else nullcontext():
            known = await _known(world, email, spelling)
        if known is not None and known.customer_id is not None:
            return known, False
        if known is None:
            claimed = await _begin(world, email, name, request_id)
        else:
            claimed = await _retry(world, known)
        if claimed is not None:
            break
    else:
        raise EmailInUse("Another customer is being given this e-mail.")
    # One that Stripe refused before is made by this call; another's that is under way is not.
    made_here = known is None or known.call is None
    customer = await settle(
        world,
        CUSTOMER,
        claimed,
        settled=lambda c: c.customer_id is not None or c.refusal_code is not None,
        deadline=deadline,
    )
    if customer.customer_id is None and customer.refusal_code == UNAVAILABLE:
        raise GatewayUnavailable(customer.refusal_message or "")
    if customer.customer_id is None and customer.refusal_code is not None:
        raise _refusal(customer.refusal_code, customer)
    return customer, made_here


def _refusal(code: str, customer: Customer) -> RefusedByStripe:
    denial = Denial(code, customer.refusal_message or "", param=customer.refusal_param)
    return refused(Action.CREATE_CUSTOMER, denial)


async def get_customer(world: World, email: str) -> Customer:
    """Return the customer of this e-mail.

    Raises NotFound, GatewayUnavailable, RefusedByStripe: it is no e-mail to Stripe, StripeRefused.
    """
    customer = await _known(world, normalised_email(email), email)
    if customer is None or customer.customer_id is None:
        raise NotFound("There is no customer with this e-mail.")
    return customer


async def customer_by_id(world: World, customer_id: str) -> Customer:
    """Return the customer with this id of Stripe's, or that had it before it was deleted there.

    Raises NotFound, GatewayUnavailable, StripeRefused.
    """
    known = await customer_of_id(world, customer_id)
    if known is not None:
        return _remembered(known)
    news = await world.gateway.ask(ReadCustomer(customer_id))
    match news:
        case CustomerSeen(customer=seen) if email := followed_email(seen.email):
            customer = await _adopt(world, email, news)
            if customer is not None and customer.customer_id == customer_id:
                return customer
            raise NotFound("There is no such customer.")
        case CustomerSeen() | Rejected() | NothingFound():
            raise NotFound("There is no such customer.")
        case _:
            raise no_answer(news)


async def living_customer(world: World, customer: Customer, *, deadline: datetime) -> Customer:
    """Return the customer with an id at Stripe: one that was deleted there is made anew.

    Raises GatewayUnavailable, StripeRefused: it could not be made.
    """
    if customer.customer_id is not None:
        return customer
    if customer.email is None:
        raise NotFound("There is no such customer.")
    revived, _ = await create_customer(world, customer.email, customer.name, deadline=deadline)
    if revived.customer_id is None:
        raise GatewayLost("Stripe has not said yet whether the customer was made.")
    return revived


async def heal_customer(world: World, customer_id: str, *, deadline: datetime) -> Customer | None:
    """Return the customer made anew, if Stripe says that this one was deleted there; else None.

    Called only after Stripe has answered that this very customer is missing.
    Raises GatewayUnavailable, StripeRefused.
    """
    try:
        customer = await customer_by_id(world, customer_id)
        if customer.customer_id == customer_id:
            customer = await look_at_customer(world, customer, Door.REQUEST)
    except (NotFound, NotSeen, CustomerForgotten):
        return None
    if customer.customer_id == customer_id:  # it is there: the fault is elsewhere
        return None
    return await living_customer(world, customer, deadline=deadline)


async def _known(world: World, email: str, spelling: str) -> Customer | None:
    """Return what we have, else adopt what only Stripe has.

    Raises CustomerForgotten, RefusedByStripe, StripeRefused, GatewayUnavailable.
    """
    customer = await customer_of_email(world, email)
    if customer is not None:
        return _remembered(customer)
    news = await world.gateway.ask(FindCustomer(email, spelling.strip()))
    match news:
        case CustomerSeen():
            return await _adopt(world, email, news)
        case NothingFound():
            return None
        case Rejected(error=error) if field_of(Action.CREATE_CUSTOMER, error) is not None:
            raise refused(Action.CREATE_CUSTOMER, error)  # the caller can mend it
        case Rejected(error=error):
            raise StripeRefused(error.message, code=error.code)
        case _:
            raise no_answer(news)


def _remembered(customer: Customer) -> Customer:
    """Return the customer, unless it is being forgotten: whoever comes back after that is new."""
    if customer.is_forgotten:
        raise CustomerForgotten("This customer is being forgotten.")
    return customer


async def _adopt(world: World, email: str, news: CustomerSeen) -> Customer | None:
    """Return the customer that Stripe shows for this e-mail; None when the e-mail is another's."""
    await know_time(world)
    known = await customer_of_id(world, news.customer.id)
    if known is None:
        moment = world.moment(Door.REQUEST)
        customer = adopted(email, news.customer, world.ids.new("cust"), moment.now)
        found = await _found(world, claim(CUSTOMER, customer, moment))
        if found is not None:
            return found.doc
        with as_new_as_can_be():
            return await customer_of_email(world, email)
    if _remembered(known).email != email and known.customer_id == news.customer.id:
        known = await _moved(world, known)
    if known.email != email:
        raise GatewayUnavailable("This customer's e-mail is being changed.")
    return known


async def _moved(world: World, customer: Customer) -> Customer:
    """Return the customer after a look: its e-mail was changed at Stripe, as we hear only now."""
    try:
        return await look_at_customer(world, customer, Door.REQUEST)
    except NotSeen:
        return customer


async def _begin(
    world: World, email: str, name: str | None, request_id: str | None
) -> Claimed[Customer] | None:
    await know_time(world)
    moment = world.moment(Door.REQUEST)
    uid = world.ids.new("cust")
    customer = new_customer(email, name, uid, moment.now, request_id=request_id)
    return await _found(world, claim(CUSTOMER, customer, moment))


async def _found(world: World, claimed: Claimed[Customer]) -> Claimed[Customer] | None:
    """Write the customer and claim its e-mail; None when that has another one by now.

    The document comes first: it knows what is left to be done, should nobody come to the claim.
    """
    try:
        await world.store.insert(CUSTOMERS, claimed.doc)
    except AlreadyExists:  # somebody else adopts it at this moment
        return None
    world.witness.saw(None, claimed.doc, Door.REQUEST)
    assert claimed.step is not None, "its e-mail is to be claimed"
    try:
        return await take_step(world, CUSTOMER, claimed, claimed.step, Door.REQUEST)
    except NotFound:  # it went, for the e-mail had another one
        return None
    except StoreUnavailable:  # it is written, and goes on by itself
        return claimed


async def _retry(world: World, customer: Customer) -> Claimed[Customer]:
    """Go on with one whose making was begun before; one that was refused is tried anew."""

    def again(current: Customer, moment: Moment) -> Customer:
        if current.call is None and current.customer_id is None:
            current = replace(current, refusal_code=None, refusal_message=None, refusal_param=None)
        return begin_call(current, moment)

    return await commit(world, CUSTOMER, customer, again, Door.REQUEST)
