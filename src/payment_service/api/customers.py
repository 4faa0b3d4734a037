"""Customers at the HTTP door."""

from dataclasses import replace
from typing import Any

from payment_service.api.answer_models import CustomerAnswer, NewCustomerAnswer, PendingAnswer
from payment_service.api.answers import Answer, pending, success
from payment_service.api.asked import AskedCustomer, AskedCustomerId, AskedCustomerUpdate
from payment_service.api.belonging import own_email, own_name
from payment_service.api.caller import Scope
from payment_service.api.endpoint import Api, Endpoint, read
from payment_service.api.incoming import Incoming, refuse_card_numbers
from payment_service.api.validation import Findings
from payment_service.domain.email_address import normalised_email
from payment_service.flows.change_customer import change_customer
from payment_service.flows.keep_customer import create_customer, get_customer


async def create(api: Api, call: Incoming) -> Answer:
    asked = read(api, call, customer_in)
    customer, is_new = await create_customer(
        api.world, asked.email, asked.name, deadline=api.deadline(), request_id=call.request_id
    )
    if customer.customer_id is None:
        told = "The customer is being made; ask for it by its e-mail."
        return pending(told, {"email": normalised_email(asked.email)})
    ids: dict[str, Any] = {"customerId": customer.customer_id}
    return success(ids, 201 if is_new else 200, **ids)


def customer_in(_api: Api, call: Incoming, findings: Findings) -> AskedCustomer | None:
    """Return who is to be a customer, as far as the request says it."""
    asked = findings.fields(AskedCustomer, call.body)
    _check_email(call, findings)
    return asked


async def get(api: Api, call: Incoming) -> Answer:
    refuse_card_numbers({"email": call.path["customer"]})
    customer = await get_customer(api.world, call.path["customer"])
    return success(api.show.customer(customer), customerId=customer.customer_id)


async def change(api: Api, call: Incoming) -> Answer:
    refuse_card_numbers({"customerId": call.path["customer"]})
    asked = read(api, call, change_in)
    customer = await change_customer(
        api.world,
        call.path["customer"],
        email=asked.email,
        name=asked.name,
        may_move=call.caller.is_service,
        deadline=api.deadline(),
    )
    customer_id = customer.customer_id
    if customer.update is not None:  # it goes on by itself
        return pending("The customer is being changed.", {"customerId": customer_id})
    shown = success(api.show.customer(customer), customerId=customer_id)
    return replace(shown, subject=customer_id)


def change_in(_api: Api, call: Incoming, findings: Findings) -> AskedCustomerUpdate | None:
    """Return what is to be changed, as far as the request says it."""
    findings.fields(AskedCustomerId, {"customerId": call.path["customer"]})
    asked = findings.fields(AskedCustomerUpdate, call.body)
    _check_email(call, findings)
    if call.body.get("email") is None and call.body.get("name") is None:
        findings.bad("email", "is required, unless `name` is there")
    return asked


def _check_email(call: Incoming, findings: Findings) -> None:
    sent = call.body.get("email")
    if isinstance(sent, str):
        findings.value(lambda: normalised_email(sent))


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
        reads=customer_in,
        answers={200: NewCustomerAnswer, 201: NewCustomerAnswer, 202: PendingAnswer},
        refusals={409: ("customer_forgotten", "email_taken")},
    ),
    Endpoint(
        method="GET",
        path="/customer/{customer:path}",
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
    Endpoint(
        method="PUT",
        path="/customer/{customer:path}",
        handle=change,
        scope=Scope.WRITE,
        guard=own_name,
        name="update_customer",
        tag="customers",
        summary="Change the e-mail or the name of a customer",
        description=(
            "Here and at Stripe; what is left out stays. The old e-mail is free at once. An end "
            "user may change the name of their own customer only."
        ),
        asks=AskedCustomerUpdate,
        reads=change_in,
        answers={200: CustomerAnswer, 202: PendingAnswer},
        refusals={
            403: ("email_not_changeable",),
            404: ("not_found", "customer_not_found"),
            409: ("customer_forgotten", "email_taken", "customer_change_in_progress"),
        },
    ),
)
