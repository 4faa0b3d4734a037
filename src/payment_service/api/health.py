"""Whether the process is up and may take traffic, and its metrics."""

from starlette.requests import Request
from starlette.responses import Response

from payment_service.api.answer_models import HealthAnswer, LiveAnswer, ReadyAnswer
from payment_service.api.answers import Answer
from payment_service.api.door import Gate
from payment_service.api.endpoint import Api, Endpoint, Handle, everybodys
from payment_service.api.incoming import Incoming
from payment_service.api.problems import ShuttingDown
from payment_service.api.readiness import MetricsText, Readiness, clock_of
from payment_service.api.visit import visit_of


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


def ready_behind(gate: Gate, readiness: Readiness | None) -> Handle:
    """Return the endpoint that says whether this process may take traffic."""

    async def ready(api: Api, _call: Incoming) -> Answer:
        if not gate.is_open:
            raise ShuttingDown
        await (readiness or Readiness(api.world.store)).check()
        return Answer(200, {"status": "ok", "clock": clock_of(api.world.clock)})

    return ready


def endpoints(gate: Gate, readiness: Readiness | None = None) -> tuple[Endpoint, ...]:
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
            handle=ready_behind(gate, readiness),
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


async def metrics(text: MetricsText, request: Request) -> Response:
    """Return the metrics as Prometheus reads them."""
    visit_of(request.scope).route = "/metrics"
    return Response(text.now(), headers={"content-type": text.content_type})
