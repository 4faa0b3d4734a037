"""Whether the process is up and may take traffic, and its metrics."""

import asyncio
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from payment_service.api.answer_models import HealthAnswer, LiveAnswer, ReadyAnswer
from payment_service.api.answers import Answer
from payment_service.api.door import Gate
from payment_service.api.endpoint import Api, Endpoint, Handle, everybodys
from payment_service.api.incoming import Incoming
from payment_service.api.problems import ShuttingDown
from payment_service.api.visit import visit_of
from payment_service.domain.moment import CLOCK_WRONG_BEYOND_S
from payment_service.ports import Clock, StoreUnavailable

# Kubernetes gives a probe one second by default; a database that is slower than that is not ready.
PING_S = 0.9


async def health(api: Api, _call: Incoming) -> Answer:
    options = api.options
    body = {
        "message": "I am healthy!",
        "status": "ok",
        "version": options.version,
        "mode": options.mode,
    }
    return Answer(200, body)


async def live(_api: Api, _call: Incoming) -> Answer:
    return Answer(200, {"status": "ok"})


def ready_behind(gate: Gate) -> Handle:
    """Return the endpoint that says whether this process may take traffic."""

    async def ready(api: Api, _call: Incoming) -> Answer:
        if not gate.is_open:
            raise ShuttingDown
        try:
            async with asyncio.timeout(PING_S):
                await api.world.store.ping()
        except TimeoutError:
            raise StoreUnavailable("the database does not answer in time") from None
        return Answer(200, {"status": "ok", "clock": clock_of(api.world.clock)})

    return ready


def clock_of(clock: Clock) -> dict[str, Any]:
    """Return how the machine's clock is. A wrong one is no reason to take no traffic."""
    ahead_s = clock.ahead_s()
    status = "wrong" if abs(ahead_s) > CLOCK_WRONG_BEYOND_S else "ok"
    return {
        "status": status if clock.is_known() else "unknown",
        "ahead_s": round(ahead_s),
    }


def endpoints(gate: Gate) -> tuple[Endpoint, ...]:
    """Return the endpoints about the process itself."""
    return (
        Endpoint(
            method="GET",
            path="/",
            handle=health,
            scope=None,
            guard=everybodys,
            name="health",
            tag="health",
            summary="Say hello",
            answers={200: HealthAnswer},
        ),
        Endpoint(
            method="GET",
            path="/livez",
            handle=live,
            scope=None,
            guard=everybodys,
            name="livez",
            tag="health",
            summary="Whether the process is up",
            answers={200: LiveAnswer},
            at_root=True,
        ),
        Endpoint(
            method="GET",
            path="/readyz",
            handle=ready_behind(gate),
            scope=None,
            guard=everybodys,
            name="readyz",
            tag="health",
            summary="Whether the process may take traffic",
            description=(
                "It may while the database answers and it is not being stopped. A wrong clock is "
                "no reason against it: all times are Stripe's. `clock` says how wrong it is."
            ),
            answers={200: ReadyAnswer},
            refusals={503: ("database_unavailable", "shutting_down")},
            at_root=True,
        ),
    )


async def metrics(registry: CollectorRegistry, request: Request) -> Response:
    """Return the metrics as Prometheus reads them."""
    visit_of(request.scope).route = "/metrics"
    return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})
