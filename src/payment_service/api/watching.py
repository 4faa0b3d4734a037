"""What is told, on a port of its own, to those who watch over the process: probes and metrics."""

import asyncio
from collections.abc import Callable

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from payment_service.api.health import PING_S, clock_of
from payment_service.ports import Clock, Store, StoreUnavailable


def watching_app(
    store: Store, clock: Clock, registry: CollectorRegistry, is_ready: Callable[[], bool]
) -> Starlette:
    """Return an application of `/metrics`, `/livez` and `/readyz`.

    is_ready: whether the process does its work; the database is asked for here.
    """

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_request: Request) -> Response:
        if not is_ready():
            return JSONResponse({"status": "not working"}, 503)
        try:
            async with asyncio.timeout(PING_S):
                await store.ping()
        except (TimeoutError, StoreUnavailable):
            return JSONResponse({"status": "the database does not answer"}, 503)
        return JSONResponse({"status": "ok", "clock": clock_of(clock)})

    return Starlette(
        routes=[Route("/metrics", metrics), Route("/livez", live), Route("/readyz", ready)]
    )
