"""Another e-mail or name that a caller wants for a customer: what of it Stripe is to be asked for.

Ours may be behind: only what is so here and was just seen at Stripe is not asked for.
"""

from dataclasses import replace
from datetime import datetime

from payment_service.domain.customer import Customer, Update
from payment_service.domain.customer_emails import wanting_email
from payment_service.domain.email_address import followed_email
from payment_service.domain.errors import CustomerChangeInProgress, CustomerForgotten, EmailNotYours
from payment_service.domain.news import SeenCustomer


def is_changing(customer: Customer) -> bool:
    """Whether something goes on about its e-mail or name, which goes before another change."""
    return customer.update is not None or customer.next_email is not None


def seems_so(customer: Customer, wanted: Update) -> bool:
    """Whether something of it is so here already: a look must show whether it is at Stripe."""
    return _email_is_so(customer, wanted) or _name_is_so(customer, wanted)


def wanting_update(
    customer: Customer,
    wanted: Update,
    seen: SeenCustomer | None,
    now: datetime,
    *,
    may_move: bool,
) -> Customer:
    """Return the customer that is to be changed, unless all is so already.

    seen: how Stripe has just shown it, None when nobody looked. may_move: whether the caller may
    change the e-mail. Raises CustomerForgotten, CustomerChangeInProgress, EmailNotYours.
    """
    if customer.is_forgotten:
        raise CustomerForgotten("This customer is being forgotten.")
    if is_changing(customer):
        raise CustomerChangeInProgress("Another change of this customer is under way.")
    email, name = wanted.email, wanted.name
    if seen is not None and _email_is_so(customer, wanted) and followed_email(seen.email) == email:
        email = None
    if seen is not None and _name_is_so(customer, wanted) and seen.name == name:
        name = None
    if email is None and name is None:
        return customer
    if email is not None and not may_move:
        raise EmailNotYours("Only a service may change the e-mail of a customer.")
    # Its own e-mail is only written at Stripe again: nothing is to be claimed.
    if email is not None and email != customer.held_email:
        customer = wanting_email(customer, email, now)
    return replace(customer, update=Update(email, name))


def _email_is_so(customer: Customer, wanted: Update) -> bool:
    return wanted.email is not None and wanted.email == customer.held_email


def _name_is_so(customer: Customer, wanted: Update) -> bool:
    return wanted.name is not None and wanted.name == customer.name
