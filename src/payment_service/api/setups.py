"""Saving a card with authentication at the HTTP door."""

from payment_service.api.answer_models import PendingAnswer, SetupAnswer
from payment_service.api.answers import Answer, pending
from payment_service.api.asked import AskedCustomerId
from payment_service.api.belonging import own_customer
from payment_service.api.caller import Scope
from payment_service.api.endpoint import Api, Endpoint
from payment_service.api.incoming import Incoming
from payment_service.api.validation import checked
from payment_service.flows.set_up_card import set_up_card


async def set_up(api: Api, call: Incoming) -> Answer:
    asked = checked(AskedCustomerId, call.body)
    customer, setup = await set_up_card(
        api.world, asked.customer_id, request_id=call.request_id, deadline=api.deadline()
    )
    if setup is None:
        return pending(
            "The SetupIntent is being made; ask again.", {"customerId": asked.customer_id}
        )
    data = api.show.setup(customer, setup)
    return Answer(200, {"success": True, "data": data}, secret_of=setup.id)


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/setup-intent",
        handle=set_up,
        scope=Scope.WRITE,
        guard=own_customer,
        name="set_up_card",
        tag="cards",
        summary="Save a card with authentication first",
        description=(
            "Gives a `client_secret` with which Stripe.js or a mobile SDK collects and "
            "authenticates a card; when that is done the card is among the customer's. An open one "
            "is given again."
        ),
        asks=AskedCustomerId,
        answers={200: SetupAnswer, 202: PendingAnswer},
        refusals={
            404: ("not_found",),
            409: ("customer_forgotten",),
            429: ("too_many_card_refusals",),
        },
    ),
)
