"""The OpenAPI document: what the endpoints say of themselves, and what holds for all of them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from payment_service.api.answer_models import ProblemAnswer
from payment_service.api.endpoint import Endpoint, services_only
from payment_service.api.examples import answer_examples, problem_examples, request_example
from payment_service.api.options import ApiOptions
from payment_service.domain.money import AmountUnit

_REF: Final = "#/components/schemas/{model}"

_ABOUT: Final = """Takes payments for orders over Stripe: an order is paid once, whatever fails.

* A success is `{"success": true, "data": ...}`; a failure has a `message` for people, a stable
  `code` for programs and the `requestId` to ask the operator about.
* `Idempotency-Key` is honoured on every POST, PUT and DELETE for 24 hours.
* 202 means that the outcome is not known yet. It is never reported as a failure; it becomes known
  by itself.
* Callers show a bearer token of the operator's identity provider, or an API key that the operator
  made; each operation names the scope it needs, and each scope includes those before it:
  `payment.read`, `payment.write`, `payment.admin`. A token with an e-mail is an end user's, for
  whom nothing is there but what belongs to the customer of that e-mail.
"""

_TAGS: Final = (
    {"name": "payments", "description": "Pay orders and look at payments."},
    {"name": "refunds", "description": "Give money back."},
    {"name": "customers", "description": "One customer for each e-mail."},
    {"name": "cards", "description": "Saved cards of a customer."},
    {"name": "events", "description": "What Stripe tells us, and what became of it."},
    {"name": "health", "description": "The process itself."},
)

_WRITE_CODES: Final[Mapping[int, tuple[str, ...]]] = {
    400: ("invalid_request", "invalid_json", "raw_card_data_refused", "invalid_idempotency_key"),
    408: ("body_too_slow",),
    409: ("idempotency_key_in_use",),
    413: ("body_too_large",),
    415: ("unsupported_media_type",),
    422: ("idempotency_key_reused",),
    502: ("stripe_refused",),
}
_READ_CODES: Final[Mapping[int, tuple[str, ...]]] = {400: ("invalid_request",)}
# What may happen to any request before it is one.
_CONNECTION_CODES: Final[Mapping[int, tuple[str, ...]]] = {
    400: ("malformed_request",),
    408: ("headers_too_slow",),
    414: ("url_too_long",),
    431: ("headers_too_large",),
    500: ("internal_error",),
}
_ANY_CODES: Final[Mapping[int, tuple[str, ...]]] = {
    **_CONNECTION_CODES,
    429: ("too_many_requests",),
    503: ("stripe_unavailable", "database_unavailable", "shutting_down", "overloaded"),
}

# What may be said of whoever calls, before anything else.
_CALLER_CODES: Final[Mapping[int, tuple[str, ...]]] = {
    400: ("ambiguous_credentials",),
    401: ("credentials_missing", "credentials_invalid", "credentials_expired"),
    403: ("insufficient_scope", "email_not_verified", "neither_user_nor_service"),
    503: ("identity_provider_unavailable",),
}
_SECURITY_SCHEMES: Final[dict[str, Any]] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of the identity provider, or an API key (`psk_...`).",
    },
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "An API key (`psk_...`) of the operator's.",
    },
}

# What stands in the endpoints for minor units is something else in major ones.
_MAJOR_CODES: Final = {"amount_not_integer": "amount_not_decimal"}

_PATH_PARAMETERS: Final[Mapping[str, dict[str, Any]]] = {
    "customer": {
        "description": "The customer's e-mail.",
        "schema": {"type": "string", "format": "email"},
        "example": "jane@example.com",
    },
    "customerId": {
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,255}$"},
        "example": "cus_Example",
    },
    "refundId": {
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,255}$"},
        "example": "re_3Example",
    },
    "eventId": {
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,255}$"},
        "example": "evt_3Example",
    },
    "id": {"schema": {"type": "string", "minLength": 1}, "example": "order-1001"},
    "key": {"schema": {"type": "string", "minLength": 1}, "example": "pay_0example-notice-1"},
}

_BY_ID: Final = {**_PATH_PARAMETERS["customerId"], "description": "Stripe's id of the customer."}

_SIGNATURE: Final[dict[str, Any]] = {
    "name": "Stripe-Signature",
    "in": "header",
    "required": True,
    "description": "Made by Stripe over the time and the body with our endpoint's secret.",
    "schema": {"type": "string"},
    "example": "t=1769860800,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd",
}
_EVENT: Final[dict[str, Any]] = {
    "id": "evt_3Example",
    "object": "event",
    "type": "payment_intent.succeeded",
    "created": 1769860800,
    "livemode": False,
    "data": {"object": {"id": "pi_3Example", "object": "payment_intent", "status": "succeeded"}},
}

_REQUEST_ID_HEADER: Final = {
    "X-Request-Id": {
        "description": "The one that was sent, if it was sane, else one made for this request.",
        "schema": {"type": "string"},
    }
}
_PARTS: Final = {
    "AskedRefund": " Left out: all that is left.",
    "AskedCapture": " Left out: all that is held.",
}
_AMOUNTS: Final = frozenset(
    {
        "amount",
        "expectedRefundable",
        "amount_received",
        "amount_refunded",
        "amount_refundable",
        "amount_capturable",
        "amount_disputed",
    }
)


def document(app: FastAPI, options: ApiOptions, endpoints: tuple[Endpoint, ...]) -> dict[str, Any]:
    """Return the document of all that the application serves."""
    made = get_openapi(
        title="Payment Service",
        version=options.version,
        openapi_version="3.1.0",
        description=_ABOUT,
        routes=app.routes,
        tags=list(_TAGS),
        servers=[{"url": "/"}],
    )
    made["components"] = {
        "schemas": _schemas(endpoints, options),
        "securitySchemes": _SECURITY_SCHEMES,
    }
    named = {endpoint.name: endpoint for endpoint in endpoints}
    for operation in (one for methods in made["paths"].values() for one in methods.values()):
        _describe(operation, named[operation["operationId"]], options)
    return made


def _schemas(endpoints: tuple[Endpoint, ...], options: ApiOptions) -> dict[str, Any]:
    kinds: set[type[BaseModel]] = {ProblemAnswer}
    for endpoint in endpoints:
        kinds.update(endpoint.answers.values())
        if endpoint.asks is not None and endpoint.reads_body:
            kinds.add(endpoint.asks)
    ordered = sorted(kinds, key=lambda kind: kind.__name__)
    _, definitions = models_json_schema(
        [(kind, "validation") for kind in ordered], ref_template=_REF
    )
    schemas: dict[str, Any] = dict(sorted(definitions["$defs"].items()))
    for name, schema in schemas.items():
        _set_amounts(name, schema, options)
        _drop_titles(schema)
    return schemas


def _describe(operation: dict[str, Any], endpoint: Endpoint, options: ApiOptions) -> None:
    """Say of one operation what is sent and what comes back, with an example of each."""
    operation["parameters"] = [
        *_path_parameters(endpoint),
        *_query_parameters(endpoint),
        *_headers(endpoint),
    ]
    operation["security"] = _security(endpoint)
    operation["description"] = _description(endpoint)
    problems = problem_examples(options)
    responses = {
        status: _response(status, ProblemAnswer, {name: problems[name] for name in names})
        for status, names in _codes(endpoint, options).items()
    }
    for status, kind in endpoint.answers.items():
        responses[status] = _response(status, kind, answer_examples(kind, options))
    if endpoint.signed:
        operation["parameters"].append(_SIGNATURE)
        content = {
            "application/json": {
                "schema": {"type": "object"},
                "examples": {"example": {"value": _EVENT}},
            }
        }
        operation["requestBody"] = {"required": True, "content": content}
    operation["responses"] = {str(status): responses[status] for status in sorted(responses)}
    if endpoint.reads_body and endpoint.asks is not None:
        sample = request_example(endpoint.asks, options)
        content = _content(endpoint.asks, {"example": sample})
        is_required = endpoint.method != "DELETE" and not endpoint.body_optional
        operation["requestBody"] = {"required": is_required, "content": content}


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    """Return the ways to show who calls, of which one is enough; none where anybody may."""
    if endpoint.scope is None:
        return []
    return [{name: [str(endpoint.scope)]} for name in _SECURITY_SCHEMES]


def _description(endpoint: Endpoint) -> str:
    said = [endpoint.description]
    if endpoint.scope is not None:
        said.append(f"Needs the scope `{endpoint.scope}`.")
    if endpoint.guard is services_only:
        said.append("For services: to end users it is not there.")
    return " ".join(filter(None, said))


def _response(
    status: int, kind: type[BaseModel], examples: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    headers: dict[str, Any] = dict(_REQUEST_ID_HEADER)
    if status in {401, 403}:
        words = "How to show who calls, and what was wrong with it (RFC 6750)."
        headers["WWW-Authenticate"] = {"description": words, "schema": {"type": "string"}}
    if status in {409, 429, 503}:
        words = "Seconds to wait before asking again, if waiting helps."
        headers["Retry-After"] = {"description": words, "schema": {"type": "integer"}}
    phrase = HTTPStatus(status).phrase
    return {"description": phrase, "headers": headers, "content": _content(kind, examples)}


def _content(kind: type[BaseModel], examples: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model=kind.__name__)}
    shown = {name: {"value": dict(body)} for name, body in examples.items()}
    return {"application/json": {"schema": schema, "examples": shown}}


def _codes(endpoint: Endpoint, options: ApiOptions) -> dict[int, tuple[str, ...]]:
    """Return the codes of all refusals by status."""
    found = dict(_CONNECTION_CODES if endpoint.at_root else _ANY_CODES)
    more = _WRITE_CODES if endpoint.reads_body else _READ_CODES if _has_parameters(endpoint) else {}
    caller = _CALLER_CODES if endpoint.scope is not None else {}
    hidden = {404: ("unknown_path",)} if endpoint.guard is services_only else {}
    for group in (caller, more, endpoint.refusals, hidden):
        for status, names in group.items():
            found[status] = tuple(dict.fromkeys((*found.get(status, ()), *names)))
    if options.amount_unit is AmountUnit.MAJOR:
        found = {
            status: tuple(_MAJOR_CODES.get(name, name) for name in names)
            for status, names in found.items()
        }
    return found


def _has_parameters(endpoint: Endpoint) -> bool:
    return "{" in endpoint.path or endpoint.asks is not None


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    # A customer is looked up by e-mail, and changed by Stripe's id.
    is_by_id = "{customer:path}" in endpoint.path and endpoint.method == "PUT"
    return [
        {"name": name, "in": "path", "required": True, **(_BY_ID if is_by_id else described)}
        for name, described in _PATH_PARAMETERS.items()
        if f"{{{name}}}" in endpoint.path or f"{{{name}:path}}" in endpoint.path
    ]


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.asks is None or endpoint.method not in {"GET", "DELETE"}:
        return []
    schema = endpoint.asks.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": field.get("description", ""),
            "schema": _without_null(field),
        }
        for name, field in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query has text or nothing."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    plain = kinds[0] if kinds else schema
    return {key: plain[key] for key in plain if key not in {"title", "description"}}


def _headers(endpoint: Endpoint) -> list[dict[str, Any]]:
    request_id = {
        "name": "X-Request-Id",
        "in": "header",
        "required": False,
        "description": (
            "Returned on the answer and written into every log line; replaced by one of ours "
            "unless it is 1 to 128 letters, digits and . _ : -"
        ),
        "schema": {"type": "string"},
        "example": "checkout-7f3a",
    }
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "The same key and request gives the first answer again, for 24 hours.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "example": f"{endpoint.name}-order-1001",
    }
    return [request_id, key] if endpoint.reads_body else [request_id]


def _drop_titles(schema: dict[str, Any]) -> None:
    """Take out the titles that pydantic makes of names: "Orderid" helps nobody."""
    for described in schema.get("properties", {}).values():
        described.pop("title", None)


def _set_amounts(name: str, schema: dict[str, Any], options: ApiOptions) -> None:
    """Say of every amount what it counts; the models leave it open."""
    minor = options.amount_unit is AmountUnit.MINOR
    for field, described in schema.get("properties", {}).items():
        if field in _AMOUNTS:
            described["type"] = "integer" if minor else "number"
            if name.startswith("Asked"):
                described["exclusiveMinimum"] = 0
            unit = "minor unit (cents for usd)" if minor else "major unit (65.22 is 65.22 dollars)"
            means = described.get("description", "")
            described["description"] = f"{means} In the currency's {unit}.".strip()
            described.pop("default", None)
        elif field == "currency" and name.startswith("Asked"):
            described["type"] = ["string", "null"]
            described["pattern"] = "^[A-Za-z]{3}$"
            if name not in _PARTS:  # of a payment that is there it has one already
                described["default"] = options.default_currency
    if name in _PARTS:
        schema["properties"]["amount"]["description"] += _PARTS[name]
