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
    disputes,
    events,
    fraud_warnings,
    legacy_charges,
    payment_intents,
    payment_methods,
    refunds,
    schemas,
    setup_intents,
    webhook_endpoints,
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
        checks.intent_confirm,
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
    Endpoint("POST", "charges", schemas.CHARGE_CREATE, "charge", legacy_charges.create),
    Endpoint("POST", "charges/*", schemas.CHARGE_UPDATE, "charge", legacy_charges.update),
    Endpoint("POST", "charges/*/capture", schemas.CHARGE_CAPTURE, "charge", legacy_charges.capture),
    Endpoint(
        "POST",
        "refunds",
        schemas.REFUND_CREATE,
        "refund",
        refunds.create,
        checks.refund_create,
    ),
    Endpoint("GET", "refunds", schemas.OF_CHARGE_LIST, "list:refund", refunds.list_all),
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
_SETUPS = (
    Endpoint(
        "POST",
        "setup_intents",
        schemas.SETUP_CREATE,
        "setup_intent",
        setup_intents.create,
        checks.setup_create,
    ),
    Endpoint(
        "GET",
        "setup_intents",
        schemas.SETUP_LIST,
        "list:setup_intent",
        setup_intents.list_all,
    ),
    Endpoint(
        "GET", "setup_intents/*", schemas.INTENT_RETRIEVE, "setup_intent", setup_intents.retrieve
    ),
    Endpoint("POST", "setup_intents/*", schemas.SETUP_UPDATE, "setup_intent", setup_intents.update),
    Endpoint(
        "POST",
        "setup_intents/*/confirm",
        schemas.SETUP_CONFIRM,
        "setup_intent",
        setup_intents.confirm,
        checks.setup_confirm,
    ),
    Endpoint(
        "POST",
        "setup_intents/*/cancel",
        schemas.SETUP_CANCEL,
        "setup_intent",
        setup_intents.cancel,
    ),
)
_DISPUTES = (
    Endpoint("GET", "disputes", schemas.OF_CHARGE_LIST, "list:dispute", disputes.list_all),
    Endpoint("GET", "disputes/*", schemas.EXPAND, "dispute", disputes.retrieve),
    Endpoint("POST", "disputes/*", schemas.DISPUTE_UPDATE, "dispute", disputes.update),
    Endpoint("POST", "disputes/*/close", schemas.EXPAND, "dispute", disputes.close),
    Endpoint(
        "GET",
        "radar/early_fraud_warnings",
        schemas.OF_CHARGE_LIST,
        "list:early_fraud_warning",
        fraud_warnings.list_all,
    ),
    Endpoint(
        "GET",
        "radar/early_fraud_warnings/*",
        schemas.EXPAND,
        "early_fraud_warning",
        fraud_warnings.retrieve,
    ),
)
_WEBHOOKS = (
    Endpoint(
        "POST",
        "webhook_endpoints",
        schemas.WEBHOOK_ENDPOINT_CREATE,
        "webhook_endpoint",
        webhook_endpoints.create,
        webhook_endpoints.check,
    ),
    Endpoint(
        "GET",
        "webhook_endpoints",
        schemas.WEBHOOK_ENDPOINT_LIST,
        "list:webhook_endpoint",
        webhook_endpoints.list_all,
    ),
    Endpoint(
        "GET",
        "webhook_endpoints/*",
        schemas.EXPAND,
        "webhook_endpoint",
        webhook_endpoints.retrieve,
    ),
    Endpoint(
        "POST",
        "webhook_endpoints/*",
        schemas.WEBHOOK_ENDPOINT_UPDATE,
        "webhook_endpoint",
        webhook_endpoints.update,
        webhook_endpoints.check,
    ),
    Endpoint("DELETE", "webhook_endpoints/*", {}, "webhook_endpoint", webhook_endpoints.delete),
)
ENDPOINTS = (
    *_CUSTOMERS,
    *_METHODS,
    *_INTENTS,
    *_SETUPS,
    *_MONEY,
    *_DISPUTES,
    *_WEBHOOKS,
)
# Names that stand before that of a kind of object: radar/early_fraud_warnings.
_NAMESPACES = ("radar",)
# What the payer's own client may ask, with a publishable key and the secret of the intent.
_FOR_PAYERS = frozenset(
    (
        ("GET", "payment_intents/*"),
        ("POST", "payment_intents/*/confirm"),
        ("GET", "setup_intents/*"),
        ("POST", "setup_intents/*/confirm"),
    )
)
_BY_ROUTE = {(endpoint.method, endpoint.path): endpoint for endpoint in ENDPOINTS}


def find(method: str, path: str) -> tuple[Endpoint, tuple[str, ...]]:
    """Return the endpoint of a URL and the ids in it."""
    pattern, ids = _split(path)
    endpoint = _BY_ROUTE.get((method, pattern))
    if endpoint is None:
        raise no_such_route(method, path)
    return endpoint, ids


def for_payers(method: str, path: str) -> bool:
    """Whether a publishable key is enough for a URL."""
    return (method, _split(path)[0]) in _FOR_PAYERS


def _split(path: str) -> tuple[str, tuple[str, ...]]:
    """Return the path with `*` for the ids in it, and the ids; an empty path if it is not ours."""
    steps = path.removeprefix("/v1/").split("/")
    if not path.startswith("/v1/") or "" in steps:
        return "", ()
    if steps[0] in _NAMESPACES:
        steps[:2] = ["/".join(steps[:2])]
    # Ids stand at every second place: customers/cus_x/payment_methods/pm_x.
    pattern = "/".join("*" if place % 2 else step for place, step in enumerate(steps))
    return pattern, tuple(steps[1::2])
