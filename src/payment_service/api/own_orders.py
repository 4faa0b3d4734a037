"""To whom an order belongs that an end user asks to pay: by the shop's word, or by who came first.

What is somebody else's is refused before anything is asked of Stripe for it, and only after
everything that would be refused of an order that nobody has.
"""

from dataclasses import replace

from payment_service.api.answers import Answer
from payment_service.api.asked_order import order_in
from payment_service.api.belonging import foreign_cards_hidden, own_ids_of
from payment_service.api.endpoint import Api, Handle, read
from payment_service.api.incoming import Incoming
from payment_service.api.proving import as_ordered, with_proof
from payment_service.api.service_fields import check_fields_of_services
from payment_service.domain.claims import Claimant, is_open_to
from payment_service.domain.errors import NotFound, PaymentInProgress, Refusal
from payment_service.domain.moment import Door
from payment_service.domain.payment import Payment
from payment_service.flows.keep_customer import create_customer
from payment_service.flows.newest import newest
from payment_service.flows.pay_order import check_payable
from payment_service.ports import GatewayLost, StoreInDoubt, StoreUnavailable, Unavailable
from payment_service.storage.collections import PAYMENTS


async def own_order(api: Api, call: Incoming, handle: Handle) -> Answer:
    """Pay an order as the caller's customer, unless it is somebody else's already."""
    check_fields_of_services(call)
    own_ids = await own_ids_of(api, call)
    call = await with_proof(api, call, own_ids)
    order = read(api, call, order_in)
    customer_id = order.terms.customer_id
    if customer_id is not None and customer_id not in own_ids:
        raise NotFound("There is no such customer.", code="customer_not_found")
    call = await as_ordered(api, call, own_ids)
    if not await _is_open(api, call):
        await check_payable(api.world, read(api, call, order_in))
        raise _no_such_payment()
    if customer_id is None:
        call = replace(call, body={**call.body, "customerId": await _own_id(api, call)})
    try:
        with foreign_cards_hidden():
            answer = await handle(api, call)
    except Refusal as refusal:
        if await _is_anothers(api, call):
            refusal.details.pop("payment", None)
        raise
    except Unavailable:
        await _is_anothers(api, call)
        raise
    if await _is_anothers(api, call):
        raise PaymentInProgress("Another claim on this order is being ended; please ask again.")
    return answer


async def _is_open(api: Api, call: Incoming) -> bool:
    payment = await newest(api.world.store, PAYMENTS, call.body["orderId"])
    return payment is None or await _may_ask_for(api, call, payment)


async def _may_ask_for(api: Api, call: Incoming, payment: Payment) -> bool:
    claimant = Claimant(await own_ids_of(api, call), call.is_proved)
    return is_open_to(payment, claimant, api.world.moment(Door.REQUEST))


async def _is_anothers(api: Api, call: Incoming) -> bool:
    """Whether the payment is still somebody else's, and nothing of it may be told.

    Raises NotFound: somebody else may have paid it since, and then nothing that was found is for
    this caller; StoreInDoubt: whosoever it is, it may be paid by now.
    """
    try:
        payment = await newest(api.world.store, PAYMENTS, call.body["orderId"])
        if payment is None or payment.terms.customer_id in await own_ids_of(api, call):
            return False
        may_ask = await _may_ask_for(api, call, payment)
    except StoreUnavailable as error:
        raise StoreInDoubt(str(error)) from error
    if not may_ask:
        raise _no_such_payment()
    return True


def _no_such_payment() -> NotFound:
    return NotFound("There is no such payment.")


async def _own_id(api: Api, call: Incoming) -> str:
    """Return the id of the caller's customer, who is made if need be."""
    customer, _ = await create_customer(
        api.world,
        call.caller.email or "",
        None,
        deadline=api.deadline(),
        request_id=call.request_id,
    )
    if customer.customer_id is None:
        raise GatewayLost("Stripe has not said yet whether the customer was made.")
    return customer.customer_id
