"""Find the document of a customer, by e-mail or by Stripe's id, wherever a release has put it."""

from payment_service.domain.customer import Customer
from payment_service.flows.rekey_customers import rekey_customer
from payment_service.flows.world import World
from payment_service.storage.collections import CUSTOMERS, EMAILS

# In this order: `stripe_id` is unique, and leads past what a release of schema 2 left beside it.
_BY_ID = ("stripe_id", "customer_id", "former_customer_id")


async def customer_of_email(world: World, email: str) -> Customer | None:
    """Return the customer that has this normalised e-mail, None when nobody has it here."""
    place = await world.store.get(EMAILS, email)
    if place is not None:
        customer = await world.store.get(CUSTOMERS, place.uid)
        if customer is not None and customer.email == email:
            return customer
    old = await world.store.get(CUSTOMERS, email)
    if old is None:
        return None
    customer = await rekey_customer(world, old)
    return customer if customer is not None and customer.email == email else None


async def customer_of_id(world: World, customer_id: str) -> Customer | None:
    """Return the customer with this id of Stripe's, or that had it before it was deleted there."""
    for column in _BY_ID:
        customer = await world.store.find_one(CUSTOMERS, column, customer_id)
        if customer is not None:
            return await rekey_customer(world, customer)
    return None
