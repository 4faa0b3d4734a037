"""Change a customer's e-mail and name, here and at Stripe."""

from datetime import datetime

from payment_service.domain.corridor_customers import begin_call
from payment_service.domain.customer import Customer, Update
from payment_service.domain.customer_update import is_changing, seems_so, wanting_update
from payment_service.domain.email_address import normalised_email
from payment_service.domain.errors import CustomerChangeInProgress, EmailInUse
from payment_service.domain.moment import Door, Moment
from payment_service.domain.news import CustomerSeen, Denial, NothingFound, SeenCustomer
from payment_service.domain.steps import ClaimEmail, ReadCustomer, UpdateCustomer
from payment_service.domain.stripe_errors import Action, refused
from payment_service.flows.advance import CUSTOMER, Claimed, commit
from payment_service.flows.keep_customer import customer_by_id, living_customer
from payment_service.flows.no_answer import no_answer
from payment_service.flows.settle import settle
from payment_service.flows.world import World
from payment_service.ports import GatewayUnavailable


async def change_customer(
    world: World,
    customer_id: str,
    *,
    email: str | None,
    name: str | None,
    may_move: bool,
    deadline: datetime,
) -> Customer:
    """Return the customer with this e-mail and name, here and at Stripe; None stays as it is.

    The e-mail is claimed first, then Stripe is told, then it leads here and the one before no more.
    While `update` is there at the deadline, that goes on by itself. may_move: whether the caller
    may change the e-mail. Raises InvalidRequest, NotFound, EmailInUse, EmailNotYours,
    CustomerChangeInProgress, RefusedByStripe, GatewayUnavailable: nothing was changed.
    """
    email = None if email is None else normalised_email(email)
    wanted = Update(email, name)
    claimed = await _begun(world, customer_id, wanted, deadline, may_move=may_move)
    if claimed.doc.update is None:  # it is so already
        return claimed.doc
    calls, claims = claimed.doc.calls_made, claimed.doc.email_claims
    number = calls + (0 if claimed.doc.call else 1)
    customer = await settle(
        world, CUSTOMER, claimed, settled=lambda c: c.update is None, deadline=deadline
    )
    if claimed.doc.awaits_claim and customer.refused_since(claims, ClaimEmail.__name__):
        raise EmailInUse("This e-mail belongs to another customer.")
    if customer.update is None and customer.customer_id != claimed.doc.customer_id:
        raise GatewayUnavailable("This customer was deleted at Stripe at this moment.")
    refusal = customer.refused_since(number, UpdateCustomer.__name__)
    if refusal is not None:
        denial = Denial(refusal.code, refusal.message, param=refusal.param)
        raise refused(Action.UPDATE_CUSTOMER, denial)
    return customer


async def _begun(
    world: World, customer_id: str, wanted: Update, deadline: datetime, *, may_move: bool
) -> Claimed[Customer]:
    """Return the customer with the change begun, after all those that others began before it."""
    while True:
        known = await customer_by_id(world, customer_id)
        customer = await living_customer(world, known, deadline=deadline)
        customer = await _ready(world, customer, deadline)
        at_stripe = customer.customer_id if seems_so(customer, wanted) else None
        seen = await _seen(world, at_stripe) if at_stripe else None

        def wanting(
            current: Customer, moment: Moment, seen: SeenCustomer | None = seen
        ) -> Customer:
            after = wanting_update(current, wanted, seen, moment.now, may_move=may_move)
            return begin_call(after, moment)

        try:
            return await commit(world, CUSTOMER, customer, wanting, Door.REQUEST)
        except CustomerChangeInProgress:
            if world.clock.now() >= deadline:
                raise


async def _seen(world: World, customer_id: str) -> SeenCustomer | None:
    """Return how Stripe shows the customer; None where it is deleted, as the change will hear.

    Raises GatewayUnavailable, StripeRefused.
    """
    news = await world.gateway.ask(ReadCustomer(customer_id))
    match news:
        case CustomerSeen(customer=seen):
            return seen
        case NothingFound():
            return None
        case _:
            raise no_answer(news)


async def _ready(world: World, customer: Customer, deadline: datetime) -> Customer:
    """Return the customer when no other change of it is under way.

    Raises CustomerChangeInProgress: one still is at the deadline.
    """

    def is_ready(current: Customer) -> bool:
        return not is_changing(current)

    if not is_ready(customer):
        claimed = Claimed(customer, None)
        customer = await settle(world, CUSTOMER, claimed, settled=is_ready, deadline=deadline)
    if customer.is_old or not is_ready(customer):
        raise CustomerChangeInProgress("Another change of this customer is under way.")
    return customer
