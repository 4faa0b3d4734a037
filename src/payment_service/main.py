"""The processes: a composed world is given its doors and run until it is told to stop."""

import asyncio
import contextlib
import errno
import gc
import signal
import socket
from collections.abc import AsyncIterator, Iterator

import structlog
import uvicorn
from prometheus_client import REGISTRY

from payment_service.api.app import Gate, build_app
from payment_service.api.connections import KEEP_ALIVE_S, Gatehouse, connections_of
from payment_service.api.overload import Admission
from payment_service.api.rate_limits import client_of
from payment_service.composing import api_options_of, open_database, open_world
from payment_service.domain.card_refusals import Kind, Suspect
from payment_service.flows.guard_cards import lift_pause
from payment_service.flows.world import World
from payment_service.settings import Settings
from payment_service.worker import Worker

# As many connections as the kernel may hold while one event loop turn accepts.
BACKLOG = 2048
# New clients that one turn takes. Under overload a turn takes 30 ms: that is a thousand a second.
ACCEPTS_A_TURN = 32
_log = structlog.get_logger("main")


class StartError(Exception):
    """The process cannot start, for a reason that the operator can mend."""


async def serve(settings: Settings) -> None:
    """Serve HTTP, with the worker beside it when the settings say so, until told to stop.

    Raises StartError: the port is taken.
    """
    listener = _listen(settings.host, settings.port)
    stop = _stop_signal()
    async with open_world(settings) as world:
        gate = Gate()
        app = build_app(world, api_options_of(settings), gate=gate, registry=REGISTRY)
        gatehouse = Gatehouse(
            Admission(settings.requests_in_flight_max, settings.shed_delay_s),
            connections_max=settings.connections_max,
            webhook_path=api_options_of(settings).webhook_path,
            new_id=lambda: world.ids.new("req"),
            inside=lambda: gate.inside - world.payers_outside(),
        )
        server = _Server(
            uvicorn.Config(
                app,
                http=connections_of(gatehouse),
                ws="none",
                timeout_keep_alive=KEEP_ALIVE_S,
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                backlog=BACKLOG,
                timeout_graceful_shutdown=int(settings.shutdown_grace_s) or 1,
            )
        )
        gc.collect()
        gc.freeze()  # what is made by now lives on: the collector need not walk it every time
        gatehouse.feel()
        serving = asyncio.create_task(server.serve(sockets=_shared(listener)))
        stopping = asyncio.create_task(stop.wait())
        async with _working(world, settings, enabled=settings.worker_enabled):
            _log.info("service.started", host=settings.host, port=settings.port)
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            _log.info("service.stopping")
            gate.close()
            server.should_exit = True
            stopping.cancel()
            await serving
            gatehouse.stop()


async def work(settings: Settings) -> None:
    """Run the worker alone until told to stop."""
    stop = _stop_signal()
    async with open_world(settings) as world, _working(world, settings, enabled=True):
        _log.info("worker.started")
        await stop.wait()
        _log.info("worker.stopping")


async def migrate(settings: Settings) -> None:
    """Make the tables and indexes, and nothing else."""
    store = open_database(settings)
    await store.ensure_schema()
    await store.close()


async def lift_refusals(settings: Settings, suspect: Suspect) -> None:
    """Forget the refused cards of somebody, who may then try again. Does nothing without any."""
    store = open_database(settings)
    await store.ensure_schema()
    name = client_of(suspect.name) if suspect.kind is Kind.ADDRESS else suspect.name
    await lift_pause(store, Suspect(suspect.kind, name))
    await store.close()


@contextlib.asynccontextmanager
async def _working(world: World, settings: Settings, *, enabled: bool) -> AsyncIterator[None]:
    worker = Worker(world, concurrency=settings.worker_concurrency)
    running = asyncio.create_task(worker.run()) if enabled else None
    try:
        yield
    finally:
        worker.stop()
        if running is not None:
            await running


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: stopping is ours to order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    return stop


def _shared(listener: socket.socket) -> list[socket.socket]:
    """Return the socket so often that one turn of the loop accepts as many connections.

    The loop accepts one of each socket in a turn. When turns are long new clients would wait for
    seconds, and those that are to be refused as well.
    """
    return [listener, *(listener.dup() for _ in range(ACCEPTS_A_TURN - 1))]


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        why = "is in use" if taken else f"cannot be used: {error.strerror}"
        raise StartError(f"port {port} on {host} {why}; set PORT to another one") from error
    return listener
