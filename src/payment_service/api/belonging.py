"""What belongs to whom: every endpoint says how its things belong to a customer.

An end user reaches what is their own customer's. All else is not there for them: the same answer
for what is somebody else's and for what is not, found out without asking Stripe about one of them
alone. Services reach everything, and none of this is done for them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from payment_service.api.answers import Answer
from payment_service.api.endpoint import Api, Handle
from payment_service.api.incoming import Incoming
from payment_service.api.service_fields import check_fields_of_services
from payment_service.domain.customer import Customer
from payment_service.domain.email_address import normalised_email
from payment_service.domain.errors import (
    CardNotUsable,
    EmailNotYours,
    InvalidRequest,
    NotFound,
    PaymentNotCancelable,
)
from payment_service.domain.payment import State
from payment_service.domain.stripe_errors import ErrorClass, RefusedByStripe
from payment_service.flows.find_customer import customer_of_email
from payment_service.flows.find_payment import find_own_payment, find_payment
from payment_service.flows.find_refund import find_own_refund

# Fits where an id may stand, and is nobody's: Stripe's begin with letters.
NOBODYS_ID = "-"
# How Stripe's ids of payments begin.
INTENT_PREFIX = "pi_"


async def own_email(api: Api, call: Incoming, handle: Handle) -> Answer:
    """Act on the customer of an e-mail, if it is the caller's."""
    sent = call.path.get("customer", call.body.get("email"))
    if isinstance(sent, str) and _normalised(sent) not in {None, call.caller.email}:
        raise NotFound("There is no customer with this e-mail.")
    return await handle(api, call)


async def own_name(api: Api, call: Incoming, handle: Handle) -> Answer:
    """Change the name of the caller's customer; who has which e-mail is not theirs to say."""
    if call.path["customer"] not in await own_ids_of(api, call):
        raise NotFound("There is no such customer.")
    email = call.body.get("email")
    if isinstance(email, str) and _normalised(email) not in {None, call.caller.email}:
        raise EmailNotYours("Only a service may change the e-mail of a customer.")
    return await handle(api, call)


async def own_customer(api: Api, call: Incoming, handle: Handle) -> Answer:
    """Act on a customer or its cards, if it is the caller's."""
    sent = call.path.get("customerId", call.body.get("customerId"))
    if isinstance(sent, str) and sent not in await own_ids_of(api, call):
        raise NotFound("There is no such customer.")
    try:
        return await handle(api, call)
    except CardNotUsable as error:
        if "foreign" not in error.details:
            raise
        raise NotFound("There is no such card.", code="card_not_found") from None


def is_called_like_a_payment(order_id: object) -> bool:
    """Whether an order may not be an end user's: whoever asks for that payment would get it."""
    return isinstance(order_id, str) and order_id.startswith(INTENT_PREFIX)


async def own_payment(api: Api, call: Incoming, handle: Handle) -> Answer:
    """Act on a payment, if it is of the caller's customer."""
    payment = await find_own_payment(api.world, call.path["id"], await own_ids_of(api, call))
    # By its order: under a PaymentIntent's id there may be an order of somebody else's.
    call = replace(call, path={**call.path, "id": payment.id})
    with foreign_cards_hidden():
        return await handle(api, call)


async def own_unheld_payment(api: Api, call: Incoming, handle: Handle) -> Answer:
    """Act on a payment of the caller's customer that holds no money for the shop yet.

    The shop may have delivered on it: giving it back is the shop's decision, as a refund is.
    """

    async def unless_held(api: Api, call: Incoming) -> Answer:
        payment = await find_payment(api.world, call.path["id"])
        if payment.state is State.REQUIRES_CAPTURE:
            raise PaymentNotCancelable(
                "This payment is held for the shop to take.", payment=payment
            )
        return await handle(api, call)

    check_fields_of_services(call)
    return await own_payment(api, call, unless_held)


async def own_refund(api: Api, call: Incoming, handle: Handle) -> Answer:
    """Act on a refund, if it is of a payment of the caller's customer."""
    await find_own_refund(api.world, call.path["refundId"], await own_ids_of(api, call))
    return await handle(api, call)


async def own_payments(api: Api, call: Incoming, handle: Handle) -> Answer:
    """List payments of the caller's customer only; somebody else has none, as far as they see."""
    customer = await _own(api, call)
    own_ids = _ids(customer)
    sent = call.query.get("customerId")
    current = (customer.customer_id or customer.former_customer_id) if customer else None
    asked = sent or current
    query = {**call.query, "customerId": asked if asked in own_ids and asked else NOBODYS_ID}
    return await handle(api, replace(call, query=query, body=query))


@contextmanager
def foreign_cards_hidden() -> Iterator[None]:
    """Say of a card that is somebody else's what is said of one that is not there."""
    try:
        yield
    except RefusedByStripe as refusal:
        if refusal.kind is not ErrorClass.CARD_NOT_USABLE:
            raise
        raise NotFound("There is no such card.", code="card_not_found") from None


async def _own(api: Api, call: Incoming) -> Customer | None:
    return await customer_of_email(api.world, call.caller.email or NOBODYS_ID)


async def own_ids_of(api: Api, call: Incoming) -> frozenset[str]:
    """Return by what ids of Stripe's the caller's customer is known; none without one."""
    return _ids(await _own(api, call))


def _ids(customer: Customer | None) -> frozenset[str]:
    """Return by what ids of Stripe's the customer is known: the one before may still be in use."""
    known = (customer.customer_id, customer.former_customer_id) if customer else ()
    return frozenset(filter(None, known))


def _normalised(email: str) -> str | None:
    """Return the e-mail as customers are found by it, None if it is none: that is said later."""
    try:
        return normalised_email(email)
    except InvalidRequest:
        return None
