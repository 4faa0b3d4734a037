"""The table of endpoints: method, path, parameters, what is answered, and who does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stripe_sandbox.engine import (
    balance,
    charges,
    checks,
    customers,
    events,
    payment_intents,
    payment_methods,
    refunds,
    schemas,
)
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.config import Config
from stripe_sandbox.engine.errors import no_such_route
from stripe_sandbox.engine.parameters import Schema
from stripe_sandbox.engine.records import Wire


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row. In `path`, `*` stands for an id; `answers` is the kind of object that comes back."""

    method: str
    path: str
    schema: Schema
    answers: str
    execute: Callable[[Call], Wire]
    check: Callable[[dict[str, Any], Config], None] = checks.nothing


_CUSTOMERS = (
    Endpoint("POST", "customers", schemas.CUSTOMER_CREATE, "customer", customers.create),
    Endpoint("GET", "customers", schemas.CUSTOMER_LIST, "list:customer", customers.list_all),
    Endpoint("GET", "customers/*", schemas.EXPAND, "customer", customers.retrieve),
    Endpoint("POST", "customers/*", schemas.CUSTOMER, "customer", customers.update),
    Endpoint("DELETE", "customers/*", {}, "customer", customers.delete),
    Endpoint(
        "GET",
        "customers/*/payment_methods",
        schemas.METHOD_LIST_OF_CUSTOMER,
        "list:payment_method",
        customers.list_payment_methods,
    ),
    Endpoint(
        "GET",
        "customers/*/payment_methods/*",
        schemas.EXPAND,
        "payment_method",
        customers.retrieve_payment_method,
    ),
)
_METHODS = (
    Endpoint(
        "POST", "payment_methods", schemas.METHOD_CREATE, "payment_method", payment_methods.create
    ),
    Endpoint(
        "GET",
        "payment_methods",
        schemas.METHOD_LIST,
        "list:payment_method",
        payment_methods.list_all,
    ),
    Endpoint(
        "GET", "payment_methods/*", schemas.EXPAND, "payment_method", payment_methods.retrieve
    ),
    Endpoint(
        "POST",
        "payment_methods/*",
        schemas.METHOD_UPDATE,
        "payment_method",
        payment_methods.update,
    ),
    Endpoint(
        "POST",
        "payment_methods/*/attach",
        schemas.METHOD_ATTACH,
        "payment_method",
        payment_methods.attach,
    ),
    Endpoint(
        "POST",
        "payment_methods/*/detach",
        schemas.EXPAND,
        "payment_method",
        payment_methods.detach,
    ),
)
_INTENTS = (
    Endpoint(
        "POST",
        "payment_intents",
        schemas.INTENT_CREATE,
        "payment_intent",
        payment_intents.create,
        checks.intent_create,
    ),
    Endpoint(
        "GET",
        "payment_intents",
        schemas.INTENT_LIST,
        "list:payment_intent",
        payment_intents.list_all,
    ),
    Endpoint(
        "GET",
        "payment_intents/*",
        schemas.INTENT_RETRIEVE,
        "payment_intent",
        payment_intents.retrieve,
    ),
    Endpoint(
        "POST",
        "payment_intents/*",
        schemas.INTENT_UPDATE,
        "payment_intent",
        payment_intents.update,
        checks.intent_update,
    ),
    Endpoint(
        "POST",
        "payment_intents/*/confirm",
        schemas.INTENT_CONFIRM,
        "payment_intent",
        payment_intents.confirm,
    ),
    Endpoint(
        "POST",
        "payment_intents/*/capture",
        schemas.INTENT_CAPTURE,
        "payment_intent",
        payment_intents.capture,
        checks.intent_capture,
    ),
    Endpoint(
        "POST",
        "payment_intents/*/cancel",
        schemas.INTENT_CANCEL,
        "payment_intent",
        payment_intents.cancel,
    ),
)
_MONEY = (
    Endpoint("GET", "charges", schemas.CHARGE_LIST, "list:charge", charges.list_all),
    Endpoint("GET", "charges/*", schemas.EXPAND, "charge", charges.retrieve),
    Endpoint(
        "POST",
        "refunds",
        schemas.REFUND_CREATE,
        "refund",
        refunds.create,
        checks.refund_create,
    ),
    Endpoint("GET", "refunds", schemas.REFUND_LIST, "list:refund", refunds.list_all),
    Endpoint("GET", "refunds/*", schemas.EXPAND, "refund", refunds.retrieve),
    Endpoint("POST", "refunds/*", schemas.REFUND_UPDATE, "refund", refunds.update),
    Endpoint("POST", "refunds/*/cancel", schemas.EXPAND, "refund", refunds.cancel),
    Endpoint(
        "GET",
        "balance_transactions",
        schemas.BALANCE_LIST,
        "list:balance_transaction",
        balance.list_all,
    ),
    Endpoint(
        "GET",
        "balance_transactions/*",
        schemas.EXPAND,
        "balance_transaction",
        balance.retrieve,
    ),
    Endpoint("GET", "events", schemas.EVENT_LIST, "list:event", events.list_all),
    Endpoint("GET", "events/*", schemas.EXPAND, "event", events.retrieve),
)
ENDPOINTS = (*_CUSTOMERS, *_METHODS, *_INTENTS, *_MONEY)
_BY_ROUTE = {(endpoint.method, endpoint.path): endpoint for endpoint in ENDPOINTS}


def find(method: str, path: str) -> tuple[Endpoint, tuple[str, ...]]:
    """Return the endpoint of a URL and the ids in it."""
    steps = path.removeprefix("/v1/").split("/")
    if path.startswith("/v1/") and "" not in steps:
        # Ids stand at every second place: customers/cus_x/payment_methods/pm_x.
        pattern = "/".join("*" if place % 2 else step for place, step in enumerate(steps))
        endpoint = _BY_ROUTE.get((method, pattern))
        if endpoint is not None:
            return endpoint, tuple(steps[1::2])
    raise no_such_route(method, path)
