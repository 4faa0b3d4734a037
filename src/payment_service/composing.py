"""The composition root: settings become adapters, and adapters become a world."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version

import structlog

from payment_service.adapters.disciplined_clock import DisciplinedClock
from payment_service.adapters.order_service.client import HttpOrders, OrderFields, ReadBack
from payment_service.adapters.order_service.oauth import Client, ClientTokens
from payment_service.adapters.sqlite import SqliteStore
from payment_service.adapters.stripe import (
    Budget,
    SignedEvents,
    StripeGateway,
    TimeLimits,
    open_stripe,
)
from payment_service.adapters.system import RandomIds
from payment_service.adapters.tokens import (
    Fetching,
    FixedKey,
    JwtReader,
    Keys,
    PublishedKeys,
    TokenRules,
    TrustedIssuer,
)
from payment_service.adapters.tokens.order_proofs import SignedProofs
from payment_service.api.app import Access, ApiOptions
from payment_service.databases import open_soon
from payment_service.domain.moment import Policy
from payment_service.domain.money import AmountUnit
from payment_service.domain.notice import UNANSWERED_WAIT_S
from payment_service.flows.recover import take_over
from payment_service.flows.restore_payments import restore_payments
from payment_service.flows.stripe_time import know_time, learn_time
from payment_service.flows.world import Background, World
from payment_service.ports import GatewayUnavailable, Store
from payment_service.setting_groups import TokenSettings
from payment_service.setting_groups.issuers import issuers_of
from payment_service.setting_groups.stripe import is_live_key
from payment_service.setting_groups.tokens import items_of, jwt_algorithms, secret_text
from payment_service.settings import Settings
from payment_service.stopping import Stop
from payment_service.witness import LogWitness

# A claim outlives the slowest try by this, so that nobody takes a living owner for dead. It also
# covers by how much two replicas may differ in what they take for Stripe's time.
LEASE_MARGIN_S = 5.0
# How long a start waits for Stripe to say what time it is, to take over what the process before it
# left. Longer than a slow answer; without one it starts all the same, and those claims lapse.
FIRST_TIME_S = 5.0
# What has no turn in front of Stripe within this time is given up there, and tried again later,
# which costs: with so much of its own ahead a caller's next request rather waits at the door.
TURNS_AHEAD_S = 4.0
_log = structlog.get_logger("main")


def policy_of(settings: Settings) -> Policy:
    """Return how long things may take."""
    slowest_s = max(
        settings.stripe_timeout_charge_s,
        settings.stripe_timeout_refund_s,
        settings.stripe_timeout_write_s,
        settings.stripe_timeout_read_s,
    )
    # On MongoDB the claim itself may take as long as one call may.
    claiming_s = settings.mongodb_timeout_s if settings.mongodb_uri else 0
    notice_s = settings.order_service_timeout_s + claiming_s + LEASE_MARGIN_S
    before = (status.strip() for status in settings.order_statuses_before_payment.split(","))
    return Policy(
        payer_expects_charge_s=settings.payer_expects_charge_s,
        action_expires_s=settings.action_expires_s,
        payment_expires_s=settings.payment_expires_s,
        unproved_claim_expires_s=settings.unproved_claim_expires_s,
        lease_s=slowest_s + claiming_s + LEASE_MARGIN_S,
        notice_lease_s=max(notice_s, UNANSWERED_WAIT_S),
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
        order_statuses_before_payment=frozenset(before),
    )


def event_reader_of(settings: Settings) -> SignedEvents | None:
    """Return who reads webhooks, None when there is no secret to check them with."""
    if settings.stripe_webhook_secret is None:
        return None
    secrets = settings.stripe_webhook_secret.get_secret_value().split(",")
    return SignedEvents([secret.strip() for secret in secrets], settings.stripe_webhook_tolerance_s)


def order_proofs_of(settings: Settings) -> SignedProofs | None:
    """Return who reads proofs of orders, None when there is nothing to check them with."""
    secrets = filter(None, map(str.strip, secret_text(settings.order_proof_secret).split(",")))
    proofs = SignedProofs(secrets, settings.order_proof_public_key)
    return proofs if settings.order_proof_secret or settings.order_proof_public_key else None


def api_options_of(settings: Settings) -> ApiOptions:
    """Return what the HTTP door must know."""
    return ApiOptions(
        prefix=settings.api_prefix,
        amount_unit=AmountUnit(settings.amount_unit),
        default_currency=settings.default_currency,
        response_deadline_s=settings.payment_response_deadline_s,
        version=version("payment-service"),
        mode=settings.environment,
        docs_enabled=settings.docs_enabled,
        metrics_here=not settings.metrics_port,
        cors_origins=frozenset(filter(None, settings.cors_origins.split(","))),
        rate_limit_per_caller=settings.rate_limit_per_caller,
        rate_limit_per_address=settings.rate_limit_per_address,
        trusted_proxies=settings.trusted_proxies,
        requests_waiting_max=settings.requests_in_flight_max // 2,
        requests_under_way_max=_under_way_max(settings),
        requires_action_status=int(settings.requires_action_status),
        strict_requests=settings.strict_requests,
        order_proof=settings.order_proof,
    )


def _under_way_max(settings: Settings) -> int:
    """Return how much of one caller's may be under way: as much as has a turn at Stripe in time.

    At most half of what there is of requests and of connections to Stripe.
    """
    half = min(settings.requests_in_flight_max, settings.stripe_connections_max) // 2
    per_s = settings.stripe_requests_per_endpoint_s
    return max(min(int(per_s * TURNS_AHEAD_S) or half, half), 1)


@contextlib.asynccontextmanager
async def open_access(settings: Settings) -> AsyncIterator[Access | None]:
    """Yield how callers show who they are, None when they need not."""
    kinds = settings.auth.split(",")
    if kinds == ["none"]:
        yield None
        return
    async with contextlib.AsyncExitStack() as stack:
        tokens = _token_reader(settings, stack) if "jwt" in kinds else None
        yield Access("api-key" in kinds, tokens)


def _token_reader(settings: Settings, stack: contextlib.AsyncExitStack) -> JwtReader:
    """Return who reads the tokens of every issuer that is set, each by its own keys and rules."""
    return JwtReader(
        *(
            TrustedIssuer(_token_keys(issuer, stack), _token_rules(issuer))
            for issuer in issuers_of(settings)
        )
    )


def _token_rules(issuer: TokenSettings) -> TokenRules:
    service_claim, _, value = issuer.auth_jwt_service_claim.partition("=")
    return TokenRules(
        issuer=issuer.auth_jwt_issuer,
        audiences=frozenset(items_of(issuer.auth_jwt_audience)),
        algorithms=jwt_algorithms(issuer),
        audience_claim=issuer.auth_jwt_audience_claim,
        email_claim=issuer.auth_jwt_email_claim,
        email_verified_claim=issuer.auth_jwt_email_verified_claim,
        assume_email_verified=issuer.auth_jwt_email_verified == "assumed",
        scope_claims=items_of(issuer.auth_jwt_scope_claim),
        scope_prefix=issuer.auth_jwt_scope_prefix,
        service_scope=issuer.auth_jwt_service_scope,
        service_clients=frozenset(items_of(issuer.auth_jwt_service_clients)),
        service_claim=(service_claim, value) if service_claim else None,
        service_may_have_email=issuer.auth_jwt_service_may_have_email,
        end_user_scopes=frozenset(items_of(issuer.auth_jwt_end_user_scopes)),
        leeway_s=issuer.auth_jwt_leeway_s,
    )


def _token_keys(issuer: TokenSettings, stack: contextlib.AsyncExitStack) -> Keys:
    if not issuer.auth_jwt_jwks_url:
        secret = secret_text(issuer.auth_jwt_secret)
        return FixedKey(secret=secret, public_key=issuer.auth_jwt_public_key)
    fetching = Fetching(issuer.auth_jwt_jwks_url)
    published = PublishedKeys(fetching, issuer.auth_jwt_issuer)
    stack.push_async_callback(fetching.close)
    stack.push_async_callback(published.close)
    return published


def open_orders(settings: Settings) -> HttpOrders:
    """Return the OrderService, with our own credentials for it if there are any."""
    token, secret = settings.order_service_token, settings.order_service_client_secret
    timeout_s = settings.order_service_timeout_s
    tokens = None
    if settings.order_service_token_url and secret is not None:
        client = Client(
            token_url=settings.order_service_token_url,
            id=settings.order_service_client_id,
            secret=secret.get_secret_value(),
            scope=settings.order_service_scope,
        )
        tokens = ClientTokens(client, timeout_s=timeout_s)
    return HttpOrders(
        settings.order_service_url,
        token=token.get_secret_value() if token else None,
        timeout_s=timeout_s,
        tokens=tokens,
        read_back=_read_back_of(settings),
    )


def _read_back_of(settings: Settings) -> ReadBack | None:
    if not settings.order_service_read_path:
        return None
    fields = OrderFields(
        amount=settings.order_service_amount_field,
        currency=settings.order_service_currency_field,
        customer=settings.order_service_customer_field,
    )
    path, status_field = settings.order_service_read_path, settings.order_service_status_field
    return ReadBack(path, status_field, fields)


@contextlib.asynccontextmanager
async def open_world(settings: Settings, stop: Stop | None = None) -> AsyncIterator[World]:
    """Open everything outside; on leaving, drain what is under way and let go.

    stop: whose grace the draining shares with all that ends before it; left out: its own.
    """
    stop = stop or Stop(settings.shutdown_grace_s)
    store = await open_soon(settings)
    orders = open_orders(settings)
    clock = DisciplinedClock()
    gateway = _open_gateway(settings, clock)
    witness = LogWitness()
    world = World(
        store=store,
        gateway=gateway,
        orders=orders,
        clock=clock,
        ids=RandomIds(),
        witness=witness,
        policy=policy_of(settings),
        background=Background(on_error=lambda error: witness.stumbled("background", error)),
        service=settings.service_name,
        livemode=is_live_key(settings.stripe_secret_key.get_secret_value()),
        event_reader=event_reader_of(settings),
        order_proofs=order_proofs_of(settings),
        order_reader=orders,
    )
    learning: asyncio.Task[None] | None = None
    try:
        await store.check_schema()
        await _catch_up(world, store)
        await _take_over(world)
        learning = asyncio.create_task(learn_time(world))
        yield world
    finally:
        stop.tell()
        if learning is not None:
            learning.cancel()
        left = await world.background.drain(stop.left_s())
        _log.info("process.drained", cancelled=left)
        await gateway.close()
        await orders.close()
        await store.close()


async def _catch_up(world: World, store: Store) -> None:
    """Read from Stripe what an older database file lacks. Raises Unavailable: no door may open."""
    if not isinstance(store, SqliteStore) or store.outdated is None:
        return
    await know_time(world)
    since = store.outdated.since
    _log.warning("database.catching_up", since=since.isoformat() if since else None)
    orders = await restore_payments(world, since)
    await store.caught_up()
    _log.warning("database.caught_up", orders=orders)


async def _take_over(world: World) -> None:
    """Take over what was left, once Stripe has said what time it is; without that nothing is."""
    try:
        async with asyncio.timeout(FIRST_TIME_S):
            await know_time(world)
    except (GatewayUnavailable, TimeoutError):
        _log.warning("clock.unknown", waited_s=FIRST_TIME_S)
        return
    await take_over(world)


def _open_gateway(settings: Settings, clock: DisciplinedClock) -> StripeGateway:
    return open_stripe(
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
        time=clock,
    )
