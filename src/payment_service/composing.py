"""The composition root: settings become adapters, and adapters become a world."""

import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version

import structlog

from payment_service.adapters.orders_http import HttpOrders
from payment_service.adapters.sqlite import open_store
from payment_service.adapters.stripe import Budget, SignedEvents, TimeLimits, open_stripe
from payment_service.adapters.system import RandomIds, SystemClock
from payment_service.api.app import ApiOptions
from payment_service.domain.moment import Policy
from payment_service.domain.money import AmountUnit
from payment_service.flows.recover import take_over
from payment_service.flows.world import Background, World
from payment_service.ports import COLLECTIONS, Store
from payment_service.settings import Settings
from payment_service.witness import LogWitness

# A claim outlives the slowest try by this, so that nobody takes a living owner for dead.
LEASE_MARGIN_S = 5.0
_log = structlog.get_logger("main")


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
        card_refusals_max=settings.card_refusals_max,
        card_refusals_window_s=settings.card_refusals_window_s,
        card_refusals_pause_s=settings.card_refusals_pause_s,
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
        rate_limit_per_caller=settings.rate_limit_per_caller,
        rate_limit_per_address=settings.rate_limit_per_address,
        trusted_proxies=settings.trusted_proxies,
    )


def open_database(settings: Settings) -> Store:
    """Return the store that the settings choose, opened."""
    return open_store(settings.sqlite_path, COLLECTIONS)


@contextlib.asynccontextmanager
async def open_world(settings: Settings) -> AsyncIterator[World]:
    """Open everything outside; on leaving, drain what is under way and let go."""
    store = open_database(settings)
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
        budget=Budget(
            per_s=settings.stripe_requests_per_s,
            per_endpoint_s=settings.stripe_requests_per_endpoint_s,
        ),
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
        payers_outside=lambda: gateway.payers_waiting,
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
