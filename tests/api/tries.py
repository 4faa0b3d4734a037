"""Every request that puts something bad into one place: a field, a path, a query, a header.

The places are read from the endpoints themselves, so that a new field is tried by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from payment_service.api.app import all_endpoints
from payment_service.api.door import Gate
from payment_service.api.endpoint import Endpoint
from tests.api.belongings import Belongings, asking_for

ENDPOINTS = tuple(one for one in all_endpoints(Gate()) if one.scope is not None)
PATH_NAMES = ("email:path", "customerId", "id:path", "refundId", "eventId")
# Stripe's own field of that name, which our callers' clients send; and one that nobody knows.
UNKNOWN = ("automatic_payment_methods", "somethingElse")


@dataclass(frozen=True, slots=True)
class Try:
    """One request, and where in it the bad thing stands."""

    endpoint: Endpoint
    place: str
    path: str
    body: Any


def tries(endpoint: Endpoint, whose: Belongings, bad: Any) -> Iterator[Try]:
    """Give the requests that put something bad into each place of an endpoint, all else good."""
    path, body = asking_for(endpoint, whose)
    for name in fields_of(endpoint) if endpoint.reads_body else ():
        yield Try(endpoint, name, path, {**body, name: bad})
        yield Try(endpoint, f"{name}.x", path, {**body, name: {"x": bad}})
        yield Try(endpoint, f"{name}[]", path, {**body, name: [[bad]]})
        if isinstance(bad, str):
            yield Try(endpoint, f"{name}.name", path, {**body, name: {bad: "x"}})
    if isinstance(bad, str | int):
        for name in (*(() if endpoint.reads_body else fields_of(endpoint)), *UNKNOWN):
            yield Try(endpoint, f"?{name}", f"{path}?{name}={quote(str(bad))}", body)
            yield Try(endpoint, f"?{name}[$gt]", f"{path}?{name}%5B$gt%5D={quote(str(bad))}", body)
        for name in PATH_NAMES:
            if f"{{{name}}}" in endpoint.path:
                filled = endpoint.path.replace(f"{{{name}}}", str(bad).replace("?", ""))
                yield Try(endpoint, f"/{name}", f"/payment{filled}", body)


def fields_of(endpoint: Endpoint) -> tuple[str, ...]:
    """Return what an endpoint asks, by its names on the wire, and what it does not."""
    asked = endpoint.asks.model_fields.items() if endpoint.asks is not None else ()
    return (*(field.alias or name for name, field in asked), *UNKNOWN)
