"""Customers at the HTTP door."""

from typing import Any

from payment_service.api.answer_models import CustomerAnswer, NewCustomerAnswer, PendingAnswer
from payment_service.api.answers import Answer, pending, success
from payment_service.api.asked import AskedCustomer
from payment_service.api.belonging import own_email
from payment_service.api.caller import Scope
from payment_service.api.endpoint import Api, Endpoint
from payment_service.api.incoming import Incoming, refuse_card_numbers
from payment_service.api.validation import Findings
from payment_service.domain.email_address import normalised_email
from payment_service.flows.keep_customer import create_customer, get_customer


async def create(api: Api, call: Incoming) -> Answer:
    findings = Findings()
    asked = findings.fields(AskedCustomer, call.body)
    sent = call.body.get("email")
    email = findings.value(lambda: normalised_email(sent)) if isinstance(sent, str) else None
    findings.close()
    assert asked is not None
    assert email is not None
    customer, is_new = await create_customer(
        api.world, email, asked.name, deadline=api.deadline(), request_id=call.request_id
    )
    if customer.customer_id is None:
        return pending("The customer is being made; ask for it by its e-mail.", {"email": email})
    ids: dict[str, Any] = {"customerId": customer.customer_id}
    return success(ids, 201 if is_new else 200, **ids)


async def get(api: Api, call: Incoming) -> Answer:
    refuse_card_numbers(call.path)
    customer = await get_customer(api.world, call.path["email"])
    return success(api.show.customer(customer), customerId=customer.customer_id)


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/customer",
        handle=create,
        scope=Scope.WRITE,
        guard=own_email,
        name="create_customer",
        tag="customers",
        summary="Create the customer of an e-mail",
        description=(
            "One e-mail has one customer: 201 when it was made by this call, 200 with the same id "
            "when it was there already. A customer that only Stripe knows is adopted."
        ),
        asks=AskedCustomer,
        answers={200: NewCustomerAnswer, 201: NewCustomerAnswer, 202: PendingAnswer},
        refusals={409: ("customer_forgotten",)},
    ),
    Endpoint(
        method="GET",
        path="/customer/{email:path}",
        handle=get,
        scope=Scope.READ,
        guard=own_email,
        name="get_customer",
        tag="customers",
        summary="Get the customer of an e-mail",
        description="A customer that only Stripe knows is adopted.",
        answers={200: CustomerAnswer},
        refusals={404: ("not_found",), 409: ("customer_forgotten",), 502: ("stripe_refused",)},
    ),
)
