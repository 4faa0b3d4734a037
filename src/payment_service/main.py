"""The composition root: settings become adapters, adapters become a world, the world gets doors."""

import asyncio
import contextlib
import errno
import gc
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import version

import structlog
import uvicorn
from prometheus_client import REGISTRY

from payment_service.adapters.orders_http import HttpOrders
from payment_service.adapters.sqlite import open_store
from payment_service.adapters.stripe import SignedEvents, TimeLimits, open_stripe
from payment_service.adapters.system import RandomIds, SystemClock
from payment_service.api.app import ApiOptions, Gate, build_app
from payment_service.domain.moment import Policy
from payment_service.domain.money import AmountUnit
from payment_service.flows.recover import take_over
from payment_service.flows.world import Background, World
from payment_service.ports import COLLECTIONS
from payment_service.settings import Settings
from payment_service.witness import LogWitness
from payment_service.worker import Worker

# A claim outlives the slowest try by this, so that nobody takes a living owner for dead.
LEASE_MARGIN_S = 5.0
# As many connections as the kernel may hold while one event loop turn accepts.
BACKLOG = 2048
_log = structlog.get_logger("main")


class StartError(Exception):
    """The process cannot start, for a reason that the operator can mend."""


def policy_of(settings: Settings) -> Policy:
    """Return how long things may take."""
    slowest_s = max(
        settings.stripe_timeout_charge_s,
        settings.stripe_timeout_refund_s,
        settings.stripe_timeout_write_s,
        settings.stripe_timeout_read_s,
        settings.order_service_timeout_s,
    )
    return Policy(
        payer_expects_charge_s=settings.payer_expects_charge_s,
        action_expires_s=settings.action_expires_s,
        payment_expires_s=settings.payment_expires_s,
        lease_s=slowest_s + LEASE_MARGIN_S,
        tell_orders=bool(settings.order_service_url),
        hold_warning_s=settings.hold_warning_s,
        hold_auto_capture_s=settings.hold_auto_capture_s,
        back_fill_every_s=settings.back_fill_every_s,
        sweep_every_s=settings.sweep_every_s,
        order_status_canceled=settings.order_status_canceled,
        order_status_refunded=settings.order_status_refunded,
        order_status_refund_failed=settings.order_status_refund_failed,
    )


def event_reader_of(settings: Settings) -> SignedEvents | None:
    """Return who reads webhooks, None when there is no secret to check them with."""
    if settings.stripe_webhook_secret is None:
        return None
    secrets = settings.stripe_webhook_secret.get_secret_value().split(",")
    return SignedEvents([secret.strip() for secret in secrets], settings.stripe_webhook_tolerance_s)


def api_options_of(settings: Settings) -> ApiOptions:
    """Return what the HTTP door must know."""
    return ApiOptions(
        prefix=settings.api_prefix,
        amount_unit=AmountUnit(settings.amount_unit),
        default_currency=settings.default_currency,
        response_deadline_s=settings.payment_response_deadline_s,
        version=version("payment-service"),
        mode=settings.environment,
    )


@contextlib.asynccontextmanager
async def open_world(settings: Settings) -> AsyncIterator[World]:
    """Open everything outside; on leaving, drain what is under way and let go."""
    store = open_store(settings.sqlite_path, COLLECTIONS)
    token = settings.order_service_token
    orders = HttpOrders(
        settings.order_service_url,
        token=token.get_secret_value() if token else None,
        timeout_s=settings.order_service_timeout_s,
    )
    gateway = open_stripe(
        api_key=settings.stripe_secret_key.get_secret_value(),
        api_base=settings.stripe_api_base,
        service=settings.service_name,
        limits=TimeLimits(
            charge_s=settings.stripe_timeout_charge_s,
            refund_s=settings.stripe_timeout_refund_s,
            write_s=settings.stripe_timeout_write_s,
            read_s=settings.stripe_timeout_read_s,
        ),
        connections_max=settings.stripe_connections_max,
    )
    witness = LogWitness()
    world = World(
        store=store,
        gateway=gateway,
        orders=orders,
        clock=SystemClock(),
        ids=RandomIds(),
        witness=witness,
        policy=policy_of(settings),
        background=Background(on_error=lambda error: witness.stumbled("background", error)),
        service=settings.service_name,
        livemode="_live_" in settings.stripe_secret_key.get_secret_value()[:8],
        event_reader=event_reader_of(settings),
    )
    try:
        await store.ensure_schema()
        await take_over(world)
        yield world
    finally:
        left = await world.background.drain(settings.shutdown_grace_s)
        _log.info("process.drained", cancelled=left)
        await gateway.close()
        await orders.close()
        await store.close()


async def serve(settings: Settings) -> None:
    """Serve HTTP, with the worker beside it when the settings say so, until told to stop.

    Raises StartError: the port is taken.
    """
    listener = _listen(settings.host, settings.port)
    stop = _stop_signal()
    async with open_world(settings) as world:
        gate = Gate()
        app = build_app(world, api_options_of(settings), gate=gate, registry=REGISTRY)
        server = _Server(
            uvicorn.Config(
                app,
                http="httptools",
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
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        stopping = asyncio.create_task(stop.wait())
        async with _working(world, settings, enabled=settings.worker_enabled):
            _log.info("service.started", host=settings.host, port=settings.port)
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            _log.info("service.stopping")
            gate.close()
            server.should_exit = True
            stopping.cancel()
            await serving


async def work(settings: Settings) -> None:
    """Run the worker alone until told to stop."""
    stop = _stop_signal()
    async with open_world(settings) as world, _working(world, settings, enabled=True):
        _log.info("worker.started")
        await stop.wait()
        _log.info("worker.stopping")


async def migrate(settings: Settings) -> None:
    """Make the tables and indexes, and nothing else."""
    store = open_store(settings.sqlite_path, COLLECTIONS)
    await store.ensure_schema()
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
