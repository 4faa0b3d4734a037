"""Change a customer's e-mail and name, here and at Stripe."""

from dataclasses import replace
from datetime import datetime

from payment_service.domain.corridor_customers import begin_call
from payment_service.domain.customer import Customer, Update
from payment_service.domain.customer_emails import wanting_email
from payment_service.domain.email_address import normalised_email
from payment_service.domain.errors import CustomerChangeInProgress, CustomerForgotten, EmailInUse
from payment_service.domain.moment import Door, Moment
from payment_service.domain.news import Denial
from payment_service.domain.steps import ClaimEmail, UpdateCustomer
from payment_service.domain.stripe_errors import Action, refused
from payment_service.flows.advance import CUSTOMER, Claimed, commit
from payment_service.flows.keep_customer import customer_by_id, living_customer
from payment_service.flows.settle import settle
from payment_service.flows.world import World
from payment_service.ports import GatewayUnavailable


async def change_customer(
    world: World,
    customer_id: str,
    *,
    email: str | None,
    name: str | None,
    deadline: datetime,
) -> Customer:
    """Return the customer with this e-mail and name; what is None stays as it is.

    The e-mail is claimed first, then Stripe is told, then it leads here and the one before no more.
    While `update` is there at the deadline, that goes on by itself. Raises InvalidRequest,
    NotFound, EmailInUse, CustomerChangeInProgress, RefusedByStripe, GatewayUnavailable: nothing
    was changed.
    """
    email = None if email is None else normalised_email(email)
    claimed = await _begun(world, customer_id, email, name, deadline)
    if claimed.doc.update is None:  # it is so already
        return claimed.doc
    calls, claims = claimed.doc.calls_made, claimed.doc.email_claims
    number = calls + (0 if claimed.doc.call else 1)
    customer = await settle(
        world, CUSTOMER, claimed, settled=lambda c: c.update is None, deadline=deadline
    )
    if email is not None and customer.refused_since(claims, ClaimEmail.__name__):
        raise EmailInUse("This e-mail belongs to another customer.")
    if customer.update is None and customer.customer_id != claimed.doc.customer_id:
        raise GatewayUnavailable("This customer was deleted at Stripe at this moment.")
    refusal = customer.refused_since(number, UpdateCustomer.__name__)
    if refusal is not None:
        denial = Denial(refusal.code, refusal.message, param=refusal.param)
        raise refused(Action.UPDATE_CUSTOMER, denial)
    return customer


async def _begun(
    world: World, customer_id: str, email: str | None, name: str | None, deadline: datetime
) -> Claimed[Customer]:
    """Return the customer with the change begun, after all those that others began before it."""

    def wanted(current: Customer, moment: Moment) -> Customer:
        return begin_call(_wanting(current, email, name, moment), moment)

    while True:
        known = await customer_by_id(world, customer_id)
        customer = await living_customer(world, known, deadline=deadline)
        customer = await _ready(world, customer, deadline)
        try:
            return await commit(world, CUSTOMER, customer, wanted, Door.REQUEST)
        except CustomerChangeInProgress:
            if world.clock.now() >= deadline:
                raise


async def _ready(world: World, customer: Customer, deadline: datetime) -> Customer:
    """Return the customer when no other change of it is under way.

    Raises CustomerChangeInProgress: one still is at the deadline.
    """

    def is_ready(current: Customer) -> bool:
        return current.update is None and not current.is_founding

    if not is_ready(customer):
        claimed = Claimed(customer, None)
        customer = await settle(world, CUSTOMER, claimed, settled=is_ready, deadline=deadline)
    if customer.is_old or not is_ready(customer):
        raise CustomerChangeInProgress("Another change of this customer is under way.")
    return customer


def _wanting(customer: Customer, email: str | None, name: str | None, moment: Moment) -> Customer:
    if customer.is_forgotten:
        raise CustomerForgotten("This customer is being forgotten.")
    if customer.update is not None:  # somebody else was faster since
        raise CustomerChangeInProgress("Another change of this customer is under way.")
    email = None if email == customer.held_email else email
    name = None if name == customer.name else name
    if email is None and name is None:
        return customer
    wanting = customer if email is None else wanting_email(customer, email, moment.now)
    return replace(wanting, update=Update(email, name))
