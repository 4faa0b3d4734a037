"""What is told, on a port of its own, to those who watch over the process: probes and metrics."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from payment_service.api.gatehouse import Gatehouse
from payment_service.api.overload import Admission
from payment_service.api.problems import Overloaded
from payment_service.api.readiness import MetricsText, Readiness, ReadyAnswers, clock_of
from payment_service.ports import Clock, Store, StoreUnavailable

# A kubelet and two Prometheus servers need a handful; the others make room for each other.
CONNECTIONS_MAX = 64


def watching_app(
    store: Store,
    clock: Clock,
    registry: CollectorRegistry,
    is_ready: Callable[[], bool],
    readiness: Readiness | None = None,
) -> Starlette:
    """Return an application of `/metrics`, `/livez` and `/readyz`.

    is_ready: whether the process does its work; readiness says it of the database, which is asked
    at each look without it.
    """
    text = MetricsText(registry)
    known = readiness or Readiness(store)

    async def metrics(_request: Request) -> Response:
        try:
            return Response(text.now(), headers={"content-type": text.content_type})
        except Overloaded:
            return Response(status_code=503, headers={"retry-after": "1"})

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_request: Request) -> Response:
        if not is_ready():
            return JSONResponse({"status": "not working"}, 503)
        try:
            await known.check()
        except StoreUnavailable:
            return JSONResponse({"status": "the database does not answer"}, 503)
        return JSONResponse({"status": "ok", "clock": clock_of(clock)})

    return Starlette(
        routes=[Route("/metrics", metrics), Route("/livez", live), Route("/readyz", ready)]
    )


def watching_gatehouse(answers: ReadyAnswers, new_id: Callable[[], str]) -> Gatehouse:
    """Return what bounds the connections of that port."""
    return Gatehouse(
        Admission(CONNECTIONS_MAX, 0),
        connections_max=CONNECTIONS_MAX,
        webhook_path="",
        new_id=new_id,
        inside=lambda: 0,
        ready=answers.of,
    )
