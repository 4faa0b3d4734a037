"""The processes: a composed world is given its doors and run until it is told to stop."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import structlog
from prometheus_client import REGISTRY

from payment_service.api.app import Gate, build_app
from payment_service.api.connections import connections_of
from payment_service.api.gatehouse import Gatehouse
from payment_service.api.overload import Admission
from payment_service.api.rate_limits import client_of
from payment_service.api.readiness import MetricsText, Readiness, ReadyAnswers
from payment_service.api.watching import watching_app, watching_gatehouse
from payment_service.composing import (
    api_options_of,
    open_access,
    open_world,
)
from payment_service.databases import beside_operators, open_database, ready_database
from payment_service.domain.card_refusals import Kind, Suspect
from payment_service.flows.guard_cards import lift_pause
from payment_service.flows.world import World
from payment_service.listening import (
    OTHER_FILES,
    PlainServer,
    allow_files,
    listen,
    plain_config,
    shared,
)
from payment_service.operations import operations_of
from payment_service.settings import Settings
from payment_service.stopping import Stop
from payment_service.worker import Worker

_log = structlog.get_logger("main")


async def serve(settings: Settings) -> None:
    """Serve HTTP, with the worker beside it when the settings say so, until told to stop.

    Raises StartError: a port is taken.
    """
    _allow_files(settings.connections_max)
    listener = listen(settings.host, settings.port, setting="PORT")
    for_watchers = _listen_for_watchers(settings)
    stop = _stop_of(settings)
    async with open_world(settings, stop) as world, open_access(settings) as access:
        gate = Gate()
        options = api_options_of(settings)
        readiness = Readiness(world.store)
        app = build_app(
            world, options, gate=gate, access=access, registry=REGISTRY, readiness=readiness
        )
        if options.docs_enabled:  # in a thread, since nobody's request shall wait for it
            world.background.spawn(asyncio.to_thread(app.state.prepare_docs))
        gatehouse = _gatehouse(settings, world, gate, options.webhook_path)
        gatehouse.ready = ReadyAnswers(readiness, world.clock, lambda: gate.is_open).of
        config = plain_config(
            app,
            grace_s=settings.shutdown_grace_s,
            connections=connections_of(gatehouse),
        )
        server = PlainServer(config, "api")
        gc.collect()
        gc.freeze()  # what is made by now lives on: the collector need not walk it every time
        gatehouse.feel()
        serving = asyncio.create_task(server.serve(sockets=shared(listener)))
        serving.add_done_callback(lambda _: stop.tell())  # if it ends by itself, so do we
        async with (
            beside_operators(settings, world.store, operations_of(world)),
            _watching(world, for_watchers, readiness, lambda: gate.is_open),
        ):
            with _working(world, settings, enabled=settings.worker_enabled):
                _log.info("service.started", host=settings.host, port=settings.port)
                await stop.wait()
                _log.info("service.stopping")
            gate.close()
            server.should_exit = True
            await serving
            gatehouse.stop()


def _allow_files(connections: int) -> None:
    """Let the process have an open file for each connection, or say that it cannot."""
    allowed = allow_files(connections + OTHER_FILES)
    if allowed < connections + OTHER_FILES:
        what = f"only {allowed} files may be open: CONNECTIONS_MAX must be some hundreds below that"
        _log.warning("settings.doubtful", what=what)


def _gatehouse(settings: Settings, world: World, gate: Gate, webhook_path: str) -> Gatehouse:
    """Return who lets connections in, and refuses early what is too much."""
    return Gatehouse(
        Admission(settings.requests_in_flight_max, settings.shed_delay_s),
        connections_max=settings.connections_max,
        webhook_path=webhook_path,
        new_id=lambda: world.ids.new("req"),
        inside=lambda: gate.inside - gate.resting(),
    )


async def work(settings: Settings) -> None:
    """Run the worker alone until told to stop. Raises StartError: the port is taken."""
    for_watchers = _listen_for_watchers(settings)
    if for_watchers is None:
        what = "METRICS_PORT is 0: nobody can ask this worker how it is, nor for its metrics"
        _log.warning("settings.doubtful", what=what)
    stop = _stop_of(settings)
    async with open_world(settings, stop) as world:
        with _working(world, settings, enabled=True) as worker:
            readiness = Readiness(world.store)
            async with (
                beside_operators(settings, world.store, operations_of(world)),
                _watching(world, for_watchers, readiness, worker.is_recent),
            ):
                _log.info("worker.started")
                await stop.wait()
                _log.info("worker.stopping")


async def migrate(settings: Settings) -> None:
    """Make the tables and indexes, and nothing else."""
    store = open_database(settings)
    try:
        await store.ensure_schema()
    finally:
        await store.close()


async def lift_refusals(settings: Settings, suspect: Suspect) -> None:
    """Forget the refused cards of somebody, who may then try again. Does nothing without any."""
    name = client_of(suspect.name) if suspect.kind is Kind.ADDRESS else suspect.name
    async with ready_database(settings) as store:
        await lift_pause(store, Suspect(suspect.kind, name))


@contextlib.contextmanager
def _working(world: World, settings: Settings, *, enabled: bool) -> Iterator[Worker]:
    """Let the worker begin what is due, and nothing more on leaving; the world waits for it."""
    worker = Worker(world, concurrency=settings.worker_concurrency)
    if enabled:
        world.background.spawn(worker.run())
    try:
        yield worker
    finally:
        worker.stop()


def _listen_for_watchers(settings: Settings) -> socket.socket | None:
    """Listen where those who watch over the process ask, if that is a port of its own."""
    if not settings.metrics_port:
        return None
    return listen(settings.host, settings.metrics_port, setting="METRICS_PORT")


@contextlib.asynccontextmanager
async def _watching(
    world: World,
    listener: socket.socket | None,
    readiness: Readiness,
    is_working: Callable[[], bool],
) -> AsyncIterator[None]:
    """Know how the process is, and tell those who ask on the port of its own if there is one."""
    knowing = asyncio.create_task(readiness.watch())
    try:
        if listener is None:
            yield
            return
        metrics = MetricsText(REGISTRY)
        answers = ReadyAnswers(readiness, world.clock, is_working, metrics)
        app = watching_app(world.store, world.clock, REGISTRY, is_working, readiness)
        gatehouse = watching_gatehouse(answers, lambda: world.ids.new("req"))
        connections = connections_of(gatehouse)
        server = PlainServer(plain_config(app, grace_s=0, connections=connections), "metrics")
        gatehouse.feel()
        serving = asyncio.create_task(server.serve(sockets=shared(listener)))
        try:
            yield
        finally:
            server.should_exit = True
            await serving
            gatehouse.stop()
    finally:
        knowing.cancel()
        await asyncio.gather(knowing, return_exceptions=True)


def _stop_of(settings: Settings) -> Stop:
    stop = Stop(settings.shutdown_grace_s)
    stop.heed_signals()
    return stop
