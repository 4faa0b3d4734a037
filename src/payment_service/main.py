"""The processes: a composed world is given its doors and run until it is told to stop."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import structlog
from prometheus_client import REGISTRY

from payment_service.api.app import Gate, build_app
from payment_service.api.watching import watching_app
from payment_service.composing import api_options_of, migrated_database, open_access, open_world
from payment_service.flows.world import World
from payment_service.listening import PlainServer, listen, plain_config
from payment_service.settings import Settings
from payment_service.stopping import Stop
from payment_service.worker import Worker

_log = structlog.get_logger("main")


async def serve(settings: Settings) -> None:
    """Serve HTTP, with the worker beside it when the settings say so, until told to stop.

    Raises StartError: a port is taken.
    """
    listener = listen(settings.host, settings.port, setting="PORT")
    for_watchers = _listen_for_watchers(settings)
    stop = _stop_of(settings)
    async with open_world(settings, stop) as world, open_access(settings) as access:
        gate = Gate()
        options = api_options_of(settings)
        app = build_app(world, options, gate=gate, access=access, registry=REGISTRY)
        server = PlainServer(plain_config(app, grace_s=settings.shutdown_grace_s))
        gc.collect()
        gc.freeze()  # what is made by now lives on: the collector need not walk it every time
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        serving.add_done_callback(lambda _: stop.tell())  # if it ends by itself, so do we
        async with _watching(world, for_watchers, ready=lambda: gate.is_open):
            with _working(world, settings, enabled=settings.worker_enabled):
                _log.info("service.started", host=settings.host, port=settings.port)
                await stop.wait()
                _log.info("service.stopping")
            gate.close()
            server.should_exit = True
            await serving


async def work(settings: Settings) -> None:
    """Run the worker alone until told to stop. Raises StartError: the port is taken."""
    for_watchers = _listen_for_watchers(settings)
    if for_watchers is None:
        what = "METRICS_PORT is 0: nobody can ask this worker how it is, nor for its metrics"
        _log.warning("settings.doubtful", what=what)
    stop = _stop_of(settings)
    async with open_world(settings, stop) as world:
        with _working(world, settings, enabled=True) as worker:
            async with _watching(world, for_watchers, ready=worker.is_recent):
                _log.info("worker.started")
                await stop.wait()
                _log.info("worker.stopping")


async def migrate(settings: Settings) -> None:
    """Make the tables and indexes, and nothing else."""
    async with migrated_database(settings):
        pass


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
    world: World, listener: socket.socket | None, *, ready: Callable[[], bool]
) -> AsyncIterator[None]:
    """Tell those who ask on the port of its own how the process is."""
    if listener is None:
        yield
        return
    app = watching_app(world.store, REGISTRY, ready)
    server = PlainServer(plain_config(app, grace_s=0))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def _stop_of(settings: Settings) -> Stop:
    stop = Stop(settings.shutdown_grace_s)
    stop.heed_signals()
    return stop
