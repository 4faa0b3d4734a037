"""Puts the API together: the door, the endpoints, the documents. `main` hands in the world."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from payment_service.api import (
    cards,
    customers,
    events,
    health,
    lookups,
    notifications,
    openapi,
    payment_moves,
    payments,
    refunds,
    setups,
    webhooks,
)
from payment_service.api.answers import respond
from payment_service.api.callers import Access, Callers
from payment_service.api.docs import Docs
from payment_service.api.door import Door, Gate
from payment_service.api.endpoint import Api, Endpoint, serve
from payment_service.api.meters import Meters
from payment_service.api.options import ApiOptions
from payment_service.api.presenting import Presenter
from payment_service.api.problems import MethodNotAllowed, UnknownPath, problem
from payment_service.api.readiness import MetricsText, Readiness
from payment_service.api.visit import visit_of
from payment_service.flows.world import World

__all__ = ["Access", "ApiOptions", "Gate", "build_app"]

# Its spans would carry raw paths, and paths may hold e-mails.
_NO_TELEMETRY: TelemetryConfig = {
    "auto_configure": False,
    "tracing": False,
    "metrics": False,
    "logs": False,
}

Respond = Callable[[Request], Awaitable[Response]]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def build_app(
    world: World,
    options: ApiOptions,
    *,
    gate: Gate | None = None,
    access: Access | None = None,
    registry: CollectorRegistry | None = None,
    lifespan: Lifespan | None = None,
    readiness: Readiness | None = None,
) -> FastAPI:
    """Return the application.

    gate: close it to stop taking requests. access: how callers show who they are; without it nobody
    has to, and anybody may do everything. registry: where the metrics go that `/metrics` shows.
    readiness: what is known of the database; without it each look asks the database itself.
    """
    gate = gate or Gate()
    registry = registry or CollectorRegistry()
    app = _LeanApp(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry=_NO_TELEMETRY,
    )
    api = Api(world, options, Presenter(options.amount_unit, now=world.clock.now))
    endpoints = all_endpoints(gate, readiness)
    for endpoint in endpoints:
        _add(app, api, endpoint)
    if options.metrics_here:
        _add_unlisted(app, registry)
    if options.docs_enabled:
        _add_docs(app, options, endpoints)
    app.add_exception_handler(HTTPException, partial(_not_served, api))
    app.add_middleware(
        Door,
        ids=world.ids,
        gate=gate,
        meters=Meters(registry),
        options=options,
        callers=Callers(world, access) if access is not None else None,
        open_paths=_open_paths(endpoints, options),
        open_below=(f"{options.prefix}/api-docs/",) if options.docs_enabled else (),
    )
    return app


def _open_paths(endpoints: tuple[Endpoint, ...], options: ApiOptions) -> frozenset[str]:
    """Return the paths where nobody has to say who they are; none of them has variables."""
    is_open = [endpoint for endpoint in endpoints if endpoint.scope is None]
    paths = {path for endpoint in is_open for path in _paths(endpoint, options)}
    if options.metrics_here:
        paths.add("/metrics")
    if options.docs_enabled:
        base = f"{options.prefix}/api-docs"
        paths |= {base, f"{base}.json"}
    return frozenset(paths)


def _paths(endpoint: Endpoint, options: ApiOptions) -> list[str]:
    prefix = "" if endpoint.at_root else options.prefix
    paths = [prefix + endpoint.path]
    if endpoint.path == "/" and prefix:
        paths += [prefix, "/"]
    return paths


def all_endpoints(gate: Gate, readiness: Readiness | None = None) -> tuple[Endpoint, ...]:
    """Return every endpoint of the document; the busiest is looked for first."""
    return (
        *payments.ENDPOINTS,
        *webhooks.endpoints(),
        *payment_moves.ENDPOINTS,
        *lookups.ENDPOINTS,
        *notifications.ENDPOINTS,
        *refunds.ENDPOINTS,
        *cards.ENDPOINTS,
        *customers.ENDPOINTS,
        *setups.ENDPOINTS,
        *events.ENDPOINTS,
        *health.endpoints(gate, readiness),
    )


class _LeanApp(FastAPI):
    """FastAPI without the layers that do nothing here: the door catches errors and limits bodies.

    They are a third of what a request costs before it reaches an endpoint.
    """

    def build_middleware_stack(self) -> ASGIApp:
        """Put the door before what turns an unknown path into an answer, and nothing else."""
        app: ASGIApp = ExceptionMiddleware(self.router, handlers=self.exception_handlers)
        for layer in reversed(self.user_middleware):
            app = layer.cls(app, *layer.args, **layer.kwargs)
        return app


class _OwnRoute(APIRoute):
    """Calls the endpoint with the request itself; what FastAPI would do in between we do faster."""

    def __init__(self, path: str, endpoint: Respond, **described: Any) -> None:
        super().__init__(path, endpoint, **described)
        self.app = _direct(endpoint)


def _direct(endpoint: Respond) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endpoint(Request(scope))
        await response(scope, receive, send)

    return app


def _add(app: FastAPI, api: Api, endpoint: Endpoint) -> None:
    paths = _paths(endpoint, api.options)
    for path in paths:
        app.router.add_api_route(
            path,
            partial(serve, api, endpoint, path.replace(":path}", "}")),
            methods=[endpoint.method],
            response_model=None,
            response_class=Response,
            route_class_override=_OwnRoute,
            include_in_schema=path == paths[0],
            name=endpoint.name,
            operation_id=endpoint.name,
            tags=[endpoint.tag],
            summary=endpoint.summary,
            description=endpoint.description,
        )


def _add_unlisted(app: FastAPI, registry: CollectorRegistry) -> None:
    app.router.add_route(
        "/metrics", partial(health.metrics, MetricsText(registry)), methods=["GET"]
    )


def _add_docs(app: FastAPI, options: ApiOptions, endpoints: tuple[Endpoint, ...]) -> None:
    docs = Docs(options.prefix, partial(openapi.document, app, options, endpoints))
    app.state.prepare_docs = docs.prepare
    base = f"{options.prefix}/api-docs"
    for path in (base, f"{base}/"):
        app.router.add_route(path, docs.page, methods=["GET"])
    app.router.add_route(f"{base}.json", docs.document, methods=["GET"])
    app.router.add_route(f"{base}/{{file}}", docs.file, methods=["GET"])


async def _not_served(api: Api, request: Request, error: HTTPException) -> Response:
    """Answer a path or method that is not there; the framework raises it."""
    visit = visit_of(request.scope)
    allowed = _allowed_methods(request) if error.status_code == 405 else ""
    refusal: UnknownPath | MethodNotAllowed
    if allowed:
        refusal = MethodNotAllowed(f"This path can be asked with {allowed} only.", allow=allowed)
    else:
        refusal = UnknownPath("There is no such path.")
    visit.code = refusal.code
    return respond(problem(refusal, visit.request_id, api.show))


def _allowed_methods(request: Request) -> str:
    """Return what can be done with the resource that the path names most closely.

    An order's id may hold slashes, so that `…/order-1/cancel` could be an order too.
    """
    matching = [
        route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE
    ]
    methods: set[str] = set()
    for route in matching:
        if route.path == matching[0].path:
            methods |= route.methods or set()
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))
