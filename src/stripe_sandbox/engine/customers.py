"""Customers: made, changed, listed by e-mail, and deleted down to a stub."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from stripe_sandbox.engine import lists, payment_methods, shapes
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.emails import check_email
from stripe_sandbox.engine.errors import invalid
from stripe_sandbox.engine.parameters import merge_metadata
from stripe_sandbox.engine.records import Customer, Wire

_PLAIN: Final = (
    "balance",
    "business_name",
    "description",
    "email",
    "invoice_prefix",
    "name",
    "next_invoice_sequence",
    "phone",
)


def create(call: Call) -> Wire:
    """Make a customer, and attach the payment method if one is given."""
    state = call.state
    customer = Customer(
        id=state.ids.short("cus_"),
        created=call.cause.now,
        invoice_prefix=state.ids.short("", 8).upper(),
        metadata=merge_metadata({}, call.parameters),
    )
    changes = _changes(call, customer)
    method = None
    if call.get("payment_method") is not None:
        method = payment_methods.resolve(call, call.get("payment_method"))
        payment_methods.check_attachable(method, customer.id)
    customer = state.customers.put(replace(customer, **changes))
    if method is not None:
        payment_methods.attach_to(call.state, call.cause, method, customer.id)
    state.emit(call.cause, "customer.created", customer)
    return shapes.customer(customer)


def retrieve(call: Call) -> Wire:
    """Return a customer; a deleted one as its stub."""
    customer = call.state.customers.get(call.ids[0])
    if customer is None:
        raise lists.not_in_path(call, "customer", call.ids[0], "id")
    return shapes.customer(customer)


def update(call: Call) -> Wire:
    """Change a customer."""
    before = in_path(call)
    changes = _changes(call, before)
    after = replace(before, metadata=merge_metadata(before.metadata, call.parameters), **changes)
    call.state.customers.put(after)
    if after != before:
        call.state.emit(call.cause, "customer.updated", after, before)
    return shapes.customer(after)


def delete(call: Call) -> Wire:
    """Delete a customer for good; its cards are detached."""
    before = in_path(call)
    for method_id in list(call.state.methods_of.get(before.id, ())):
        payment_methods.detach_from(call, method_id)
    call.state.emit(call.cause, "customer.deleted", before)
    return shapes.customer(call.state.customers.put(replace(before, deleted=True)))


def list_all(call: Call) -> Wire:
    """List customers, by exact e-mail and by time."""
    email = call.get("email")
    in_time = lists.created_within(call)
    return lists.page(
        call,
        call.state.customers,
        "customer",
        keep=lambda row: not row.deleted and (email is None or row.email == email) and in_time(row),
        write=shapes.customer,
    )


def list_payment_methods(call: Call) -> Wire:
    """List the payment methods of the customer in the path."""
    return payment_methods.list_of(call, in_path(call).id)


def retrieve_payment_method(call: Call) -> Wire:
    """Return a payment method if it is of the customer in the path."""
    return payment_methods.retrieve_of(call, in_path(call).id, call.ids[1])


def in_path(call: Call) -> Customer:
    """Find the customer in the path; a deleted one is as if it had never been."""
    customer = call.state.customers.get(call.ids[0])
    if customer is None or customer.deleted:
        raise lists.not_in_path(call, "customer", call.ids[0], "id")
    return customer


def in_parameter(call: Call) -> Customer | None:
    """Find the customer given as `customer`, if one is given."""
    customer_id = call.get("customer")
    if customer_id is None:
        return None
    return _found(call, customer_id)


def check_there(call: Call, customer_id: str | None) -> None:
    """Refuse to go on for a customer who has been deleted since."""
    if customer_id is not None:
        _found(call, customer_id)


def _found(call: Call, customer_id: str) -> Customer:
    customer = call.state.customers.get(customer_id)
    if customer is None or customer.deleted:
        raise lists.not_in_parameter(call, "customer", customer_id, "customer")
    return customer


def _changes(call: Call, customer: Customer) -> dict[str, Any]:
    """Return the fields the parameters change."""
    given = call.parameters
    check_email(given.get("email"))
    changes: dict[str, Any] = {name: given[name] for name in _PLAIN if name in given}
    if "address" in given:
        changes["address"] = payment_methods.address(given["address"], customer.address)
    if "shipping" in given:
        changes["shipping"] = _shipping(given["shipping"])
    if "preferred_locales" in given:
        changes["preferred_locales"] = tuple(given["preferred_locales"] or ())
    if given.get("tax_exempt") is not None:
        changes["tax_exempt"] = given["tax_exempt"]
    return changes | _invoice_changes(call, customer)


def _invoice_changes(call: Call, customer: Customer) -> dict[str, Any]:
    settings = call.get("invoice_settings") or {}
    names = ("custom_fields", "footer", "default_payment_method")
    changes = {name: settings[name] for name in names if name in settings}
    method_id = changes.get("default_payment_method")
    if method_id is not None:
        param = "invoice_settings[default_payment_method]"
        method = payment_methods.resolve(call, method_id, param=param)
        payment_methods.check_owner(method, customer.id, param)
        if method.customer is None:
            raise invalid(
                f"The customer does not have a payment method with the ID {method.id}. The payment "
                "method must be attached to the customer.",
                param=param,
                code="resource_missing",
            )
        changes["default_payment_method"] = method.id
    return changes


def _shipping(given: Wire | None) -> Wire | None:
    if given is None:
        return None
    return {
        "address": payment_methods.address(given.get("address"), None),
        "name": given.get("name"),
        "phone": given.get("phone"),
    }
